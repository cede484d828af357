"""What the table says otherwise than Refold's description, and than the example answers of its documentation."""

from collections.abc import Iterator, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

from contract.conformance import misfits
from contract.description import documented_answers, operations
from contract.facts import OPERATIONS
from contract.facts.table import OBJECT, Field, Input, ListOf, MapOf, Operation, Place, Refusal, Shape, Type
from contract.problems import Problem, fits

__all__ = ["differences", "example_misfits", "table_differences", "unfounded_facts"]


@cache
def table_differences() -> Sequence[Problem]:
    """Return what the table and the description say differently."""
    return [
        Problem(operation.name, what)
        for operation in OPERATIONS
        if operation.source == "description"
        for what in differences(operation, operations()[operation.name])
    ]


def differences(told: Operation, described: Operation) -> Iterator[str]:
    """Tell what is described otherwise than we have it.

    Args:
        told: An operation as we have it.
        described: The same operation in a description.
    """
    if set(described.security) != set(told.described_security or told.security):
        yield f"is authenticated by {' or '.join(described.security) or 'nothing'}"
    places: Sequence[Place] = ("path", "query", "header", "body")
    for place in places:
        yield from _differences_of_inputs(told.of(place), described.of(place))
    if described.of("body") and described.optional_body != told.optional_body:
        yield f"{'does not require' if described.optional_body else 'requires'} a body"
    if described.free_body != told.free_body:
        yield f"{'takes' if described.free_body else 'does not take'} a body of fields of any name"
    if described.status != told.status and described.status not in {refusal.status for refusal in told.refusals}:
        yield f"answers {described.status} if it succeeds, and not {told.status}"
    statuses = {told.status, *(refusal.status for refusal in told.refusals)}
    yield from (f"answers {refusal.status}" for refusal in described.refusals if refusal.status not in statuses)
    statuses = {described.status, *(refusal.status for refusal in described.refusals)}
    yield from (
        f"no longer answers {refusal.status}"
        for refusal in told.refusals
        if refusal.source == "description" and refusal.status not in statuses
    )
    yield from _differences_of_types(told.answer, described.answer, "")


def _differences_of_inputs(inputs: Sequence[Input], described: Sequence[Input]) -> Iterator[str]:
    known = {given.name: given for given in inputs}
    for expected in described:
        name = f"{expected.name} in the {expected.place}"
        given = known.pop(expected.name, None)
        if given is None:
            yield f"takes {name}: {expected.type}{', required' if expected.required else ''}"
        elif given.source != "description":
            yield f"takes {name}, which the table has from elsewhere"
        else:
            yield from _differences_of_types(given.described or given.type, expected.type, name)
            if given.required != expected.required:
                yield f"{'requires' if expected.required else 'does not require'} {name}"
    left = (given for given in known.values() if given.source == "description")
    yield from (f"does not take {given.name} in the {given.place}" for given in left)


def _differences_of_types(told: Type, described: Type, where: str) -> Iterator[str]:
    if isinstance(told, ListOf) and isinstance(described, ListOf):
        if told.nullable != described.nullable:
            yield f"{where} may be null: {described.nullable}"
        yield from _differences_of_types(told.items, described.items, f"{where}[]")
    elif isinstance(told, Shape) and isinstance(described, Shape):
        yield from _differences_of_fields(told, described, where)
    elif isinstance(told, Shape) and told.open and described == OBJECT:
        yield from _differences_of_fields(told, Shape(()), where)
    elif isinstance(told, Shape) and told.open and described == OBJECT:
        yield from (f"has no {where}.{field.name}" for field in told.fields if field.source == "description")
    elif told != described:
        yield f"{where or 'the answer'} is of another type: {described}, and not {told}"


def _differences_of_fields(told: Shape, described: Shape, where: str) -> Iterator[str]:
    for field in described.fields:
        place = f"{where}.{field.name}" if where else field.name
        known = told.field(field.name)
        if known is None:
            yield f"has {place}: {field.type}"
        elif known.source != "description" and known.described is None:
            yield f"has {place}, which the table has from elsewhere"
        else:
            yield from _differences_of_types(known.described or known.type, field.type, place)
    for field in told.fields:
        if described.field(field.name) is None and field.source == "description":
            yield f"has no {where}.{field.name}" if where else f"has no {field.name}"


def example_misfits() -> Iterator[Problem]:
    """Tell what of the example answers is not as the table says."""
    for given in documented_answers():
        if given.status < HTTPStatus.BAD_REQUEST:
            for what in misfits(given.body, given.operation.answer, complete=False):
                yield Problem(given.operation.name, f"{given.label}: {what}")


def unfounded_facts() -> Iterator[Problem]:
    """Tell what the table has from examples although none shows it, and which errors they show that it lacks."""
    shown: list[Field] = []
    of_examples: list[tuple[str, Field]] = []
    refusals: list[Refusal] = []
    for operation in OPERATIONS:
        examples = [given for given in documented_answers() if given.operation is operation]
        of_examples += [(operation.name, field) for field in _fields_of(operation.answer) if field.source == "example"]
        shown += _shown_fields(
            operation.answer, [each.body for each in examples if each.status < HTTPStatus.BAD_REQUEST]
        )
        for each in examples:
            fitting = [known for known in operation.refusals if known.status == each.status and fits(each.body, known)]
            if each.status >= HTTPStatus.BAD_REQUEST and not any(known.source == "example" for known in fitting):
                yield Problem(operation.name, f"the error {each.label} is not in the table")
            refusals += fitting
    for name, field in of_examples:
        if field not in shown:
            yield Problem(name, f"{field.name} is in no example")
    for operation in OPERATIONS:
        for refusal in operation.refusals:
            if refusal.source == "example" and refusal not in refusals:
                yield Problem(operation.name, f"{refusal} is in no example")


def _fields_of(expected: Type) -> Iterator[Field]:
    if isinstance(expected, ListOf):
        yield from _fields_of(expected.items)
    elif isinstance(expected, MapOf):
        yield from _fields_of(expected.values)
    elif isinstance(expected, Shape):
        for field in expected.fields:
            yield field
            yield from _fields_of(field.type)


def _shown_fields(expected: Type, values: Sequence[Any]) -> Iterator[Field]:
    """Return the fields that any of some values has."""
    values = [value for value in values if value is not None]
    if isinstance(expected, ListOf):
        yield from _shown_fields(expected.items, [item for value in values for item in value])
    elif isinstance(expected, MapOf):
        yield from _shown_fields(expected.values, [item for value in values for item in value.values()])
    elif isinstance(expected, Shape):
        for field in expected.fields:
            shown = [value[field.name] for value in values if field.name in value]
            if shown:
                yield field
                yield from _shown_fields(field.type, shown)
