"""Noticing whether a journal's file was changed since its last run ended.

Checking all pages of a large journal takes seconds. So a run that ends well gives its file a time of modification whose
fraction of a second is a seal: a later change of the file leaves another time, and a copy, which may have been made
while the file changed, needs another seal.
"""

import os
import time
from contextlib import suppress
from typing import Final
from zlib import crc32

__all__ = ["is_sealed", "seal"]

_SECOND: Final = 10**9  # nanoseconds
_TICK: Final = 100  # nanoseconds: file systems of Windows keep time in these


def seal(path: str) -> None:
    """Seal a journal's file, unless something is still to be merged into it.

    Raises:
        OSError: This process may not set that time: then the next run checks the file.
    """
    if _is_merged(path):
        found = os.stat(path)
        last_second = time.time_ns() // _SECOND - 1  # of those that are over: the time must not be in the future
        os.utime(path, ns=(found.st_atime_ns, last_second * _SECOND + _fraction(found)))


def is_sealed(path: str) -> bool:
    """Return whether nobody has changed a journal's file since it was sealed."""
    with suppress(OSError):
        found = os.stat(path)
        return found.st_mtime_ns % _SECOND == _fraction(found) and _is_merged(path)
    return False


def _is_merged(path: str) -> bool:
    """Return whether SQLite's log is empty."""
    try:
        return os.path.getsize(f"{path}-wal") == 0
    except FileNotFoundError:
        return True


def _fraction(found: os.stat_result) -> int:
    """Return the nanoseconds that seal a file: never 0, as where times are kept in whole seconds."""
    return (1 + crc32(b"%d %d" % (found.st_ino, found.st_size)) % (_SECOND // _TICK - 1)) * _TICK
