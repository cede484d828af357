"""A job as its journal tells it: how many items ended how, when, and with which errors, and some of the items."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import attrs

from refold_async.cli.journal_report.reading import Follow
from refold_async.cli.journal_report.samples import FairSample
from refold_async.cli.journal_report.timeline import Timeline
from refold_async.cli.rewording import reworded
from refold_async.codec.excerpts import shortened
from refold_async.faults import Effect
from refold_async.journal.entries import STATUSES, EntryStatus, JournalEntry
from refold_async.journal.journal import Journal, JournalSummary

__all__ = [
    "INTERRUPTED",
    "OTHER_ERRORS",
    "SHOWN_FIRST",
    "ErrorGroup",
    "JournalReport",
    "ShownItem",
    "error_of",
    "message_of",
    "read_report",
    "shown_item",
    "shown_message",
    "shown_name",
]

INTERRUPTED: Final = "interrupted"
"""The name of the error of an item that was in flight when its run ended, as outcomes have it."""
SHOWN_FIRST: Final[tuple[EntryStatus, ...]] = ("unknown", "failed", "started", "withdrawn", "ok")
"""Statuses, in the order in which a reader has to do something about them."""
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
_ENDED: Final = {"ok", "failed", "unknown"}
_MOST_GROUPS: Final = 200
OTHER_ERRORS: Final = "other errors"
"""The name of what ended with errors that are too many to be told apart."""


@attrs.frozen
class ShownItem:
    """What people are shown of an entry. Texts that are very long are cut."""

    status: EntryStatus
    key: str
    linked_account_id: str
    error: str
    message: str
    request_id: str | None
    attempts: int
    moment: datetime | None
    """When it ended or, if it did not, when its last request left."""


@attrs.define
class ErrorGroup:
    """Items that did not succeed and ended alike."""

    status: EntryStatus
    """`failed` or `unknown`."""
    error: str
    """The name of the class of their error, or `interrupted`."""
    effect: Effect | None
    """What became of the action."""
    example: JournalEntry
    """The first of them, without its result."""
    items: int = 0
    """How many they are."""


@attrs.frozen(kw_only=True)
class JournalReport:
    """What there is to tell of a job."""

    path: Path
    """The journal."""
    read_at: datetime
    """When it was read."""
    summary: JournalSummary
    """The job."""
    counts: Counter[str]
    """How many items there are, by their status. Refused ones, of which a journal has but the number, are not among
    them."""
    errors: list[ErrorGroup]
    """What did not succeed: the unknown before the failed, the more frequent before the rarer."""
    timeline: Timeline
    """When the items ended."""
    kept: dict[EntryStatus, list[ShownItem]]
    """Items by their status: all, or where they are many a choice with a fair share of each error."""

    @property
    def failed(self) -> int:
        """How many items failed, those included that the last run refused."""
        return self.counts["failed"] + self.summary.refused

    @property
    def items(self) -> int:
        """How many items are recorded or were refused."""
        return sum(self.counts.values()) + self.summary.refused

    @property
    def not_begun(self) -> int:
        """How many items are known to have not begun."""
        told = self.summary
        recorded = told.ok + told.failed + told.unknown + told.in_flight + told.withdrawn
        return max(0, (told.not_begun or 0) - (self.items - recorded))

    @property
    def left(self) -> int:
        """How many items the next run calls, without being told to repeat any."""
        return self.counts["withdrawn"] + self.not_begun

    @property
    def verdict(self) -> str:
        """How the job went, in a sentence."""
        open_ = self.counts["started"] + self.left
        failed, unknown = self.failed, self.counts["unknown"]
        whole = self.items + self.not_begun
        if not whole:
            return "No item was recorded yet."
        problems = [f"{failed:,} failed"] * (failed > 0) + [f"{unknown:,} may or may not have happened"] * (unknown > 0)
        if open_:
            problems.append(f"{open_:,} {'has' if open_ == 1 else 'have'} not ended")
        if problems and whole == 1:
            return f"The one item {problems[0].removeprefix('1 ')}."
        if problems:
            return f"Of {whole:,} items, {_listed(problems)}."
        return "The one item succeeded." if self.items == 1 else f"All {self.items:,} items succeeded."


def read_report(path: Path, follow: Follow = lambda entries, _: entries) -> JournalReport:
    """Read a journal, also while its job runs.

    Args:
        path: The journal.
        follow: Gives its entries on, and shows how far that is.

    Raises:
        JournalError: There is no journal there, or it cannot be read.
    """
    journal = Journal(path)
    summary = journal.summary()
    counts = Counter[str]()
    groups: dict[tuple[str, str, str | None], ErrorGroup] = {}
    timeline = Timeline()
    samples = {status: FairSample(most, shown_item) for status, most in _MOST_KEPT.items()}
    total = summary.ok + summary.failed - summary.refused + summary.unknown + summary.in_flight + summary.withdrawn
    for entry in follow(journal.entries(), total):
        counts[entry.status] += 1
        if entry.status in _ENDED and (moment := moment_of(entry)) is not None:
            timeline.add(moment, entry.status)
        error = ""
        if entry.status in {"failed", "unknown"}:
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
        path=path,
        read_at=datetime.now(UTC),
        summary=summary,
        counts=counts,
        errors=sorted(groups.values(), key=_order),
        timeline=timeline,
        kept={status: list(samples[status]) for status in SHOWN_FIRST},
    )


def error_of(entry: JournalEntry) -> str:
    """Return the name of the error of an item that did not succeed; of any other an empty text."""
    return (entry.error_type or INTERRUPTED) if entry.status in {"failed", "unknown"} else ""


def message_of(entry: JournalEntry) -> str:
    """Return what the error of an item says, without the call it came from; an empty text where there is none."""
    from refold_async.jobs.recorded_outcomes import recorded_error

    return recorded_error(entry).message if entry.status in {"failed", "unknown"} else ""


def moment_of(entry: JournalEntry) -> datetime | None:
    """Return when an item ended or, of one that did not, when its last request left."""
    return entry.finished_at or entry.started_at


def shown_message(text: str, most: int = _MOST_OF_A_MESSAGE) -> str:
    """Return a message as people are shown it: in the words of the command line, and cut where it is very long."""
    return shortened(reworded(text) if len(text) <= _MOST_REWORDED else text, most)


def shown_name(text: str | None) -> str:
    """Return a name, such as a key, as people are shown it: cut where it is very long."""
    return shortened(text or "", _MOST_OF_A_NAME)


def shown_item(entry: JournalEntry) -> ShownItem:
    """Return what people are shown of an entry."""
    from refold_async.jobs.recorded_outcomes import recorded_error

    error = recorded_error(entry) if entry.status in {"failed", "unknown"} else None
    return ShownItem(
        status=entry.status,
        key=shown_name(entry.key),
        linked_account_id=shown_name(entry.linked_account_id),
        error=shown_name(error_of(entry)),
        message="" if error is None else shown_message(error.message),
        request_id=None if error is None or error.request_id is None else shown_name(error.request_id),
        attempts=entry.attempts,
        moment=moment_of(entry),
    )


def _order(group: ErrorGroup) -> tuple[Any, ...]:
    return (SHOWN_FIRST.index(group.status), -group.items, group.error, group.effect or "")


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


assert set(SHOWN_FIRST) == set(STATUSES)  # noqa: S101 - a status that is added needs its place here
