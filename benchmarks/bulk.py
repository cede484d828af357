"""What a bulk job costs, and how well it keeps to a rate limit: this library compared with a job by hand on aiohttp.

`python benchmarks/bulk.py [CASE ...]` runs the server on one core and the client on another. It prints a table per
case, with the targets and whether they are met. With `--check` it ends with status 1 if a target is missed.

The server responds after 50 ms, and limits the rate of its clients if the case has a limit. The ideal time of `n` items
at a limit is (n - burst) / rate. Every job has a concurrency of 50.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import signal
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Final

import aiohttp
import attrs
import backoff
from api import KEY, PATH
from by_hand import bounded_task_group
from contestants import CONCURRENCY
from measuring import Rounds, Row, Table, Watch, Work, alternate, in_child, peak_memory
from servers import server, take_core

from refold_async import AccountScope, AsyncRefold, Journal, RateLimit

PARAMETERS: Final = {"limit": "1"}
DELAY: Final = 0.05
REFOLD_LIMIT: Final = RateLimit(20, burst=5)

Job = Callable[[str, int], Awaitable[object]]
"""Processes this many items by calls to this URL."""


@attrs.frozen
class Settings:
    """The settings of all cases."""

    quick: bool
    server_core: int | None

    def count(self, full: int, quick: int) -> int:
        """Return how many items, calls or rounds to use."""
        return quick if self.quick else full

    def limited_server(self, limit: RateLimit | None = None, *options: str) -> contextlib.AbstractContextManager[str]:
        """Run a server that responds after a while, and limits the rate of its clients if a limit is given."""
        held = [] if limit is None else [f"--rate={limit.rate}", f"--burst={limit.burst}"]
        return server("limited_server.py", self.server_core, f"--delay={DELAY}", *held, *options)

    def canned_server(self) -> contextlib.AbstractContextManager[str]:
        """Run a server that responds immediately."""
        return server("canned_server.py", self.server_core)


def ids(count: int) -> Iterator[str]:
    """Yield linked account ids."""
    return (f"user_{number}" for number in range(count))


async def fan_out_action(refold: AsyncRefold, count: int, journal: Journal | None = None) -> None:
    """Process this many items with this library."""
    async with refold.fan_out_action(ids(count), "hubspot", "get_contact", PARAMETERS, journal=journal) as outcomes:
        async for outcome in outcomes:
            assert outcome.status == "ok", outcome


def by_refold(rate_limit: RateLimit | None = None) -> Job:
    """Return the job with a client of its own, with or without the rate limit."""

    async def run(url: str, count: int) -> object:
        async with AsyncRefold(KEY, base_url=url, rate_limit=rate_limit) as refold:
            return await refold.fan_out_action(ids(count), "hubspot", "get_contact", PARAMETERS).collect()

    return run


async def post(session: aiohttp.ClientSession, url: str, item: str) -> Any:
    """Execute the action as one writes it by hand: with only aiohttp's own deadline and no check of the response."""
    headers = {"x-api-key": KEY, "linked_account_id": item}
    async with session.post(url + PATH, json=PARAMETERS, headers=headers, raise_for_status=True) as response:
        return await response.json()


def is_final(error: Exception) -> bool:
    """Return whether an error is not a refusal."""
    return not isinstance(error, aiohttp.ClientResponseError) or error.status != 429


@backoff.on_exception(backoff.expo, aiohttp.ClientError, max_tries=8, giveup=is_final)
async def post_with_backoff(session: aiohttp.ClientSession, url: str, item: str) -> Any:
    """Execute the action, and retry it if it was refused."""
    return await post(session, url, item)


def by_gather(call: Callable[[aiohttp.ClientSession, str, str], Awaitable[Any]]) -> Job:
    """Return the job as one writes it by hand, with gather and a semaphore."""

    async def run(url: str, count: int) -> object:
        permits = asyncio.Semaphore(CONCURRENCY)

        async def work(item: str) -> Any:
            async with permits:
                return await call(session, url, item)

        async with aiohttp.ClientSession() as session:
            return await asyncio.gather(*map(work, ids(count)), return_exceptions=True)

    return run


def counts(url: str) -> dict[str, int]:
    """Return what a limited server has counted."""
    with urllib.request.urlopen(f"{url}/counts") as response:
        seen: dict[str, int] = json.load(response)
    return seen


