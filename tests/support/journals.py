"""Helpers for the tests of the journal."""

import resource
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from refold_async import Journal, PostgresJournal
from refold_async.journal.sqlite.run import SQLiteRun
from refold_async.journal.store import Durability, JobIdentity

AnyJournal: TypeAlias = Journal | PostgresJournal

SQLITE = pytest.mark.parametrize("journal", ["sqlite"], indirect=True)
"""Marks a test whose fixture `journal` must be in SQLite."""

IDENTITY = JobIdentity(
    base_url="https://app.refold.ai",
    environment="test",
    slug="hubspot",
    action_id="get_contact",
    parameters_sha256=None,
)


def opened(
    path: Path | str, *, name: str = "june sync", identity: JobIdentity = IDENTITY, durability: Durability = "process"
) -> SQLiteRun:
    """Begin a run."""
    return SQLiteRun.open(str(path), name=name, identity=identity, durability=durability)


_FORMAT_1 = """
    PRAGMA application_id = 1382435436;
    PRAGMA user_version = 1;
    CREATE TABLE job (
        name TEXT NOT NULL, base_url TEXT NOT NULL, environment TEXT, slug TEXT, action_id TEXT, parameters_sha256 TEXT,
        runs INTEGER NOT NULL, created_at TEXT NOT NULL, opened_at TEXT NOT NULL
    );
    CREATE TABLE items (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, linked_account_id TEXT, status TEXT NOT NULL, effect TEXT,
        error_type TEXT, error TEXT, result TEXT, attempts INTEGER NOT NULL, run INTEGER NOT NULL,
        started_at TEXT, finished_at TEXT
    );
    INSERT INTO job VALUES (
        'june sync', 'https://app.refold.ai', 'test', 'hubspot', 'get_contact', NULL, 1, '2026-06-01T09:30:00.125Z',
        '2026-06-01T09:30:00.125Z'
    );
    INSERT INTO items (key, status, effect, attempts, run, started_at, finished_at) VALUES
        ('a', 'started', NULL, 0, 1, '2026-06-01T09:30:01.000Z', NULL),
        ('b', 'ok', 'done', 1, 1, '2026-06-01T09:30:02.000Z', '2026-06-01T09:30:03.000Z'),
        ('c', 'failed', 'none', 1, 1, '2026-06-01T09:30:02.000Z', '2026-06-01T09:30:03.000Z'),
        ('d', 'unknown', 'unknown', 1, 1, '2026-06-01T09:30:02.000Z', '2026-06-01T09:30:04.000Z'),
        ('e', 'withdrawn', NULL, 0, 1, '2026-06-01T09:30:02.000Z', NULL);
"""


def write_format_1(path: Path, more: str = "") -> None:
    """Write a journal as the first version of the library did, with an item of each status.

    Args:
        path: The file.
        more: Further statements of SQL.
    """
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(_FORMAT_1 + more)


def empty_the_index(path: Path) -> None:
    """Take all keys out of the index of a journal's items: only a check of all pages notices that."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("CREATE TABLE empty (key TEXT UNIQUE)")
        ((page,),) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name LIKE '%index_empty%'").fetchall()
        connection.execute("UPDATE sqlite_master SET rootpage = ? WHERE name LIKE '%index_items%'", (page,))
        connection.commit()


def statuses(journal: AnyJournal) -> dict[str, str]:
    """Return the status of each key."""
    return {entry.key: entry.status for entry in journal.entries()}


@contextmanager
def largest_file(size: int) -> Generator[None]:
    """Keep every file of this process below `size` bytes, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
