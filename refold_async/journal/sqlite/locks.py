"""The two locks of a run: on the journal's file, and on the file ending in `-lock`. Everything here blocks."""

import os
import sqlite3
from contextlib import closing, suppress
from typing import Final

from refold_async.errors import JournalError
from refold_async.journal.sqlite.connection import connect, errors_told, may_read
from refold_async.journal.sqlite.file_lock import FileLock, beside_sqlite, is_locked

__all__ = ["RunLocks", "is_held"]

_TIMEOUT: Final = 1.0  # seconds: longer than anybody needs to check whether the lock is held


class RunLocks:
    """Both locks of a run.

    Attributes:
        file: The one on the journal's file.
    """

    def __init__(self, path: str) -> None:
        """Take them, and create the journal's file if it does not exist.

        Raises:
            JournalError: Another run has one.
            OSError: A file cannot be created or opened.
            sqlite3.Error: The `-lock` cannot be used.
        """
        self._lock_file = _take_lock_file(path)
        try:
            _make_file(path)
            self.file = FileLock(path)
        except BaseException:
            self._lock_file.close()
            raise

    def release(self) -> None:
        """Release them, in any thread. You can do so twice."""
        self.file.release()
        self._lock_file.close()


def is_held(path: str) -> bool:
    """Return whether a process is running the job of this journal now.

    Raises:
        JournalError: That cannot be found out.
    """
    path = os.path.realpath(path)
    with errors_told(path, "read"):
        return is_locked(path) or _lock_file_is_held(path)


def _lock_file_is_held(path: str) -> bool:
    """Return whether a run, perhaps of another version, holds the lock on the file next to a journal."""
    lock = _lock_path(path)
    if not os.path.exists(lock):
        return False
    if not may_read(lock):
        raise JournalError(f"The file {lock!r} may not be read, so it is not known whether the job is running.")
    with closing(connect(lock, "ro", timeout=0)) as connection:
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchall()
        except sqlite3.DatabaseError as error:
            return error.sqlite_errorcode == sqlite3.SQLITE_BUSY  # if it is not empty, it is not a lock
    return False


def _take_lock_file(path: str) -> sqlite3.Connection:
    _make_file(_lock_path(path))
    lock = connect(_lock_path(path), "rw", timeout=_TIMEOUT, one_thread=False)
    try:
        lock.execute("PRAGMA journal_mode = MEMORY")  # nothing is ever written, so SQLite needs no file of its own
        lock.execute("BEGIN EXCLUSIVE")
    except BaseException as error:
        lock.close()
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            raise JournalError(
                f"The journal {path!r} is in use: another run of its job has not ended. Wait until it ends, or stop it."
            ) from error
        raise
    return lock


def _lock_path(path: str) -> str:
    return f"{path}-lock"


def _make_file(path: str) -> None:
    """Create an empty file that only its owner may read, if there is none."""
    with beside_sqlite():
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        if os.path.getsize(path) == 0:
            os.chmod(path, 0o600)
