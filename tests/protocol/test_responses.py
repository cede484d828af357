"""What is made of an answer: a typed value, or the error that tells what became of the call."""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypedDict, TypeVar

import attrs
import pytest

from refold_async import (
    Action,
    ActionFailedError,
    ActionParameter,
    ActionParameters,
    ActionResult,
    APIResponseValidationError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ReconnectRequiredError,
    RefoldError,
    UnprocessableEntityError,
    WorkflowExecution,
    WorkflowFailedError,
)
from refold_async.faults import Fault
from refold_async.protocol.endpoints import Request
from refold_async.protocol.responses import (
    Parser,
    Response,
    parse_action_parameters,
    parse_action_result,
    parse_actions,
    parse_value,
    parse_workflow_execution,
    read_retry_after,
)
from refold_async.retry_table import RULES
from support.responses import (
    ACTION,
    ANY_CALL,
    ASYNCHRONOUS_WORKFLOW,
    DESCRIPTION,
    LISTING,
    SYNCHRONOUS_WORKFLOW,
    json_answer,
    raw_answer,
)

E = TypeVar("E", bound=RefoldError)

read_result: Final[Parser[ActionResult[Any]]] = parse_action_result(Any)
read_parameters: Final = parse_action_parameters("hubspot", "create_contact")

READERS: Final[dict[str, tuple[Parser[Any], Request]]] = {
    "actions": (parse_actions, LISTING),
    "parameters": (read_parameters, DESCRIPTION),
    "action": (read_result, ACTION),
    "action into": (parse_action_result(list[int]), ACTION),
    "asynchronous workflow": (parse_workflow_execution, ASYNCHRONOUS_WORKFLOW),
    "synchronous workflow": (parse_workflow_execution, SYNCHRONOUS_WORKFLOW),
    "any": (parse_value(Any), ANY_CALL),
    "any into": (parse_value(list[int]), ANY_CALL),
}
each_reader: Final = pytest.mark.parametrize(("read", "call"), READERS.values(), ids=READERS)


def error_from(error_class: type[E], read: Parser[Any], answer: Response, call: Request) -> E:
    """Return the error that reading an answer raises, which must be of exactly this class, and chained to no other."""
    with pytest.raises(error_class) as caught:
        read(answer, call)
    error = caught.value
    assert type(error) is error_class
    assert error.__cause__ is None
    assert error.__context__ is None
    return error


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
    assert parse_actions(json_answer(shape), LISTING) == [
        Action("get_contact", "Get contact", "Reads one.", "Contacts"),
        Action("httprequest", "HTTP request", "Sends any.", None),
    ]


def test_no_actions() -> None:
    """An app may have none."""
    assert parse_actions(json_answer([]), LISTING) == []


def test_actions_drift() -> None:
    """Of an action only its id is needed, and what is new can be reached."""
    bare = {"action_id": "a"}
    fuller = {"action_id": "b", "name": None, "version": 2, "schema": {"x": [1]}}
    actions = parse_actions(json_answer([bare, fuller]), LISTING)
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
    """An answer that cannot be read says where, as far back as the last of 500 actions."""
    error = error_from(APIResponseValidationError, parse_actions, json_answer(value), LISTING)
    assert place in error.message
    assert "app 'hubspot'" in error.message
    assert (error.status_code, error.body, error.result, error.fault) == (200, value, None, Fault.UNREADABLE)


def test_actions_with_an_odd_field() -> None:
    """What is not needed and no text is taken for missing; `raw` has it."""
    odd = {"action_id": "a", "name": True, "description": ["x"], "tag": None}
    (action,) = parse_actions(json_answer([odd]), LISTING)
    assert action == Action("a")
    assert action.raw == odd


# get_action_parameters


def test_parameters() -> None:
    """Parameters keep Refold's order, and know which action they are of."""
    value = [
        {"name": "email", "label": "Email", "required": True, "type": "email"},
        {"name": "extra", "label": "Extra", "required": False, "type": "json"},
    ]
    assert read_parameters(json_answer(value), DESCRIPTION) == ActionParameters(
        "hubspot",
        "create_contact",
        (ActionParameter("email", "Email", True, "email"), ActionParameter("extra", "Extra", False, "json")),
    )


def test_parameters_drift() -> None:
    """Of a parameter only its name is needed; types are an open set; what is new can be reached."""
    value = [{"name": "a"}, {"name": "b", "required": None, "type": "hologram", "options": [1]}]
    parameters = read_parameters(json_answer(value), DESCRIPTION)
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
    """An answer that cannot be read says where."""
    error = error_from(APIResponseValidationError, read_parameters, json_answer(value), DESCRIPTION)
    assert place in error.message
    assert error.body == value


# execute_action: success


@pytest.mark.parametrize("data", [{"id": 1}, [1, "a", None], "text", "", 0, 1.5, True, None, {}, []], ids=repr)
@pytest.mark.parametrize("status", [200, 201, 202])
def test_action_result(data: Any, status: int) -> None:
    """Data comes as the app gave it, whatever it is."""
    value = {"node_status": "Success", "data": data, "http_status": 200}
    result = read_result(json_answer(value, status), ACTION)
    assert result == ActionResult("Success", data, 200)
    assert type(result.data) is type(data)
    assert result.raw == value


