"""The operations of a description in the form of the table."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

from contract.facts.table import (
    ANYTHING,
    BOOLEAN,
    INTEGER,
    MOMENT,
    NOTHING,
    NUMBER,
    OBJECT,
    Field,
    Input,
    ListOf,
    MapOf,
    Operation,
    Place,
    Refusal,
    Security,
    Type,
    shape,
    text,
)

__all__ = ["operations_of", "read_description", "type_of", "without_references"]

_SCHEMES: Final[Mapping[str, Security]] = {"OrgAPIKey": "key", "LinkedAccountToken": "token"}
_PLACES: Final[Mapping[str, Place]] = {"path": "path", "query": "query", "header": "header"}


def read_description(path: Path) -> Mapping[str, Any]:
    """Read a description from a file."""
    import yaml

    with path.open("rb") as file:
        return cast("Mapping[str, Any]", yaml.load(file, yaml.CSafeLoader))


def without_references(part: Any, whole: Mapping[str, Any]) -> Any:
    """Return a part of a description with all it refers to in place, and each `allOf` made one object."""
    if isinstance(part, list):
        return [without_references(item, whole) for item in cast("Sequence[Any]", part)]
    if not isinstance(part, dict):
        return part
    fields = cast("dict[str, Any]", part)
    if "$ref" in fields:
        target: Any = whole
        for name in fields["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        return without_references(target, whole)
    resolved = {name: without_references(item, whole) for name, item in fields.items()}
    if "allOf" in resolved:
        properties = [schema.get("properties", {}) for schema in [*resolved.pop("allOf"), resolved]]
        resolved["properties"] = {name: schema for given in properties for name, schema in given.items()}
        resolved["type"] = "object"
    if resolved.get("type") == "object" and "properties" not in resolved:
        resolved.setdefault("additionalProperties", True)  # an object without fields of its own has fields of any name
    if resolved.pop("nullable", False) is True and "type" in resolved:
        resolved["type"] = [resolved["type"], "null"]  # version 3.1 does not know `nullable`
    return resolved


def operations_of(whole: Mapping[str, Any]) -> dict[str, Operation]:
    """Return the operations of a description by their names."""
    found = (
        _operation(method.upper(), path, [*methods.get("parameters", ()), *described.get("parameters", ())], whole)
        for path, methods in whole["paths"].items()
        for method, described in methods.items()
        if method != "parameters"
    )
    return {operation.name: operation for operation in found}


def _operation(method: str, path: str, parameters: Sequence[Any], whole: Mapping[str, Any]) -> Operation:
    described = without_references(whole["paths"][path][method.lower()], whole)
    body: Mapping[str, Any] = described.get("requestBody", {})
    sent = _schema(body) or {}
    fields = tuple(
        Input("body", name, type_of(given), required=name in sent.get("required", ()))
        for name, given in sent.get("properties", {}).items()
    )
    statuses = [int(status) for status in described["responses"] if str(status).isdecimal()]
    status = min(statuses, default=200)
    answer = _schema(described["responses"].get(str(status), {}))
    options: Sequence[Mapping[str, Any]] = described.get("security", whole.get("security", ()))
    return Operation(
        method,
        path,
        tuple(dict.fromkeys(_SCHEMES[name.replace(" ", "")] for option in options for name in option)),
        NOTHING if answer is None else type_of(answer),
        (*_inputs(without_references(parameters, whole)), *fields),
        tuple(Refusal(other, "either", None, "description", error_type="") for other in statuses if other != status),
        bool(sent.get("additionalProperties")),
        status=status,
        optional_body=bool(fields) and not body.get("required"),
    )


def _schema(part: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the schema of a body, or None if there is no body."""
    content = part.get("content")
    return None if content is None else cast("Mapping[str, Any]", content["application/json"]["schema"])


def _inputs(parameters: Sequence[Mapping[str, Any]]) -> Iterator[Input]:
    for given in parameters:
        kind = type_of(given["schema"], parameter=True)
        yield Input(_PLACES[given["in"]], given["name"], kind, required=bool(given.get("required")))


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
