"""What grows with the number of items, calls or errors, and how fast: a curve for each, with its exponent and a bar.

`python benchmarks/curves.py [CURVE ...]` prints them and writes them to `benchmarks/results/curves.json`. It takes
about three minutes. The exponent of a curve is its slope if both axes are logarithmic: 0 is a cost that stays the same,
1 one that doubles with the number. What whole jobs cost is measured by `growth.py`.

With `--check` it ends with status 1 if a bar is missed.
"""

import argparse
import asyncio
import gc
import itertools
import json
import logging
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import make_dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import attrs
from api import KEY
from bulk import PARAMETERS, Settings, fan_out_action, ids, post
from by_hand import bounded_task_group
from circumstances import Circumstances
from measuring import Watch, in_child
from servers import take_core

from refold_async import AsyncRefold, Journal, RateLimitError
from refold_async.codec.structuring.converters import structure
from refold_async.codec.structuring.into_types import check_target
from refold_async.codec.structuring.misfits import MisfitError
from refold_async.limits.adaptive_rate import AdaptiveRate
from refold_async.testing import Answer, MockRefold
from refold_async.transport.deadlines import Deadline, Deadlines

RESULTS: Final = Path(__file__).with_name("results") / "curves.json"
WARM_UP: Final = 300
"""How many items run before a measurement: the first calls import parts of the library."""


@attrs.frozen
class Curve:
    """How a cost grows."""

    name: str
    """What costs something."""
    of: str
    """What there is more and more of."""
    unit: str
    """The unit of the cost."""
    points: Sequence[tuple[int, float]]
    """The numbers, and the cost at each."""
    steepest: float
    """The bar: the highest exponent."""
    most: float = math.inf
    """The bar: the highest cost at the largest number."""

    @property
    def exponent(self) -> float:
        """The slope of the logarithm, by least squares."""
        slope = statistics.linear_regression(
            [math.log(number) for number, _ in self.points], [math.log(max(cost, 1e-9)) for _, cost in self.points]
        ).slope
        return round(slope, 3)

    @property
    def met(self) -> bool:
        """Whether it meets its bars."""
        return self.exponent <= self.steepest and self.points[-1][1] <= self.most

    def show(self) -> None:
        """Print it."""
        print(f"{self.name}: {self.unit}, by {self.of}")
        print("  " + "   ".join(f"{number:,}: {cost:,.3g}" for number, cost in self.points))
        bars = f"exponent {self.exponent:+.2f}, at most {self.steepest:+.2f}"
        if self.most < math.inf:
            bars += f"; at most {self.most:,.3g} {self.unit} at the end"
        print(f"  {'met' if self.met else 'MISSED'}: {bars}", flush=True)

    def as_dict(self) -> dict[str, Any]:
        """Return it for the file of results."""
        return {
            **attrs.asdict(self, filter=lambda field, _: field.name != "most"),
            "exponent": self.exponent,
            "most": None if self.most == math.inf else self.most,
            "met": self.met,
        }


def cpu_of(work: Callable[[], object], rounds: int = 3) -> float:
    """Return the fewest seconds of CPU time that some work took."""
    taken: list[float] = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return min(taken)


