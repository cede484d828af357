"""Writing a journal from an event loop: what is waited for, what is recognised, and how it ends."""

import asyncio
import gc
import os
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from refold_async.errors import ConfigurationError, JournalError
from refold_async.journal.entries import JournalEntry
from refold_async.journal.journal import Journal
from refold_async.journal.opening import check_journal, run_opener
from refold_async.journal.writer import JournalWriter, NoEntry
from support.journals import IDENTITY, SQLITE, AnyJournal, largest_file, statuses
from support.waiting import until


@pytest.fixture
async def writer(journal: AnyJournal) -> AsyncIterator[JournalWriter]:
    """A writer of it."""
    writer = await JournalWriter.open(run_opener(journal, IDENTITY))
    yield writer
    await writer.aclose()


def finish(writer: JournalWriter, key: str, **how: Any) -> "asyncio.Future[None]":
    """Record how an item ended: well, unless told otherwise. Done once that is committed."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def then(error: JournalError | None) -> None:
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
            done.exception()

    defaults: dict[str, Any] = {"linked_account_id": key, "status": "ok", "effect": "done", "attempts": 1}
    writer.finished(key, **{**defaults, **how}, then=then)
    return done


async def end(writer: JournalWriter, key: str, **how: Any) -> None:
    """Record how an item ended, as `finish` does, and wait until it is."""
    await finish(writer, key, **how)


def threads() -> list[str]:
    """Return the names of the journal's threads."""
    return [thread.name for thread in threading.enumerate() if "journal" in thread.name]


async def test_one_item(journal: AnyJournal, writer: JournalWriter) -> None:
    """Each step of an item is in the file once its wait is over."""
    assert await writer.look_up("a") is NoEntry.NEW
    assert statuses(journal) == {}
    await writer.started("a", "user_a")
    assert statuses(journal) == {"a": "started"}
    await end(writer, "a", linked_account_id="user_a", result='{"n":1}')
    (entry,) = journal.entries()
    assert (entry.status, entry.linked_account_id, entry.effect) == ("ok", "user_a", "done")
    assert (entry.result, entry.attempts, entry.run) == ({"n": 1}, 1, 1)


async def test_many_at_once(journal: AnyJournal, writer: JournalWriter) -> None:
    """Many items share their commits."""

    async def work(number: int) -> None:
        key = f"user_{number}"
        assert await writer.look_up(key) is NoEntry.NEW
        await writer.started(key, key)
        await end(writer, key)

    await asyncio.gather(*map(work, range(500)))
    assert journal.summary().ok == 500


async def test_looked_up_again(writer: JournalWriter) -> None:
    """A key is recognised at once, while it is active, and long after it ended."""
    looked_up = [writer.look_up("a"), writer.look_up("a")]
    assert await asyncio.gather(*looked_up) == [NoEntry.NEW, NoEntry.REPEATED]
    await writer.started("a", None)
    assert await writer.look_up("a") is NoEntry.REPEATED
    ended = asyncio.ensure_future(end(writer, "a"))
    await asyncio.sleep(0)
    assert await writer.look_up("a") is NoEntry.REPEATED
    writer.release("a")
    await ended
    assert await writer.look_up("a") is NoEntry.REPEATED


@pytest.mark.parametrize("size", [1, 1 << 10, 1 << 21])
async def test_looked_up_again_beyond_the_filter(journal: AnyJournal, size: int) -> None:
    """However full the filter of a first run is, every repeated key is recognised, and no other; it does not grow."""
    writer = await JournalWriter.open(run_opener(journal, IDENTITY), filter_size=size)
    keys = [f"user_{number}" for number in range(300)]
    for expected in (NoEntry.NEW, NoEntry.REPEATED):
        for key in keys:
            assert await writer.look_up(key) is expected
            if expected is NoEntry.NEW:
                writer.finished(key, linked_account_id=None, status="ok", effect="done")
    assert not vars(writer)["_active"]
    keys_seen: Any = vars(writer)["_looked_up"]
    assert len(keys_seen._bytes) == size
    await writer.aclose()
    assert journal.summary().ok == 300


async def test_a_first_run_looks_nothing_up(writer: JournalWriter) -> None:
    """A key that was not looked up before is known to be new at once, where no earlier run recorded anything."""
    assert writer.look_up("a").done()
    writer.release("a")
    assert not writer.look_up("a").done()


