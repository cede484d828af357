"""Turns a response into the error that it represents: a class for its status, a fault, and advice.

Imported at the first error response. Errors of connected apps and workflows are in `execution_errors`.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar

from refold_async import errors
from refold_async.codec.excerpts import shortened_body
from refold_async.errors import APIResponseValidationError, APIStatusError, RefoldError
from refold_async.faults import Fault
from refold_async.protocol.endpoints import Request
from refold_async.protocol.error_shape import FIELDS_OF_ERRORS, is_refolds_error
from refold_async.protocol.files import holds_file
from refold_async.protocol.responses import (
    SUCCESS,
    Response,
    fields_of,
    json_or_none,
    request_id_of,
)
from refold_async.protocol.retry_after import read_retry_after

__all__ = [
    "FROM_A_CONNECTION",
    "IN_MESSAGES",
    "NOT_CONNECTED",
    "by_connection",
    "check_connection",
    "how_to",
    "misfit_error",
    "response_error",
    "status_error",
    "status_name",
    "type_name",
    "unreadable_error",
    "unsaved_error",
    "unshown_error",
    "wait_as_asked",
    "with_fault",
]

E = TypeVar("E", bound=RefoldError)

IN_MESSAGES: Final = 300
"""How many characters of a text from a response a message quotes."""
_IN_BODY: Final = 10_000
"""How many characters of a body that is not JSON the error keeps."""

NOT_CONNECTED: Final = "Application Authentication not found"
"""How Refold says that it has no working credentials."""
FROM_A_CONNECTION: Final = frozenset({400, 403, 404})
"""The statuses that may mean that the connection does not exist."""

_CLASSES: Final[Mapping[int, type[APIStatusError]]] = {
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    422: errors.UnprocessableEntityError,
    429: errors.RateLimitError,
}
_NO_LINKED_ACCOUNT: Final = "No linked account found"
"""How Refold's message begins, with various statuses, if there is no linked account with this id."""
_CREATE_IT_FIRST: Final = "Create it first: refold.linked_accounts.upsert(linked_account_id)."
_ADVICE: Final[Mapping[int, str]] = {
    401: "The API key or session token is missing, wrong, revoked or expired: check it, or create a new one.",
    403: "The API key or session token is not allowed to do this.",
}


def how_to(connect: str) -> str:
    """Return the advice for a linked account that is not connected; `connect` is what it must do with the app."""
    return (
        f"The linked account must {connect}: send its owner the link (await account.connect_url()).hosted_url. "
        "To be notified before a call fails, subscribe to the 'Connection Expired' webhook."
    )


def by_connection(request: Request) -> str:
    """Return the part of a message that names the connection of a request, or "" if the request named none."""
    connection_id = request.headers.get("connection_id")
    return "" if connection_id is None else f" with connection {connection_id!r}"


def check_connection(request: Request) -> str:
    """Return the advice to check the connection of a request, or "" if the request named none."""
    return (
        by_connection(request)
        and " Check connection_id: applications.get(slug).connected_accounts lists the existing connections."
    )


def response_error(response: Response, request: Request, reason: Exception | None) -> RefoldError:
    """Return the error for a response without usable JSON; `reason` is why its body could not be decoded."""
    if response.status not in SUCCESS:
        return status_error(response, request)
    if reason is None:
        return unreadable_error(response, request, f"{response.body_error}")
    kind = response.headers.get("Content-Type", "no content type")
    if isinstance(reason, UnicodeDecodeError):
        problem = f"it is not valid UTF-8 at byte {reason.start:,} ({kind})"
    elif response.body:
        problem = f"it is not JSON ({reason}; {kind}): {_beginning(response, IN_MESSAGES)!r}"
    else:
        problem = "its body is empty"
    if request.target.if_file and holds_file(response.headers, response.body):
        problem += f". {request.target.if_file}"
    return unreadable_error(response, request, problem, _beginning(response, _IN_BODY))


def status_error(response: Response, request: Request) -> RefoldError:
    """Return the error for a response with an error status."""
    status = response.status
    value = json_or_none(response)
    fields = fields_of(value)
    nested = fields_of(fields.get("error"))
    code = _text(fields.get("error_code")) or _text(fields.get("error")) or _text(nested.get("code"))
    text = _text(fields.get("message")) or _text(nested.get("message"))
    body = value
    if value is None:
        body = _beginning(response, _IN_BODY) or None
        text = body and " ".join(_beginning(response, IN_MESSAGES).split())
        if text and response.body_error is not None and len(response.body) <= IN_MESSAGES:
            text += "…"  # the message continues; the mark also shows that a secret at its end may be incomplete
    elif not text:
        text = _beginning(response, IN_MESSAGES)
    said = (f"{text}: {code}" if text and code and " " in code else text or code or "").removesuffix(".")
    if status_name(status) == f"HTTP {status} {said}":
        said = ""
    # This is how Refold says that a webhook does not exist.
    meaning = 404 if status == 400 and code == "RESOURCE_NOT_FOUND" and not request.synchronous else status
    error_class = _CLASSES.get(meaning) or (errors.InternalServerError if status >= 500 else APIStatusError)
    advice = _CREATE_IT_FIRST if said.startswith(_NO_LINKED_ACCOUNT) else _advice(meaning, response, request)
    error = error_class(
        f"Refold returned {status_name(status)} for {request.target.subject}{by_connection(request)}"
        f"{': ' + said if said else ''}. {advice}".rstrip(),
        status_code=status,
        error_code=code,
        http_error_type=_text(fields.get("http_error_type")),
        request_id=request_id_of(response.headers, fields),
        body=body,
        headers=_plain_copy(response.headers),
    )
    error.retry_after = read_retry_after(response.headers)
    if request.synchronous and response.body_error is not None:
        return with_fault(error, Fault.WORKFLOW_UNCLEAR)
    fault = _fault_of_status(status, fields, request)
    not_connected = any(NOT_CONNECTED in (_text(fields.get(name)) or "") for name in ("message", "error"))
    if not_connected and status != HTTPStatus.TOO_MANY_REQUESTS:
        advice = how_to("connect the app, or reconnect it") + check_connection(request)
        reconnect = errors.ReconnectRequiredError(f"{said} ({status_name(status)}{by_connection(request)}). {advice}")
        reconnect.retry_after = error.retry_after
        reconnect.request_id = error.request_id
        return with_fault(reconnect, _fault_if_not_connected(fault, fields, request))
    return with_fault(error, fault)


