"""The troubles a test can script: canned responses, delays, and connections that break in every way.

Troubles are values; `MockRefold.script` says to which requests they happen.

* Before the request has an effect: `Delay`, `Silence`, `Answer`, `Reset("before")`.
* Instead of the app's call: `Errored`, `ExpiredConnection`.
* After the request had its effect, during the response: `Reset("during")`, `Reset("after")`, `Truncated`, `Drip`.
"""

import math
from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs

from refold_async.testing.protocol.replies import JSON, Reply, encode_json, error_reply

__all__ = [
    "Answer",
    "Delay",
    "Drip",
    "Errored",
    "ExpiredConnection",
    "Reset",
    "Silence",
    "Trouble",
    "Truncated",
]

_ABSENT: Final[Any] = ...


def _seconds(_instance: object, attribute: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not (0 <= value < math.inf):
        raise ValueError(f"{attribute.name} must be a finite number of seconds, 0 or more, not {value!r}")


def _http_status(_instance: object, attribute: Any, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 200 <= value <= 999:
        raise ValueError(f"{attribute.name} must be a final HTTP status, 200 to 999, not {value!r}")


def _copied(headers: Mapping[str, str]) -> dict[str, str]:
    return dict(headers)


def _header_values(_instance: object, _attribute: Any, value: Mapping[str, str]) -> None:
    for name, text in value.items():
        if not name or any(character in "\r\n\0" for character in name + text):
            raise ValueError(f"not a header: {name!r}: {text!r}")


@attrs.frozen
class Answer:
    """A fixed response. The request has no effect and is not authenticated.

    Without `json` and `body`, a status of 400 or more has Refold's error shape as its body, and any other has no body.
    Use `body` for a response that is not JSON: `Answer(502, body="<html>Bad Gateway</html>")`.

    Args:
        status: HTTP status code, 200 to 999.
        json: The body, to be encoded as JSON.
        body: The body as it is.
        headers: Additional response headers.
        retry_after: Value of the `Retry-After` header: seconds, or an HTTP date as a string.
        content_type: Value of the `Content-Type` header. By default JSON for `json` and error shapes, HTML for a `body`
            of type str, and `application/octet-stream` for bytes.
    """

    status: int = attrs.field(default=200, validator=_http_status)
    json: Any = attrs.field(default=_ABSENT, kw_only=True)
    body: bytes | str | None = attrs.field(default=None, kw_only=True)
    headers: Mapping[str, str] = attrs.field(
        factory=dict[str, str], kw_only=True, converter=_copied, validator=_header_values
    )
    retry_after: float | str | None = attrs.field(default=None, kw_only=True)
    content_type: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.json is not _ABSENT and self.body is not None:
            raise ValueError("give json or body, not both")

    def reply(self, request_id: str | None = None) -> Reply:
        """Return the reply; called by the mock.

        Args:
            request_id: Put into Refold's error shape, if that is sent; None puts none into it.
        """
        content_type: str | None = JSON
        if self.json is not _ABSENT:
            body = encode_json(self.json)
        elif isinstance(self.body, str):
            body, content_type = self.body.encode(), "text/html; charset=utf-8"
        elif self.body is not None:
            body, content_type = self.body, "application/octet-stream"
        elif self.status >= 400:
            code = "RATE_LIMIT_EXCEEDED" if self.status == 429 else "SERVER_ERROR"
            body = error_reply(self.status, code=code, request_id=request_id).body
        else:
            body, content_type = b"", None
        headers = dict(self.headers)
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        return Reply(self.status, body, headers, self.content_type or content_type)


@attrs.frozen
class Delay:
    """Wait after the request was read, then continue: with the next trouble if there is one, else normally.

    The server continues after the wait even if the client has closed the connection, as a real server does.

    Args:
        seconds: How long to wait.
    """

    seconds: float = attrs.field(validator=_seconds)


@attrs.frozen
class Drip:
    """Run the request, then send its response in small pieces, with a pause before each piece.

    Args:
        seconds: Seconds before each piece.
        chunk_bytes: Size of a piece in bytes.
    """

    seconds: float = attrs.field(default=0.05, validator=_seconds)
    chunk_bytes: int = attrs.field(
        default=1, validator=attrs.validators.and_(attrs.validators.instance_of(int), attrs.validators.ge(1))
    )


@attrs.frozen
class Errored:
    """Respond to an execute-action as if the app's call had failed: HTTP 200 with a `node_status` that is not Success.

    It applies only to the route `execute_action`. Authentication and the checks of the parameters come first. The
    action itself does not run.

    Args:
        http_status: The app's own HTTP status; None leaves the field out.
        data: The app's own error body.
        node_status: Any word except `Success`.
    """

    http_status: int | None = None
    data: Any = None
    node_status: str = "Errored"


@attrs.frozen
class ExpiredConnection:
    """Respond to an execute-action as if the app no longer accepted the linked account's credentials.

    That is HTTP 200, `node_status` Errored, `http_status` 401 and the app's own error body. `MockAccount.expire` does
    the same for as long as the connection stays expired. It applies only to the route `execute_action`.
    """


@attrs.frozen
class Reset:
    """Break the TCP connection with an RST.

    Args:
        when: `before` the body is read, so that nothing happens; `during` the response, after its headers and half of
            its body; or `after` the request had its effect, before any of the response is sent.
    """

    when: Literal["before", "during", "after"] = attrs.field(
        default="before", validator=attrs.validators.in_(("before", "during", "after"))
    )


@attrs.frozen
class Silence:
    """Read the request and never respond, until the client disconnects or the mock closes. It has no effect."""


@attrs.frozen
class Truncated:
    """Run the request, announce the whole response, send a part of it, then close the connection normally (FIN).

    Args:
        after: How much of the body to send: a share from 0.0 to 1.0, or a number of bytes. The last byte is never
            sent.
    """

    after: float = 0.5

    def __attrs_post_init__(self) -> None:
        portion = isinstance(self.after, float) and 0 <= self.after <= 1
        count = type(self.after) is int and self.after >= 0
        if not (portion or count):
            raise ValueError(
                f"after must be a share (float, 0.0 to 1.0) or a number of bytes (int), not {self.after!r}"
            )

    def cut(self, body: bytes) -> bytes:
        """Return the part of a body that is sent; called by the mock.

        Args:
            body: The whole body.
        """
        count = int(len(body) * self.after) if isinstance(self.after, float) else self.after
        return body[: max(0, min(count, len(body) - 1))]


Trouble = Answer | Delay | Drip | Errored | ExpiredConnection | Reset | Silence | Truncated
