"""Checks of the arguments that endpoints take. An endpoint declares them as a table: `takes={"slug": line}`.

Each check gets the name and the value of an argument. It returns the value to send, or raises a `ConfigurationError`
that names the argument and the fix.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, TypeAlias, cast

from refold_async.config.validation import check_bool, check_header_value, check_string, check_whole_number
from refold_async.errors import ConfigurationError
from refold_async.protocol.encoding import query_text

__all__ = [
    "Check",
    "Checks",
    "anything",
    "called",
    "day",
    "flag",
    "group_name",
    "line",
    "list_of",
    "mapping",
    "mapping_of",
    "moment",
    "one_of",
    "text",
    "whole_number",
]

Check: TypeAlias = Callable[[str, Any], Any]
"""Checks one argument under its name, and returns the value to send."""
Checks: TypeAlias = Mapping[str, Check]
"""What an endpoint takes: the check of each argument, by the name under which it is sent."""

line: Final[Check] = check_header_value
"""A text of one line, such as an id, a name or a URL: not empty, without control characters or spaces at its ends."""
text: Final[Check] = check_string
"""Any text, even an empty one."""
flag: Final[Check] = check_bool
"""True or False."""


def anything(_: str, value: Any) -> Any:
    """Any JSON value. What JSON cannot hold is found when the request is encoded."""
    return value


def whole_number(*, at_least: int) -> Check:
    """A whole number."""
    return lambda name, value: check_whole_number(name, value, at_least=at_least)


def moment(name: str, value: Any) -> Any:
    """A datetime with a time zone, a date, or either as a text."""
    return query_text(name, value) if isinstance(value, date) else line(name, value)  # datetimes are dates too


def day(name: str, value: Any) -> Any:
    """A date, or a text that is one, such as `2026-07-01`."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return str.__str__(value)
    raise ConfigurationError(f"{name} must be a date, or a text such as '2026-07-01', got {value!r}.")


def group_name(name: str, value: Any) -> str:
    """The name of a group; None for no group, which Refold takes as an empty text."""
    return "" if value is None else text(name, value)


def one_of(*words: str) -> Check:
    """One of the texts that Refold accepts here."""

    def check(name: str, value: Any) -> Any:
        if not isinstance(value, str) or value not in words:
            raise ConfigurationError(f"{name} must be {_either(words)}, got {value!r}.")
        return str.__str__(value)

    return check


def list_of(element: Check, *, at_least: int = 0, at_most: int | None = None, distinct: bool = False) -> Check:
    """A list or another sequence, but not a text, which is a sequence of its characters."""

    def check(name: str, value: Any) -> Any:
        if isinstance(value, str | bytes) or not isinstance(value, Sequence):
            raise ConfigurationError(f"{name} must be a list, not {_type_of(value)}.")
        given = list(cast("Iterable[Any]", value))
        elements = [element(f"{name}[{index}]", one) for index, one in enumerate(given)]
        if len(elements) < at_least:
            raise ConfigurationError(f"{name} is too short: pass a list of {at_least} or more.")
        if at_most is not None and len(elements) > at_most:
            raise ConfigurationError(f"{name} is too long: pass a list of {at_most:,} or fewer, not {len(elements):,}.")
        if distinct and (repeated := [given[index] for index, one in enumerate(elements) if one in elements[:index]]):
            raise ConfigurationError(f"{name} contains {repeated[0]!r} twice: pass each only once.")
        return elements

    return check


def mapping_of(value_check: Check, name_check: Check = text) -> Check:
    """A mapping of names to values of one kind."""

    def check(name: str, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ConfigurationError(f"{name} must be a mapping of names to values, not {_type_of(value)}.")
        return {
            name_check(f"a name of {name}", key): value_check(f"{name}[{key!r}]", one)
            for key, one in cast("Iterable[tuple[Any, Any]]", value.items())
        }

    return check


mapping: Final[Check] = mapping_of(anything)
"""A mapping of names to JSON values."""


def called(argument: str, check: Check) -> Check:
    """The check of an argument that has another name in Python than Refold has for it."""

    def check_under_its_name(_: str, value: Any) -> Any:
        return check(argument, value)

    return check_under_its_name


def _type_of(value: object) -> str:
    """Return the name of a type as the caller knows it: a text that the client has hidden is a `str`."""
    return "str" if isinstance(value, str) else type(value).__name__


def _either(words: Sequence[str]) -> str:
    *others, last = map(repr, words)
    return f"{', '.join(others)} or {last}" if others else last
