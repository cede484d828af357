"""Records the entry of an item that a run calls: its requests are about to be sent, or none of them had an effect."""

import asyncio
from collections.abc import Callable
from typing import Final

import attrs

from refold_async.errors import JournalError, RefoldError
from refold_async.jobs.outcomes import name_of_error
from refold_async.journal.entries import JournalEntry
from refold_async.journal.send_fence import SEND_WITHIN, leaves_before
from refold_async.journal.writer import JournalWriter
from refold_async.runtime.boot_clock import boot_time
from refold_async.runtime.foreign_errors import safe_str

__all__ = ["EarlierWrite", "EntryRecorder"]

_ENOUGH: Final = SEND_WITHIN / 2
"""A record serves further attempts as long as they still have this many seconds to get a connection."""
_MOST_RECORDS: Final = 3
"""How often an item is recorded for one attempt, if the commits take too long: then the attempt fails."""


@attrs.frozen
class EarlierWrite:
    """A write of an earlier run that may have run."""

    entry: JournalEntry
    """What the journal has about it."""
    over_at: float
    """The time after which it can no longer leave, by the clock of the event loop."""


class EntryRecorder:
    """Records the entry of an item that this run calls."""

    def __init__(
        self,
        writer: JournalWriter,
        key: str,
        linked_account_id: str | None,
        *,
        may_have_run: bool,
        sends: int = 0,
        earlier: EarlierWrite | None = None,
        clock: Callable[[], float] = boot_time,
    ) -> None:
        """Record nothing yet.

        Args:
            writer: The journal.
            key: The key of the item.
            linked_account_id: Its linked account.
            may_have_run: Whether it may have run in an earlier run.
            sends: How often earlier runs recorded that its requests may be sent.
            earlier: What an earlier run wrote and may have run, if this run must reconcile it.
            clock: Returns the time, while the machine sleeps too.
        """
        self._writer = writer
        self._clock = clock
        self._leaves_before: float | None = None  # of the last record, for this and further attempts
        self._used = False  # whether an attempt may have left since its requests were last certain to have no effect
        self.started = False
        self.may_have_run = may_have_run
        self.key = key
        self.linked_account_id = linked_account_id
        self.earlier = earlier
        self.sends = sends
        """How often it was recorded that its requests may be sent, as the journal counts it."""
        self.is_recorded_as_unknown = earlier is not None
        """Whether the journal has it as unknown, with everything that is known, and nothing was sent since."""

    async def start(self) -> float:
        """Record that requests of the item may be sent. Return, once that is committed, until when they may leave."""
        until, records = self._leaves_before, 0
        while until is None or (until - self._clock() < _ENOUGH and records < _MOST_RECORDS):
            if until is not None and not self._used:
                self.withdraw()  # the commit took too long, and must not count as an attempt
            asked_at = self._clock()
            records += 1
            self.started = True
            self.is_recorded_as_unknown = False
            self.sends += 1
            await self._writer.started(self.key, self.linked_account_id)
            until = self._leaves_before = leaves_before(asked_at)
        self._used = True
        return until

    def withdraw(self) -> None:
        """Record that none of its requests had an effect, and none is in flight."""
        if not self.may_have_run:
            self._writer.withdrawn(self.key)
            self._leaves_before = None
            self._used = False
            self.sends = 0

    async def record_unknown(self, error: RefoldError, attempts: int) -> None:
        """Record that its write may have run, and that nothing is in flight; return when that is committed.

        If it is sent once more, that is recorded before, by `start()`.
        """
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(failure: JournalError | None) -> None:
            if committed.done():
                return
            if failure is None:
                committed.set_result(None)
            else:
                committed.set_exception(JournalError(failure.message))

        self._leaves_before = None
        self.may_have_run = self.is_recorded_as_unknown = True
        self._writer.finished(
            self.key,
            linked_account_id=self.linked_account_id,
            status="unknown",
            effect="unknown",
            error_type=name_of_error(error),
            error=safe_str(error),
            attempts=attempts,
            then=done,
        )
        await committed