def test_action_result_drift() -> None:
    """Missing fields are None, and what is new can be reached."""
    value = {"node_status": "Success", "node_id": "n1"}
    result = read_result(json_answer(value), ACTION)
    assert result == ActionResult("Success", None, None)
    assert result.raw == value


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "Success",
        5,
        {},
        {"data": 1},
        {"node_status": None},
        {"node_status": ["Success"]},
        [{"node_status": "Success"}],
    ],
    ids=repr,
)
def test_action_result_of_another_shape(value: Any) -> None:
    """Without a node_status nobody knows whether the action ran."""
    error = error_from(APIResponseValidationError, read_result, json_answer(value), ACTION)
    assert "node_status" in error.message
    assert "action 'create_contact' of app 'hubspot'" in error.message
    assert (error.body, error.fault) == (value, Fault.UNREADABLE)
    assert RULES[Fault.UNREADABLE].effect == "unknown"


@attrs.frozen
class Contact:
    """A contact, as a caller may define it."""

    id: int
    email: str | None = None


class Address(TypedDict):
    """An address, as a caller may define it."""

    city: str


@pytest.mark.parametrize(
    ("into", "data", "structured"),
    [
        (Contact, {"id": 7, "email": "ada@example.com", "phone": "1"}, Contact(7, "ada@example.com")),
        (list[Contact], [{"id": 7}, {"id": 8}], [Contact(7), Contact(8)]),
        (Contact | None, None, None),
        (Address, {"city": "Graz"}, {"city": "Graz"}),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (str, "text", "text"),
    ],
    ids=repr,
)
def test_action_result_into(into: Any, data: Any, structured: Any) -> None:
    """`into=` structures the data, and nothing else of the result."""
    value = {"node_status": "Success", "data": data, "http_status": "201", "new": 1}
    result = parse_action_result(into)(json_answer(value), ACTION)
    assert result == ActionResult("Success", structured, 201)
    assert result.raw == value


@pytest.mark.parametrize(
    ("into", "data", "place", "type_name"),
    [
        (Contact, {"id": "7"}, "@ data.id", "Contact"),
        (list[Contact], [{"id": 7}, {"email": "x"}], "@ data[1].id", "list["),
        (list[int], None, "@ data.", "list[int]"),
        (Contact, {"id": 7, "email": 5}, "@ data.email", "Contact"),
    ],
)
def test_data_that_does_not_fit(into: Any, data: Any, place: str, type_name: str) -> None:
    """The action ran: the error says so, and keeps the result with its data as it came."""
    value = {"node_status": "Success", "data": data, "http_status": 201}
    error = error_from(APIResponseValidationError, parse_action_result(into), json_answer(value), ACTION)
    assert place in error.message
    assert f"into={type_name}" in error.message or f".{type_name}" in error.message
    assert error.result == ActionResult("Success", data, 201)
    assert error.result is not None
    assert error.result.raw == value
    assert (error.status_code, error.body, error.fault) == (200, value, Fault.MISFIT)
    assert RULES[Fault.MISFIT].effect == "done"


def test_data_of_a_failed_action_is_left_alone() -> None:
    """`into=` is for the data of success; a failure stays a failure, with the app's error as it came."""
    value = {"node_status": "Errored", "data": {"message": "no"}, "http_status": 404}
    error = error_from(ActionFailedError, parse_action_result(Contact), json_answer(value), ACTION)
    assert error.result == ActionResult("Errored", {"message": "no"}, 404)


# execute_action: failure


ABSENT: Final[Any] = "absent"
OTHERS: Final = ["Ready", "Waiting", "Stopped", "Rejected", "Errored_and_Skipped", "Timed_Out", "success", "", "Novel"]
OUTCOMES: Final[list[tuple[str, Any, Fault]]] = [
    *((word, ABSENT, Fault.APP_UNCLEAR) for word in ("Errored", "Failed", *OTHERS)),
    *((word, None, Fault.APP_UNCLEAR) for word in ("Errored", "Failed", "Waiting")),
    *(
        (word, code, Fault.APP_REFUSED)
        for word in ("Errored", "Failed")
        for code in (400, 401, 403, 404, 409, 422, 499)
    ),
    *((word, 429, Fault.APP_RATE_LIMITED) for word in ("Errored", "Failed")),
    *((word, code, Fault.APP_FAILED) for word in ("Errored", "Failed") for code in (500, 502, 503, 504, 599)),
    *((word, code, Fault.APP_UNCLEAR) for word in ("Errored", "Failed") for code in (200, 302)),
    *((word, code, Fault.APP_UNCLEAR) for word in OTHERS for code in (200, 400, 401, 429)),
    *((word, 503, Fault.APP_FAILED) for word in OTHERS),
]


