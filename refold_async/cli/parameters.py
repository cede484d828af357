"""Reads parameters from the command line: `name=text`, `name:=json`, `name=@file`, `@file.json`."""

import errno
import json
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, cast

from refold_async.cli.failures import UsageError
from refold_async.cli.process import reading
from refold_async.cli.strict_json import NotJSONError, UnusableJSONError, parse_json

__all__ = [
    "PARAMETERS_HELP",
    "check_stdin",
    "parse_headers",
    "parse_parameters",
    "read_bytes",
    "read_json",
    "read_text",
]

PARAMETERS_HELP: Final = (
    "name=text, name:=JSON, name=@FILE for the text of a file, name:=@FILE for its JSON, or @FILE for a JSON object "
    "with all of them. FILE - is stdin, which keeps secrets out of the shell's history."
)
FORMS: Final = "name=text, name:=JSON, name=@FILE, name:=@FILE or @FILE (a JSON object); FILE - is stdin"


def parse_parameters(given: Iterable[str], read_from: Callable[[str, bool], Any] | None = None) -> dict[str, Any]:
    """Return the parameters on a command line.

    Args:
        given: The arguments.
        read_from: Returns the value of `name=@source` and `name:=@source`, given the source and whether to read it as
            JSON; by default the content of the file of that name.

    Raises:
        UsageError: An argument has none of the forms, a name occurs twice, or two arguments read stdin.
    """
    given = list(given)
    if read_from is None:
        check_stdin(given)
    values: dict[str, Any] = {}
    for argument, following in zip(given, [*given[1:], ""], strict=False):
        for name, value in _read(argument, read_from or _read_file, following).items():
            if name in values:
                raise UsageError(f"The parameter {name!r} is given twice.")
            values[name] = value
    return values


def parse_headers(given: Iterable[str]) -> dict[str, Any]:
    """Return the headers on a command line. A line break at the end of a file is not part of a header."""

    def read_line(file: str, as_json: bool) -> Any:
        value = _read_file(file, as_json)
        return value if as_json else value.removesuffix("\n").removesuffix("\r")

    return parse_parameters(given, read_line)


def check_stdin(given: Sequence[str]) -> None:
    """Check that no two arguments read stdin, because the second would get nothing.

    Raises:
        UsageError: Two or more do.
    """
    takers = [argument for argument in given if argument == "@-" or argument.partition("=")[2] == "@-"]
    if len(takers) > 1:
        raise UsageError(f"{' and '.join(takers)} cannot all read stdin: name a file for all but one.")


def _read(argument: str, read_from: Callable[[str, bool], Any], following: str) -> dict[str, Any]:
    if argument.startswith("@"):
        value = read_json(argument[1:])
        if not isinstance(value, dict):
            raise UsageError(f"{argument[1:]} must hold a JSON object, with a key for each parameter.")
        return cast("dict[str, Any]", value)
    name, separator, text = argument.partition("=")
    if not separator or not name.removesuffix(":"):
        # No value is in an error: it may be a secret from a variable of the shell.
        meant = f" Write its name and value as one word: {argument}=VALUE." if _are_apart(argument, following) else ""
        raise UsageError(f"{argument!r} is not a parameter: write {FORMS}.{meant}")
    as_json = name.endswith(":")
    name = name.removesuffix(":")
    if text.startswith("@"):
        try:
            return {name: read_from(text[1:], as_json)}
        except UsageError as error:
            if as_json or text == "@-":
                raise
            written = shlex.quote(f"{name}:={json.dumps(text, ensure_ascii=False)}")
            raise UsageError(f"{error} For a text that begins with @, write {written}.") from None
    if not as_json:
        return {name: text}
    try:
        return {name: parse_json(text)}
    except UnusableJSONError as error:
        advice = f" For plain text, write {name}= without the colon." if isinstance(error, NotJSONError) else ""
        raise UsageError(f"The value of {name}:= {error}.{advice}") from None


def _are_apart(name: str, value: str) -> bool:
    """Return whether two arguments are a parameter that was written as two words."""
    return name.isidentifier() and value != "" and "=" not in value and not value.startswith("@")


def _read_file(file: str, as_json: bool) -> Any:
    return read_json(file) if as_json else read_text(file)


def read_bytes(file: str) -> bytes:
    """Return the content of a file; for `-`, of stdin."""
    try:
        with reading():
            if not file:
                raise FileNotFoundError(errno.ENOENT, "name one")
            return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except (OSError, ValueError) as error:  # ValueError for a NUL
        closed = isinstance(error, OSError) and error.errno == errno.EBADF
        reason = "it is closed" if closed else getattr(error, "strerror", None) or error
        raise UsageError(f"{_named(file)} cannot be read: {reason}.") from None


def read_text(file: str) -> str:
    """Return the text of a file; for `-`, of stdin."""
    try:
        return read_bytes(file).decode()
    except UnicodeError:
        raise UsageError(f"{_named(file)} is not text in UTF-8.") from None


def read_json(file: str) -> Any:
    """Return the JSON in a file; for `-`, on stdin."""
    text = read_text(file).removeprefix("\ufeff")  # some editors begin with it
    try:
        return parse_json(text)
    except UnusableJSONError as error:
        raise UsageError(f"{_named(file)} {error}.") from None


def _named(file: str) -> str:
    return "stdin" if file == "-" else file or "A file without a name"
