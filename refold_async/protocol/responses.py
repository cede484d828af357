"""Pure functions that read an answer: bytes to a typed value, or to the error that tells what became of the call."""

import codecs
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

import attrs

from refold_async import errors
from refold_async.codec import json_codec
from refold_async.errors import APIResponseValidationError, APIStatusError, RefoldError
from refold_async.faults import Fault
from refold_async.models.results import ActionResult, WorkflowExecution
from refold_async.protocol.endpoints import Request

if TYPE_CHECKING:
    from refold_async.resources.actions import Action, ActionParameters

__all__ = [
    "HOW_TO_RECONNECT",
    "Page",
    "Parser",
    "Response",
    "parse_action_parameters",
    "parse_action_result",
    "parse_actions",
    "parse_list",
    "parse_model",
    "parse_nothing",
    "parse_page",
    "parse_value",
    "parse_workflow_execution",
    "said_by_app",
    "shortened",
]

T = TypeVar("T")
Parser = Callable[["Response", Request], T]

_IN_MESSAGES: Final = 300
_IN_BODY: Final = 10_000
_LONGEST_RETRY_AFTER: Final = 1e10
"""Seconds, some three centuries: what asks for more is not meant."""
_NOT_CONNECTED: Final = "Application Authentication not found"
HOW_TO_RECONNECT: Final = (
    "The linked account must reconnect the app, in your product's Refold Connect page or the Console; subscribe to the "
    "'Connection Expired' webhook to hear of it before a call fails."
)

_FIELDS_OF_REFOLDS_ERRORS: Final = frozenset({"message", "status_code", "http_error_type", "error_code", "error"})
_ERRORS: Final[Mapping[int, type[APIStatusError]]] = {
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    422: errors.UnprocessableEntityError,
    429: errors.RateLimitError,
}
_ADVICE: Final[Mapping[int, str]] = {
    401: "The API key or session token is missing, wrong, revoked or expired: check it, or make a new one.",
    403: "The API key or session token is not allowed to do this.",
    429: "Too many calls: wait, or set rate_limit= to the limit that applies.",
}


@attrs.define(eq=False, repr=False)
class Response:
    """What came back from one attempt."""

    status: int
    # Some error reporters show the fields of any attrs class, unless each says otherwise. A body may hold a token.
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    body_error: str | None = None
    """What is wrong with the body, if it is not whole."""


def parse_actions(response: Response, request: Request) -> "list[Action]":
    """Read the answer to `list_actions`: a list, or an object that holds it."""
    from refold_async.resources.actions import Action

    value = _read_json(response, request)
    actions = _fields(value).get("actions", value)
    return _structured(actions, list[Action], "actions", response, request, body=value)  # type: ignore[no-any-return]


def parse_action_parameters(slug: str, action_id: str) -> "Parser[ActionParameters]":
    """Return the reader of the answer to `get_action_parameters`."""
    from refold_async.resources.actions import ActionParameter, ActionParameters

    def parse(response: Response, request: Request) -> ActionParameters:
        parameters = _structured(_read_json(response, request), list[ActionParameter], "parameters", response, request)
        return ActionParameters(slug, action_id, tuple(parameters))

    return parse


def parse_action_result(into: Any) -> Parser[ActionResult[Any]]:
    """Return the reader of the answer to `execute_action`, with `data` as `into`."""
    if into is None or into is Any:
        return _read_plain_action_result
    from refold_async.codec.structuring import check_target

    check_target(into)
    return lambda response, request: _read_action_into(into, response, request)


def _read_plain_action_result(response: Response, request: Request) -> ActionResult[Any]:
    fields = _fields(value := _read_json(response, request))
    node_status = fields.get("node_status")
    if not isinstance(node_status, str):
        raise _unreadable(response, request, "it has no node_status", value)
    http_status = fields.get("http_status")
    result = ActionResult(
        node_status, fields.get("data"), None if http_status is None else _status_code(http_status), raw=fields
    )
    if node_status != "Success":
        error = _action_error(result, request)
        if http_status is not None:
            error.retry_after = read_retry_after(response.headers)
        raise error
    return result


