"""Outcomes as lines of a CSV file, written as they come."""

import csv
import os
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from refold_async.codec.csv_cells import csv_cell
from refold_async.errors import ConfigurationError
from refold_async.jobs.outcome_rows import COLUMNS, row_of
from refold_async.jobs.outcomes import Outcome

__all__ = ["OutcomeWriter"]


class OutcomeWriter:
    r"""A CSV file of outcomes: a line of column names, then one physical line for each outcome that is written.

    It serves fan-outs that are too long for a report, of which one writes what one likes to keep:

    ```python
    with OutcomeWriter("failures.csv") as failures:
        async with job:
            async for outcome in job:
                if outcome.status != "ok":
                    failures.write(outcome)
    ```

    Within a text, line breaks and other control characters are spelled as Python does, such as `\n`. A text that
    begins with `=`, `+`, `-` or `@` gets a `'` before it, so that no spreadsheet takes for a formula what somebody else
    wrote. One of more than 32,000 characters, which spreadsheets have no room for in a cell, is cut, with "…" and its
    length. An item that is a dict or a list is written as JSON, others as `str()` has them.
    """

    def __init__(self, path: str | os.PathLike[str], *, encoding: str = "utf-8-sig") -> None:
        """Open the file; one that is there is replaced.

        Args:
            path: The file.
            encoding: By default UTF-8 with a mark at the beginning, without which Excel does not know it for UTF-8;
                `utf-8` leaves that out.

        Raises:
            ConfigurationError: `path` is no path, or there is no such encoding; no file is touched.
            OSError: The file cannot be written.
        """
        _check(path, encoding)
        # By the line: whoever looks into it while the job runs sees what is done.
        self._file = open(path, "w", buffering=1, encoding=encoding, errors="backslashreplace", newline="")  # noqa: SIM115
        self._writer = csv.writer(self._file, lineterminator="\n")
        try:
            self._writer.writerow(COLUMNS)
        except BaseException:
            with suppress(OSError):  # the disk is still full
                self._file.close()
            raise

    def write(self, outcome: Outcome[Any, Any]) -> None:
        """Write an outcome's line. It may wait for the disk.

        Raises:
            OSError: The file cannot be written.
            ValueError: It was closed.
        """
        self._writer.writerow([_cell(name, value) for name, value in row_of(outcome).items()])

    def close(self) -> None:
        """Close the file. May be called more than once."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _check(path: Any, encoding: Any) -> None:
    # A number would be taken for an open file, which is closed in the end, such as 1 for stdout.
    text: object = getattr(path, "__fspath__", lambda: path)()
    if not isinstance(text, str) or "\0" in text:
        raise ConfigurationError(f"path must be the path of a file, got {path!r}.")
    try:
        ",".encode(encoding)
    except (LookupError, TypeError, ValueError):
        raise ConfigurationError(f"encoding must be the name of one, such as 'utf-8', got {encoding!r}.") from None


def _cell(column: str, value: Any) -> str:
    return f"{value:.3f}" if column == "elapsed" and value is not None else csv_cell(value)
