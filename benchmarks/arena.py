"""Where contestants are compared: one server, a process for each contestant, and rounds in which all take turns."""

import contextlib
import http.client
import json
import statistics
import subprocess
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Final, Self
from urllib.parse import urlsplit

import attrs
from contestants import CONTESTANTS, Environment
from measuring import Row
from servers import server, start

_OPTIONS: Final[Mapping[Environment, tuple[str, ...]]] = {
    "json": ("--without-orjson",),
    "orjson": (),
    "uvloop": ("--uvloop",),
}


@attrs.frozen
class Spread:
    """A median and its quartiles."""

    median: float
    lower: float
    upper: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Self:
        """Return the spread of the figures of many rounds, or of one."""
        lower, median, upper = statistics.quantiles(
            figures if len(figures) > 1 else [*figures] * 2, n=4, method="inclusive"
        )
        return cls(median, lower, upper)

    @property
    def quartiles(self) -> str:
        """The quartiles as text."""
        return f"{self.lower:,.4g} to {self.upper:,.4g}"


class Comparison:
    """What the calls of contestants cost, round by round.

    Args:
        names: The contestants, in the order of their rows.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.figures: dict[str, defaultdict[str, list[float]]] = {name: defaultdict(list) for name in names}
        """By contestant and by what was measured: a figure for each round."""
        self.connections: defaultdict[str, int] = defaultdict(int)
        """How many connections each contestant opened."""

    def add(self, name: str, figures: Mapping[str, float]) -> None:
        """Add a contestant's round."""
        for what, figure in figures.items():
            self.figures[name][what].append(figure)

    def spread(self, name: str, what: str) -> Spread:
        """Return what a contestant's calls cost."""
        return Spread.of(self.figures[name][what])

    def ratio(self, name: str, other: str, what: str = "cpu") -> Spread:
        """Return a contestant's cost as a multiple of another's in the same round."""
        pairs = zip(self.figures[name][what], self.figures[other][what], strict=True)
        return Spread.of([mine / its for mine, its in pairs])

    def at_most(self, limit: float, name: str, other: str, what: str = "cpu", *, text: str) -> dict[str, bool]:
        """Return the target that a ratio is at most `limit`, or nothing if one of the two did not take part."""
        if not {name, other} <= self.figures.keys():
            return {}
        ratio = self.ratio(name, other, what)
        told = f"{text}: {name} / {other} at most {limit:.2f}, is {ratio.median:.3f} ({ratio.quartiles})"
        return {told: ratio.median <= limit}

    def rows(self, other: str) -> list[Row]:
        """Return a row for each contestant, compared with `other`."""
        rows: list[Row] = []
        for name, figures in self.figures.items():
            cpu, ratio = self.spread(name, "cpu"), self.ratio(name, other)
            rows.append(
                {
                    "": name,
                    "CPU µs per call": cpu.median,
                    "quartiles": cpu.quartiles,
                    f"CPU / {other}": ratio.median,
                    "quartiles of it": ratio.quartiles,
                    "calls per second": 1e6 / statistics.median(figures["elapsed"]),
                    "server's CPU / client's, %": 100 * self.spread(name, "server").median,
                    "connections": self.connections[name],
                }
            )
        return rows


class Worker:
    """A process in which contestants run."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def do(self, what: str, /, **arguments: object) -> dict[str, float]:
        """Make the process do something, and return what that cost."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"The worker ended while it was asked to {what} {arguments}.")
        figures: dict[str, float] = json.loads(line)
        return figures


class Arena:
    """One server, and a process for each contestant, started when it is first needed.

    Args:
        url: The server.
        stack: Ends the processes.
    """

    def __init__(self, url: str, stack: contextlib.ExitStack) -> None:
        self.url = url
        self._stack = stack
        self._workers: dict[str, Worker] = {}
        self._control = http.client.HTTPConnection(urlsplit(url).netloc)

    def seen(self) -> dict[str, float]:
        """Return what the server has counted so far."""
        self._control.request("GET", "/seen")
        seen: dict[str, float] = json.load(self._control.getresponse())
        return seen

    def worker(self, name: str) -> Worker:
        """Return the process of a contestant: in a shared one, Python could not adapt as well to its code."""
        if name not in self._workers:
            self._workers[name] = self._stack.enter_context(self.fresh_worker(CONTESTANTS[name].environment))
        return self._workers[name]

    @contextlib.contextmanager
    def fresh_worker(self, environment: Environment, connections: int = 100) -> Generator[Worker]:
        """Start a process with an environment, to be used once."""
        process = start("worker.py", self.url, f"--connections={connections}", *_OPTIONS[environment])
        with process:
            try:
                yield Worker(process)
            finally:
                process.communicate()

    def compare(
        self,
        names: Iterable[str],
        rounds: int,
        count: int,
        do: Callable[[Worker, str, int], dict[str, float]],
        warm: int = 0,
    ) -> Comparison:
        """Make `count` calls by each contestant, round by round. The first round warms up and does not count.

        Contestants that are not installed are left out. Before its turn, each makes `warm` calls that do not count:
        some close their connections if those are idle while many others have their turns.
        """
        contestants = [CONTESTANTS[name] for name in names if not CONTESTANTS[name].missing]
        comparison = Comparison(contestant.name for contestant in contestants)
        for number in range(rounds + 1):
            # They take turns, as the first of a round may find the machine warmer or colder.
            for contestant in contestants if number % 2 == 0 else reversed(contestants):
                worker, calls = self.worker(contestant.name), max(1, round(count * contestant.share))
                if warm:
                    do(worker, contestant.name, warm)
                before = self.seen()
                figures = do(worker, contestant.name, calls)
                after = self.seen()
                comparison.connections[contestant.name] += round(after["connections"] - before["connections"])
                if number:
                    server = (after["cpu"] - before["cpu"]) / calls * 1e6
                    comparison.add(contestant.name, {**figures, "server": server / figures["cpu"]})
        return comparison

    def close(self) -> None:
        """Close the connection to the server."""
        self._control.close()


@contextlib.contextmanager
def open_arena(server_core: int | None, hold: int) -> Generator[Arena]:
    """Run the server, on `server_core` if there is one. It delays some responses until `hold` requests have come."""
    with server("suite_server.py", server_core, f"--hold={hold}") as url, contextlib.ExitStack() as stack:
        arena = Arena(url, stack)
        stack.callback(arena.close)
        yield arena


def left_out(names: Iterable[str]) -> list[str]:
    """Return notes about contestants that need packages which are not installed."""
    return [
        f"Left out: {name}, because {' and '.join(CONTESTANTS[name].missing)} is not installed."
        for name in names
        if CONTESTANTS[name].missing
    ]
