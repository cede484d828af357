"""Checks values against the parameters of an action: what is missing, unknown or of a wrong type. Pure functions."""

import math
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Final, Protocol
from uuid import UUID

import attrs

from refold_async.errors import ParameterError

__all__ = ["JSON_SCHEMA_OF_TYPE", "Misfits", "Parameter", "json_kind", "misfits_of"]

JSON_SCHEMA_OF_TYPE: Final[Mapping[str, Mapping[str, Any]]] = {
    "text": {"type": "string"},
    "textarea": {"type": "string"},
    "password": {"type": "string", "format": "password"},
    "select": {"type": "string"},
    "email": {"type": "string", "format": "email"},
    "url": {"type": "string", "format": "uri"},
    "date": {"type": "string", "format": "date"},
    "number": {"type": "number"},
    "map": {"type": "object"},
}
"""The JSON Schema of each type of parameter that accepts only one kind of JSON value."""

_KIND_OF_SCHEMA: Final = {"string": "a string", "number": "a number", "object": "an object"}
_KIND_OF_TYPE: Final = {name: _KIND_OF_SCHEMA[schema["type"]] for name, schema in JSON_SCHEMA_OF_TYPE.items()}


class Parameter(Protocol):
    """What is checked of an `ActionParameter`."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def required(self) -> bool | None:
        """Whether the action needs it."""
        ...

    @property
    def type(self) -> str | None:
        """The type of its value."""
        ...


@attrs.frozen
class Misfits:
    """What does not fit about some values."""

    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    mistyped: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    """Each of them in words, without a full stop."""

    def error(self, action_id: str, slug: str) -> ParameterError:
        """Return the error that names all of them."""
        error = ParameterError(
            f"parameters do not fit action {action_id!r} of app {slug!r}: {'; '.join(self.problems)}.",
            missing=self.missing,
            unknown=self.unknown,
        )
        error.mistyped = self.mistyped
        error.slug, error.action_id = slug, action_id
        return error


def misfits_of(parameters: Iterable[Parameter], values: Mapping[Any, Any]) -> Misfits:
    """Return what does not fit. The contents of lists and objects are not checked.

    Args:
        parameters: The parameters of the action.
        values: The values. One that cannot be JSON, such as `...`, fits every type.
    """
    known = {parameter.name: parameter for parameter in parameters}
    required = [parameter.name for parameter in known.values() if parameter.required]
    missing = tuple(name for name in required if values.get(name) is None)
    unknown = tuple(str(name) for name in values if name not in known)
    mistyped = {
        name: f"{name!r} must be {problem}"
        for name, parameter in known.items()
        if (problem := _problem_with(values.get(name), parameter.type))
    }
    if not missing and not unknown and not mistyped:
        return Misfits()
    problems = [f"{name!r} is required and missing" for name in missing]
    problems += [f"{name!r} is unknown{_suggestion(name, known)}" for name in unknown]
    return Misfits(missing, unknown, tuple(mistyped), (*problems, *mistyped.values()))


def json_kind(value: Any) -> str | None:
    """Return the kind of JSON value that this becomes, in words; None if it is not JSON, or decided by its class."""
    if isinstance(value, Enum):
        value = value.value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str | UUID):
        return "a string"
    if isinstance(value, list | tuple):
        return "a list"
    return "an object" if isinstance(value, Mapping) else None


def _problem_with(value: Any, kind: str | None) -> str | None:
    """Return what a value must be and is not, or None if it may be what a parameter of this type accepts."""
    wanted = _KIND_OF_TYPE.get(kind or "")
    given = None if value is None else json_kind(value)
    if wanted is None or given is None or given == wanted:
        return None
    if wanted == "a number" and given == "a string" and _is_number(str(value)):
        return None
    return f"{wanted}, not {given}"


def _is_number(text: str) -> bool:
    """Return whether a text is a number, because Refold's documentation also sends numbers as text."""
    try:
        return math.isfinite(float(text)) and text.isascii() and "_" not in text
    except ValueError:
        return False


def _suggestion(name: str, known: Iterable[str]) -> str:
    import difflib  # only needed for mistakes

    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
