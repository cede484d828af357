"""The types that `into=` accepts: those that JSON can be structured into, including all types that they consist of."""

import inspect
from enum import Enum
from functools import lru_cache
from typing import Any, Final, cast, get_args

from cattrs import StructureHandlerNotFoundError

from refold_async.codec.pydantic_models import is_pydantic_one
from refold_async.codec.structuring.containers import is_mapping
from refold_async.codec.structuring.converters import MOST_TYPES, NO_BYTES, converters
from refold_async.codec.structuring.declarations import parts_of, plain_form
from refold_async.codec.structuring.plain_values import is_enum, is_literal
from refold_async.errors import ConfigurationError

__all__ = ["check_target"]

_JSON: Final = frozenset({str, bool, int, float, type(None)})
_NO_KEYS: Final = frozenset({bool, int, float, type(None)})


@lru_cache(maxsize=MOST_TYPES)  # only of types that pass; others may be completed later
def _check(target: Any) -> None:
    """Raise an error if nothing can be structured into a type. All types that it consists of are checked now."""
    converters.note_new_type()
    for part in parts_of(target):
        for one in (part, *get_args(part)):  # before a union reports that it cannot distinguish its members
            if is_pydantic_one(one):
                raise StructureHandlerNotFoundError(
                    f"{one.__name__} is a model of pydantic 1, which is not supported.", one
                )
        converters.fast.get_structure_hook(part)
        if (problem := _problem_with_values(part)) is not None:
            raise StructureHandlerNotFoundError(problem, part)


def _problem_with_values(part: Any) -> str | None:
    if inspect.isclass(part) and issubclass(part, bytes):
        return NO_BYTES
    if is_mapping(part) and plain_form((*get_args(part), Any)[0]) in _NO_KEYS:
        return f"The keys of JSON objects are strings, which cannot be keys of {part}."
    if is_literal(part):
        values = [choice.value if isinstance(choice, Enum) else choice for choice in get_args(part)]
    elif is_enum(part):
        values = [member.value for member in cast("type[Enum]", part)]
    else:
        return None
    return None if any(type(value) in _JSON for value in values) else f"No value of {part} is a JSON value."


def check_target(target: Any) -> None:
    """Raise `ConfigurationError` for an `into=` that nothing can be structured into."""
    try:
        _check(target)
    except StructureHandlerNotFoundError as error:
        problem = str(error).partition(" Register a")[0]  # the advice about hooks is only for users of cattrs
    except Exception as error:  # noqa: BLE001 - such as a TypeError for Annotated with a list
        problem = f"{error}."
    else:
        return
    raise ConfigurationError(
        f"into={target!r} cannot be built from JSON: {problem} Use attrs classes, dataclasses, pydantic "
        "models, TypedDicts, list[...], dict[str, ...], X | None, str, int, float, bool, datetime or Enum."
    )
