"""`refold fan-out` as a process: killed, interrupted, without its server; and what a terminal shows of it."""

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import re
import shlex
import signal
import struct
import sys
import termios
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

import refold_async
from refold_async import Journal
from refold_async.testing import Answer, Delay, MockRefold, Silence
from support.running_programs import Finished, ended, running
from support.waiting import until

pyte = pytest.importorskip("pyte")

ROWS: Final = 60
LIBRARY: Final = str(Path(refold_async.__file__).parent.parent)


@attrs.frozen
class Job:
    """A job as a user runs it."""

    mock: MockRefold
    directory: Path
    rows: int = ROWS
    concurrency: int = 4
    api_key: str = "tk_test"

    @property
    def journal(self) -> Path:
        """Where its journal is."""
        return self.directory / "june sync.sqlite"

    @property
    def output(self) -> Path:
        """Where its outcomes are."""
        return self.directory / "june.csv"

    @property
    def arguments(self) -> list[str]:
        """What Python is started with."""
        accounts = self.directory / "customers.csv"
        lines = (f"user_{number},{number}@example.com" for number in range(self.rows))
        accounts.write_text("\n".join(["linked_account_id,email", *lines, ""]))
        files = {"accounts": accounts, "journal": self.journal, "output": self.output}
        options = [text for name, path in files.items() for text in (f"--{name}", str(path))]
        command = ["-m", "refold_async", "fan-out", "hubspot", "create_contact", "email=@email"]
        return [*command, *options, "--concurrency", str(self.concurrency)]

    @property
    def environment(self) -> dict[str, str]:
        """The key, and where Refold is."""
        return {"REFOLD_API_KEY": self.api_key, "REFOLD_BASE_URL": self.mock.base_url, "PYTHONASYNCIODEBUG": ""}

    async def run(self, *options: str) -> Finished:
        """Run it to its end."""
        async with running(*self.arguments, *options, environment=self.environment) as process:
            return await ended(process)

    @property
    def writes(self) -> Counter[str]:
        """How often each account was written to."""
        return Counter(str(sent.linked_account_id) for sent in self.mock.requests_to("execute_action"))

    @property
    def each_once(self) -> dict[str, int]:
        """What the writes are where each account was written to once."""
        return {f"user_{number}": 1 for number in range(self.rows)}


@pytest.fixture
def job(mock: MockRefold, tmp_path: Path) -> Job:
    """A job."""
    return Job(mock, tmp_path)


def take_time(mock: MockRefold) -> None:
    """Delay executions, except those with a script of their own."""
    mock.script(Delay(0.05), route="execute_action")


def told(finished: Finished) -> dict[str, Any]:
    """Return the summary that a job prints."""
    summary: dict[str, Any] = json.loads(finished.output)
    return summary


async def test_killed_and_run_again(job: Job) -> None:
    """After `kill -9`, the file of outcomes has what was done, and the same command writes nothing twice."""
    take_time(job.mock)
    async with running(*job.arguments, environment=job.environment) as process:
        await until(lambda: len(job.writes) >= 20, process)
        process.kill()
        await process.wait()
    await until(lambda: not job.mock.in_flight)
    lines = job.output.read_text(encoding="utf-8-sig").splitlines()
    assert 20 - 2 * 4 <= len(lines) - 1 <= len(job.writes)
    unknown = Journal(job.journal).summary().unknown
    finished = await job.run()
    assert (told(finished)["ok"], told(finished)["unknown"]) == (ROWS - unknown, unknown)
    assert finished.exit_code == (3 if unknown else 0)
    assert job.writes == job.each_once
    assert len(job.output.read_text(encoding="utf-8-sig").splitlines()) == 1 + ROWS


@pytest.mark.usefixtures("hangups")
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow),
    ],
)
async def test_interrupted_and_resumed(job: Job, number: signal.Signals, code: int) -> None:
    """Rows in flight finish, and the command that is shown does the rest when a shell runs it."""
    take_time(job.mock)
    async with running(*job.arguments, environment=job.environment) as process:
        await until(lambda: len(job.writes) >= 10, process)
        process.send_signal(number)
        if number is signal.SIGHUP:  # as the shell does
            process.send_signal(number)
        finished = await ended(process)
    summary = told(finished)
    assert (finished.exit_code, summary["exit_code"], summary["ended"]) == (code, code, "interrupted")
    assert (summary["ok"], summary["unknown"], summary["failed"]) == (len(job.writes), 0, 0)
    assert summary["not_begun"] == ROWS - len(job.writes) > 0
    assert "Stopping: no more rows begin, and those in flight have 10 seconds to finish" in finished.complaints
    command = finished.complaints.splitlines()[-1].strip()
    assert command == summary["resume"]
    assert shlex.split(command)[-len(job.arguments) :] == job.arguments
    resumed = await asyncio.create_subprocess_shell(
        command,
        env={**os.environ, **job.environment, "PYTHONPATH": LIBRARY},
        stdout=-3,
        stderr=-3,
    )
    assert await resumed.wait() == 0
    assert job.writes == job.each_once


