"""What is made of the response to `execute_action`: the result, or the error that tells what became of the action."""

import json
from collections.abc import Callable
from typing import Any, Final, TypedDict

import pytest
from multidict import CIMultiDict

from refold_async import ActionFailedError, ActionResult, APIResponseValidationError, ReconnectRequiredError
from refold_async.faults import Fault
from refold_async.protocol.action_results import parse_action_result
from refold_async.protocol.responses import Response
from refold_async.retry_table import RULES
from support.cases import each_case
from support.responses import ACTION, NOT_CONNECTED, Contact, error_from, json_response, parse_result, raw_response

# Success


@pytest.mark.parametrize("data", [{"id": 1}, [1, "a", None], "text", "", 0, 1.5, True, None, {}, []], ids=repr)
@pytest.mark.parametrize("status", [200, 201, 202])
def test_action_result(data: Any, status: int) -> None:
    """Data comes as the app gave it, whatever it is."""
    value = {"node_status": "Success", "data": data, "http_status": 200}
    result = parse_result(json_response(value, status), ACTION)
    assert result == ActionResult("Success", data, 200)
    assert type(result.data) is type(data)
    assert result.raw == value


def test_action_result_drift() -> None:
    """Missing fields are None, and what is new can be reached."""
    value = {"node_status": "Success", "node_id": "n1"}
    result = parse_result(json_response(value), ACTION)
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
    error = error_from(APIResponseValidationError, parse_result, json_response(value), ACTION)
    assert "node_status" in error.message
    assert "action 'create_contact' of app 'hubspot'" in error.message
    assert (error.body, error.fault) == (value, Fault.UNREADABLE)
    assert RULES[Fault.UNREADABLE].effect == "unknown"


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
    result = parse_action_result(into)(json_response(value), ACTION)
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
    error = error_from(APIResponseValidationError, parse_action_result(into), json_response(value), ACTION)
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
    error = error_from(ActionFailedError, parse_action_result(Contact), json_response(value), ACTION)
    assert error.result == ActionResult("Errored", {"message": "no"}, 404)


# Files


PDF: Final = b"%PDF-1.7 \xff\x00"
PAGE: Final = b"\xef\xbb\xbf \n<!DOCTYPE html><h1>Sign in</h1>"
OFFERED: Final = {"Content-Disposition": 'attachment; filename="report.html"'}
FILES: Final[dict[str, tuple[bytes, str, dict[str, str]]]] = {
    "PDF": (PDF, "application/pdf", {}),
    "CSV": (b"a,b\n1,2\n", "text/csv; charset=utf-8", {}),
    "empty CSV, offered": (b"", "text/csv", OFFERED),
    "number": (b"5", "text/plain", {}),
    "XML": (b"<?xml version='1.0'?><a/>", "application/xml", {}),
    "objects": (b'{"a": 1}\n{"node_status": "Errored"}\n', "application/x-ndjson", {}),
    "object": (b'{"message": "hello"}', "text/plain", {}),
    "deep object": (b'{"node_status": ' + b"[" * 100_000, "text/plain", {}),
    "page": (PAGE, "text/html; charset=utf-8", OFFERED),
    "page as bytes, offered": (PAGE, "application/octet-stream", OFFERED),
    "JSON, offered": (b'{"message": "a", "error": "b"}', "application/json", OFFERED),
    "untyped": (PDF, "", {}),
    "untyped, offered": (b"<a/>", "", OFFERED),
}
NO_FILES: Final[dict[str, tuple[bytes, str, dict[str, str]]]] = {
    "page": (PAGE, "text/html; charset=utf-8", {}),
    "page in capitals": (PAGE, " TEXT/HTML", {}),
    "page in XHTML": (PAGE, "application/xhtml+xml", {}),
    "page shown": (PAGE, "text/html", {"Content-Disposition": 'inline; filename="attachment"'}),
    "untyped page": (PAGE, "", {}),
    "empty page": (b"", "text/html", {}),
    "nothing": (b"", "", {}),
    "blanks": (b" \r\n", "", {}),
    "no JSON": (PDF, "application/json", {}),
    "empty CSV": (b"", "text/csv", {}),
    "page as text": (b"<HTML><body>Bad gateway</body></html>", "text/plain", {}),
    "page as bytes": (PAGE, "application/octet-stream", {}),
    "error as text": (b'{"message": "no", "error": "E", "status_code": 400}', "text/plain", {}),
    "Refold's JSON, offered": (b'{"node_status": 5}', "application/json", OFFERED),
    "other JSON": (b'{"message": "no"}', "application/problem+json; charset=utf-8", {}),
    "a list": (b"[1]", "application/json", {}),
    "node_status of another type": (b'{"node_status": 5}', "text/plain", {}),
}


def file_response(body: bytes, content_type: str, headers: dict[str, str], status: int = 200) -> Response:
    """Return a response that may be a file; one without a type if that is empty."""
    response = raw_response(body, status, headers=headers, content_type=content_type)
    response.headers = CIMultiDict((name, value) for name, value in response.headers.items() if value)
    return response


