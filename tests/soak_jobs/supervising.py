"""The course of the soak: workers that are killed and replaced, servers that fail and come back, and a clock."""

import asyncio
import gc
import math
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from refold_async import PostgresJournal, RateLimit
from support.postgres_server import PostgresProcess, postgres_template, running_postgres
from support.redis_server import RedisProcess, running_redis
from support.services import ending_with_this_process, service_directory

from .app import App, running_app
from .judging import Evidence, Second, judge
from .reporting import Report, Settings
from .worker import API_KEY, JOB

__all__ = ["soak"]

_PASSWORD: Final = "redis-password-of-the-soak"


async def soak(settings: Settings, say: Callable[[str], object] = print) -> Report:
    """Run a job to its end while its workers and servers fail, and judge it."""
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(service_directory())
        template = stack.enter_context(postgres_template())
        postgres = await stack.enter_async_context(running_postgres(template, durable=True))
        redis = await stack.enter_async_context(running_redis(_PASSWORD))
        app = await stack.enter_async_context(
            running_app(
                RateLimit(settings.rate, burst=settings.burst),
                resets=settings.resets,
                requests=settings.items,
                delay=settings.delay,
                seed=settings.seed,
            )
        )
        journal = PostgresJournal(postgres.tcp_dsn(), job=JOB, parts=settings.parts)
        await journal.create_schema()
        workers = Workers(
            settings, app, directory, {"REDIS_URL": redis.tcp_url, "REFOLD_JOURNAL_DSN": postgres.tcp_dsn()}
        )
        seconds = await _run(settings, app, workers, postgres, redis, say)
        sent, unanswered = app.sent()
        evidence = Evidence(
            items=[f"note-{number}" for number in range(settings.items)],
            sent=sent,
            written=app.written,
            unanswered=unanswered,
            entries=list(await asyncio.to_thread(lambda: list(journal.entries()))),
            outcomes=workers.outcomes(),
            requests=app.mock.request_count,
            refused=app.mock.rate_limited,
            seconds=seconds,
            rate=settings.rate,
        )
        verdict = judge(evidence)
        summary = await asyncio.to_thread(journal.summary)
        counted = {"ok": summary.ok, "failed": summary.failed, "unknown": summary.unknown}
        if counted != dict.fromkeys(counted, 0) | Counter(entry.status for entry in evidence.entries):
            verdict.add("counters that differ from the entries", str(counted))
        for what in workers.wrong([API_KEY, _PASSWORD, postgres.password]):
            verdict.add(*what)
        return Report(verdict=verdict, evidence=evidence, killed=workers.killed, messages=workers.messages())


async def _run(
    settings: Settings,
    app: App,
    workers: "Workers",
    postgres: PostgresProcess,
    redis: RedisProcess,
    say: Callable[[str], object],
) -> list[Second]:
    """Run the workers to their end, and what disturbs them."""
    seconds: list[Second] = []
    disturbing = [
        asyncio.create_task(_measure(app, seconds, say)),
        asyncio.create_task(_kill_workers(settings, workers, say)),
        asyncio.create_task(_fail(redis, 0.35 * settings.ideal, say)),
        asyncio.create_task(_fail(postgres, 0.65 * settings.ideal, say)),
    ]
    try:
        async with asyncio.timeout(3 * settings.ideal + 10 * settings.lease + 60):
            await workers.run()
    except TimeoutError:
        raise TimeoutError(f"The job does not end. Workers logged: {workers.messages().most_common(20)}") from None
    finally:
        for task in disturbing:
            task.cancel()
        await asyncio.gather(*disturbing, return_exceptions=True)
    gc.unfreeze()
    for task in disturbing:
        if not task.cancelled():
            task.result()
    return seconds


async def _kill_workers(settings: Settings, workers: "Workers", say: Callable[[str], object]) -> None:
    chance = random.Random(settings.seed)
    for _ in range(1, math.ceil(settings.ideal / settings.kill_every)):  # those at its end would only prolong it
        await asyncio.sleep(settings.kill_every)
        say(f"killed worker {workers.kill(chance)}")


async def _fail(server: PostgresProcess | RedisProcess, after: float, say: Callable[[str], object]) -> None:
    await asyncio.sleep(after)
    began = time.monotonic()
    await server.kill()
    await server.start()
    say(f"{type(server).__name__} killed, and started again after {time.monotonic() - began:.1f} s")


