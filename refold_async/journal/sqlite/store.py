"""A journal in an SQLite file: its runs, and reading it, also while a run in this or another process writes it."""

import errno
import json
import os
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final

from refold_async.errors import JournalError
from refold_async.journal.entries import STATUSES
from refold_async.journal.sqlite import sql
from refold_async.journal.sqlite.connection import connected_to_read, errors_told, format_of, job_row, may_read
from refold_async.journal.sqlite.locks import is_held
from refold_async.journal.sqlite.run import SQLiteRun
from refold_async.journal.store import Durability, EntryRow, JobIdentity, JobRow, StoreSummary, moment_of

__all__ = ["EmptyFileError", "SQLiteStore"]

# What is read at a time: few enough rows to keep in memory with their results, and so many that opening the file for
# them does not count.
_MOST_ROWS: Final = 1000
_MOST_CHARACTERS: Final = 1_000_000


class EmptyFileError(JournalError):
    """The file has no tables yet: its first run is about to create them."""


class SQLiteStore:
    """A journal in an SQLite file. Everything here blocks.

    Attributes:
        location: The path of the file.
    """

    def __init__(self, path: str, durability: Durability = "process") -> None:
        self.location = path
        self._durability: Durability = durability

    def open_run(self, job: str, identity: JobIdentity) -> SQLiteRun:
        """Begin a run of a job. Use and close it in the same thread.

        Raises:
            JournalError: The journal is in use, belongs to another job, is not a journal, or cannot be written.
        """
        return SQLiteRun.open(self.location, name=job, identity=identity, durability=self._durability)

    def read_summary(self) -> StoreSummary:
        """Return what the journal has about the job as a whole.

        Raises:
            JournalError: The journal does not exist or cannot be read.
        """
        running = is_held(self.location)  # before the rows are read, which may be the last that it writes
        with _reading(self.location) as (connection, written, job):
            counts, last = _read_counts(connection, written)
            last = max(job.opened_at, last)
            moment_of(last)
            tallied: list[tuple[int | None, int]] = []
            if written != 1 or connection.execute(sql.HAS_TALLIES).fetchall():
                tallied = connection.execute(sql.READ_TALLY, (job.runs,)).fetchall()
            ((items, refused),) = tallied or [(None, 0)]
            for count in (items or 0, refused):
                if not _is_count(count):
                    raise JournalError(f"The journal {self.location!r} is damaged: {count!r} is not a number of items.")
        if not running:
            counts["unknown"] = counts.get("unknown", 0) + counts.pop("started", 0)
        return StoreSummary(job, running, counts, last, items, refused)

    def read_entries(self, *, after: int, statuses: Sequence[str], known: Sequence[str]) -> list[EntryRow]:
        """Return the next rows with one of `statuses` and an id larger than `after`; none if there are no more.

        Rows whose status is none of the `known` ones are returned too, so that the caller can report them.

        Raises:
            JournalError: The journal does not exist or cannot be read.
        """
        running = is_held(self.location)
        if not running:  # what is started was in flight when its run died
            statuses = [status for status in statuses if status != "started"]
            statuses += ["started"] * ("unknown" in statuses)
        wanted = (after, json.dumps(statuses), json.dumps(known), _MOST_ROWS)
        rows: list[EntryRow] = []
        characters = 0
        with _reading(self.location) as (connection, written, _):
            statement = sql.READ_ENTRIES_OF_FORMAT_1 if written == 1 else sql.READ_ENTRIES
            for row in map(EntryRow._make, connection.execute(statement, wanted)):
                rows.append(row)
                characters += _length(row.error) + _length(row.result)
                if characters >= _MOST_CHARACTERS:
                    break
        for row in rows:
            if type(row.id) is not int or row.id <= after:
                raise JournalError(
                    f"The journal {self.location!r} is damaged: the ids of its table items are out of order."
                )
            after = row.id
        return rows if running else list(map(_without_orphan, rows))

    def close(self) -> None:
        """Do nothing: each call closes the file."""


def _read_counts(connection: sqlite3.Connection, written: int) -> tuple[dict[str, int], str]:
    """Return how many rows there are of each status, and when the last was recorded."""
    for row in connection.execute(sql.READ_COUNTS).fetchall() if written != 1 else ():
        counts: dict[str, int] = dict(zip(STATUSES, row, strict=False))
        *numbers, items, last = row
        # Rows with a status that no run writes are in no count but that of all: then whoever reads this is told of it.
        if all(map(_is_count, numbers)) and sum(numbers) == items:
            return counts, last
    rows = connection.execute(sql.SUMMARISE).fetchall()
    return {status: count for status, count, _ in rows}, max((moment for _, _, moment in rows), default="")


def _without_orphan(row: EntryRow) -> EntryRow:
    return row._replace(status="unknown", effect="unknown") if row.status == "started" else row


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value >= 0


def _length(text: object) -> int:
    return len(text) if isinstance(text, str | bytes) else 0  # a damaged journal holds anything


@contextmanager
def _reading(path: str) -> Generator[tuple[sqlite3.Connection, int, JobRow]]:
    """Open a journal to read it as it is at one moment, with its format and its job. Leaves nothing open."""
    path = os.path.realpath(path)
    with errors_told(path, "read"):
        _check_readable(path)
        with connected_to_read(path) as connection:
            written = format_of(connection, path)
            if not written:
                raise EmptyFileError(f"{path!r} is empty: it becomes a journal when a job is first run with it.")
            connection.execute("BEGIN")
            yield connection, written, job_row(connection, path)


def _check_readable(path: str) -> None:
    """Check that there is a file which this process may read: SQLite does not say why it cannot open one."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise JournalError(f"There is no journal {path!r}: the first run of a job creates it.") from error
    if not may_read(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
