"""Records the entry of an item that a run calls: its requests are about to be sent, or none of them had an effect."""

from collections.abc import Callable
from typing import Final

from refold_async.journal.send_fence import SEND_WITHIN, leaves_before
from refold_async.journal.writer import JournalWriter
from refold_async.runtime.boot_clock import boot_time

__all__ = ["EntryRecorder"]

_ENOUGH: Final = SEND_WITHIN / 2
"""A record serves further attempts as long as they still have this many seconds to get a connection."""
_MOST_RECORDS: Final = 3
"""How often an item is recorded for one attempt, if the commits take too long: then the attempt fails."""


class EntryRecorder:
    """Records the entry of an item that this run calls."""

    def __init__(
        self,
        writer: JournalWriter,
        key: str,
        linked_account_id: str | None,
        *,
        may_have_run: bool,
        clock: Callable[[], float] = boot_time,
    ) -> None:
        """Record nothing yet.

        Args:
            writer: The journal.
            key: The key of the item.
            linked_account_id: Its linked account.
            may_have_run: Whether it may have run in an earlier run.
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

    async def start(self) -> float:
        """Record that requests of the item may be sent. Return, once that is committed, until when they may leave."""
        until, records = self._leaves_before, 0
        while until is None or (until - self._clock() < _ENOUGH and records < _MOST_RECORDS):
            if until is not None and not self._used:
                self.withdraw()  # the commit took too long, and must not count as an attempt
            asked_at = self._clock()
            records += 1
            self.started = True
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
