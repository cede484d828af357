"""What comes back from one attempt, and what a parser is."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import attrs

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
"""Returns what a response to a request stands for, or raises it where that is an error."""

SUCCESS: Final = range(200, 300)
"""The statuses that report success. (To ask a range costs no more than to compare with its ends.)"""


@attrs.define(eq=False, repr=False)
class Response:
    """What came back from one attempt."""

    status: int
    # Some error reporters show the fields of any attrs class, unless each says otherwise. A body may hold a token.
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    body_error: str | None = None
    """What is wrong with the body, if it is not whole."""
    saved: "SavedFile | str | None" = None
    """The file that the body, or what it holds, was saved to, or why it could not be; None if nothing was to be saved.
    A body that is itself the file is not here."""
    attempts: int = attrs.field(default=0, init=False)
    """How many attempts the call had made by then."""
    elapsed: float = attrs.field(default=0.0, init=False)
    """Seconds from the start of the call until it was there."""

    secrets: Sequence[str] = attrs.field(default=(), init=False, repr=False)
    """What was sent with the request and must not be shown."""
    request_id: str | None = attrs.field(default=None, init=False)
    """What results tell as Refold's id of the request."""

    def meta(self, request_id: str | None) -> ResponseMeta:
        """Return what results tell of it; `request_id` is what `request_id_of` found."""
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
    """Return the JSON value of a response whatever its status; None where its body is no JSON."""
    try:
        return json_codec.decode(response.body) if response.body_error is None else None
    except (ValueError, RecursionError):
        return None


def fields_of(value: Any) -> dict[str, Any]:
    """Return a JSON object's fields, and none of any other value."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def request_id_of(headers: Mapping[str, str], fields: Mapping[str, Any]) -> str | None:
    """Return Refold's id of the request that a response is to, or None.

    Args:
        headers: The response's headers.
        fields: The fields of its JSON object, which seldom name it.
    """
    named = fields.get("request_id")
    if isinstance(named, str) and named:
        return named
    return headers.get("x-request-id") or headers.get("x-trace-id") or None


def status_or_none(value: Any) -> int | None:
    """Return an HTTP status that may have come as a string; None for what is none."""
    if isinstance(value, str) and len(value) == 3 and value.isdecimal():
        return int(value)
    return value if type(value) is int else None
