"""Checking all rows before anything is sent: a job begins only if each row can be sent."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

import attrs

from refold_async.cli.bulk.rows import Row, RowFile
from refold_async.cli.bulk.templates import Template
from refold_async.cli.failures import UsageError, say
from refold_async.cli.terminal import one_line
from refold_async.cli.words import counted
from refold_async.config.validation import check_header_value
from refold_async.errors import ConfigurationError
from refold_async.journal.bloom_filter import BloomFilter

__all__ = ["CheckedRows", "Problems", "RowPlan", "check_rows"]

_FILTER_SIZE: Final = 4 * 1024 * 1024  # bytes: of a million keys, fewer than one in 100 is checked twice for nothing
_COLUMNS_NAMED: Final = 20
_PROBLEMS_SHOWN: Final = 10
_Row = dict[str, Any]


@attrs.frozen(kw_only=True)
class RowPlan:
    """What a job takes from each row."""

    template: Template
    """Its parameters."""
    account_column: str
    """The column of its linked account."""
    key_column: str | None
    """The column of its key in the journal; None if that is the linked account."""
    distinct: bool
    """Whether no two rows may have the same key, as a journal requires."""

    def account_of(self, row: Mapping[str, Any]) -> str:
        """Return a row's linked account."""
        return _text_of(row.get(self.account_column))

    def key_of(self, row: Mapping[str, Any]) -> str:
        """Return a row's key in the journal."""
        return _text_of(row.get(self.key_column or self.account_column))


class Problems:
    """The rows of a file that cannot be sent. Keeps the first few, and counts the others."""

    def __init__(self, file: RowFile) -> None:
        self._file = file
        self._first: list[tuple[int, str]] = []
        self._count = 0

    def add(self, line: int, problem: str) -> None:
        """Note a row that cannot be sent.

        Args:
            line: The number of its line.
            problem: The reason, a sentence.
        """
        self._count += 1
        if len(self._first) < _PROBLEMS_SHOWN:
            self._first.append((line, problem))

    def add_lines(self, lines: "Lines", problem: str) -> None:
        """Note that several rows have the same problem."""
        for line in lines.first:
            self.add(line, problem)
        self._count += lines.count - len(lines.first)

    def raise_if_any(self) -> None:
        """Show the problems, the first few of them each on a line of its own.

        Raises:
            UsageError: There is at least one.
        """
        if not self._count:
            return
        if self._count == 1:
            raise self._file.refusal(*self._first[0])
        for line, problem in self._first:
            say(f"{self._file.name}, line {line:,}: {problem}")
        if more := self._count - len(self._first):
            say(f"… and {counted(more, 'more line')}.")
        raise UsageError(f"{self._count:,} rows of {self._file.name} must be corrected. Nothing was sent.")


@attrs.define
class Lines:
    """The lines of some rows: the numbers of the first few, and how many there are."""

    first: list[int] = attrs.field(factory=list[int])
    count: int = 0

    def add(self, line: int) -> None:
        """Add a line."""
        self.count += 1
        if len(self.first) < _PROBLEMS_SHOWN:
            self.first.append(line)


@attrs.frozen(kw_only=True)
class CheckedRows:
    """Rows that can be sent: each iteration reads the file again, and yields the values of each row."""

    file: RowFile
    """Their file."""
    count: int
    """How many there are."""
    first: _Row
    """The first."""
    left_out: Mapping[str, Lines]
    """The parameters that some rows leave out, each with the lines of those rows."""

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[_Row]:
        """Yield the rows.

        Raises:
            UsageError: The file has changed since the check.
        """
        number = 0
        try:
            for number, row in enumerate(islice(self.file, self.count), 1):  # noqa: B007 - the last counts
                yield row.values
        except UsageError:
            number = 0
        if number < self.count:
            raise UsageError(f"{self.file.name} was changed while the job ran.")


