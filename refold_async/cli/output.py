"""What commands print on stdout: tables on a terminal, JSON elsewhere."""

import json
import re
import sys
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
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

__all__ = [
    "Column",
    "print_json",
    "print_line",
    "print_list",
    "print_members",
    "print_record",
    "print_some",
    "print_text",
    "wants_json",
]

Column = tuple[str, Callable[[Any], object]]
"""The heading of a column, and a function that returns its cell for a member of the list."""

_NONE: Final = "-"
# Python writes a number that is too large for it as a word, which is not JSON.
_TEXT_OR_INFINITY: Final = re.compile(r'"(?:[^"\\]|\\.)*"|(-?)Infinity')
_MEMBERS_AT_ONCE: Final = 200
_CHARACTERS_AT_ONCE: Final = 100_000
_ON_A_TERMINAL: Final = 100
"""How many entries of a long list to show on a terminal."""


def wants_json(options: OutputOptions) -> bool:
    """Return whether a command must print JSON."""
    return options.json or not is_terminal(sys.stdout)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value as JSON; without an `indent`, on one line."""
    write_output(_json(value, indent) + "\n")


def print_line(text: str) -> None:
    """Print one line, with what a terminal would act on escaped."""
    write_output(one_line(text) + "\n")


def print_text(text: str) -> None:
    """Print lines of text, with what a terminal would act on escaped."""
    write_output(plain(text) + "\n")


def plain_value(value: Any) -> Any:
    """Return a value as JSON can show it. A model becomes the object that Refold sent."""
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
    """Print a list: on a terminal as a table with these columns, elsewhere as a JSON array of the whole members.

    It prints members as they arrive and keeps none, because a list may be longer than memory.
    """
    if not isinstance(members, AsyncIterable):
        print_members(options, members, *columns)
        return
    printer = _printer(options, columns, most_at_once=1)
    async for member in members:
        printer.add(member)
    printer.finish()


def print_members(options: OutputOptions, members: Iterable[Any], *columns: Column) -> None:
    """Print a list as `print_list` does, a few members at a time.

    It is for commands whose list takes long to read. Those must not be coroutines, which Ctrl-C ends only when they
    wait.
    """
    printer = _printer(options, columns, most_at_once=_MEMBERS_AT_ONCE)
    for member in members:
        printer.add(member)
    printer.finish()


async def print_some(options: OutputOptions, listing: "Listing[Any]", limit: int | None, *columns: Column) -> None:
    """Print a list that may be long, as `print_list` does: by default on a terminal only the first 100.

    Args:
        options: The options of the command.
        listing: The list.
        limit: How many at most; None for 100 on a terminal and all elsewhere.
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
        say(f"There are more: pass a --limit larger than {most}.")


def print_record(options: OutputOptions, record: Any, *columns: Column) -> None:
    """Print one record: on a terminal a line for each of these columns, elsewhere the whole record as JSON."""
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


class _JSONPrinter:
    """Prints a JSON array, a few members at a time."""

    def __init__(self, most_at_once: int) -> None:
        self._most_at_once = most_at_once
        self._opening = "[\n"
        self._gathered: list[str] = []
        self._size = 0

    def add(self, member: Any) -> None:
        text = _json(member)
        self._gathered.append(text)
        self._size += len(text)
        if len(self._gathered) >= self._most_at_once or self._size >= _CHARACTERS_AT_ONCE:
            self._print()

    def finish(self) -> None:
        self._print()
        write_output("[]\n" if self._opening == "[\n" else "\n]\n")

    def _print(self) -> None:
        if self._gathered:
            write_output(self._opening + ",\n".join(self._gathered))
            self._opening, self._gathered, self._size = ",\n", [], 0


class _TablePrinter:
    """Prints a table. Its first rows decide how wide the columns are."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        from refold_async.cli.tables import TablePrinter

        self._columns = columns
        self._table = TablePrinter([heading for heading, _ in columns])
        self._gathered: list[list[str]] = []

    def add(self, member: Any) -> None:
        self._gathered.append([_shown(of(member)) for _, of in self._columns])
        if len(self._gathered) == _MEMBERS_AT_ONCE:
            self._print()

    def finish(self) -> None:
        self._print()
        if self._table.is_empty:
            write_output("None.\n")

    def _print(self) -> None:
        self._table.print(self._gathered)
        self._gathered = []


def _printer(options: OutputOptions, columns: tuple[Column, ...], *, most_at_once: int) -> _JSONPrinter | _TablePrinter:
    return _JSONPrinter(most_at_once) if wants_json(options) else _TablePrinter(columns)


def _shown(value: object) -> str:
    if value is None or value == "":
        return _NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds").replace("+00:00", "Z")
    return one_line(value if isinstance(value, str) else str(value))