def resident() -> int:
    """Return how many bytes of memory this process uses now, without what can be collected."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


# One account that may send little


def cost_of_accounts(url: str, count: int, kind: str) -> float:
    """Return the CPU time per item in µs of a fan-out, least of three."""
    limit = None if kind == "unlimited" else 2
    hot = {"unlimited": 0, "alone": 1, "mixed": 2}[kind]

    async def run(number: int) -> None:
        accounts = ["hot" if hot and one % hot == 0 else f"user_{one}" for one in range(number)]
        async with (
            AsyncRefold(KEY, base_url=url, account_concurrency=limit) as refold,
            refold.fan_out_action(accounts, "hubspot", "get_contact", PARAMETERS, idempotent=True) as outcomes,
        ):
            async for outcome in outcomes:
                assert outcome.status == "ok", outcome

    asyncio.run(run(WARM_UP))
    return cpu_of(lambda: asyncio.run(run(count))) / count * 1e6


def hot_account(settings: Settings) -> list[Curve]:
    """Work on items of one account that may have only two requests in flight."""
    counts = (500, 1_000) if settings.quick else (500, 1_000, 2_000, 4_000, 8_000, 16_000)
    with settings.canned_server() as url:
        taken = {
            kind: [(count, in_child(cost_of_accounts, url, count, kind)) for count in counts]
            for kind in ("unlimited", "alone", "mixed")
        }
    free = statistics.median(cost for _, cost in taken["unlimited"])
    unit = "CPU µs per item"
    return [
        Curve("all accounts, without a limit", "items", unit, taken["unlimited"], 0.1),
        Curve("one account, two calls at a time", "items", unit, taken["alone"], 0.1, 2 * free),
        Curve("half the items for that account", "items", unit, taken["mixed"], 0.1, 2 * free),
    ]


# Items that wait for their account


def memory_of_parked(count: int) -> float:
    """Return the bytes that each waiting item takes. A hundred items of other accounts end meanwhile."""
    others = 100
    logging.getLogger("refold_async").setLevel(logging.ERROR)  # it tells that the account is refused

    async def run() -> float:
        async with MockRefold(record=False) as mock:
            mock.script(Answer(429, retry_after=50), linked_account_id="hot")
            before = resident()
            items = itertools.chain(itertools.repeat("hot", count), ids(others))
            async with (
                AsyncRefold(KEY, base_url=mock.base_url) as refold,
                refold.fan_out_action(items, "hubspot", "get_contact", PARAMETERS, grace=0) as outcomes,
            ):
                ended = 0
                async for outcome in outcomes:
                    assert outcome.linked_account_id != "hot"
                    ended += 1
                    if ended == others:
                        break
                return (resident() - before) / count

    return asyncio.run(run())


def parked(settings: Settings) -> list[Curve]:
    """Let items wait for an account that is refused, while others go on."""
    counts = (500, 1_000) if settings.quick else (3_000, 10_000, 30_000, 90_000)
    points = [(count, in_child(memory_of_parked, count)) for count in counts]
    return [Curve("items that wait for a refused account", "such items", "bytes per item", points, 0.1, 1_000)]


# Types that are made at run time


def memory_of_types(count: int) -> float:
    """Return the MB that a process holds after it has used so many classes, each once."""
    before = resident()
    for number in range(count):
        made = make_dataclass(f"Contact{number}", [("id", str), ("score", int)])
        check_target(made)
        structure({"id": "1", "score": number}, made, "data")
    return (resident() - before) / 1e6


def run_time_types(settings: Settings) -> list[Curve]:
    """Use a new class for each call."""
    counts = (50, 100) if settings.quick else (1_000, 2_000, 4_000, 8_000)
    points = [(count, in_child(memory_of_types, count)) for count in counts]
    return [Curve("into= with a new class for each call", "calls", "MB held", points, 0.3, 25)]


# Lists that do not fit


@attrs.frozen
class Contact:
    """A row of a list."""

    id: str
    email: str
    score: int


def cost_of_misfits(count: int, kind: str) -> float:
    """Return the CPU time per element in µs of a list in which some elements do not fit."""
    wrong: Mapping[str, Callable[[int], bool]] = {
        "none": lambda number: False,
        "all": lambda number: True,
        "the last": lambda number: number == count - 1,
        "one in 100": lambda number: number % 100 == 99,
    }
    rows = [
        {"id": str(number), "email": "a@example.com", "score": "1" if wrong[kind](number) else 1}
        for number in range(count)
    ]

    def work() -> None:
        fits = True
        try:
            structure(rows, list[Contact], "data")
        except MisfitError:
            fits = False
        assert fits == (kind == "none")

    work()
    return cpu_of(work, 5) / count * 1e6


def misfits(settings: Settings) -> list[Curve]:
    """Structure long lists with elements that do not fit."""
    counts = (200, 400) if settings.quick else (1_000, 4_000, 16_000, 64_000)
    taken = {
        kind: [(count, in_child(cost_of_misfits, count, kind)) for count in counts]
        for kind in ("none", "the last", "one in 100", "all")
    }
    fits = taken["none"][-1][1]
    names = {"none": "a list that fits", "the last": "a list whose last element does not fit"}
    names |= {"one in 100": "a list in which one in 100 does not fit", "all": "a list in which nothing fits"}
    return [
        Curve(names[kind], "elements", "CPU µs per element", points, 0.1, math.inf if kind == "none" else 3 * fits)
        for kind, points in taken.items()
    ]


# Deadlines of calls that wait


def cost_of_deadlines(count: int) -> float:
    """Return the CPU time in µs to end ten calls at their deadlines, while so many others wait."""

    async def run() -> float:
        loop = asyncio.get_running_loop()
        deadlines = Deadlines(loop)
        far = [Deadline(deadlines, loop.time() + 3600 + number) for number in range(count)]
        for deadline in far:
            deadline.__enter__()

        async def expire(after: float) -> None:
            try:
                with Deadline(deadlines, loop.time() + after):
                    await asyncio.sleep(3600)
            except TimeoutError:
                pass

        await expire(0.001)  # which puts the others into order, once
        rounds, each = 30, 10
        began = time.process_time()
        for _ in range(rounds):
            await asyncio.gather(*(expire(0.001) for _ in range(each)))
        taken = (time.process_time() - began) / rounds
        for deadline in far:
            deadline.__exit__(None, None, None)
        return taken * 1e6

    return asyncio.run(run())


def expiring(settings: Settings) -> list[Curve]:
    """End calls at their deadlines while others wait."""
    counts = (100, 200) if settings.quick else (1_000, 10_000, 100_000)
    points = [(count, in_child(cost_of_deadlines, count)) for count in counts]
    return [Curve("ten calls end at their deadlines", "calls that wait", "CPU µs", points, 0.1, 2_000)]


# Refusals


def cost_of_refusals(count: int) -> float:
    """Return the CPU time per refusal in µs for the adaptive rate."""

    def work() -> None:
        adaptive = AdaptiveRate(100)
        for number in range(count):
            now = number / 1_000
            adaptive.take(now)
            account = f"user_{number % 30_000}"
            if number % 3:
                adaptive.refused(now, account, now + 0.01)
            else:
                adaptive.accepted(now, account, now + 0.01)

    return cpu_of(work) / count * 1e6


def refusals(settings: Settings) -> list[Curve]:
    """Let a server refuse two thirds of the requests, for many accounts."""
    counts = (100, 200) if settings.quick else (1_000, 3_000, 10_000, 30_000, 100_000)
    points = [(count, in_child(cost_of_refusals, count)) for count in counts]
    return [Curve("a refusal for the adaptive rate", "refusals", "CPU µs per response", points, 0.1, 20)]


# Journals


def costs_of_journal(url: str, count: int) -> tuple[float, float]:
    """Return the CPU time in ms to sum up a journal with so many finished items, and to run its job again."""
    with tempfile.TemporaryDirectory() as directory:
        journal = Journal(Path(directory, "job.sqlite"), job="benchmark")

        async def run(items: int) -> None:
            async with AsyncRefold(KEY, base_url=url) as refold:
                await fan_out_action(refold, items, journal)

        async def begin() -> None:
            """Begin a run and end it, as a job does that has nothing to do."""
            await run(0)

        asyncio.run(run(count))
        asyncio.run(begin())
        summed = cpu_of(lambda: [journal.summary() for _ in range(20)]) / 20
        opened = cpu_of(lambda: asyncio.run(begin()), 5)
        return summed * 1e3, opened * 1e3


def journals(settings: Settings) -> list[Curve]:
    """Sum up and open journals of finished items."""
    counts = (100, 200) if settings.quick else (1_000, 5_000, 25_000, 100_000)
    with settings.canned_server() as url:
        taken = [(count, in_child(costs_of_journal, url, count)) for count in counts]
    return [
        Curve("journal.summary()", "finished items", "CPU ms", [(count, summed) for count, (summed, _) in taken], 0.1),
        Curve("a run begins and ends", "finished items", "CPU ms", [(count, run) for count, (_, run) in taken], 0.1),
    ]


# Memory that stays


def memory_of_mock(count: int) -> float:
    """Return the bytes that a mock keeps of each call if it records none."""

    async def run() -> float:
        async with MockRefold(record=False) as mock, aiohttp.ClientSession() as session:
            for _ in range(500):
                await post(session, mock.base_url, "user_12345")
            before = resident()
            for _ in range(count):
                await post(session, mock.base_url, "user_12345")
            return max(0.0, (resident() - before) / count)

    return asyncio.run(run())


def mock_records(settings: Settings) -> list[Curve]:
    """Call a mock that records nothing."""
    counts = (100, 200) if settings.quick else (2_000, 4_000, 8_000, 16_000)
    points = [(count, in_child(memory_of_mock, count)) for count in counts]
    return [Curve("MockRefold(record=False)", "calls", "bytes per call", points, 0.1, 100)]


def memory_of_failures(count: int) -> float:
    """Return the bytes that each failure in a report takes."""

    async def run() -> float:
        async with MockRefold(record=False) as mock, AsyncRefold(KEY, base_url=mock.base_url) as refold:
            mock.script(Answer(400))
            await refold.fan_out_action(ids(500), "hubspot", "get_contact", PARAMETERS).collect()
            before = resident()
            report = await refold.fan_out_action(ids(count), "hubspot", "get_contact", PARAMETERS).collect()
            assert len(report.failed) == count
            assert not isinstance(report.failed[0].error, RateLimitError)
            return (resident() - before) / count

    return asyncio.run(run())


def failures(settings: Settings) -> list[Curve]:
    """Keep failures in a report."""
    counts = (500, 1_000) if settings.quick else (5_000, 10_000, 20_000)
    points = [(count, in_child(memory_of_failures, count)) for count in counts]
    return [Curve("a failure in a report", "failures", "bytes per failure", points, 0.1, 600)]


# Pauses of the event loop


def longest_pause(url: str, count: int, kind: str) -> float:
    """Return the CPU time in ms of the longest pause of the event loop in a job, which the garbage collector causes."""

    async def job(items: int) -> float:
        with Watch() as watch:
            if kind == "by hand":
                async with aiohttp.ClientSession() as session:
                    await bounded_task_group(lambda item: post(session, url, item), ids(items))
            else:
                with tempfile.TemporaryDirectory() as directory:
                    journal = Journal(Path(directory, "job.sqlite"), job="benchmark") if kind == "journal" else None
                    async with AsyncRefold(KEY, base_url=url) as refold:
                        await fan_out_action(refold, items, journal)
        return watch.longest_cpu * 1e3

    asyncio.run(job(WARM_UP))
    return asyncio.run(job(count))


def pause_in_children(url: str, count: int, kind: str) -> float:
    """Return the least of three processes: others on the machine make pauses longer, and never shorter."""
    return min(in_child(longest_pause, url, count, kind) for _ in range(3))


def pauses(settings: Settings) -> list[Curve]:
    """Look for the longest pause of the event loop in jobs."""
    counts = (100, 200) if settings.quick else (5_000, 15_000, 50_000)
    with settings.canned_server() as url:
        taken = {
            kind: [(count, pause_in_children(url, count, kind)) for count in counts]
            for kind in ("by hand", "fan-out", "journal")
        }
    most = taken["by hand"][-1][1] + 5
    return [
        Curve("longest pause, TaskGroup by hand", "items", "CPU ms", taken["by hand"], 0.3),
        Curve("longest pause, fan-out", "items", "CPU ms", taken["fan-out"], 0.3, most),
        Curve("longest pause, with a journal", "items", "CPU ms", taken["journal"], 0.3, most),
    ]


CURVES: Final[Mapping[str, Callable[[Settings], list[Curve]]]] = {
    "hot-account": hot_account,
    "parked": parked,
    "run-time-types": run_time_types,
    "misfits": misfits,
    "deadlines": expiring,
    "refusals": refusals,
    "journals": journals,
    "mock": mock_records,
    "failures": failures,
    "pauses": pauses,
}


def main() -> None:
    """Measure the curves, print them, and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("curves", metavar="CURVE", nargs="*", help=f"{', '.join(CURVES)}; by default all")
    parser.add_argument("--quick", action="store_true", help="small numbers: figures mean nothing")
    parser.add_argument("--check", action="store_true", help="end with status 1 if a bar is missed")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"where to write to; by default {RESULTS.name}")
    arguments = parser.parse_args()
    if unknown := set(arguments.curves) - set(CURVES):
        parser.error(f"there is no curve {', '.join(sorted(unknown))}; there are {', '.join(CURVES)}")

    settings = Settings(arguments.quick, take_core())
    circumstances = Circumstances(settings.server_core)
    rows: list[dict[str, Any]] = []
    missed: list[str] = []
    for name in arguments.curves or CURVES:
        for curve in CURVES[name](settings):
            curve.show()
            rows.append({"group": name, **curve.as_dict()})
            missed += [] if curve.met else [curve.name]
    print(f"\nBars missed: {', '.join(missed)}." if missed else "\nAll bars are met.")
    if not arguments.curves or arguments.results != RESULTS:  # the file has all of them
        content = {"case": "curves", **circumstances.at_end(), "rows": rows}
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        arguments.results.write_text(text, encoding="utf-8")
    sys.exit(1 if missed and arguments.check else 0)


if __name__ == "__main__":
    main()
