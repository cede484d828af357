"""The models: the parameters of an action as a sequence with checks, and what all models have in common."""

import contextlib
import copy
import math
import pickle
import uuid
from collections.abc import Callable, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

import attrs
import pytest

from refold_async import (
    Action,
    ActionParameter,
    ActionParameters,
    ActionResult,
    ParameterError,
    ResponseMeta,
    WorkflowExecution,
)

EMAIL: Final = ActionParameter("email", "Email", True, "email")
NAME: Final = ActionParameter("name", "Full name", True, "text")
NOTES: Final = ActionParameter("notes", "Notes", False, "textarea")
AGE: Final = ActionParameter("age", None, None, "number")
PARAMETERS: Final = ActionParameters("hubspot", "create_contact", (EMAIL, NAME, NOTES, AGE))


def test_a_sequence() -> None:
    """Parameters are counted, iterated over, indexed and sliced like any sequence."""
    assert isinstance(PARAMETERS, Sequence)
    assert len(PARAMETERS) == 4
    assert list(PARAMETERS) == [EMAIL, NAME, NOTES, AGE]
    assert list(reversed(PARAMETERS)) == [AGE, NOTES, NAME, EMAIL]
    assert (PARAMETERS[0], PARAMETERS[-1]) == (EMAIL, AGE)
    assert list(PARAMETERS[1:3]) == [NAME, NOTES]
    assert NOTES in PARAMETERS
    assert ActionParameter("other") not in PARAMETERS
    assert (PARAMETERS.index(NOTES), PARAMETERS.count(NOTES)) == (2, 1)
    with pytest.raises(IndexError):
        PARAMETERS[4]


def test_an_action_without_parameters() -> None:
    """An action may take none: the sequence is empty, and nothing is all it accepts."""
    none = ActionParameters("hubspot", "ping", ())
    assert not none
    none.validate({})
    with pytest.raises(ParameterError, match="'x' is unknown"):
        none.validate({"x": 1})


@pytest.mark.parametrize(
    "values",
    [
        {"email": "a", "name": "b"},
        {"email": "a", "name": "b", "notes": None, "age": 5},
        {"email": "", "name": "", "age": "5"},
        MappingProxyType({"email": "a", "name": "b"}),
    ],
    ids=repr,
)
def test_valid_values(values: Any) -> None:
    """What is required is there, empty or not; the rest may be None or left out."""
    PARAMETERS.validate(values)


@pytest.mark.parametrize(
    ("values", "missing", "unknown"),
    [
        ({}, ("email", "name"), ()),
        ({"email": "a"}, ("name",), ()),
        ({"email": None, "name": "b"}, ("email",), ()),
        ({"email": "a", "name": "b", "colour": 1}, (), ("colour",)),
        ({"colour": 1, "zip": 2, "email": "a"}, ("name",), ("colour", "zip")),
        ({"email": "a", "name": "b", 5: 1}, (), ("5",)),
        ({"email": False, "name": "b", "colour": []}, (), ("colour",)),
    ],
    ids=repr,
)
def test_invalid_values(values: Any, missing: tuple[str, ...], unknown: tuple[str, ...]) -> None:
    """Every missing and every unknown field is named, in the message and for programs."""
    with pytest.raises(ParameterError) as caught:
        PARAMETERS.validate(values)
    error = caught.value
    assert (error.missing, error.unknown) == (missing, unknown)
    assert "action 'create_contact' of app 'hubspot'" in error.message
    for name in missing:
        assert f"{name!r} is required and missing" in error.message
    for name in unknown:
        assert f"{name!r} is unknown" in error.message
    assert error.effect == "none"


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("e_mail", "did you mean 'email'?"),
        ("emial", "did you mean 'email'?"),
        ("Name", "did you mean 'name'?"),
        ("note", "did you mean 'notes'?"),
        ("xyzzy", None),
    ],
)
def test_did_you_mean(given: str, hint: str | None) -> None:
    """A name close to one that exists gets a hint; another gets none."""
    with pytest.raises(ParameterError) as caught:
        PARAMETERS.validate({"email": "a", "name": "b", given: "c"})
    if hint is None:
        assert "did you mean" not in caught.value.message
    else:
        assert f"{given!r} is unknown ({hint})" in caught.value.message


class Colour(Enum):
    """An enum, which is sent as its values."""

    RED = "red"
    ONE = 1


