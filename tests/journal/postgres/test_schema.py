"""Creating the tables of journals: once, again, by many at the same time, from version to version, and refused."""

import asyncio
from contextlib import closing
from typing import Any

import psycopg
import pytest
from psycopg import sql as identifiers

from refold_async import JournalError, PostgresJournal
from refold_async.journal.opening import run_opener
from refold_async.journal.postgres import tables
from refold_async.journal.postgres.schema import create_schema
from support.journals import IDENTITY, statuses
from support.postgres_journals import created, executed, opened, server_at
from support.postgres_server import PostgresProcess


def tables_in(dsn: str, schema: str = "refold_async") -> list[str]:
    """Return the names of the tables in a schema."""
    query = "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename"
    return [name for (name,) in executed(dsn, query, schema)]


async def test_twice(postgres_dsn: str) -> None:
    """What exists stays as it is."""
    journal = PostgresJournal(postgres_dsn, job="june sync")
    await journal.create_schema()
    assert tables_in(postgres_dsn) == ["format", "items", "jobs", "parts"]
    run = await asyncio.to_thread(opened, postgres_dsn)
    run.write([("a", None, "ok", "done")])
    run.close()
    await journal.create_schema()
    assert statuses(journal) == {"a": "ok"}
    assert executed(postgres_dsn, "SELECT * FROM refold_async.format") == [(tables.FORMAT,)]


async def test_by_many_at_the_same_time(postgres_dsn: str) -> None:
    """All of them succeed."""
    journals = [PostgresJournal(postgres_dsn) for _ in range(8)]
    await asyncio.gather(*(journal.create_schema() for journal in journals))
    assert tables_in(postgres_dsn) == ["format", "items", "jobs", "parts"]


@pytest.mark.parametrize("name", ["public", 'my "Schema"; DROP', "100% %s {x}", "日本", "x" * 63, "pg"])
def test_names_of_schemas(postgres_dsn: str, name: str) -> None:
    """Any name is only a name."""
    journal = created(postgres_dsn, job="june sync", schema=name)
    assert tables_in(postgres_dsn, name) == ["format", "items", "jobs", "parts"]
    run = run_opener(journal, IDENTITY)()
    run.write([("a", None, "ok", "done")])
    run.look_up(["a"])
    run.tally(1, 0)
    run.close()
    assert statuses(journal) == {"a": "ok"}
    assert journal.summary().ok == 1


def test_several_journals_in_one_database(postgres_dsn: str) -> None:
    """Jobs are told apart by their names, and schemas keep them apart; a reader may leave the name out if it is one."""
    created(postgres_dsn, schema="other")
    journal = created(postgres_dsn)
    with pytest.raises(JournalError, match=r"has no job: the first run of one creates it\.$"):
        journal.summary()
    for name in ("june sync", "july sync"):
        run = opened(postgres_dsn, name=name)
        run.write([(f"of {name}", None, "ok", "done")])
        run.close()
        assert statuses(PostgresJournal(postgres_dsn, job=name)) == {f"of {name}": "ok"}
        if name == "june sync":
            assert statuses(journal) == {"of june sync": "ok"}
    with pytest.raises(JournalError, match=r"has several jobs: .* Its jobs are: 'july sync', 'june sync'"):
        list(journal.entries())
    with pytest.raises(JournalError, match="There is no job 'june sync' in the journal"):
        PostgresJournal(postgres_dsn, job="june sync", schema="other").summary()


def test_without_tables(postgres_dsn: str) -> None:
    """A job, and who reads it, are told how to create them."""
    journal = PostgresJournal(postgres_dsn, job="june sync")
    for use in (journal.summary, lambda: list(journal.entries()), run_opener(journal, IDENTITY)):
        with pytest.raises(
            JournalError, match=r"There is no journal .*: create its tables with `await journal\.create"
        ):
            use()
    assert tables_in(postgres_dsn) == []


async def test_a_newer_format(postgres_dsn: str) -> None:
    """Tables of a newer version are left alone, also if they appear while a job runs and its connection breaks."""
    journal = created(postgres_dsn, job="june sync")
    run = await asyncio.to_thread(opened, postgres_dsn)
    executed(postgres_dsn, "UPDATE refold_async.format SET version = version + 1")
    executed(
        postgres_dsn,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = 'refold_async'",
    )
    newer = rf"has format {tables.FORMAT + 1}, but this version of refold_async"
    with pytest.raises(JournalError, match=newer):
        run.write([("a", None, "started")])
    run.close()
    with pytest.raises(JournalError, match=newer):
        journal.summary()
    with pytest.raises(JournalError, match=newer):
        await journal.create_schema()
    assert executed(postgres_dsn, "SELECT count(*) FROM refold_async.items") == [(0,)]


async def test_from_version_to_version(postgres_dsn: str) -> None:
    """Each change is made once and in order, by one of those who try; a job is told of an older format."""
    journal = created(postgres_dsn, job="june sync")
    run = await asyncio.to_thread(opened, postgres_dsn)
    run.write([("a", None, "ok", "done")])
    run.close()
    second = ("ALTER TABLE {schema}.items ADD COLUMN more text", "UPDATE {schema}.items SET more = 'two'")
    third = ("UPDATE {schema}.items SET more = more || ', three'",)
    server = server_at(postgres_dsn)

    def migrate(*further: Any) -> tuple[int, int]:
        return create_schema(server, 10, (*tables.MIGRATIONS, *further))

    done = await asyncio.gather(*(asyncio.to_thread(migrate, second, third) for _ in range(4)))
    now = tables.FORMAT + 2
    assert sorted(done) == [(tables.FORMAT, now), (now, now), (now, now), (now, now)]
    assert executed(postgres_dsn, "SELECT key, more FROM refold_async.items") == [("a", "two, three")]
    executed(postgres_dsn, "UPDATE refold_async.format SET version = 0")
    with pytest.raises(
        JournalError, match=r"has the older format 0: change it to format \d with `await journal\.create"
    ):
        journal.summary()


