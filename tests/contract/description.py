"""Refold's official description, and the example answers of its documentation, where they are at hand."""

import copy
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import pytest

from contract.facts import OPERATIONS
from contract.facts.table import (
    ANYTHING,
    BOOLEAN,
    INTEGER,
    MOMENT,
    NUMBER,
    OBJECT,
    Field,
    ListOf,
    MapOf,
    Operation,
    Shape,
    Type,
    shape,
    text,
    unnamed,
)
from contract.reading import Given

__all__ = [
    "corrected_description",
    "described_answer",
    "described_operation",
    "described_operations",
    "documented_answers",
    "extended_description",
    "needs_the_documents",
    "reduced_description",
    "type_of",
]

_ROOT: Final = Path(__file__).parent.parent.parent
FOLDER: Final = Path(os.environ.get("REFOLD_DESCRIPTION") or _ROOT.parent / "shared")

needs_the_documents: Final = pytest.mark.skipif(
    # A folder that is named is expected to have them: where it has not, the tests fail.
    not os.environ.get("REFOLD_DESCRIPTION")
    and not all((FOLDER / name).is_file() for name in ("openapi.yaml", "documented-answers.json")),
    reason="Refold's openapi.yaml and documented-answers.json are not at hand: name their folder in REFOLD_DESCRIPTION",
)


@cache
def _whole() -> Mapping[str, Any]:
    """Return the description as it is."""
    import yaml

    with (FOLDER / "openapi.yaml").open("rb") as file:
        return cast("Mapping[str, Any]", yaml.load(file, yaml.CSafeLoader))


def described_operations() -> frozenset[str]:
    """Return the names of all operations of the description."""
    return frozenset(
        f"{method.upper()} {path}"
        for path, methods in _whole()["paths"].items()
        for method in methods
        if method != "parameters"
    )