def _read_action_into(into: Any, response: Response, request: Request) -> ActionResult[Any]:
    from refold_async.codec.structuring import MisfitError, structure

    result = _read_plain_action_result(response, request)
    try:
        data = structure(result.data, into, "data")
    except MisfitError as misfit:
        problem = str(misfit)
    else:
        return ActionResult(result.node_status, data, result.http_status, raw=result.raw)
    raise _with_fault(
        APIResponseValidationError(
            f"{_capital(request.target.subject)} succeeded, but its data does not fit into={_type_name(into)}: {problem}. "
            "The data as it came is in .result; do not call again to get it.",
            status_code=response.status,
            body=result.raw,
            result=result,
        ),
        Fault.MISFIT,
    )


def parse_workflow_execution(response: Response, request: Request) -> WorkflowExecution:
    """Read the answer to `execute_workflow`."""
    if request.synchronous and not 200 <= response.status < 300:
        # A Response node may choose any status. What carries an execution_id comes from the workflow, not from Refold.
        value = _json_or_none(response)
        if _fields(value).get("execution_id") is not None:
            raise _workflow_error(_read_execution(value, response, request), response, request)
    execution = _read_execution(_read_json(response, request), response, request)
    if execution.errored:
        raise _workflow_error(execution, response, request)
    return execution


def _read_execution(value: Any, response: Response, request: Request) -> WorkflowExecution:
    fields = _fields(value)
    if isinstance(fields.get("status_code"), str):
        value = {**fields, "status_code": _status_code(fields["status_code"])}
    execution: WorkflowExecution = _structured(value, WorkflowExecution, "execution", response, request)
    return attrs.evolve(execution, raw=fields)


def parse_value(into: Any) -> Parser[Any]:
    """Return the reader of the answer to `request()`: its JSON, as `into`, or None where the answer is empty."""
    as_it_came = into is None or into is Any
    if not as_it_came:
        from refold_async.codec.structuring import check_target

        check_target(into)

    def parse(response: Response, request: Request) -> Any:
        empty = not response.body and response.body_error is None and 200 <= response.status < 300
        value = None if empty else _read_json(response, request)
        return value if as_it_came else _structured(value, into, "answer", response, request)

    return parse


def parse_model(model: type[T], **known: str) -> Parser[T]:
    """Return the reader of an answer that is one object; `known` is for what the answer may leave out."""

    def parse(response: Response, request: Request) -> T:
        value = _read_json(response, request)
        if known and isinstance(value, dict):
            value = {**known, **cast("dict[str, Any]", value)}
        return _structured(value, model, "answer", response, request)  # type: ignore[no-any-return]

    return parse


def parse_nothing(response: Response, request: Request) -> None:
    """Read the answer to a call that gives nothing: its status says that it was done, whatever the body."""
    if not 200 <= response.status < 300:
        raise _status_error(response, request)


def parse_list(model: type[T]) -> Parser[list[T]]:
    """Return the reader of an answer that is a list, whether or not it comes in the envelope of a page."""
    return lambda response, request: _docs(_read_json(response, request), model, response, request)


def _docs(value: Any, model: type[T], response: Response, request: Request) -> list[T]:
    docs = _fields(value).get("docs", value)
    if docs is None and value is not None:
        docs = []
    return _structured(docs, list[model], "docs", response, request, body=value)  # type: ignore[no-any-return,valid-type]


@attrs.frozen(eq=False, repr=False)
class Page(Generic[T]):
    """One page of a list."""

    docs: list[T]
    has_next: bool
    total: int | None
    """How many there are in all, where the answer tells."""
    pages: int | None
    """How many pages there are, where the answer tells."""