async def held_to_a_limit(settings: Settings, name: str, job: Job, count: int, limit: RateLimit, *options: str) -> Row:
    """Run a job with a server that has a limit, and return its row."""
    with settings.limited_server(limit, *options) as url:
        began = time.perf_counter()
        await job(url, count)
        elapsed = time.perf_counter() - began
        seen = counts(url)
    return {
        "": name,
        "time / ideal": elapsed / ((count - limit.burst) / limit.rate),
        "seconds": elapsed,
        "refused %": 100 * seen["refused"] / (seen["accepted"] + seen["refused"]),
        "refused": seen["refused"],
        "done once": seen["once"],
        "done again": seen["again"],
        "not done": count - seen["once"] - seen["again"],
    }


def paced(settings: Settings) -> Generator[Table]:
    """Keep to a limit that the client knows."""
    count = settings.count(300, 60)

    async def run() -> list[Row]:
        return await asyncio.gather(
            *(
                held_to_a_limit(
                    settings,
                    f"up to {jitter:g} s in transit",
                    by_refold(REFOLD_LIMIT),
                    count,
                    REFOLD_LIMIT,
                    f"--jitter={jitter}",
                )
                for jitter in (0.02, 0.2)
            )
        )

    near, far = asyncio.run(run())
    targets = {
        "nothing is refused if requests are up to 20 ms in transit": near["refused"] == 0,
        "and the time is at most 1.05 times the ideal": float(near["time / ideal"]) <= 1.05,
        "at most 1 % is refused if they are up to 200 ms in transit": float(far["refused %"]) <= 1,
    }
    yield Table(f"paced: {count} items at 20/s with bursts of 5, RateLimit(20, burst=5)", [near, far], targets)


def learned(settings: Settings) -> Generator[Table]:
    """Learn a limit that the client does not know."""
    fast, slow = RateLimit(200, burst=20), REFOLD_LIMIT
    many, few = settings.count(3000, 600), settings.count(200, 60)
    jobs = {
        "refold_async": by_refold(),
        "gather": by_gather(post),
        "gather, backoff": by_gather(post_with_backoff),
    }
    variants: list[tuple[str, int, RateLimit, tuple[str, ...], float | None]] = [
        ("200/s with bursts of 20", many, fast, (), 1.15),
        ("200/s with bursts of 20, Retry-After: 1", many, fast, ("--retry-after=1",), 1.3),
        ("20/s with bursts of 5", few, slow, (), None),
    ]

    async def run(name: str, job: Job) -> list[Row]:
        return await asyncio.gather(
            *(held_to_a_limit(settings, name, job, count, limit, *options) for _, count, limit, options, _ in variants)
        )

    # All variants at the same time, as each leaves the client's core mostly idle; one contestant after another.
    results = [asyncio.run(run(name, job)) for name, job in jobs.items()]
    for (title, count, _, _, longest), rows in zip(variants, zip(*results, strict=True), strict=True):
        ours = rows[0]
        targets = {"every item is done exactly once": ours["done once"] == count}
        if longest is not None:
            targets["under 5 % of the requests are refused"] = float(ours["refused %"]) < 5
            targets[f"the time is at most {longest} times the ideal"] = float(ours["time / ideal"]) <= longest
        yield Table(
            f"learned: {count:,} items, the server's limit {title}, not known to the client", list(rows), targets
        )


def throughput(settings: Settings) -> Generator[Table]:
    """Process as many items as one core can."""
    rounds, count = settings.count(20, 3), settings.count(2500, 1000)

    async def run(url: str) -> Rounds:
        async with aiohttp.ClientSession() as session, AsyncRefold(KEY, base_url=url) as refold:
            contestants: dict[str, Work] = {
                "refold_async": lambda count: fan_out_action(refold, count),
                "TaskGroup": lambda count: bounded_task_group(lambda item: post(session, url, item), ids(count)),
            }
            return await alternate(contestants, rounds, count)

    with settings.canned_server() as url:
        measured = asyncio.run(run(url))
    ratio = measured.ratio(measured.elapsed, "TaskGroup", "refold_async")
    yield Table(
        f"throughput: {rounds} rounds of {count:,} items, a server that responds immediately",
        measured.rows("TaskGroup"),
        {"at least 0.95 times the throughput of a bounded TaskGroup on bare aiohttp": ratio >= 0.95},
    )


async def do_nothing(scope: AccountScope, item: str) -> None:
    """Give others a turn."""
    await asyncio.sleep(0)


async def fan_out_nothing(count: int) -> None:
    """Fan out a call that does nothing."""
    async with AsyncRefold(KEY) as refold, refold.fan_out(ids(count), do_nothing) as outcomes:
        async for _ in outcomes:
            pass


