"""What commands print on stdout: tables on a terminal, else JSON."""

import json
import re
import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast

from refold_async.cli.failures import UsageError, say
from refold_async.cli.options import OutputOptions
from refold_async.cli.process import write_output
from refold_async.cli.terminal import escaped_json, is_terminal, one_line, plain, takes_unicode
from refold_async.models.model import Model
from refold_async.models.saved_file import SavedFile

if TYPE_CHECKING:
    from refold_async.protocol.pages import Listing

__all__ = ["Column", "print_json", "print_line", "print_list", "print_record", "print_some", "print_text", "wants_json"]

Column = tuple[str, Callable[[Any], object]]
"""The heading of a column, and what it shows of a member of the list."""

_NONE: Final = "-"
# Numbers may be too large for Python, which would write one as a word that is no JSON.
_TEXT_OR_INFINITY: Final = re.compile(r'"(?:[^"\\]|\\.)*"|(-?)Infinity')
_ROWS_AT_ONCE: Final = 200
_ON_A_TERMINAL: Final = 100
"""How many of a long list a terminal is shown."""


def wants_json(options: OutputOptions) -> bool:
    """Tell whether a command is to print JSON."""
    return options.json or not is_terminal(sys.stdout)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value as JSON; without an `indent`, in one line."""
    write_output(_json(value, indent) + "\n")


def print_line(text: str) -> None:
    """Print one line as it is, but for what a terminal would act upon."""
    write_output(one_line(text) + "\n")


def print_text(text: str) -> None:
    """Print lines of text, for whoever reads them on a terminal."""
    write_output(plain(text) + "\n")


def plain_value(value: Any) -> Any:
    """Return what JSON shows of a value: of a model the object that Refold sent."""
    if isinstance(value, Model):
        return value.raw
    if isinstance(value, SavedFile):
        return {"path": str(value.path), "size": value.size, "content_type": value.content_type}
    if isinstance(value, dict):
        return {str(name): plain_value(inner) for name, inner in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [plain_value(inner) for inner in cast("Sequence[Any]", value)]
    return value


async def print_list(options: OutputOptions, members: AsyncIterable[Any] | Iterable[Any], *columns: Column) -> None:
    """Print a list: on a terminal a table with these columns, else a JSON array with all there is of each member.

    Members are printed as they come, and none is kept: a list may be longer than memory.
    """
    if not wants_json(options):
        await _print_table(_each(members), columns)
        return
    opening = "[\n"
    async for member in _each(members):
        write_output(opening + _json(member))
        opening = ",\n"
    write_output("[]\n" if opening == "[\n" else "\n]\n")


async def print_some(options: OutputOptions, listing: "Listing[Any]", limit: int | None, *columns: Column) -> None:
    """Print a list that may be long, as `print_list` does: on a terminal the first 100, unless told otherwise.

    Args:
        options: The options of the command.
        listing: The list.
        limit: How many at most; None for the first 100 on a terminal, and all elsewhere.
        columns: The columns of the table.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"--limit must be 1 or more, not {limit}.")
    if limit is None and wants_json(options):
        await print_list(options, listing, *columns)
        return
    most = limit or _ON_A_TERMINAL
    found = await listing.collect(limit=most + 1)
    await print_list(options, found[:most], *columns)
    if len(found) > most:
        say(f"There are more than these {most}: pass a larger --limit.")


def print_record(options: OutputOptions, record: Any, *columns: Column) -> None:
    """Print one thing: on a terminal a line for each of these, else JSON with all there is of it."""
    if wants_json(options):
        print_json(record)
        return
    width = max(len(heading) for heading, _ in columns)
    for heading, of in columns:
        write_output(f"{heading.ljust(width)}  {_shown(of(record))}\n")


def _json(value: Any, indent: int | None = None) -> str:
    text = json.dumps(plain_value(value), ensure_ascii=not takes_unicode(sys.stdout), indent=indent)
    if "Infinity" in text:
        text = _TEXT_OR_INFINITY.sub(lambda found: found[0] if found[0][0] == '"' else f"{found[1]}1e999", text)
    return escaped_json(text)


async def _each(members: AsyncIterable[Any] | Iterable[Any]) -> AsyncIterator[Any]:
    if isinstance(members, AsyncIterable):
        async for member in members:
            yield member
    else:
        for member in members:
            yield member


async def _print_table(members: AsyncIterator[Any], columns: tuple[Column, ...]) -> None:
    """Print a table, whose first rows decide how wide its columns are."""
    from refold_async.cli.tables import TablePrinter

    table = TablePrinter([heading for heading, _ in columns])
    rows: list[list[str]] = []
    async for member in members:
        rows.append([_shown(of(member)) for _, of in columns])
        if len(rows) == _ROWS_AT_ONCE:
            table.print(rows)
            rows = []
    table.print(rows)
    if table.is_empty:
        write_output("None.\n")


def _shown(value: object) -> str:
    if value is None or value == "":
        return _NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds").replace("+00:00", "Z")
    return one_line(value if isinstance(value, str) else str(value))
