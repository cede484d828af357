"""The lock of a run on the journal's own file.

The lock is on one byte far behind those that SQLite locks, so programs that read the journal are in nobody's way. It is
a lock of the open file ("open file description lock"), not of the process: closing the file elsewhere in the process
does not end it, and the kernel takes it away when the process dies. Systems other than Linux have no such locks; there
the lock on the file ending in `-lock` keeps a second run out, and the number of the run, which every batch checks.
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
_SQLITE_SHARED: Final = (0x40000002, 510)  # the bytes on which SQLite has a lock as long as somebody uses the file
_FLOCK: Final = "hhqqi4x"  # struct flock: type, whence, start, length, process

FileIdentity = tuple[int, int]
"""Which file something is: its device and number."""
_NO_FILE: Final[FileIdentity] = (0, 0)

_held: dict[FileIdentity, int] = {}  # the open files of the runs of this process
_alone = threading.Lock()


@contextmanager
def beside_sqlite() -> Generator[None]:
    """Hold off other threads that open journals to read them, or open a journal's file beside SQLite.

    Closing a file gives up all locks that SQLite has on it in this process, whoever opened it.
    """
    with _alone:
        yield


def identity_of(found: os.stat_result) -> FileIdentity:
    """Return which file it is whose state was found."""
    return found.st_dev, found.st_ino


if sys.platform == "linux":
    import fcntl

    def _lock(file: int, first: int, length: int, *, shared: bool = False) -> bool:
        """Lock bytes of an open file; return whether nobody else has."""
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
        """Take it.

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
                raise JournalError(f"The journal {path!r} is in use: another run of its job has not ended.")
            self.identity = identity_of(os.fstat(file))
            _held[self.identity] = file

    def keep_log(self) -> None:
        """Let nobody take the `-wal` away until `let_go_of_log`, whoever closes the file last."""
        if (file := _held.get(self.identity)) is not None:
            _lock(file, *_SQLITE_SHARED, shared=True)

    def let_go_of_log(self) -> None:
        """Let who closes the file last take the `-wal` away."""
        if (file := _held.get(self.identity)) is not None:
            _unlock(file, *_SQLITE_SHARED)

    def release(self) -> None:
        """Give it back. In a child of the process that took it, nothing happens."""
        with beside_sqlite():
            self._close()

    def _close(self) -> None:
        file, self.identity = _held.pop(self.identity, None), _NO_FILE
        if file is not None:
            os.close(file)

    __del__ = _close  # may come at any moment: to wait for other threads could be to wait for ever


def is_locked(path: str) -> bool:
    """Tell whether a run holds the lock on a journal's file."""
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
    """Let a child have no part in its parent's locks, which would otherwise outlive the parent in it."""
    global _alone
    _alone = threading.Lock()
    for file in _held.values():
        with suppress(OSError):
            os.close(file)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
