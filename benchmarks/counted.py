"""The programs whose instructions `instructions.py` counts: `python benchmarks/counted.py PROGRAM URL COUNT`.

Each does the same thing `COUNT` times, with the standard library's json. Without a program, it ends immediately.
"""

import asyncio
import gc
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

# The programs import what they need themselves, so that each pays for its own imports only.

ACTION: Final = ("hubspot", "get_contact")
PARAMETERS: Final = {"limit": "1"}


async def lean(url: str, count: int) -> None:
    """Call one at a time, with as little of aiohttp as its interface allows."""
    from by_hand import lean

    async with lean(url, 100) as client:
        for _ in range(count):
            assert (await client.execute("user_12345", "get_contact", PARAMETERS))["node_status"] == "Success"


async def plain(url: str, count: int) -> None:
    """Call one at a time, with aiohttp's own defaults."""
    from by_hand import plain

    async with plain(url, 100) as client:
        for _ in range(count):
            assert (await client.execute("user_12345", "get_contact", PARAMETERS))["node_status"] == "Success"


async def careful(url: str, count: int) -> None:
    """Call one at a time, with a deadline, retries and a typed result, as a good engineer writes it by hand."""
    from by_hand import careful

    async with careful(url, 100) as client:
        for _ in range(count):
            result = await client.execute("user_12345", "get_contact", PARAMETERS, idempotent=True)
            assert result.node_status == "Success"


async def call(url: str, count: int) -> None:
    """Call one at a time with this library."""
    from refold_async import AsyncRefold

    async with AsyncRefold("tk_benchmark", base_url=url) as refold:
        for _ in range(count):
            account = refold.account("user_12345")
            result = await account.execute_action(*ACTION, PARAMETERS, idempotent=True)
            assert result.node_status == "Success"


async def _fan_out(url: str, count: int, accounts: int, **options: Any) -> None:
    from refold_async import AsyncRefold

    ids = (f"user_{number % accounts}" for number in range(count))
    async with (
        AsyncRefold("tk_benchmark", base_url=url, **options) as refold,
        refold.fan_out_action(ids, *ACTION, PARAMETERS, idempotent=True, concurrency=2) as outcomes,
    ):
        async for outcome in outcomes:
            assert outcome.status == "ok", outcome


async def fan_out(url: str, count: int) -> None:
    """Call for many accounts, two at the same time."""
    await _fan_out(url, count, count)


async def fan_out_one_account(url: str, count: int) -> None:
    """Call for one account, two at the same time."""
    await _fan_out(url, count, 1)


def _response(body: bytes) -> Any:
    from refold_async.protocol.responses import Response

    return Response(200, {"Content-Type": "application/json"}, body)


async def load_actions(url: str, count: int) -> None:
    """Load the JSON of 500 actions."""
    from api import ACTIONS_BODY

    gc.disable()  # what it does depends on everything else in a process
    for _ in range(count):
        json.loads(ACTIONS_BODY)


async def make_actions(url: str, count: int) -> None:
    """Load 500 actions, and make and read the same models as this library without its checks."""
    from by_refold import make_actions

    gc.disable()
    for _ in range(count):
        make_actions()


async def read_actions(url: str, count: int) -> None:
    """Read a response with 500 actions with this library, and every field of them."""
    from by_refold import read_actions

    gc.disable()
    for _ in range(count):
        read_actions()


async def load_contacts(url: str, count: int) -> None:
    """Load the JSON of a thousand contacts."""
    from api import CONTACTS_BODY

    gc.disable()
    for _ in range(count):
        json.loads(CONTACTS_BODY)


async def read_contacts(url: str, count: int) -> None:
    """Read a result with a thousand contacts into a class of the program."""
    import attrs
    from api import CONTACTS_BODY

    from refold_async.protocol.action_results import parse_action_result
    from refold_async.protocol.requests import execute_action

    @attrs.frozen
    class Contact:
        id: str
        email: str
        score: int

    request, parse = execute_action("hubspot", "list_contacts"), parse_action_result(list[Contact])
    gc.disable()
    for _ in range(count):
        result: Any = parse(_response(CONTACTS_BODY), request)
        assert isinstance(result.data[0], Contact)


PROGRAMS: Final[Mapping[str, Callable[[str, int], Awaitable[None]]]] = {
    "lean": lean,
    "plain": plain,
    "careful": careful,
    "call": call,
    "fan-out": fan_out,
    "fan-out, one account": fan_out_one_account,
    "json.loads of 500 actions": load_actions,
    "500 actions, made without checks": make_actions,
    "500 actions": read_actions,
    "json.loads of 1,000 contacts": load_contacts,
    "1,000 contacts as list[Contact]": read_contacts,
}


def main() -> None:
    """Run a program."""
    # Before the import of anything that checks for orjson once.
    sys.modules["orjson"] = None  # type: ignore[assignment]  # pyright: ignore[reportArgumentType]
    if len(sys.argv) > 1:
        program, url, count = sys.argv[1:]
        asyncio.run(PROGRAMS[program](url, int(count)))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
