"""The checks find what is wrong: one that passes everything would hold nobody to anything."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

import attrs

from contract.attributes import losses
from contract.conformance import body_shape, misfits, parameter_misfits
from contract.described_operations import type_of
from contract.facts.table import (
    ANYTHING,
    BOOLEAN,
    INTEGER,
    MOMENT,
    NUMBER,
    OBJECT,
    TEXT,
    Field,
    ListOf,
    MapOf,
    Refusal,
    Type,
    body,
    query,
    shape,
    text,
)
from contract.problems import fits
from contract.samples import sample
from refold_async.models.model import Model
from support.cases import each_case

MOMENTS: Final = ("2026-06-16T13:15:00.887Z", datetime(2026, 6, 16, 13, 15, 0, 887_000, tzinfo=UTC))
PERSON: Final = shape(Field("name", TEXT), Field("age", INTEGER, optional=True), Field("born", MOMENT.or_null()))
# fmt: off
FITTING: Final[tuple[tuple[Any, Type], ...]] = (
    ("a", TEXT), ("", TEXT), (5, INTEGER), (5, NUMBER), (5.5, NUMBER), (True, BOOLEAN), ({}, OBJECT), (None, ANYTHING),
    (MOMENTS[0], MOMENT), (None, MOMENT.or_null()), ("b", text("a", "b")), ([], ListOf(TEXT)), (["a"], ListOf(TEXT)),
    ({"any": [1]}, MapOf(ListOf(INTEGER))), ({"name": "a", "born": None}, PERSON),
    ({"name": "a", "born": MOMENTS[0], "age": 5}, PERSON), ({"other": 1}, shape(open=True)),
)
MISFITTING: Final[tuple[tuple[Any, Type, str], ...]] = (
    (5, TEXT, "of kind text"), (None, TEXT, "is null"), ("5", INTEGER, "integer"), (True, INTEGER, "integer"),
    (5.0, INTEGER, "integer"), (True, NUMBER, "number"), (1, BOOLEAN, "boolean"), ([], OBJECT, "object"),
    ("2026-06-16", MOMENT, "moment"), ("2026-06-16T13:15:00", MOMENT, "moment"), ("T", MOMENT, "moment"),
    ("c", text("a", "b"), "one of a, b"), ({}, ListOf(TEXT), "list"), (["a", 5], ListOf(TEXT), r"[] is 5"),
    ({"any": 5}, MapOf(TEXT), "[] is 5"), ([], MapOf(TEXT), "object"), ([], PERSON, "object"),
    ({"name": "a"}, PERSON, "born is missing"), ({"born": None}, PERSON, "name is missing"),
    ({"name": "a", "born": None, "shoes": 5}, PERSON, "shoes is not in the table"),
    ([{"name": 5, "born": None}], ListOf(PERSON), "[].name is 5"),
)
# fmt: on


@each_case(("value", "expected"), FITTING)
def test_values_that_fit(value: Any, expected: Type) -> None:
    """Are found fitting."""
    assert misfits(value, expected, complete=True) == []


@each_case(("value", "expected", "said"), MISFITTING)
def test_values_that_do_not_fit(value: Any, expected: Type, said: str) -> None:
    """Are told, with what should be there."""
    found = misfits(value, expected, complete=True)
    assert len(found) == 1
    assert said in found[0]


def test_what_is_missing_where_not_all_is_asked_for() -> None:
    """Is no misfit."""
    assert misfits({}, PERSON, complete=False) == []


def test_parameters_and_bodies() -> None:
    """Parameters are sent as texts that spell their type; a body may be open."""
    number, flag, day = query("limit", INTEGER), query("published", BOOLEAN), query("start_date", MOMENT)
    fitting = [("5", number), ("true", flag), ("2026-06-16", day), (MOMENTS[0], day), ("a", query("scope", text("a")))]
    for spelled, parameter in fitting:
        assert not parameter_misfits(spelled, parameter)
    misfitting = [("five", number), ("True", flag), ("today", day), ("b", query("scope", text("a")))]
    for spelled, parameter in misfitting:
        assert len(parameter_misfits(spelled, parameter)) == 1
    fields = (body("name", required=True), body("age", INTEGER))
    assert misfits({"age": 5}, body_shape(fields, free=False), complete=True) == ["name is missing"]
    assert misfits({"name": "a", "b": 5}, body_shape(fields, free=False), complete=True) == ["b is not in the table"]
    assert misfits({"name": "a", "b": 5}, body_shape(fields, free=True), complete=True) == []


def test_errors() -> None:
    """The code must be in its field, and the type the status's own unless the table says otherwise."""
    refusal = Refusal(404, "error", "SERVER_ERROR")
    assert fits({"error": "SERVER_ERROR", "http_error_type": "NOT_FOUND"}, refusal)
    assert not fits({"error_code": "SERVER_ERROR", "http_error_type": "NOT_FOUND"}, refusal)
    assert not fits({"error": "OTHER", "http_error_type": "NOT_FOUND"}, refusal)
    assert not fits({"error": "SERVER_ERROR", "http_error_type": "EXTERNAL_API_ERROR"}, refusal)
    assert fits({"error_code": "ANY", "http_error_type": "BAD_REQUEST"}, Refusal(400, "either", None))
    assert fits({"error": "in words", "message": "Server Error"}, Refusal(400, None, None))
    assert not fits({"error": "in words", "message": "Server Error"}, Refusal(400, "error", None))


