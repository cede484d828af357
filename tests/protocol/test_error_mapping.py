"""Which error an error status becomes, whatever the request: its class, its fault, its advice."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from refold_async import (
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
)
from refold_async.faults import Fault
from refold_async.models.executions import Execution
from refold_async.protocol.action_results import parse_action_result
from refold_async.protocol.endpoints import Request
from refold_async.protocol.parsers import parse_model
from refold_async.protocol.responses import Parser
from refold_async.protocol.workflow_executions import parse_workflow_execution
from refold_async.resources.actions import parse_actions
from refold_async.retry_table import RULES
from support.cases import each_case
from support.responses import (
    ACTION,
    ASYNCHRONOUS_WORKFLOW,
    DESCRIPTION,
    LISTING,
    NOT_CONNECTED,
    PARSERS,
    RAW_REQUEST,
    each_parser,
    error_from,
    json_response,
    parse_parameters,
    parse_result,
    raw_response,
)

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


@each_case(("status", "error_class", "fault"), STATUSES)
@each_parser
def test_error_statuses(
    parse: Parser[Any], sent: Request, status: int, error_class: type[APIStatusError], fault: Fault
) -> None:
    """Every parser maps every status to the same error, with all that Refold tells about it."""
    body = {
        "status_code": status,
        "http_error_type": "SOME_TYPE",
        "error_code": "SOME_CODE",
        "message": "Something is wrong",
        "request_id": "req_1",
    }
    response = json_response(body, status, headers={"X-Extra": "1"})
    error = error_from(error_class, parse, response, sent)
    assert error.status_code == status
    assert (error.error_code, error.http_error_type, error.request_id) == ("SOME_CODE", "SOME_TYPE", "req_1")
    assert error.body == body
    assert error.headers["x-extra"] == "1"
    assert error.fault is fault
    assert error.retry_after is None
    assert f"HTTP {status}" in error.message
    assert "Something is wrong" in error.message
    assert sent.target.subject in error.message


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
        ({"error": {"code": "X"}}, "X"),
        ({"error": {"code": 5}}, None),
    ],
    ids=repr,
)
def test_code_of_an_error(fields: Mapping[str, Any], code: str | None) -> None:
    """The code sits in `error_code` with some services of Refold and in `error` with others."""
    response = json_response({"status_code": 400, "message": "Wrong", **fields}, 400)
    assert error_from(BadRequestError, parse_result, response, ACTION).error_code == code


@pytest.mark.parametrize(
    ("body", "parsed", "said"),
    [
        (b"", None, "Refold returned HTTP 502 Bad Gateway for action 'create_contact' of app 'hubspot'."),
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
        (b"[" * 100_000, RAW_REQUEST, "[[[[["),
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
    error = error_from(InternalServerError, parse_result, raw_response(body, 502, content_type="text/html"), ACTION)
    assert said in error.message
    assert (error.status_code, error.error_code, error.http_error_type, error.request_id) == (502, None, None, None)
    assert error.fault is Fault.SERVER_ERROR
    if parsed is not RAW_REQUEST:
        assert error.body == parsed


def test_status_comes_before_the_body() -> None:
    """A body that looks like success does not make an error status one."""
    response = json_response({"node_status": "Success", "data": 1}, 500)
    assert error_from(InternalServerError, parse_result, response, ACTION).fault is Fault.SERVER_ERROR


def test_error_status_with_a_cut_body() -> None:
    """The status was told, and is the error; what came of the body is kept."""
    error = error_from(
        NotFoundError, parse_result, raw_response(b'{"message": "Unkn', 404, body_error="it broke off"), ACTION
    )
    assert error.body == '{"message": "Unkn'
    assert error.fault is Fault.REFUSED


PLACES_OF_REQUEST_IDS: Final[list[tuple[dict[str, Any], dict[str, str], str | None]]] = [
    ({"request_id": "req_1"}, {"X-Request-ID": "req_2", "X-Trace-ID": "req_3"}, "req_1"),
    ({"request_id": ""}, {"X-Request-ID": "req_2", "X-Trace-ID": "req_3"}, "req_2"),
    ({"request_id": 5}, {"x-trace-id": "req_3"}, "req_3"),
    ({}, {"X-Trace-Id": "req_3"}, "req_3"),
    ({}, {}, None),
]
each_place: Final = pytest.mark.parametrize(("fields", "headers", "request_id"), PLACES_OF_REQUEST_IDS)


@each_place
@each_parser
def test_request_ids_of_errors(
    parse: Parser[Any], sent: Request, fields: dict[str, Any], headers: dict[str, str], request_id: str | None
) -> None:
    """Support asks for the id of the request. Refold has it in the body, or in one header or another."""
    failures = [
        json_response({"message": "No", **fields}, 500, headers=headers),
        json_response({"message": NOT_CONNECTED, "error_code": "NOT_CONNECTED", **fields}, 400, headers=headers),
        json_response({"wrong": "shape", **fields}, headers=headers),
        json_response({"execution_id": "e", "errored": True, **fields}, headers=headers),
        json_response({"node_status": "Errored", "data": None, **fields}, headers=headers),
        json_response({"node_status": "Success", "data": "no list", **fields}, headers=headers),
    ]
    errors: list[RefoldError] = []
    for response in failures:
        try:
            parse(response, sent)
        except RefoldError as error:
            errors.append(error)
    assert {error.request_id for error in errors} == {request_id}


@each_place
def test_request_ids_of_results(fields: dict[str, Any], headers: dict[str, str], request_id: str | None) -> None:
    """What a call gave tells it too, each member of a list included."""
    action = {"node_status": "Success", "data": [1], **fields}
    results = [
        parse_result(json_response(action, headers=headers), ACTION),
        parse_action_result(list[int])(json_response(action, headers=headers), ACTION),
        parse_workflow_execution(
            json_response({"execution_id": "e", **fields}, headers=headers), ASYNCHRONOUS_WORKFLOW
        ),
        parse_model(Execution)(json_response({"_id": "e", **fields}, headers=headers), RAW_REQUEST),
        *parse_actions(json_response([{"action_id": "a", **fields}] * 2, headers=headers), LISTING),
    ]
    assert [result.request_id for result in results] == [request_id] * 6
    parameters = parse_parameters(json_response([{"name": "a"}], headers=headers), DESCRIPTION)
    assert parameters.request_id == (headers.get("X-Request-ID") or next(reversed(headers.values()), None))


def test_sentences_end_once() -> None:
    """Some of what Refold says ends with a full stop, and some does not."""
    for said in ("Workflow is a version workflow", "Workflow is a version workflow."):
        error = error_from(BadRequestError, parse_result, json_response({"message": said}, 400), ACTION)
        assert error.message.endswith(": Workflow is a version workflow.")


def test_what_is_not_there() -> None:
    """Refold's webhooks say it by a 400, and the code."""
    code = "RESOURCE_NOT_FOUND"
    for name in ("error", "error_code"):
        response = json_response({"status_code": 400, "message": "Webhook not found", name: code}, 400)
        error = error_from(NotFoundError, parse_parameters, response, DESCRIPTION)
        assert (error.status_code, error.error_code, error.fault) == (400, code, Fault.REFUSED)
        assert DESCRIPTION.target.if_not_found in error.message


