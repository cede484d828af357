"""A file that is kept next to its target, under another name, until it is complete."""

import os
import stat
from contextlib import suppress
from typing import IO

__all__ = ["PartialFile"]


class PartialFile:
    """A file that gets the name of its target once it is complete. All its methods may block, and may raise OSError.

    Args:
        target: The file to create or replace: an absolute path without symbolic links.

    Attributes:
        size: How many bytes were written.
    """

    def __init__(self, target: str) -> None:
        self.size = 0
        self._target = target
        self._path = os.path.join(os.path.dirname(target), f".refold-{os.urandom(8).hex()}.part")
        self._file: IO[bytes] | None = None

    def write(self, part: bytes) -> None:
        """Write the next bytes."""
        self._opened().write(part)
        self.size += len(part)

    def read(self, size: int) -> bytes:
        """Return the first `size` bytes of what was written."""
        self._opened().flush()
        with open(self._path, "rb") as file:
            return file.read(size)

    def replace_target(self) -> None:
        """Give the file the name of its target, in one step."""
        self._opened().close()
        os.replace(self._path, self._target)
        self._file = None

    def discard(self) -> None:
        """Remove what was written, unless it already has the target's name."""
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
                self._file = open(self._path, "xb")  # noqa: SIM115 - closed by the methods that end it
            else:
                # At no time may more people be able to read it than can read the file that it replaces.
                self._file = open(self._path, "xb", opener=lambda path, flags: os.open(path, flags, mode))  # noqa: SIM115
                with suppress(OSError):
                    os.chmod(self._path, mode)
        return self._file