async def test_a_change_that_fails(postgres_dsn: str) -> None:
    """It is undone as a whole."""
    created(postgres_dsn)
    broken = ("ALTER TABLE {schema}.items ADD COLUMN more text", "ALTER TABLE {schema}.nothing ADD COLUMN more text")
    with pytest.raises(JournalError):
        await asyncio.to_thread(create_schema, server_at(postgres_dsn), 10, (*tables.MIGRATIONS, broken))
    assert executed(postgres_dsn, "SELECT * FROM refold_async.format") == [(tables.FORMAT,)]
    columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'items' AND column_name = 'more'"
    assert executed(postgres_dsn, columns) == [(0,)]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("DELETE FROM refold_async.format", "its table format has no single row"),
        ("DELETE FROM refold_async.parts WHERE number = 1", "has 3 parts, and 2 rows in the table parts"),
        ("UPDATE refold_async.items SET status = 'fine'", "there is no status 'fine'"),
        ("UPDATE refold_async.parts SET started = 5", "has 5 more items in flight than its table items"),
        ("ALTER TABLE refold_async.items DROP COLUMN sends", 'column "sends" of relation "items" does not exist'),
        ("DROP TABLE refold_async.items", "There is no journal"),
    ],
)
async def test_damaged_tables(postgres_dsn: str, damage: str, says: str) -> None:
    """What no run leaves so is told, before anything is sent."""
    journal = created(postgres_dsn, job="june sync", parts=3)
    claims = journal.claim()
    part = await anext(claims)
    run = await asyncio.to_thread(run_opener(part, IDENTITY))
    run.write([("a", None, "started")])
    run.close()
    await claims.aclose()
    executed(postgres_dsn, damage)

    async def work() -> None:
        claims = journal.claim()
        try:
            with closing(await asyncio.to_thread(run_opener(await anext(claims), IDENTITY))) as run:
                run.write([("b", None, "started")])
        finally:
            await claims.aclose()
        list(journal.entries())

    with pytest.raises(JournalError, match=says):
        await work()


async def test_another_programs_tables(postgres_dsn: str) -> None:
    """They are in the way, and stay as they are."""
    executed(postgres_dsn, "CREATE SCHEMA refold_async")
    executed(postgres_dsn, "CREATE TABLE refold_async.jobs (id integer)")
    with pytest.raises(JournalError, match='relation "jobs" already exists'):
        await PostgresJournal(postgres_dsn).create_schema()
    assert tables_in(postgres_dsn) == ["jobs"]


async def test_rights(shared_postgres: PostgresProcess, postgres_dsn: str) -> None:
    """A user without the right to create tables is told; with the rights of a worker it works, and can create none."""
    database = postgres_dsn.rpartition("=")[2]
    role = f"worker_{database}"
    dsn = shared_postgres.dsn(database, user=role)
    executed(postgres_dsn, f"CREATE ROLE {role} LOGIN")
    try:
        with pytest.raises(JournalError, match="permission denied for database"):
            await PostgresJournal(dsn).create_schema()
        created(postgres_dsn)
        with pytest.raises(JournalError, match=r"permission denied for schema .* Grant this user USAGE on the schema"):
            await asyncio.to_thread(opened, dsn)
        executed(postgres_dsn, f"GRANT USAGE ON SCHEMA refold_async TO {role}")
        executed(postgres_dsn, f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA refold_async TO {role}")
        run = await asyncio.to_thread(opened, dsn)
        run.write([("a", None, "ok", "done")])
        run.close()
        await PostgresJournal(dsn).create_schema()
        assert statuses(PostgresJournal(dsn)) == {"a": "ok"}
    finally:
        executed(postgres_dsn, f"DROP OWNED BY {role}")
        executed(postgres_dsn, f"DROP ROLE {role}")


async def test_encoding(shared_postgres: PostgresProcess, postgres_dsn: str) -> None:
    """A database that cannot hold every text is refused before a job finds that out."""
    name = f"latin_{postgres_dsn.rpartition('=')[2]}"
    create = "CREATE DATABASE {} ENCODING 'LATIN1' TEMPLATE template0"
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(identifiers.SQL(create).format(identifiers.Identifier(name)))
    try:
        with pytest.raises(JournalError, match="the database has the encoding LATIN1"):
            await PostgresJournal(shared_postgres.dsn(name)).create_schema()
    finally:
        executed(postgres_dsn, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.slow
async def test_commits_that_are_promised_are_kept(postgres: PostgresProcess) -> None:
    """Also by a server that is set to write them later: one that crashes has what it told us."""
    journal = created(postgres.dsn(), job="june sync")
    executed(postgres.dsn(), "ALTER SYSTEM SET synchronous_commit = off")
    executed(postgres.dsn(), "ALTER SYSTEM SET wal_writer_delay = '10s'")
    await postgres.restart()
    run = await asyncio.to_thread(opened, postgres.dsn())
    assert executed(postgres.dsn(), "SHOW synchronous_commit") == [("off",)]
    run.write([("a", None, "started")])
    await postgres.kill()
    await postgres.start()
    run.write([("b", None, "started")])
    assert statuses(journal) == {"a": "started", "b": "started"}
    run.close()
