"""The report of a job, from its journal: how many items ended in each way, when, and with which errors."""

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from refold_async.cli.journal_report.reading import Follow
from refold_async.cli.journal_report.samples import FairSample
from refold_async.cli.journal_report.timeline import Timeline
from refold_async.cli.journals import NamedJournal
from refold_async.cli.rewording import reworded
from refold_async.codec.excerpts import shortened
from refold_async.errors import RecordedError
from refold_async.faults import Effect
from refold_async.journal.entries import STATUSES, EntryStatus, JournalEntry
from refold_async.journal.reading import JournalSummary

__all__ = [
    "INTERRUPTED",
    "OTHER_ERRORS",
    "SHOWN_FIRST",
    "ErrorGroup",
    "JournalReport",
    "ShownItem",
    "attempts_of",
    "error_of",
    "failure_of",
    "message_of",
    "read_report",
    "shown_item",
    "shown_job",
    "shown_message",
    "shown_name",
    "shown_summary",
    "shown_time",
]

INTERRUPTED: Final = "interrupted"
"""The error name of an item that was in flight when its run ended, the same as in outcomes."""
SHOWN_FIRST: Final[tuple[EntryStatus, ...]] = ("unknown", "failed", "started", "withdrawn", "ok")
"""The statuses; those that need attention come first."""
_MOST_KEPT: Final[dict[EntryStatus, int]] = {
    "unknown": 3000,
    "failed": 3000,
    "started": 500,
    "withdrawn": 500,
    "ok": 500,
}
_MOST_OF_A_MESSAGE: Final = 400
_MOST_OF_A_NAME: Final = 200
_MOST_REWORDED: Final = 10_000
_UNSUCCESSFUL: Final = {"failed", "unknown"}
_ENDED: Final = {"ok", *_UNSUCCESSFUL}
_FAN_OUT_HASH: Final = re.compile(r" of rows [0-9a-f]{12}$")
_MOST_GROUPS: Final = 200
OTHER_ERRORS: Final = "other errors"
"""The name for all further errors, once there are too many different ones."""


@attrs.frozen
class ShownItem:
    """An entry as it is shown to people: very long texts are shortened."""

    status: EntryStatus
    key: str
    linked_account_id: str
    error: str
    message: str
    request_id: str | None
    attempts: int | None
    """How many requests were sent for it; None if that is not known."""
    moment: datetime | None
    """When it ended; if it did not, when its last request was about to leave."""


@attrs.define
class ErrorGroup:
    """Items that did not succeed and ended with the same error."""

    status: EntryStatus
    """`failed` or `unknown`."""
    error: str
    """The name of the class of their error, or `interrupted`."""
    effect: Effect | None
    """What became of the action."""
    example: JournalEntry
    """The first of them, without its result."""
    items: int = 0
    """How many there are."""


@attrs.frozen(kw_only=True)
class JournalReport:
    """The report of a job."""

    journal: NamedJournal
    """The journal."""
    read_at: datetime
    """When it was read."""
    summary: JournalSummary
    """The job and its counts."""
    counts: Counter[str]
    """How many items there are, by status, without refused ones: a journal has only their number."""
    reconciled: int
    """How many of them were unknown until `reconcile=` made clear what became of them."""
    errors: list[ErrorGroup]
    """What did not succeed: unknown before failed, and the most frequent errors first."""
    timeline: Timeline
    """When the items ended."""
    kept: dict[EntryStatus, list[ShownItem]]
    """Items by status: all, or if there are many, a sample with a fair share of each error."""

    @property
    def failed(self) -> int:
        """How many items failed, including those that the last run refused."""
        return self.counts["failed"] + self.summary.refused

    @property
    def items(self) -> int:
        """How many items are recorded or were refused."""
        return sum(self.counts.values()) + self.summary.refused

    @property
    def not_begun(self) -> int:
        """How many items are known to have not begun, without those that were withdrawn."""
        job = self.summary
        recorded = job.ok + job.failed + job.unknown + job.in_flight + job.withdrawn
        return max(0, (job.not_begun or 0) - (self.items - recorded))

    @property
    def left(self) -> int:
        """How many items are left for the next run: withdrawn, or not begun."""
        return self.counts["withdrawn"] + self.not_begun

    @property
    def verdict(self) -> str:
        """How the job went, in a sentence, and how many items were reconciled, if any were."""
        if not self.reconciled:
            return self._verdict
        were = "item was" if self.reconciled == 1 else "items were"
        return f"{self._verdict} {self.reconciled:,} {were} unknown at first and then reconciled."

    @property
    def _verdict(self) -> str:
        open_ = self.counts["started"] + self.left
        failed, unknown = self.failed, self.counts["unknown"]
        whole = self.items + self.not_begun
        if not whole:
            return "No item has been recorded yet."
        problems = [f"{failed:,} failed"] * (failed > 0) + [f"{unknown:,} may or may not have happened"] * (unknown > 0)
        if open_:
            problems.append(f"{open_:,} {'has' if open_ == 1 else 'have'} not ended")
        if problems and whole == 1:
            return f"The one item {problems[0].removeprefix('1 ')}."
        if problems:
            return f"Of {whole:,} items, {_listed(problems)}."
        return "The one item succeeded." if self.items == 1 else f"All {self.items:,} items succeeded."