_ENVELOPE: Final = ("page", "limit", "totalDocs", "totalPages")


def parse_page(model: type[T]) -> Parser[Page[T]]:
    """Return the reader of an answer that is a page of a list."""

    def parse(response: Response, request: Request) -> Page[T]:
        value = _read_json(response, request)
        docs = _docs(value, model, response, request)
        fields = _fields(value)
        number, size, total, pages = (_whole_number(fields.get(name)) for name in _ENVELOPE)
        has_next = fields.get("hasNextPage")
        if not isinstance(has_next, bool):
            # Told otherwise: rather ask for a page too many than leave some out.
            told = [
                str(has_next).lower() == "true",
                fields.get("nextPage") is not None,
                None not in (number, pages) and cast("int", number) < cast("int", pages),
                None not in (number, size, total) and cast("int", number) * cast("int", size) < cast("int", total),
            ]
            has_next = any(told)
        return Page(docs, has_next, total, pages)

    return parse


def _read_json(response: Response, request: Request) -> Any:
    """Return the answer's JSON value. The status comes first: an error status is an error whatever the body."""
    if not 200 <= response.status < 300:
        raise _status_error(response, request)
    if response.body_error is not None:
        raise _unreadable(response, request, response.body_error, None)
    try:
        return json_codec.decode(response.body)
    except UnicodeDecodeError as error:
        problem = f"it is not valid UTF-8 at byte {error.start:,}"
    except (ValueError, RecursionError) as error:
        kind = response.headers.get("Content-Type", "no content type")
        problem = f"it is not JSON ({error}; {kind}): {_beginning(response, _IN_MESSAGES)!r}"
    raise _unreadable(response, request, problem, _beginning(response))


def _json_or_none(response: Response) -> Any:
    try:
        return json_codec.decode(response.body) if response.body_error is None else None
    except (ValueError, RecursionError):
        return None


def _structured(value: Any, target: Any, root: str, response: Response, request: Request, *, body: Any = None) -> Any:
    from refold_async.codec.structuring import MisfitError, structure  # and cattrs: not needed for plain results

    try:
        return structure(value, target, root)
    except MisfitError as misfit:
        problem = str(misfit)
    raise _unreadable(
        response, request, f"it does not fit {_type_name(target)}: {problem}", value if body is None else body
    )


def _unreadable(response: Response, request: Request, problem: str, body: Any) -> RefoldError:
    error = APIResponseValidationError(
        f"The answer about {request.target.subject} (HTTP {response.status}) cannot be read: {problem}.",
        status_code=response.status,
        body=body,
    )
    return _with_fault(error, Fault.UNREADABLE)


def _status_error(response: Response, request: Request) -> RefoldError:
    """Return the error for an answer with an error status."""
    status = response.status
    value = _json_or_none(response)
    fields = _fields(value)
    code = _text(fields.get("error_code")) or _text(fields.get("error"))
    text = _text(fields.get("message"))
    body = value
    if value is None:
        body = _beginning(response) or None
        text = body and " ".join(_beginning(response, _IN_MESSAGES).split())
        if text and response.body_error is not None and len(response.body) <= _IN_MESSAGES:
            text += "…"  # more of the message follows, and by this mark a secret is known of which only a part came
    elif not text:
        text = _beginning(response, _IN_MESSAGES)
    said = f"{text}: {code}" if text and code and " " in code else text or code or ""
    error_class = _ERRORS.get(status) or (errors.InternalServerError if status >= 500 else APIStatusError)
    error = error_class(
        f"Refold answered {_status_name(status)} about {request.target.subject}{': ' + said if said else ''}."
        f" {_advice(response, request)}".rstrip(),
        status_code=status,
        error_code=code,
        http_error_type=_text(fields.get("http_error_type")),
        request_id=_text(fields.get("request_id")) or response.headers.get("x-request-id"),
        body=body,
        headers=_plain_copy(response.headers),
    )
    error.retry_after = read_retry_after(response.headers)
    if request.synchronous and response.body_error is not None:
        return _with_fault(error, Fault.WORKFLOW_UNCLEAR)
    fault = _fault_of_status(status, fields, request)
    not_connected = any(_NOT_CONNECTED in (_text(fields.get(name)) or "") for name in ("message", "error"))
    if not_connected and status != HTTPStatus.TOO_MANY_REQUESTS:
        told = f"{_status_name(status)}, request id {error.request_id}"
        reconnect = errors.ReconnectRequiredError(f"{said} ({told}). {HOW_TO_RECONNECT}")
        reconnect.retry_after = error.retry_after
        return _with_fault(reconnect, _fault_if_not_connected(fault, fields, request))
    return _with_fault(error, fault)


