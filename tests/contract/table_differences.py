"""What the table says otherwise than Refold's description, and than the example answers of its documentation."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

from contract.conformance import misfits
from contract.description import described_answer, described_operation, documented_answers, type_of
from contract.facts import OPERATIONS
from contract.facts.table import NOTHING, OBJECT, Field, Input, ListOf, MapOf, Operation, Refusal, Shape, Type
from contract.problems import Problem, fits

__all__ = ["example_misfits", "table_differences", "unfounded_facts"]


@cache
def table_differences() -> Sequence[Problem]:
    """Return what the table and the description say differently."""
    return [
        Problem(operation.name, what)
        for operation in OPERATIONS
        if operation.source == "description"
        for what in _differences(operation)
    ]


def _differences(operation: Operation) -> Iterator[str]:
    described = described_operation(operation)
    schemes = {"OrgAPIKey": "key", "LinkedAccountToken": "token"}
    security = {schemes[name] for option in described["security"] for name in option}
    if security != set(operation.described_security or operation.security):
        yield f"takes {security}"
    for place in ("path", "query", "header"):
        known = {
            given["name"]: (type_of(given["schema"], parameter=True), bool(given.get("required")))
            for given in described["parameters"]
            if given["in"] == place
        }
        yield from _differences_of_inputs(operation.of(place), known)
    schema: Mapping[str, Any] = (
        described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    )
    required = schema.get("required", ())
    fields = {name: (type_of(given), name in required) for name, given in schema.get("properties", {}).items()}
    yield from _differences_of_inputs(operation.of("body"), fields)
    if fields and bool(described["requestBody"].get("required")) == operation.optional_body:
        yield f"requires a body: {operation.optional_body}"
    if bool(schema.get("additionalProperties")) != operation.free_body:
        yield f"takes a body of fields of any name: {not operation.free_body}"
    responses: Mapping[str, Any] = described["responses"]
    statuses = {str(operation.status), *(str(refusal.status) for refusal in operation.refusals)}
    yield from (f"answers {status}" for status in responses if status not in statuses)
    answer = described_answer(operation)
    yield from _differences_of_types(operation.answer, NOTHING if answer is None else type_of(answer), "")


def _differences_of_inputs(inputs: Sequence[Input], described: Mapping[str, tuple[Type, bool]]) -> Iterator[str]:
    known = {given.name: given for given in inputs}
    for name, (expected, required) in described.items():
        if name not in known:
            yield f"takes {name}"
        elif known[name].source != "description":
            yield f"takes {name}, which the table has from elsewhere"
        else:
            given = known[name]
            yield from _differences_of_types(given.described or given.type, expected, name)
            if given.required != required:
                yield f"requires {name}: {required}"
    yield from (
        f"does not take {name}"
        for name, given in known.items()
        if given.source == "description" and name not in described
    )


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
        yield f"{where} is {described}, and not {told}"


def _differences_of_fields(told: Shape, described: Shape, where: str) -> Iterator[str]:
    for field in described.fields:
        place = f"{where}.{field.name}" if where else field.name
        known = told.field(field.name)
        if known is None:
            yield f"has {place}"
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