async def test_next_run(journal: AnyJournal) -> None:
    """The next run gets what the earlier one left, once; what did not run is new."""
    writer = await JournalWriter.open(run_opener(journal, IDENTITY))
    for key in ("ok", "failed", "in flight", "withdrawn", "released"):
        await writer.look_up(key)
        await writer.started(key, None)
    await end(writer, "ok")
    await end(writer, "failed", status="failed", effect="none", error_type="NotFoundError", error="No.")
    writer.withdrawn("withdrawn")
    writer.release("released")
    await writer.aclose()

    writer = await JournalWriter.open(run_opener(journal, IDENTITY))
    found = {key: await writer.look_up(key) for key in ("ok", "failed", "in flight")}
    for key, entry in found.items():
        assert isinstance(entry, JournalEntry)
        assert (entry.key, entry.run) == (key, 1)
        assert entry.status == {"in flight": "unknown"}.get(key, key)
        writer.release(key)
        assert await writer.look_up(key) is NoEntry.REPEATED
    assert await writer.look_up("withdrawn") is NoEntry.NEW
    assert await writer.look_up("released") is NoEntry.NEW
    await writer.aclose()
    assert statuses(journal)["in flight"] == "unknown"


async def test_called_again(journal: AnyJournal) -> None:
    """An item that is called again is in flight again, and nothing is left of how it ended before."""
    writer = await JournalWriter.open(run_opener(journal, IDENTITY))
    await end(writer, "a", status="failed", effect="none", error_type="NotFoundError", error="No.", attempts=3)
    await writer.aclose()
    writer = await JournalWriter.open(run_opener(journal, IDENTITY))
    assert isinstance(await writer.look_up("a"), JournalEntry)
    await writer.started("a", "a")
    (entry,) = journal.entries()
    assert (entry.status, entry.run, entry.attempts, entry.effect) == ("started", 2, 0, None)
    assert (entry.error_type, entry.error, entry.finished_at) == (None, None, None)
    await writer.aclose()


async def test_withdrawn_and_started_again(journal: AnyJournal, writer: JournalWriter) -> None:
    """What is called for one key is recorded in that order, whatever is waited for."""
    await writer.look_up("a")
    await writer.started("a", None)
    writer.withdrawn("a")
    await writer.started("a", None)
    assert statuses(journal) == {"a": "started"}
    writer.withdrawn("a")
    await writer.started("b", None)
    assert statuses(journal) == {"a": "withdrawn", "b": "started"}
    assert await writer.look_up("a") is NoEntry.REPEATED
    writer.release("a")
    assert await writer.look_up("a") is NoEntry.NEW


async def test_released_before_it_started(journal: AnyJournal, writer: JournalWriter) -> None:
    """An item that was looked up and never begun leaves no row."""
    assert await writer.look_up("a") is NoEntry.NEW
    writer.release("a")
    writer.release("never looked up")
    assert await writer.look_up("a") is NoEntry.NEW
    assert statuses(journal) == {}


async def test_memory(writer: JournalWriter) -> None:
    """What is kept in memory does not grow with the number of items that ended."""
    for number in range(20):
        await writer.look_up(f"user_{number}")
        await end(writer, f"user_{number}")
    assert not vars(writer)["_active"]


@pytest.mark.parametrize("key", ["", None, 1, b"a", "a\0b", "a\ud800"])
async def test_keys_that_cannot_be_recorded(writer: JournalWriter, key: Any) -> None:
    """A key that would not come back as it is is refused."""
    with pytest.raises(ConfigurationError, match="key="):
        writer.look_up(key)


async def test_texts_that_cannot_be_recorded(journal: AnyJournal, writer: JournalWriter) -> None:
    """An error's text may hold anything: what SQLite cannot hold is escaped."""
    await end(writer, "a", status="failed", effect="none", error="half \ud83d, nul \0, whole 🙂")
    (entry,) = journal.entries()
    assert entry.error == "half \\ud83d, nul \\x00, whole 🙂"


async def test_cancelled_waits(journal: AnyJournal, writer: JournalWriter) -> None:
    """Who stops waiting harms nobody, and what was to be recorded is."""
    await asyncio.gather(writer.look_up("a"), writer.look_up("b"))
    dropped, looked_up, waited = writer.started("a", None), writer.look_up("c"), writer.started("b", None)
    dropped.cancel()
    looked_up.cancel()
    await waited
    assert statuses(journal) == {"a": "started", "b": "started"}
    writer.finished("a", linked_account_id=None, status="ok", effect="done")
    await writer.started("b", None)
    assert statuses(journal)["a"] == "ok"


async def test_closing_commits_what_is_pending(journal: AnyJournal) -> None:
    """Closing waits for nobody and loses nothing; again it does nothing."""
    writer = await JournalWriter.open(run_opener(journal, IDENTITY))
    first = writer.started("a", None)
    await asyncio.sleep(0)
    second = finish(writer, "b")
    writer.withdrawn("c")
    await asyncio.gather(writer.aclose(), writer.aclose())
    await writer.aclose()
    await asyncio.gather(first, second)
    assert statuses(journal) == {"a": "unknown", "b": "ok", "c": "withdrawn"}
    assert not threads()
    assert writer.error is None
    for wait in (writer.look_up("d"), writer.started("d", None)):
        with pytest.raises(JournalError, match="closed"):
            await wait
    writer.withdrawn("d")


