"""Parameters as they are written on the command line: `name=text`, `name:=json`, `name=@file`, `@file.json`."""

import errno
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

from refold_async.cli.failures import UsageError
from refold_async.cli.process import reading

__all__ = ["parse_parameters", "read_json", "read_text"]

FORMS = "name=text, name:=JSON, name=@FILE, name:=@FILE or @FILE (a JSON object); FILE - is stdin"


def parse_parameters(given: Iterable[str], of_file: Callable[[str, str], Any] | None = None) -> dict[str, Any]:
    """Return the parameters that a command line gives.

    Args:
        given: The arguments.
        of_file: Makes the value of `name=@text`, of the name and the text; by default what the file holds.

    Raises:
        UsageError: An argument has none of the forms, or a name comes twice.
    """
    values: dict[str, Any] = {}
    for argument in given:
        for name, value in _read(argument, of_file or _read_named).items():
            if name in values:
                raise UsageError(f"The parameter {name!r} is given twice.")
            values[name] = value
    return values


def _read(argument: str, of_file: Callable[[str, str], Any]) -> dict[str, Any]:
    if argument.startswith("@"):
        value = read_json(argument[1:])
        if not isinstance(value, dict):
            raise UsageError(f"{argument[1:]} must hold a JSON object, with a key for each parameter.")
        return cast("dict[str, Any]", value)
    name, separator, text = argument.partition("=")
    if not separator or not name.removesuffix(":"):
        raise UsageError(f"{argument!r} is no parameter: write {FORMS}.")
    if not name.endswith(":"):
        return {name: of_file(name, text[1:]) if text.startswith("@") else text}
    name = name.removesuffix(":")
    return {name: read_json(text[1:]) if text.startswith("@") else _parse_json(text, f"The value of {name}:=")}


def _read_named(_: str, file: str) -> str:
    return read_text(file)


def read_text(file: str) -> str:
    """Return the text of a file; of `-`, what comes on stdin."""
    try:
        with reading():
            return (sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()).decode()
    except OSError as error:
        reason = "it is closed" if error.errno == errno.EBADF else error.strerror or error
        raise UsageError(f"{_named(file)} cannot be read: {reason}.") from None
    except ValueError as error:
        reason = "is no text in UTF-8" if isinstance(error, UnicodeError) else f"cannot be read: {error}"
        raise UsageError(f"{_named(file)} {reason}.") from None


def read_json(file: str) -> Any:
    """Return the JSON in a file; in `-`, that on stdin."""
    return _parse_json(read_text(file), _named(file))


def _named(file: str) -> str:
    return "stdin" if file == "-" else file


def _parse_json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"{where} is no JSON: {error}.") from None
    except RecursionError:
        raise UsageError(f"{where} is no JSON that can be read: it is nested too deeply.") from None