@pytest.mark.parametrize("spelled", [int, str])
@pytest.mark.parametrize(("node_status", "http_status", "fault"), OUTCOMES)
def test_what_became_of_a_failed_action(
    node_status: str, http_status: Any, fault: Fault, spelled: Callable[[int], Any]
) -> None:
    """The app's own status tells whether the action ran, whether it comes as a number or as a string."""
    value: dict[str, Any] = {"node_status": node_status, "data": {"message": "It broke"}}
    if http_status is not ABSENT:
        value["http_status"] = None if http_status is None else spelled(http_status)
    with pytest.raises(ActionFailedError) as caught:
        read_result(json_answer(value), ACTION)
    error = caught.value
    status: int | None = None if http_status is ABSENT else http_status
    assert error.fault is fault
    assert error.result == ActionResult(node_status, {"message": "It broke"}, status)
    assert error.result is not None
    assert error.result.raw == value
    assert type(error) is (ReconnectRequiredError if http_status == 401 else ActionFailedError)
    assert repr(node_status) in error.message
    assert "It broke" in error.message
    assert "action 'create_contact' of app 'hubspot'" in error.message.lower()
    assert (f"HTTP {status}" in error.message) == (status is not None)


@pytest.mark.parametrize("http_status", ["soon", "", "4xx", 404.5, True, [404], {"code": 404}, "-404"], ids=repr)
def test_a_status_that_is_none(http_status: Any) -> None:
    """What is no status is taken for none given, and stays reachable."""
    value = {"node_status": "Errored", "data": None, "http_status": http_status}
    error = error_from(ActionFailedError, read_result, json_answer(value), ACTION)
    assert error.result is not None
    assert error.result.http_status is None
    assert error.result.raw["http_status"] == http_status
    assert error.fault is Fault.APP_UNCLEAR


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("plain text", ": plain text."),
        ({"message": "from message"}, ": from message."),
        ({"error": "from error"}, ": from error."),
        ({"error": {"message": "from within"}}, ": from within."),
        ({"error": "invalid_grant", "error_description": "expired"}, ": invalid_grant."),
        ({"detail": "from detail"}, ": from detail."),
        ({"message": 5, "errorMessage": "from the last"}, ": from the last."),
        ({"message": "x" * 5000}, "5,000 "),
        (None, "'Errored'."),
        ([], "'Errored'."),
        ({}, "'Errored'."),
        ({"message": None}, "'Errored'."),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_the_app_said(data: Any, said: str) -> None:
    """The message has the app's own words, wherever they are, and not too many."""
    error = error_from(ActionFailedError, read_result, json_answer({"node_status": "Errored", "data": data}), ACTION)
    assert error.message.endswith(said) or said in error.message
    assert len(error.message) < 600


NOT_CONNECTED: Final = "Application Authentication not found for linked_account_id user_1 and app hubspot"


@pytest.mark.parametrize(
    "data", [NOT_CONNECTED, {"message": NOT_CONNECTED}, {"error": {"message": NOT_CONNECTED}}], ids=repr
)
@pytest.mark.parametrize("http_status", [None, 400, 404, 500])
def test_not_connected_in_the_data(data: Any, http_status: int | None) -> None:
    """An app that is not connected was never called: nothing ran, and the owner must connect it."""
    value = {"node_status": "Errored", "data": data, "http_status": http_status}
    error = error_from(ReconnectRequiredError, read_result, json_answer(value), ACTION)
    assert error.fault is Fault.NOT_CONNECTED
    assert RULES[error.fault].effect == "none"
    assert error.result == ActionResult("Errored", data, http_status)
    assert NOT_CONNECTED in error.message
    assert "reconnect" in error.message


@pytest.mark.parametrize("status", [400, 401, 404, 500])
@pytest.mark.parametrize("field", ["message", "error"])
def test_not_connected_in_an_error(status: int, field: str) -> None:
    """The same is said by an error status."""
    body = {"status_code": status, "http_error_type": "BAD_REQUEST", field: NOT_CONNECTED}
    error = error_from(ReconnectRequiredError, read_result, json_answer(body, status), ACTION)
    assert (error.fault, error.result) == (Fault.NOT_CONNECTED, None)
    assert NOT_CONNECTED in error.message
    assert "reconnect" in error.message


def test_reconnecting_is_told_for_credentials_that_no_longer_work() -> None:
    """The app's 401 says what to do."""
    value = {"node_status": "Errored", "data": "Unauthorized", "http_status": 401}
    error = error_from(ReconnectRequiredError, read_result, json_answer(value), ACTION)
    assert "reconnect" in error.message


# execute_workflow


def test_started_workflow() -> None:
    """An asynchronous start gives the id of the run."""
    value = {"message": "Workflow execution started", "execution_id": "exec_1", "queue": "fast"}
    execution = parse_workflow_execution(json_answer(value), ASYNCHRONOUS_WORKFLOW)
    assert execution == WorkflowExecution("exec_1", message="Workflow execution started")
    assert execution.raw == value


@pytest.mark.parametrize("status", [200, 201, 202, 299])
@pytest.mark.parametrize("return_value", [{"total": 3}, [1], "x", 0, None], ids=repr)
def test_ended_workflow(status: int, return_value: Any) -> None:
    """A synchronous run gives what it returned; the workflow may choose any 2xx."""
    value = {"execution_id": "exec_1", "return_value": return_value, "errored": False, "status_code": status}
    execution = parse_workflow_execution(json_answer(value, status), SYNCHRONOUS_WORKFLOW)
    assert execution == WorkflowExecution("exec_1", return_value=return_value, errored=False, status_code=status)
    assert execution.raw == value