async def _measure(app: App, seconds: list[Second], say: Callable[[str], object]) -> None:
    """Note every second how many requests were accepted, and how much the machine has left."""
    began = before = time.monotonic()
    accepted, idle = 0, _idle_time()
    while True:
        await asyncio.sleep(1)
        # Otherwise each collection goes through all recorded requests, and what arrives meanwhile looks like a burst.
        gc.freeze()
        now, accepted_now, idle_now = time.monotonic(), app.mock.request_count - app.mock.rate_limited, _idle_time()
        cores = None if idle is None or idle_now is None else (idle_now - idle) / (now - before)
        seconds.append(Second(now - before, accepted_now - accepted, cores))
        before, accepted, idle = now, accepted_now, idle_now
        if len(seconds) % 10 == 0:
            rate = sum(second.accepted for second in seconds[-10:]) / sum(second.seconds for second in seconds[-10:])
            say(f"{now - began:.0f} s: {accepted:,} requests, {rate:.0f}/s, {app.mock.rate_limited} refused")


def _idle_time() -> float | None:
    """Return for how many seconds cores have had nothing to do, all together, since the machine was started."""
    try:
        fields = Path("/proc/stat").read_text().splitlines()[0].split()
    except OSError:
        return None
    return (int(fields[4]) + int(fields[5])) / os.sysconf("SC_CLK_TCK")


class Workers:
    """The processes of the workers."""

    def __init__(self, settings: Settings, app: App, directory: Path, environment: dict[str, str]) -> None:
        self._settings = settings
        self._app = app
        self._directory = directory
        self._environment = environment
        self._running: dict[int, asyncio.subprocess.Process] = {}
        self._ended: list[tuple[int, int]] = []  # the number of a process, and its exit code
        self._started = 0
        self.killed = 0

    async def run(self) -> None:
        """Run as many at a time as there should be, until none has to be replaced."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._settings.processes):
                group.create_task(self._keep_one_running())

    async def _keep_one_running(self) -> None:
        code = -signal.SIGKILL
        while code == -signal.SIGKILL:
            async with self._worker() as (number, process):
                code = await process.wait()
            self._ended.append((number, code))

    @asynccontextmanager
    async def _worker(self) -> AsyncGenerator[tuple[int, asyncio.subprocess.Process]]:
        self._started += 1
        number, settings = self._started, self._settings
        options = {
            name: getattr(settings, name)
            for name in ("items", "parts", "concurrency", "burst", "rate", "lease", "settle")
        }
        with open(self._directory / f"{number}.log", "wb") as log:  # noqa: ASYNC230 - once
            process = await asyncio.create_subprocess_exec(
                *ending_with_this_process(signal.SIGKILL),
                *(sys.executable, "-W", "error", "-m", "soak_jobs.worker"),
                *(self._app.mock.base_url, str(self._directory / f"{number}.outcomes")),
                *(f"--{name}={value}" for name, value in options.items()),
                env=os.environ | self._environment | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._running[number] = process
        try:
            yield number, process
        finally:
            del self._running[number]
            if process.returncode is None:
                process.kill()
                await process.wait()

    def kill(self, chance: random.Random) -> int | None:
        """Kill any of those that are running, and return its number; None if there is none."""
        running = [number for number, process in self._running.items() if process.returncode is None]
        if not running:
            return None
        number = chance.choice(running)
        self._running[number].kill()
        self.killed += 1
        return number

    def outcomes(self) -> list[tuple[str, str]]:
        """Return the statuses of items that all workers got."""
        outcomes: list[tuple[str, str]] = []
        for path in self._directory.glob("*.outcomes"):
            for line in path.read_text().splitlines():
                key, _, status = line.partition(" ")
                outcomes.append((key, status))
        return outcomes

    def messages(self) -> Counter[str]:
        """Return what all workers printed and logged."""
        return Counter(line for path in self._directory.glob("*.log") for line in path.read_text().splitlines())

    def wrong(self, secrets: list[str]) -> list[tuple[str, str]]:
        """Return what is wrong with the workers themselves, each with an example."""
        wrong = [
            (f"workers: one ended with exit code {code}", (self._directory / f"{number}.log").read_text()[-2000:])
            for number, code in self._ended
            if code not in (0, -signal.SIGKILL)
        ]
        return wrong + [
            ("showed a secret", message) for message in self.messages() if any(secret in message for secret in secrets)
        ]
