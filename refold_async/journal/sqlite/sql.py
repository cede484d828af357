"""The tables of a journal's file, and every statement that reads or writes them.

`docs/reference/journal-tables.md` describes the tables, column by column, and the files next to the journal.
"""

from functools import cache
from typing import Final

from refold_async.journal.entries import STATUSES
from refold_async.journal.store import EntryRow, JobRow

__all__ = [
    "ADD_JOB",
    "APPLICATION_ID",
    "BEGIN_RUN",
    "END_ORPHANS",
    "FORMAT",
    "HAS_ENTRIES",
    "HAS_TALLIES",
    "LOOK_UP",
    "MARK",
    "MOST_ROWS",
    "NO_VALUES",
    "READ_COUNTS",
    "READ_ENTRIES",
    "READ_ENTRIES_OF_FORMAT_1",
    "READ_JOB",
    "READ_TALLY",
    "RECOUNT",
    "ROW_STEP",
    "SUMMARISE",
    "TABLES",
    "TALLY",
    "UPGRADE_FROM_FORMAT_1",
    "write_statement",
]

APPLICATION_ID: Final = 0x52664A6C  # "RfJl"
FORMAT: Final = 2

_JOB: Final = """
    CREATE TABLE job (
        name TEXT NOT NULL, base_url TEXT NOT NULL, environment TEXT, slug TEXT, action_id TEXT, parameters_sha256 TEXT,
        runs INTEGER NOT NULL, created_at TEXT NOT NULL, opened_at TEXT NOT NULL
    )
"""
_ITEMS: Final = """
    CREATE TABLE items (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, linked_account_id TEXT, status TEXT NOT NULL, effect TEXT,
        error_type TEXT, error TEXT, result TEXT, attempts INTEGER NOT NULL, run INTEGER NOT NULL,
        started_at TEXT, finished_at TEXT, reconciled TEXT, first_started_at TEXT, sends INTEGER NOT NULL DEFAULT 0
    )
"""
_TALLIES: Final = """
    CREATE TABLE IF NOT EXISTS tallies (run INTEGER PRIMARY KEY, items INTEGER, refused INTEGER NOT NULL)
"""

# Triggers count the items in the transaction of each change, whoever makes it. All counts are in one row: then a
# change of an item costs one update, and a commit writes one page more.
_LAST_RECORDED: Final = "max(coalesce({row}started_at, ''), coalesce({row}finished_at, ''))"
_NOTE_TIME: Final = f"recorded_at = max(recorded_at, {_LAST_RECORDED.format(row='new.')})"


def _for_each_status(template: str) -> str:
    return ", ".join(template.format(status) for status in STATUSES)


_COUNTS: Final = f"""
    CREATE TABLE counts ({_for_each_status("{0} INTEGER NOT NULL")}, items INTEGER NOT NULL, recorded_at TEXT NOT NULL)
"""
RECOUNT: Final = (
    "DELETE FROM counts",
    f"""
    INSERT INTO counts
    SELECT
        {_for_each_status("count(CASE WHEN status = '{0}' THEN 1 END)")}, count(*),
        coalesce(max({_LAST_RECORDED.format(row="")}), '')
    FROM items
    """,  # noqa: S608
)
"""What makes the counts right, whatever they were."""
_COUNTING: Final = (
    f"""
    CREATE TRIGGER count_added AFTER INSERT ON items BEGIN
        UPDATE counts SET {_for_each_status("{0} = {0} + (new.status IS '{0}')")}, items = items + 1, {_NOTE_TIME};
    END
    """,  # noqa: S608
    f"""
    CREATE TRIGGER count_changed AFTER UPDATE OF status ON items BEGIN
        UPDATE counts SET
            {_for_each_status("{0} = {0} + (new.status IS '{0}') - (old.status IS '{0}')")}, {_NOTE_TIME};
    END
    """,  # noqa: S608
    f"""
    CREATE TRIGGER count_removed AFTER DELETE ON items BEGIN
        UPDATE counts SET {_for_each_status("{0} = {0} - (old.status IS '{0}')")}, items = items - 1;
    END
    """,  # noqa: S608
)
TABLES: Final = (_JOB, _ITEMS, _TALLIES, _COUNTS, *RECOUNT, *_COUNTING)
"""What creates a journal."""
UPGRADE_FROM_FORMAT_1: Final = (
    "ALTER TABLE items ADD COLUMN reconciled TEXT",
    "ALTER TABLE items ADD COLUMN first_started_at TEXT",
    "ALTER TABLE items ADD COLUMN sends INTEGER NOT NULL DEFAULT 0",
    # How often they were sent is not known, but at least once.
    "UPDATE items SET first_started_at = started_at, sends = 1 WHERE status IN ('started', 'unknown')",
    _TALLIES,
    _COUNTS,
    *_COUNTING,
)
"""What makes a journal of this format, except for the counts, of one that the first version of this library wrote."""
_NOW: Final = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
_ENTRY: Final = ", ".join(f"items.{column}" for column in EntryRow._fields)