@pytest.mark.parametrize("call", [ASYNCHRONOUS_WORKFLOW, SYNCHRONOUS_WORKFLOW], ids=["asynchronous", "synchronous"])
@pytest.mark.parametrize(
    "value", [None, [], {}, {"message": "x"}, {"execution_id": None}, {"execution_id": 5}], ids=repr
)
def test_workflow_of_another_shape(value: Any, call: Request) -> None:
    """Without an id of the run nobody knows whether it began."""
    error = error_from(APIResponseValidationError, parse_workflow_execution, json_answer(value), call)
    assert (error.body, error.fault) == (value, Fault.UNREADABLE)
    assert "workflow 'wf_1'" in error.message


@pytest.mark.parametrize("status", [302, 400, 401, 404, 408, 409, 429, 500, 501, 503])
def test_status_that_a_workflow_chose(status: int) -> None:
    """Whatever carries an execution_id comes from a workflow that ran, be the status what it may."""
    value = {"execution_id": "exec_1", "return_value": {"reason": "no stock"}, "status_code": status, "message": "x"}
    error = error_from(WorkflowFailedError, parse_workflow_execution, json_answer(value, status), SYNCHRONOUS_WORKFLOW)
    assert error.fault is Fault.WORKFLOW_SET_STATUS
    assert RULES[error.fault].effect == "done"
    assert error.execution == WorkflowExecution(
        "exec_1", message="x", return_value={"reason": "no stock"}, status_code=status
    )
    assert error.execution is not None
    assert error.execution.raw == value
    assert "exec_1" in error.message
    assert f"HTTP {status}" in error.message


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("said", ["It broke", {"message": "It broke"}], ids=repr)
def test_workflow_that_stopped_at_an_error(said: Any, status: int) -> None:
    """A run that stopped may have done part of its work."""
    value = {"execution_id": "exec_1", "errored": True, "execution_error": said}
    error = error_from(WorkflowFailedError, parse_workflow_execution, json_answer(value, status), SYNCHRONOUS_WORKFLOW)
    assert error.fault is Fault.WORKFLOW_ERRORED
    assert RULES[error.fault].effect == "unknown"
    assert error.execution == WorkflowExecution("exec_1", errored=True, execution_error=said)
    assert "exec_1" in error.message
    assert "It broke" in error.message


@pytest.mark.parametrize(
    ("status", "error_class"), [(400, BadRequestError), (404, NotFoundError), (500, InternalServerError)]
)
def test_errors_of_refold_about_a_synchronous_workflow(status: int, error_class: type[APIStatusError]) -> None:
    """What carries no execution_id comes from Refold, and the workflow did not set it."""
    body = {"status_code": status, "message": "Workflow not found", "error_code": "RESOURCE_NOT_FOUND"}
    error = error_from(error_class, parse_workflow_execution, json_answer(body, status), SYNCHRONOUS_WORKFLOW)
    assert error.error_code == "RESOURCE_NOT_FOUND"
    assert error.fault in {Fault.REFUSED, Fault.SERVER_ERROR}


@pytest.mark.parametrize("status", [400, 500])
def test_an_asynchronous_workflow_chooses_no_status(status: int) -> None:
    """Nobody waited for the run, so an error status is Refold's own."""
    answer = json_answer({"execution_id": "exec_1", "message": "no"}, status)
    with pytest.raises(APIStatusError):
        parse_workflow_execution(answer, ASYNCHRONOUS_WORKFLOW)


def test_the_odd_400_of_execute_workflow() -> None:
    """Its own 400 has the reason where others have a code: both are told."""
    body = {"message": "Server Error", "error": "Workflow ID and slug are required"}
    error = error_from(BadRequestError, parse_workflow_execution, json_answer(body, 400), ASYNCHRONOUS_WORKFLOW)
    assert "Server Error: Workflow ID and slug are required" in error.message
    assert error.body == body
    assert error.fault is Fault.REFUSED


@pytest.mark.parametrize("status", [400, 404, 429])
def test_a_cut_answer_of_a_synchronous_workflow(status: int) -> None:
    """The part that is lost may have held the execution_id: the run cannot be ruled out."""
    answer = raw_answer(b'{"execution_id":"exec_1","return_value":{"reas', status, body_error="it broke off")
    with pytest.raises(RefoldError) as caught:
        parse_workflow_execution(answer, SYNCHRONOUS_WORKFLOW)
    assert caught.value.fault is not None
    assert RULES[caught.value.fault].effect == "unknown"
    assert not RULES[caught.value.fault].write


def test_a_synchronous_workflows_answer_that_broke_off_is_unclear_whatever_it_says() -> None:
    """That a credential is missing may be said by a node of the workflow, after others ran."""
    answer = raw_answer(
        b"Application Authentication not found for linked_account_id X and app Y", 400, body_error="it broke off"
    )
    with pytest.raises(BadRequestError) as caught:
        parse_workflow_execution(answer, SYNCHRONOUS_WORKFLOW)
    assert caught.value.fault is Fault.WORKFLOW_UNCLEAR


