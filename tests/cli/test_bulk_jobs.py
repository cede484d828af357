"""What the command line reports about a job: its exit code, how to continue, and its progress."""

import asyncio
import os
import pty
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from refold_async import (
    APIConnectionError,
    APIResponseValidationError,
    Failed,
    JournalError,
    Ok,
    Outcome,
    Progress,
    Unknown,
)
from refold_async.cli.bulk.displays import LineDisplay, duration
from refold_async.cli.bulk.interruptions import heeding_signals
from refold_async.cli.bulk.job import JobEnd
from refold_async.cli.bulk.rows import open_rows
from refold_async.cli.bulk.summary import JobSummary
from refold_async.cli.failures import ExitCode
from refold_async.cli.invocation import Invocation

Row = dict[str, Any]


def told(index: int) -> dict[str, Any]:
    """Return the values that every outcome has."""
    return {"item": {"id": index}, "linked_account_id": f"user_{index}", "index": index}


OK: Outcome[Row, Any] = Ok(value=None, **told(1))
FAILED: Outcome[Row, Any] = Failed(error=ValueError("no"), effect="none", **told(2))
UNUSABLE: Outcome[Row, Any] = Failed(error=APIResponseValidationError("misfit"), effect="done", **told(3))
UNCLEAR: Outcome[Row, Any] = Failed(error=ValueError("half"), effect="unknown", **told(4))
UNKNOWN: Outcome[Row, Any] = Unknown(error=APIConnectionError("lost"), **told(5))


def summary_of(
    *outcomes: Outcome[Row, Any],
    left: int = 0,
    interrupted: bool = False,
    reason: str | None = None,
    unrecorded: int = 0,
    journal: str | None = "june.sqlite",
    reads: bool = False,
) -> JobSummary:
    """Return the summary of a job that ended so."""
    end = JobEnd(interrupted=interrupted, reason=reason, unrecorded=unrecorded)
    for outcome in outcomes:
        end.add(outcome)
    return JobSummary(
        end=end,
        total=len(outcomes) + left,
        slug="hubspot",
        journal=journal,
        output=None,
        reads=reads,
        rows_from="customers.csv",
        rows_stay=True,
        seconds=1.0,
    )


@pytest.mark.parametrize(
    ("summary", "code"),
    [
        (summary_of(OK), 0),
        (summary_of(OK, FAILED), 1),
        (summary_of(OK, FAILED, UNUSABLE), 4),
        (summary_of(OK, FAILED, UNUSABLE, UNKNOWN), 3),
        (summary_of(OK, UNCLEAR), 3),
        (summary_of(OK, left=1, reason="The time was over."), 1),
        (summary_of(OK, left=1, reason="The time was over.", journal=None), 3),
        (summary_of(FAILED, left=1, reason="The time was over.", journal=None), 1),
        (summary_of(OK, left=1, interrupted=True), 130),
        (summary_of(UNUSABLE, left=1, interrupted=True), 130),
        (summary_of(OK, UNKNOWN, left=1, interrupted=True), 3),
        (summary_of(OK, left=1, interrupted=True, journal=None), 3),
        (summary_of(OK, left=1, interrupted=True, journal=None, reads=True), 130),
        (summary_of(left=2, interrupted=True, journal=None), 130),
        (summary_of(OK, interrupted=True), 0),
        (summary_of(OK, left=1, reason="The disk is full.", unrecorded=1), 3),
    ],
)
def test_exit_codes(summary: JobSummary, code: int) -> None:
    """What may have happened, or may happen twice, counts most."""
    assert summary.exit_code == code
    assert summary.as_json()["exit_code"] == code


def test_what_to_do() -> None:
    """Rows that were executed and failed must not be retried; of many errors, the most frequent are shown."""
    many = [
        Failed(error=type(f"Error{number}", (Exception,), {})("no"), effect="none", **told(9)) for number in range(7)
    ]
    texts = [text for text, _ in summary_of(OK, UNUSABLE, UNUSABLE, *many).paragraphs()]
    assert texts[0] == "10 rows: 1 ok, 9 failed, 0 unknown. This run took 1 s."
    assert texts[1] == "2 failed: APIResponseValidationError: misfit (user_3)"
    assert "3 with other errors." in texts
    assert "2 rows failed after the action was executed: do not send them again." in texts
    assert texts[-1] == "To retry the 7 rows that failed and did nothing:"


