"""The models: the parameters of an action as a sequence with checks, and what all models have in common."""

import copy
import pickle
from collections.abc import Callable, Sequence
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
        {"email": "", "name": 0},
        {"email": False, "name": []},
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
    """They name `refold_async.models` as the home of results."""
    for model in (ActionResult("Errored", {"a": 1}, 404, raw={"x": 1}), WorkflowExecution("exec_1")):
        earlier = pickle.dumps(model, 0).replace(b"refold_async.models.results", b"refold_async.models")
        assert pickle.loads(earlier) == model


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
