"""Parses values in Refold's own responses leniently: an optional value that is invalid is treated as missing."""

# pyright: reportUnknownVariableType=false
# (what is in a list or an object of JSON)

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, get_args, get_origin

from refold_async.codec.structuring.plain_values import Hook, wrong_type

__all__ = ["identifier", "lenient_hook", "strict_hook", "unchanged_by"]


def identifier(value: Any, _: Any) -> str:
    """Parse an id, which may have arrived as a number."""
    text = _text(value, _)
    if text is None:
        raise wrong_type(str, value)
    return text


def _text(value: Any, _: Any) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int and abs(value) < 10**18 else None


def _count(value: Any, _: Any) -> int | None:
    if type(value) is int:
        return value
    number = _measure(value, _)
    return int(number) if number is not None and number.is_integer() else None


def _measure(value: Any, _: Any) -> float | None:
    """Parse a number, which may have arrived as a string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    with suppress(ValueError, OverflowError):
        if math.isfinite(number := float(value)):
            return number
    return None


def _moment(value: Any, _: Any) -> datetime | None:
    """Parse a point in time, in ISO 8601 or in the format of HTTP."""
    if not isinstance(value, str):
        return None
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        with suppress(ValueError, OverflowError):
            moment = parse(value)
            return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return None


def _flag(value: Any, _: Any) -> bool | None:
    """Parse true or false, which may have arrived as a string."""
    return value if isinstance(value, bool) else _FLAGS.get(value.lower()) if isinstance(value, str) else None


def strict_hook(target: Any, hook_of: Callable[[Any], Hook]) -> Hook | None:
    """Return the hook of a field that decisions depend on. It raises an error for a value that is not of its type.

    Ids may arrive as numbers, true and false as strings, and nulls in lists are left out.

    Args:
        target: The type of the field.
        hook_of: Returns the hook of any type.

    Returns:
        The hook, or None for a type that needs no special hook.
    """
    if (plain := _STRICT.get(target)) is not None:
        return plain
    if list not in {get_origin(target), *map(get_origin, get_args(target))}:
        return None
    parse = hook_of(target)
    return lambda value, _: parse([one for one in value if one is not None] if type(value) is list else value, target)


def _strictly(parse: Hook, kind: type) -> Hook:
    def parse_strictly(value: Any, target: Any) -> Any:
        parsed = parse(value, target)
        if parsed is None and value is not None:
            raise wrong_type(kind, value)
        return parsed

    return parse_strictly


_STRICT: Final[Mapping[Any, Hook]] = {bool | None: _strictly(_flag, bool), str | None: _strictly(_text, str)}
"""The hooks of plain fields that decisions depend on, by their type."""


def _only(kind: type) -> Hook:
    """Return the hook that accepts values of one type as they are, and treats others as missing."""
    return lambda value, _: value if type(value) is kind else None


_FLAGS: Final[Mapping[str, bool]] = {"true": True, "false": False}

_PLAIN: Final[Mapping[Any, Hook]] = {
    str: _text,
    bool: _flag,
    int: _count,
    float: _measure,
    datetime: _moment,
    dict[str, Any]: _only(dict),
}
"""The hooks of plain values, by their type."""
_UNCHANGED: Final[Mapping[Hook, type]] = {identifier: str, _text: str, _flag: bool, _count: int}
"""The type of the values that a hook returns unchanged, for each such hook."""


def unchanged_by(hook: Hook | None) -> type | None:
    """Return the type of the values that a hook returns unchanged, so that it need not be called, or None."""
    return None if hook is None else _UNCHANGED.get(hook)


def lenient_hook(target: Any, hook_of_model: Callable[[Any], Hook | None]) -> Hook | None:
    """Return the hook of an optional field. A value that does not fit its type is None; in a list, it is left out.

    Args:
        target: The type of the field: a plain type, one of our models, or lists and objects of these; all with or
            without None.
        hook_of_model: Returns the hook of one of our models, or None for any other type.

    Returns:
        The hook, or None for a type that needs another hook.
    """
    members = get_args(target)
    if len(members) == 2 and members[1] is type(None):
        return _lenient(members[0], hook_of_model)
    hook = _lenient(target, hook_of_model) if get_origin(target) is list else None
    return None if hook is None else lambda value, _: hook(value, target) or []


def _lenient(target: Any, hook_of_model: Callable[[Any], Hook | None]) -> Hook | None:
    if (plain := _PLAIN.get(target)) is not None:
        return plain
    if (model_hook := hook_of_model(target)) is not None:
        return _model_of(model_hook, target)
    kind = get_origin(target)
    member = _lenient(get_args(target)[-1], hook_of_model) if kind in {list, dict} else None
    if member is None:
        return None
    return _list_of(member) if kind is list else _object_of(member)


def _model_of(hook: Hook, target: Any) -> Hook:
    def parse(value: Any, _: Any) -> Any:
        if type(value) is not dict:
            return None
        try:
            return hook(value, target)
        except Exception:  # noqa: BLE001 - a part that cannot be read, such as one without an id, may raise anything
            return None

    return parse


def _list_of(member: Hook) -> Hook:
    def parse(value: Any, _: Any) -> list[Any] | None:
        if type(value) is not list:
            return None
        return [parsed for one in value if (parsed := member(one, None)) is not None]

    return parse


def _object_of(member: Hook) -> Hook:
    def parse(value: Any, _: Any) -> dict[str, Any] | None:
        if type(value) is not dict:
            return None
        return {name: parsed for name, one in value.items() if (parsed := member(one, None)) is not None}

    return parse
