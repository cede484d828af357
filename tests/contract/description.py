"""Refold's official description, and the example answers of its documentation, where they are at hand."""

import copy
import json
import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import pytest

from contract.described_operations import operations_of, read_description, without_references
from contract.facts import OPERATIONS
from contract.facts.table import (
    ListOf,
    Operation,
    Shape,
    Type,
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
    "operations",
    "reduced_description",
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
    return read_description(FOLDER / "openapi.yaml")


@cache
def operations() -> Mapping[str, Operation]:
    """Return the operations of the description in the form of the table, by their names."""
    return operations_of(_whole())


def described_operations() -> frozenset[str]:
    """Return the names of all operations of the description."""
    return frozenset(operations())


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
                resolved = without_references(described, whole)
                resolved["parameters"] = without_references(shared, whole) + resolved.get("parameters", [])
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