IN_REFOLDS_SHAPE: Final = {"status_code": 400, "http_error_type": "BAD_REQUEST", "message": NOT_CONNECTED}


@pytest.mark.parametrize("status", [400, 404, 408, 500, 501, 503])
@pytest.mark.parametrize("body", [{"message": NOT_CONNECTED}, {"error": NOT_CONNECTED}, IN_REFOLDS_SHAPE], ids=len)
def test_who_says_that_an_app_is_not_connected(status: int, body: dict[str, Any]) -> None:
    """A synchronous workflow may pass it on after other nodes wrote, and a server that failed may have run the action.

    The user is told to reconnect all the same. Only of an error in Refold's own shape is it known that nothing ran.
    """
    refolds = body is IN_REFOLDS_SHAPE
    failed = status in {408, 500, 503}
    for read, call in READERS.values():
        error = error_from(ReconnectRequiredError, read, json_answer(body, status), call)
        expected = Fault.NOT_CONNECTED
        if failed and (call.synchronous or not refolds):
            expected = Fault.SERVER_ERROR
        elif call.synchronous and not refolds:
            expected = Fault.WORKFLOW_UNCLEAR
        assert error.fault is expected
        assert (RULES[expected].effect == "none") is (expected is Fault.NOT_CONNECTED)


@pytest.mark.parametrize("value", [NOT_CONNECTED, [NOT_CONNECTED], {"data": {"text": NOT_CONNECTED}}], ids=repr)
def test_not_connected_is_an_error_of_its_own_only_where_a_message_says_so(value: Any) -> None:
    """Somewhere else in a body, it may be anybody's text."""
    for answer in (json_answer(value, 500), raw_answer(NOT_CONNECTED.encode(), 500)):
        for read, call in READERS.values():
            assert error_from(InternalServerError, read, answer, call).fault is Fault.SERVER_ERROR


# request()


@pytest.mark.parametrize("value", [{"docs": [], "page": 1}, [1, 2], "x", 5, 0.5, True, False, None, ""], ids=repr)
def test_any_value(value: Any) -> None:
    """`request()` gives the JSON as it came."""
    assert parse_value(Any)(json_answer(value), ANY_CALL) == value


@pytest.mark.parametrize("status", [200, 202, 204])
def test_empty_answer(status: int) -> None:
    """An answer without a body is None."""
    assert parse_value(Any)(raw_answer(b"", status), ANY_CALL) is None
    assert parse_value(int | None)(raw_answer(b"", status), ANY_CALL) is None


def test_any_value_into() -> None:
    """`into=` structures the whole answer."""
    assert parse_value(list[Contact])(json_answer([{"id": 1}]), ANY_CALL) == [Contact(1)]


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        (json_answer([{"id": 1}, {"id": "2"}]), "@ answer[1].id"),
        (json_answer({"docs": []}), "@ answer."),
        (raw_answer(b"", 204), "@ answer."),
    ],
    ids=["field", "shape", "empty"],
)
def test_any_value_that_does_not_fit(answer: Response, place: str) -> None:
    """An answer that does not fit says where, and by which call it came."""
    error = error_from(APIResponseValidationError, parse_value(list[Contact]), answer, ANY_CALL)
    assert place in error.message
    assert "GET /api/v2/public/execution" in error.message
    assert error.fault is Fault.UNREADABLE


# 2xx that cannot be read


UNREADABLE: Final[dict[str, tuple[Response, str]]] = {
    "HTML": (raw_answer(b"<html><body>Welcome</body></html>", content_type="text/html"), "it is not JSON"),
    "text": (raw_answer(b"OK", content_type="text/plain"), "it is not JSON"),
    "blank": (raw_answer(b" \n"), "it is not JSON"),
    "truncated": (raw_answer(b'[{"action_id": "a"}, {"acti'), "it is not JSON"),
    "two values": (raw_answer(b"[1][2]"), "it is not JSON"),
    "NaN": (raw_answer(b"[NaN]"), "NaN"),
    "invalid UTF-8": (raw_answer(b'["caf\xe9"]'), "not valid UTF-8 at byte 5"),
    "another encoding": (raw_answer("[1]".encode("utf-16")), "not valid UTF-8 at byte 0"),
    "too deep": (raw_answer(b"[" * 100_000), "it is not JSON"),
    "too large": (raw_answer(b"[1, 2, 3", body_error="it is too long"), "it is too long"),
}


@pytest.mark.parametrize(("answer", "problem"), UNREADABLE.values(), ids=UNREADABLE)
@each_reader
def test_answers_that_cannot_be_read(read: Parser[Any], call: Request, answer: Response, problem: str) -> None:
    """A 2xx that is no JSON says why, and leaves open what became of a write."""
    error = error_from(APIResponseValidationError, read, answer, call)
    assert problem in error.message
    assert call.target.subject in error.message
    assert (error.status_code, error.result, error.fault) == (200, None, Fault.UNREADABLE)
    assert len(error.message) < 1000


