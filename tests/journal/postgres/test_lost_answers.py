"""Connections that break before or after PostgreSQL has done what it was asked: everything is done once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, Literal, TypeVar

import pytest

from refold_async.errors import JournalError
from refold_async.journal.postgres.part import PostgresPart
from refold_async.journal.postgres.schema import create_schema
from refold_async.journal.postgres.store import PostgresStore
from refold_async.journal.postgres.tables import FORMAT
from refold_async.journal.store import PartsLeft, StoreRun
from support.cutting_proxy import CuttingProxy, cutting_proxy
from support.journals import IDENTITY
from support.postgres_journals import created, executed, server_at, store_at

T = TypeVar("T")
When = Literal["before", "after"]
BOTH: Final = pytest.mark.parametrize("when", ["before", "after"])

# What is part of one statement only.
BEGINNING: Final = "runs = parts.runs + 1"
WRITE: Final = "WITH ORDINALITY AS given"
MARK: Final = "marked AS"
LOOK_UP: Final = "jsonb_array_elements_text"
TALLY: Final = "SET given ="
CLAIM: Final = "SKIP LOCKED"
CLOSE: Final = "SET closed_at ="
ADD: Final = "INSERT INTO"


async def done(call: Callable[..., T], *arguments: Any) -> T:
    """Make a call that blocks, while the event loop serves the proxy."""
    return await asyncio.to_thread(call, *arguments)


@pytest.fixture
async def proxy(postgres_dsn: str) -> AsyncIterator[CuttingProxy]:
    """A proxy in front of a database with the tables."""
    created(postgres_dsn)
    async with cutting_proxy(postgres_dsn) as proxy:
        yield proxy


@pytest.fixture
async def run(proxy: CuttingProxy) -> AsyncIterator[StoreRun]:
    """A run through the proxy."""
    run = await done(store_at(proxy.dsn).open_run, "june sync", IDENTITY)
    yield run
    await done(run.close)


def counted(dsn: str) -> tuple[Any, ...]:
    """Return the counters of the only part."""
    (counters,) = executed(dsn, "SELECT started, withdrawn, ok, failed, unknown FROM refold_async.parts")
    return counters


@BOTH
async def test_write(proxy: CuttingProxy, postgres_dsn: str, run: StoreRun, when: When) -> None:
    """A batch is written once: what is counted is not counted twice."""
    await done(run.write, [("a", None, "started"), ("b", None, "started")])
    proxy.cut(WRITE, when)
    await done(run.write, [("a", None, "started"), ("b", None, "ok", "done"), ("c", None, "started")])
    assert proxy.cuts == 1
    assert counted(postgres_dsn) == (2, 0, 1, 0, 0)
    assert executed(postgres_dsn, "SELECT key, sends FROM refold_async.items ORDER BY key") == [
        ("a", 2),
        ("b", 1),
        ("c", 1),
    ]
    await done(run.write, [("a", None, "ok", "done")])
    assert counted(postgres_dsn) == (1, 0, 2, 0, 0)


@BOTH
async def test_write_again_and_again(proxy: CuttingProxy, postgres_dsn: str, run: StoreRun, when: When) -> None:
    """However often a connection breaks at the same batch."""
    proxy.cut(WRITE, when, times=4)
    for _ in range(3):
        await done(run.write, [("a", None, "started")])
    assert proxy.cuts == 4 if when == "before" else 3
    assert executed(postgres_dsn, "SELECT sends FROM refold_async.items") == [(3,)]


@BOTH
@pytest.mark.parametrize("at", ["BEGIN", WRITE, "COMMIT"])
async def test_write_in_several_statements(
    proxy: CuttingProxy, postgres_dsn: str, run: StoreRun, at: str, when: When
) -> None:
    """Nor is what takes several statements written twice, or in part, wherever it is cut."""
    text = "x" * 1_500_000
    keys = [f"user_{number}" for number in range(4)]
    proxy.cut(at, when)
    await done(run.write, [(key, None, "failed", "none", None, text, None, 1) for key in keys])
    assert proxy.cuts == 1
    assert executed(postgres_dsn, "SELECT count(*), sum(length(error)) FROM refold_async.items") == [(4, 6_000_000)]
    assert counted(postgres_dsn) == (0, 0, 0, 4, 0)
    await done(run.write, [("a", None, "started")])


@BOTH
@pytest.mark.parametrize("at", [LOOK_UP, MARK])
async def test_look_up(proxy: CuttingProxy, run: StoreRun, when: When, at: str) -> None:
    """What an earlier run recorded looks so, though it was marked before the answer was lost."""
    await done(run.write, [("a", None, "ok", "done"), ("b", None, "failed", "none")])
    await done(run.close)
    again = await done(store_at(proxy.dsn).open_run, "june sync", IDENTITY)
    proxy.cut(at, when)
    rows = await done(again.look_up, ["a", "b", "c"])
    assert proxy.cuts == 1
    assert sorted((row.key, row.run) for row in rows) == [("a", 1), ("b", 1)]
    assert sorted((row.key, row.run) for row in await done(again.look_up, ["a", "b"])) == [("a", 2), ("b", 2)]
    await done(again.close)


@BOTH
async def test_tally(proxy: CuttingProxy, postgres_dsn: str, run: StoreRun, when: When) -> None:
    """A tally is written, and the next batch is no surprise."""
    proxy.cut(TALLY, when)
    await done(run.tally, 7, 2)
    assert executed(postgres_dsn, "SELECT given, refused FROM refold_async.parts") == [(7, 2)]
    await done(run.write, [("a", None, "started")])


@BOTH
@pytest.mark.parametrize("at", [ADD, CLAIM, BEGINNING])
async def test_begin(proxy: CuttingProxy, postgres_dsn: str, when: When, at: str) -> None:
    """One run begins, wherever the connection breaks."""
    run = await done(store_at(postgres_dsn).open_run, "july sync", IDENTITY)
    await done(run.write, [("a", None, "started"), ("b", None, "ok", "done")])
    await done(run.close)
    executed(
        postgres_dsn, "DELETE FROM refold_async.parts USING refold_async.jobs WHERE job = id AND name = 'june sync'"
    )
    executed(postgres_dsn, "DELETE FROM refold_async.jobs WHERE name = 'june sync'")
    proxy.cut(at, when)
    name = "june sync" if at == ADD else "july sync"
    again = await done(store_at(proxy.dsn).open_run, name, IDENTITY)
    assert proxy.cuts == 1
    assert (again.number, again.blank) == ((1, True) if at == ADD else (2, False))
    await done(again.write, [("c", None, "started")])
    await done(again.close)
    if at != ADD:
        assert counted(postgres_dsn) == (1, 0, 1, 0, 1)


@BOTH
async def test_claim_and_close(proxy: CuttingProxy, postgres_dsn: str, when: When) -> None:
    """Each part is claimed once and closed once, and none is lost."""
    store = store_at(proxy.dsn)
    numbers: list[int] = []
    for _ in range(3):
        proxy.cut(CLAIM, when)
        part = await done(claimed, store)
        numbers.append(part.number)
        proxy.cut(CLOSE, when)
        await done(part.close)
    assert (numbers, proxy.cuts) == ([0, 1, 2], 6)
    assert await done(store.claim, "parts", 3, ()) == PartsLeft(frozenset(), frozenset())
    await done(store.close)
    closed = "SELECT count(*) FROM refold_async.parts WHERE closed_at IS NOT NULL AND worker IS NULL"
    assert executed(postgres_dsn, closed) == [(3,)]


def claimed(store: PostgresStore) -> PostgresPart:
    """Claim a part of a job that has three."""
    part = store.claim("parts", 3, ())
    assert isinstance(part, PostgresPart)
    return part


@BOTH
async def test_release(proxy: CuttingProxy, when: When) -> None:
    """A part that is given back can be claimed at once, though the connection breaks."""
    store = store_at(proxy.dsn, lease=3600)
    for _ in range(2):
        part = await done(claimed, store)
        assert part.number == 0
        proxy.cut("leased_until = '-infinity'", when)
        await done(part.release)
    assert proxy.cuts == 2
    await done(store.close)


@BOTH
@pytest.mark.parametrize("at", ["BEGIN", "CREATE TABLE", "COMMIT"])
async def test_create_schema(proxy: CuttingProxy, when: When, at: str) -> None:
    """All tables are created."""
    proxy.cut(at, when)
    await done(create_schema, server_at(proxy.dsn, "another"), 10)
    assert proxy.cuts == 1
    assert await done(create_schema, server_at(proxy.dsn, "another"), 10) == (FORMAT, FORMAT)


async def test_what_was_committed_is_gone(postgres_dsn: str, proxy: CuttingProxy, run: StoreRun) -> None:
    """A server that has forgotten what it committed, such as a standby that took over, stops the run."""
    await done(run.write, [("a", None, "started")])
    executed(postgres_dsn, "UPDATE refold_async.parts SET batch = batch - 1")
    for call, argument in ((run.write, [("b", None, "started")]), (run.look_up, ["a"])):
        with pytest.raises(JournalError, match="lost what was committed to part 0"):
            await done(call, argument)
    assert executed(postgres_dsn, "SELECT key FROM refold_async.items") == [("a",)]
