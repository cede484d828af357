"""Connecting to a journal's file, and checking that it is an intact journal. Everything here blocks."""

import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from refold_async.errors import JournalError
from refold_async.journal.sqlite.file_lock import beside_sqlite
from refold_async.journal.sqlite.seal import is_merged, is_sealed, seal
from refold_async.journal.sqlite.sql import APPLICATION_ID, FORMAT, READ_JOB
from refold_async.journal.store import JobRow, moment_of

__all__ = [
    "check_pages",
    "connect",
    "connected_to_read",
    "errors_told",
    "format_of",
    "job_row",
    "may_read",
    "may_write",
]

_BUSY_TIMEOUT: Final = 10.0  # seconds: in case somebody edits the journal by hand
_MOST_RUNS: Final = 2**53


@contextmanager
def errors_told(path: str, doing: str) -> Generator[None]:
    """Turn the errors of SQLite, of the system and of values of a wrong type into a `JournalError`."""
    try:
        yield
    except (sqlite3.Error, OSError, ValueError, TypeError, OverflowError, MemoryError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise JournalError(f"The journal {path!r} cannot be {doing}: {reason or type(error).__name__}.") from error


def connect(path: str, mode: str, *, timeout: float = _BUSY_TIMEOUT, one_thread: bool = True) -> sqlite3.Connection:
    """Open a file as a database.

    Args:
        path: The file, which must exist.
        mode: `rw` or `ro`.
        timeout: Seconds to wait if other programs have locked it.
        one_thread: Whether only this thread uses it.

    Raises:
        JournalError: It is not a file.
        sqlite3.Error: It cannot be opened.
    """
    if not os.path.isfile(path):
        raise JournalError(f"The journal {path!r} is a directory or a device: name a file.")
    uri = f"{Path(path).as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=timeout, check_same_thread=one_thread)


@contextmanager
def connected_to_read(path: str) -> Generator[sqlite3.Connection]:
    """Open a journal's file to read it, for as short a time as possible."""
    # Without write permission, SQLite can neither create nor remove its own files. Without those, nobody writes now.
    alone = not (may_write(path) and may_write(os.path.dirname(path))) and not os.path.exists(f"{path}-wal")
    sealed = is_sealed(path)
    with beside_sqlite(), closing(connect(path, "ro&immutable=1" if alone else "rw")) as connection:
        connection.execute("PRAGMA query_only = ON")
        yield connection
    if sealed and is_merged(path) and not is_sealed(path):  # the first to read what a dead process left merges its log
        with suppress(OSError):
            seal(path)


def may_read(path: str) -> bool:
    """Return whether this process may read a file."""
    return _may(path, os.R_OK)


def may_write(path: str) -> bool:
    """Return whether this process may write to a file or directory."""
    return _may(path, os.W_OK)


def _may(path: str, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def format_of(connection: sqlite3.Connection, path: str) -> int:
    """Return the number of a journal's format, or 0 if the database is still empty.

    Raises:
        JournalError: It is not a journal, or it has a newer format.
    """
    try:
        ((application_id,),) = connection.execute("PRAGMA application_id").fetchall()
        ((version,),) = connection.execute("PRAGMA user_version").fetchall()
        tables = connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
            raise
        raise JournalError(f"{path!r} is not a journal but another kind of file: give another path.") from error
    if application_id == 0 and not tables:
        return 0
    if application_id != APPLICATION_ID:
        raise JournalError(f"{path!r} is not a journal but a database of another program: give another path.")
    if version > FORMAT:
        raise JournalError(
            f"The journal {path!r} has format {version}, but this version of refold_async reads format {FORMAT}: "
            "use the newer version that wrote it."
        )
    if version < 1:
        raise JournalError(f"The journal {path!r} is damaged: there is no format {version}.")
    return int(version)


def job_row(connection: sqlite3.Connection, path: str) -> JobRow:
    """Return what a journal has about its job.

    Raises:
        JournalError: It has nothing, or not what a run writes.
    """
    rows = connection.execute(READ_JOB).fetchall()
    if len(rows) != 1:
        raise JournalError(f"The journal {path!r} is damaged: its table job has {len(rows) or 'no'} rows.")
    job = JobRow._make(rows[0])
    texts = (job.name, job.base_url, *(value for value in job[2:6] if value is not None))
    try:
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("a text column has a value of another type")
        if not (isinstance(job.runs, int) and 0 <= job.runs < _MOST_RUNS):
            raise ValueError(f"{job.runs!r} runs are impossible")
        for moment in (job.created_at, job.opened_at):
            moment_of(moment)
    except ValueError as error:
        raise JournalError(f"The journal {path!r} is damaged, in its table job: {error}.") from error
    return job


def check_pages(connection: sqlite3.Connection, path: str) -> None:
    """Check that tables and indexes agree: an item whose key is missing from an index would be treated as new.

    Raises:
        JournalError: They do not.
    """
    ((told,),) = connection.execute("PRAGMA integrity_check(1)").fetchall()
    if told != "ok":
        raise JournalError(f"The journal {path!r} is damaged, its disk image malformed: {told}.")
