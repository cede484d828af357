"""Journals behind a PgBouncer in transaction mode, where each transaction may get another connection."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from refold_async import AsyncRefold, PostgresJournal
from refold_async.testing import Delay, MockRefold
from support.pgbouncer_server import PgBouncerProcess, running_pgbouncer
from support.postgres_journals import created, executed
from support.postgres_server import PostgresProcess
from support.waiting import until

PARTS = 12


@pytest.fixture
async def pgbouncer(shared_postgres: PostgresProcess, postgres_dsn: str) -> AsyncIterator[PgBouncerProcess]:
    """A PgBouncer with two connections to the server, whoever comes."""
    settings = {"default_pool_size": "2", "server_login_retry": "1"}
    async with running_pgbouncer(shared_postgres, settings=settings) as pgbouncer:
        yield pgbouncer


def dsn_of(pgbouncer: PgBouncerProcess, postgres_dsn: str) -> str:
    """Return the connection string of a database, through PgBouncer."""
    return pgbouncer.dsn(postgres_dsn.rpartition("=")[2])


def writes(mock: MockRefold) -> Counter[str | None]:
    """Return how often each account was written to."""
    return Counter(request.linked_account_id for request in mock.requests)


async def work(refold: AsyncRefold, journal: PostgresJournal) -> list[int]:
    """Work on parts until all are closed; return their numbers."""
    mine: list[int] = []
    async for part in journal.claim():
        items = [f"user_{part.number}_{number}" for number in range(10)]
        job = refold.fan_out_action(items, "hubspot", "create_contact", {"email": "a@b.c"}, journal=part)
        assert (await job.collect()).counts["ok"] == 10
        await part.close()
        mine.append(part.number)
    return mine


async def test_more_workers_than_connections(
    mock: MockRefold, refold: AsyncRefold, pgbouncer: PgBouncerProcess, postgres_dsn: str
) -> None:
    """Everything works as without it, from the tables to the summary; each part has one worker."""
    journal = PostgresJournal(dsn_of(pgbouncer, postgres_dsn), job="june sync", parts=PARTS)
    await journal.create_schema()
    shares = await asyncio.gather(*(work(refold, journal) for _ in range(6)))
    assert sorted(number for share in shares for number in share) == list(range(PARTS))
    assert set(writes(mock).values()) == {1}
    summary = await asyncio.to_thread(journal.summary)
    assert (summary.ok, summary.closed_parts, summary.runs) == (10 * PARTS, PARTS, 1)
    entries = await asyncio.to_thread(lambda: list(journal.entries(status="ok")))
    assert len(entries) == 10 * PARTS
    sessions = (
        "SELECT count(*) <= 2 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert executed(postgres_dsn, sessions) == [(True,)]


async def test_a_pgbouncer_that_restarts(
    mock: MockRefold, refold: AsyncRefold, pgbouncer: PgBouncerProcess, postgres_dsn: str
) -> None:
    """A job waits for it, and nothing is unknown."""
    mock.script(Delay(0.02))
    journal = created(dsn_of(pgbouncer, postgres_dsn), job="june sync")
    items = [f"user_{number}" for number in range(100)]
    job = refold.fan_out_action(items, "hubspot", "create_contact", {"email": "a@b.c"}, journal=journal, concurrency=10)
    running = asyncio.create_task(job.collect())
    await until(lambda: len(mock.requests) > 30)
    await pgbouncer.kill()
    await asyncio.sleep(0.3)
    await pgbouncer.start()
    assert (await running).counts["ok"] == 100
    assert writes(mock) == dict.fromkeys(items, 1)
