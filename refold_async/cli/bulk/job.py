"""Running a job to its end, or until something stops it: the outcome of each row is counted and written."""

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
from refold_async.errors import (
    APIConnectionError,
    AuthenticationError,
    JournalError,
    ReconnectRequiredError,
    RecordedError,
    RefoldError,
)
from refold_async.jobs.outcome_groups import STATUS_ORDER, OutcomeGroups
from refold_async.jobs.outcome_rows import message_of
from refold_async.jobs.outcomes import Outcome, Status, Unfinished, Unknown

if TYPE_CHECKING:
    from refold_async import ActionResult, FanOut

    Job = FanOut[dict[str, Any], ActionResult[Any]]

__all__ = ["GRACE", "JobEnd", "run_job"]

GRACE: Final = 10.0
"""Seconds that rows in flight have to finish when the job is stopped."""
_FAILURES_IN_A_ROW: Final = 100
_REFUSED_KEYS_IN_A_ROW: Final = 3
_BETWEEN_REFRESHES: Final = 0.5

Row = dict[str, Any]


@attrs.define
class JobEnd:
    """How a job ended, and the outcomes of its rows."""

    counts: dict[Status, int] = attrs.field(factory=lambda: dict.fromkeys(STATUS_ORDER, 0))
    """How many rows ended each way, including those of earlier runs."""
    unusable: int = 0
    """How many of the failed rows were executed."""
    recorded: int = 0
    """How many of all rows ended in an earlier run."""
    groups: OutcomeGroups = attrs.field(factory=OutcomeGroups)
    """The outcomes, grouped by error."""
    interrupted: bool = False
    """Whether Ctrl-C, SIGTERM or SIGHUP stopped it."""
    reason: str | None = None
    """What else stopped it, in sentences, or None."""
    unrecorded: int = 0
    """How many outcomes could not be written to the journal."""

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
    """Failures without a success in between: many of them have a common cause."""

    def __init__(self) -> None:
        self._failures = self._refused_keys = self._unanswered = 0

    def reason_to_stop(self, outcome: Outcome[Row, Any]) -> str | None:
        """Return why the job should stop after an outcome, in sentences, or None."""
        if outcome.recorded:
            return None
        if outcome.status == "ok":
            self._failures = self._refused_keys = self._unanswered = 0
            return None
        if outcome.matches(ReconnectRequiredError):  # which concerns one account only
            return None
        self._failures += 1
        self._refused_keys += outcome.matches(AuthenticationError)
        self._unanswered = self._unanswered + 1 if outcome.matches(APIConnectionError) else 0
        if self._refused_keys >= _REFUSED_KEYS_IN_A_ROW:
            return "Refold refuses the API key: check it before you run the job again."
        if self._failures >= _FAILURES_IN_A_ROW:
            unanswered = self._unanswered > self._failures // 2
            cause = "Refold does not answer: check that it can be reached before you run the job again. " * unanswered
            return f"{cause}{self._failures} rows in a row did not succeed; --stop-after sets another limit."
        return None


async def run_job(
    job: "Job", display: Display, output: OutcomeFile | None, signals: ExitStack, *, watches_streaks: bool
) -> JobEnd:
    """Run a job, and return how it ended.

    Args:
        job: The job.
        display: Shows its progress.
        output: Where each outcome is written, or None.
        signals: The caller leaves it once it has reported the job: until then, a signal stops the job, not the command.
        watches_streaks: Whether to stop when no row succeeds any more.

    Raises:
        JournalError: The job did not begin: its journal is in use, belongs to another job, or cannot be written.
        UsageError: The job did not begin: the outcomes cannot be written.
    """
    end = JobEnd()
    streak = _Streak()

    def stop(number: int) -> None:
        note_signal(number)
        end.interrupted = display.stopping = True
        job.stop()
        display.refresh()
        say(
            f"Stopping: no more rows begin, and those in flight have {GRACE:g} seconds to finish. Interrupt again to "
            "stop immediately: the rows in flight are unknown then."
        )

    def stop_because(reason: str | None) -> None:
        if reason is not None and end.reason is None:
            end.reason, display.stopping = reason, True
            job.stop()

    def stop_immediately() -> None:
        display.close()  # a third interruption leaves no time for it
        job.stop(at_once=True)
        say("Stopped immediately: rows that were sent and got no answer are unknown.")

    ignore_signals = signals.enter_context(heeding_signals(stop, stop_immediately))
    async with job:
        if output is not None:
            # Only now that this job holds its journal: before, a running job might be writing this file. Nothing is
            # sent until this task awaits something.
            output.open()
        try:
            async with _refreshing(display):
                async for outcome in job:
                    end.add(outcome)
                    if output is not None:
                        stop_because(output.write(outcome))
                    if watches_streaks:
                        stop_because(streak.reason_to_stop(outcome))
        except (RefoldError, UsageError, OSError) as error:  # reading the rows may raise these too
            end.reason = end.reason or message_of(error)
            end.unrecorded = len(job.unread) if isinstance(error, JournalError) else 0
    ignore_signals()
    for outcome in (*job.unread, *map(_lost, filter(_was_in_flight, job.unfinished))):
        end.add(outcome)
        if output is not None:
            output.write(outcome)
    display.show_end(end.counts)
    return end


@asynccontextmanager
async def _refreshing(display: Display) -> AsyncGenerator[None]:
    """Refresh the display regularly, even when no row ends."""

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


def _was_in_flight(unfinished: Unfinished[Row]) -> bool:
    """Return whether this run sent something for a row that may have had an effect."""
    return unfinished.attempts > 0 and unfinished.effect == "unknown"


def _lost(unfinished: Unfinished[Row]) -> Unknown[Row]:
    """Return the outcome of a row whose request had no time to end, as the journal records it."""
    return Unknown(
        item=unfinished.item,
        linked_account_id=unfinished.linked_account_id,
        index=unfinished.index,
        attempts=unfinished.attempts,
        error=RecordedError("The job was stopped while it was in flight."),
    )