ONE: Final = uuid.UUID(int=1)
FITTING: Final[dict[str, list[Any]]] = {
    "text": ["", "a", Colour.RED, ONE],
    "textarea": ["a"],
    "select": ["a"],
    "password": ["a"],
    "email": ["anything"],
    "url": ["anything"],
    "date": ["tomorrow"],
    "number": [0, -1.5, "1", " 1.5e3 ", "-2", 2**70, Colour.ONE, math.nan],
    "map": [{}, {"a": [1]}, MappingProxyType({"a": 1})],
    "json": [True, 1, "a", [], {}],
    "hologram": [True, 1, "a", [], {}],
}
"""Values of each type of parameter."""
MISFITTING: Final[dict[str, list[Any]]] = {
    "text": [True, 1, 1.5, ["a"], ("a",), {"a": 1}, Colour.ONE],
    "textarea": [1],
    "select": [["a"]],
    "password": [1],
    "email": [5, ["a@b.c"]],
    "url": [{}],
    "date": [20260101],
    "number": ["", "one", "1,5", "1_000", "nan", "inf", "\N{FULLWIDTH DIGIT ONE}", True, [1], {"a": 1}, Colour.RED],
    "map": ["{}", [["a", 1]], 5, False],
}
"""Values of another type."""


def of_type(kind: str | None) -> ActionParameters:
    """Return the parameters of an action with one parameter, which is required."""
    return ActionParameters("app", "act", (ActionParameter("x", required=True, type=kind),))


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in FITTING.items() for value in values])
def test_a_value_of_the_right_type(kind: str, value: Any) -> None:
    """It passes, whatever its content. What is not sent as JSON is refused when it is sent, and not here."""
    of_type(kind).validate({"x": value})
    of_type(kind).validate({"x": object()})
    of_type(None).validate({"x": value})


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in MISFITTING.items() for value in values])
def test_a_value_of_the_wrong_type(kind: str, value: Any) -> None:
    """The error names the parameter, what it must be, and what it is."""
    with pytest.raises(ParameterError, match=r"'x' must be an? (string|number|object), not an? \w+\.$") as caught:
        of_type(kind).validate({"x": value})
    assert (caught.value.missing, caught.value.unknown, caught.value.mistyped) == ((), (), ("x",))
    assert (caught.value.slug, caught.value.action_id) == ("app", "act")


def test_every_known_type_is_tried() -> None:
    """A type that the JSON Schema narrows has values that fit, and values that do not."""
    narrowed = {kind for kind in FITTING if "type" in of_type(kind).json_schema()["properties"]["x"]}
    assert narrowed == MISFITTING.keys()


def test_the_schema_accepts_nothing_that_validate_refuses() -> None:
    """Whoever keeps to the JSON Schema passes the check."""
    jsonschema = pytest.importorskip("jsonschema")
    for kind, values in {**FITTING, **MISFITTING}.items():
        schema = of_type(kind).json_schema()
        for value in values:
            with contextlib.suppress(jsonschema.ValidationError):
                jsonschema.validate({"x": value}, schema)
                of_type(kind).validate({"x": value})


@pytest.mark.parametrize(
    "values",
    [None, [], [("email", "a")], "email", 5, b"{}", {"email"}, object()],
    ids=lambda values: type(values).__name__,
)
def test_no_mapping(values: Any) -> None:
    """Anything that is no mapping of names to values is refused as such."""
    with pytest.raises(ParameterError, match="parameters must be a mapping of names to values"):
        PARAMETERS.validate(values)


def test_all_problems_in_one_error() -> None:
    """One message has all of them."""
    with pytest.raises(ParameterError) as caught:
        PARAMETERS.validate({"email": ["a"], "nme": "b", "age": {}})
    assert caught.value.message == (
        "parameters do not fit action 'create_contact' of app 'hubspot': 'name' is required and missing; 'nme' is "
        "unknown (did you mean 'name'?); 'email' must be a string, not a list; 'age' must be a number, not an object."
    )


def test_json_schema() -> None:
    """The schema is an object with the parameters in their order, and nothing beside them."""
    assert PARAMETERS.json_schema() == {
        "type": "object",
        "properties": {
            "email": {"type": "string", "format": "email", "title": "Email"},
            "name": {"type": "string", "title": "Full name"},
            "notes": {"type": "string", "title": "Notes"},
            "age": {"type": "number"},
        },
        "required": ["email", "name"],
        "additionalProperties": False,
    }
    assert list(PARAMETERS.json_schema()["properties"]) == ["email", "name", "notes", "age"]


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        ("text", {"type": "string"}),
        ("textarea", {"type": "string"}),
        ("select", {"type": "string"}),
        ("password", {"type": "string", "format": "password"}),
        ("email", {"type": "string", "format": "email"}),
        ("url", {"type": "string", "format": "uri"}),
        ("date", {"type": "string", "format": "date"}),
        ("number", {"type": "number"}),
        ("map", {"type": "object"}),
        ("json", {}),
        ("hologram", {}),
        (None, {}),
    ],
)
def test_json_schema_of_a_type(kind: str | None, schema: dict[str, str]) -> None:
    """A type that is known becomes its JSON type; what may be anything, or is new, is not narrowed."""
    parameters = ActionParameters("app", "act", (ActionParameter("x", type=kind),))
    assert parameters.json_schema()["properties"] == {"x": schema}