async def test_interrupted_while_requests_are_refused(job: Job) -> None:
    """Rows whose requests were all refused are no unknown ones: they did nothing, and the next run begins them."""
    job.mock.script(Answer(429, retry_after=1), route="execute_action", calls=range(5, 10_000))
    async with running(*job.arguments, environment=job.environment) as process:
        await until(lambda: len(job.mock.requests_to("execute_action")) >= 6, process)
        process.send_signal(signal.SIGINT)
        finished = await ended(process)
    summary = told(finished)
    assert (finished.exit_code, summary["ended"]) == (130, "interrupted")
    assert (summary["ok"], summary["failed"], summary["unknown"], summary["not_begun"]) == (4, 0, 0, ROWS - 4)
    assert "--resend-unknown" not in finished.complaints
    state = Journal(job.journal).summary()
    assert (state.ok, state.unknown, state.withdrawn + (state.not_begun or 0)) == (4, 0, ROWS - 4)
    assert len(job.output.read_text(encoding="utf-8-sig").splitlines()) == 1 + 4


async def test_interrupted_twice(job: Job) -> None:
    """It ends immediately, and says that the rows in flight are unknown."""
    job.mock.script(Silence(), route="execute_action", calls=range(5, 9))
    take_time(job.mock)
    async with running(*job.arguments, environment=job.environment) as process:
        await until(lambda: len(job.writes) >= 8, process)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while b"Stopping" not in await process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        finished = await ended(process)
    assert (finished.exit_code, told(finished)["ended"]) == (3, "interrupted")
    assert (told(finished)["ok"], told(finished)["unknown"]) == (4, 4)
    assert "4 unknown: interrupted: The job was stopped while it was in flight." in finished.complaints
    assert "Stopped immediately: rows that were sent and got no answer are unknown." in finished.complaints
    assert told(finished)["seconds"] < 10
    assert Journal(job.journal).summary().unknown == 4
    assert job.output.read_text(encoding="utf-8-sig").count(",unknown,unknown,interrupted,") == 4


@pytest.mark.slow
async def test_a_server_that_goes(job: Job, mock: MockRefold) -> None:
    """The job stops long before every row has failed."""
    take_time(mock)
    job = attrs.evolve(job, rows=400, concurrency=50)
    async with running(*job.arguments, environment=job.environment) as process:
        await until(lambda: len(job.writes) >= 100, process)
        await mock.aclose()
        finished = await ended(process)
    assert finished.exit_code in (1, 3)
    assert "The job was stopped. Refold does not answer: check that it can be reached" in finished.complaints
    assert "rows in a row did not succeed" in finished.complaints
    assert "The last error" not in finished.complaints
    assert told(finished)["failed"] + told(finished)["unknown"] <= 100 + 2 * 50


@pytest.mark.slow
async def test_two_at_a_time(job: Job) -> None:
    """A process refuses a journal that another process uses."""
    job.mock.script(Silence(), route="execute_action")
    async with running(*job.arguments, environment=job.environment) as process:
        await until(lambda: len(job.writes) >= 4, process)
        finished = await job.run()
        assert (finished.exit_code, finished.output) == (1, "")
        assert re.fullmatch(r"refold: The journal '.*' is in use: .*\n", finished.complaints)
    assert len(job.writes) == 4


class Terminal:
    """A terminal of 80 columns and 50 lines."""

    def __init__(self, reader: int) -> None:
        self._reader = reader
        self.screen = pyte.Screen(80, 50)
        self._stream = pyte.ByteStream(self.screen)
        self.bars: list[str] = []
        """What the line of the bar showed, each time that it changed."""

    def read(self) -> None:
        """Show what was written."""
        with contextlib.suppress(OSError):  # where its other end is closed
            self._stream.feed(os.read(self._reader, 65536))
        for line in self.lines:
            if re.search(r"\d/\d", line) and line not in self.bars[-1:]:
                self.bars.append(line)

    @property
    def lines(self) -> list[str]:
        """The lines that are not empty."""
        return [line.rstrip() for line in self.screen.display if line.strip()]

    @property
    def text(self) -> str:
        """Its lines as one."""
        return " ".join(self.lines)

    def press(self, key: bytes) -> None:
        """Press a key."""
        os.write(self._reader, key)


@contextlib.asynccontextmanager
async def in_a_terminal(job: Job, *options: str) -> AsyncGenerator[tuple[asyncio.subprocess.Process, Terminal]]:
    """Run a job in a terminal that it controls."""
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 80, 0, 0))
    loop = asyncio.get_running_loop()
    terminal = Terminal(reader)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *job.arguments,
        *options,
        env={**os.environ, **job.environment, "PYTHONPATH": LIBRARY, "TERM": "xterm-256color"},
        stdin=writer,
        stdout=writer,
        stderr=writer,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    loop.add_reader(reader, terminal.read)
    try:
        yield process, terminal
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        loop.remove_reader(reader)
        os.close(writer)
        os.close(reader)


