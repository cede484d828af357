"""The cases: a function for each, which yields its tables."""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from typing import Final

import attrs
from arena import Arena, Comparison, Worker, left_out
from contestants import (
    BARE,
    CAREFUL,
    CONCURRENCY,
    CONTESTANTS,
    HTTPX,
    PEERS,
    PLAIN,
    PLAIN_WITH_ORJSON,
    REFOLD,
    REFOLD_ON_UVLOOP,
    REFOLD_WITH_ORJSON,
)
from measuring import Row, Table

ALL: Final = tuple(name for name in CONTESTANTS if name not in PEERS)
BESIDE_SDKS: Final = (PLAIN, REFOLD, CAREFUL, BARE, *PEERS)
ON_ASYNCIO: Final = (PLAIN, REFOLD, CAREFUL, BARE, PLAIN_WITH_ORJSON, REFOLD_WITH_ORJSON, HTTPX)


@attrs.frozen
class Settings:
    """The settings of all cases."""

    quick: bool
    arena: Arena

    def count(self, full: int, quick: int) -> int:
        """Return how many calls or rounds to use."""
        return quick if self.quick else full

    @property
    def held(self) -> int:
        """How many requests for `held` must arrive before they get their responses."""
        return held(quick=self.quick)

    def calls(
        self, names: Iterable[str], task: str, rounds: int, count: int, at_once: int = 1, warm: int = 0
    ) -> Comparison:
        """Compare the contestants' calls of one kind."""

        def do(worker: Worker, name: str, calls: int) -> dict[str, float]:
            return worker.do("run", name=name, task=task, count=calls, at_once=at_once)

        return self.arena.compare(names, self.count(rounds, 1), self.count(count, 20), do, warm)


def held(*, quick: bool) -> int:
    """Return how many calls are in flight when memory is measured."""
    return 50 if quick else 1000


def installed(*names: str) -> list[str]:
    """Return the contestants whose packages are all installed."""
    return [name for name in names if not CONTESTANTS[name].missing]


def title(what: str, comparison: Comparison) -> str:
    """Return the title of a table of rounds."""
    rounds = len(next(iter(comparison.figures.values()))["cpu"])
    return f"{what} ({rounds} rounds; medians of rounds, and of the ratios within a round)"


def read(settings: Settings) -> Generator[Table]:
    """Make one small read."""
    text = "CPU per small read"
    for what, at_once in (("one at a time", 1), (f"{CONCURRENCY} at a time", CONCURRENCY)):
        compared = settings.calls(ALL, "read", 30, 300 if at_once == 1 else 1000, at_once=at_once)
        targets = {
            **compared.at_most(1.00, REFOLD, PLAIN, text=text),
            **compared.at_most(0.92, REFOLD, CAREFUL, text=text),
            **compared.at_most(0.90, REFOLD_WITH_ORJSON, PLAIN, text=text),
            **compared.at_most(0.70, REFOLD_ON_UVLOOP, PLAIN, text=text),
        }
        if at_once > 1:
            # With one connection httpx has no pool to search, and no client can be 14 times as fast.
            targets |= compared.at_most(0.07, REFOLD, HTTPX, text=text)
            share = max(compared.spread(name, "server").median for name in compared.figures)
            told = f"the server takes at most 70 % of the CPU time of its fastest client, is {100 * share:.0f} %"
            targets[told] = share <= 0.7
        yield Table(title(f"read: small reads, {what}", compared), compared.rows(PLAIN), targets, left_out(ALL))


def actions(settings: Settings) -> Generator[Table]:
    """List 500 actions, and read every field of them."""
    listed = settings.calls(ON_ASYNCIO, "actions", 15, 40)
    yield Table(title("actions: a list of 500 actions", listed), listed.rows(PLAIN), {}, left_out(ON_ASYNCIO))

    names = installed(REFOLD, REFOLD_WITH_ORJSON)
    least = "json.loads and attrs alone"
    programs = {name: (name, "read_actions") for name in names} | {least: (REFOLD, "make_actions")}
    loads = {name: f"json.loads, next to {name}" for name in names}
    programs |= {loads[name]: (name, "json.loads") for name in names}
    own = Comparison(programs)
    for number in range(settings.count(20, 2) + 1):
        for program, (name, what) in programs.items():
            worker = settings.arena.worker(name)
            figures = worker.do("repeat", what=what, count=settings.count(40, 3))
            if number:
                own.add(program, figures)
    rows: list[Row] = []
    targets: dict[str, bool] = {}
    for program in (*names, least):
        time, ratio = own.spread(program, "cpu"), own.ratio(program, loads[programs[program][0]])
        rows.append(
            {
                "": program,
                "own CPU µs": time.median,
                "quartiles": time.quartiles,
                "CPU / json.loads": ratio.median,
                "quartiles of it": ratio.quartiles,
            }
        )
        if program in names:
            text = f"own time of {program}: at most 2.0 times json.loads of the body, is {ratio.median:.2f}"
            targets[text] = ratio.median <= 2
    yield Table(title("actions: the same answer read without any transport", own), rows, targets)