async def task_group_nothing(count: int) -> None:
    """Do the same in a bounded TaskGroup."""
    await bounded_task_group(lambda item: asyncio.sleep(0), ids(count))


NOTHINGS: Final[Mapping[str, Work]] = {"refold_async": fan_out_nothing, "TaskGroup": task_group_nothing}


def nothings_in_rounds(rounds: int, count: int) -> Rounds:
    """Compare the CPU time of doing nothing."""
    return asyncio.run(alternate(NOTHINGS, rounds, count))


def nothing_watched(name: str, count: int) -> tuple[float, float, float]:
    """Return the longest time the loop was blocked, by the clock and in CPU time, in ms, and the memory peak in MB."""

    async def run() -> Watch:
        with Watch() as watch:
            await NOTHINGS[name](count)
        return watch

    watch = asyncio.run(run())
    return watch.longest * 1000, watch.longest_cpu * 1000, peak_memory()


def nothing_interrupted(count: int, started: Event) -> None:
    """Fan out until interrupted."""

    async def run() -> None:
        started.set()
        await fan_out_nothing(count)

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run())
        sys.exit("ended without an interrupt")


def seconds_to_end(count: int, after: float) -> float:
    """Interrupt a job some seconds after it began, and return how many seconds it took to end."""
    context = multiprocessing.get_context("spawn")
    started = context.Event()
    process = context.Process(target=nothing_interrupted, args=(count, started))
    process.start()
    started.wait()
    time.sleep(after)
    assert process.pid is not None
    began = time.perf_counter()
    os.kill(process.pid, signal.SIGINT)
    process.join()
    assert process.exitcode == 0, "the job ended before it was interrupted"
    return time.perf_counter() - began


