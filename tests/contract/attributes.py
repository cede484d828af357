"""Whether what a method returns has every field of an answer, as an attribute of the right type and value."""

import types
import typing
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, Literal, Union, cast

import attrs

from contract.conformance import misfits
from contract.facts.table import OBJECT, Field, Kind, ListOf, MapOf, Shape, Type, Value
from refold_async.models.model import Model

__all__ = ["losses"]

_CLASSES: Final[Mapping[Kind, tuple[type, ...]]] = {
    "text": (str,),
    "moment": (datetime,),
    "integer": (int, float),
    "number": (float, int),
    "boolean": (bool,),
    "object": (dict, Mapping),
}


def losses(result: Any, value: Any, expected: Type, where: str = "") -> list[str]:
    """Return what of an answer did not come back.

    Args:
        result: What the method returned, or a part of it.
        value: The JSON value that it was made of.
        expected: What the table says of that.
        where: What to call it.
    """
    match expected:
        case Value(kind="moment") if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return [] if result == moment else [f"{where} is {result!r:.60}, and should be {moment!r}"]
        case Value(kind="nothing"):
            return []
        case Value():
            return [] if _same(result, value) else [f"{where} is {result!r:.60}, and should be {value!r:.60}"]
        case ListOf():
            return _losses_of_list(result, value, expected, where)
        case MapOf():
            return _losses_of_map(result, value, expected, where)
        case Shape():
            if value is None:
                return [] if result is None else [f"{where} is {result!r:.60}, and should be None"]
            return _losses_of_fields(result, value, expected, where)


def _same(result: Any, value: Any) -> bool:
    """Tell whether two values are equal and of one type, all the way down: `True` is not 1."""
    if isinstance(value, dict):
        fields = cast("Mapping[str, Any]", value)
        return (
            isinstance(result, Mapping)
            and cast("Mapping[str, Any]", result).keys() == fields.keys()
            and all(_same(result[name], item) for name, item in fields.items())
        )
    if isinstance(value, list):
        items = cast("Sequence[Any]", value)
        return (
            isinstance(result, list | tuple)
            and len(cast("list[Any]", result)) == len(items)
            and all(map(_same, cast("list[Any]", result), items))
        )
    return result == value and isinstance(result, bool) == isinstance(value, bool)


def _losses_of_list(result: Any, value: Any, expected: ListOf, where: str) -> list[str]:
    items: list[Any] = value or []
    if value is None and result is None:
        return []
    given = cast("list[Any]", result) if isinstance(result, Sequence) else None
    if given is None or len(given) != len(items):
        return [f"{where or 'the result'} is {result!r:.60}, and should have {len(items)} items"]
    found = [
        loss
        for each, item in zip(given, items, strict=True)
        for loss in losses(each, item, expected.items, f"{where}[]")
    ]
    return list(dict.fromkeys(found))


def _losses_of_map(result: Any, value: Any, expected: MapOf, where: str) -> list[str]:
    fields = cast("dict[str, Any]", value or {})
    if value is None and result is None:
        return []
    if not isinstance(result, Mapping) or cast("Mapping[str, Any]", result).keys() != fields.keys():
        return [f"{where} is {result!r:.60}, and should have {', '.join(fields)}"]
    return [loss for name, item in fields.items() for loss in losses(result[name], item, expected.values, f"{where}[]")]


def _losses_of_fields(result: Any, value: dict[str, Any], expected: Shape, where: str) -> list[str]:
    found: list[str] = []
    for name, item in value.items():
        place = f"{where}.{name}" if where else name
        field = expected.field(name)
        if field is None:
            if not expected.open:
                found.append(f"{place} is not in the table")
        elif field.attribute is None:
            continue
        elif not field.attribute:
            found += losses(result, item, field.type, place)
        elif not hasattr(result, field.attribute):
            found.append(f"{place}: {type(result).__name__} has no {field.attribute}")
        else:
            found += _losses_of_attribute(result, item, field, field.attribute, place)
    return found


def _losses_of_attribute(result: Any, value: Any, field: Field, attribute: str, where: str) -> list[str]:
    owner = result.__class__
    problem = _problem_of_annotation(_annotation(owner, attribute), field.type)
    declared = [f"{where}: {owner.__name__}.{attribute} is declared as {problem}"] if problem else []
    expected = field.type
    if isinstance(expected, Shape) and field.described == OBJECT:
        expected = attrs.evolve(expected, open=True)  # the description has it with fields of any name
    if field.described is not None and misfits(value, expected, complete=False):
        return declared  # nobody but the description has it like this: it is in `raw`
    return declared + losses(getattr(result, attribute), value, expected, where)


@cache
def _annotation(owner: type, attribute: str) -> Any:
    """Return what an attribute is declared as, of a field or a property."""
    hints = typing.get_type_hints(owner)
    if attribute in hints:
        return hints[attribute]
    member = getattr(owner, attribute)
    assert isinstance(member, property), (owner, attribute)
    return typing.get_type_hints(member.fget)["return"]


def _problem_of_annotation(annotation: Any, expected: Type) -> str | None:
    """Return what is wrong with a declaration, or None."""
    shown = getattr(annotation, "__name__", str(annotation)) if isinstance(annotation, type) else str(annotation)
    options = [option for option in _options(annotation) if option is not type(None)]
    if isinstance(expected, Value) and expected.kind == "anything":
        return None
    if any(isinstance(option, typing.TypeVar) for option in options):
        return None  # what it stands for is said where it is returned
    if any(option is Any for option in options):
        return shown
    origins = [typing.get_origin(option) or option for option in options]
    match expected:
        case Value():
            fits = all(origin in _CLASSES[expected.kind] or origin is Literal for origin in origins)
            return None if fits else f"{shown}, not as {expected.kind}"
        case ListOf():
            if not all(origin in (list, tuple, Sequence) for origin in origins):
                return f"{shown}, not as a list"
            return _problem_of_arguments(options, 0, expected.items)
        case MapOf():
            if not all(origin in (dict, Mapping) for origin in origins):
                return f"{shown}, not as an object"
            return _problem_of_arguments(options, 1, expected.values)
        case Shape():
            if expected.open and all(origin in (dict, Mapping) for origin in origins):
                return None
            fits = all(isinstance(origin, type) and issubclass(origin, Model) for origin in origins)
            return None if fits else f"{shown}, not as a model"


def _problem_of_arguments(options: Sequence[Any], number: int, expected: Type) -> str | None:
    """Return what is wrong with what containers are declared to hold."""
    for option in options:
        arguments = typing.get_args(option)
        problem = _problem_of_annotation(arguments[number], expected) if arguments else "a container of whatever"
        if problem:
            return problem
    return None


def _options(annotation: Any) -> tuple[Any, ...]:
    origin = typing.get_origin(annotation)
    return typing.get_args(annotation) if origin in (Union, types.UnionType) else (annotation,)