async def test_closing_though_cancelled(journal: AnyJournal) -> None:
    """However often closing is cancelled, the journal is free when it returns."""
    writer = await JournalWriter.open(run_opener(journal, IDENTITY))
    writer.withdrawn("a")
    closing = asyncio.create_task(writer.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await writer.aclose()
    assert not threads()
    assert not journal.summary().running
    assert statuses(journal) == {"a": "withdrawn"}


@pytest.mark.parametrize("turns", range(4))
async def test_opening_cancelled(journal: AnyJournal, turns: int) -> None:
    """A cancelled opening leaves no thread and no lock."""
    opening = asyncio.create_task(JournalWriter.open(run_opener(journal, IDENTITY)))
    for _ in range(turns):
        await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert not threads()
    await (await JournalWriter.open(run_opener(journal, IDENTITY))).aclose()


@SQLITE
async def test_opening_refused(journal: Journal, tmp_path: Path) -> None:
    """An opening that fails leaves nothing; without the job's name it does not begin."""
    with pytest.raises(ConfigurationError, match="job="):
        check_journal(Journal(tmp_path / "sync.sqlite"))
    with pytest.raises(JournalError, match="No such file"):
        await JournalWriter.open(run_opener(Journal(tmp_path / "missing" / "sync.sqlite", job="june sync"), IDENTITY))
    assert not threads()
    assert not os.listdir(tmp_path)


async def test_in_use_by_this_process(journal: AnyJournal, writer: JournalWriter) -> None:
    """Two uses in one process are refused as those in two are; meanwhile the first goes on."""
    before = threads()
    opening = asyncio.create_task(JournalWriter.open(run_opener(journal, IDENTITY)))
    await end(writer, "a")
    assert not opening.done()
    with pytest.raises(JournalError, match="in use"):
        await opening
    await end(writer, "b")
    await until(lambda: threads() == before)  # the thread of the refused one may still be ending


@SQLITE
async def test_full_disk(journal: Journal) -> None:
    """Once a commit fails every wait raises, nothing more is written, and what was recorded stays."""
    writer = await JournalWriter.open(run_opener(journal, IDENTITY))
    await end(writer, "a")
    await asyncio.gather(writer.look_up("b"), writer.look_up("c"))
    with largest_file(100_000):
        unread = finish(writer, "b", status="failed", effect="none", error="x" * 200_000)
        shared = writer.started("c", None)
        await asyncio.sleep(0)
        pending = writer.started("d", None)
        with pytest.raises(JournalError, match="cannot be written") as failure:
            await shared
    assert isinstance(failure.value.__cause__, sqlite3.Error)
    for wait in (pending, writer.look_up("e"), writer.started("e", None)):
        with pytest.raises(JournalError, match="cannot be written") as later:
            await wait
        assert later.value.__cause__ is failure.value.__cause__
    writer.withdrawn("c")
    assert writer.error is not None
    await writer.aclose()
    assert statuses(journal) == {"a": "ok"}
    await (await JournalWriter.open(run_opener(journal, IDENTITY))).aclose()
    assert isinstance(unread.exception(), JournalError)
    with pytest.raises(JournalError):
        await finish(writer, "f")


@SQLITE
async def test_failures_nobody_waits_for(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    """A failure that nobody retrieves is told once, by `error`, and not again when its future is collected."""
    writer = await JournalWriter.open(run_opener(journal, IDENTITY))
    with largest_file(100_000):
        writer.finished("a", linked_account_id=None, status="failed", effect="none", error="x" * 200_000)
        await writer.aclose()
    writer.started("b", None)
    gc.collect()
    await asyncio.sleep(0)
    assert isinstance(writer.error, JournalError)
    assert not caplog.records


@SQLITE
@pytest.mark.parametrize(
    ("damage", "says"), [("status = 'fine'", "there is no status 'fine'"), ("run = 7", "its run cannot be 7")]
)
async def test_damaged_entry(journal: Journal, damage: str, says: str) -> None:
    """An entry that is not what a run writes stops the run, whoever wrote it."""
    writer = await JournalWriter.open(run_opener(journal, IDENTITY))
    await end(writer, "a")
    await writer.aclose()
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as connection:
        connection.execute(f"UPDATE items SET {damage}")
    writer = await JournalWriter.open(run_opener(journal, IDENTITY))
    with pytest.raises(JournalError, match=f"'a' is damaged: {says}"):
        await writer.look_up("a")
    await writer.aclose()


@SQLITE
async def test_the_loop_never_waits(journal: Journal, writer: JournalWriter) -> None:
    """While another program has the file to itself, the loop goes on, and so do the waits afterwards.

    A loop that waited would do so for as long as SQLite does: ten seconds, for it is the loop that ends this.
    """
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        wait = writer.started("a", None)
        longest, last = 0.0, time.perf_counter()
        for _ in range(20):
            await asyncio.sleep(0.005)
            longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
        assert not wait.done()
        connection.execute("ROLLBACK")
    await wait
    assert longest < 5
    assert statuses(journal) == {"a": "started"}
