"""A file that stands beside its target, under another name, until it is whole."""

import os
import stat
from contextlib import suppress
from typing import IO

__all__ = ["PartialFile"]


class PartialFile:
    """A file that takes the name of its target once it is whole. Everything it does may block, and raise OSError.

    Args:
        target: The file to make or to replace, an absolute path without symbolic links.

    Attributes:
        size: How many bytes were written.
    """

    def __init__(self, target: str) -> None:
        self.size = 0
        self._target = target
        self._path = os.path.join(os.path.dirname(target), f".refold-{os.urandom(8).hex()}.part")
        self._file: IO[bytes] | None = None

    def write(self, part: bytes) -> None:
        """Write what comes next."""
        self._opened().write(part)
        self.size += len(part)

    def read(self, size: int) -> bytes:
        """Return the beginning of what was written, of as many bytes."""
        self._opened().flush()
        with open(self._path, "rb") as file:
            return file.read(size)

    def replace_target(self) -> None:
        """Give the file the name of its target, whole and at once."""
        self._opened().close()
        os.replace(self._path, self._target)
        self._file = None

    def discard(self) -> None:
        """Remove what was written, unless it has the target's name."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            with suppress(OSError):
                os.remove(self._path)
            self._file = None
            self.size = 0

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            try:
                mode = stat.S_IMODE(os.stat(self._target).st_mode)
            except FileNotFoundError:
                self._file = open(self._path, "xb")  # noqa: SIM115 - closed by what ends it
            else:
                # At no time may more people read it than may read what it is to replace.
                self._file = open(self._path, "xb", opener=lambda path, flags: os.open(path, flags, mode))  # noqa: SIM115
                with suppress(OSError):
                    os.chmod(self._path, mode)
        return self._file
