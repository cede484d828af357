"""The page about journals in PostgreSQL: its SQL does what it says, and its tables are those that are created."""

import asyncio
import re
from pathlib import Path
from typing import Final

from refold_async import PostgresJournal
from refold_async.journal.postgres.tables import FORMAT
from refold_async.journal.store import PartsLeft
from support.journals import IDENTITY, statuses
from support.postgres_journals import created, executed, opened, store_at
from support.postgres_server import PostgresProcess

PAGE: Final = (Path(__file__).parent.parent.parent / "docs" / "reference" / "postgres-journal.md").read_text("utf-8")
BLOCKS: Final = re.findall(r"^```sql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def block_with(text: str) -> str:
    """Return the only block of SQL that has a text."""
    (block,) = [block for block in BLOCKS if text in block]
    return str(block)


def columns(dsn: str) -> dict[str, list[tuple[str, ...]]]:
    """Return the columns of each table, in their order, with everything that defines them, and the indexes."""
    query = """
        SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity, collation_name
        FROM information_schema.columns WHERE table_schema = 'refold_async' ORDER BY table_name, ordinal_position
    """
    found: dict[str, list[tuple[str, ...]]] = {}
    for table, *definition in executed(dsn, query):
        found.setdefault(table, []).append(tuple(definition))
    indexes = "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'refold_async' ORDER BY indexdef"
    found["indexes"] = executed(dsn, indexes)
    options = (
        "SELECT relname, reloptions::text FROM pg_class WHERE relnamespace = 'refold_async'::regnamespace ORDER BY 1"
    )
    found["options"] = executed(dsn, options)
    return found


async def test_statements_that_create_the_tables(shared_postgres: PostgresProcess, postgres_dsn: str) -> None:
    """What the page lists makes the same tables as the library, in which a job can run."""
    created(postgres_dsn)
    async with shared_postgres.database() as database:
        by_hand = shared_postgres.dsn(database)
        executed(by_hand, "CREATE SCHEMA refold_async")
        for statement in block_with("CREATE TABLE").split(";\n"):
            if statement.strip():
                executed(by_hand, statement)
        assert columns(by_hand) == columns(postgres_dsn)
        run = await asyncio.to_thread(opened, by_hand)
        run.write([("a", None, "ok", "done")])
        run.close()
        assert statuses(PostgresJournal(by_hand)) == {"a": "ok"}
    assert f"This is format {FORMAT}." in PAGE


def test_columns_that_are_described(postgres_dsn: str) -> None:
    """Each table has the columns that there are; of items, those which files have too are described there."""
    created(postgres_dsn)
    described = dict(re.findall(r"^## The table (\w+)\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL))
    listed = {name: re.findall(r"^\| `(\w+)` \| ", text, re.MULTILINE) for name, text in described.items()}
    files = (Path(__file__).parent.parent.parent / "docs" / "reference" / "journal-tables.md").read_text("utf-8")
    (of_files,) = re.findall(r"^## The table items\n(.*?)(?=^## )", files, re.MULTILINE | re.DOTALL)
    listed["items"] += [name for name in re.findall(r"^\| `(\w+)` \| ", of_files, re.MULTILINE) if name != "id"]
    there = {name: [column[0] for column in of] for name, of in columns(postgres_dsn).items()}
    assert {name: sorted(names) for name, names in listed.items()} == {
        name: sorted(there[name]) for name in ("items", "jobs", "parts")
    }


async def test_what_may_be_changed(postgres_dsn: str) -> None:
    """Parts can be opened again, and a job can be removed; the rights are those of a worker."""
    created(postgres_dsn)
    for name in ("june sync", "july sync"):
        store = store_at(postgres_dsn, name)
        for _ in range(2):
            part = await asyncio.to_thread(store.claim, name, 2, ())
            assert not isinstance(part, PartsLeft)
            run = part.open_run(name, IDENTITY)
            run.write([(f"{part.number}", None, "ok", "done")])
            assert len(executed(postgres_dsn, block_with("worker IS NOT NULL"))) == (name == "june sync")
            run.close()
            part.close()
        store.close()
    opened_again, removed = block_with("closed_at = NULL").split("-- Remove a job")
    executed(postgres_dsn, opened_again)
    closed = "SELECT name, count(closed_at) FROM refold_async.jobs JOIN refold_async.parts ON job = id GROUP BY name"
    assert dict(executed(postgres_dsn, closed)) == {"june sync": 0, "july sync": 2}
    executed(postgres_dsn, f"-- Remove a job{removed}")
    assert dict(executed(postgres_dsn, closed)) == {"july sync": 2}
    assert executed(postgres_dsn, "SELECT count(*) FROM refold_async.items") == [(2,)]
    role = f"worker_{postgres_dsn.rpartition('=')[2]}"
    executed(postgres_dsn, f"CREATE ROLE {role}")
    executed(postgres_dsn, block_with("GRANT").replace(" worker;", f" {role};"))
    executed(postgres_dsn, f"DROP OWNED BY {role}; DROP ROLE {role}")
