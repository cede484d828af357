"""A round: a server, clients, so many calls, and the judgement. What goes wrong in one can be had again by its seed."""

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import attrs

from refold_async import AsyncRefold, RateLimit, RetryPolicy

from .deliveries import Fault
from .judging import judge
from .ledger import KEY, Ledger, Violation
from .leftovers import complaints, listening, look_for_leftovers, open_files, where_tasks_wait
from .server import FAULTS, Connection, Server
from .strays import Timing
from .workload import TIMEOUT, Workload

__all__ = ["SETTINGS", "RoundReport", "Setting", "play", "play_with", "setting_of"]

_RETRY: Final = RetryPolicy(max_retries=3, initial_delay=0.002, max_delay=0.01, max_retry_after=0.05)
_WITHOUT_PROGRESS: Final = 30.0
"""Seconds in which no call ends, after which those under way count as hanging."""
_TURNS_TO_END: Final = 250

ClientFactory = Callable[[str, dict[str, Any]], Any]
"""Makes a client of a base URL and options of `AsyncRefold`."""


@attrs.frozen
class Setting:
    """What distinguishes rounds."""

    name: str
    timing: Timing
    connector: str = "own"
    """`own`, or one that is lent: `tcp` or `unix`."""
    reuse: bool = True


SETTINGS: Final = [
    Setting("no strays", "none"),
    Setting("early strays", "early"),
    Setting("early strays, lent connector", "early", "tcp"),
    Setting("early strays, lent unix connector", "early", "unix"),
    Setting("late strays, connections not reused", "late", reuse=False),
    Setting("late strays, lent connector, connections not reused", "late", "tcp", reuse=False),
    Setting("late strays, connections reused", "late"),
]


def setting_of(seed: int) -> Setting:
    """Return the setting of the round with this seed."""
    return SETTINGS[seed % len(SETTINGS)]


@attrs.frozen
class RoundReport:
    """What a round came to."""

    seed: int
    setting: Setting
    calls: int
    requests: int
    connections: int
    seconds: float
    outcomes: Counter[str]
    faults: Counter[str]
    strays: Counter[str]
    strays_too_late: int
    violations: Counter[Violation]
    examples: dict[Violation, list[str]]
    worst_overrun: float
    """The seconds by which the latest call ended after its deadline."""
    worst_lag: float
    """The seconds by which the event loop was late, at worst."""

    @property
    def wrong(self) -> int:
        """How many violations there were that a client can prevent."""
        return sum(count for violation, count in self.violations.items() if violation.judged)


def refold_client(base_url: str, options: dict[str, Any]) -> AsyncRefold:
    """Make a client as users do."""
    return AsyncRefold(KEY, base_url=base_url, **options)


async def play(
    seed: int,
    calls: int,
    *,
    setting: Setting | None = None,
    faults: list[Fault] = FAULTS,
    open_client: ClientFactory = refold_client,
) -> RoundReport:
    """Play one round and judge it."""
    setting = setting or setting_of(seed)
    source = random.Random(seed)
    ledger = Ledger(strays_may_be_late=setting.timing == "late" and setting.reuse)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as directory, complaints(ledger), listening(ledger):
        before = open_files()
        lag = await _play(seed, calls, setting, faults, open_client, source, ledger, Path(directory))
        await look_for_leftovers(ledger, before)
    judge(ledger, all_arrive=setting.timing == "none")
    records = [record for record in ledger.calls.values() if record.made]
    overruns = [record.elapsed - record.limit for record in records if record.limit is not None]
    return RoundReport(
        seed=seed,
        setting=setting,
        calls=ledger.made,
        requests=ledger.requests,
        connections=ledger.connections,
        seconds=time.perf_counter() - began,
        outcomes=Counter(record.ended for record in records),
        faults=ledger.faults,
        strays=ledger.strays,
        strays_too_late=ledger.strays_too_late,
        violations=ledger.violations,
        examples=ledger.examples,
        worst_overrun=max([0.0, *overruns]),
        worst_lag=lag,
    )