def _fault_if_not_connected(fault: Fault, fields: Mapping[str, Any], request: Request) -> Fault:
    """Return the fault if an error status says that an app is not connected; `fault` is that of the status alone."""
    if request.synchronous:
        # A node may have said so after other nodes had run, and the Response node may have passed it on.
        if fault is Fault.SERVER_ERROR:
            return fault
        return Fault.NOT_CONNECTED if is_refolds_error(fields) else Fault.WORKFLOW_UNCLEAR
    if fault is Fault.SERVER_ERROR and len(fields.keys() & FIELDS_OF_ERRORS) < 2:
        return fault
    return Fault.NOT_CONNECTED


def _fault_of_status(status: int, fields: Mapping[str, Any], request: Request) -> Fault:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        # Any sender of a 429 refuses the request, except that a Response node of a synchronous workflow may choose it.
        is_refolds = not request.synchronous or is_refolds_error(fields)
        return Fault.RATE_LIMITED if is_refolds else Fault.WORKFLOW_RATE_LIMITED
    if status == 408 or (status >= 500 and status != 501):
        return Fault.SERVER_ERROR
    return Fault.REFUSED


def _advice(meaning: int, response: Response, request: Request) -> str:
    if meaning in FROM_A_CONNECTION and by_connection(request):
        return f"{_advice_about(meaning, response, request)}{check_connection(request)}".lstrip()
    return _advice_about(meaning, response, request)


def _advice_about(meaning: int, response: Response, request: Request) -> str:
    if meaning == 404:
        return request.target.if_not_found
    if meaning == 401:
        return f"{_ADVICE[401]} {request.target.if_unauthorized}".rstrip()
    if 300 <= meaning < 400:
        place = response.headers.get("Location")
        return f"Redirects are not followed{f' (to {place})' if place else ''}: check base_url."
    if meaning == 429:
        return f"Too many calls: {wait_as_asked(response)}, or set rate_limit= to the limit that applies."
    return _ADVICE.get(meaning, "")


def wait_as_asked(response: Response) -> str:
    """Return the advice to wait after a refusal, with the time that the response asks for, if it does."""
    asked = read_retry_after(response.headers)
    return "wait" if asked is None else f"wait {round(asked, 1):g} seconds, as its Retry-After asks"


def misfit_error(response: Response, request: Request, target: Any, problem: str, body: Any) -> RefoldError:
    """Return the error for a response whose value does not fit a type."""
    return unreadable_error(response, request, f"it does not fit {type_name(target)}: {problem}", body)


def unreadable_error(response: Response, request: Request, problem: str, body: Any = None) -> RefoldError:
    """Return the error for a response that is not what the API promises."""
    error = APIResponseValidationError(
        f"The response for {request.target.subject} (HTTP {response.status}) cannot be read: {problem}.",
        status_code=response.status,
        body=body,
    )
    error.request_id = request_id_of(response.headers, fields_of(body))
    return with_fault(error, Fault.UNREADABLE)


def unsaved_error(response: Response, request: Request) -> RefoldError:
    """Return the error for a response that is a file and could not be written."""
    error = APIResponseValidationError(
        f"The response for {request.target.subject} (HTTP {response.status}) was not saved: {response.saved}.",
        status_code=response.status,
    )
    error.request_id = request_id_of(response.headers, {})
    return with_fault(error, Fault.UNREADABLE)


def unshown_error(response: Response, request: Request, problem: str) -> RefoldError:
    """Return the error for a response that is not what the API promises, and whose content must not be shown."""
    error = APIResponseValidationError(
        f"The response for {request.target.subject} (HTTP {response.status}) cannot be read, and is not shown: "
        f"{problem.rstrip('.')}.",
        status_code=response.status,
    )
    error.request_id = request_id_of(response.headers, {})
    return with_fault(error, Fault.UNREADABLE)


def with_fault(error: E, fault: Fault) -> E:
    """Set the row of the retry table that an error falls under, and return the error."""
    error.fault = fault
    return error


def status_name(status: int) -> str:
    """Return a status with its name, such as `HTTP 404 Not Found`."""
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"


def type_name(target: Any) -> str:
    """Return the name of a type for messages. Models of this library are named without their module."""
    return target.__name__ if isinstance(target, type) else re.sub(r"refold_async\.(\w+\.)*", "", str(target))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _beginning(response: Response, length: int) -> str:
    return shortened_body(response.body, length, broken_off=response.body_error is not None)


def _plain_copy(headers: Any) -> Mapping[str, str]:
    """Return a copy that can be pickled and is still case-insensitive."""
    return headers.copy()  # type: ignore[no-any-return]