def _fault_if_not_connected(fault: Fault, fields: Mapping[str, Any], request: Request) -> Fault:
    """Return what it is that an error status says that an app is not connected; `fault` is that of the status."""
    if request.synchronous:
        # A node may have said so, and the Response node have passed it on, after others had run.
        if fault is Fault.SERVER_ERROR:
            return fault
        return Fault.NOT_CONNECTED if _is_refolds(fields) else Fault.WORKFLOW_UNCLEAR
    if fault is Fault.SERVER_ERROR and len(fields.keys() & _FIELDS_OF_REFOLDS_ERRORS) < 2:
        return fault
    return Fault.NOT_CONNECTED


def _is_refolds(fields: Mapping[str, Any]) -> bool:
    """Tell whether an error is in the shape of Refold's own, which a workflow's answer is not likely to have."""
    return "message" in fields and len(fields.keys() & _FIELDS_OF_REFOLDS_ERRORS) > 1


def _fault_of_status(status: int, fields: Mapping[str, Any], request: Request) -> Fault:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        # Whoever answers it refuses the request; but a Response node of a synchronous workflow may choose it too.
        return Fault.RATE_LIMITED if _is_refolds(fields) or not request.synchronous else Fault.WORKFLOW_RATE_LIMITED
    if status == 408 or (status >= 500 and status != 501):
        return Fault.SERVER_ERROR
    return Fault.REFUSED


def _advice(response: Response, request: Request) -> str:
    if response.status == 404:
        return request.target.if_not_found
    if 300 <= response.status < 400:
        place = response.headers.get("Location")
        return f"Redirects are not followed{f' (to {place})' if place else ''}: check base_url."
    return _ADVICE.get(response.status, "")


def _action_error(result: ActionResult[Any], request: Request) -> RefoldError:
    """Return the error for an action that Refold ran and that did not succeed."""
    http_status = result.http_status
    said = said_by_app(result.data)
    message = f"{_capital(request.target.subject)} did not succeed: node_status {result.node_status!r}"
    if http_status is not None:
        message += f", the app answered {_status_name(http_status)}"
    message += f": {shortened(said, _IN_MESSAGES).removesuffix('.')}." if said else "."
    if _NOT_CONNECTED in said:
        return _with_fault(
            errors.ReconnectRequiredError(f"{message} {HOW_TO_RECONNECT}", result=result), Fault.NOT_CONNECTED
        )
    fault = Fault.APP_UNCLEAR
    if http_status is not None and http_status >= 500:
        fault = Fault.APP_FAILED
    elif http_status is not None and http_status >= 400 and result.node_status in {"Errored", "Failed"}:
        fault = Fault.APP_RATE_LIMITED if http_status == HTTPStatus.TOO_MANY_REQUESTS else Fault.APP_REFUSED
    if http_status == 401:
        return _with_fault(errors.ReconnectRequiredError(f"{message} {HOW_TO_RECONNECT}", result=result), fault)
    return _with_fault(errors.ActionFailedError(message, result=result), fault)