@pytest.mark.parametrize(
    ("given", "again"),
    [
        (("fan-out", "a b", "it's=@x"), """refold fan-out 'a b' 'it'"'"'s=@x' --retry-failed"""),
        (("fan-out", "--resend-unknown", "--retry-failed"), "refold fan-out --retry-failed"),
        (("fan-out", "--json", "--", "-x=1"), "refold fan-out --json --retry-failed -- -x=1"),
        (("fan-out", "--resend_unknown", "--retry-failed=true"), "refold fan-out --retry-failed"),
        (
            ("fan-out", "--resend-unknown=true", "--", "--retry-failed"),
            "refold fan-out --retry-failed -- --retry-failed",
        ),
        (("fan-out", "a\x1b'\udcff"), r"refold fan-out $'a\x1b\x27\xff' --retry-failed"),
    ],
)
def test_the_command_again(monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], again: str) -> None:
    """It is quoted for a shell, with options added or left out."""
    monkeypatch.setattr(sys, "argv", ["/usr/bin/refold", *given])
    invocation = Invocation()
    invocation.begin(given)
    assert invocation.again("--retry-failed", without=frozenset({"--resend-unknown"})) == again


def test_a_program_that_is_not_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is named by its path; if its name is enough, by its name."""
    program = tmp_path / "my tools" / "refold"
    program.parent.mkdir()
    program.touch(0o700)
    monkeypatch.setattr(sys, "argv", [str(program)])
    assert Invocation().again() == f"'{program}'"
    monkeypatch.setenv("PATH", str(program.parent))
    assert Invocation().again() == "refold"


@pytest.mark.usefixtures("hangups")
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows")
async def test_signals() -> None:
    """A hangup that is sent twice counts once, and no signal counts once the job has ended."""
    heard: list[int] = []

    async def send(number: signal.Signals) -> None:
        signal.raise_signal(number)
        await asyncio.sleep(0.05)

    before = signal.getsignal(signal.SIGINT)
    with heeding_signals(heard.append, lambda: heard.append(0)) as ignore:
        await send(signal.SIGHUP)
        await send(signal.SIGHUP)
        assert heard == [signal.SIGHUP]
        ignore()
        await send(signal.SIGHUP)
        await send(signal.SIGINT)
        assert heard == [signal.SIGHUP]
    assert signal.getsignal(signal.SIGINT) is before


async def test_rows_typed_on_a_terminal() -> None:
    """One Ctrl-D ends them."""
    keyboard, terminal = pty.openpty()

    def read() -> int:
        with open_rows(os.ttyname(terminal)) as rows:
            return len(list(rows))

    try:
        os.write(keyboard, b"linked_account_id\nuser_1\nuser_2\n\x04")
        reading = asyncio.create_task(asyncio.to_thread(read))
        await asyncio.wait([reading], timeout=20)
        assert reading.done()
        assert reading.result() == 2
    finally:
        os.close(keyboard)
        os.close(terminal)


def test_lines_for_logs(capsys: pytest.CaptureFixture[str]) -> None:
    """One every ten seconds, which also shows a pause; none at the end, when the summary follows."""
    now = [0.0]
    clock: Callable[[], float] = lambda: now[0]  # noqa: E731
    display = LineDisplay(1_000, clock)
    for seconds in range(25):
        now[0] = float(seconds)
        display.show(progress(done=10 * seconds, paused_for=12.0 if seconds > 15 else None))
    now[0] = 40.0
    display.show(progress(done=1_000, time_left=0.0))
    first, second = capsys.readouterr().err.splitlines()
    assert first == "100 of 1,000 rows done: 10.0/s, 1 min 30 s left, 1 failed, 0 unknown, 99 ok."
    assert second.startswith("200 of 1,000 rows done: paused: refused (HTTP 429) for 12 s, 10.0/s, ")


def progress(done: int, paused_for: float | None = None, time_left: float = 90.0) -> Progress:
    """Return how far a job is."""
    return Progress(
        done=done,
        ok=done - 1,
        failed=1,
        unknown=0,
        in_flight=5,
        total=1_000,
        rate=10.0,
        time_left=time_left,
        elapsed=1.0,
        paused_for=paused_for,
    )


def test_durations() -> None:
    """They are written in words."""
    assert [duration(seconds) for seconds in (0, 59.4, 61, 3599, 3600, 90_000)] == [
        *("0 s", "59 s", "1 min 01 s", "59 min 59 s", "1 h 00 min", "25 h 00 min"),
    ]


def test_outcomes_that_the_journal_lacks() -> None:
    """The summary says that the next run treats them as unknown."""
    summary = summary_of(OK, left=1, reason=str(JournalError("The disk is full.")), unrecorded=1)
    told = "\n".join(text for text, _ in summary.paragraphs())
    assert "1 of these outcomes could not be written to the journal: the next run treats those rows as unknown." in told
    assert summary.exit_code is ExitCode.UNKNOWN
