"""What is wrong with a command line, in the words of whoever typed it: cyclopts would name Python's types."""

import re
import shlex
from typing import Any, Final

from cyclopts import (
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from refold_async.cli.options import NO_ACCOUNT

__all__ = ["misuse"]

_NO_KEY_OPTION: Final = (
    "There is no --api-key, for others can see what stands on a command line: set REFOLD_API_KEY, or pass "
    "--api-key-file with a file that holds the key."
)
_KEY: Final = re.compile(r"[pt]k_[^\s\"']+")
_NUMBERS: Final[dict[Any, str]] = {int: "a whole number", float: "a number"}


def misuse(error: CycloptsError) -> str:
    """Return what is wrong with a command line, and where to look. It shows no key that stands there."""
    command = " ".join(["refold", *(error.command_chain or ())])
    return f"{_KEY.sub('***', _problem(error, command))} Try `{command} --help`."


def _problem(error: CycloptsError, command: str) -> str:
    first = error.unused_tokens[0] if error.unused_tokens else ""
    if isinstance(error, UnknownOptionError):
        option = error.token.keyword or error.token.value
        if option.startswith("--api-key"):
            return _NO_KEY_OPTION
        if "--" in (error.root_input_tokens or []):  # what follows it is none
            return f'`{command}` does not take "{option}".'
    if isinstance(error, UnknownCommandError) and first.startswith("-"):
        if first.startswith("--api-key"):
            return _NO_KEY_OPTION
        return f"`{command}` has no option {first}. Options come after the command: {command} COMMAND {first}."
    if isinstance(error, UnusedCliTokensError):
        unused = error.unused_tokens or []
        hint = " Put a value with spaces in quotes." if unused[1:] else ""
        return f"`{command}` does not take {shlex.join(unused)}.{hint}"
    if isinstance(error, RepeatArgumentError):
        return f"{error.token.keyword} is given more than once."
    argument = error.argument
    if argument is None:
        return str(error)
    if type(error) is MissingArgumentError:
        if error.keyword is not None:
            return f"{error.keyword} needs a value."
        return NO_ACCOUNT if argument.name == "--account" else f"`{command}` needs {argument.name}."
    if isinstance(error, CoercionError) and error.token is not None:
        name, value = error.token.keyword or argument.name, error.token.value
        if error.target_type is bool:
            return f'{name} takes no value: leave "={value}" out.'
        if error.target_type in _NUMBERS:
            return f'{name} must be {_NUMBERS[error.target_type]}, not "{value}".'
    return str(error)
