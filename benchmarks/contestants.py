"""The contestants: this library, the same calls by hand, and other libraries."""

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final, Literal, Protocol

import attrs

Parameters = Mapping[str, object]
CONCURRENCY: Final = 50
"""How many calls are in flight at the same time, if more than one."""

Environment = Literal["json", "orjson", "uvloop"]
"""What a contestant's process has: neither, orjson, or orjson and uvloop."""


class Client(Protocol):
    """What a program keeps for its whole life and makes its calls with."""

    async def execute(
        self, account: str, action_id: str, parameters: Parameters, *, idempotent: bool = False
    ) -> object:
        """Execute an action."""
        ...

    async def list_actions(self, account: str) -> None:
        """List the actions of an app, and read every field."""
        ...

    async def fan_out(self, items: Iterable[str], parameters: Parameters) -> None:
        """Execute an action for many accounts."""
        ...


Opener = Callable[[str, int], AbstractAsyncContextManager[Client]]


@attrs.frozen
class Contestant:
    """One way to make the calls."""

    name: str
    module: str
    """The module of its opener, imported only when it is opened, so that nobody pays for the others."""
    opener: str
    environment: Environment = "json"
    share: float = 1.0
    """The share of a round's calls that it makes; less than 1 for slow ones."""
    needs: tuple[str, ...] = ()
    """The packages that it needs in addition to this library."""
    blocks: bool = False
    """Whether its calls block, so that it makes one at a time only."""

    def open(self, url: str, connections: int) -> AbstractAsyncContextManager[Client]:
        """Open a client of this URL with at most this many connections."""
        opener: Opener = getattr(importlib.import_module(self.module), self.opener)
        return opener(url, connections)

    @property
    def missing(self) -> list[str]:
        """Those of the needed packages that are not installed."""
        return [name for name in self.needs if importlib.util.find_spec(name) is None]


PLAIN: Final = "aiohttp, plain"
PLAIN_WITH_ORJSON: Final = "aiohttp, plain, orjson"
PLAIN_ON_UVLOOP: Final = "aiohttp, plain, orjson, uvloop"
CAREFUL: Final = "aiohttp, careful"
LEAN: Final = "aiohttp, lean"
LEAN_WITH_ORJSON: Final = "aiohttp, lean, orjson"
LEAN_ON_UVLOOP: Final = "aiohttp, lean, orjson, uvloop"
BARE: Final = "asyncio alone"
REFOLD: Final = "refold_async"
REFOLD_WITH_ORJSON: Final = "refold_async, orjson"
REFOLD_ON_UVLOOP: Final = "refold_async, orjson, uvloop"
HTTPX: Final = "httpx"
HTTPX_ON_AIOHTTP: Final = "httpx on aiohttp"
NIQUESTS: Final = "niquests"
COMPOSIO: Final = "composio"

PEERS: Final[Mapping[str, Contestant]] = {
    contestant.name: contestant
    for contestant in (
        Contestant("httptools over streams", "by_others", "httptools", needs=("httptools",)),
        Contestant("pyreqwest", "by_others", "pyreqwest", needs=("pyreqwest",)),
        Contestant("aiosonic", "by_others", "aiosonic", needs=("aiosonic",)),
        Contestant(
            *("openapi-python-client", "by_sdks", "generated"),
            share=0.1,
            needs=("openapi_python_client",),
        ),
        Contestant("stripe on aiohttp", "by_sdks", "stripe_on_aiohttp", share=0.2, needs=("stripe",)),
        Contestant("stripe on httpx", "by_sdks", "stripe_on_httpx", share=0.1, needs=("stripe", "httpx")),
        Contestant("openai on aiohttp", "by_sdks", "openai_on_aiohttp", share=0.1, needs=("openai",)),
        Contestant("openai", "by_sdks", "openai", share=0.1, needs=("openai",)),
        Contestant(
            *("pipedream on aiohttp", "by_sdks", "pipedream_on_aiohttp"),
            share=0.1,
            needs=("pipedream", "httpx_aiohttp"),
        ),
        Contestant("pipedream", "by_sdks", "pipedream", share=0.1, needs=("pipedream", "httpx")),
        Contestant("composio-client", "by_sdks", "composio_client", share=0.1, needs=("composio_client",)),
        Contestant(COMPOSIO, "by_sdks", "composio", share=0.1, needs=("composio",), blocks=True),
    )
}
"""Other clients, which make the same call, and the SDKs of other APIs, each of which makes its own simplest call."""

CONTESTANTS: Final[Mapping[str, Contestant]] = {
    contestant.name: contestant
    for contestant in (
        Contestant(PLAIN, "by_hand", "plain"),
        Contestant(REFOLD, "by_refold", "refold"),
        Contestant(CAREFUL, "by_hand", "careful"),
        Contestant(LEAN, "by_hand", "lean"),
        Contestant(BARE, "by_hand", "bare"),
        Contestant(PLAIN_WITH_ORJSON, "by_hand", "plain_with_orjson", "orjson", needs=("orjson",)),
        Contestant(LEAN_WITH_ORJSON, "by_hand", "lean_with_orjson", "orjson", needs=("orjson",)),
        Contestant(REFOLD_WITH_ORJSON, "by_refold", "refold", "orjson", needs=("orjson",)),
        Contestant(PLAIN_ON_UVLOOP, "by_hand", "plain_with_orjson", "uvloop", needs=("orjson", "uvloop")),
        Contestant(LEAN_ON_UVLOOP, "by_hand", "lean_with_orjson", "uvloop", needs=("orjson", "uvloop")),
        Contestant(REFOLD_ON_UVLOOP, "by_refold", "refold", "uvloop", needs=("orjson", "uvloop")),
        Contestant(HTTPX, "by_others", "httpx", share=0.1, needs=("httpx",)),
        Contestant(HTTPX_ON_AIOHTTP, "by_others", "httpx_on_aiohttp", share=0.2, needs=("httpx", "httpx_aiohttp")),
        Contestant(NIQUESTS, "by_others", "niquests", share=0.2, needs=("niquests",)),
        *PEERS.values(),
    )
}

FLOORS: Final = frozenset({LEAN, LEAN_WITH_ORJSON, LEAN_ON_UVLOOP})
"""Those that show the lowest possible cost. They are not clients for real use."""
