"""The tables of a journal's file, and every statement that reads or writes them.

`docs/reference/journal-tables.md` describes the tables, column by column, and the files next to the journal.
"""

from functools import cache
from typing import Final

from refold_async.journal.store import EntryRow, JobRow

__all__ = [
    "ADD_JOB",
    "ADD_TALLIES",
    "APPLICATION_ID",
    "COUNT_RUN",
    "END_ORPHANS",
    "FIND_IMPOSSIBLE_RUN",
    "FORMAT",
    "HAS_ENTRIES",
    "HAS_TALLIES",
    "LOOK_UP",
    "MARK",
    "MOST_ROWS",
    "NO_VALUES",
    "READ_ENTRIES",
    "READ_JOB",
    "READ_TALLY",
    "ROW_STEP",
    "SUMMARISE",
    "TABLES",
    "TALLY",
    "write_statement",
]

APPLICATION_ID: Final = 0x52664A6C  # "RfJl"
FORMAT: Final = 1

TABLES: Final = (
    """
    CREATE TABLE job (
        name TEXT NOT NULL, base_url TEXT NOT NULL, environment TEXT, slug TEXT, action_id TEXT, parameters_sha256 TEXT,
        runs INTEGER NOT NULL, created_at TEXT NOT NULL, opened_at TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE items (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, linked_account_id TEXT, status TEXT NOT NULL, effect TEXT,
        error_type TEXT, error TEXT, result TEXT, attempts INTEGER NOT NULL, run INTEGER NOT NULL,
        started_at TEXT, finished_at TEXT
    )
    """,
)
ADD_TALLIES: Final = """
    CREATE TABLE IF NOT EXISTS tallies (run INTEGER PRIMARY KEY, items INTEGER, refused INTEGER NOT NULL)
"""
_NOW: Final = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
_ENTRY: Final = ", ".join(f"items.{column}" for column in EntryRow._fields)

# A run begins.
ADD_JOB: Final = f"INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, 0, {_NOW}, {_NOW})"  # noqa: S608
READ_JOB: Final = f"SELECT {', '.join(JobRow._fields)} FROM job LIMIT 2"  # noqa: S608
FIND_IMPOSSIBLE_RUN: Final = "SELECT 1 FROM items WHERE run NOT BETWEEN 1 AND ? LIMIT 1"
COUNT_RUN: Final = f"UPDATE job SET runs = runs + 1, opened_at = {_NOW}"  # noqa: S608
# What was in flight when the process died: nobody knows whether it ran.
END_ORPHANS: Final = "UPDATE items SET status = 'unknown', effect = 'unknown' WHERE status = 'started'"
HAS_ENTRIES: Final = "SELECT 1 FROM items LIMIT 1"

# A run writes and looks up. Each statement handles a whole batch and returns at most one row: after every step of a
# statement, a thread has to wait for the interpreter's lock, which a busy event loop keeps for milliseconds.
_WRITE: Final = """
    INSERT INTO items (
        run, key, linked_account_id, status, effect, error_type, error, result, attempts, started_at, finished_at
    )
    SELECT
        this.run, column1, column2, column3, column4, column5, column6, column7, coalesce(column8, 0),
        CASE WHEN column3 = 'started' THEN this.moment END,
        CASE WHEN column3 NOT IN ('started', 'withdrawn') THEN this.moment END
    FROM (SELECT ? AS run, ? AS moment) AS this CROSS JOIN (VALUES {rows})
    WHERE column1 IS NOT NULL AND this.run = (SELECT max(runs) FROM job)
    ON CONFLICT (key) DO UPDATE SET
        linked_account_id = coalesce(excluded.linked_account_id, linked_account_id),
        status = excluded.status, effect = excluded.effect, error_type = excluded.error_type, error = excluded.error,
        result = excluded.result, attempts = excluded.attempts, run = excluded.run,
        started_at = coalesce(excluded.started_at, started_at), finished_at = excluded.finished_at
"""
NO_VALUES: Final = (None,) * len(EntryRow._fields[EntryRow._fields.index("key") : EntryRow._fields.index("run")])
"""As many as are written of an item."""
_VALUES: Final = f"({', '.join('?' for _ in NO_VALUES)})"
ROW_STEP: Final = 8  # statements are made, and kept, only for multiples of it
MOST_ROWS: Final = 96  # in one statement: older versions of SQLite let it have 999 parameters
LOOK_UP: Final = f"""
    SELECT (SELECT max(runs) FROM job), json_group_array(json_array({_ENTRY}))
    FROM json_each(?) AS wanted CROSS JOIN items ON items.key = wanted.value
"""  # noqa: S608
MARK: Final = """
    UPDATE items SET run = :run
    WHERE key IN (SELECT value FROM json_each(:keys)) AND :run = (SELECT max(runs) FROM job)
"""

TALLY: Final = """
    INSERT INTO tallies (run, items, refused)
    SELECT :run, :items, :refused WHERE :run = (SELECT max(runs) FROM job)
    ON CONFLICT (run) DO UPDATE SET items = excluded.items, refused = excluded.refused
"""

# Somebody reads the journal.
HAS_TALLIES: Final = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'tallies'"
READ_TALLY: Final = "SELECT items, refused FROM tallies WHERE run = ?"
SUMMARISE: Final = """
    SELECT status, count(*), max(max(coalesce(started_at, ''), coalesce(finished_at, ''))) FROM items GROUP BY status
"""
READ_ENTRIES: Final = f"""
    SELECT {_ENTRY} FROM items
    WHERE id > ? AND (
        status IN (SELECT value FROM json_each(?)) OR coalesce(status, '') NOT IN (SELECT value FROM json_each(?))
    )
    ORDER BY id LIMIT ?
"""  # noqa: S608


@cache
def write_statement(rows: int) -> str:
    """Return the statement that writes this many rows; some of them may be empty."""
    return _WRITE.format(rows=", ".join([_VALUES] * rows))
