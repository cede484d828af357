"""The rows of a file, CSV or JSON lines, read one at a time: a file of any length takes little memory."""

import csv
import json
import os
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, Final, cast

import attrs

from refold_async.cli.failures import UsageError
from refold_async.cli.strict_json import NotJSONError, UnusableJSONError, parse_json
from refold_async.cli.terminal import one_line
from refold_async.cli.words import counted

__all__ = ["Refuse", "Row", "RowFile", "open_rows"]

Refuse = Callable[[int, str], object]
"""Takes the line number of a row that cannot be used, and the reason."""

_CSV: Final = frozenset({".csv", ".tsv", ".tab"})
_JSON: Final = frozenset({".jsonl", ".ndjson", ".json"})
_DELIMITERS: Final = ",;\t"
_LONGEST_LINE: Final = 4 * 1024 * 1024
_BEGINNING: Final = 64 * 1024
_MOST_COLUMNS: Final = 2_000


@attrs.frozen
class Row:
    """A row of a file."""

    line: int
    """The number of its line, from 1; of its first line if it spans several."""
    values: dict[str, Any]
    """Its values, by the columns' names: texts if the file is CSV, else any JSON value."""


class RowFile:
    """A file of rows. Each iteration reads it again from its beginning; only one may run at a time."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        """Read its beginning to find out its form.

        Args:
            name: Its name in messages.
            file: The file, which must be seekable.

        Raises:
            UsageError: It is empty, or has rows of neither form.
            OSError: It cannot be read.
        """
        self.name = name
        self._file = file
        self._start = file.tell()
        beginning = file.read(_BEGINNING).removeprefix(b"\xef\xbb\xbf").lstrip()
        if not beginning:
            raise UsageError(
                f"{name} is empty: write a CSV file whose first line names the columns, or JSON objects, one a line."
            )
        ending = Path(name).suffix.lower()
        self.is_csv = ending in _CSV or (ending not in _JSON and beginning[:1] not in {b"{", b"["})
        """Whether it is CSV; if not, each line is a JSON object."""
        if not self.is_csv and beginning.startswith(b"["):
            raise UsageError(f"{name} holds a JSON array: write one object a line, as `jq -c '.[]'` does.")
        first_line = beginning.partition(b"\n")[0].decode(errors="replace")
        self._delimiter = max(_DELIMITERS, key=first_line.count)  # spreadsheets use different ones
        self.columns: dict[str, None] = {}
        """The columns' names, in order: for CSV known from the first row on, for JSON those of the rows read so far."""

    def is_at(self, path: Path) -> bool:
        """Return whether it is the file at a path, perhaps by another name."""
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), path.stat())
        except OSError:  # the path has no file, or this one is in memory
            return False

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows.

        Raises:
            UsageError: A row cannot be used; the message names its line.
            OSError: The file cannot be read.
        """

        def refuse(line: int, problem: str) -> None:
            raise self.refusal(line, problem)

        return self.usable_rows(refuse)

    def usable_rows(self, refuse: Refuse) -> Iterator[Row]:
        """Yield the rows that can be used.

        Args:
            refuse: Called for each of the others.

        Raises:
            UsageError: The file cannot be read further; the message names the line.
            OSError: The file cannot be read.
        """
        return self._csv_rows(refuse) if self.is_csv else self._json_rows(refuse)

    def refusal(self, line: int, problem: str) -> UsageError:
        """Return the error for a line that cannot be used."""
        return UsageError(f"{self.name}, line {line:,}: {problem} Nothing was sent.")

    def _lines(self) -> Iterator[str]:
        self._file.seek(self._start)
        number = 0
        while line := self._file.readline(_LONGEST_LINE + 1):
            number += 1
            if len(line) > _LONGEST_LINE:
                raise self.refusal(number, "it is longer than 4 MiB, the most that a row may have.")
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                raise self.refusal(
                    number,
                    "it is not text in UTF-8: save the file as UTF-8, for example with `iconv -f ENCODING -t utf-8`.",
                ) from None

    def _csv_rows(self, refuse: Refuse) -> Iterator[Row]:
        csv.field_size_limit(_LONGEST_LINE)  # for the whole process; the default is 128 KiB
        reader = csv.reader(self._lines(), delimiter=self._delimiter, strict=True)
        header: list[str] | None = None
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if "new-line" in str(error):
                    problem = "it has a carriage return that does not end a line: save the file with the line ends of "
                    raise self.refusal(line, f"{problem}Windows or Unix, for example with `tr '\\r' '\\n'`.") from None
                raise self.refusal(
                    line, f"it is not a row of CSV: {error}. Is there one quotation mark too many?"
                ) from None
            if not any(cells) and len(cells) < 2:
                continue
            if header is None:
                header = self._header(line, cells)
            elif len(cells) != len(header):
                named = counted(len(header), "column")
                refuse(line, f"it has {counted(len(cells), 'value')}, but the first line names {named}.")
            else:
                yield Row(line, dict(zip(header, cells, strict=True)))

    def _header(self, line: int, cells: list[str]) -> list[str]:
        header = [cell.strip() for cell in cells]
        for number, name in enumerate(header, 1):
            if not name:
                raise self.refusal(line, f"its column {number} has no name: the first line must name the columns.")
            if name in header[: number - 1]:
                raise self.refusal(line, f"it names the column {one_line(name)!r} twice.")
        self.columns = dict.fromkeys(header)
        return header

    def _json_rows(self, refuse: Refuse) -> Iterator[Row]:
        for number, text in enumerate(self._lines(), 1):
            if not text.strip():
                continue
            try:
                row = _parsed(text)
            except ValueError as error:
                refuse(number, str(error))
                continue
            if not row.keys() <= self.columns.keys() and len(self.columns) < _MOST_COLUMNS:
                self.columns.update(dict.fromkeys(row))
            yield Row(number, row)


@contextmanager
def open_rows(path: str) -> Generator[RowFile]:
    """Open a file of rows; `-` is stdin. Input that can be read only once is copied to a temporary file.

    Raises:
        UsageError: It cannot be read, or has no rows.
    """
    name = "stdin" if path == "-" else str(Path(path))
    with ExitStack() as stack:
        try:
            stdin = cast("BufferedReader", sys.stdin.buffer)
            given = stdin if path == "-" else stack.enter_context(Path(path).open("rb"))
            file: IO[bytes] = given
            if not given.seekable():
                file = stack.enter_context(tempfile.TemporaryFile())
                for piece in iter(lambda: given.read1(_BEGINNING), b""):  # read() would take two Ctrl-D on a terminal
                    file.write(piece)
                file.seek(0)
            rows = RowFile(name, file)
        except OSError as error:
            raise UsageError(f"{name} cannot be read: {error.strerror or error}.") from None
        yield rows


def _parsed(line: str) -> dict[str, Any]:
    """Return the object that a line holds; raise ValueError with the reason if it does not hold one."""
    try:
        values = parse_json(line)
    except UnusableJSONError as error:
        advice = " Each line must hold one object, as `jq -c .` writes it." if isinstance(error, NotJSONError) else ""
        raise ValueError(f"it {error}.{advice}") from None
    if not isinstance(values, dict):
        raise ValueError("it is not a JSON object, with a key for each column.")
    row = cast("dict[str, Any]", values)
    if not _is_encodable(line, row):
        raise ValueError("it holds half of a surrogate pair, which UTF-8 cannot encode.")
    return row


def _is_encodable(text: str, values: dict[str, Any]) -> bool:
    if "\\ud" not in text.lower():  # the fast check for nearly all rows
        return True
    try:
        json.dumps(values, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
