"""Whether JSON values, and the texts that parameters are sent as, are what the table says."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from contract.facts.table import Field, Input, Kind, ListOf, MapOf, Shape, Type, Value, shape

__all__ = ["misfits", "parameter_misfits"]


def _is_moment(value: Any) -> bool:
    if not isinstance(value, str) or "T" not in value:
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


IS_OF: Final[Mapping[Kind, Callable[[Any], bool]]] = {
    "text": lambda value: isinstance(value, str),
    "moment": _is_moment,
    "integer": _is_whole,
    "number": lambda value: _is_whole(value) or isinstance(value, float),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "anything": lambda value: True,
    "nothing": lambda value: False,
}


def misfits(value: Any, expected: Type, where: str = "", *, complete: bool) -> list[str]:
    """Return what of a JSON value is not as the table says.

    Args:
        value: The value.
        expected: What it should be.
        where: What to call it.
        complete: Whether fields that are not optional must be there.
    """
    if value is None:
        return [] if expected.nullable else [f"{where or 'the body'} is null, and should be {_named(expected)}"]
    match expected:
        case Value():
            if not IS_OF[expected.kind](value):
                return [f"{where or 'the body'} is {value!r:.60}, and should be {_named(expected)}"]
            if expected.words and value not in expected.words:
                return [f"{where} is {value!r}, and should be one of {', '.join(expected.words)}"]
            return []
        case ListOf():
            if not isinstance(value, list):
                return [f"{where or 'the body'} is {value!r:.60}, and should be a list"]
            return _misfits_of_all(cast("Sequence[Any]", value), expected.items, f"{where}[]", complete)
        case MapOf():
            if not isinstance(value, dict):
                return [f"{where or 'the body'} is {value!r:.60}, and should be an object"]
            return _misfits_of_all(cast("Mapping[str, Any]", value).values(), expected.values, f"{where}[]", complete)
        case Shape():
            if not isinstance(value, dict):
                return [f"{where or 'the body'} is {value!r:.60}, and should be an object"]
            return _misfits_of_fields(cast("Mapping[str, Any]", value), expected, where, complete)


def _misfits_of_all(values: Iterable[Any], expected: Type, where: str, complete: bool) -> list[str]:
    found = [problem for value in values for problem in misfits(value, expected, where, complete=complete)]
    return list(dict.fromkeys(found))


def _misfits_of_fields(value: Mapping[str, Any], expected: Shape, where: str, complete: bool) -> list[str]:
    def place(name: str) -> str:
        return f"{where}.{name}" if where else name

    found: list[str] = []
    for name, item in value.items():
        field = expected.field(name)
        if field is not None:
            found += misfits(item, field.type, place(name), complete=complete)
        elif not expected.open:
            found.append(f"{place(name)} is not in the table")
    missing = [field.name for field in expected.fields if field.name not in value and not field.optional]
    return found + [f"{place(name)} is missing" for name in missing if complete]


def _named(expected: Type) -> str:
    if isinstance(expected, Value):
        return f"of kind {expected.kind}"
    return "a list" if isinstance(expected, ListOf) else "an object"


_SPELLED: Final[Mapping[Kind, str]] = {
    "integer": r"-?\d+",
    "number": r"-?\d+(\.\d+)?",
    "boolean": r"true|false",
    # A day stands for a moment in filters.
    "moment": r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?",
}


def parameter_misfits(text: str, parameter: Input) -> list[str]:
    """Return what is wrong with the text that a parameter is sent as."""
    kind = parameter.type
    assert isinstance(kind, Value)
    if kind.words and text not in kind.words:
        return [f"{parameter.place} {parameter.name} is {text!r}, and should be one of {', '.join(kind.words)}"]
    if not re.fullmatch(_SPELLED.get(kind.kind, r"(?s).*"), text):
        return [f"{parameter.place} {parameter.name} is {text!r}, and should be of kind {kind.kind}"]
    return []


def body_shape(inputs: tuple[Input, ...], *, free: bool) -> Shape:
    """Return the shape of the JSON object that is sent."""
    return shape(*(Field(given.name, given.type, optional=not given.required) for given in inputs), open=free)
