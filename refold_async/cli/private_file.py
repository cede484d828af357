"""Files that only their owner may read, and that are written completely or not at all."""

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
    """Check that a file can be written and may replace an existing one, before any work is done for it.

    Args:
        option: The option with its path.
        path: The file.

    Raises:
        UsageError: It is not a file, or it is a database, perhaps a journal, or belongs to one.
    """
    for suffix in _BESIDE_A_DATABASE:
        if path.name.endswith(suffix) and path.with_name(path.name.removesuffix(suffix)).is_file():
            raise UsageError(
                f"{option} {path} belongs to the database next to it, and is not replaced: name another file."
            )
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind):
            raise UsageError(f"{option} {path} is a directory or a device: name a file.")
        with path.open("rb") as file:
            if file.read(len(_DATABASE)) == _DATABASE:
                raise UsageError(
                    f"{option} {path} is a database, perhaps a journal, and is not replaced: name another file."
                )
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise UsageError(f"{option} {path} cannot be written: its directory does not exist.") from None
    except PermissionError:
        pass  # the directory decides whether it can be replaced, as writing will show
    except OSError as error:
        raise UsageError(f"{option} {path} cannot be written: {error.strerror or error}.") from None


@contextmanager
def replacing(path: Path, *, encoding: str = "utf-8") -> Generator[TextIO]:
    """Open a new file of mode 0600 for writing. It replaces the existing one once the block ends without an error.

    Args:
        path: The file. If it is a symbolic link, its target is replaced.
        encoding: The encoding of the text.

    Raises:
        OSError: It cannot be written; the error names the file. An existing file is unchanged.
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