@pytest.mark.parametrize(
    ("parse", "sent", "advice"),
    [
        (parse_actions, LISTING, "slug"),
        (parse_parameters, DESCRIPTION, "list_actions(slug)"),
        (parse_result, ACTION, "list_actions(slug)"),
        (parse_workflow_execution, ASYNCHRONOUS_WORKFLOW, "published"),
    ],
    ids=["actions", "parameters", "action", "workflow"],
)
def test_advice_for_not_found(parse: Parser[Any], sent: Request, advice: str) -> None:
    """The message says what to do about a name that Refold does not know."""
    response = json_response({"status_code": 404, "message": "Not found"}, 404)
    assert advice in error_from(NotFoundError, parse, response, sent).message


@pytest.mark.parametrize(
    ("status", "error_class", "advice"),
    [(401, AuthenticationError, "key"), (403, PermissionDeniedError, "key"), (429, RateLimitError, "rate_limit=")],
)
def test_advice_for_other_statuses(status: int, error_class: type[APIStatusError], advice: str) -> None:
    """The message says what to do."""
    assert advice in error_from(error_class, parse_result, raw_response(b"", status), ACTION).message


def test_redirects() -> None:
    """A redirect is an error that tells where it leads: following it would hand over key and write."""
    response = raw_response(b"", 307, headers={"Location": "https://elsewhere.example/"})
    error = error_from(APIStatusError, parse_result, response, ACTION)
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
    """Whoever sends it refuses; of a synchronous workflow nobody can tell, unless the response is Refold's own."""
    response = json_response(body, 429)
    for parse, sent in PARSERS.values():
        error = error_from(RateLimitError, parse, response, sent)
        assert error.throttled
        whose = Fault.RATE_LIMITED if refolds or not sent.synchronous else Fault.WORKFLOW_RATE_LIMITED
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
    for parse, sent in PARSERS.values():
        error = error_from(RateLimitError, parse, raw_response(body, 429, body_error=body_error), sent)
        assert (error.fault is Fault.RATE_LIMITED) is not sent.synchronous
        assert error.fault is not None
        assert RULES[error.fault].effect == ("unknown" if sent.synchronous else "none")


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_of_an_error(status: int) -> None:
    """The error tells when to come back."""
    response = raw_response(b"", status, headers={"Retry-After": "7"})
    with pytest.raises(APIStatusError) as caught:
        parse_result(response, ACTION)
    assert caught.value.retry_after == 7