@each_case(("body", "content_type", "headers"), FILES.values())
@each_case("status", [200, 201, 299])
def test_answers_that_are_files(body: bytes, content_type: str, headers: dict[str, str], status: int) -> None:
    """With `into=bytes`, what is no JSON is the data as it came."""
    result = parse_action_result(bytes)(file_response(body, content_type, headers, status), ACTION)
    assert result == ActionResult("Success", body, None)
    assert type(result.data) is bytes
    response = file_response(body, content_type, {**headers, "X-Trace-ID": "req_1"}, status)
    assert parse_action_result(bytes)(response, ACTION).request_id == "req_1"


@each_case(("body", "content_type", "headers"), NO_FILES.values())
def test_answers_that_are_no_files(body: bytes, content_type: str, headers: dict[str, str]) -> None:
    """Nobody knows what became of an action that was answered by a page, by nothing, or by JSON of another shape."""
    response = file_response(body, content_type, headers)
    error = error_from(APIResponseValidationError, parse_action_result(bytes), response, ACTION)
    assert (error.status_code, error.result, error.fault) == (200, None, Fault.UNREADABLE)
    assert "into=bytes" not in error.message


@each_case("content_type", ["application/json", "application/vnd.refold+json", "text/plain", "text/html", ""])
def test_texts_in_refolds_json(content_type: str) -> None:
    """A text in Refold's JSON becomes its UTF-8, and a failure stays one, whatever the answer is said to be."""
    success = {"node_status": "Success", "data": "a;ü", "http_status": "201", "new": 1}
    response = file_response(json.dumps(success).encode(), content_type, {})
    result = parse_action_result(bytes)(response, ACTION)
    assert result == ActionResult("Success", "a;ü".encode(), 201)
    assert result.raw == success
    failure = {"node_status": "Errored", "data": "no", "http_status": 404}
    response = file_response(json.dumps(failure).encode(), content_type, {})
    error = error_from(ActionFailedError, parse_action_result(bytes), response, ACTION)
    assert (error.result, error.fault) == (ActionResult("Errored", "no", 404), Fault.APP_REFUSED)


@each_case("data", [{"id": 1}, ["a"], 5, True, None, "\udfff"])
def test_data_that_is_no_text(data: Any) -> None:
    """An action whose data is no file succeeded all the same, and the error has it."""
    response = json_response({"node_status": "Success", "data": data})
    error = error_from(APIResponseValidationError, parse_action_result(bytes), response, ACTION)
    assert "into=bytes" in error.message
    assert (error.result, error.fault) == (ActionResult("Success", data), Fault.MISFIT)


@each_case(("body", "content_type", "headers"), [case for case in FILES.values() if case[0]])
def test_files_that_nobody_asked_for(body: bytes, content_type: str, headers: dict[str, str]) -> None:
    """Whoever calls for JSON and gets a file hears how to take it."""
    response = file_response(body, content_type, headers)
    with pytest.raises(APIResponseValidationError) as caught:
        parse_result(response, ACTION)
    told = "If the response is a file, pass into=bytes, or save_to= with a path." in caught.value.message
    assert told or body[:1] in (b"5", b"{")  # they are JSON


# Failure


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


@each_case("spelled", [int, str])
@each_case(("node_status", "http_status", "fault"), OUTCOMES)
def test_what_became_of_a_failed_action(
    node_status: str, http_status: Any, fault: Fault, spelled: Callable[[int], Any]
) -> None:
    """The app's own status tells whether the action ran, whether it comes as a number or as a string."""
    value: dict[str, Any] = {"node_status": node_status, "data": {"message": "It broke"}}
    if http_status is not ABSENT:
        value["http_status"] = None if http_status is None else spelled(http_status)
    with pytest.raises(ActionFailedError) as caught:
        parse_result(json_response(value), ACTION)
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
    error = error_from(ActionFailedError, parse_result, json_response(value), ACTION)
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
    error = error_from(ActionFailedError, parse_result, json_response({"node_status": "Errored", "data": data}), ACTION)
    assert error.message.endswith(said) or said in error.message
    assert len(error.message) < 600


@pytest.mark.parametrize(
    "data", [NOT_CONNECTED, {"message": NOT_CONNECTED}, {"error": {"message": NOT_CONNECTED}}], ids=repr
)
@pytest.mark.parametrize("http_status", [None, 400, 404, 500])
def test_not_connected_in_the_data(data: Any, http_status: int | None) -> None:
    """An app that is not connected was never called: nothing ran, and the owner must connect it."""
    value = {"node_status": "Errored", "data": data, "http_status": http_status}
    error = error_from(ReconnectRequiredError, parse_result, json_response(value), ACTION)
    assert error.fault is Fault.NOT_CONNECTED
    assert RULES[error.fault].effect == "none"
    assert error.result == ActionResult("Errored", data, http_status)
    assert NOT_CONNECTED in error.message
    assert "reconnect" in error.message


def test_reconnecting_is_told_for_credentials_that_no_longer_work() -> None:
    """The app's 401 says what to do."""
    value = {"node_status": "Errored", "data": "Unauthorized", "http_status": 401}
    error = error_from(ReconnectRequiredError, parse_result, json_response(value), ACTION)
    assert "reconnect" in error.message
