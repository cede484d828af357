"""Writing a journal from an event loop: what is ready is committed together in a thread, and the loop never waits."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from functools import partial
from typing import Any, Final, Literal, Self

from refold_async.errors import ConfigurationError, JournalError
from refold_async.faults import Effect
from refold_async.journal.bloom_filter import BloomFilter
from refold_async.journal.entries import JournalEntry, entry_of
from refold_async.journal.store import EntryRow, EntryValues, StoreRun
from refold_async.models.response_meta import Reconciled
from refold_async.runtime.cancellation import wait_despite_cancellation
from refold_async.runtime.worker_thread import WorkerThread

__all__ = ["JournalWriter", "NoEntry"]

_FILTER_SIZE: Final = 2 * 1024 * 1024  # bytes: after a million keys, one in 75 is looked up although it is new
_MOST_TURNS: Final = 8  # of the loop, during which a batch is gathered


class NoEntry(Enum):
    """Why a search found no entry of an earlier run."""

    NEW = "new"
    """There is none, or it says that the item did not run: the item must be called."""
    REPEATED = "repeated"
    """This run has looked up the key before: record nothing for this item, and do not release its key."""


class _Batch:
    """What is committed and looked up together."""

    def __init__(self) -> None:
        self.entries: list[EntryValues] = []
        self.commits: list[asyncio.Future[None]] = []
        self.calls: list[Callable[[JournalError | None], object]] = []
        self.look_ups: dict[str, asyncio.Future[NoEntry | JournalEntry]] = {}
        self.tally: tuple[int | None, int] | None = None

    def __len__(self) -> int:
        return len(self.entries) + len(self.look_ups) + (self.tally is not None)


class JournalWriter:
    """A journal that a run writes. It belongs to one event loop.

    A key is active from `look_up()` until `finished()` or `release()`. Await the future of `look_up()` before you call
    anything else for the key; the calls in between are recorded in their order. The futures may be cancelled at any
    time. Once a commit fails, nothing more is written and every wait raises.

    Attributes:
        error: Why the journal can no longer be written, or None.
    """

    def __init__(self, run: StoreRun, thread: WorkerThread, filter_size: int) -> None:
        self.error: JournalError | None = None
        self._refusal: JournalError | None = None  # the error, or that it was closed
        self._run: Final = run
        self._thread: Final = thread
        self._loop: Final = asyncio.get_running_loop()
        self._process: Final = os.getpid()
        self._active: dict[str, bool] = {}  # whether it was recorded as started
        # If no earlier run recorded anything, a key that this run has not looked up is new: it need not be looked up.
        self._looked_up = BloomFilter(filter_size) if run.blank else None
        self._new: Final[asyncio.Future[NoEntry | JournalEntry]] = self._loop.create_future()
        self._new.set_result(NoEntry.NEW)
        self._pending = _Batch()
        self._items: int | None = None
        self._refused = 0
        self._waiting = False  # whether what is pending waits for turns of the loop, or for the batch before
        self._closing: asyncio.Future[None] | None = None

    @classmethod
    async def open(cls, open_run: Callable[[], StoreRun], *, filter_size: int = _FILTER_SIZE) -> Self:
        """Begin a run. A cancelled call leaves nothing behind.

        Args:
            open_run: Begins the run; called in the writer's thread.
            filter_size: Bytes of memory for the filter that saves a first run from looking up new keys.

        Raises:
            JournalError: The journal is in use, belongs to another job, is not a journal, or cannot be written.
        """
        thread = WorkerThread("refold_async journal")
        try:
            opening = thread.call(open_run)
            try:
                await wait_despite_cancellation(opening)
            except asyncio.CancelledError:
                if opening.exception() is None:
                    await wait_despite_cancellation(thread.call(opening.result().close))
                raise
            return cls(opening.result(), thread, filter_size)
        except BaseException as error:
            thread.end()
            if isinstance(error, JournalError):
                error.effect = "none"  # a job sends nothing before it has its journal
            raise

    def look_up(self, key: str) -> "asyncio.Future[NoEntry | JournalEntry]":
        """Look up an item that was taken from the source, and make its key active.

        Returns:
            A future of the entry that an earlier run recorded, or of the reason why there is none. It is already done
            if nothing has to be looked up.

        Raises:
            ConfigurationError: The key cannot be recorded.
        """
        _check_key(key, self._run.longest_key)
        if self._refusal is None and key not in self._active:
            self._active[key] = False
            if self._looked_up is not None and not self._looked_up.add(key):
                return self._new
            future = self._pending.look_ups[key] = self._loop.create_future()
            self._hand_on_soon()
            return future
        future = self._loop.create_future()
        if self._refusal is not None:
            _fail(future, self._refusal)
        else:
            future.set_result(NoEntry.REPEATED)
        return future

    def started(self, key: str, linked_account_id: str | None) -> "asyncio.Future[None]":
        """Record that a request for an active key is about to be sent; the future is done once that is committed."""
        self._active[key] = True
        return self._commit((key, linked_account_id, "started"))

    def withdrawn(self, key: str) -> None:
        """Record that the request for a key certainly did not run and none is in flight. There is nothing to await."""
        self._active[key] = False
        self._record((key, None, "withdrawn"))

    def finished(
        self,
        key: str,
        *,
        linked_account_id: str | None,
        status: Literal["ok", "failed", "unknown"],
        effect: Effect | None,
        error_type: str | None = None,
        error: str | None = None,
        result: str | None = None,
        attempts: int = 0,
        reconciled: Reconciled | None = None,
        then: Callable[[JournalError | None], object] | None = None,
    ) -> None:
        """Record how an item ended. Its key is then no longer active.

        Args:
            key: The key of the item.
            linked_account_id: Its linked account.
            status: How it ended.
            effect: What became of the action.
            error_type: The name of its error's class.
            error: The text of its error.
            result: What its call returned, as JSON.
            attempts: How many attempts were made for it.
            reconciled: What became clear about its write, if that may have run.
            then: Called with None once that is committed, or with the error once it is certain that it will not be.
        """
        self._active.pop(key, None)
        if error is not None:
            error = _storable(error)
        if then is not None:
            self._call_once_committed(then)
        self._record((key, linked_account_id, status, effect, error_type, error, result, attempts, reconciled))

    def release(self, key: str) -> None:
        """Make a key inactive whose item ended without an outcome, or has an outcome from an earlier run."""
        if self._active.pop(key, False):
            self._record((key, None, "withdrawn"))

    def note_items(self, count: int) -> None:
        """Record how many items the run was given. There is nothing to await."""
        self._items = count
        self._tally()

    def note_refused(self, then: Callable[[JournalError | None], object]) -> None:
        """Record that one item was refused, and nothing else about it; `then` is called as by `finished()`."""
        self._refused += 1
        self._call_once_committed(then)
        self._tally()

    async def aclose(self) -> None:
        """Commit what is pending and release the journal. This is done completely even if it is cancelled."""
        if os.getpid() != self._process:  # the thread and the locks stayed in the parent process
            return
        if self._closing is None:
            self._refusal = self.error or JournalError(f"The journal {self._run.location!r} was closed.")
            self._hand_on()
            self._closing = self._thread.call(self._run.close)
        await wait_despite_cancellation(self._closing)
        self._thread.end()

    def _record(self, entry: EntryValues) -> None:
        if self._refusal is None:
            self._pending.entries.append(entry)
            self._hand_on_soon()

    def _tally(self) -> None:
        if self._refusal is None:
            self._pending.tally = (self._items, self._refused)
            self._hand_on_soon()

    def _call_once_committed(self, then: Callable[[JournalError | None], object]) -> None:
        if self._refusal is None:
            self._pending.calls.append(then)
        else:
            self._loop.call_soon(then, self._refusal)

    def _commit(self, entry: EntryValues) -> "asyncio.Future[None]":
        future: asyncio.Future[None] = self._loop.create_future()
        if self._refusal is None:
            self._pending.entries.append(entry)
            self._pending.commits.append(future)
            self._hand_on_soon()
        else:
            _fail(future, self._refusal)
        return future

    def _hand_on_soon(self) -> None:
        """Give what is pending to the thread soon, or after the batch before."""
        if not self._waiting:
            self._waiting = True
            self._loop.call_soon(self._gather, len(self._pending), 1)

    def _gather(self, before: int, turns: int) -> None:
        """Give what is pending to the thread once a turn of the loop has added nothing: large batches cost less."""
        size = len(self._pending)
        if size == before or turns == _MOST_TURNS:
            self._hand_on()
        else:
            self._loop.call_soon(self._gather, size, turns + 1)

    def _hand_on(self) -> None:
        """Give what is pending to the thread."""
        batch = self._pending
        if len(batch):
            self._pending = _Batch()
            if os.getpid() == self._process:
                self._thread.call_later(partial(self._work, batch))
            else:
                self._refuse(batch, JournalError("A journal cannot be written after a fork, in the other process."))

    def _work(self, batch: _Batch) -> None:
        """Write and look up a batch, in the thread."""
        found: dict[str, NoEntry | JournalEntry] = {}
        error = self.error
        if error is None:
            try:
                if batch.entries:
                    self._run.write(batch.entries)
                if batch.tally is not None:
                    self._run.tally(*batch.tally)
                if batch.look_ups:
                    found = {row.key: self._found(row) for row in self._run.look_up(list(batch.look_ups))}
            except JournalError as failure:
                error = failure
            except Exception as failure:  # noqa: BLE001 - whatever it is, those who wait must get it
                error = JournalError(f"The journal {self._run.location!r} cannot be written: {failure!r}.")
                error.__cause__ = failure
            # Here, not in `_done`: what was handed over meanwhile must not be written after what was not.
            self.error = error
        with suppress(RuntimeError):  # the loop was closed meanwhile
            self._loop.call_soon_threadsafe(self._done, batch, found, error)

    def _found(self, row: EntryRow) -> NoEntry | JournalEntry:
        entry = entry_of(row)
        if entry.run > self._run.number:
            raise JournalError(f"The journal's entry of {row.key!r} is damaged: its run cannot be {row.run}.")
        if entry.status == "withdrawn":
            return NoEntry.NEW
        return NoEntry.REPEATED if entry.run == self._run.number else entry

    def _done(self, batch: _Batch, found: dict[str, NoEntry | JournalEntry], error: JournalError | None) -> None:
        """Resolve the futures and make the calls that wait for a batch."""
        if error is not None:
            self._refuse(batch, error)
            return
        for future in batch.commits:
            if not future.done():
                future.set_result(None)
        for call in batch.calls:
            call(None)
        for key, look_up in batch.look_ups.items():
            known = found.get(key, NoEntry.NEW)
            if known is NoEntry.REPEATED:
                self._active.pop(key, None)
            if not look_up.done():
                look_up.set_result(known)
        self._waiting = False
        if len(self._pending):
            self._hand_on_soon()

    def _refuse(self, batch: _Batch, error: JournalError) -> None:
        """Fail all that wait for a batch, and all that would wait from now on."""
        self.error = self._refusal = error
        pending, self._pending = self._pending, _Batch()
        waits: list[asyncio.Future[Any]] = [*batch.commits, *batch.look_ups.values()]
        waits += [*pending.commits, *pending.look_ups.values()]
        for future in waits:
            _fail(future, error)
        for call in (*batch.calls, *pending.calls):
            call(error)


def _check_key(key: object, longest: int | None) -> None:
    if not isinstance(key, str) or not key:
        raise ConfigurationError(f"key= must return a non-empty str, got {key!r}.")
    if not key.isprintable() and _storable(key) != key:
        raise ConfigurationError(f"key= returned {key!a}: NUL and lone surrogates cannot be recorded. Remove them.")
    # A character has at most four bytes: only long keys are measured.
    if longest is not None and 4 * len(key) > longest and (length := len(key.encode())) > longest:
        raise ConfigurationError(
            f"key= returned {key[:50]!r}…, which has {length:,} bytes, and this journal can record at most "
            f"{longest:,}: return a shorter key, such as a hash of this one."
        )


def _storable(text: str) -> str:
    """Return `text` with the characters escaped that stores cannot hold."""
    return text.replace("\0", "\\x00").encode(errors="backslashreplace").decode()


def _fail(future: "asyncio.Future[Any]", error: JournalError) -> None:
    if not future.done():
        again = JournalError(error.message)
        again.__cause__ = error.__cause__
        future.set_exception(again)
        future.exception()  # so that nothing is logged about it if nobody awaits it