def _workflow_error(execution: WorkflowExecution, response: Response, request: Request) -> RefoldError:
    run = f"{_capital(request.target.subject)} (execution {execution.execution_id})"
    if execution.errored:
        said = said_by_app(execution.execution_error) or said_by_app(execution.return_value)
        message = (
            f"{run} stopped at an error{': ' + shortened(said, _IN_MESSAGES) if said else ''}. Nodes before it ran."
        )
        return _with_fault(errors.WorkflowFailedError(message, execution=execution), Fault.WORKFLOW_ERRORED)
    message = f"{run} ran, and answered with {_status_name(response.status)} of its own choosing; see .execution."
    return _with_fault(errors.WorkflowFailedError(message, execution=execution), Fault.WORKFLOW_SET_STATUS)


def read_retry_after(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """Return the seconds a `Retry-After` header asks to wait: digits, with a fraction at most, or a date.

    A date in the past asks for none. What is neither, or so far away that nobody can have meant it, is None.
    """
    value = headers.get("Retry-After", "").strip(" \t")
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        seconds = float(value)
    else:
        try:
            seconds = _read_date(value) - _time_of(headers, now)
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if abs(seconds) <= _LONGEST_RETRY_AFTER else None


def _time_of(headers: Mapping[str, str], now: Callable[[], float]) -> float:
    """Return when an answer was made, by the server's own clock where it tells the time."""
    try:
        return _read_date(headers["Date"])
    except (KeyError, ValueError, OverflowError):
        return now()


def _read_date(value: str) -> float:
    # Years of four digits that begin with 0 would be read as years of two.
    if not value.isascii() or re.search(r"\s0\d\d\d\b", value):
        raise ValueError(value)
    date = parsedate_to_datetime(value)
    return date.replace(tzinfo=date.tzinfo or UTC).timestamp()  # HTTP's dates are in GMT


def _with_fault(error: RefoldError, fault: Fault) -> RefoldError:
    error.fault = fault
    return error


def said_by_app(data: Any, depth: int = 3) -> str:
    """Return the human part of an app's error, whose shape is the app's own; look no deeper than `depth` objects."""
    if isinstance(data, str):
        return data
    if depth == 0:
        return ""
    if isinstance(data, list):
        return said_by_app(data[0] if data else None, depth - 1)
    fields = _fields(data)
    names = ("message", "error", "error_description", "detail", "errorMessage")
    return next((said for name in names if (said := said_by_app(fields.get(name), depth - 1))), "")


def _fields(value: Any) -> dict[str, Any]:
    """Return a JSON object's fields, and none of any other value."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _status_code(value: Any) -> int | None:
    """Return an HTTP status that may have come as a string."""
    if isinstance(value, str) and len(value) == 3 and value.isdecimal():
        return int(value)
    return value if type(value) is int else None


def _whole_number(value: Any) -> int | None:
    """Return a whole number that may have come as a string."""
    if isinstance(value, str) and len(value) <= 15 and value.isdecimal():
        return int(value)
    return value if type(value) is int else None


def _status_name(status: int) -> str:
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"


def _type_name(target: Any) -> str:
    return target.__name__ if isinstance(target, type) else re.sub(r"refold_async\.(\w+\.)*", "", str(target))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def shortened(text: str, length: int) -> str:
    """Return the beginning of a text that is too long for a message, with "…" where it is cut."""
    return text if len(text) <= length else f"{text[:length]}… ({len(text):,} characters)"


def _beginning(response: Response, length: int = _IN_BODY) -> str:
    """Return the beginning of a body as text: decoding all of it could take much memory."""
    body = response.body
    # Where it broke off, half a character is left out: what comes before it has to be the end, to be known as cut.
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    text = decode(body[: 4 * length], final=response.body_error is None)
    return text if len(body) <= length else f"{text[:length]}… ({len(body):,} bytes)"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _plain_copy(headers: Any) -> Mapping[str, str]:
    """Return a copy that pickles and is case-insensitive still."""
    return headers.copy()  # type: ignore[no-any-return]
