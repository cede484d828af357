"""Parsers of every kind of response: one object, a list, a confirmation, any JSON. Resources use these.

The modules that make errors are imported at the first response that represents an error.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import attrs

from refold_async.codec import json_codec
from refold_async.models.model import Result
from refold_async.models.response_meta import ResponseMeta
from refold_async.protocol.endpoints import Request
from refold_async.protocol.responses import SUCCESS, Parser, Response, fields_of, json_or_none, request_id_of

if TYPE_CHECKING:
    from refold_async.models.saved_file import SavedFile

__all__ = [
    "parse_docs",
    "parse_field",
    "parse_if_sent",
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
    """Return the JSON value of a response. The status comes first: with an error status, any body is an error."""
    reason: Exception | None = None
    if response.status in SUCCESS and response.body_error is None:
        try:
            return json_codec.decode(response.body)
        except (ValueError, RecursionError) as error:
            reason = error.with_traceback(None)  # its frames hold this frame
    from refold_async.protocol.error_mapping import response_error

    raise response_error(response, request, reason)


def structured(value: Any, target: Any, root: str, response: Response, request: Request, *, body: Any = None) -> Any:
    """Return a JSON value of a response as a type.

    Args:
        value: The value.
        target: The type.
        root: The name of the value in messages.
        response: The response that contains it.
        request: The request of that response.
        body: The part of the response that the error shows. By default, the value.

    Raises:
        APIResponseValidationError: The value does not fit the type.
    """
    from refold_async.codec.structuring.converters import structure  # imports cattrs: plain results do not need it
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


_set_meta: Final[Callable[[Result, ResponseMeta], None]] = vars(Result)["meta"].__set__
"""Sets the field of a frozen object, as `object.__setattr__` does in twice the time."""


def _add_meta(value: Any, response: Response, envelope: Mapping[str, Any]) -> None:
    """Add to our models the metadata of their response; `envelope` is the object that may contain them."""
    results = cast("Sequence[Any]", value) if isinstance(value, list) else [value]
    if results and isinstance(results[0], Result):
        shared = response.meta(request_id_of(response.headers, envelope))
        may_have_own = "request_id" not in envelope
        for result in results:
            own = request_id_of({}, result.raw) if may_have_own and "request_id" in result.raw else None
            _set_meta(result, shared if own is None else response.meta(own))


def parse_value(into: Any) -> Parser[Any]:
    """Return the parser of any response: JSON as `into`, None if it is empty, or the whole body for `into=bytes`."""
    if into is bytes:
        return _parse_bytes
    as_it_came = into is None or into is Any
    if not as_it_came:
        from refold_async.codec.structuring.into_types import check_target

        check_target(into)

    def parse(response: Response, request: Request) -> Any:
        empty = not response.body and response.body_error is None and response.status in SUCCESS
        value = None if empty else parse_json(response, request)
        return value if as_it_came else structured(value, into, "response", response, request)

    return parse


def _parse_bytes(response: Response, request: Request) -> bytes:
    if response.status in SUCCESS and response.body_error is None:
        return response.body
    from refold_async.protocol.error_mapping import response_error

    raise response_error(response, request, None)


def parse_saved(response: Response, request: Request) -> "SavedFile":
    """Return the file to which a successful response was saved."""
    from refold_async.protocol.error_mapping import response_error, unsaved_error

    if response.saved is None:
        raise response_error(response, request, None)
    if isinstance(response.saved, str):
        raise unsaved_error(response, request)
    return attrs.evolve(response.saved, meta=response.meta(request_id_of(response.headers, {})))


def parse_model(model: type[T], **known: str) -> Parser[T]:
    """Return the parser of one object; `known` has values for fields that the response may leave out."""

    def parse(response: Response, request: Request) -> T:
        value = parse_json(response, request)
        if known and isinstance(value, dict):
            value = {**known, **cast("dict[str, Any]", value)}
        return structured(value, model, "response", response, request)  # type: ignore[no-any-return]

    return parse


def parse_unshown(model: type[T], holds: str, problem_with: Callable[[T], str | None]) -> Parser[T]:
    """Return the parser of an object that contains a secret. If it cannot be read, the error does not show it either.

    Args:
        model: The type of the object.
        holds: What the secret is, such as `a token`.
        problem_with: Returns why the object cannot be used, in words that do not show it; None if it can.
    """

    def parse(response: Response, request: Request) -> T:
        from refold_async.errors import APIResponseValidationError

        try:
            result = parse_model(model)(response, request)
            problem = problem_with(result)
        except APIResponseValidationError:
            problem = f"it may contain {holds}"
        else:
            if problem is None:
                return result
            del result
        from refold_async.protocol.error_mapping import unshown_error

        raise unshown_error(response, request, problem)

    return parse


def parse_told(model: type[T]) -> Parser[T]:
    """Return the parser of a confirmation. The status alone confirms what Refold did, whatever the body contains.

    If the body cannot be read, the parser returns a model without values.
    """

    def parse(response: Response, request: Request) -> T:
        if response.status not in SUCCESS:
            from refold_async.protocol.error_mapping import status_error

            raise status_error(response, request)
        from refold_async.codec.structuring.converters import structure
        from refold_async.codec.structuring.misfits import MisfitError

        value = json_or_none(response)
        try:
            told: T = structure(value, model, "response")
        except MisfitError:
            told = model()
        _add_meta(told, response, fields_of(value))
        return told

    return parse


def parse_if_sent(parse: Parser[T]) -> Parser[T | None]:
    """Return the parser of what a response may show of a write that its status confirms; None if it cannot be read."""

    def parse_or_none(response: Response, request: Request) -> T | None:
        from refold_async.errors import APIResponseValidationError

        try:
            return parse(response, request)
        except APIResponseValidationError:
            return None

    return parse_or_none


def parse_field(name: str, target: type[T]) -> Parser[T]:
    """Return the parser of one field of an object that has no other."""

    def parse(response: Response, request: Request) -> T:
        value = parse_json(response, request)
        return structured(fields_of(value).get(name), target, name, response, request, body=value)  # type: ignore[no-any-return]

    return parse


def parse_list(model: type[T]) -> Parser[list[T]]:
    """Return the parser of a list, with or without the envelope of a page."""
    return lambda response, request: parse_docs(parse_json(response, request), model, response, request)


def parse_docs(value: Any, model: type[T], response: Response, request: Request) -> list[T]:
    """Return the elements of a list that may be in the envelope of a page; those of a dataref are its rows."""
    fields = fields_of(value)
    docs = fields.get("docs", fields.get("rows", value))
    if docs is None and value is not None:
        docs = []
    return structured(docs, list[model], "docs", response, request, body=value)  # type: ignore[no-any-return,valid-type]