def read_report(journal: NamedJournal, follow: Follow = lambda entries, _: entries) -> JournalReport:
    """Read a journal, also while its job runs.

    Args:
        journal: The journal.
        follow: Passes its entries on, and shows the progress.

    Raises:
        JournalError: It does not exist or cannot be read.
    """
    summary = journal.summary()
    counts = Counter[str]()
    reconciled = 0
    groups: dict[tuple[str, str, str | None], ErrorGroup] = {}
    timeline = Timeline()
    samples = {status: FairSample(most, shown_item) for status, most in _MOST_KEPT.items()}
    total = summary.ok + summary.failed - summary.refused + summary.unknown + summary.in_flight + summary.withdrawn
    for entry in follow(journal.entries(), total):
        counts[entry.status] += 1
        reconciled += entry.reconciled is not None
        if entry.status in _ENDED and (moment := moment_of(entry)) is not None:
            timeline.add(moment, entry.status)
        error = ""
        if _has_failed(entry):
            error = error_of(entry)
            if len(groups) >= _MOST_GROUPS and (entry.status, error, entry.effect) not in groups:
                error = OTHER_ERRORS
            key = (entry.status, error, entry.effect)
            group = groups.get(key)
            if group is None:
                group = groups[key] = ErrorGroup(entry.status, error, entry.effect, attrs.evolve(entry, result=None))
            group.items += 1
        samples[entry.status].add(error, entry)
    return JournalReport(
        journal=journal,
        read_at=datetime.now(UTC),
        summary=summary,
        counts=counts,
        reconciled=reconciled,
        errors=sorted(groups.values(), key=_order),
        timeline=timeline,
        kept={status: list(samples[status]) for status in SHOWN_FIRST},
    )


def error_of(entry: JournalEntry) -> str:
    """Return the error name of an item that did not succeed, else an empty text."""
    return (entry.error_type or INTERRUPTED) if _has_failed(entry) else ""


def failure_of(entry: JournalEntry) -> RecordedError | None:
    """Return the error of an item that did not succeed, else None."""
    from refold_async.jobs.recorded_outcomes import recorded_error

    return recorded_error(entry) if _has_failed(entry) else None


def message_of(entry: JournalEntry) -> str:
    """Return the error message of an item, without the call it came from; an empty text if it has no error."""
    error = failure_of(entry)
    return "" if error is None else error.message


def moment_of(entry: JournalEntry) -> datetime | None:
    """Return when an item ended; if it did not, when its last request was about to leave."""
    return entry.finished_at or entry.started_at


def attempts_of(entry: JournalEntry) -> int | None:
    """Return how many requests were sent for an item; None if its request was in flight when it was last recorded."""
    return None if entry.started_at is not None and entry.finished_at is None else entry.attempts


def shown_time(moment: datetime | None) -> str:
    """Return a moment as people are shown it, in UTC."""
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def shown_job(name: str) -> str:
    """Return the name of a job without the hash by which `refold fan-out` recognizes it."""
    return _FAN_OUT_HASH.sub("", name)


def shown_summary(summary: JournalSummary) -> str:
    """Return a summary as people are shown it."""
    return str(attrs.evolve(summary, job=shown_job(summary.job)))


def shown_message(text: str, most: int = _MOST_OF_A_MESSAGE) -> str:
    """Return a message as people are shown it: in the words of the command line, shortened if it is very long."""
    return shortened(reworded(text) if len(text) <= _MOST_REWORDED else text, most)


def shown_name(text: str | None) -> str:
    """Return a name, such as a key, as people are shown it: shortened if it is very long."""
    return shortened(text or "", _MOST_OF_A_NAME)


def shown_item(entry: JournalEntry) -> ShownItem:
    """Return an entry as people are shown it."""
    error = failure_of(entry)
    return ShownItem(
        status=entry.status,
        key=shown_name(entry.key),
        linked_account_id=shown_name(entry.linked_account_id),
        error=shown_name(error_of(entry)),
        message="" if error is None else shown_message(error.message),
        request_id=None if error is None or error.request_id is None else shown_name(error.request_id),
        attempts=attempts_of(entry),
        moment=moment_of(entry),
    )


def _has_failed(entry: JournalEntry) -> bool:
    return entry.status in _UNSUCCESSFUL


def _order(group: ErrorGroup) -> tuple[Any, ...]:
    return (SHOWN_FIRST.index(group.status), -group.items, group.error, group.effect or "")


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


assert set(SHOWN_FIRST) == set(STATUSES)  # noqa: S101 - a new status needs its place here
