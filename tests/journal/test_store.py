"""The writer drives any store that keeps what `StoreRun` promises, by calls that such a store may rely on."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from refold_async.errors import JournalError
from refold_async.journal.entries import JournalEntry
from refold_async.journal.store import EntryRow, EntryValues
from refold_async.journal.writer import JournalWriter, NoEntry

NOW = "2026-06-01T09:30:00.125Z"


class MemoryStore:
    """A store in memory, and its one run at a time; several processes might write it."""

    location = "memory"
    blank = False
    longest_key = None

    def __init__(self) -> None:
        self.rows: dict[str, EntryRow] = {}
        self.number = 0
        self.tallied: tuple[int | None, int] | None = None
        self.calls: list[str] = []
        self.threads: set[int] = set()
        self.failure: Exception | None = None
        self._alone = threading.Lock()

    def open_run(self) -> "MemoryStore":
        """Begin a run."""
        self._note("open")
        self.number += 1
        for row in self.rows.values():
            if row.status == "started":
                self.rows[row.key] = row._replace(status="unknown", effect="unknown")
        return self

    def write(self, entries: Sequence[EntryValues]) -> None:
        """Record items."""
        self._note("write")
        with self._alone:
            for entry in entries:
                values: list[Any] = [*entry, *[None] * (9 - len(entry))]
                key, account, status, effect, error_type, error, result, attempts, reconciled = values
                old = self.rows.get(key)
                self.rows[key] = EntryRow(
                    id=old.id if old else len(self.rows) + 1,
                    key=key,
                    linked_account_id=account or (old.linked_account_id if old else None),
                    status=status,
                    effect=effect,
                    error_type=error_type,
                    error=error,
                    result=result,
                    attempts=attempts or 0,
                    reconciled=reconciled,
                    run=self.number,
                    first_started_at=NOW,
                    started_at=NOW,
                    finished_at=NOW,
                    sends=(old.sends if old else 0) + (status == "started"),
                )

    def tally(self, items: int | None, refused: int) -> None:
        """Note how many items there are, and how many were refused."""
        self._note("tally")
        self.tallied = (items, refused)

    def look_up(self, keys: Sequence[str]) -> list[EntryRow]:
        """Return rows, and mark them."""
        self._note("look_up")
        found = [self.rows[key] for key in keys if key in self.rows]
        for row in found:
            self.rows[row.key] = row._replace(run=self.number)
        return found

    def close(self) -> None:
        """End the run."""
        self._note("close")

    def _note(self, call: str) -> None:
        assert not self._alone.locked()
        self.calls.append(call)
        self.threads.add(threading.get_ident())
        if self.failure is not None and call != "close":
            raise self.failure


async def record(writer: JournalWriter, key: str) -> None:
    """Record an item from beginning to end."""
    await writer.started(key, f"account of {key}")
    done: asyncio.Future[JournalError | None] = asyncio.get_running_loop().create_future()
    writer.finished(
        key, linked_account_id=None, status="ok", effect="done", result="[1]", attempts=2, then=done.set_result
    )
    assert await done is None


async def test_two_runs() -> None:
    """What one run records is found by the next, and what neither ended is told."""
    store = MemoryStore()
    writer = await JournalWriter.open(store.open_run)
    assert await asyncio.gather(*map(writer.look_up, "abc")) == [NoEntry.NEW] * 3
    await asyncio.gather(record(writer, "a"), writer.started("b", None))
    writer.withdrawn("c")
    await writer.aclose()

    writer = await JournalWriter.open(store.open_run)
    a, b, c, d = await asyncio.gather(*map(writer.look_up, "abcd"))
    assert (c, d) == (NoEntry.NEW, NoEntry.NEW)
    assert isinstance(a, JournalEntry)
    assert (a.status, a.linked_account_id, a.result, a.attempts, a.run) == ("ok", "account of a", [1], 2, 1)
    assert isinstance(b, JournalEntry)
    assert (b.status, b.effect) == ("unknown", "unknown")
    writer.release("a")
    assert await writer.look_up("a") is NoEntry.REPEATED
    await writer.aclose()


async def test_what_is_called() -> None:
    """One thread makes all calls of a run, batches first their entries and then their look-ups, and `close()` last."""
    store = MemoryStore()
    writer = await JournalWriter.open(store.open_run)
    await asyncio.gather(*(writer.look_up(f"user_{number}") for number in range(100)))
    started = [writer.started(f"user_{number}", None) for number in range(100)]
    other = writer.look_up("other")
    await asyncio.gather(*started)
    assert await other is NoEntry.NEW
    await writer.aclose()
    assert store.calls == ["open", "look_up", "write", "look_up", "close"]
    assert len(store.threads) == 1
    assert threading.get_ident() not in store.threads


@pytest.mark.parametrize("failure", [JournalError("The journal is gone."), ConnectionError("gone")])
async def test_a_store_that_fails(failure: Exception) -> None:
    """Whatever a store raises, those who wait hear of it as a `JournalError`, and it is asked for nothing more."""
    store = MemoryStore()
    writer = await JournalWriter.open(store.open_run)
    store.failure = failure
    waits: list[asyncio.Future[Any]] = [writer.started("a", None), writer.look_up("b"), writer.started("c", None)]
    for wait in waits:
        with pytest.raises(JournalError, match="gone"):
            await wait
    await writer.aclose()
    assert store.calls == ["open", "write", "close"]


async def test_tallies() -> None:
    """How many items there are, and how many were refused, is committed before who was refused hears of it."""
    store = MemoryStore()
    writer = await JournalWriter.open(store.open_run)
    writer.note_items(3)
    refused: asyncio.Future[JournalError | None] = asyncio.get_running_loop().create_future()
    writer.note_refused(refused.set_result)
    assert not refused.done()
    assert await refused is None
    assert store.tallied == (3, 1)
    writer.note_refused(lambda _: None)
    await writer.aclose()
    assert store.tallied == (3, 2)
    late: asyncio.Future[JournalError | None] = asyncio.get_running_loop().create_future()
    writer.note_refused(late.set_result)
    assert "was closed" in str(await late)
    assert store.calls == ["open", "tally", "tally", "close"]


async def test_a_tally_that_fails() -> None:
    """Who was refused hears that it is not recorded."""
    store = MemoryStore()
    writer = await JournalWriter.open(store.open_run)
    store.failure = ConnectionError("gone")
    refused: asyncio.Future[JournalError | None] = asyncio.get_running_loop().create_future()
    writer.note_refused(refused.set_result)
    assert "gone" in str(await refused)
    await writer.aclose()