@pytest.mark.parametrize("name", [name for name in READERS if not name.startswith("any")])
@pytest.mark.parametrize("status", [200, 204])
def test_empty_answers_where_one_was_promised(name: str, status: int) -> None:
    """An empty 2xx is no answer for the calls that promise one."""
    read, call = READERS[name]
    error = error_from(APIResponseValidationError, read, raw_answer(b"", status), call)
    assert error.fault is Fault.UNREADABLE
    assert error.status_code == status


def test_what_cannot_be_read_is_shown() -> None:
    """The error has the type and the beginning of what came instead, and the body."""
    html = "<html>Sign in to the guest network</html>"
    answer = raw_answer(html.encode(), content_type="text/html; charset=utf-8")
    error = error_from(APIResponseValidationError, read_result, answer, ACTION)
    assert "text/html; charset=utf-8" in error.message
    assert "Sign in to the guest network" in error.message
    assert error.body == html


@pytest.mark.parametrize("status", [200, 400, 502])
def test_long_bodies_are_shortened(status: int) -> None:
    """An error keeps a long body in part, and says how long it was; its message keeps less."""
    with pytest.raises(RefoldError) as caught:
        read_result(raw_answer(b"x" * 50_000, status, content_type="text/plain"), ACTION)
    error = caught.value
    assert isinstance(error, APIResponseValidationError | APIStatusError)
    assert len(error.body) < 11_000
    assert error.body.startswith("x" * 9_000)
    assert "50,000" in error.body[-30:]
    assert len(error.message) < 1000


# Error statuses


STATUSES: Final[list[tuple[int, type[APIStatusError], Fault]]] = [
    (400, BadRequestError, Fault.REFUSED),
    (401, AuthenticationError, Fault.REFUSED),
    (402, APIStatusError, Fault.REFUSED),
    (403, PermissionDeniedError, Fault.REFUSED),
    (404, NotFoundError, Fault.REFUSED),
    (405, APIStatusError, Fault.REFUSED),
    (408, APIStatusError, Fault.SERVER_ERROR),
    (409, ConflictError, Fault.REFUSED),
    (410, APIStatusError, Fault.REFUSED),
    (413, APIStatusError, Fault.REFUSED),
    (418, APIStatusError, Fault.REFUSED),
    (422, UnprocessableEntityError, Fault.REFUSED),
    (429, RateLimitError, Fault.RATE_LIMITED),
    (499, APIStatusError, Fault.REFUSED),
    (500, InternalServerError, Fault.SERVER_ERROR),
    (501, InternalServerError, Fault.REFUSED),
    (502, InternalServerError, Fault.SERVER_ERROR),
    (503, InternalServerError, Fault.SERVER_ERROR),
    (504, InternalServerError, Fault.SERVER_ERROR),
    (520, InternalServerError, Fault.SERVER_ERROR),
    (599, InternalServerError, Fault.SERVER_ERROR),
    (300, APIStatusError, Fault.REFUSED),
    (301, APIStatusError, Fault.REFUSED),
    (302, APIStatusError, Fault.REFUSED),
    (304, APIStatusError, Fault.REFUSED),
    (307, APIStatusError, Fault.REFUSED),
    (308, APIStatusError, Fault.REFUSED),
]


@pytest.mark.parametrize(("status", "error_class", "fault"), STATUSES)
@each_reader
def test_error_statuses(
    read: Parser[Any], call: Request, status: int, error_class: type[APIStatusError], fault: Fault
) -> None:
    """Every call maps every status to the same error, with all that Refold tells about it."""
    body = {
        "status_code": status,
        "http_error_type": "SOME_TYPE",
        "error_code": "SOME_CODE",
        "message": "Something is wrong",
        "request_id": "req_1",
    }
    answer = json_answer(body, status, headers={"X-Extra": "1"})
    error = error_from(error_class, read, answer, call)
    assert error.status_code == status
    assert (error.error_code, error.http_error_type, error.request_id) == ("SOME_CODE", "SOME_TYPE", "req_1")
    assert error.body == body
    assert error.headers["x-extra"] == "1"
    assert error.fault is fault
    assert error.retry_after is None
    assert f"HTTP {status}" in error.message
    assert "Something is wrong" in error.message
    assert call.target.subject in error.message


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"error_code": "VALIDATION_ERROR"}, "VALIDATION_ERROR"),
        ({"error": "VALIDATION_ERROR"}, "VALIDATION_ERROR"),
        ({"error_code": "CODE", "error": "Bad Request"}, "CODE"),
        ({"error_code": None, "error": "CODE"}, "CODE"),
        ({"error_code": "", "error": "CODE"}, "CODE"),
        ({}, None),
        ({"error_code": 42}, None),
        ({"error": {"code": "X"}}, None),
    ],
    ids=repr,
)
def test_code_of_an_error(fields: Mapping[str, Any], code: str | None) -> None:
    """The code sits in `error_code` with some services of Refold and in `error` with others."""
    answer = json_answer({"status_code": 400, "message": "Wrong", **fields}, 400)
    assert error_from(BadRequestError, read_result, answer, ACTION).error_code == code


