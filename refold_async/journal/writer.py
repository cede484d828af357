"""Writing a journal from an event loop: what is ready is committed together, in a thread, and the loop never waits."""

import asyncio
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from functools import partial
from queue import SimpleQueue
from typing import Any, Final, Literal, Self, TypeVar

from refold_async.errors import ConfigurationError, JournalError
from refold_async.faults import Effect
from refold_async.journal.journal import Journal, JournalEntry, entry_of
from refold_async.journal.sqlite_store import ItemRow, JobIdentity, SQLiteStore
from refold_async.runtime.cancellation import outlast

__all__ = ["JournalWriter", "Meeting"]

T = TypeVar("T")

_FILTER_SIZE: Final = 2 * 1024 * 1024  # bytes: after a million keys one in 75 is looked up for nothing
_MOST_TURNS: Final = 8  # of the loop, for which a batch is gathered


class Meeting(Enum):
    """What a journal knows of an item that an earlier run did not end."""

    NEW = "new"
    """Nothing, or that it did not run: it is to be called."""
    AGAIN = "again"
    """This run has met its key before: nothing is to be recorded of it, and its key is not to be released."""


class _Batch:
    """What is committed, and looked up, together."""

    def __init__(self) -> None:
        self.rows: list[tuple[str | int | None, ...]] = []
        self.commits: list[asyncio.Future[None]] = []
        self.calls: list[Callable[[JournalError | None], object]] = []
        self.look_ups: dict[str, asyncio.Future[Meeting | JournalEntry]] = {}

    def __len__(self) -> int:
        return len(self.rows) + len(self.look_ups)


class _Filter:
    """A Bloom filter: tells of most keys that they were not met, in constant memory."""

    def __init__(self, size: int) -> None:
        self._bytes = bytearray(size)

    def add(self, key: str) -> bool:
        """Add a key; return whether it may have been added before, which is certain if not."""
        number, size = hash(key), len(self._bytes)
        there = True
        for probe in (number, number >> 32):
            place, bit = (probe >> 3) % size, 1 << (probe & 7)
            if not self._bytes[place] & bit:
                self._bytes[place] |= bit
                there = False
        return there


class _Thread:
    """A thread that makes calls, one after another."""

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        # As a daemon it keeps no process alive whose loop ended without closing the journal.
        self._thread = threading.Thread(target=_make_calls, args=(self._calls,), name=name, daemon=True)
        self._thread.start()
        self.call_later = self._calls.put

    def call(self, function: Callable[[], T]) -> "asyncio.Future[T]":
        """Call a function; return a future of what it returns or raises."""
        future: asyncio.Future[T] = self._loop.create_future()

        def call() -> None:
            try:
                tell = partial(future.set_result, function())
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                tell = partial(future.set_exception, error)
            with suppress(RuntimeError):  # the loop was closed meanwhile
                self._loop.call_soon_threadsafe(tell)

        self._calls.put(call)
        return future

    def end(self) -> None:
        """End it, after the calls before."""
        self._calls.put(None)
        self._thread.join()


def _make_calls(calls: "SimpleQueue[Callable[[], object] | None]") -> None:
    while (call := calls.get()) is not None:
        call()
        del call  # and what it holds, before waiting for the next


