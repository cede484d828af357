"""JSON's own values, accepted as they are or refused: nothing is converted."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import inspect
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final, Literal, get_args, get_origin

__all__ = [
    "KINDS",
    "Hook",
    "WrongTypeError",
    "enum_hook",
    "exactly",
    "is_enum",
    "is_literal",
    "kind_of",
    "literal_hook",
    "number",
    "only_from",
    "plain",
    "wrong_type",
]

Hook = Callable[[Any, Any], Any]
"""Turns a JSON value into a type: `hook(value, type)`."""


class WrongTypeError(TypeError):
    """A JSON value is of another kind than the expected one."""


KINDS: Final[Mapping[type, str]] = {
    str: "a string",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "null",
}
"""The names of JSON values in messages, by the Python type that they are read as."""


def kind_of(value: Any) -> str:
    """Return the name of a JSON value's kind."""
    kind: type[Any] = type(value)
    return KINDS.get(kind, kind.__name__)


def wrong_type(expected: type, value: Any) -> WrongTypeError:
    """Return the error for a value of another kind."""
    return WrongTypeError(f"expected {KINDS[expected]}, got {kind_of(value)}")


def exactly(expected: type) -> Hook:
    """Return the hook that accepts values of one type as they are."""

    def check(value: Any, _: Any) -> Any:
        if type(value) is expected:
            return value
        raise wrong_type(expected, value)

    return check


def number(value: Any, target: Any) -> Any:
    """Accept any number as a float."""
    if type(value) is float or type(value) is int:
        return target(value)
    raise wrong_type(float, value)


def only_from(expected: type, hook: Hook) -> Hook:
    """Pass only JSON values of one kind to `hook`: cattrs would read a str as a list, and a list as an object."""

    def check(value: Any, target: Any) -> Any:
        if type(value) is not expected:
            raise wrong_type(expected, value)
        return hook(value, target)

    return check


def plain(kind: type) -> Hook:
    """Return the hook of a plain type, or of a class based on one: IntEnum, StrEnum, a caller's own `Email(str)`."""

    def check(value: Any, target: Any) -> Any:
        if type(value) is not kind:
            raise wrong_type(kind, value)
        if target is kind:
            return value
        return enum_hook(value, target) if is_enum(target) else target(value)

    return check


def is_enum(target: Any) -> bool:
    """Return whether a type is an Enum."""
    return inspect.isclass(target) and issubclass(target, Enum)


def enum_hook(value: Any, target: Any) -> Any:
    """Return the member of an Enum that has a value."""
    if not any(type(member.value) is type(value) for member in target):
        raise WrongTypeError(f"expected one of {', '.join(repr(member.value) for member in target)}")
    return target(value)


def is_literal(target: Any) -> bool:
    """Return whether a type is a Literal."""
    origin: Any = get_origin(target)
    return origin is Literal


def literal_hook(value: Any, target: Any) -> Any:
    """Return the choice of a Literal that equals a value; a member of an Enum is compared by its value."""
    for choice in get_args(target):
        wanted = choice.value if isinstance(choice, Enum) else choice
        if type(value) is type(wanted) and value == wanted:
            return choice
    raise WrongTypeError(f"expected one of {', '.join(map(repr, get_args(target)))}")
