"""What commands print on stdout: tables on a terminal, else JSON."""

import json
import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, cast

from refold_async.cli.options import Options
from refold_async.cli.process import ending
from refold_async.cli.terminal import escaped_json, is_terminal, one_line, plain, takes_unicode
from refold_async.models.model import Model

__all__ = ["Column", "print_json", "print_list", "print_record", "print_text", "wants_json"]

Column = tuple[str, Callable[[Any], object]]
"""The heading of a column, and what it shows of a member of the list."""

_NONE: Final = "-"


def wants_json(options: Options) -> bool:
    """Tell whether a command is to print JSON."""
    return options.json or not is_terminal(sys.stdout)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    _write(_json(value, indent=2) + "\n")


def print_text(text: str) -> None:
    """Print lines of text, for whoever reads them on a terminal."""
    _write(plain(text) + "\n")


def plain_value(value: Any) -> Any:
    """Return what JSON shows of a value: of a model the object that Refold sent."""
    if isinstance(value, Model):
        return value.raw
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
        _write(opening + _json(member))
        opening = ",\n"
    _write("[]\n" if opening == "[\n" else "\n]\n")


def print_record(options: Options, record: Any, *columns: Column) -> None:
    """Print one thing: on a terminal a line for each of these, else JSON with all there is of it."""
    if wants_json(options):
        print_json(record)
        return
    width = max(len(heading) for heading, _ in columns)
    for heading, of in columns:
        _write(f"{heading.ljust(width)}  {_shown(of(record))}\n")


def _json(value: Any, indent: int | None = None) -> str:
    return escaped_json(json.dumps(plain_value(value), ensure_ascii=not takes_unicode(sys.stdout), indent=indent))


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
    return one_line(value if isinstance(value, str) else str(value))


def _write(text: str) -> None:
    with ending():
        sys.stdout.write(text)
        sys.stdout.flush()
