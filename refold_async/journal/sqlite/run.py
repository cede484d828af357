"""A run that has a journal's file locked: how it begins, writes, looks up, and ends. Everything here blocks."""

import json
import os
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Final, Self

import attrs

from refold_async.errors import JournalError
from refold_async.journal.identity import check_identity
from refold_async.journal.sqlite import sql
from refold_async.journal.sqlite.connection import (
    check_pages,
    connect,
    connected_to_read,
    errors_told,
    format_of,
    job_row,
    may_write,
)
from refold_async.journal.sqlite.file_watch import FileWatch
from refold_async.journal.sqlite.locks import RunLocks
from refold_async.journal.sqlite.seal import is_sealed
from refold_async.journal.store import Durability, EntryRow, EntryValues, JobIdentity, JobRow

__all__ = ["SQLiteRun"]

_LOG_PAGES: Final = 2000  # of the `-wal`, before they are merged into the file, which waits for the disk

_to_json = json.JSONEncoder(separators=(",", ":")).encode


class SQLiteRun:
    """A run that has a journal's file locked. Open, use and close it in the same thread.

    Attributes:
        location: Where the file is.
        number: The number of the run.
        blank: Whether no earlier run has recorded an item.
        longest_key: None: a key may have any length.
        closed: Whether the run has ended.
        releases: Whether the locks are released when the run ends.
    """

    def __init__(
        self,
        path: str,
        job: JobRow,
        locks: RunLocks,
        connection: sqlite3.Connection,
        *,
        blank: bool,
        releases: bool,
    ) -> None:
        self.location = path
        self.number = job.runs
        self.blank = blank
        self.longest_key = None
        self.closed = False
        self.releases = releases
        self._job = job
        self._locks = locks
        self._connection = connection
        self._watch = FileWatch(path, locks.file.identity)
        self._sound = True  # whether every call has succeeded

    @classmethod
    def open(
        cls,
        path: str,
        *,
        name: str,
        identity: JobIdentity,
        durability: Durability,
        claimed_by: RunLocks | None = None,
    ) -> Self:
        """Take the locks, create the file or check that it belongs to this job, and begin a run.

        Args:
            path: The path of the file.
            name: The job's name.
            identity: What identifies the job, with its name.
            durability: What a commit survives.
            claimed_by: The locks, if the caller has taken them and keeps them when the run ends.

        Raises:
            JournalError: The journal is in use, belongs to another job, is not a journal, or cannot be written.
        """
        named = os.path.join(os.getcwd(), path)
        path = os.path.realpath(path)
        with errors_told(path, "opened"):
            if os.path.exists(path):
                # Before anything is created next to a file that is not ours or cannot be written.
                with connected_to_read(path) as connection:
                    format_of(connection, path)
                if not may_write(path):
                    raise JournalError(f"The journal {path!r} is read-only: run the job as a user who may write it.")
            locks = RunLocks(path) if claimed_by is None else claimed_by
            try:
                connection = connect(path, "rw")
                try:
                    written = format_of(connection, path)
                    _configure(connection, path, durability)
                    job = _begin(connection, path, name, identity, written)
                    blank = not connection.execute(sql.HAS_ENTRIES).fetchall()
                    run = cls(named, job, locks, connection, blank=blank, releases=claimed_by is None)
                except BaseException:
                    connection.close()
                    raise
            except BaseException:
                if claimed_by is None:
                    locks.release()
                raise
            locks.file.keep_log()
            run._watch.seal()
        return run

    def write(self, entries: Sequence[EntryValues]) -> None:
        """Commit what must be recorded about items, in this order.

        Raises:
            JournalError: It could not be written; then nothing was.
        """
        with self._calling("written"):
            if len(entries) <= sql.MOST_ROWS:
                self._write_some(entries)
            else:
                self._write_all(entries)

    def _write_all(self, entries: Sequence[EntryValues]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for first in range(0, len(entries), sql.MOST_ROWS):
                self._write_some(entries[first : first + sql.MOST_ROWS])
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _write_some(self, entries: Sequence[EntryValues]) -> None:
        parameters: list[str | int | None] = [self.number, _now()]
        for values in entries:
            parameters += values
            parameters += sql.NO_VALUES[len(values) :]
        missing = -len(entries) % sql.ROW_STEP
        parameters += sql.NO_VALUES * missing
        # With executemany: execute would take the interpreter's lock once more, to ask for the id of the last row.
        done = self._connection.executemany(sql.write_statement(len(entries) + missing), (parameters,))
        if done.rowcount != len(entries):
            raise self._taken_over()

    def tally(self, items: int | None, refused: int) -> None:
        """Commit how many items the run was given and how many of them it refused.

        Raises:
            JournalError: That could not be written.
        """
        with self._calling("written"):
            done = self._connection.executemany(sql.TALLY, [{"run": self.number, "items": items, "refused": refused}])
            if done.rowcount != 1:
                raise self._taken_over()

    def look_up(self, keys: Sequence[str]) -> list[EntryRow]:
        """Return the rows with these keys, and mark those of earlier runs with this run.

        Raises:
            JournalError: They could not be read or marked.
        """
        with self._calling("read"):
            ((number, found),) = self._connection.execute(sql.LOOK_UP, (_to_json(keys),)).fetchall()
            if number != self.number:
                raise self._taken_over()
            rows = [EntryRow._make(row) for row in json.loads(found)]
            earlier = [row.key for row in rows if row.run != self.number]
            if earlier:
                done = self._connection.executemany(sql.MARK, [{"run": self.number, "keys": _to_json(earlier)}])
                if done.rowcount != len(earlier):
                    raise self._taken_over()
        return rows

    @contextmanager
    def _calling(self, doing: str) -> Generator[None]:
        """Check before a call that the journal is still the same, and after it that the next run will find the file."""
        sound, self._sound = self._sound, False
        with errors_told(self.location, doing):
            self._look_before()
            yield
            self._watch.check()
        self._sound = sound

    def _look_before(self) -> None:
        """Check that the file is still the same journal, whatever others wrote into it, for example by hand."""
        if not self._watch.was_changed():
            return
        with connected_to_read(os.path.realpath(self.location)) as connection:
            format_of(connection, self.location)
            if job_row(connection, self.location) != self._job:
                raise self._taken_over()
            check_pages(connection, self.location)

    def _taken_over(self) -> JournalError:
        return JournalError(
            f"The journal {self.location!r} no longer belongs to this run: another run of its job has begun, or "
            "somebody changed its table job. This run stops; what it had sent is recorded."
        )

    def close(self) -> None:
        """Merge everything into the one file, seal it if this run has ended well, and release the locks."""
        # A reader may block this, or the disk may be full: what is in the `-wal` is just as safe there.
        with suppress(JournalError), self._calling("closed"):
            self._connection.execute("PRAGMA busy_timeout = 1000")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if self._sound:
            with suppress(sqlite3.Error, OSError):
                self._connection.execute("BEGIN IMMEDIATE")  # so that nobody else changes it meanwhile
                self._watch.seal()
        self._watch.close()
        if not self._watch.lost:  # else the file there may now be another journal
            self._locks.file.let_go_of_log()
        with suppress(sqlite3.Error):
            self._connection.close()
        self.closed = True
        if self.releases:
            self._locks.release()


def _now() -> str:
    return f"{datetime.now(UTC).isoformat(timespec='milliseconds')[:-6]}Z"


def _configure(connection: sqlite3.Connection, path: str, durability: Durability) -> None:
    """Set how a run's connection commits."""
    ((mode,),) = connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
    if mode != "wal":
        raise JournalError(f"The journal {path!r} is where SQLite cannot share memory: put it on a local disk.")
    connection.execute(f"PRAGMA synchronous = {'FULL' if durability == 'power' else 'NORMAL'}")
    if durability == "power":
        # Only macOS needs this: a plain sync stops at the drive's cache there.
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA checkpoint_fullfsync = ON")


def _begin(connection: sqlite3.Connection, path: str, name: str, identity: JobIdentity, written: int) -> JobRow:
    """Create the tables, or check that they are intact and of this job; return the row of the run that begins.

    Args:
        connection: The connection.
        path: The path of the file, for messages.
        name: The name of the job.
        identity: What else identifies it.
        written: The number of the journal's format; 0 if there are no tables yet.
    """
    connection.execute("BEGIN IMMEDIATE")
    if not written:
        connection.execute(f"PRAGMA application_id = {sql.APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {sql.FORMAT}")
        for table in sql.TABLES:
            connection.execute(table)
        connection.execute(sql.ADD_JOB, (name, *attrs.astuple(identity)))
    job = job_row(connection, path)
    check_identity(path, job[:6], name, identity)
    if written and not (written == sql.FORMAT and is_sealed(path)):
        check_pages(connection, path)
        for change in (*(sql.UPGRADE_FROM_FORMAT_1 if written == 1 else ()), *sql.RECOUNT):
            connection.execute(change)
        connection.execute(f"PRAGMA user_version = {sql.FORMAT}")
    connection.execute(sql.BEGIN_RUN)
    connection.execute(sql.END_ORPHANS)
    job = job_row(connection, path)
    connection.execute("COMMIT")
    return job