def million(settings: Settings) -> Generator[Table]:
    """Process a million items that cost nothing themselves."""
    count, few = settings.count(1_000_000, 100_000), 10_000
    rounds = settings.count(5, 3)
    measured = in_child(nothings_in_rounds, rounds, count // 5)
    ratio = measured.ratio(measured.cpu, "refold_async", "TaskGroup")
    yield Table(
        f"million, CPU: {rounds} rounds of {count // 5:,} items that await asyncio.sleep(0)",
        measured.rows("TaskGroup"),
        {"at most 2 times the CPU time of a bounded TaskGroup": ratio <= 2},
    )

    rows: list[Row] = []
    for name, items in (("refold_async", few), ("refold_async", count), ("TaskGroup", count)):
        held, held_cpu, memory = in_child(nothing_watched, name, items)
        rows.append({"": f"{name}, {items:,}", "peak MB": memory, "loop held, ms": held, "ms of CPU": held_cpu})
    growth = float(rows[1]["peak MB"]) - float(rows[0]["peak MB"])
    yield Table(
        f"million: {count:,} items, each time in a fresh process (memory: VmHWM)",
        rows,
        {
            f"at most 20 MB more than for {few:,} items (it is {growth:.1f} MB)": growth <= 20,
            "the loop is never blocked longer than 20 ms of CPU": float(rows[1]["ms of CPU"]) <= 20,
        },
    )

    moments = [random.uniform(0, 2) for _ in range(settings.count(10, 3))]
    endings = [seconds_to_end(100 * count, moment) for moment in moments]
    yield Table(
        f"million, Ctrl-C: {len(moments)} jobs, interrupted up to 2 s after they began",
        [{"": "seconds until the process ended", "median": statistics.median(endings), "longest": max(endings)}],
        {"every job ends within half a second": max(endings) <= 0.5},
    )


def journal(settings: Settings) -> Generator[Table]:
    """Record how every item ends."""
    rounds, count, few = settings.count(20, 3), settings.count(2500, 1000), settings.count(100, 40)

    async def run(directory: Path) -> tuple[Rounds, Rounds]:
        runs = iter(range(1_000))

        def recorded(refold: AsyncRefold) -> Work:
            return lambda count: fan_out_action(refold, count, Journal(directory / f"{next(runs)}", job="benchmark"))

        def contestants(refold: AsyncRefold) -> dict[str, Work]:
            return {"journal": recorded(refold), "none": lambda count: fan_out_action(refold, count)}

        with settings.canned_server() as url:
            async with AsyncRefold(KEY, base_url=url) as refold:
                fast = await alternate(contestants(refold), rounds, count)
        with settings.limited_server() as url:
            async with AsyncRefold(KEY, base_url=url, rate_limit=REFOLD_LIMIT) as refold:
                return fast, await alternate(contestants(refold), 2, few)

    with tempfile.TemporaryDirectory() as directory:
        fast, slow = asyncio.run(run(Path(directory)))
    yield Table(
        f"journal: {rounds} rounds of {count:,} items, a server that responds immediately",
        fast.rows("none"),
        {"at least 0.85 times the throughput without a journal": fast.ratio(fast.elapsed, "none", "journal") >= 0.85},
    )
    yield Table(
        f"journal: {few} items at 20/s, RateLimit(20, burst=5)",
        slow.rows("none"),
        {"no more than 1 % longer than without": slow.ratio(slow.elapsed, "journal", "none") <= 1.01},
    )


async def single_calls(account: AccountScope, job: asyncio.Task[None], apart: float) -> list[float]:
    """Make single calls at random moments while a job runs, and return how long each waited to be sent, in ms."""
    waits: list[float] = []
    while not job.done():
        await asyncio.sleep(random.uniform(0.5, 1.5) * apart)
        began = time.perf_counter()
        await account.execute_action("hubspot", "get_contact", PARAMETERS)
        waits.append((time.perf_counter() - began - DELAY) * 1000)
    return waits


async def overtaking(
    settings: Settings, name: str, count: int, limit: RateLimit | None, apart: float, connections: int
) -> Row:
    """Make single calls during a job, and return their row."""
    with settings.limited_server(limit, *(["--jitter=0.02"] if limit is None else [])) as url:
        async with AsyncRefold(KEY, base_url=url, rate_limit=limit, max_connections=connections) as refold:
            job = asyncio.create_task(fan_out_action(refold, count))
            waits = await single_calls(refold.account("single"), job, apart)
            await job
        refused = counts(url)["refused"]
    percentiles = statistics.quantiles(waits, n=20)
    return {
        "": name,
        "calls": len(waits),
        "median ms": statistics.median(waits),
        "95th percentile ms": percentiles[-1],
        "longest ms": max(waits),
        "refused": refused,
    }


def overtake(settings: Settings) -> Generator[Table]:
    """Make single calls while a job is running."""
    few, many = settings.count(300, 80), settings.count(3000, 600)

    async def run() -> tuple[Row, Row, Row]:
        return await asyncio.gather(
            overtaking(settings, "20/s, bursts of 5", few, REFOLD_LIMIT, 0.2, 100),
            overtaking(settings, "20/s, no bursts", few, RateLimit(20, burst=1), 0.2, 100),
            overtaking(settings, "10 connections, up to 20 ms in transit", many, None, 0.1, 10),
        )

    rows = asyncio.run(run())
    waits = [float(row["95th percentile ms"]) for row in rows]
    yield Table(
        f"overtake: how long single calls wait during a job of {few} items (of {many:,} if there is no limit)",
        list(rows),
        {
            "at most 2 / rate at the 95th percentile": max(waits[:2]) <= 100,
            "at most the time of one call, 70 ms, if all wait for a connection": waits[2] <= 70,
        },
    )


CASES: Final[Mapping[str, Callable[[Settings], Generator[Table]]]] = {
    case.__name__: case for case in (paced, learned, throughput, million, journal, overtake)
}


def main() -> None:
    """Run the chosen cases, and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", metavar="CASE", nargs="*", help=f"{', '.join(CASES)}; by default all")
    parser.add_argument("--quick", action="store_true", help="fewer items, with rough figures")
    parser.add_argument("--check", action="store_true", help="end with status 1 if a target is missed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the measurements to a file")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - set(CASES):
        parser.error(f"there is no case {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")

    random.seed(1)
    settings = Settings(arguments.quick, take_core())
    if settings.server_core is None:
        print("Client and server share the only core, so the figures are less steady.")
    measured: dict[str, list[Table]] = {}
    for name in arguments.cases or CASES:
        measured[name] = []
        for table in CASES[name](settings):
            table.show()
            measured[name].append(table)
    if arguments.json is not None:
        content = {name: [attrs.asdict(table) for table in tables] for name, tables in measured.items()}
        arguments.json.write_text(json.dumps(content, indent=2) + "\n")
    missed = [name for name, tables in measured.items() if not all(all(table.targets.values()) for table in tables)]
    print(f"\nTargets missed: {', '.join(missed)}." if missed else "\nAll targets are met.")
    sys.exit(1 if missed and arguments.check else 0)


if __name__ == "__main__":
    main()
