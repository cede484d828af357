"""Writing a journal from an event loop: what is ready is committed together, in a thread, and the loop never waits."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Any, Final, Literal, Self

from refold_async.errors import ConfigurationError, JournalError
from refold_async.faults import Effect
from refold_async.journal import Journal, JournalEntry, entry_of
from refold_async.journal_file import ItemRow, JobIdentity, JournalFile

__all__ = ["JournalWriter", "Meeting"]


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
        self.look_ups: dict[str, asyncio.Future[Meeting | JournalEntry]] = {}


class JournalWriter:
    """A journal that a run writes. Belongs to one event loop.

    A key is active from `meet()`, whose future is awaited before anything else is called for it, until `finished()` or
    `release()`; what is called for it in between is recorded in that order. The futures may be cancelled at any time.
    Once a commit fails nothing more is written, and every wait raises.

    Attributes:
        error: Why the journal can no longer be written, or None.
    """

    def __init__(self, file: JournalFile, executor: ThreadPoolExecutor) -> None:
        self.error: JournalError | None = None
        self._refusal: JournalError | None = None  # the error, or that it was closed
        self._file: Final = file
        self._executor: Final = executor
        self._loop: Final = asyncio.get_running_loop()
        self._process: Final = os.getpid()
        self._active: dict[str, bool] = {}  # whether it was recorded as started
        self._pending = _Batch()
        self._waiting = False  # for a turn of the loop, or for the batch before, to hand on what is pending
        self._closing: asyncio.Future[None] | None = None

    @classmethod
    async def open(cls, journal: Journal, identity: JobIdentity) -> Self:
        """Take the journal for a run of its job. A cancelled call leaves nothing behind.

        Raises:
            ConfigurationError: The journal was made without the name of a job.
            JournalError: It is in use, another job's, no journal, or cannot be written.
        """
        name = journal.job
        if name is None:
            raise ConfigurationError("A run needs the job's name in its journal: pass Journal(..., job='june sync').")
        path, durability = os.fspath(journal.path), journal.durability
        executor = ThreadPoolExecutor(1, thread_name_prefix="refold_async journal")
        loop = asyncio.get_running_loop()
        try:
            opening = loop.run_in_executor(
                executor, lambda: JournalFile.open(path, name=name, identity=identity, durability=durability)
            )
            try:
                await _outlast(opening)
            except asyncio.CancelledError:
                if opening.exception() is None:
                    await _outlast(loop.run_in_executor(executor, opening.result().close))
                raise
            return cls(opening.result(), executor)
        except BaseException:
            executor.shutdown()
            raise

    def meet(self, key: str) -> "asyncio.Future[Meeting | JournalEntry]":
        """Look up an item taken from the source, and make its key active.

        Returns:
            A future of the entry that an earlier run left of it, or of what there is else to know.

        Raises:
            ConfigurationError: The key cannot be recorded.
        """
        _check_key(key)
        future: asyncio.Future[Meeting | JournalEntry] = self._loop.create_future()
        if self._refusal is not None:
            _fail(future, self._refusal)
        elif key in self._active:
            future.set_result(Meeting.AGAIN)
        else:
            self._active[key] = False
            self._pending.look_ups[key] = future
            self._hand_on_soon()
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
    ) -> "asyncio.Future[None]":
        """Record how an item ended, whose key is then no longer active; done once that is committed.

        Args:
            key: What the item is known by.
            linked_account_id: Its linked account.
            status: How it ended.
            effect: What became of the action.
            error_type: The name of its error's class.
            error: The text of its error.
            result: What its call returned, as JSON.
            attempts: How many requests were handed to the network.
        """
        self._active.pop(key, None)
        if error is not None:
            error = _storable(error)
        return self._commit((key, linked_account_id, status, effect, error_type, error, result, attempts))

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
            self._closing = self._loop.run_in_executor(self._executor, self._file.close)
        await _outlast(self._closing)
        self._executor.shutdown()

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
        """Hand on what is pending after this turn of the loop, which may add to it, or after the batch before."""
        if not self._waiting:
            self._waiting = True
            self._loop.call_soon(self._hand_on)

    def _hand_on(self) -> None:
        """Give what is pending to the thread."""
        batch = self._pending
        if batch.rows or batch.look_ups:
            self._pending = _Batch()
            if os.getpid() == self._process:
                self._executor.submit(self._work, batch)
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
        self._loop.call_soon_threadsafe(self._done, batch, met, error)

    def _meeting(self, row: ItemRow) -> Meeting | JournalEntry:
        if row.status == "withdrawn":
            return Meeting.NEW
        return Meeting.AGAIN if row.run == self._file.run else entry_of(row)

    def _done(self, batch: _Batch, met: dict[str, Meeting | JournalEntry], error: JournalError | None) -> None:
        """Tell those who wait for a batch."""
        if error is not None:
            self._refuse(batch, error)
            return
        # What is pending first, so that the thread works on it while those who waited go on.
        self._waiting = bool(self._pending.rows or self._pending.look_ups)
        self._hand_on()
        for future in batch.commits:
            if not future.done():
                future.set_result(None)
        for key, look_up in batch.look_ups.items():
            if not look_up.done():
                look_up.set_result(met.get(key, Meeting.NEW))

    def _refuse(self, batch: _Batch, error: JournalError) -> None:
        """Fail those who wait for a batch, and all who would wait from now on."""
        self.error = self._refusal = error
        pending, self._pending = self._pending, _Batch()
        waits: list[asyncio.Future[Any]] = [*batch.commits, *batch.look_ups.values()]
        waits += [*pending.commits, *pending.look_ups.values()]
        for future in waits:
            _fail(future, error)


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


async def _outlast(future: "asyncio.Future[Any]") -> None:
    """Wait until `future` is done, however often that is cancelled; pass a cancellation on afterwards."""
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as again:
            cancelled = again
    if cancelled is not None:
        raise cancelled
