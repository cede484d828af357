"""Noticing whether a journal's file may be other than a run of this library left it.

Checking all pages of a large journal takes seconds. So a run gives its file a time of modification whose fraction of a
second is a seal: whatever changes the file afterwards leaves another time, and a copy, which may have been made while
the file changed, needs another seal. A run seals the file when it begins, whenever it has merged SQLite's log into it,
and when it ends.

If its process dies, the log is needed too. It has checksums, so here it only must be the same file. A machine that
failed may have lost what was written to either of them: then no seal is valid that needs a log.
"""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final
from zlib import crc32

__all__ = ["is_merged", "is_sealed", "seal"]

_SECOND: Final = 10**9  # nanoseconds
_TICK: Final = 100  # nanoseconds: file systems of Windows keep time in these
_NOT_SEALED: Final = -1
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")  # only Linux has it


def seal(path: str) -> None:
    """Seal a journal's file, which its caller has just checked or written.

    Raises:
        OSError: This process may not set that time: then the next run checks the file.
    """
    found = os.stat(path)
    fraction = _fraction(path, found)
    if fraction != _NOT_SEALED:
        last_second = time.time_ns() // _SECOND - 1  # of those that are over: the time must not be in the future
        os.utime(path, ns=(found.st_atime_ns, last_second * _SECOND + fraction))


def is_sealed(path: str) -> bool:
    """Return whether nobody has changed a journal's file since it was sealed."""
    with suppress(OSError):
        found = os.stat(path)
        return found.st_mtime_ns % _SECOND == _fraction(path, found)
    return False


def is_merged(path: str) -> bool:
    """Return whether SQLite's log is empty."""
    return _log(path) == 0


def _log(path: str) -> int:
    """Return the number of the file that is SQLite's log, or 0 if that is empty."""
    try:
        found = os.stat(f"{path}-wal")
    except FileNotFoundError:
        return 0
    return found.st_ino if found.st_size else 0


def _fraction(path: str, found: os.stat_result) -> int:
    """Return the nanoseconds that seal a file: never 0, as where times are kept in whole seconds."""
    belonging = f"{found.st_ino} {found.st_size}"
    if log := _log(path):
        try:
            belonging += f" {log} {_BOOT.read_text(encoding='ascii')}"
        except OSError:
            return _NOT_SEALED
    return (1 + crc32(belonging.encode()) % (_SECOND // _TICK - 1)) * _TICK