@pytest.mark.parametrize("status", [400, 401, 404, 500])
@pytest.mark.parametrize("field", ["message", "error"])
def test_not_connected_in_an_error(status: int, field: str) -> None:
    """The same is said by an error status."""
    body = {"status_code": status, "http_error_type": "BAD_REQUEST", field: NOT_CONNECTED}
    error = error_from(ReconnectRequiredError, parse_result, json_response(body, status), ACTION)
    assert (error.fault, error.result) == (Fault.NOT_CONNECTED, None)
    assert NOT_CONNECTED in error.message
    assert "reconnect" in error.message


IN_REFOLDS_SHAPE: Final = {"status_code": 400, "http_error_type": "BAD_REQUEST", "message": NOT_CONNECTED}


@pytest.mark.parametrize("status", [400, 404, 408, 500, 501, 503])
@pytest.mark.parametrize("body", [{"message": NOT_CONNECTED}, {"error": NOT_CONNECTED}, IN_REFOLDS_SHAPE], ids=len)
def test_who_says_that_an_app_is_not_connected(status: int, body: dict[str, Any]) -> None:
    """A synchronous workflow may pass it on after other nodes wrote, and a server that failed may have run the action.

    The user is told to reconnect all the same. Only of an error in Refold's own shape is it known that nothing ran.
    """
    refolds = body is IN_REFOLDS_SHAPE
    failed = status in {408, 500, 503}
    for parse, sent in PARSERS.values():
        error = error_from(ReconnectRequiredError, parse, json_response(body, status), sent)
        expected = Fault.NOT_CONNECTED
        if failed and (sent.synchronous or not refolds):
            expected = Fault.SERVER_ERROR
        elif sent.synchronous and not refolds:
            expected = Fault.WORKFLOW_UNCLEAR
        assert error.fault is expected
        assert (RULES[expected].effect == "none") is (expected is Fault.NOT_CONNECTED)


@pytest.mark.parametrize("value", [NOT_CONNECTED, [NOT_CONNECTED], {"data": {"text": NOT_CONNECTED}}], ids=repr)
def test_not_connected_is_an_error_of_its_own_only_where_a_message_says_so(value: Any) -> None:
    """Somewhere else in a body, it may be anybody's text."""
    for response in (json_response(value, 500), raw_response(NOT_CONNECTED.encode(), 500)):
        for parse, sent in PARSERS.values():
            assert error_from(InternalServerError, parse, response, sent).fault is Fault.SERVER_ERROR
