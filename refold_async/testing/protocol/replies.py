"""What the mock sends back: JSON, pages, files and Refold's error shape."""

import json
from http import HTTPStatus
from typing import Any, Final, Literal

import attrs

__all__ = [
    "JSON",
    "NO_CONTENT",
    "X_TRACE_ID",
    "ErrorField",
    "Refused",
    "Reply",
    "RequestIdPlace",
    "encode_json",
    "error_reply",
    "json_reply",
    "page_reply",
]

JSON = "application/json; charset=utf-8"
ErrorField = Literal["error", "error_code"]
RequestIdPlace = Literal["X-Trace-ID", "x-request-id", "body"]
"""Where a reply has the id of its request: in one of two headers, or in the body of an error."""
X_TRACE_ID: Final[tuple[RequestIdPlace, ...]] = ("X-Trace-ID",)

_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@attrs.frozen
class Reply:
    """One complete HTTP response.

    Args:
        status: HTTP status code.
        body: The bytes of the body.
        headers: Additional headers, without `Content-Type` and `Content-Length`.
        content_type: Value of the `Content-Type` header; None sends none.
    """

    status: int
    body: bytes
    headers: dict[str, str] = attrs.field(factory=dict[str, str])
    content_type: str | None = JSON


NO_CONTENT: Final = Reply(204, b"", content_type=None)
"""What says that something was done, without a body."""


class Refused(Exception):  # noqa: N818 - a refusal is an ordinary response of the API, not an error of the mock
    """Raised by an endpoint to respond with Refold's error shape.

    Args:
        status: HTTP status code.
        message: Refold's message about it.
        code: Refold's own code, sent as `error_code` or `error`.
        error_type: The `http_error_type`; None uses the name of the status.
        error_field: The field for `code`; None uses that of the route's service.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str = "SERVER_ERROR",
        *,
        error_type: str | None = None,
        error_field: ErrorField | None = None,
    ) -> None:
        super().__init__(status, message, code)
        self.status = status
        self.message = message
        self.code = code
        self.error_type = error_type
        self.error_field: ErrorField | None = error_field


def encode_json(value: object) -> bytes:
    """Encode a value as compact UTF-8 JSON.

    Args:
        value: Anything that JSON can express; NaN and infinities raise a `ValueError`.
    """
    # A lone surrogate cannot be written in UTF-8, but `backslashreplace` turns it into its JSON escape.
    return _encoder.encode(value).encode("utf-8", "backslashreplace")


def json_reply(value: Any, status: int = 200) -> Reply:
    """Make a JSON reply.

    Args:
        value: The body before encoding.
        status: HTTP status code.
    """
    return Reply(status, encode_json(value))


def page_reply(html: str, status: int = 200) -> Reply:
    """Make a reply that is a web page.

    Args:
        html: The page.
        status: HTTP status code.
    """
    return Reply(status, html.encode(), {"Cache-Control": "no-store"}, "text/html; charset=utf-8")


def error_reply(
    status: int,
    message: str | None = None,
    *,
    code: str = "SERVER_ERROR",
    error_type: str | None = None,
    error_field: ErrorField = "error_code",
    request_id: str | None = None,
) -> Reply:
    """Make a reply in Refold's error shape.

    Args:
        status: HTTP status code, repeated in the body.
        message: What went wrong; None uses the phrase of the status.
        code: Refold's own code for it.
        error_type: The `http_error_type`; None uses the name of the status.
        error_field: The field for `code`; Refold's services use different ones.
        request_id: The id of the request, for the body; None leaves it out, as Refold usually does.
    """
    try:
        http_status = HTTPStatus(status)
        name, phrase = http_status.name, http_status.phrase
    except ValueError:
        name, phrase = "UNKNOWN", "Unknown Error"
    body: dict[str, Any] = {
        "status_code": status,
        "http_error_type": error_type or name,
        error_field: code,
        "message": phrase if message is None else message,
    }
    if request_id is not None:
        body["request_id"] = request_id
    return json_reply(body, status)