@pytest.mark.parametrize(
    ("body", "parsed", "said"),
    [
        (b"", None, "Refold answered HTTP 502 Bad Gateway about action 'create_contact' of app 'hubspot'."),
        (
            b"<html>\n  <h1>Bad gateway</h1>\n</html>",
            "<html>\n  <h1>Bad gateway</h1>\n</html>",
            "<html> <h1>Bad gateway</h1> </html>",
        ),
        (b'["a", "b"]', ["a", "b"], '["a", "b"]'),
        (b'"gone"', "gone", "gone"),
        (b"{}", {}, "{}"),
        (b'{"message": ["a", "b"]}', {"message": ["a", "b"]}, '["a", "b"]'),
        (b'{"detail": "odd"}', {"detail": "odd"}, "odd"),
        (b'{"message": "cut of', '{"message": "cut of', "cut of"),
        (b"caf\xe9", "caf\ufffd", "caf\ufffd"),
        (b"[" * 100_000, ANY_CALL, "[[[[["),
    ],
    ids=[
        "empty",
        "HTML",
        "list",
        "string",
        "empty object",
        "list of messages",
        "other object",
        "cut",
        "Latin-1",
        "deep",
    ],
)
def test_error_statuses_with_other_bodies(body: bytes, parsed: Any, said: str) -> None:
    """A gateway answers what it likes: the status counts, and what can be told of the body is told."""
    error = error_from(InternalServerError, read_result, raw_answer(body, 502, content_type="text/html"), ACTION)
    assert said in error.message
    assert (error.status_code, error.error_code, error.http_error_type, error.request_id) == (502, None, None, None)
    assert error.fault is Fault.SERVER_ERROR
    if parsed is not ANY_CALL:
        assert error.body == parsed


def test_status_comes_before_the_body() -> None:
    """A body that looks like success does not make an error status one."""
    answer = json_answer({"node_status": "Success", "data": 1}, 500)
    assert error_from(InternalServerError, read_result, answer, ACTION).fault is Fault.SERVER_ERROR


def test_error_status_with_a_cut_body() -> None:
    """The status was told, and is the error; what came of the body is kept."""
    error = error_from(
        NotFoundError, read_result, raw_answer(b'{"message": "Unkn', 404, body_error="it broke off"), ACTION
    )
    assert error.body == '{"message": "Unkn'
    assert error.fault is Fault.REFUSED


def test_request_id_of_a_header() -> None:
    """Support asks for the id of the request, which may be in the headers alone."""
    answer = raw_answer(b"", 500, headers={"X-Request-ID": "req_9"})
    assert error_from(InternalServerError, read_result, answer, ACTION).request_id == "req_9"


@pytest.mark.parametrize(
    ("read", "call", "advice"),
    [
        (parse_actions, LISTING, "slug"),
        (read_parameters, DESCRIPTION, "list_actions(slug)"),
        (read_result, ACTION, "list_actions(slug)"),
        (parse_workflow_execution, ASYNCHRONOUS_WORKFLOW, "published"),
    ],
    ids=["actions", "parameters", "action", "workflow"],
)
def test_advice_for_not_found(read: Parser[Any], call: Request, advice: str) -> None:
    """The message says what to do about a name that Refold does not know."""
    answer = json_answer({"status_code": 404, "message": "Not found"}, 404)
    assert advice in error_from(NotFoundError, read, answer, call).message


@pytest.mark.parametrize(
    ("status", "error_class", "advice"),
    [(401, AuthenticationError, "key"), (403, PermissionDeniedError, "key"), (429, RateLimitError, "rate_limit=")],
)
def test_advice_for_other_statuses(status: int, error_class: type[APIStatusError], advice: str) -> None:
    """The message says what to do."""
    assert advice in error_from(error_class, read_result, raw_answer(b"", status), ACTION).message


def test_redirects() -> None:
    """A redirect is an error that tells where it leads: following it would hand over key and write."""
    answer = raw_answer(b"", 307, headers={"Location": "https://elsewhere.example/"})
    error = error_from(APIStatusError, read_result, answer, ACTION)
    assert "https://elsewhere.example/" in error.message
    assert "base_url" in error.message


@pytest.mark.parametrize(
    ("body", "refolds"),
    [
        ({"status_code": 429, "message": "Slow down"}, True),
        ({"http_error_type": "TOO_MANY_REQUESTS", "message": "Slow down"}, True),
        ({"error_code": "RATE_LIMIT", "message": "Slow down"}, True),
        ({"error": "RATE_LIMIT", "message": "Slow down"}, True),
        ({"message": "Too Many Requests"}, False),
        ({"error": "Too Many Requests"}, False),
        ({"message": "Application Authentication not found for linked_account_id X and app Y"}, False),
        ([], False),
        ("Slow down", False),
        (None, False),
    ],
    ids=repr,
)
def test_a_429_is_a_429(body: Any, refolds: bool) -> None:
    """Whoever answers it refuses; only of a synchronous workflow can nobody tell, unless the answer is Refold's own."""
    answer = json_answer(body, 429)
    for read, call in READERS.values():
        error = error_from(RateLimitError, read, answer, call)
        assert error.throttled
        whose = Fault.RATE_LIMITED if refolds or not call.synchronous else Fault.WORKFLOW_RATE_LIMITED
        assert error.fault is whose


