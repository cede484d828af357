"""Looking through all rows before anything is sent: a job begins only where each of them can be worked on."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

import attrs

from refold_async.cli.bulk.rows import Row, RowFile
from refold_async.cli.bulk.templates import Template
from refold_async.cli.failures import UsageError
from refold_async.cli.terminal import one_line
from refold_async.config.validation import check_header_value
from refold_async.errors import ConfigurationError
from refold_async.journal.bloom_filter import BloomFilter

__all__ = ["CheckedRows", "RowPlan", "check_rows"]

_FILTER_SIZE: Final = 4 * 1024 * 1024  # bytes: of a million keys, fewer than one in 100 is looked at twice for nothing
_COLUMNS_NAMED: Final = 20
_Row = dict[str, Any]


@attrs.frozen(kw_only=True)
class RowPlan:
    """What a job takes from each row."""

    template: Template
    """Its parameters."""
    account_column: str
    """The column of its linked account."""
    key_column: str | None
    """The column of what a journal knows it by, where that is another."""
    distinct: bool
    """Whether no two rows may have the same key: whether there is a journal."""

    def account_of(self, row: Mapping[str, Any]) -> str:
        """Return a row's linked account."""
        return _text_of(row.get(self.account_column))

    def key_of(self, row: Mapping[str, Any]) -> str:
        """Return what a journal knows a row by."""
        return _text_of(row.get(self.key_column or self.account_column))


@attrs.frozen(kw_only=True)
class CheckedRows:
    """Rows that can be worked on: each iteration reads the file again, and gives what each row holds."""

    file: RowFile
    """The file they are in."""
    count: int
    """How many there are."""
    first: _Row
    """The first."""
    left_out: Mapping[str, int]
    """The parameters that some rows leave out, each with the line of the first that does."""

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[_Row]:
        """Give the rows.

        Raises:
            UsageError: They are not there any more as they were.
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
    """Look through the rows of a file.

    Args:
        file: The file.
        plan: What the job takes from each.
        limit: How many of them to take; None for all.

    Raises:
        UsageError: A column is missing, or a row cannot be worked on; the message tells its line.
        OSError: The file cannot be read.
    """
    looked_at = BloomFilter(_FILTER_SIZE)
    suspected: set[str] = set()
    first: Row | None = None
    count = 0
    left_out: dict[str, int] = {}
    for count, row in enumerate(islice(file, limit), 1):  # noqa: B007 - the last counts
        if first is None:
            first = row
        if first is row and file.is_csv:
            _check_columns(file, plan)
        _check_account(file, plan, row)
        try:
            for name in plan.template.left_out_of(plan.template.parameters_of(row.values)):
                left_out.setdefault(name, row.line)
        except ValueError as error:
            raise file.refusal(row.line, f"{one_line(str(error))}.") from None
        if plan.distinct and looked_at.add(key := _key_of(file, plan, row)):
            suspected.add(key)
    if file.columns or first is not None:
        _check_columns(file, plan)
    if first is None:
        raise UsageError(f"{file.name} has no rows: there is nothing to do.")
    if suspected:
        _check_repeats(file, plan, limit, suspected)
    return CheckedRows(file=file, count=count, first=first.values, left_out=left_out)


def _check_columns(file: RowFile, plan: RowPlan) -> None:
    """Refuse a job that takes something from a column that there is not."""
    wanted = {
        **dict.fromkeys(plan.template.columns, "For a text that begins with @, write name:='\"@text\"'."),
        **({} if plan.key_column is None else {plan.key_column: "Name another with --key."}),
        plan.account_column: "Name another with --account-column.",
    }
    for column, advice in wanted.items():
        if column not in file.columns:
            raise UsageError(
                f"{file.name} has no column {one_line(column)!r}: there are {_named(file.columns)}. {advice} "
                "Nothing was sent."
            )


def _check_account(file: RowFile, plan: RowPlan, row: Row) -> None:
    column = plan.account_column
    if column not in row.values:
        raise file.refusal(
            row.line, f"it has no {column!r}, but {_named(row.values)}. Name another column with --account-column."
        )
    if not (account := plan.account_of(row.values)):
        raise file.refusal(row.line, f"its {column!r} is empty, or no text: there is nobody to act for.")
    try:
        check_header_value(f"its {column!r}", account)
    except ConfigurationError as error:
        raise file.refusal(row.line, error.message) from None


def _key_of(file: RowFile, plan: RowPlan, row: Row) -> str:
    key = plan.key_of(row.values)
    if not key or "\0" in key:
        raise file.refusal(row.line, f"its {plan.key_column!r} is empty, or no text: the journal knows rows by it.")
    return key


def _check_repeats(file: RowFile, plan: RowPlan, limit: int | None, suspected: set[str]) -> None:
    """Refuse rows that a journal could not tell apart. Only those suspected are remembered."""
    lines: dict[str, int] = {}
    for row in islice(file, limit):
        key = plan.key_of(row.values)
        if key not in suspected:
            continue
        if key in lines:
            column = plan.key_column or plan.account_column
            raise file.refusal(
                row.line,
                f"its {column!r}, {one_line(key)!r}, is that of line {lines[key]:,} too, and the journal knows rows by "
                "it: pass --key COLUMN, where each row has another text in that column.",
            )
        lines[key] = row.line


def _named(columns: Iterable[str]) -> str:
    named = [one_line(name) for name in columns]
    return ", ".join(named[:_COLUMNS_NAMED]) + (", …" if len(named) > _COLUMNS_NAMED else "")


def _text_of(value: object) -> str:
    """Return what an id is as a text; an empty one where it is none."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
