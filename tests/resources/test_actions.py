"""The parsers of actions and of their parameters: models, or the error for a response of another shape."""

import json
from typing import Any, Final

import pytest

from refold_async import Action, ActionParameter, ActionParameters, APIResponseValidationError
from refold_async.faults import Fault
from refold_async.resources.actions import parse_actions
from support.responses import DESCRIPTION, LISTING, error_from, json_response, parse_parameters

# list_actions


ACTIONS: Final = [
    {"action_id": "get_contact", "name": "Get contact", "description": "Reads one.", "tag": "Contacts"},
    {"action_id": "httprequest", "name": "HTTP request", "description": "Sends any."},
]


@pytest.mark.parametrize(
    "shape", [ACTIONS, {"actions": ACTIONS}, {"actions": ACTIONS, "total": 2}], ids=["list", "object", "more"]
)
def test_actions(shape: Any) -> None:
    """Actions come as a list, or in an object that holds it."""
    assert parse_actions(json_response(shape), LISTING) == [
        Action("get_contact", "Get contact", "Reads one.", "Contacts"),
        Action("httprequest", "HTTP request", "Sends any.", None),
    ]


def test_no_actions() -> None:
    """An app may have none."""
    assert parse_actions(json_response([]), LISTING) == []


def test_actions_drift() -> None:
    """Of an action only its id is needed, and what is new can be reached."""
    bare = {"action_id": "a"}
    fuller = {"action_id": "b", "name": None, "version": 2, "schema": {"x": [1]}}
    actions = parse_actions(json_response([bare, fuller]), LISTING)
    assert actions == [Action("a"), Action("b")]
    assert [action.raw for action in actions] == [bare, fuller]


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"docs": []}, "@ actions."),
        ({"actions": None}, "@ actions."),
        (None, "@ actions."),
        ("get_contact", "@ actions."),
        (["get_contact"], "@ actions[0]"),
        ([{"action_id": "a"}, {"name": "b"}], "@ actions[1].action_id"),
        ([{"action_id": 5}], "@ actions[0].action_id"),
        ([{"action_id": f"a{n}"} for n in range(499)] + [{"action_id": 7}], "@ actions[499].action_id"),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
def test_actions_of_another_shape(value: Any, place: str) -> None:
    """A response that cannot be read says where, as far back as the last of 500 actions."""
    error = error_from(APIResponseValidationError, parse_actions, json_response(value), LISTING)
    assert place in error.message
    assert "app 'hubspot'" in error.message
    assert (error.status_code, error.body, error.result, error.fault) == (200, value, None, Fault.UNREADABLE)


def test_actions_with_an_odd_field() -> None:
    """What is not needed and no text is taken for missing; `raw` has it."""
    odd = {"action_id": "a", "name": True, "description": ["x"], "tag": None}
    (action,) = parse_actions(json_response([odd]), LISTING)
    assert action == Action("a")
    assert action.raw == odd


# get_action_parameters


def test_parameters() -> None:
    """Parameters keep Refold's order, and know which action they are of."""
    value = [
        {"name": "email", "label": "Email", "required": True, "type": "email"},
        {"name": "extra", "label": "Extra", "required": False, "type": "json"},
    ]
    assert parse_parameters(json_response(value), DESCRIPTION) == ActionParameters(
        "hubspot",
        "create_contact",
        (ActionParameter("email", "Email", True, "email"), ActionParameter("extra", "Extra", False, "json")),
    )


def test_parameters_drift() -> None:
    """Of a parameter only its name is needed; types are an open set; what is new can be reached."""
    value = [{"name": "a"}, {"name": "b", "required": None, "type": "hologram", "options": [1]}]
    parameters = parse_parameters(json_response(value), DESCRIPTION)
    assert list(parameters) == [ActionParameter("a"), ActionParameter("b", None, None, "hologram")]
    assert [parameter.raw for parameter in parameters] == value


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"name": "email"}, "@ parameters."),
        ([{"label": "Email"}], "@ parameters[0].name"),
        ([{"name": "a", "required": "yes"}], "@ parameters[0].required"),
    ],
    ids=repr,
)
def test_parameters_of_another_shape(value: Any, place: str) -> None:
    """A response that cannot be read says where."""
    error = error_from(APIResponseValidationError, parse_parameters, json_response(value), DESCRIPTION)
    assert place in error.message
    assert error.body == value
