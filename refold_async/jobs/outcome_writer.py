"""Outcomes as lines of a CSV file, written one by one as they come."""

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
    r"""A CSV file of outcomes: a line of column names, then one line for each outcome that you write.

    Use it when a fan-out has too many outcomes for one report. Write only the outcomes that you want to keep:

    ```python
    with OutcomeWriter("failures.csv") as failures:
        async with job:
            async for outcome in job:
                if outcome.status != "ok":
                    failures.write(outcome)
    ```

    A line break or another control character in a text is written as Python spells it, such as `\n`. A text that begins
    with `=`, `+`, `-` or `@` gets a `'` before it, so that spreadsheets do not run text from other people as a formula.
    A text of more than 32,000 characters does not fit into a spreadsheet cell: it is cut and ends with "…" and its
    length. An item that is a dict or a list is written as JSON, any other item as `str()` returns it.
    """

    def __init__(self, path: str | os.PathLike[str], *, encoding: str = "utf-8-sig") -> None:
        """Open the file. An existing file is replaced.

        Args:
            path: The file.
            encoding: By default UTF-8 with a byte order mark, which Excel needs to recognise UTF-8; `utf-8` writes
                none.

        Raises:
            ConfigurationError: `path` is not a path, or the encoding does not exist. No file is touched.
            OSError: The file cannot be written.
        """
        _check(path, encoding)
        # Line by line: a reader who opens the file while the job runs sees what is done.
        self._file = open(path, "w", buffering=1, encoding=encoding, errors="backslashreplace", newline="")  # noqa: SIM115
        self._writer = csv.writer(self._file, lineterminator="\n")
        try:
            self._writer.writerow(COLUMNS)
        except BaseException:
            with suppress(OSError):  # the disk is still full
                self._file.close()
            raise

    def write(self, outcome: Outcome[Any, Any]) -> None:
        """Write the line of an outcome. This may wait for the disk.

        Args:
            outcome: The outcome, as the fan-out yielded it.

        Raises:
            OSError: The file cannot be written.
            ValueError: The file was closed.
        """
        self._writer.writerow([_cell(name, value) for name, value in row_of(outcome).items()])

    def close(self) -> None:
        """Close the file. You may call it more than once."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _check(path: Any, encoding: Any) -> None:
    # open() would accept a number as an open file, such as 1 for stdout, and close it in the end.
    text: object = getattr(path, "__fspath__", lambda: path)()
    if not isinstance(text, str) or "\0" in text:
        raise ConfigurationError(f"path must be the path of a file, got {path!r}.")
    try:
        ",".encode(encoding)
    except (LookupError, TypeError, ValueError):
        raise ConfigurationError(f"encoding must name a text encoding, such as 'utf-8', got {encoding!r}.") from None


def _cell(column: str, value: Any) -> str:
    return f"{value:.3f}" if column == "elapsed" and value is not None else csv_cell(value)
