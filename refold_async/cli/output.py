"""What commands print on stdout: tables on a terminal, else JSON."""

import json
import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast

from refold_async.cli.failures import UsageError, say
from refold_async.cli.options import Options
from refold_async.cli.terminal import escaped_json, is_terminal, one_line
from refold_async.models.model import Model
from refold_async.models.saved_file import SavedFile

if TYPE_CHECKING:
    from refold_async.protocol.pages import Listing

__all__ = ["Column", "print_json", "print_line", "print_list", "print_record", "print_some", "wants_json"]

Column = tuple[str, Callable[[Any], object]]
"""The heading of a column, and what it shows of a member of the list."""

_NONE: Final = "-"
_ON_A_TERMINAL: Final = 100
"""How many of a long list a terminal is shown."""


def wants_json(options: Options) -> bool:
    """Tell whether a command is to print JSON."""
    return options.json or not is_terminal(sys.stdout)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value as JSON; without an `indent`, in one line."""
    text = json.dumps(plain_value(value), ensure_ascii=False, indent=indent)
    _write(escaped_json(text) + "\n")


def print_line(text: str) -> None:
    """Print one line as it is, but for what a terminal would act upon."""
    _write(one_line(text) + "\n")


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


async def print_list(options: Options, members: AsyncIterable[Any] | Iterable[Any], *columns: Column) -> None:
    """Print a list: on a terminal a table with these columns, else a JSON array with all there is of each member."""
    if not wants_json(options):
        _print_table([member async for member in _each(members)], columns)
        return
    opening = "[\n"
    async for member in _each(members):
        text = json.dumps(plain_value(member), ensure_ascii=False)
        _write(opening + escaped_json(text))
        opening = ",\n"
    _write("[]\n" if opening == "[\n" else "\n]\n")


async def print_some(options: Options, listing: "Listing[Any]", limit: int | None, *columns: Column) -> None:
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


def print_record(options: Options, record: Any, *columns: Column) -> None:
    """Print one thing: on a terminal a line for each of these, else JSON with all there is of it."""
    if wants_json(options):
        print_json(record)
        return
    width = max(len(heading) for heading, _ in columns)
    for heading, of in columns:
        _write(f"{heading.ljust(width)}  {_shown(of(record))}\n")


async def _each(members: AsyncIterable[Any] | Iterable[Any]) -> AsyncIterator[Any]:
    if isinstance(members, AsyncIterable):
        async for member in members:
            yield member
    else:
        for member in members:
            yield member


def _print_table(members: list[Any], columns: tuple[Column, ...]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, _ in columns:
        table.add_column(heading, overflow="fold")
    for member in members:
        table.add_row(*(Text(_shown(of(member))) for _, of in columns))
    Console(markup=False, highlight=False, emoji=False).print(table if members else "None.")


def _shown(value: object) -> str:
    if value is None or value == "":
        return _NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    return one_line(value if isinstance(value, str) else str(value))


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