def _without_references(part: Any) -> Any:
    """Return a part of the description with all it refers to in place, and each `allOf` made one object."""
    if isinstance(part, list):
        return [_without_references(item) for item in cast("Sequence[Any]", part)]
    if not isinstance(part, dict):
        return part
    fields = cast("dict[str, Any]", part)
    if "$ref" in fields:
        target: Any = _whole()
        for name in fields["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        return _without_references(target)
    resolved = {name: _without_references(item) for name, item in fields.items()}
    if "allOf" in resolved:
        properties = [schema.get("properties", {}) for schema in [*resolved.pop("allOf"), resolved]]
        resolved["properties"] = {name: schema for given in properties for name, schema in given.items()}
        resolved["type"] = "object"
    if resolved.get("type") == "object" and "properties" not in resolved:
        resolved.setdefault("additionalProperties", True)  # an object without fields of its own has fields of any name
    if resolved.pop("nullable", False) is True and "type" in resolved:
        resolved["type"] = [resolved["type"], "null"]  # version 3.1 does not know `nullable`
    return resolved


@cache
def reduced_description() -> dict[str, Any]:
    """Return the description of the operations in the table, in a form that openapi-core takes.

    It refuses names of security schemes that have spaces.
    """
    whole = _whole()
    named = {unnamed(operation.name): operation for operation in OPERATIONS if operation.source == "description"}
    schemes = {name.replace(" ", ""): scheme for name, scheme in whole["components"]["securitySchemes"].items()}
    paths: dict[str, Any] = {}
    for path, methods in whole["paths"].items():
        shared = methods.get("parameters", [])
        for method, described in methods.items():
            if unnamed(f"{method.upper()} {path}") in named:
                resolved = _without_references(described)
                resolved["parameters"] = _without_references(shared) + resolved.get("parameters", [])
                resolved["security"] = [
                    {name.replace(" ", ""): scopes for name, scopes in option.items()}
                    for option in described["security"]
                ]
                paths.setdefault(path, {})[method] = resolved
    return {
        "openapi": whole["openapi"],
        "info": whole["info"],
        "servers": whole["servers"],
        "components": {"securitySchemes": schemes},
        "paths": paths,
    }


@cache
def corrected_description() -> dict[str, Any]:
    """Return the reduced description, where others know better with a value of whatever type."""
    corrected = copy.deepcopy(reduced_description())
    for operation in OPERATIONS:
        described = corrected["paths"].get(operation.path, {}).get(operation.method.lower())
        if described is None:
            continue
        sent, answered = (
            part.get("content", {}).get("application/json", {}).get("schema", {})
            for part in (described.get("requestBody", {}), described["responses"].get(str(operation.status), {}))
        )
        sent.get("properties", {}).update(
            {given.name: {} for given in operation.of("body") if given.described is not None}
        )
        _open_fields(answered, operation.answer)
    return corrected


def _open_fields(schema: dict[str, Any], told: Type) -> None:
    if isinstance(told, ListOf):
        _open_fields(schema.get("items", {}), told.items)
    if isinstance(told, Shape):
        known = [field for field in told.fields if field.name in schema.get("properties", {})]
        for field in known:
            if field.described is not None:
                schema["properties"][field.name] = {}
            else:
                _open_fields(schema["properties"][field.name], field.type)


@cache
def extended_description() -> dict[str, Any]:
    """Return the reduced description with all that the table has from elsewhere, of whatever type."""
    extended = copy.deepcopy(corrected_description())
    for operation in OPERATIONS:
        described = extended["paths"].get(operation.path, {}).get(operation.method.lower())
        if described is None:
            continue
        for response in described["responses"].values():
            schema = response.get("content", {}).get("application/json", {}).get("schema")
            if schema is not None and response is described["responses"].get(str(operation.status)):
                _extend(schema, operation.answer)
            elif schema is not None:
                schema["properties"]["request_id"] = {}
        schema = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        for given in operation.of("body"):
            if given.source != "description":
                schema.setdefault("properties", {})[given.name] = {}
    return extended


def _extend(schema: dict[str, Any], told: Type) -> None:
    if isinstance(told, ListOf):
        _extend(schema.get("items", {}), told.items)
    if isinstance(told, Shape) and "properties" in schema:
        for field in told.fields:
            if field.described is not None or field.name not in schema["properties"]:
                schema["properties"][field.name] = {}
            else:
                _extend(schema["properties"][field.name], field.type)


def described_operation(operation: Operation) -> Mapping[str, Any]:
    """Return the description of an operation.

    Raises:
        LookupError: There is none.
    """
    for path, methods in reduced_description()["paths"].items():
        if path == operation.path and operation.method.lower() in methods:
            return cast("Mapping[str, Any]", methods[operation.method.lower()])
    raise LookupError(f"{operation.name} is not described")


def described_answer(operation: Operation) -> Mapping[str, Any] | None:
    """Return the schema of what an operation answers if it succeeds; None if that has no body."""
    responses = described_operation(operation)["responses"]
    content = responses.get(str(operation.status), {}).get("content")
    return None if content is None else cast("Mapping[str, Any]", content["application/json"]["schema"])


def type_of(schema: Mapping[str, Any], *, parameter: bool = False) -> Type:
    """Return a JSON schema as a type of the table.

    Args:
        schema: The schema.
        parameter: Whether it is that of a parameter, which is sent as a text whatever it is.
    """
    kind, nullable = schema.get("type"), False
    if isinstance(kind, list):
        kind, nullable = cast("list[str]", kind)[0], True
    found: Type
    if kind is None:
        found = ANYTHING
    elif kind == "array":
        found = ListOf(type_of(schema.get("items", {})))
    elif kind == "object":
        found = _type_of_object(schema)
    elif kind == "string":
        words = tuple(schema.get("enum", ()))
        found = MOMENT if schema.get("format") == "date-time" else text(*words)
        if parameter and words == ("true", "false"):
            found = BOOLEAN
    else:
        found = {"integer": INTEGER, "number": NUMBER, "boolean": BOOLEAN}[kind]
    return found.or_null() if nullable else found


def _type_of_object(schema: Mapping[str, Any]) -> Type:
    others = schema.get("additionalProperties", False)
    if "properties" in schema:
        fields = (Field(name, type_of(given)) for name, given in schema["properties"].items())
        return shape(*fields, open=others is not False)
    return MapOf(type_of(cast("Mapping[str, Any]", others))) if isinstance(others, dict) else OBJECT


@cache
def documented_answers() -> tuple[Given, ...]:
    """Return the example answers of the operations in the table."""
    documented = json.loads((FOLDER / "documented-answers.json").read_text(encoding="utf-8"))
    return tuple(_given(documented))


def _given(documented: list[dict[str, Any]]) -> Iterator[Given]:
    by_name = {unnamed(operation.name): operation for operation in OPERATIONS}
    for page in documented:
        operation = by_name.get(unnamed(f"{page['method']} {page['path']}"))
        for example in page["examples"] if operation is not None else ():
            assert operation is not None
            yield Given(operation, example["label"], example["status"], example["body"])
