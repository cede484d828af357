"""Makes the result of an action from what a look found."""

from typing import Any

import attrs

from refold_async.codec import json_codec
from refold_async.errors import RefoldError
from refold_async.models.response_meta import Reconciled, ResponseMeta
from refold_async.models.results import ActionResult
from refold_async.protocol.endpoints import Request
from refold_async.protocol.responses import Parser, Response

__all__ = ["found_result", "with_meta"]


def found_result(data: Any, request: Request, parse: Parser[ActionResult[Any]]) -> ActionResult[Any]:
    """Return the result of an action that a look found.

    Args:
        data: What the look passed to `Done`: JSON, as the app would have sent it, or another object.
        request: The request of the action.
        parse: The parser of its responses, which converts JSON as `into=` says.

    Raises:
        APIResponseValidationError: The data does not fit `into=`.
    """
    if data is None:
        return ActionResult("Success", None)
    try:
        body = json_codec.encode_as_read({"node_status": "Success", "data": data}).encode()
    except (TypeError, ValueError, RecursionError):
        return ActionResult("Success", data)
    try:
        return parse(Response(200, {}, body), request)
    except RefoldError as misfit:
        misfit.effect = "done"
        misfit.slug, misfit.action_id = request.slug, request.action_id
        raise


def with_meta(
    result: ActionResult[Any], reconciled: Reconciled | None, *, attempts: int, elapsed: float
) -> ActionResult[Any]:
    """Return a result whose `meta` covers all that was done for it.

    Args:
        result: The result.
        reconciled: What became clear.
        attempts: How many attempts were made to send it.
        elapsed: How many seconds all that took.
    """
    meta = result.meta if reconciled == "sent_again" else ResponseMeta()
    return attrs.evolve(result, meta=attrs.evolve(meta, reconciled=reconciled, attempts=attempts, elapsed=elapsed))
