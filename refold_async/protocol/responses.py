"""The response to one attempt, and what a parser is."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from refold_async.codec import json_codec
from refold_async.models.response_meta import ResponseMeta, SettableMeta
from refold_async.protocol.endpoints import Request

if TYPE_CHECKING:
    from refold_async.models.saved_file import SavedFile

__all__ = [
    "SUCCESS",
    "Parser",
    "Response",
    "fields_of",
    "json_or_none",
    "request_id_of",
    "status_or_none",
]

T = TypeVar("T")

Parser = Callable[["Response", Request], T]
"""Returns the value that a response to a request represents, or raises the error that it represents."""

SUCCESS: Final = range(200, 300)
"""The statuses that report success. (`in` is as fast as two comparisons.)"""


class Response:
    """The response to one attempt."""

    __slots__ = ("attempts", "body", "body_error", "elapsed", "headers", "request_id", "saved", "secrets", "status")

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        body_error: str | None = None,
        saved: "SavedFile | str | None" = None,
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.body_error = body_error
        """What is wrong with the body, if it is incomplete or cannot be decoded."""
        self.saved = saved
        """The file to which the body, or a part of it, was saved, or why it could not be saved. None if nothing was to
        save. If the body itself is the file, `body` is empty."""
        self.attempts = 0
        """How many attempts the call had made when it arrived."""
        self.elapsed = 0.0
        """Seconds from the start of the call until it arrived."""
        self.secrets: Sequence[str] = ()
        """What was sent with the request and must not be shown."""
        self.request_id: str | None = None
        """Refold's id of the request, as results show it."""

    def meta(self, request_id: str | None) -> ResponseMeta:
        """Return the metadata that results show; `request_id` is what `request_id_of` found."""
        if request_id is not None:
            for secret in self.secrets:
                if secret in request_id:
                    from refold_async.protocol.redaction import redacted

                    request_id = redacted(request_id, self.secrets)
                    break
            if self.request_id is None:
                self.request_id = request_id
        meta: Any = SettableMeta(self.attempts, self.elapsed, request_id, self.status, self.headers)
        meta.__class__ = ResponseMeta
        return meta  # type: ignore[no-any-return]


def json_or_none(response: Response) -> Any:
    """Return the JSON value of a response with any status; None if its body is not JSON."""
    try:
        return json_codec.decode(response.body) if response.body_error is None else None
    except (ValueError, RecursionError):
        return None


def fields_of(value: Any) -> dict[str, Any]:
    """Return the fields of a JSON object, or an empty dict for any other value."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def request_id_of(headers: Mapping[str, str], fields: Mapping[str, Any]) -> str | None:
    """Return the id that Refold gave the request, or None.

    Args:
        headers: The response's headers.
        fields: The fields of its JSON object, which seldom contain the id.
    """
    named = fields.get("request_id")
    if isinstance(named, str) and named:
        return named
    return headers.get("x-request-id") or headers.get("x-trace-id") or None


def status_or_none(value: Any) -> int | None:
    """Return an HTTP status that may have arrived as a string; None if it is not a status."""
    if isinstance(value, str) and len(value) == 3 and value.isdecimal():
        return int(value)
    return value if type(value) is int else None
