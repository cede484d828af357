"""The parsers of the results of actions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from refold_async.models.model import Result
from refold_async.models.response_meta import ResponseMeta
from refold_async.models.results import ActionResult
from refold_async.protocol.endpoints import Request
from refold_async.protocol.parsers import parse_json
from refold_async.protocol.responses import SUCCESS, Parser, Response, fields_of, request_id_of, status_or_none

if TYPE_CHECKING:
    from refold_async.models.saved_file import SavedFile

__all__ = ["parse_action_file", "parse_action_result", "parse_saved_action_file"]


class _SettableActionResult(Result):
    """An object that becomes an `ActionResult` when its `__class__` is set. This is quick, and every call needs one.

    attrs sets each field of a frozen object with a function call, which takes three times as long.
    """

    __slots__ = ("data", "http_status", "node_status")
    __setattr__ = object.__setattr__
    __delattr__ = object.__delattr__  # without it, Python would set attributes by calls too

    def __init__(
        self, node_status: str, data: Any, http_status: int | None, raw: Mapping[str, Any], meta: ResponseMeta
    ) -> None:
        self.node_status = node_status
        self.data = data
        self.http_status = http_status
        self.raw = raw  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
        self.meta = meta  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def parse_action_result(into: Any) -> Parser[ActionResult[Any]]:
    """Return the parser of the response to `execute_action`, with `data` as `into`."""
    if into is None or into is Any:
        return _parse_plain
    if into is bytes:
        return parse_action_file
    from refold_async.codec.structuring.into_types import check_target

    check_target(into)
    return lambda response, request: _parse_into(into, response, request)


def _parse_plain(response: Response, request: Request) -> ActionResult[Any]:
    fields = fields_of(value := parse_json(response, request))
    node_status = fields.get("node_status")
    if not isinstance(node_status, str):
        from refold_async.protocol.error_mapping import unreadable_error

        raise unreadable_error(response, request, "it has no node_status", value)
    http_status = fields.get("http_status")
    result: Any = _SettableActionResult(
        node_status,
        fields.get("data"),
        None if http_status is None else status_or_none(http_status),
        fields,
        response.meta(request_id_of(response.headers, fields)),
    )
    result.__class__ = ActionResult
    if node_status != "Success":
        from refold_async.protocol.execution_errors import action_error

        raise action_error(result, response, request)
    return result  # type: ignore[no-any-return]


def _parse_into(into: Any, response: Response, request: Request) -> ActionResult[Any]:
    from refold_async.codec.structuring.converters import structure
    from refold_async.codec.structuring.misfits import MisfitError

    result = _parse_plain(response, request)
    try:
        data = structure(result.data, into, "data")
    except MisfitError as misfit:
        problem = str(misfit)
    else:
        return ActionResult(result.node_status, data, result.http_status, raw=result.raw, meta=result.meta)
    from refold_async.protocol.execution_errors import data_error

    raise data_error(result, into, problem, response, request)


def parse_action_file(response: Response, request: Request) -> ActionResult[bytes]:
    """Return the result of an action that returns a file: the response itself, or a text in Refold's JSON."""
    from refold_async.protocol.files import holds_file

    read = response.status in SUCCESS and response.body_error is None
    if read and holds_file(response.headers, response.body):
        return ActionResult("Success", response.body, meta=response.meta(request_id_of(response.headers, {})))
    result = _parse_plain(response, request)
    problem, why_no_file = "expected a string @ data", "is not a string"
    if isinstance(result.data, str):
        try:
            return attrs.evolve(result, data=result.data.encode())
        except UnicodeEncodeError:
            problem = "half a surrogate pair, which UTF-8 cannot encode @ data"
            why_no_file = "contains half a surrogate pair, which UTF-8 cannot encode"
    from refold_async.protocol.execution_errors import data_error, no_file_error

    if request.save_to is not None:
        raise no_file_error(result, why_no_file, response, request)
    raise data_error(result, bytes, problem, response, request)


def parse_saved_action_file(response: Response, request: Request) -> "ActionResult[SavedFile]":
    """Return the result of an action that returns a file, which was saved."""
    saved = response.saved
    if saved is None or response.body:
        result: ActionResult[Any] = parse_action_file(response, request)  # raises if there is no file to save
        if saved is not None and not isinstance(saved, str):
            return attrs.evolve(result, data=attrs.evolve(saved, meta=result.meta))
        from refold_async.protocol.execution_errors import unsaved_data_error

        raise unsaved_data_error(result, response, request)
    if isinstance(saved, str):
        from refold_async.protocol.error_mapping import unsaved_error

        raise unsaved_error(response, request)
    meta = response.meta(request_id_of(response.headers, {}))
    return ActionResult("Success", attrs.evolve(saved, meta=meta), meta=meta)