@attrs.frozen
class Part(Model):
    """A part of a thing."""

    name: str | None = None


@attrs.frozen
class Thing(Model):
    """What a method could return."""

    thing_id: str | None = None
    name: str | None = None
    made_at: datetime | None = None
    kind: Literal["big", "small"] | None = None
    size: float | None = None
    anything: Any = None
    untyped: Any = None
    parts: list[Part] = attrs.field(factory=list[Part])
    by_name: Mapping[str, Part] | None = None
    bare: list | None = None  # type: ignore[type-arg] # pyright: ignore[reportMissingTypeArgument, reportUnknownVariableType]

    @property
    def loud(self) -> str:
        """The name, louder."""
        return (self.name or "").upper()


_PART: Final = shape(Field("name", TEXT))
# fmt: off
COMING_BACK: Final[tuple[tuple[Thing, dict[str, Any], Field], ...]] = (
    (Thing(thing_id="a"), {"_id": "a"}, Field("_id", TEXT, attribute="thing_id")),
    (Thing(made_at=MOMENTS[1]), {"madeAt": MOMENTS[0]}, Field("madeAt", MOMENT)),
    (Thing(), {"madeAt": None}, Field("madeAt", MOMENT.or_null())),
    (Thing(kind="big"), {"kind": "big"}, Field("kind", text("big", "small"))),
    (Thing(size=5), {"size": 5}, Field("size", INTEGER)),
    (Thing(anything=[1, {"a": None}]), {"anything": [1, {"a": None}]}, Field("anything", ANYTHING)),
    (Thing(parts=[Part("a")]), {"parts": [{"name": "a"}]}, Field("parts", ListOf(_PART))),
    (Thing(), {"parts": None}, Field("parts", ListOf(_PART).or_null())),
    (Thing(by_name={"a": Part("a")}), {"by_name": {"a": {"name": "a"}}}, Field("by_name", MapOf(_PART))),
    (Thing(name="a"), {"loud": "A"}, Field("loud", TEXT)),
)
LOST: Final[tuple[tuple[Thing, dict[str, Any], Field, str], ...]] = (
    (Thing(name="a"), {"name": "b"}, Field("name", TEXT), "should be 'b'"),
    (Thing(), {"name": "b"}, Field("name", TEXT), "is None"),
    (Thing(name="1"), {"name": 1}, Field("name", TEXT), "should be 1"),
    (Thing(), {"shoes": 5}, Field("shoes", INTEGER), "Thing has no shoes"),
    (Thing(), {"shoes": 5}, Field("name", TEXT), "shoes is not in the table"),
    (Thing(untyped="a"), {"untyped": "a"}, Field("untyped", TEXT), "declared as"),
    (Thing(untyped=[1]), {"untyped": [1]}, Field("untyped", ListOf(INTEGER)), "declared as"),
    (Thing(bare=[1]), {"bare": [1]}, Field("bare", ListOf(INTEGER)), "container of whatever"),
    (Thing(name="a"), {"name": "a"}, Field("name", INTEGER), "not as integer"),
    (Thing(anything=True), {"anything": 1}, Field("anything", ANYTHING), "should be 1"),
    (Thing(anything=[{"a": True}]), {"anything": [{"a": 1}]}, Field("anything", ANYTHING), "should be"),
    (Thing(made_at=MOMENTS[1]), {"madeAt": "2027-06-16T13:15:00.887Z"}, Field("madeAt", MOMENT), "2027"),
    (Thing(parts=[Part("a")]), {"parts": [{"name": "b"}]}, Field("parts", ListOf(_PART)), "parts[].name"),
    (Thing(parts=[Part("a")]), {"parts": []}, Field("parts", ListOf(_PART)), "0 items"),
    (Thing(by_name={"a": Part("a")}), {"by_name": {"b": {"name": "a"}}}, Field("by_name", MapOf(_PART)), "b"),
)
# fmt: on


