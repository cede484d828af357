"""Foreign code that raises: exceptions of every kind, and connectors and resolvers that fail with them."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import aiohttp.abc

from refold_async import (
    AccountScope,
    AsyncRefold,
)
from support.raw_server import RawServer
from support.retry_policies import IMPATIENT

__all__ = [
    "ACTIONS",
    "CALLS",
    "KEY",
    "RAISED",
    "FailingConnector",
    "NoExceptionAtAll",
    "OwnError",
    "client_of",
    "make_raised",
    "resolving",
]

KEY: Final = "tk_very_secret"


class OwnError(Exception):
    """An exception of a class of its own, whose text cannot be read."""

    def __str__(self) -> str:
        """Fail."""
        raise ValueError("no text")

    __repr__ = __str__


class NoExceptionAtAll(BaseException):
    """An exception that `except Exception` does not catch."""


RAISED: Final[dict[str, Callable[[], BaseException]]] = {
    "an exception of its own": OwnError,
    "a BaseException": lambda: NoExceptionAtAll("stop"),
    "a RuntimeError": lambda: RuntimeError("the vault is sealed"),
    "a KeyError": lambda: KeyError("host"),
    "a cancellation": lambda: asyncio.CancelledError("of its own"),
    "an AssertionError": AssertionError,
    "a MemoryError": MemoryError,
    "an OSError": lambda: OSError("no route"),
    "a StopAsyncIteration": StopAsyncIteration,
}


def make_raised(name: str) -> BaseException:
    """Return an exception of a kind."""
    return RAISED[name]()


CALLS: Final[dict[str, Callable[[AccountScope], Awaitable[object]]]] = {
    "read": lambda account: account.list_actions("hubspot"),
    "write": lambda account: account.execute_action("hubspot", "create_contact", {"email": "a@b.c"}),
}
ACTIONS: Final = b'{"node_status": "Success", "data": 1, "actions": []}'


class FailingResolver(aiohttp.abc.AbstractResolver):
    """A resolver that fails a number of times, and then resolves all names to loopback."""

    def __init__(self, make: Callable[[], BaseException], times: int) -> None:
        self.make = make
        self.times = times
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        """Fail, or resolve."""
        self.asked += 1
        await asyncio.sleep(0)
        if self.asked <= self.times:
            raise self.make()
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        """Do nothing: it holds nothing."""


class FailingConnector(aiohttp.TCPConnector):
    """A connector that fails a number of times, and then connects."""

    def __init__(self, make: Callable[[], BaseException], times: int) -> None:
        super().__init__(resolver=FailingResolver(make, 0))  # pyright: ignore[reportUnknownMemberType]
        self.make = make
        self.times = times
        self.asked = 0

    async def connect(self, *arguments: Any, **others: Any) -> Any:
        """Fail, or connect."""
        self.asked += 1
        if self.asked <= self.times:
            raise self.make()
        return await super().connect(*arguments, **others)


def resolving(make: Callable[[], BaseException], times: int) -> aiohttp.TCPConnector:
    """Return a connector whose resolver fails."""
    return aiohttp.TCPConnector(resolver=FailingResolver(make, times))


@asynccontextmanager
async def client_of(server: RawServer, **options: Any) -> AsyncGenerator[AsyncRefold]:
    """Return a client that calls a server by name."""
    options = {"retry": IMPATIENT, "allow_http": True, **options}
    base_url = server.base_url.replace("127.0.0.1", "refold.test" if "connector" in options else "127.0.0.1")
    async with AsyncRefold(KEY, base_url=base_url, **options) as refold:
        yield refold