def test_json_schema_of_no_parameters() -> None:
    """An action without parameters takes an empty object."""
    assert ActionParameters("app", "act", ()).json_schema() == {
        "type": "object",
        "properties": {},
        "required": [],
        "additionalProperties": False,
    }


def test_json_schemas_are_the_callers_to_change() -> None:
    """A schema that was changed does not change the next one."""
    schema = PARAMETERS.json_schema()
    schema["properties"]["email"]["format"] = "changed"
    schema["required"].clear()
    assert PARAMETERS.json_schema()["properties"]["email"]["format"] == "email"
    assert PARAMETERS.json_schema()["required"] == ["email", "name"]


RAW: Final = {"name": "email", "new_field": [1]}
MODELS: Final[list[Any]] = [
    Action("get_contact", "Get contact", "Reads one.", "Contacts", raw={"action_id": "get_contact", "version": 2}),
    ActionParameter("email", "Email", True, "email", raw=RAW),
    PARAMETERS,
    ActionResult("Success", {"id": 1}, 200, raw={"node_status": "Success", "data": {"id": 1}}),
    WorkflowExecution("exec_1", None, {"total": 3}, False, 200, None, raw={"execution_id": "exec_1"}),
]
each_model: Final = pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)


COPIES: Final[dict[str, Callable[[Any], Any]]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
}


@each_model
def test_frozen(model: Any) -> None:
    """Models are not changed, and take no misspelled attributes."""
    for name in [*attrs.asdict(model), "misspelled"]:
        with pytest.raises((attrs.exceptions.FrozenInstanceError, AttributeError)):
            setattr(model, name, 5)
    assert not hasattr(model, "__dict__")


@each_model
@pytest.mark.parametrize("again", COPIES.values(), ids=COPIES)
def test_copies(model: Any, again: Any) -> None:
    """Models cross processes, with what they came from."""
    twin = again(model)
    assert type(twin) is type(model)
    assert twin == model
    assert attrs.asdict(twin, recurse=False) == attrs.asdict(model, recurse=False)


def test_pickles_of_earlier_versions() -> None:
    """They name `refold_async.models`, or its module `results`, as the home of results."""
    for model in (ActionResult("Errored", {"a": 1}, 404, raw={"x": 1}), WorkflowExecution("exec_1")):
        home = type(model).__module__.encode()
        for earlier in (b"refold_async.models", b"refold_async.models.results"):
            assert pickle.loads(pickle.dumps(model, 0).replace(home, earlier)) == model


def test_equality_leaves_out_where_it_came_from() -> None:
    """Two actions are equal by what they say, however much else came along."""
    assert Action("a", raw={"x": 1}) == Action("a", raw={"x": 2})
    assert Action("a") != Action("b")
    assert ActionResult("Success", [1]) == ActionResult("Success", [1], raw={"x": 1})
    assert ActionResult("Success", [1]) != ActionResult("Success", [2])
    assert ActionParameters("a", "b", (EMAIL,)) != ActionParameters("a", "c", (EMAIL,))
    assert ActionParameters("a", "b", (EMAIL,)) != ActionParameters("a", "b", (NAME,))


def test_hashes() -> None:
    """What holds nothing that changes can be a key."""
    assert len({Action("a", raw={"x": 1}), Action("a"), Action("b")}) == 2
    assert len({EMAIL, attrs.evolve(EMAIL, raw=RAW), NAME}) == 2
    assert len({PARAMETERS, ActionParameters("hubspot", "create_contact", tuple(PARAMETERS))}) == 1


@each_model
def test_reprs_are_short(model: Any) -> None:
    """A log line has what a model says, and not also the JSON that it came from."""
    assert repr(model).startswith(type(model).__name__)
    assert "raw=" not in repr(model)


def test_missing_fields() -> None:
    """What a response did not have is None, and `raw` is empty."""
    action: dict[str, Any] = {
        "action_id": "a",
        "name": None,
        "description": None,
        "tag": None,
        "meta": attrs.asdict(ResponseMeta()),
        "raw": {},
    }
    assert attrs.asdict(Action("a")) == action
    assert attrs.asdict(ActionParameter("a")) == {"name": "a", "label": None, "required": None, "type": None, "raw": {}}
    execution = attrs.asdict(WorkflowExecution("e"))
    assert execution.pop("execution_id") == "e"
    assert execution.pop("raw") == {}
    assert execution.pop("meta")["attempts"] == 0
    assert set(execution.values()) == {None}


def test_the_repr_of_a_file() -> None:
    """Of a file that an action gave, it shows the length."""
    result = ActionResult("Success", bytes(10_000_000), 200)
    assert repr(result) == "ActionResult(node_status='Success', data=<10,000,000 bytes>, http_status=200)"
