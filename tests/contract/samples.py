"""Answers made up from the table, with every field filled, always the same."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from contract.facts.table import Kind, ListOf, MapOf, Shape, Type, Value

__all__ = ["How", "sample"]

_VALUES: Final[Mapping[Kind, Callable[[str, int], Any]]] = {
    "text": lambda name, number: f"{'https://example.com/' if name.endswith('_url') else 'some '}{name}{number}",
    "moment": lambda name, number: f"2026-06-16T13:15:0{number}.887Z",
    "integer": lambda name, number: number,
    "number": lambda name, number: number + 0.5,
    "boolean": lambda name, number: True,
    "object": lambda name, number: {"any name": {"nested": [number, None]}},
    "anything": lambda name, number: [{"any": number}, "thing", None],
    "nothing": lambda name, number: None,
}


How = Literal["filled", "with nulls", "bare"]
"""With all fields, with null in whatever may be null, or without the fields that are optional."""


def sample(expected: Type, name: str = "answer", number: int = 1, *, how: How = "filled") -> Any:
    """Return a JSON value that is as the table says.

    Args:
        expected: What it is a sample of.
        name: What texts in it tell.
        number: Which of several it is: no two of a list have the same id.
        how: How much it has of that.
    """
    if how == "with nulls" and expected.nullable:
        return None
    match expected:
        case Value():
            return expected.words[0] if expected.words else _VALUES[expected.kind](name, number)
        case ListOf():
            return [sample(expected.items, name, each, how=how) for each in (1, 2)]
        case MapOf():
            return {"any name": sample(expected.values, name, number, how=how)}
        case Shape():
            fields = [field for field in expected.fields if how != "bare" or not field.optional]
            return {field.name: sample(field.type, field.name, number, how=how) for field in fields}
