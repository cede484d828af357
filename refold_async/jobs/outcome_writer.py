"""Outcomes as lines of a CSV file, written as they come."""

import csv
import os
import re
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

from refold_async.codec import json_codec
from refold_async.jobs.outcome_rows import COLUMNS, row_of
from refold_async.jobs.outcomes import Outcome
from refold_async.runtime.foreign_errors import safe_str

__all__ = ["OutcomeWriter"]

# What some program takes for the end of a line, other control characters, and what no encoding has.
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_IN_JSON: Final = frozenset({dict, list, tuple})
_FORMULA_BEGINS_WITH: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


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
    wrote. An item that is a dict or a list is written as JSON, others as `str()` has them.
    """

    def __init__(self, path: str | os.PathLike[str], *, encoding: str = "utf-8-sig") -> None:
        """Open the file; one that is there is replaced.

        Args:
            path: The file.
            encoding: By default UTF-8 with a mark at the beginning, without which Excel does not know it for UTF-8;
                `utf-8` leaves that out.

        Raises:
            OSError: The file cannot be written.
        """
        # By the line: whoever looks into it while the job runs sees what is done.
        self._file = open(path, "w", buffering=1, encoding=encoding, errors="backslashreplace", newline="")  # noqa: SIM115
        self._writer = csv.writer(self._file, lineterminator="\n")
        try:
            self._writer.writerow(COLUMNS)
        except BaseException:
            with suppress(OSError):  # of what could not be written, once more
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


def _cell(column: str, value: Any) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if column == "elapsed":
        return f"{value:.3f}"
    if type(value) is int or type(value) is float:
        return value
    text = _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), _text_of(value))
    return f"'{text}" if text.startswith(_FORMULA_BEGINS_WITH) else text


def _text_of(value: Any) -> str:
    if isinstance(value, str):
        return str.__str__(value)
    if type(value) in _IN_JSON:
        try:
            return json_codec.encode(value).decode()
        except (TypeError, ValueError, RecursionError):
            pass
    return safe_str(value)