@pytest.mark.parametrize(
    ("body", "body_error"),
    [
        (b"", None),
        (b"<html>Too fast</html>", None),
        (b'{"mess', None),
        (b"\xff\xfe", None),
        (b'{"mess', "it broke off"),
    ],
    ids=repr,
)
def test_a_429_whose_body_cannot_be_read(body: bytes, body_error: str | None) -> None:
    """The status is told, and says enough."""
    for read, call in READERS.values():
        error = error_from(RateLimitError, read, raw_answer(body, 429, body_error=body_error), call)
        assert (error.fault is Fault.RATE_LIMITED) is not call.synchronous
        assert error.fault is not None
        assert RULES[error.fault].effect == ("unknown" if call.synchronous else "none")


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_of_an_error(status: int) -> None:
    """The error tells when to come back."""
    answer = raw_answer(b"", status, headers={"Retry-After": "7"})
    with pytest.raises(APIStatusError) as caught:
        read_result(answer, ACTION)
    assert caught.value.retry_after == 7


# Retry-After


NOON: Final = 1_792_584_000.0  # Wed, 21 Oct 2026 12:00:00 GMT


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        ("120", 120),
        (" 5 ", 5),
        ("1.5", 1.5),
        ("0.0", 0),
        ("007", 7),
        ("\t7\t", 7),
        ("86400", 86_400),
        ("Wed, 21 Oct 2026 12:00:30 GMT", 30),
        ("Thu, 22 Oct 2026 12:00:00 GMT", 86_400),
        ("Wed, 21 Oct 2026 12:00:00 GMT", 0),
        ("Wed, 21 Oct 2026 11:59:00 GMT", 0),
        ("Tue, 07 Nov 2023 08:03:27 GMT", 0),
        ("Wed, 21 Oct 2026 14:01:00 +0200", 60),
        ("Wednesday, 21-Oct-26 12:00:30 GMT", 30),
        ("Wed Oct 21 12:00:30 2026", 30),
    ],
)
def test_retry_after(value: str, seconds: float) -> None:
    """Seconds or a date; never less than nothing, and never sooner than asked."""
    assert read_retry_after({"Retry-After": value}, lambda: NOON) == seconds


@pytest.mark.parametrize(
    "date", ["", "yesterday", "0", "Fri, 31 Dec 0099 23:59:59 GMT", "Wed, 99 Jul 2026 12:00:00 GMT"]
)
def test_retry_after_beside_a_date_that_cannot_be_read(date: str) -> None:
    """A server that cannot tell the time is still waited for, by our own clock."""
    headers = {"Retry-After": "Wed, 21 Oct 2026 12:00:30 GMT", "Date": date}
    assert read_retry_after(headers, lambda: NOON) == 30


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "soon",
        "7 seconds",
        "1, 2",
        "0x10",
        "nan",
        "inf",
        "-inf",
        "Infinity",
        "-3",
        "-0",
        "+5",
        "1_000",
        "1e3",
        "1e999",
        ".5",
        "5.",
        "1.5.3",
        "1,5",
        "9" * 11,
        "9" * 400,
        "9" * 5000,
        "\u0665",
        "\uff15",
        "\xa05",
        "5\n6",
        "5\x0b",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Mon, 01 Jan 0001 00:00:00 GMT",
        "Wed, 21 Oct 2026 \u0661\u0662:00:30 GMT",
        "Wed, 99 Oct 2026 12:00:00 GMT",
        "Wed, 21 Oct 99999 12:00:00 GMT",
        "Wed, 21 Oct 99999999999999999999 12:00:00 GMT",
        "Wed, 21 Oct 2026 12:00:00 +99999999",
        "Wed,",
        "\u00e9",
    ],
    ids=ascii,
)
def test_retry_after_that_says_nothing(value: str) -> None:
    """What is neither seconds nor a date is as good as no header, and breaks nothing."""
    assert read_retry_after({"Retry-After": value}, lambda: NOON) is None


def test_no_retry_after() -> None:
    """Without the header there is nothing to read."""
    assert read_retry_after({}) is None


def test_retry_after_by_the_real_clock() -> None:
    """By default dates are measured against the time of day."""
    assert read_retry_after({"Retry-After": "Tue, 07 Nov 2023 08:03:27 GMT"}) == 0
    ages = read_retry_after({"Retry-After": "Fri, 31 Dec 2199 23:59:59 GMT"})
    assert ages is not None
    assert 0 < ages < math.inf


@pytest.fixture
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the process into a time zone that is not GMT."""
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone of the process cannot be set here")
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_new_york")
@pytest.mark.parametrize(
    "date", ["Wed, 21 Oct 2026 12:00:30 GMT", "Wed, 21 Oct 2026 12:00:30", "Wed Oct 21 12:00:30 2026"]
)
def test_dates_are_in_gmt(date: str) -> None:
    """A date in HTTP is in GMT, whether it says so or not, wherever the client runs."""
    assert read_retry_after({"Retry-After": date}, lambda: NOON) == 30