async def _play(
    seed: int,
    calls: int,
    setting: Setting,
    faults: list[Fault],
    open_client: ClientFactory,
    source: random.Random,
    ledger: Ledger,
    directory: Path,
) -> float:
    server = Server(ledger, seed, setting.timing, faults, reuse=setting.reuse)
    async with AsyncExitStack() as stack:
        base_url, options = await _listen(stack, server, setting, directory)
        options |= _limits(source)
        workload = Workload(
            ledger,
            calls,
            source,
            lambda: open_client(base_url, options),
            directory,
            clients=source.randint(1, 3),
            # A client that has met a stray trusts no connection for a while, and so cannot show much more.
            replaces_clients=0.2 if setting.timing == "early" else source.choice([0.0, 0.0, 0.05]),
        )
        async with _lag() as lag:
            try:
                await _watch(workload.run(), ledger)
            except _HangError as error:
                ledger.violate("never ended: calls hang", "", str(error))
            finally:
                await workload.aclose()
        if (connector := options.get("connector")) is not None:
            await connector.close()
        if not await server.quiet(_TURNS_TO_END):
            ledger.violate("left a connection open", "", f"{len(server.connections)} after all clients were closed")
        await server.aclose()
        workload.judge_journals()
    return max(lag)


class _HangError(Exception):
    """Something did not end."""


async def _watch(work: Coroutine[Any, Any, None], ledger: Ledger) -> None:
    """Await `work`; where no call ends any more, raise what tells where everything waits."""
    task = asyncio.create_task(work)
    made = -1
    while not task.done() and ledger.made > made:
        made = ledger.made
        await asyncio.wait([task], timeout=_WITHOUT_PROGRESS)
    if not task.done():
        waiting = where_tasks_wait()
        task.cancel()
        await asyncio.wait([task])
        raise _HangError(waiting)
    task.result()


async def _listen(
    stack: AsyncExitStack, server: Server, setting: Setting, directory: Path
) -> tuple[str, dict[str, Any]]:
    """Open the server; return its URL, and what a client needs to reach it."""
    loop = asyncio.get_running_loop()
    options: dict[str, Any] = {}
    if setting.connector == "unix":
        path = str(directory / "refold.sock")
        listener = await loop.create_unix_server(lambda: Connection(server), path, backlog=1000)
        base_url, options["connector"] = "http://localhost", aiohttp.UnixConnector(path)
    else:
        listener = await loop.create_server(lambda: Connection(server), "127.0.0.1", 0, backlog=1000)
        base_url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    if setting.connector == "tcp":
        options["connector"] = aiohttp.TCPConnector(limit=0)
    if not setting.reuse:
        options["reuse_connections"] = False
    stack.callback(listener.close)
    return base_url, options


def _limits(source: random.Random) -> dict[str, Any]:
    """Choose the limits of a round's clients."""
    limits: dict[str, Any] = {"timeout": TIMEOUT, "retry": _RETRY}
    limits["max_connections"] = source.choice([4, 30, 100])
    if source.random() < 0.5:
        limits["rate_limit"] = RateLimit(2000, burst=500)
    if source.random() < 0.3:
        limits["account_concurrency"] = source.choice([1, 3])
    if source.random() < 0.3:
        limits["account_rate_limit"] = RateLimit(300, burst=20)
    return limits


@asynccontextmanager
async def _lag() -> AsyncGenerator[list[float]]:
    """Measure how late the event loop is."""
    lags = [0.0]

    async def measure() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + 0.05
            await asyncio.sleep(0.05)
            lags.append(loop.time() - due)

    task = asyncio.create_task(measure())
    try:
        yield lags
    finally:
        task.cancel()
        await asyncio.wait([task])


def play_with(names: frozenset[str], seed: int, calls: int) -> RoundReport:
    """Play a round with the faults of these names, in an event loop of its own."""
    return asyncio.run(play(seed, calls, faults=[fault for fault in FAULTS if fault.name in names]))
