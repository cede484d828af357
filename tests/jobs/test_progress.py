"""How far a fan-out is: what a callback is told and when, and the bar on a terminal."""

import asyncio
import gc
import logging
import os
import re
import signal
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import pytest

from refold_async import ConfigurationError
from refold_async.jobs.progress import SPAN, Counts, Progress, RecentRate
from refold_async.jobs.progress_reporter import INTERVAL, ProgressReporter
from support.running_programs import SLOW_MACHINE, ended, run_program, running
from support.virtual_time import run


class Job:
    """A fan-out's counts and a clock, both moved by the test."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.counts = Counts()
        self.told: list[Progress] = []

    def reporter(self, progress: Any = None, total: int | None = None) -> ProgressReporter:
        """Return a reporter that has started; without a callback it tells this job."""
        reporter = ProgressReporter(progress or self.told.append, total, lambda: self.counts, clock=lambda: self.now)
        reporter.start()
        return reporter

    def later(self, seconds: float, **counts: int) -> None:
        """Have it be later, and other counts."""
        self.now += seconds
        self.counts = Counts(**counts)


@pytest.fixture
def job() -> Job:
    """A job at whose start nothing has happened."""
    return Job()


class HeldCallback:
    """An async callback that returns when the test releases it."""

    def __init__(self) -> None:
        self.begun: list[Progress] = []
        self.ended = 0
        self.cancelled = 0
        self.released = asyncio.Event()

    async def __call__(self, progress: Progress) -> None:
        """Wait to be released."""
        self.begun.append(progress)
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # a moment to clean up
            self.cancelled += 1
            raise
        self.ended += 1


async def turns() -> None:
    """Let others run for a while."""
    for _ in range(5):
        await asyncio.sleep(0)


def the_record(caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    """Return the one thing that was logged. On a slow machine asyncio complains beside it."""
    (record,) = (record for record in caplog.records if record.name == "refold_async")
    return record


def test_rate_before_anything() -> None:
    """There is none."""
    rate = RecentRate(1000.0)
    assert rate.measure(1000.0, 0) == 0.0
    assert rate.measure(1000.5, 0) == 0.0


def test_rate_since_the_start() -> None:
    """A job that is young is measured as a whole."""
    rate = RecentRate(1000.0)
    assert rate.measure(1000.5, 4) == 8.0
    assert rate.measure(1002.0, 4) == 2.0
    assert rate.measure(1008.0, 32) == 4.0


def test_rate_is_steady() -> None:
    """Items that come in batches do not make it jump."""
    rate = RecentRate(0.0)
    measured = [rate.measure(tenth / 10, tenth // 20 * 10) for tenth in range(1000)]
    assert all(4 <= value <= 6 for value in measured[int(SPAN * 10) :])


def test_rate_forgets() -> None:
    """It follows when the job becomes slower or stands still, and does not remember it forever."""
    rate = RecentRate(0.0)
    for second in range(100):
        rate.measure(float(second), 10 * second)
    assert rate.measure(100.0, 1000) == 10.0
    assert rate.measure(100.0 + SPAN / 2, 1000) == pytest.approx(5.0, rel=0.1)
    assert rate.measure(100.0 + SPAN, 1000) == 0.0
    for second in range(int(SPAN) * 2):
        rate.measure(200.0 + second, 1000 + second)
    assert rate.measure(200.0 + SPAN * 2, 1000 + int(SPAN) * 2) == 1.0


async def test_what_is_told(job: Job) -> None:
    """Every number fits the counts, the total and the clock."""
    reporter = job.reporter(total=100)
    job.later(0.5, in_flight=7)
    reporter.tick()
    job.later(1.5, ok=5, failed=2, unknown=1, in_flight=3)
    reporter.tick()
    job.later(2.0, ok=9, failed=2, unknown=1)
    await reporter.finish(1)
    nothing = {"ok": 0, "failed": 0, "unknown": 0, "done": 0}
    assert job.told == [
        Progress(**nothing, in_flight=7, total=100, rate=0.0, time_left=None, elapsed=0.5),
        Progress(done=8, ok=5, failed=2, unknown=1, in_flight=3, total=100, rate=4.0, time_left=23.0, elapsed=2.0),
        Progress(done=12, ok=9, failed=2, unknown=1, in_flight=0, total=100, rate=3.0, time_left=0.0, elapsed=4.0),
    ]


async def test_without_a_total(job: Job) -> None:
    """How long it takes cannot be told until it has ended."""
    reporter = job.reporter()
    job.later(1.0, ok=5)
    reporter.tick()
    await reporter.finish(1)
    assert [(progress.total, progress.time_left) for progress in job.told] == [(None, None), (None, 0.0)]


async def test_more_than_the_total(job: Job) -> None:
    """A total that was too small makes no negative time."""
    reporter = job.reporter(total=3)
    job.later(1.0, ok=5)
    reporter.tick()
    await reporter.finish(1)
    assert job.told[0].time_left == 0.0


async def test_items_of_an_earlier_run(job: Job) -> None:
    """They are done, but nothing is fast because of them."""
    reporter = job.reporter(total=1000)
    job.later(0.5, ok=590, failed=10, recorded=600)
    reporter.tick()
    job.later(9.5, ok=690, failed=10, recorded=600)
    reporter.tick()
    await reporter.finish(1)
    assert [(progress.done, progress.rate, progress.time_left) for progress in job.told] == [
        (600, 0.0, None),
        (700, 10.0, 30.0),
        (700, 10.0, 0.0),
    ]


async def test_only_what_changed(job: Job) -> None:
    """Nobody is told what they know."""
    reporter = job.reporter()
    reporter.tick()
    assert not job.told
    job.later(1.0, ok=1)
    reporter.tick()
    job.later(1.0, ok=1)
    reporter.tick()
    assert len(job.told) == 1
    job.later(1.0, ok=1, in_flight=1)
    reporter.tick()
    assert len(job.told) == 2
    await reporter.finish(1)


def test_once_at_the_end(job: Job) -> None:
    """There is one last call even when nothing happened, and none after it."""

    async def story() -> None:
        reporter = job.reporter(total=0)
        await reporter.finish(0)
        assert [(progress.done, progress.time_left) for progress in job.told] == [(0, 0.0)]
        await asyncio.sleep(INTERVAL * 10)
        assert len(job.told) == 1

    run(story())


def test_ten_times_a_second(job: Job) -> None:
    """It looks by itself."""

    async def story() -> None:
        reporter = job.reporter()
        for number in range(40):
            job.later(0.01, ok=number)
            await asyncio.sleep(0.01)
        called = len(job.told)
        await reporter.finish(1)
        assert 0.4 / INTERVAL - 1 <= called <= 0.4 / INTERVAL
        assert [progress.ok for progress in job.told] == sorted(progress.ok for progress in job.told)

    run(story())


async def test_async_callback(job: Job) -> None:
    """It is awaited, one call at a time; what changed meanwhile is told by the next."""
    callback = HeldCallback()
    reporter = job.reporter(callback)
    for number in range(1, 4):
        job.later(1.0, ok=number)
        reporter.tick()
        await turns()
    assert [progress.ok for progress in callback.begun] == [1]
    callback.released.set()
    await turns()
    reporter.tick()
    await turns()
    assert [progress.ok for progress in callback.begun] == [1, 3]
    await reporter.finish(1)
    assert callback.ended == 3


async def test_end_waits_for_the_call_under_way(job: Job) -> None:
    """Then comes the last one, which is awaited too."""
    callback = HeldCallback()
    reporter = job.reporter(callback)
    job.later(1.0, ok=1)
    reporter.tick()
    await turns()
    job.later(1.0, ok=2)
    finishing = asyncio.create_task(reporter.finish(10))
    await turns()
    assert [progress.ok for progress in callback.begun] == [1]
    callback.released.set()
    await finishing
    assert [progress.ok for progress in callback.begun] == [1, 2]
    assert callback.ended == 2


@pytest.mark.parametrize("under_way", [True, False])
async def test_callback_that_hangs(job: Job, caplog: pytest.LogCaptureFixture, under_way: bool) -> None:
    """The end waits for it as long as it is told, then cancels it and says so."""
    callback = HeldCallback()
    reporter = job.reporter(callback)
    job.later(1.0, ok=1)
    if under_way:
        reporter.tick()
    await reporter.finish(0.01)
    assert (len(callback.begun), callback.ended, callback.cancelled) == (1, 0, 1)
    record = the_record(caplog)
    assert record.levelno == logging.WARNING
    assert "was cancelled" in record.message


async def test_end_is_cancelled(job: Job) -> None:
    """However often, it goes on to its end, and is cancelled then."""
    callback = HeldCallback()
    reporter = job.reporter(callback)
    finishing = asyncio.create_task(reporter.finish(10))
    for _ in range(3):
        await turns()
        finishing.cancel()
    await turns()
    assert not finishing.done()
    callback.released.set()
    with pytest.raises(asyncio.CancelledError):
        await finishing
    assert (callback.ended, callback.cancelled) == (1, 0)


def raising(error: BaseException) -> Callable[[Progress], object]:
    """Return a callback that raises."""

    def callback(progress: Progress) -> None:
        raise error

    return callback


async def test_how_long_a_job_stands_still(job: Job) -> None:
    """Told each second from the first on, and that it goes on; while one looks whether that is over, it stands."""
    reporter = job.reporter(total=100)

    def paused_for(seconds: float, **counts: int) -> list[float | None]:
        """Return what is told of the pause once it is later."""
        before = len(job.told)
        job.later(seconds, **counts)
        reporter.tick()
        return [None if told.paused_for is None else round(told.paused_for, 6) for told in job.told[before:]]

    assert paused_for(0.1, in_flight=3, held_up=3) == [None]
    assert paused_for(0.9, in_flight=3, held_up=3) == []
    assert paused_for(0.1, in_flight=3, held_up=3) == [1.0]
    assert paused_for(0.5, in_flight=3, held_up=3) == []
    assert paused_for(0.5, in_flight=3, held_up=2) == [2.0]
    assert paused_for(0.5, in_flight=3, held_up=3) == []
    assert paused_for(0.1, in_flight=3, held_up=2, ok=1) == [None]
    assert paused_for(0.1, in_flight=3, held_up=3, ok=1) == []
    assert paused_for(1.0, in_flight=3, held_up=3, ok=1) == [1.0]
    assert paused_for(1.1, in_flight=3, held_up=2, ok=1) == [None]
    assert paused_for(5.0, in_flight=0, held_up=0, ok=1) == [None]
    await reporter.finish(1)


def raising_later(error: BaseException) -> Callable[[Progress], object]:
    """Return an async callback that raises."""

    async def callback(progress: Progress) -> None:
        await asyncio.sleep(0)
        raise error

    return callback


@pytest.mark.parametrize("kind", [raising, raising_later])
@pytest.mark.parametrize("error", [ValueError("no such terminal"), asyncio.CancelledError("enough")], ids=repr)
async def test_callback_that_raises(
    job: Job,
    caplog: pytest.LogCaptureFixture,
    kind: Callable[[BaseException], Callable[[Progress], object]],
    error: BaseException,
) -> None:
    """That is logged with its traceback, there is no other call, and nothing else happens."""
    calls: list[Progress] = []
    raise_it = kind(error)

    def callback(progress: Progress) -> object:
        calls.append(progress)
        return raise_it(progress)

    reporter = job.reporter(callback)
    for number in range(1, 4):
        job.later(1.0, ok=number)
        reporter.tick()
        await turns()
    await reporter.finish(1)
    assert len(calls) == 1
    record = the_record(caplog)
    assert record.levelno == logging.ERROR
    assert repr(error) in record.message
    assert record.exc_info is not None
    assert record.exc_info[1] is not None
    assert record.exc_info[1].__traceback__ is not None


@pytest.mark.parametrize("kind", [raising, raising_later])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_callback_that_ends_the_program(
    job: Job,
    caplog: pytest.LogCaptureFixture,
    kind: Callable[[BaseException], Callable[[Progress], object]],
    error: type[BaseException],
) -> None:
    """Ctrl-C and exit() are not the callback's to keep, and nothing is left to complain of."""

    async def story() -> None:
        reporter = job.reporter(kind(error("now")))
        await reporter.finish(1)

    with pytest.raises(error, match="now"):
        asyncio.run(story())
    gc.collect()
    assert not caplog.records


