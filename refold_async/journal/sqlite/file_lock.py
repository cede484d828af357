"""The lock of a run on the journal's own file.

The lock is on one byte far behind those that SQLite locks, so it does not disturb programs that read the journal. It is
a lock of the open file ("open file description lock"), not of the process: closing the file elsewhere in the process
does not release it, and the kernel releases it when the process dies. Systems other than Linux have no such locks:
there the lock on the file ending in `-lock`, and the number of the run, which every batch checks, keep a second run
out.
"""

import os
import struct
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Final

from refold_async.errors import JournalError

__all__ = ["FileIdentity", "FileLock", "beside_sqlite", "identity_of", "is_locked"]

_LOCKED_BYTE: Final = 0x52664A6C
_SQLITE_SHARED: Final = (0x40000002, 510)  # the bytes that SQLite keeps locked as long as anybody uses the file
_FLOCK: Final = "hhqqi4x"  # struct flock: type, whence, start, length, process

FileIdentity = tuple[int, int]
"""A file's identity: its device and number."""
_NO_FILE: Final[FileIdentity] = (0, 0)

_held: dict[FileIdentity, int] = {}  # the open files of the runs of this process
_alone = threading.Lock()


@contextmanager
def beside_sqlite() -> Generator[None]:
    """Keep other threads from opening journals to read them, or from opening a journal's file without SQLite.

    Closing a file releases all locks that SQLite has on it in this process, whichever code opened it.
    """
    with _alone:
        yield


def identity_of(found: os.stat_result) -> FileIdentity:
    """Return the identity of the file with this state."""
    return found.st_dev, found.st_ino


if sys.platform == "linux":
    import fcntl

    def _lock(file: int, first: int, length: int, *, shared: bool = False) -> bool:
        """Lock bytes of an open file; return False if another process has locked them."""
        kind = fcntl.F_RDLCK if shared else fcntl.F_WRLCK
        try:
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, kind, os.SEEK_SET, first, length, 0))
        except (BlockingIOError, PermissionError):
            return False
        except OSError:  # a kernel or file system without such locks
            return True
        return True

    def _unlock(file: int, first: int, length: int) -> None:
        with suppress(OSError):
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, fcntl.F_UNLCK, os.SEEK_SET, first, length, 0))

    def _is_locked(file: int) -> bool:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, _LOCKED_BYTE, 1, 0)
        try:
            told = fcntl.fcntl(file, fcntl.F_OFD_GETLK, asked)
        except OSError:
            return False
        return bool(struct.unpack(_FLOCK, told)[0] != fcntl.F_UNLCK)

else:

    def _lock(file: int, first: int, length: int, *, shared: bool = False) -> bool:
        return True

    def _unlock(file: int, first: int, length: int) -> None: ...

    def _is_locked(file: int) -> bool:
        return False


class FileLock:
    """The lock that a run holds on its journal's file.

    Attributes:
        identity: Which file that is, by its device and number.
    """

    identity: FileIdentity = _NO_FILE

    def __init__(self, path: str) -> None:
        """Take the lock.

        Raises:
            JournalError: Another run has it.
            OSError: The file cannot be opened.
        """
        with beside_sqlite():
            file = None
            if identity_of(os.stat(path)) not in _held:
                file = os.open(path, os.O_RDWR)
                if not _lock(file, _LOCKED_BYTE, 1):
                    os.close(file)
                    file = None
            if file is None:
                raise JournalError(
                    f"The journal {path!r} is in use: another run of its job has not ended. Wait until it ends, or "
                    "stop it."
                )
            self.identity = identity_of(os.fstat(file))
            _held[self.identity] = file

    def keep_log(self) -> None:
        """Keep the `-wal` in place until `let_go_of_log`, even if others close the file."""
        if (file := _held.get(self.identity)) is not None:
            _lock(file, *_SQLITE_SHARED, shared=True)

    def let_go_of_log(self) -> None:
        """Let the last one that closes the file remove the `-wal`."""
        if (file := _held.get(self.identity)) is not None:
            _unlock(file, *_SQLITE_SHARED)

    def release(self) -> None:
        """Release the lock. In a child of the process that took it, nothing happens."""
        with beside_sqlite():
            self._close()

    def _close(self) -> None:
        file, self.identity = _held.pop(self.identity, None), _NO_FILE
        if file is not None:
            os.close(file)

    __del__ = _close  # may run at any moment, so it must not wait for other threads: it could wait forever


def is_locked(path: str) -> bool:
    """Return whether a run holds the lock on a journal's file."""
    with beside_sqlite(), suppress(OSError):
        if not os.path.isfile(path):
            return False
        if identity_of(os.stat(path)) in _held:
            return True
        file = os.open(path, os.O_RDONLY)
        try:
            return _is_locked(file)
        finally:
            os.close(file)
    return False


def _forget_after_fork() -> None:
    """Close the parent's locks in a forked child: they would otherwise outlive the parent in it."""
    global _alone
    _alone = threading.Lock()
    for file in _held.values():
        with suppress(OSError):
            os.close(file)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
