"""Watching the files of a run: whether they are still where it opened them, and whether others changed them."""

import os
import sys
from contextlib import suppress
from typing import Final

from refold_async.errors import JournalError
from refold_async.journal.sqlite.file_lock import FileIdentity, identity_of
from refold_async.journal.sqlite.seal import seal

__all__ = ["FileWatch"]

_LOG_BEGINS_WITH: Final = (b"", b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")  # empty after it was merged into the file


if sys.platform == "win32":

    def _beginning_of(file: int) -> bytes:
        os.lseek(file, 0, os.SEEK_SET)
        return os.read(file, 4)

else:

    def _beginning_of(file: int) -> bytes:
        return os.pread(file, 4, 0)


class FileWatch:
    """Where a run's files were when it began, and whether they are still there.

    Attributes:
        lost: Whether a check has failed.
    """

    lost = False
    _log: int | None = None

    def __init__(self, path: str, identity: FileIdentity) -> None:
        """Note where they are.

        Args:
            path: The full path of the journal's file as the caller named it: if it is a link, of the link.
            identity: The identity of the file.
        """
        real = os.path.realpath(path)
        self._path = path
        self._identities = {path: identity}
        self._identities |= {name: identity_of(os.stat(name)) for name in (f"{real}-wal", f"{real}-shm")}
        self._log = os.open(f"{real}-wal", os.O_RDONLY)  # SQLite has no locks on it that closing it could release
        found = os.stat(path)
        self._size, self._changed = found.st_size, found.st_mtime_ns

    def was_changed(self) -> bool:
        """Return whether somebody else wrote into the journal's file since the last `check()`."""
        try:
            found = os.stat(self._path)
        except OSError:
            return False  # check() reports that, as it does if this is another file
        if found.st_mtime_ns == self._changed and found.st_size == self._size:
            return False
        return identity_of(found) == self._identities[self._path]

    def check(self) -> None:
        """Check, after a commit, that the next run will find what was committed, and seal the file if that changed it.

        Raises:
            JournalError: The files are no longer where they were, or were overwritten.
        """
        merged = False
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
                merged = found.st_mtime_ns != self._changed
                self._size, self._changed = found.st_size, found.st_mtime_ns
        if self._log is not None and _beginning_of(self._log) not in _LOG_BEGINS_WITH:
            raise self._lost("its -wal was overwritten")
        if merged:
            self.seal()

    def seal(self) -> None:
        """Seal the journal's file, as the caller has left it."""
        with suppress(OSError):
            seal(os.path.realpath(self._path))
            self._changed = os.stat(self._path).st_mtime_ns

    def _lost(self, reason: str) -> JournalError:
        self.lost = True
        return JournalError(
            f"The journal {self._path!r} was changed while its job ran: {reason}. Nothing more is sent. Put the file "
            "back where it was before you run the job again: otherwise requests that were sent are sent a second time."
        )

    def close(self) -> None:
        """Stop watching."""
        log, self._log = self._log, None
        if log is not None:
            os.close(log)

    __del__ = close
