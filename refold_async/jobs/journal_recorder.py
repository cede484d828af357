"""Recording a fan-out in a journal: which items are called, and what is recorded about them."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Generic, TypeVar

import attrs

from refold_async.codec import json_codec
from refold_async.errors import ConfigurationError, JournalError, RecordedError, RefoldError
from refold_async.jobs.entry_recorder import EarlierWrite, EntryRecorder
from refold_async.jobs.items import TakenItem, count_of
from refold_async.jobs.outcomes import Outcome, name_of_error
from refold_async.jobs.recorded_outcomes import recorded_outcome
from refold_async.journal.entries import JournalEntry
from refold_async.journal.opening import AnyJournal, note_all_ended, run_opener
from refold_async.journal.store import JobIdentity
from refold_async.journal.writer import JournalWriter, NoEntry
from refold_async.models.model import Model
from refold_async.pipeline.reconciling.steps import cannot_leave_after
from refold_async.runtime.foreign_errors import safe_str
from refold_async.runtime.log import logger

__all__ = ["JournalRecorder", "JournalRun"]

Item = TypeVar("Item")
T = TypeVar("T")


@attrs.frozen(kw_only=True)
class JournalRecorder(Generic[Item, T]):
    """How a job is recorded in a journal."""

    journal: AnyJournal
    """The journal."""
    identity: JobIdentity
    """What identifies the job, with its name."""
    key: Callable[[Item], str] | None
    """Returns the key of an item; None: the key is its linked account id."""
    retry_failed: bool
    """Whether to retry items that failed in an earlier run without an effect."""
    resend_unknown: bool
    """Whether to retry items that may have run in an earlier run."""
    reconciles: bool
    """Whether to look for what may have been written for them."""
    restore: Callable[[Any], T]
    """Turns a recorded result back into what the call returns."""
    structures: bool
    """Whether that is the same type that the call returned, and not only its JSON."""

    async def open(self, items: object) -> "JournalRun[Item, T]":
        """Open the journal for a run of these items, and record how many there are if they have a length.

        Raises:
            JournalError: The journal is in use, belongs to another job, is not a journal, or cannot be written.
        """
        return JournalRun(self, await JournalWriter.open(run_opener(self.journal, self.identity)), count_of(items))


class JournalRun(Generic[Item, T]):
    """One run of a job that is recorded in a journal."""

    def __init__(self, recorder: JournalRecorder[Item, T], writer: JournalWriter, count: int | None) -> None:
        self._recorder = recorder
        self._writer = writer
        self._count = count
        if count is not None:
            writer.note_items(count)
        self._loop = asyncio.get_running_loop()
        self._opened_at = self._loop.time()
        self._told = False  # whether the log has warned that results come back as something else

    @property
    def error(self) -> JournalError | None:
        """Why nothing can be recorded any more, or None."""
        return self._writer.error

    async def look_up(self, taken: TakenItem[Item]) -> Outcome[Item, T] | None:
        """Return the outcome that an earlier run recorded for an item, or None if this run must call it.

        If None, everything about the item is recorded from now on.

        Raises:
            ConfigurationError: The item has no key, or a key that was already looked up in this run.
            JournalError: The journal fails.
        """
        key = self._key_of(taken)
        try:
            found = await self._writer.look_up(key)
        except asyncio.CancelledError:
            self._writer.release(key)
            raise
        if found is NoEntry.REPEATED:
            raise ConfigurationError(
                f"key {key!r} occurred before in this run, so this item was not called: pass key=, a function that "
                "returns a different key for each item, or remove the duplicates."
            )
        if isinstance(found, JournalEntry) and not self._is_called_again(found):
            self._writer.release(key)
            return recorded_outcome(found, taken, self._recorder.restore)
        entry = found if isinstance(found, JournalEntry) else None
        may_have_run = entry is not None and entry.status == "unknown"
        taken.recorder = EntryRecorder(
            self._writer,
            key,
            taken.linked_account_id,
            may_have_run=may_have_run,
            sends=0 if entry is None else entry.sends,
            earlier=None if entry is None or not may_have_run else self._earlier(entry),
        )
        return None

    def _earlier(self, entry: JournalEntry) -> EarlierWrite | None:
        """Return the write of an earlier run that may have run, if this run must reconcile it."""
        if not self._recorder.reconciles:
            return None
        ago = None if entry.started_at is None else (datetime.now(UTC) - entry.started_at).total_seconds()
        over_at = cannot_leave_after(opened_at=self._opened_at, sent_ago=ago, now=self._loop.time())
        return EarlierWrite(entry, over_at)

    @staticmethod
    def is_looking_up(taken: TakenItem[Item]) -> bool:
        """Return whether the journal is still being searched for an item, to decide whether to call it."""
        return taken.recorder is None

    @staticmethod
    def may_have_run_before(taken: TakenItem[Item]) -> bool:
        """Return whether an item may have run in an earlier run, whatever happens in this one."""
        return isinstance(taken.recorder, EntryRecorder) and taken.recorder.may_have_run and taken.reconciled is None

    def record_outcome(
        self,
        taken: TakenItem[Item],
        outcome: Outcome[Item, T],
        then: Callable[[Outcome[Item, T], JournalError | None], object],
    ) -> bool:
        """Record an outcome; call `then` when that is committed or has failed. Return whether it is being recorded."""
        recorder = taken.recorder
        if not isinstance(recorder, EntryRecorder):
            self._writer.note_refused(partial(then, outcome))
            return True
        if recorder.is_recorded_as_unknown and outcome.status == "unknown":
            outcome.recorded = recorder.earlier is not None and not taken.attempts
            self._writer.release(recorder.key)
            return False
        self._writer.finished(
            recorder.key,
            linked_account_id=outcome.linked_account_id,
            status=outcome.status,
            effect=outcome.effect,
            error_type=None if outcome.error is None else _type_of(outcome.error),
            error=None if outcome.error is None else _text_of(outcome.error),
            result=self._result_of(outcome) if self._recorder.journal.results else None,
            attempts=outcome.attempts,
            reconciled=outcome.reconciled,
            then=partial(then, outcome),
        )
        return True

    def record_unfinished(self, taken: TakenItem[Item]) -> None:
        """Record an item without an outcome: it did not run, or it may have run if a request was sent."""
        recorder = taken.recorder
        if not isinstance(recorder, EntryRecorder):
            return
        if recorder.is_recorded_as_unknown or (taken.untouched and not (recorder.may_have_run and recorder.started)):
            self._writer.release(recorder.key)
            return
        self._writer.finished(
            recorder.key,
            linked_account_id=recorder.linked_account_id,
            status="unknown",
            effect="unknown",
            error="The job was stopped while it was in flight.",
            attempts=taken.all_attempts,
        )

    async def aclose(self, taken: int, *, all_ended: bool) -> None:
        """Commit what is pending and release the journal."""
        if self._count is None:
            self._writer.note_items(taken)
        await self._writer.aclose()
        if all_ended and self._writer.error is None:
            note_all_ended(self._recorder.journal)

    def _key_of(self, taken: TakenItem[Item]) -> str:
        key: Any = taken.linked_account_id if self._recorder.key is None else self._recorder.key(taken.item)
        if key is None and self._recorder.key is None:
            raise ConfigurationError(
                "The journal identifies items by their linked account id, and this item has none: pass key=, a "
                "function that returns a key for each item."
            )
        return key  # type: ignore[no-any-return]  # checked by the writer

    def _is_called_again(self, entry: JournalEntry) -> bool:
        if entry.status == "unknown":
            return self._recorder.resend_unknown or self._recorder.reconciles
        return entry.status == "failed" and entry.effect == "none" and self._recorder.retry_failed

    def _result_of(self, outcome: Outcome[Item, T]) -> str | None:
        value: Any = outcome.value
        if value is None or (outcome.reconciled == "done" and value.data is None):  # a look found only that it ran
            return None
        try:
            if isinstance(value, Model) and value.raw:
                text = json_codec.encode_as_read(value.raw)
                unlike = None if self._recorder.structures else f"is of class {type(value).__qualname__}"
            else:
                text = json_codec.encode_as_read(value)
                unlike = json_codec.unlike_when_read(value)
        except (TypeError, ValueError, RecursionError) as error:
            logger.warning("The result of item %d is not JSON and cannot be recorded: %s", outcome.index, error)
            return None
        if unlike is not None and not self._told:
            self._told = True
            logger.warning(
                "Results are recorded as JSON, so the next run of this job returns them as JSON has them. The result "
                "of item %d %s, which JSON cannot express: let the call return dicts, lists, strings and numbers, such "
                "as `.raw`.",
                outcome.index,
                unlike,
            )
        return text


def _type_of(error: BaseException) -> str | None:
    """Return the name of an error's class; for an error of an earlier run, the recorded name, if there is one."""
    return error.error_type if isinstance(error, RecordedError) else name_of_error(error)


def _text_of(error: BaseException) -> str:
    """Return the text of an error. For an error of an earlier run, or of another job, that is the recorded text."""
    return RefoldError.__str__(error) if isinstance(error, RecordedError) else safe_str(error)
