"""The lock of a run, on the journal's own file, and the look at whether that file is still where the run opened it.

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

__all__ = ["Place", "RunLock", "beside_sqlite", "is_locked"]

_LOCKED_BYTE: Final = 0x52664A6C
_SQLITE_SHARED: Final = (0x40000002, 510)  # the bytes on which SQLite has a lock as long as somebody uses the file
_FLOCK: Final = "hhqqi4x"  # struct flock: type, whence, start, length, process
_LOG_BEGINS_WITH: Final = (b"", b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")  # empty once it is in the file

_Identity = tuple[int, int]  # of a file: its device and number
_NO_FILE: Final = (0, 0)

_held: dict[_Identity, int] = {}  # the open files of the runs of this process
_alone = threading.Lock()


@contextmanager
def beside_sqlite() -> Generator[None]:
    """Hold off other threads that open journals to read them, or open a journal's file beside SQLite.

    Closing a file gives up all locks that SQLite has on it in this process, whoever opened it.
    """
    with _alone:
        yield


if sys.platform == "win32":

    def _beginning_of(file: int) -> bytes:
        os.lseek(file, 0, os.SEEK_SET)
        return os.read(file, 4)

else:

    def _beginning_of(file: int) -> bytes:
        return os.pread(file, 4, 0)


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


class RunLock:
    """The lock that a run holds on its journal's file.

    Attributes:
        identity: Which file that is, by its device and number.
    """

    identity: _Identity = _NO_FILE

    def __init__(self, path: str) -> None:
        """Take it.

        Raises:
            JournalError: Another run has it.
            OSError: The file cannot be opened.
        """
        with beside_sqlite():
            file = None
            if _identity_of(os.stat(path)) not in _held:
                file = os.open(path, os.O_RDWR)
                if not _lock(file, _LOCKED_BYTE, 1):
                    os.close(file)
                    file = None
            if file is None:
                raise JournalError(f"The journal {path!r} is in use: another run of its job has not ended.")
            self.identity = _identity_of(os.fstat(file))
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
        if _identity_of(os.stat(path)) in _held:
            return True
        file = os.open(path, os.O_RDONLY)
        try:
            return _is_locked(file)
        finally:
            os.close(file)
    return False


class Place:
    """Where a run's files were when it began."""

    _log: int | None = None

    def __init__(self, path: str, identity: _Identity) -> None:
        """Look where they are.

        Args:
            path: The journal's file, in full, as the caller named it: where it is a link, the link.
            identity: Which file that is.
        """
        real = os.path.realpath(path)
        self._path = path
        self._identities = {path: identity}
        self._identities |= {name: _identity_of(os.stat(name)) for name in (f"{real}-wal", f"{real}-shm")}
        self._log = os.open(f"{real}-wal", os.O_RDONLY)  # on which SQLite has no locks to be given up
        found = os.stat(path)
        self._size, self._changed = found.st_size, found.st_mtime_ns

    def was_changed(self) -> bool:
        """Tell whether somebody else wrote into the journal's file since the last `check()`."""
        try:
            found = os.stat(self._path)
        except OSError:
            return False  # which check() tells, as it does where this is another file
        if found.st_mtime_ns == self._changed and found.st_size == self._size:
            return False
        return _identity_of(found) == self._identities[self._path]

    def check(self) -> None:
        """Check, after a commit, that whoever opens the journal next finds what was committed.

        Raises:
            JournalError: The files are no longer where they were, or were written over.
        """
        for name, (device, number) in self._identities.items():
            try:
                found = os.stat(name)
            except OSError as error:
                reason = f"{name!r} was moved or deleted ({error.strerror})"
                raise self._lost(reason) from error
            if found.st_ino != number or found.st_dev != device:
                raise self._lost(f"another file is in the place of {name!r}")
            if name == self._path:
                if found.st_size < self._size:
                    raise self._lost(f"{name!r} was cut short")
                self._size, self._changed = found.st_size, found.st_mtime_ns
        if self._log is not None and _beginning_of(self._log) not in _LOG_BEGINS_WITH:
            raise self._lost("its -wal was written over")

    def _lost(self, reason: str) -> JournalError:
        return JournalError(
            f"The journal {self._path!r} was touched while its job ran: {reason}. Nothing more is sent. Before "
            "the job is run again, put the file back where it was: else what was sent is sent again."
        )

    def close(self) -> None:
        """Look no more."""
        log, self._log = self._log, None
        if log is not None:
            os.close(log)

    __del__ = close


def _identity_of(found: os.stat_result) -> _Identity:
    return found.st_dev, found.st_ino


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