# A job whose `progress=` ends the program, and a program that cleans up after itself.
EXITING_JOB: Final = """
import asyncio, sys
from refold_async import AsyncRefold

kind, when, how, runner = sys.argv[1:]
error = {"SystemExit": SystemExit(3), "KeyboardInterrupt": KeyboardInterrupt()}[kind]
calls = 0

def told(progress):
    global calls
    calls += 1
    if when == "at once" or progress.time_left == 0 and progress.done == 8:
        raise error

async def told_later(progress):
    await asyncio.sleep(0)
    told(progress)

async def call(scope, item):
    await asyncio.sleep(0.06)

async def main():
    try:
        async with AsyncRefold("tk_test", base_url="http://127.0.0.1:1") as refold:
            fan_out = refold.fan_out(
                [f"user_{number}" for number in range(8)],
                call,
                concurrency=2,
                progress=told if how.startswith("plain") else told_later,
            )
            if how.endswith("collect"):
                await fan_out.collect()
            async with fan_out:
                async for _ in fan_out:
                    pass
                if how.endswith("sleep"):
                    await asyncio.sleep(60)
    finally:
        await asyncio.sleep(0.001)
        print("cleaned up, calls:", calls)

if runner == "run":
    asyncio.run(main())
else:
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
"""


@pytest.mark.parametrize(
    "how",
    ["plain, collect", *(pytest.param(how, marks=pytest.mark.slow) for how in ("plain, sleep", "async, collect"))],
)
@pytest.mark.parametrize("when", ["at once", pytest.param("at the end", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("kind", "exit_code", "runner"),
    [("SystemExit", 3, "run"), ("KeyboardInterrupt", -signal.SIGINT, "run_until_complete")],
)
async def test_a_program_that_its_progress_ends(kind: str, exit_code: int, when: str, how: str, runner: str) -> None:
    """Its `finally` runs to the end, awaits included, and the callback is not called again."""
    ran = await run_program("-c", EXITING_JOB, kind, when, how, runner)
    assert re.fullmatch(r"cleaned up, calls: \d+\n", ran.output)
    assert ran.exit_code == exit_code
    assert when == "at the end" or ran.output.endswith(": 1\n")
    assert "Task" not in ran.complaints
    assert "never awaited" not in ran.complaints


@pytest.mark.parametrize("progress", [False, None, 1, "bar"])
def test_bad_argument(progress: Any) -> None:
    """What is neither True nor a function is refused."""
    with pytest.raises(ConfigurationError, match=r"^progress must be True or a function"):
        ProgressReporter(progress, None, Counts)


def test_without_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for a bar is told what to install."""
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(ConfigurationError, match=r"pip install refold-async\[progress\]$"):
        ProgressReporter(True, None, Counts)


async def test_tqdm_is_loaded_when_asked_for() -> None:
    """Who wants no bar does not pay for it."""
    ran = await run_program("-c", "import refold_async.jobs.progress_reporter, sys; print('tqdm' in sys.modules)")
    assert (ran.output, ran.complaints) == ("False\n", "")


# A job of a hundred items, which goes on whenever the reporter has looked. Stderr is what it is started with, or where
# stdout is a terminal, that.
PROGRAM: Final = """
import asyncio, os, sys, threading
from refold_async.jobs.progress import Counts
from refold_async.jobs.progress_reporter import ProgressReporter

if sys.stdout.isatty():
    os.dup2(1, 2)
total = 100 if sys.argv[1] == "total" else None
refused = sys.argv[1] == "refused"

async def main():
    done = 0
    looked = asyncio.Event()

    def count():
        looked.set()
        in_flight = 3 if done < 50 else 0
        return Counts(ok=done, failed=done // 10, in_flight=in_flight, held_up=in_flight if refused else 0)

    reporter = ProgressReporter(True, total, count)
    reporter.start()
    for done in (10, 40, 90):
        looked.clear()
        await looked.wait()
        if refused:
            await asyncio.sleep(1.3)
            break
    await reporter.finish(1)
    print("threads:", threading.active_count())

asyncio.run(main())
"""


async def shown_on_a_terminal(*arguments: str, program: str = PROGRAM) -> list[str]:
    """Run a program on a terminal, and return the lines it shows, those in the same place too."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (30, 100))
    async with running("-c", program, *arguments, stdout=theirs) as process:
        os.close(theirs)
        shown = b""
        with open(ours, "rb", buffering=0) as terminal, suppress(OSError):  # noqa: ASYNC230 - read in a thread
            while part := await asyncio.to_thread(terminal.read, 65536):  # Linux raises when the other end was closed
                shown += part
        ran = await ended(process)
    assert (ran.exit_code, ran.complaints) == (0, "")
    text = SLOW_MACHINE.sub("", shown.decode().replace("\r", "\n"))
    return [line.strip() for line in text.splitlines() if line.strip()]


async def test_bar_on_a_terminal() -> None:
    """It shows how far the job is, rewrites its line, and stays at the end; there is no thread beside it."""
    pytest.importorskip("tqdm")
    lines = await shown_on_a_terminal("total")
    assert any(re.search(r"\| 11/100 \[00:\d\d, .* left, 1 failed, 3 in flight\]", line) for line in lines)
    assert re.fullmatch(r"99%\|███.*\| 99/100 \[00:\d\d, .*/s, 9 failed\]", lines[-2])
    assert lines[-1] == "threads: 1"


@pytest.mark.slow
async def test_bar_without_a_total() -> None:
    """It counts."""
    pytest.importorskip("tqdm")
    lines = await shown_on_a_terminal("open")
    assert re.match(r"99 done \[00:\d\d, ", lines[-2])


async def test_bar_of_a_job_that_is_refused() -> None:
    """It says for how long the job has stood still."""
    pytest.importorskip("tqdm")
    lines = await shown_on_a_terminal("refused")
    assert any(re.search(r", refused \(HTTP 429\) for 00:0\d, 1 failed, 3 in flight\]", line) for line in lines)


async def test_no_bar_elsewhere() -> None:
    """A file or pipe is kept clean."""
    pytest.importorskip("tqdm")
    ran = await run_program("-c", PROGRAM, "total")
    assert (ran.exit_code, ran.output, ran.complaints) == (0, "threads: 1\n", "")


@pytest.mark.parametrize(
    "stderr",
    [
        pytest.param("None", id="none, as in a program without a console"),
        pytest.param("closed", marks=pytest.mark.slow),
        pytest.param("Sink()", id="half a stream", marks=pytest.mark.slow),
    ],
)
async def test_no_bar_without_a_stream(stderr: str) -> None:
    """A program that has no stderr runs as any other, and nothing is complained of."""
    pytest.importorskip("tqdm")
    program = f"""
import logging, sys
closed = open("/dev/null", "w")
closed.close()
class Sink:
    def write(self, text): pass
    def flush(self): pass
logging.getLogger("asyncio").disabled = True  # it says of slow machines that they are
logging.getLogger("refold_async").addHandler(type("Handler", (logging.Handler,), {{"emit": lambda _, r: print(r)}})())
sys.stderr = {stderr}
{PROGRAM.replace("os.dup2(1, 2)", "pass")}"""
    ran = await run_program("-c", program, "total")
    assert (ran.exit_code, ran.output, ran.complaints) == (0, "threads: 1\n", "")


@pytest.mark.slow
async def test_a_bar_starts_no_process() -> None:
    """Where a program is frozen, one that a lock between processes needs would be all of the program once more."""
    pytest.importorskip("tqdm")
    program = f"{PROGRAM}\nprint('locks:', 'multiprocessing.synchronize' in sys.modules)"
    assert (await shown_on_a_terminal("total", program=program))[-1] == "locks: False"
