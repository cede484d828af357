"""Parsers of every kind of response: of an object, of a list, of what was done, of any JSON. Resources use these.

What errors are made of is loaded by the first response that stands for one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs

from refold_async.codec import json_codec
from refold_async.models.model import Result
from refold_async.protocol.endpoints import Request
from refold_async.protocol.responses import SUCCESS, Parser, Response, fields_of, json_or_none, request_id_of

if TYPE_CHECKING:
    from refold_async.models.saved_file import SavedFile

__all__ = [
    "parse_docs",
    "parse_json",
    "parse_list",
    "parse_model",
    "parse_saved",
    "parse_told",
    "parse_unshown",
    "parse_value",
    "structured",
]

T = TypeVar("T")


def parse_json(response: Response, request: Request) -> Any:
    """Return a response's JSON value. The status comes first: an error status is an error whatever the body."""
    reason: Exception | None = None
    if response.status in SUCCESS and response.body_error is None:
        try:
            return json_codec.decode(response.body)
        except (ValueError, RecursionError) as error:
            reason = error.with_traceback(None)  # whose frames hold this one
    from refold_async.protocol.error_mapping import response_error

    raise response_error(response, request, reason)


def structured(value: Any, target: Any, root: str, response: Response, request: Request, *, body: Any = None) -> Any:
    """Return a JSON value of a response as a type.

    Args:
        value: The value.
        target: The type.
        root: What messages call the value.
        response: The response it came in.
        request: What that is the response to.
        body: What the error shows of the response; by default the value.

    Raises:
        APIResponseValidationError: The value does not fit.
    """
    from refold_async.codec.structuring.converters import structure  # and cattrs: not needed for plain results
    from refold_async.codec.structuring.misfits import MisfitError

    try:
        result = structure(value, target, root)
    except MisfitError as misfit:
        problem = str(misfit)
    else:
        _add_meta(result, response, fields_of(value if body is None else body))
        return result
    from refold_async.protocol.error_mapping import misfit_error

    raise misfit_error(response, request, target, problem, value if body is None else body)


def _add_meta(value: Any, response: Response, envelope: Mapping[str, Any]) -> None:
    """Note with results of ours what became of the call; `envelope` is the object they may have come in."""
    results = cast("Sequence[Any]", value) if isinstance(value, list) else [value]
    if results and isinstance(results[0], Result):
        shared = response.meta(request_id_of(response.headers, envelope))
        for result in results:
            has_own = "request_id" in result.raw and "request_id" not in envelope
            own = request_id_of({}, result.raw) if has_own else None
            object.__setattr__(result, "meta", shared if own is None else response.meta(own))


def parse_value(into: Any) -> Parser[Any]:
    """Return the parser of any response: its JSON, as `into`, or None where it is empty; or, into bytes, its body."""
    if into is bytes:
        return _parse_bytes
    as_it_came = into is None or into is Any
    if not as_it_came:
        from refold_async.codec.structuring.into_types import check_target

        check_target(into)

    def parse(response: Response, request: Request) -> Any:
        empty = not response.body and response.body_error is None and response.status in SUCCESS
        value = None if empty else parse_json(response, request)
        return value if as_it_came else structured(value, into, "answer", response, request)

    return parse


def _parse_bytes(response: Response, request: Request) -> bytes:
    if response.status in SUCCESS and response.body_error is None:
        return response.body
    from refold_async.protocol.error_mapping import response_error

    raise response_error(response, request, None)


def parse_saved(response: Response, request: Request) -> "SavedFile":
    """Return the file that any successful response was saved to."""
    from refold_async.protocol.error_mapping import response_error, unsaved_error

    if response.saved is None:
        raise response_error(response, request, None)
    if isinstance(response.saved, str):
        raise unsaved_error(response, request)
    return attrs.evolve(response.saved, meta=response.meta(request_id_of(response.headers, {})))


def parse_model(model: type[T], **known: str) -> Parser[T]:
    """Return the parser of one object; `known` is for what the response may leave out."""

    def parse(response: Response, request: Request) -> T:
        value = parse_json(response, request)
        if known and isinstance(value, dict):
            value = {**known, **cast("dict[str, Any]", value)}
        return structured(value, model, "answer", response, request)  # type: ignore[no-any-return]

    return parse


def parse_unshown(model: type[T], holds: str, problem_with: Callable[[T], str | None]) -> Parser[T]:
    """Return the parser of an object that holds a secret: where it cannot be read, the error does not show it either.

    Args:
        model: The type of it.
        holds: What the secret is, such as `a token`.
        problem_with: Says, in words that do not show it, what keeps it from being of use; else None.
    """

    def parse(response: Response, request: Request) -> T:
        from refold_async.errors import APIResponseValidationError

        try:
            result = parse_model(model)(response, request)
            problem = problem_with(result)
        except APIResponseValidationError:
            problem = f"it may hold {holds}"
        else:
            if problem is None:
                return result
            del result
        from refold_async.protocol.error_mapping import unshown_error

        raise unshown_error(response, request, problem)

    return parse


def parse_told(model: type[T]) -> Parser[T]:
    """Return the parser of what Refold says of what it has done: the status tells that it was done, whatever the body.

    Of a body that cannot be read comes a model without values.
    """

    def parse(response: Response, request: Request) -> T:
        if response.status not in SUCCESS:
            from refold_async.protocol.error_mapping import status_error

            raise status_error(response, request)
        from refold_async.codec.structuring.converters import structure
        from refold_async.codec.structuring.misfits import MisfitError

        value = json_or_none(response)
        try:
            told: T = structure(value, model, "answer")
        except MisfitError:
            told = model()
        _add_meta(told, response, fields_of(value))
        return told

    return parse


def parse_list(model: type[T]) -> Parser[list[T]]:
    """Return the parser of a list, whether or not it comes in the envelope of a page."""
    return lambda response, request: parse_docs(parse_json(response, request), model, response, request)


def parse_docs(value: Any, model: type[T], response: Response, request: Request) -> list[T]:
    """Return the members of a list that may come in the envelope of a page."""
    docs = fields_of(value).get("docs", value)
    if docs is None and value is not None:
        docs = []
    return structured(docs, list[model], "docs", response, request, body=value)  # type: ignore[no-any-return,valid-type]