def large(settings: Settings) -> Generator[Table]:
    """Read a result with 1 MB of data."""
    compared = settings.calls(ON_ASYNCIO, "large", 15, 10)
    targets = {
        **compared.at_most(1.0, REFOLD, PLAIN, text="CPU"),
        **compared.at_most(1.0, REFOLD_WITH_ORJSON, PLAIN, text="CPU"),
    }
    yield Table(title("large: 1 MB of data", compared), compared.rows(PLAIN), targets, left_out(ON_ASYNCIO))


def write(settings: Settings) -> Generator[Table]:
    """Write 100 KB."""
    compared = settings.calls(ON_ASYNCIO, "write", 15, 60)
    yield Table(title("write: 100 KB of parameters", compared), compared.rows(PLAIN), {}, left_out(ON_ASYNCIO))


def fan_out(settings: Settings) -> Generator[Table]:
    """Execute an action for 50,000 accounts."""
    names = (PLAIN, REFOLD, PLAIN_WITH_ORJSON, REFOLD_WITH_ORJSON)
    rounds, count = settings.count(20, 2), settings.count(2500, 100)
    compared = settings.arena.compare(
        names, rounds, count, lambda worker, name, calls: worker.do("fan_out", name=name, count=calls)
    )
    ratio = compared.ratio(PLAIN, REFOLD, "elapsed")
    yield Table(
        title(f"fan-out: {rounds * count:,} accounts, 50 at a time; by hand in a bounded TaskGroup", compared),
        compared.rows(PLAIN),
        {
            f"throughput: {REFOLD} / TaskGroup on {PLAIN} at least 1.00, is {ratio.median:.3f} ({ratio.quartiles})": (
                ratio.median >= 1
            )
        },
        left_out(names),
    )


def retried(settings: Settings) -> Generator[Table]:
    """Make a call that gets HTTP 503, and HTTP 200 when it is retried."""
    compared = settings.calls((CAREFUL, REFOLD), "retried", 15, 150)
    yield Table(title("retried: 503, then 200, without a pause between", compared), compared.rows(CAREFUL), {})


def cold(settings: Settings) -> Generator[Table]:
    """Import and make a first call, in a fresh process."""
    rounds = settings.count(21, 1)
    by_hand = "import aiohttp"
    programs = {
        by_hand: ("by_hand", "--without-orjson"),
        REFOLD: ("refold", "--without-orjson"),
        REFOLD_WITH_ORJSON: ("refold",),
    }
    names = [by_hand, *installed(REFOLD, REFOLD_WITH_ORJSON)]
    compared = Comparison(names)
    for number in range(rounds + 1):
        for name in names if number % 2 == 0 else reversed(names):
            program, *options = programs[name]
            command = [sys.executable, str(Path(__file__).with_name("cold.py")), program, settings.arena.url, *options]
            took = subprocess.run(command, stdout=subprocess.PIPE, check=True)
            if number:
                compared.add(name, json.loads(took.stdout))
    rows: list[Row] = [
        {
            "": name,
            "CPU ms": 1000 * compared.spread(name, "cpu").median,
            f"CPU / {by_hand}": compared.ratio(name, by_hand).median,
            "quartiles of it": compared.ratio(name, by_hand).quartiles,
            "ms": 1000 * compared.spread(name, "elapsed").median,
            f"time / {by_hand}": compared.ratio(name, by_hand, "elapsed").median,
        }
        for name in names
    ]
    targets = compared.at_most(1.10, REFOLD, by_hand, text="CPU of import and first call")
    yield Table(title("cold: import and first call together, each in a fresh process", compared), rows, targets)


