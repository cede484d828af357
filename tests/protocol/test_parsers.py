"""What is made of a response to any request: its value, or the error for one that cannot be read."""

from typing import Any, Final

import pytest

from refold_async import APIResponseValidationError, APIStatusError, NotFoundError, RefoldError
from refold_async.faults import Fault
from refold_async.protocol.endpoints import Request
from refold_async.protocol.parsers import parse_value
from refold_async.protocol.responses import Parser, Response
from support.cases import each_case
from support.responses import (
    ACTION,
    PARSERS,
    RAW_REQUEST,
    Contact,
    each_parser,
    error_from,
    json_response,
    parse_result,
    raw_response,
)

# request()


@pytest.mark.parametrize("value", [{"docs": [], "page": 1}, [1, 2], "x", 5, 0.5, True, False, None, ""], ids=repr)
def test_any_value(value: Any) -> None:
    """`request()` gives the JSON as it came."""
    assert parse_value(Any)(json_response(value), RAW_REQUEST) == value


@pytest.mark.parametrize("status", [200, 202, 204])
def test_empty_response(status: int) -> None:
    """A response without a body is None."""
    assert parse_value(Any)(raw_response(b"", status), RAW_REQUEST) is None
    assert parse_value(int | None)(raw_response(b"", status), RAW_REQUEST) is None


def test_any_value_into() -> None:
    """`into=` structures the whole response."""
    assert parse_value(list[Contact])(json_response([{"id": 1}]), RAW_REQUEST) == [Contact(1)]


@pytest.mark.parametrize(
    ("response", "place"),
    [
        (json_response([{"id": 1}, {"id": "2"}]), "@ response[1].id"),
        (json_response({"docs": []}), "@ response."),
        (raw_response(b"", 204), "@ response."),
    ],
    ids=["field", "shape", "empty"],
)
def test_any_value_that_does_not_fit(response: Response, place: str) -> None:
    """A response that does not fit says where, and to which request it came."""
    error = error_from(APIResponseValidationError, parse_value(list[Contact]), response, RAW_REQUEST)
    assert place in error.message
    assert "GET /api/v2/public/execution" in error.message
    assert error.fault is Fault.UNREADABLE


@each_case("body", [b"", b"%PDF \xff", b"[1]", b"<html>"])
@each_case("content_type", ["application/json", "application/pdf", "text/html"])
@each_case("status", [200, 204])
def test_any_body(body: bytes, content_type: str, status: int) -> None:
    """Into bytes, a response is its body, whatever it is."""
    assert parse_value(bytes)(raw_response(body, status, content_type=content_type), RAW_REQUEST) == body


def test_bodies_that_are_not_whole() -> None:
    """A part of a body is none."""
    response = raw_response(b"%PDF", content_type="application/pdf", body_error="it broke off")
    error = error_from(APIResponseValidationError, parse_value(bytes), response, RAW_REQUEST)
    assert "it broke off" in error.message
    assert error.fault is Fault.UNREADABLE


@each_case("into", [Any, bytes])
def test_error_statuses_of_files(into: Any) -> None:
    """An error status is that error, whatever the type of its body."""
    response = raw_response(b"%PDF", 404, content_type="application/pdf")
    assert error_from(NotFoundError, parse_value(into), response, RAW_REQUEST).status_code == 404


@pytest.mark.parametrize(
    ("body", "problem"), [(b"%PDF \xff", "UTF-8 at byte 5 (application/pdf)"), (b"%PDF", "not JSON")]
)
def test_files_that_nobody_asked_for(body: bytes, problem: str) -> None:
    """Whoever calls for JSON and gets a file hears how to take it, unless the method has no way to."""
    response = raw_response(body, content_type="application/pdf")
    error = error_from(APIResponseValidationError, parse_value(Any), response, RAW_REQUEST)
    assert problem in error.message
    assert error.message.endswith(" If the response is a file, pass into=bytes, or save_to= with a path.")
    parse, sent = PARSERS["actions"]
    assert "into=bytes" not in error_from(APIResponseValidationError, parse, response, sent).message


# 2xx that cannot be read


UNREADABLE: Final[dict[str, tuple[Response, str]]] = {
    "HTML": (raw_response(b"<html><body>Welcome</body></html>", content_type="text/html"), "it is not JSON"),
    "text": (raw_response(b"OK", content_type="text/plain"), "it is not JSON"),
    "blank": (raw_response(b" \n"), "it is not JSON"),
    "truncated": (raw_response(b'[{"action_id": "a"}, {"acti'), "it is not JSON"),
    "two values": (raw_response(b"[1][2]"), "it is not JSON"),
    "NaN": (raw_response(b"[NaN]"), "NaN"),
    "invalid UTF-8": (raw_response(b'["caf\xe9"]'), "not valid UTF-8 at byte 5"),
    "another encoding": (raw_response("[1]".encode("utf-16")), "not valid UTF-8 at byte 0"),
    "too deep": (raw_response(b"[" * 100_000), "it is not JSON"),
    "too large": (raw_response(b"[1, 2, 3", body_error="it is too long"), "it is too long"),
}


@each_case(("response", "problem"), UNREADABLE.values())
@each_parser
def test_responses_that_cannot_be_read(parse: Parser[Any], sent: Request, response: Response, problem: str) -> None:
    """A 2xx that is no JSON says why, and leaves open what became of a write."""
    error = error_from(APIResponseValidationError, parse, response, sent)
    assert problem in error.message
    assert sent.target.subject in error.message
    assert (error.status_code, error.result, error.fault) == (200, None, Fault.UNREADABLE)
    assert len(error.message) < 1000


@pytest.mark.parametrize("name", [name for name in PARSERS if not name.startswith("any")])
@pytest.mark.parametrize("status", [200, 204])
def test_empty_responses_where_one_was_promised(name: str, status: int) -> None:
    """An empty 2xx is no response for the requests that promise one."""
    parse, sent = PARSERS[name]
    error = error_from(APIResponseValidationError, parse, raw_response(b"", status), sent)
    assert error.fault is Fault.UNREADABLE
    assert error.status_code == status


def test_what_cannot_be_read_is_shown() -> None:
    """The error has the type and the beginning of what came instead, and the body."""
    html = "<html>Sign in to the guest network</html>"
    response = raw_response(html.encode(), content_type="text/html; charset=utf-8")
    error = error_from(APIResponseValidationError, parse_result, response, ACTION)
    assert "text/html; charset=utf-8" in error.message
    assert "Sign in to the guest network" in error.message
    assert error.body == html


@pytest.mark.parametrize("status", [200, 400, 502])
def test_long_bodies_are_shortened(status: int) -> None:
    """An error keeps a long body in part, and says how long it was; its message keeps less."""
    with pytest.raises(RefoldError) as caught:
        parse_result(raw_response(b"x" * 50_000, status, content_type="text/plain"), ACTION)
    error = caught.value
    assert isinstance(error, APIResponseValidationError | APIStatusError)
    assert len(error.body) < 11_000
    assert error.body.startswith("x" * 9_000)
    assert "50,000" in error.body[-30:]
    assert len(error.message) < 1000