class JournalWriter:
    """A journal that a run writes. Belongs to one event loop.

    A key is active from `meet()`, whose future is awaited before anything else is called for it, until `finished()` or
    `release()`; what is called for it in between is recorded in that order. The futures may be cancelled at any time.
    Once a commit fails nothing more is written, and every wait raises.

    Attributes:
        error: Why the journal can no longer be written, or None.
    """

    def __init__(self, file: SQLiteStore, thread: _Thread, filter_size: int) -> None:
        self.error: JournalError | None = None
        self._refusal: JournalError | None = None  # the error, or that it was closed
        self._file: Final = file
        self._thread: Final = thread
        self._loop: Final = asyncio.get_running_loop()
        self._process: Final = os.getpid()
        self._active: dict[str, bool] = {}  # whether it was recorded as started
        # Where no earlier run recorded anything, what was not met in this one is new, and need not be looked up.
        self._met = _Filter(filter_size) if file.blank else None
        self._new: Final[asyncio.Future[Meeting | JournalEntry]] = self._loop.create_future()
        self._new.set_result(Meeting.NEW)
        self._pending = _Batch()
        self._waiting = False  # for turns of the loop, or for the batch before, to hand on what is pending
        self._closing: asyncio.Future[None] | None = None

    @classmethod
    async def open(cls, journal: Journal, identity: JobIdentity, *, filter_size: int = _FILTER_SIZE) -> Self:
        """Take the journal for a run of its job. A cancelled call leaves nothing behind.

        Args:
            journal: The journal.
            identity: What the job is, beside its name.
            filter_size: Bytes of memory that save a first run from looking keys up that it cannot have met.

        Raises:
            ConfigurationError: The journal was made without the name of a job.
            JournalError: It is in use, another job's, no journal, or cannot be written.
        """
        name = journal.job
        if name is None:
            raise ConfigurationError("A run needs the job's name in its journal: pass Journal(..., job='june sync').")
        path, durability = os.fspath(journal.path), journal.durability
        thread = _Thread("refold_async journal")
        try:
            opening = thread.call(lambda: SQLiteStore.open(path, name=name, identity=identity, durability=durability))
            try:
                await outlast(opening)
            except asyncio.CancelledError:
                if opening.exception() is None:
                    await outlast(thread.call(opening.result().close))
                raise
            return cls(opening.result(), thread, filter_size)
        except BaseException:
            thread.end()
            raise

    def meet(self, key: str) -> "asyncio.Future[Meeting | JournalEntry]":
        """Look up an item taken from the source, and make its key active.

        Returns:
            A future of the entry that an earlier run left of it, or of what there is else to know. It is done already
            where nothing has to be looked up.

        Raises:
            ConfigurationError: The key cannot be recorded.
        """
        _check_key(key)
        if self._refusal is None and key not in self._active:
            self._active[key] = False
            if self._met is not None and not self._met.add(key):
                return self._new
            future = self._pending.look_ups[key] = self._loop.create_future()
            self._hand_on_soon()
            return future
        future = self._loop.create_future()
        if self._refusal is not None:
            _fail(future, self._refusal)
        else:
            future.set_result(Meeting.AGAIN)
        return future

    def started(self, key: str, linked_account_id: str | None) -> "asyncio.Future[None]":
        """Record that a request for an active key is about to leave; done once that is committed."""
        self._active[key] = True
        return self._commit((key, linked_account_id, "started"))

    def withdrawn(self, key: str) -> None:
        """Record that the request for a key certainly did not run and none is in flight. Not to be waited for."""
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
        then: Callable[[JournalError | None], object] | None = None,
    ) -> None:
        """Record how an item ended, whose key is then no longer active.

        Args:
            key: What the item is known by.
            linked_account_id: Its linked account.
            status: How it ended.
            effect: What became of the action.
            error_type: The name of its error's class.
            error: The text of its error.
            result: What its call returned, as JSON.
            attempts: How many requests were handed to the network.
            then: Called once that is committed, with None, or once it is known that it will not be, with the reason.
        """
        self._active.pop(key, None)
        if error is not None:
            error = _storable(error)
        if self._refusal is None and then is not None:
            self._pending.calls.append(then)
        elif then is not None:
            self._loop.call_soon(then, self._refusal)
        self._record((key, linked_account_id, status, effect, error_type, error, result, attempts))

    def release(self, key: str) -> None:
        """Let a key be active no longer whose item ended without an outcome, or had one from an earlier run."""
        if self._active.pop(key, False):
            self._record((key, None, "withdrawn"))

    async def aclose(self) -> None:
        """Commit what is pending, and give the journal back. Is thorough though it is cancelled."""
        if os.getpid() != self._process:  # the thread and the locks stayed with the other process
            return
        if self._closing is None:
            self._refusal = self.error or JournalError(f"The journal {self._file.path!r} was closed.")
            self._hand_on()
            self._closing = self._thread.call(self._file.close)
        await outlast(self._closing)
        self._thread.end()

    def _record(self, row: tuple[str | int | None, ...]) -> None:
        if self._refusal is None:
            self._pending.rows.append(row)
            self._hand_on_soon()

    def _commit(self, row: tuple[str | int | None, ...]) -> "asyncio.Future[None]":
        future: asyncio.Future[None] = self._loop.create_future()
        if self._refusal is None:
            self._pending.rows.append(row)
            self._pending.commits.append(future)
            self._hand_on_soon()
        else:
            _fail(future, self._refusal)
        return future

    def _hand_on_soon(self) -> None:
        """Hand on what is pending soon, or after the batch before."""
        if not self._waiting:
            self._waiting = True
            self._loop.call_soon(self._gather, len(self._pending), 1)

    def _gather(self, before: int, turns: int) -> None:
        """Hand on what is pending once a turn of the loop has added nothing to it: large batches cost much less."""
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
                self._refuse(batch, JournalError("A journal cannot be written after a fork, by the other process."))

    def _work(self, batch: _Batch) -> None:
        """Write and look up a batch, in the thread."""
        met: dict[str, Meeting | JournalEntry] = {}
        error = self.error
        if error is None:
            try:
                if batch.rows:
                    self._file.write(batch.rows)
                if batch.look_ups:
                    met = {row.key: self._meeting(row) for row in self._file.meet(list(batch.look_ups))}
            except JournalError as failure:
                error = failure
            except Exception as failure:  # noqa: BLE001 - whatever it is, those who wait must hear of it
                error = JournalError(f"The journal {self._file.path!r} cannot be written: {failure!r}.")
                error.__cause__ = failure
            # At once: what was handed on meanwhile must not be written after what was not.
            self.error = error
        with suppress(RuntimeError):  # the loop was closed meanwhile
            self._loop.call_soon_threadsafe(self._done, batch, met, error)

    def _meeting(self, row: ItemRow) -> Meeting | JournalEntry:
        entry = entry_of(row)
        if entry.run > self._file.run:
            raise JournalError(f"The journal's entry of {row.key!r} is damaged: its run cannot be {row.run}.")
        if entry.status == "withdrawn":
            return Meeting.NEW
        return Meeting.AGAIN if entry.run == self._file.run else entry

    def _done(self, batch: _Batch, met: dict[str, Meeting | JournalEntry], error: JournalError | None) -> None:
        """Tell those who wait for a batch."""
        if error is not None:
            self._refuse(batch, error)
            return
        for future in batch.commits:
            if not future.done():
                future.set_result(None)
        for call in batch.calls:
            call(None)
        for key, look_up in batch.look_ups.items():
            meeting = met.get(key, Meeting.NEW)
            if meeting is Meeting.AGAIN:
                self._active.pop(key, None)
            if not look_up.done():
                look_up.set_result(meeting)
        self._waiting = False
        if len(self._pending):
            self._hand_on_soon()

    def _refuse(self, batch: _Batch, error: JournalError) -> None:
        """Fail those who wait for a batch, and all who would wait from now on."""
        self.error = self._refusal = error
        pending, self._pending = self._pending, _Batch()
        waits: list[asyncio.Future[Any]] = [*batch.commits, *batch.look_ups.values()]
        waits += [*pending.commits, *pending.look_ups.values()]
        for future in waits:
            _fail(future, error)
        for call in (*batch.calls, *pending.calls):
            call(error)


def _check_key(key: object) -> None:
    if not isinstance(key, str) or not key:
        raise ConfigurationError(f"key= must return a str that is not empty, got {key!r}.")
    if not key.isprintable() and _storable(key) != key:
        raise ConfigurationError(f"key= returned {key!a}: NUL and lone surrogates cannot be recorded; remove them.")


def _storable(text: str) -> str:
    """Return `text` with what SQLite cannot hold escaped."""
    return text.replace("\0", "\\x00").encode(errors="backslashreplace").decode()


def _fail(future: "asyncio.Future[Any]", error: JournalError) -> None:
    if not future.done():
        again = JournalError(error.message)
        again.__cause__ = error.__cause__
        future.set_exception(again)
        future.exception()  # who does not wait for it is not told again when it is collected