def check_rows(file: RowFile, plan: RowPlan, limit: int | None) -> CheckedRows:
    """Check the rows of a file.

    Args:
        file: The file.
        plan: What the job takes from each row.
        limit: Check and take only the first so many rows; None for all.

    Raises:
        UsageError: A column is missing, or rows cannot be sent; the messages name their lines.
        OSError: The file cannot be read.
    """
    seen = BloomFilter(_FILTER_SIZE)
    suspected: set[str] = set()
    problems = Problems(file)
    first: Row | None = None
    count = 0
    left_out: dict[str, Lines] = {}
    for count, row in enumerate(islice(file.usable_rows(problems.add), limit), 1):  # noqa: B007 - the last counts
        if first is None:
            first = row
            if file.is_csv:
                _check_columns(file, plan)
        try:
            _check_account(plan, row)
            _check_key(plan, row)
            parameters = plan.template.parameters_of(row.values)
        except ValueError as error:
            problems.add(row.line, one_line(str(error)))
            continue
        for name in plan.template.left_out_of(parameters):
            left_out.setdefault(name, Lines()).add(row.line)
        if plan.distinct and seen.add(key := plan.key_of(row.values)):
            suspected.add(key)
    if file.columns:
        _check_columns(file, plan)
    if suspected:
        _find_repeats(file, plan, limit, suspected, problems)
    problems.raise_if_any()
    if first is None:
        raise UsageError(f"{file.name} has no rows: there is nothing to do.")
    return CheckedRows(file=file, count=count, first=first.values, left_out=left_out)


def _check_columns(file: RowFile, plan: RowPlan) -> None:
    """Refuse a job that needs a column that the file does not have."""
    same_account = (
        "" if plan.key_column is not None or not plan.distinct else " and name a column of unique texts with --key"
    )
    wanted = {
        **dict.fromkeys(plan.template.columns, "For a text that begins with @, write name:='\"@text\"'."),
        **({} if plan.key_column is None else {plan.key_column: "Name another with --key."}),
        plan.account_column: (
            "Name another with --account-column. To use one linked account for all rows, add this column with the "
            f"account's id in each row{same_account}."
        ),
    }
    for column, advice in wanted.items():
        if column not in file.columns:
            raise UsageError(
                f"{file.name} has no column {one_line(column)!r}, only {_named(file.columns)}. {advice} "
                "Nothing was sent."
            )


def _check_account(plan: RowPlan, row: Row) -> None:
    """Raise ValueError with the reason if a row's linked account cannot be used."""
    column = plan.account_column
    if column not in row.values:
        raise ValueError(f"it has no {column!r}, only {_named(row.values)}. --account-column names another column.")
    if not (account := plan.account_of(row.values)):
        raise ValueError(f"its {column!r} is empty or not a text: each row needs the id of a linked account.")
    try:
        check_header_value(f"its {column!r}", account)
    except ConfigurationError as error:
        raise ValueError(error.message) from None


def _check_key(plan: RowPlan, row: Row) -> None:
    """Raise ValueError with the reason if a journal cannot hold a row's key."""
    if plan.distinct and (not (key := plan.key_of(row.values)) or "\0" in key):
        raise ValueError(f"its {plan.key_column!r} is empty or not a text: the journal identifies rows by it.")


def _find_repeats(file: RowFile, plan: RowPlan, limit: int | None, suspected: set[str], problems: Problems) -> None:
    """Note the rows whose key an earlier row has. Remembers only the keys that are suspected."""
    lines: dict[str, int] = {}
    column = plan.key_column or plan.account_column
    for row in islice(file.usable_rows(lambda line, problem: None), limit):
        key = plan.key_of(row.values)
        if key not in suspected:
            continue
        if key in lines:
            problems.add(
                row.line,
                f"its {column!r}, {one_line(key)!r}, is also that of line {lines[key]:,}, and the journal identifies "
                "rows by it: pass --key COLUMN with a column that differs in each row.",
            )
        else:
            lines[key] = row.line


def _named(columns: Iterable[str]) -> str:
    named = [one_line(name) for name in columns]
    return ", ".join(named[:_COLUMNS_NAMED]) + (", …" if len(named) > _COLUMNS_NAMED else "")


def _text_of(value: object) -> str:
    """Return an id as text; an empty text if the value is not an id."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