@each_case(("thing", "value", "field"), COMING_BACK)
def test_fields_that_come_back(thing: Thing, value: dict[str, Any], field: Field) -> None:
    """Are found by the attribute that the table names, or by their name in snake_case."""
    assert losses(thing, value, shape(field)) == []


@each_case(("thing", "value", "field", "said"), LOST)
def test_fields_that_are_lost(thing: Thing, value: dict[str, Any], field: Field, said: str) -> None:
    """Are told: missing attributes, other values, declarations that say nothing."""
    found = losses(thing, value, shape(field))
    assert len(found) == 1
    assert said in found[0]


def test_samples() -> None:
    """They have every field, fit, and no two of a list are alike."""
    expected = shape(Field("people", ListOf(PERSON)), Field("of", MapOf(TEXT)), Field("kind", text("a", "b")))
    made = sample(expected)
    assert misfits(made, expected, complete=True) == []
    assert made["people"][0] != made["people"][1]
    assert made["people"][0].keys() == {"name", "age", "born"}
    assert sample(expected, how="with nulls")["people"][0]["born"] is None
    assert sample(expected, how="bare")["people"][0].keys() == {"name", "born"}


# fmt: off
SCHEMAS: Final[tuple[tuple[dict[str, Any], Type], ...]] = (
    ({"type": "string"}, TEXT), ({"type": "string", "format": "uri"}, TEXT), ({}, ANYTHING),
    ({"type": "string", "format": "date-time"}, MOMENT), ({"type": ["string", "null"]}, TEXT.or_null()),
    ({"type": "string", "enum": ["a", "b"]}, text("a", "b")), ({"type": "integer", "enum": [0, 1]}, INTEGER),
    ({"type": "object"}, OBJECT), ({"type": "object", "additionalProperties": True}, OBJECT),
    ({"type": "object", "additionalProperties": {"type": "string"}}, MapOf(TEXT)),
    ({"type": "array", "items": {"type": "number"}}, ListOf(NUMBER)),
    ({"type": "object", "properties": {"a": {"type": "boolean"}}}, shape(Field("a", BOOLEAN))),
    ({"type": "object", "additionalProperties": True, "properties": {"a": {}}}, shape(Field("a", ANYTHING), open=True)),
)
# fmt: on


@each_case(("schema", "expected"), SCHEMAS)
def test_schemas(schema: dict[str, Any], expected: Type) -> None:
    """Are read as types of the table."""
    assert type_of(schema) == expected
    assert type_of({"type": "string", "enum": ["true", "false"]}, parameter=True) == BOOLEAN
