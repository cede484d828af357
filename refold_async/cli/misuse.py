"""Explains what is wrong with a command line, in the user's words: cyclopts would name Python's types."""

import difflib
import re
import shlex
from typing import Any, Final

from cyclopts import (
    App,
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
    "There is no --api-key, because others can see what is on a command line: set REFOLD_API_KEY, or pass "
    "--api-key-file with a file that holds the key."
)
_ACCOUNTS_OF_ROWS: Final = (
    "The account of each row is in the column linked_account_id of the file; --account-column names another column."
)
_KEY: Final = re.compile(r"[pt]k_[^\s\"']+")
_NUMBERS: Final[dict[Any, str]] = {
    **dict.fromkeys((int, int | None), "a whole number"),
    **dict.fromkeys((float, float | None), "a number"),
}
_LIKENESS: Final = 0.7
"""How alike an option must be to be suggested: enough not to suggest --read, which skips a question, for --email."""
_TAKE_PARAMETERS: Final = {"PARAMETERS", "PAYLOAD", "CONTENT", "FIELDS"}


def misuse(error: CycloptsError) -> str:
    """Return what is wrong with a command line, and where to find help. It shows no key that is on it."""
    command = " ".join(["refold", *(error.command_chain or ())])
    return f"{_KEY.sub('***', _problem(error, command))} Try `{command} --help`."


def _problem(error: CycloptsError, command: str) -> str:
    given = error.root_input_tokens or []
    if isinstance(error, UnknownOptionError):
        option = (error.token.keyword or error.token.value).partition("=")[0]
        if "--" in given and not option.startswith("--api-key"):  # what follows it is not an option
            return f'`{command}` does not take "{option}".'
        return _unknown_option(error, option)
    if isinstance(error, UnknownCommandError):
        return _unknown_command(error, command)
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
        # An option that is misspelled is probably the one that is missing.
        unknown = [token for token in error.unused_tokens or () if re.match(r"--?[a-zA-Z]", token)]
        if unknown and "--" not in given:
            return _unknown_option(error, unknown[0].partition("=")[0])
        return NO_ACCOUNT if argument.name == "--account" else f"`{command}` needs {argument.name}."
    if isinstance(error, CoercionError) and error.token is not None:
        name, value = error.token.keyword or argument.name, error.token.value
        if error.target_type is bool:
            return f'{name} takes no value: leave out "={value}".'
        if error.target_type in _NUMBERS:
            return f'{name} must be {_NUMBERS[error.target_type]}, not "{value}".'
    return str(error)


def _unknown_option(error: CycloptsError, option: str) -> str:
    if option.startswith("--api-key"):
        return _NO_KEY_OPTION
    names = {name for argument in _arguments(error.app) for name in argument.names}
    if option in {"-a", "--account"} and "--account-column" in names:
        return f"Unknown option: {option}. {_ACCOUNTS_OF_ROWS}"
    found = difflib.get_close_matches(option, sorted(name for name in names if name.startswith("--")), 1, _LIKENESS)
    if found:
        return f"Unknown option: {option}. Did you mean {found[0]}?"
    if names & _TAKE_PARAMETERS and option.startswith("--"):
        return f"Unknown option: {option}. Parameters are written without dashes: {option.lstrip('-')}=VALUE."
    return f"Unknown option: {option}."


def _unknown_command(error: UnknownCommandError, command: str) -> str:
    first = error.unused_tokens[0] if error.unused_tokens else ""
    if first.startswith("--api-key"):
        return _NO_KEY_OPTION
    if first.startswith("-"):
        return f"`{command}` has no option {first}. Options come after the command: {command} COMMAND {first}."
    known = [name for name in error.app or () if not name.startswith("-")]
    found = difflib.get_close_matches(first, known, 1)
    meant = f' Did you mean "{found[0]}"?' if found else ""
    return f'Unknown command "{first}".{meant} The commands are {", ".join(known)}.'


def _arguments(app: App | None) -> Any:
    return () if app is None else app.assemble_argument_collection()
