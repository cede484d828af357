"""A journal's entry of one item, and reading it from the row that a store returns."""

from datetime import datetime
from typing import Any, Final, Literal, get_args

import attrs

from refold_async.codec import json_codec
from refold_async.errors import JournalError
from refold_async.faults import Effect
from refold_async.journal.store import EntryRow, moment_of
from refold_async.models.response_meta import Reconciled

__all__ = ["STATUSES", "EntryStatus", "JournalEntry", "entry_of"]

EntryStatus = Literal["started", "withdrawn", "ok", "failed", "unknown"]
"""`started`: in flight. `withdrawn`: it certainly did not run; the next run calls it. Others: how the item ended."""

STATUSES: Final[tuple[EntryStatus, ...]] = get_args(EntryStatus)
"""All statuses."""
_EFFECTS: Final = (None, *get_args(Effect))
_RECONCILED: Final = (None, *get_args(Reconciled))
_TEXT: Final = (str, type(None))
_KINDS: Final[tuple[Any, ...]] = (
    int,
    str,
    _TEXT,
    str,
    _TEXT,
    _TEXT,
    _TEXT,
    _TEXT,
    int,
    _TEXT,
    int,
    _TEXT,
    _TEXT,
    _TEXT,
    int,
)


@attrs.frozen(kw_only=True)
class JournalEntry:
    """What a journal has recorded about one item."""

    key: str
    """The key that identifies the item."""
    linked_account_id: str | None
    """Its linked account, or None if the item does not name one."""
    status: EntryStatus
    """The item's state. An item that was in flight when its process died is `unknown`."""
    effect: Effect | None
    """What became of the action: `none`, it did not run; `done`, it ran; `unknown`, it may have run. None while that is
    open."""
    error_type: str | None
    """The name of its error's class, or None."""
    error: str | None
    """The text of its error, or None."""
    result: Any
    """What the call returned, as JSON, if the journal records results; else None."""
    attempts: int
    """How many attempts were made for it, over all its requests."""
    reconciled: Reconciled | None
    """What looking for a write that may have run has shown: `done`, it had run; `sent_again`, it had not run, and was
    sent once more. None if nobody looked, or if looking left it open."""
    run: int
    """The number of the last run that recorded or looked up the item, from 1."""
    first_started_at: datetime | None
    """When its first request that may have had an effect was about to be sent, or None if there was none."""
    started_at: datetime | None
    """When its last request was about to be sent, or None if none ever was."""
    finished_at: datetime | None
    """When it ended, or None if it has not ended."""
    sends: int
    """How often it was recorded that requests of the item may be sent, since it was last certain that none had an
    effect."""


def entry_of(row: EntryRow) -> JournalEntry:
    """Return the entry in a row.

    Raises:
        JournalError: The row was not written by a run.
    """
    values: dict[str, Any] = row._asdict()
    del values["id"]
    try:
        if row.status not in STATUSES:
            raise ValueError(f"there is no status {row.status!r}")
        if row.effect not in _EFFECTS:
            raise ValueError(f"there is no effect {row.effect!r}")
        if row.reconciled not in _RECONCILED:
            raise ValueError(f"{row.reconciled!r} is not a result of reconciling")
        if not all(map(isinstance, row, _KINDS)):
            raise TypeError("a value has the wrong type for its column")
        if row.attempts < 0 or row.run < 1 or row.sends < 0:
            raise ValueError(f"{row.attempts} attempts and {row.sends} sends in run {row.run} are impossible")
        values["result"] = None if row.result is None else json_codec.decode(row.result.encode())
        for name in ("first_started_at", "started_at", "finished_at"):
            values[name] = None if values[name] is None else moment_of(values[name])
    except (ValueError, TypeError, RecursionError) as error:
        raise JournalError(f"The journal's entry of {row.key!r} is damaged: {error}.") from error
    return JournalEntry(**values)
