"""Files that their owner alone may read, which are there as a whole or not at all."""

import os
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TextIO

from refold_async.cli.failures import UsageError

__all__ = ["check_replaceable", "replacing"]

_BESIDE_A_DATABASE: Final = ("-wal", "-shm", "-journal", "-lock")
_DATABASE: Final = b"SQLite format 3\0"


def check_replaceable(option: str, path: Path) -> None:
    """Check that a file may take the place of what is there, before any work is done for it.

    Args:
        option: The option that names it.
        path: The file.

    Raises:
        UsageError: It is not a file, or it is a database, which may be somebody's journal, or belongs to one.
    """
    for suffix in _BESIDE_A_DATABASE:
        if path.name.endswith(suffix) and path.with_name(path.name.removesuffix(suffix)).is_file():
            raise UsageError(f"{option} {path} belongs to the file beside it, and is not replaced: name another.")
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind):
            raise UsageError(f"{option} {path} is a directory or a device: name a file.")
        with path.open("rb") as file:
            if file.read(len(_DATABASE)) == _DATABASE:
                raise UsageError(
                    f"{option} {path} is a database, perhaps a journal, and is not replaced: name another."
                )
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise UsageError(f"{option} {path} cannot be written: its directory is not there.") from None
    except PermissionError:
        pass  # it may be replaced by who may write the directory, which is seen soon
    except OSError as error:
        raise UsageError(f"{option} {path} cannot be written: {error.strerror or error}.") from None


@contextmanager
def replacing(path: Path, *, encoding: str = "utf-8") -> Generator[TextIO]:
    """Open a file to write it, of mode 0600. It takes the place of what is there once the block has ended well.

    Args:
        path: The file. Where it is a symbolic link, what it leads to is replaced.
        encoding: That of the text.

    Raises:
        OSError: It cannot be written; it names the file. What was there is still there.
    """
    target = os.path.realpath(path)
    try:
        number, partial = tempfile.mkstemp(prefix=".refold-", suffix=".part", dir=os.path.dirname(target))
    except OSError as error:
        raise _named(error, path) from error
    try:
        with open(number, "w", encoding=encoding, errors="backslashreplace", newline="") as file:
            yield file
            file.flush()
            os.fsync(number)
        os.replace(partial, target)
    except BaseException as error:
        with suppress(OSError):
            os.remove(partial)
        if isinstance(error, OSError) and error.filename in (None, partial):
            raise _named(error, path) from error
        raise


def _named(error: OSError, path: Path) -> OSError:
    return type(error)(error.errno, error.strerror, str(path)) if error.errno is not None else error
