"""The programs whose instructions `instructions.py` counts: `python benchmarks/counted.py PROGRAM URL COUNT`.

Each does the same thing `COUNT` times. Without a program, it ends immediately.
"""

import asyncio
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


PROGRAMS: Final[Mapping[str, Callable[[str, int], Awaitable[None]]]] = {
    "lean": lean,
    "plain": plain,
    "call": call,
    "fan-out": fan_out,
    "fan-out, one account": fan_out_one_account,
}


def main() -> None:
    """Run a program."""
    if len(sys.argv) > 1:
        program, url, count = sys.argv[1:]
        asyncio.run(PROGRAMS[program](url, int(count)))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