def latency(settings: Settings) -> Generator[Table]:
    """Time calls that start at random moments, at half of the highest rate of plain aiohttp."""
    names = (PLAIN, REFOLD)
    saturated = settings.calls((PLAIN,), "read", 5, 1500, at_once=CONCURRENCY)
    rate = 0.5e6 / statistics.median(saturated.figures[PLAIN]["elapsed"])
    seeds: dict[str, int] = dict.fromkeys(names, 0)

    def do(worker: Worker, name: str, calls: int) -> dict[str, float]:
        seeds[name] += 1
        return worker.do("arrive", name=name, rate=rate, count=calls, seed=seeds[name])

    # Many short rounds, as the other load of a machine varies.
    count = settings.count(round(0.6 * rate), 100)
    compared = settings.arena.compare(names, settings.count(80, 1), count, do)
    rows: list[Row] = [
        {
            "": name,
            "p50 µs": compared.spread(name, "p50").median,
            f"p50 / {PLAIN}": compared.ratio(name, PLAIN, "p50").median,
            "p99 µs": compared.spread(name, "p99").median,
            f"p99 / {PLAIN}": compared.ratio(name, PLAIN, "p99").median,
            "quartiles of it": compared.ratio(name, PLAIN, "p99").quartiles,
        }
        for name in compared.figures
    ]
    yield Table(
        title(f"latency: {rate:,.0f} calls a second at random moments, half of what {PLAIN} can do", compared),
        rows,
        compared.at_most(1.05, REFOLD, PLAIN, "p99", text="p99 latency"),
    )


def memory(settings: Settings) -> Generator[Table]:
    """Have 1,000 calls in flight at the same time, in a fresh process."""
    names = installed(PLAIN, CAREFUL, REFOLD, REFOLD_WITH_ORJSON)
    compared = Comparison(names)
    for number in range(settings.count(5, 1)):
        for name in names if number % 2 == 0 else reversed(names):
            with settings.arena.fresh_worker(CONTESTANTS[name].environment, settings.held) as worker:
                one = worker.do("run", name=name, task="read", count=1)
                before = settings.arena.seen()["connections"]
                many = worker.do("run", name=name, task="held", count=settings.held, at_once=settings.held)
                opened = 1 + settings.arena.seen()["connections"] - before
                compared.add(name, {"one": one["peak"], "many": many["peak"], "opened": opened})
    rows: list[Row] = [
        {
            "": name,
            "peak MB": compared.spread(name, "many").median,
            f"peak / {PLAIN}": compared.ratio(name, PLAIN, "many").median,
            "peak MB of one call": compared.spread(name, "one").median,
            "KB more per call": 1024
            * (compared.spread(name, "many").median - compared.spread(name, "one").median)
            / settings.held,
            "connections": compared.spread(name, "opened").median,
        }
        for name in names
    ]
    yield Table(
        f"memory: {settings.held:,} calls in flight, each time in a fresh process (VmHWM)",
        rows,
        compared.at_most(1.10, REFOLD, PLAIN, "many", text="peak memory"),
    )


def account(settings: Settings) -> Generator[Table]:
    """Make a scope for a linked account."""
    compared = Comparison([REFOLD])
    for _ in range(settings.count(15, 1)):
        compared.add(REFOLD, settings.arena.worker(REFOLD).do("make_accounts", count=settings.count(50_000, 1000)))
    time, size = compared.spread(REFOLD, "cpu"), compared.spread(REFOLD, "bytes")
    row: Row = {
        "": "refold.account(id)",
        "CPU ns": 1000 * time.median,
        "quartiles": f"{1000 * time.lower:.0f} to {1000 * time.upper:.0f}",
        "bytes": size.median,
    }
    targets = {
        f"at most 1 µs, is {time.median:.2f} µs": time.median <= 1,
        f"at most 200 bytes, is {size.median:.0f}": size.median <= 200,
    }
    yield Table("account: making the scope of a linked account", [row], targets)


def sdks(settings: Settings) -> Generator[Table]:
    """Make the simplest call of each other client, and of each SDK of another API."""
    for what, at_once in (("one at a time", 1), (f"{CONCURRENCY} at a time", CONCURRENCY)):
        blocking = [name for name in BESIDE_SDKS if CONTESTANTS[name].blocks and at_once > 1]
        names = [name for name in BESIDE_SDKS if name not in blocking]
        count = 200 if at_once == 1 else 1000
        compared = settings.calls(names, "read", 15, count, at_once=at_once, warm=at_once)
        notes = [*left_out(names), *(f"Left out: {name}, because its calls block." for name in blocking)]
        yield Table(title(f"sdks: the simplest call of each, {what}", compared), compared.rows(PLAIN), {}, notes)


CASES: Final[Mapping[str, Callable[[Settings], Generator[Table]]]] = {
    "read": read,
    "actions": actions,
    "large": large,
    "write": write,
    "fan-out": fan_out,
    "retried": retried,
    "cold": cold,
    "latency": latency,
    "memory": memory,
    "account": account,
    "sdks": sdks,
}
