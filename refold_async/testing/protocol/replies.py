"""What the mock sends back, before it touches a socket: JSON and Refold's error shape."""

import json
from http import HTTPStatus
from typing import Any, Literal

import attrs

__all__ = ["JSON", "ErrorField", "Refused", "Reply", "encode_json", "error_reply", "json_reply"]

JSON = "application/json; charset=utf-8"
ErrorField = Literal["error", "error_code"]

_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@attrs.frozen
class Reply:
    """One complete HTTP response.

    Args:
        status: HTTP status code.
        body: The bytes of the body.
        headers: Further headers, apart from `Content-Type` and `Content-Length`.
        content_type: Value of the `Content-Type` header; None sends none.
    """

    status: int
    body: bytes
    headers: dict[str, str] = attrs.field(factory=dict[str, str])
    content_type: str | None = JSON


class Refused(Exception):  # noqa: N818 - a refusal is an ordinary response of the API, not an error of the mock
    """Raised by an endpoint to answer with Refold's error shape.

    Args:
        status: HTTP status code.
        message: What Refold says about it.
        code: Refold's own code, sent as `error_code` or `error`.
    """

    def __init__(self, status: int, message: str, code: str = "SERVER_ERROR") -> None:
        super().__init__(status, message, code)
        self.status = status
        self.message = message
        self.code = code


def encode_json(value: object) -> bytes:
    """Encode a value as compact UTF-8 JSON.

    Args:
        value: Anything JSON can hold; NaN and infinities are refused with a `ValueError`.
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


def error_reply(
    status: int,
    message: str | None = None,
    *,
    code: str = "SERVER_ERROR",
    error_field: ErrorField = "error_code",
    request_id: str,
) -> Reply:
    """Make a reply in Refold's error shape.

    Args:
        status: HTTP status code, repeated in the body.
        message: What went wrong; the status's own phrase when None.
        code: Refold's own code for it.
        error_field: The field that carries `code`; Refold's services differ in this.
        request_id: The id of the request, for the body.
    """
    try:
        http_status = HTTPStatus(status)
        error_type, phrase = http_status.name, http_status.phrase
    except ValueError:
        error_type, phrase = "UNKNOWN", "Unknown Error"
    body: dict[str, Any] = {
        "status_code": status,
        "http_error_type": error_type,
        error_field: code,
        "message": phrase if message is None else message,
        "request_id": request_id,
    }
    return json_reply(body, status)
