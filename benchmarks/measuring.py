"""How the benchmarks measure and report: tables with targets, rounds, and the cost of a process."""

import asyncio
import multiprocessing
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Self, TypeVar

import attrs

T = TypeVar("T")
Row = dict[str, str | float]
Work = Callable[[int], Awaitable[object]]
"""Processes this many items."""


@attrs.frozen
class Table:
    """What a case measured, and whether it meets its targets."""

    title: str
    rows: list[Row]
    targets: dict[str, bool]
    """The targets, and whether each is met."""
    notes: Sequence[str] = ()
    """Additional notes."""

    def show(self) -> None:
        """Print it."""
        print(f"\n{self.title}")
        texts = [
            {name: value if isinstance(value, str) else f"{value:,.4g}" for name, value in row.items()}
            for row in self.rows
        ]
        widths = {name: max(len(name), *(len(row[name]) for row in texts)) for name in texts[0]}
        for row in [{name: name for name in widths}, *texts]:
            first, *others = widths
            cells = [f"{row[first]:<{widths[first]}}", *(f"{row[name]:>{widths[name]}}" for name in others)]
            print(f"  {'   '.join(cells)}")
        for text, met in self.targets.items():
            print(f"  {'met' if met else 'MISSED'}: {text}")
        for note in self.notes:
            print(f"  {note}")
        sys.stdout.flush()


@attrs.frozen
class Rounds:
    """What each item cost the contestants, in microseconds, round by round."""

    elapsed: Mapping[str, list[float]]
    cpu: Mapping[str, list[float]]

    def ratio(self, figures: Mapping[str, list[float]], name: str, other: str) -> float:
        """Return the median of the rounds' ratios."""
        return statistics.median(mine / its for mine, its in zip(figures[name], figures[other], strict=True))

    def rows(self, other: str) -> list[Row]:
        """Return a row for each contestant, compared with `other`."""
        return [
            {
                "": name,
                f"throughput / {other}": self.ratio(self.elapsed, other, name),
                f"CPU / {other}": self.ratio(self.cpu, name, other),
                "µs per item": statistics.median(elapsed),
                "CPU µs per item": statistics.median(self.cpu[name]),
            }
            for name, elapsed in self.elapsed.items()
        ]


async def alternate(contestants: Mapping[str, Work], rounds: int, count: int) -> Rounds:
    """Process `count` items by each contestant, round by round. The first round warms up and does not count."""
    measured = Rounds({name: [] for name in contestants}, {name: [] for name in contestants})
    for number in range(rounds + 1):
        # They take turns, as the first of a round may find the machine warmer or colder.
        names = list(contestants) if number % 2 == 0 else list(contestants)[::-1]
        for name in names:
            began, cpu_began = time.perf_counter(), time.process_time()
            await contestants[name](count)
            if number:
                measured.elapsed[name].append((time.perf_counter() - began) / count * 1e6)
                measured.cpu[name].append((time.process_time() - cpu_began) / count * 1e6)
    return measured


class Watch:
    """Wakes up every millisecond while its block runs, and remembers the longest delay of a wake-up."""

    def __init__(self) -> None:
        self.longest = 0.0
        """The most seconds between two wake-ups: the loop was not blocked for longer."""
        self.longest_cpu = 0.0
        """The same in CPU time of the thread, without the time that other processes took from it."""

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._sleep()
        return self

    def _sleep(self) -> None:
        self._asleep, self._asleep_cpu = time.perf_counter(), time.thread_time()
        self._timer = self._loop.call_later(0.001, self._wake)

    def _wake(self) -> None:
        self.longest = max(self.longest, time.perf_counter() - self._asleep)
        self.longest_cpu = max(self.longest_cpu, time.thread_time() - self._asleep_cpu)
        self._sleep()

    def __exit__(self, *raised: object) -> None:
        self._timer.cancel()


def peak_memory() -> float:
    """Return the most memory that this process has used, in MB. With getrusage, a part may be the parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def in_child(measure: Callable[..., T], *arguments: object) -> T:
    """Call a function in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, *arguments).result()