async def test_the_bar(job: Job) -> None:
    """One line shows how far it is, its rate, how the rows ended and the time left; below it comes the summary."""
    job.mock.script(Answer(422), linked_account_id="user_3", route="execute_action")
    take_time(job.mock)
    async with in_a_terminal(job) as (process, terminal):
        async with asyncio.timeout(60):
            assert await process.wait() == 1
        await until(lambda: "The outcome of each row" in terminal.text)
        lines = terminal.lines
    assert not [line for line in lines if line.startswith("{")]
    (bar,) = (line for line in lines if f"{ROWS}/{ROWS}" in line)
    assert f"1 failed · 0 unknown · {ROWS - 1} ok" in bar
    assert lines[lines.index(bar) + 1].startswith(f"{ROWS} rows: {ROWS - 1} ok, 1 failed, 0 unknown")
    assert any(
        re.search(rf"━.* \d+/{ROWS} .*\d+\.\d/s · \d+ s left · \d failed · 0 unknown · \d+ ok", line)
        for line in terminal.bars
    )
    assert len(terminal.bars) > 3
    assert not terminal.screen.cursor.hidden


@pytest.mark.slow
async def test_a_pause(job: Job) -> None:
    """While refusals pause the job, the bar says so."""
    job.mock.script(Answer(429, retry_after=2), route="execute_action", calls=range(9, 10_000))
    take_time(job.mock)
    async with in_a_terminal(job) as (process, terminal):
        await until(lambda: any("paused: refused (HTTP 429) for " in line for line in terminal.bars), process)
        job.mock.clear()
        async with asyncio.timeout(60):
            assert await process.wait() == 0


async def test_ctrl_c_where_it_asks(job: Job) -> None:
    """The key ends it before anything is sent, without Enter."""
    job = attrs.evolve(job, api_key="pk_live")
    async with in_a_terminal(job) as (process, terminal):
        await until(lambda: "for 60 accounts, with a production key? [y/N]" in terminal.text, process)
        terminal.press(b"\x03")
        async with asyncio.timeout(60):
            assert await process.wait() == 130
        await until(lambda: "refold: Stopped." in terminal.text)
    assert not job.writes
    assert not job.output.exists()


async def test_ctrl_c_in_a_terminal(job: Job) -> None:
    """The key stops the job, and leaves the terminal as it was."""
    take_time(job.mock)
    async with in_a_terminal(job) as (process, terminal):
        await until(lambda: len(job.writes) >= 10, process)
        terminal.press(b"\x03")
        async with asyncio.timeout(60):
            assert await process.wait() == 130
        await until(lambda: "To continue with the other" in terminal.text)
    text = terminal.text
    assert "Stopping: no more rows begin, and those in flight have 10 seconds to finish" in text
    assert f"To continue with the other {ROWS - len(job.writes)} rows:" in text
    assert any("stopping, " in line for line in terminal.bars)
    assert not terminal.screen.cursor.hidden


async def test_ctrl_c_while_nothing_answers(job: Job) -> None:
    """The bar shows that the job stops before any row ends, and the second press says what became of the rows."""
    job.mock.script(Silence(), route="execute_action", calls=range(5, 9))
    async with in_a_terminal(job) as (process, terminal):
        await until(lambda: len(job.writes) >= 8, process)
        terminal.press(b"\x03")
        await until(lambda: "stopping, 4 in flight · 0 failed · 0 unknown · 4 ok" in terminal.text, process)
        assert "Stopping: no more rows begin" in terminal.text
        assert sum(f"4/{ROWS}" in line for line in terminal.lines) == 1
        assert terminal.lines[0].startswith("Stopping: ")
        terminal.press(b"\x03")
        async with asyncio.timeout(60):
            assert await process.wait() == 3
        await until(lambda: "To continue with the other" in terminal.text)
    assert "Stopped immediately: rows that were sent and got no answer are unknown." in terminal.text
    assert f"{ROWS} rows: 4 ok, 0 failed, 4 unknown, {ROWS - 8} not begun." in terminal.text


async def test_the_bar_of_a_job_that_is_done(job: Job) -> None:
    """It begins with the rows of earlier runs, and shows no rate of what this run did not do."""
    assert (await job.run()).exit_code == 0
    async with in_a_terminal(job) as (process, terminal):
        async with asyncio.timeout(60):
            assert await process.wait() == 0
        await until(lambda: "The outcome of each row" in terminal.text)
    assert not any(f" 0/{ROWS}" in bar or "/s" in bar for bar in terminal.bars)


async def test_interrupted_without_a_journal(job: Job) -> None:
    """The rows that are done are not known: the exit code says that running the job again may write twice."""
    take_time(job.mock)
    place = job.arguments.index("--journal")
    arguments = [*job.arguments[:place], *job.arguments[place + 2 :]]
    async with running(*arguments, environment=job.environment) as process:
        await until(lambda: len(job.writes) >= 10, process)
        process.send_signal(signal.SIGINT)
        finished = await ended(process)
    assert (finished.exit_code, told(finished)["ended"], told(finished)["unknown"]) == (3, "interrupted", 0)
    assert "begins at the first row and repeats those that are done" in finished.complaints
    assert job.output.read_text(encoding="utf-8-sig").count(",ok,done,") == len(job.writes)