# A run begins.
ADD_JOB: Final = f"INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, 0, {_NOW}, {_NOW})"  # noqa: S608
READ_JOB: Final = f"SELECT {', '.join(JobRow._fields)} FROM job LIMIT 2"  # noqa: S608
BEGIN_RUN: Final = f"UPDATE job SET runs = runs + 1, opened_at = {_NOW}"  # noqa: S608
# What was in flight when the process died: nobody knows whether it ran. Most of it is among the last rows, and all is
# found once it is as many as were counted.
END_ORPHANS: Final = """
    UPDATE items SET status = 'unknown', effect = 'unknown' WHERE id IN (
        SELECT id FROM items WHERE status = 'started' ORDER BY id DESC LIMIT (SELECT started FROM counts)
    )
"""
HAS_ENTRIES: Final = "SELECT 1 FROM items LIMIT 1"

# A run writes and looks up. Each statement handles a whole batch and returns at most one row: after every step of a
# statement, a thread has to wait for the interpreter's lock, which a busy event loop keeps for milliseconds.
_WRITE: Final = """
    INSERT INTO items (
        run, key, linked_account_id, status, effect, error_type, error, result, attempts, reconciled,
        first_started_at, started_at, finished_at, sends
    )
    SELECT
        this.run, column1, column2, column3, column4, column5, column6, column7, coalesce(column8, 0), column9,
        CASE WHEN column3 = 'started' THEN this.moment END,
        CASE WHEN column3 = 'started' THEN this.moment END,
        CASE WHEN column3 NOT IN ('started', 'withdrawn') THEN this.moment END,
        column3 = 'started'
    FROM (SELECT ? AS run, ? AS moment) AS this CROSS JOIN (VALUES {rows})
    WHERE column1 IS NOT NULL AND this.run = (SELECT max(runs) FROM job)
    ON CONFLICT (key) DO UPDATE SET
        linked_account_id = coalesce(excluded.linked_account_id, linked_account_id),
        status = excluded.status, effect = excluded.effect, error_type = excluded.error_type, error = excluded.error,
        result = excluded.result, attempts = excluded.attempts, reconciled = excluded.reconciled, run = excluded.run,
        first_started_at =
            CASE WHEN excluded.status <> 'withdrawn' THEN coalesce(first_started_at, excluded.first_started_at) END,
        started_at = coalesce(excluded.started_at, started_at), finished_at = excluded.finished_at,
        sends = CASE WHEN excluded.status <> 'withdrawn' THEN sends + excluded.sends ELSE 0 END
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
READ_COUNTS: Final = f"SELECT {', '.join(STATUSES)}, items, recorded_at FROM counts LIMIT 2"  # noqa: S608
SUMMARISE: Final = f"""
    SELECT status, count(*), max({_LAST_RECORDED.format(row="")}) FROM items GROUP BY status
"""  # noqa: S608
_READ_ENTRIES: Final = """
    SELECT {entry} FROM items
    WHERE id > ? AND (
        status IN (SELECT value FROM json_each(?)) OR coalesce(status, '') NOT IN (SELECT value FROM json_each(?))
    )
    ORDER BY id LIMIT ?
"""
READ_ENTRIES: Final = _READ_ENTRIES.format(entry=_ENTRY)
READ_ENTRIES_OF_FORMAT_1: Final = _READ_ENTRIES.format(
    entry=_ENTRY.replace("items.reconciled", "NULL")
    .replace("items.first_started_at", "started_at")
    .replace("items.sends", "started_at IS NOT NULL")
)


@cache
def write_statement(rows: int) -> str:
    """Return the statement that writes this many rows; some of them may be empty."""
    return _WRITE.format(rows=", ".join([_VALUES] * rows))
