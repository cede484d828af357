"""Running a job to its end, or as far as it comes: what becomes of each row is counted and written down."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import attrs

from refold_async.cli.bulk.displays import Display
from refold_async.cli.bulk.interruptions import heeding_signals
from refold_async.cli.bulk.outcome_file import OutcomeFile
from refold_async.cli.failures import UsageError, say
from refold_async.cli.process import note_signal
from refold_async.errors import AuthenticationError, JournalError, ReconnectRequiredError, RecordedError, RefoldError
from refold_async.jobs.outcome_groups import STATUS_ORDER, OutcomeGroups
from refold_async.jobs.outcome_rows import message_of
from refold_async.jobs.outcomes import Outcome, Status, Unfinished, Unknown

if TYPE_CHECKING:
    from refold_async import ActionResult, FanOut

    Job = FanOut[dict[str, Any], ActionResult[Any]]

__all__ = ["GRACE", "JobEnd", "run_job"]

GRACE: Final = 10.0
"""Seconds that what is in flight gets to end where the job is stopped."""
_FAILURES_IN_A_ROW: Final = 100
_REFUSED_KEYS_IN_A_ROW: Final = 3
_BETWEEN_REFRESHES: Final = 0.5

Row = dict[str, Any]


@attrs.define
class JobEnd:
    """How a job ended, and what became of its rows until then."""

    counts: dict[Status, int] = attrs.field(factory=lambda: dict.fromkeys(STATUS_ORDER, 0))
    """How many rows ended each way, those of earlier runs included."""
    unusable: int = 0
    """How many of those that failed had run all the same."""
    recorded: int = 0
    """How many of all ended in an earlier run."""
    groups: OutcomeGroups = attrs.field(factory=OutcomeGroups)
    """The outcomes that ended alike."""
    interrupted: bool = False
    """Whether Ctrl-C, SIGTERM or SIGHUP stopped it."""
    reason: str | None = None
    """What else stopped it, or None."""
    unrecorded: int = 0
    """How many outcomes the journal could not take."""

    def add(self, outcome: Outcome[Row, Any]) -> None:
        """Count an outcome."""
        unclear = outcome.status == "failed" and outcome.effect == "unknown"
        self.counts["unknown" if unclear else outcome.status] += 1
        self.unusable += outcome.status == "failed" and outcome.effect == "done"
        self.recorded += outcome.recorded
        self.groups.add(outcome)

    @property
    def done(self) -> int:
        """How many rows ended."""
        return sum(self.counts.values())


class _Streak:
    """Failures without a success in between: so many of them are no accident of their rows."""

    def __init__(self) -> None:
        self._failures = self._refused_keys = 0

    def reason_to_stop(self, outcome: Outcome[Row, Any]) -> str | None:
        """Return why the job had better stop after an outcome, or None."""
        if outcome.recorded:
            return None
        if outcome.status == "ok":
            self._failures = self._refused_keys = 0
            return None
        if outcome.matches(ReconnectRequiredError):  # which tells of its account alone
            return None
        self._failures += 1
        self._refused_keys += outcome.matches(AuthenticationError)
        last = "" if outcome.error is None else f"The last error: {message_of(outcome.error)}"
        if self._refused_keys >= _REFUSED_KEYS_IN_A_ROW:
            return f"Refold refuses the API key. {last}"
        if self._failures >= _FAILURES_IN_A_ROW:
            return f"{self._failures} rows in a row did not succeed; --stop-after sets another limit. {last}"
        return None


async def run_job(
    job: "Job", display: Display, output: OutcomeFile | None, signals: ExitStack, *, watches_streaks: bool
) -> JobEnd:
    """Run a job, and return how it ended.

    Args:
        job: The job.
        display: What shows how far it is.
        output: Where each outcome is written, or None.
        signals: Left once all is told of the job: until then, what interrupts the command ends no more than the job.
        watches_streaks: Whether to stop where nothing succeeds any more.

    Raises:
        JournalError: The job did not begin: its journal is in use, another job's, or cannot be written.
        UsageError: The job did not begin: the outcomes cannot be written.
    """
    end = JobEnd()
    streak = _Streak()

    def stop(number: int) -> None:
        note_signal(number)
        end.interrupted = display.stopping = True
        job.stop()
        say(
            f"Stopping: what is in flight gets {GRACE:g} seconds to end, and nothing else begins. Interrupt again to "
            "stop at once: what is in flight is unknown then."
        )

    def stop_because(reason: str | None) -> None:
        if reason is not None and end.reason is None:
            end.reason, display.stopping = reason, True
            job.stop()

    def stop_at_once() -> None:
        display.close()  # a third interruption leaves no time for it
        job.stop(at_once=True)

    ignore_signals = signals.enter_context(heeding_signals(stop, stop_at_once))
    async with job:
        if output is not None:
            # Not before the journal is open: until then, this may be the file of a job that is running. Nothing is sent
            # before this task waits for something.
            output.open()
        try:
            async with _refreshing(display):
                async for outcome in job:
                    end.add(outcome)
                    if output is not None:
                        stop_because(output.write(outcome))
                    if watches_streaks:
                        stop_because(streak.reason_to_stop(outcome))
        except (RefoldError, UsageError, OSError) as error:  # what reading the rows raises, too
            end.reason = end.reason or message_of(error)
            end.unrecorded = len(job.unread) if isinstance(error, JournalError) else 0
    ignore_signals()
    for outcome in (*job.unread, *(_lost(unfinished) for unfinished in job.unfinished if unfinished.attempts)):
        end.add(outcome)
        if output is not None:
            output.write(outcome)
    return end


@asynccontextmanager
async def _refreshing(display: Display) -> AsyncGenerator[None]:
    """Have the time that passes shown, whether anything happens or not."""

    async def refresh() -> None:
        while True:
            await asyncio.sleep(_BETWEEN_REFRESHES)
            display.refresh()

    task = asyncio.create_task(refresh())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _lost(unfinished: Unfinished[Row]) -> Unknown[Row]:
    """Return the outcome of a row whose request was given no time to end: what the journal has of it."""
    return Unknown(
        item=unfinished.item,
        linked_account_id=unfinished.linked_account_id,
        index=unfinished.index,
        attempts=unfinished.attempts,
        error=RecordedError("The job was stopped while it was in flight."),
    )
