"""What one small read costs in CPU: this library beside the same call by hand on aiohttp.

`python benchmarks/read.py` starts the canned server on one core, runs the client on another, alternates the two
contestants round by round, and prints CPU time per call and the median of the rounds' ratios. `--without-orjson` keeps
the library to the standard library's json, as in an installation without the extra `speed`.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp

if "--without-orjson" in sys.argv:
    # Before the library is imported, which looks for it once.
    sys.modules["orjson"] = None  # type: ignore[assignment]  # pyright: ignore[reportArgumentType]

from servers import server, take_core

from refold_async import AsyncRefold, json_codec

PATH = "/api/v2/integration-schema/hubspot/actions/get_contact/execute"
PARAMETERS = {"limit": "1"}
Contestant = Callable[[int], Awaitable[None]]


def by_hand(session: aiohttp.ClientSession, url: str) -> Contestant:
    """Return the call as one writes it by hand: no deadline but aiohttp's own, no check of what came back."""
    headers = {"x-api-key": "tk_benchmark", "linked_account_id": "user_12345"}

    async def run(calls: int) -> None:
        for _ in range(calls):
            async with session.post(url + PATH, json=PARAMETERS, headers=headers) as response:
                value = await response.json()
                assert value["node_status"] == "Success"

    return run


def by_refold(refold: AsyncRefold) -> Contestant:
    """Return the call by this library: deadline, checks and a typed result included."""
    account = refold.account("user_12345")

    async def run(calls: int) -> None:
        for _ in range(calls):
            result = await account.execute_action("hubspot", "get_contact", PARAMETERS)
            assert result.node_status == "Success"

    return run


async def cpu_per_call(contestant: Contestant, calls: int) -> float:
    """Return the CPU time of this process per call, in microseconds."""
    began = time.process_time()
    await contestant(calls)
    return (time.process_time() - began) / calls * 1e6


async def compare(url: str, rounds: int, calls: int) -> tuple[list[float], list[float]]:
    """Return the CPU time per call of every round, by hand and by this library."""
    hand: list[float] = []
    refold: list[float] = []
    async with aiohttp.ClientSession() as session, AsyncRefold("tk_benchmark", base_url=url) as client:
        contestants = [(hand, by_hand(session, url)), (refold, by_refold(client))]
        for _, contestant in contestants:
            await contestant(calls)
        for number in range(rounds):
            # Whoever comes first may meet a warmer or colder machine, so they take turns.
            for figures, contestant in contestants if number % 2 == 0 else reversed(contestants):
                figures.append(await cpu_per_call(contestant, calls))
    return hand, refold


def main() -> None:
    """Run the comparison and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--calls", type=int, default=1000, help="calls per round")
    parser.add_argument("--without-orjson", action="store_true", help="use the standard library's json")
    parser.add_argument("--uvloop", action="store_true", help="run both on uvloop")
    arguments = parser.parse_args()

    server_core = take_core()
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if arguments.uvloop:
        import uvloop

        loop_factory = uvloop.new_event_loop
    with server("canned_server.py", server_core) as url, asyncio.Runner(loop_factory=loop_factory) as runner:
        hand, refold = runner.run(compare(url, arguments.rounds, arguments.calls))

    ratios = [ours / theirs for ours, theirs in zip(refold, hand, strict=True)]
    apart = "on another core" if server_core is not None else "on the same cores: figures are less steady"
    codec = json_codec.decode.__name__.removeprefix("decode_with_")
    print(f"CPU per small read, {arguments.rounds} rounds of {arguments.calls} calls, {codec}, server {apart}")
    for name, figures in (("aiohttp by hand", hand), ("refold_async", refold)):
        quartiles = statistics.quantiles(figures, n=4)
        print(
            f"  {name:<16} {statistics.median(figures):7.1f} µs   (quartiles {quartiles[0]:.1f} to {quartiles[2]:.1f})"
        )
    quartiles = statistics.quantiles(ratios, n=4)
    print(f"  {'ratio':<16} {statistics.median(ratios):7.3f}      (quartiles {quartiles[0]:.3f} to {quartiles[2]:.3f})")


if __name__ == "__main__":
    main()
