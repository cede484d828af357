"""What the client makes of the documentation's example answers, and of answers with all that is described."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, Final, cast

from contract.description import described_answer, documented_answers
from contract.facts import OPERATIONS
from contract.problems import Problem
from contract.reading import Given, Read, losses_of, read
from refold_async import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
)

__all__ = ["example_losses", "refused_examples", "sample_losses"]

_KINDS_OF_ERRORS: Final[Mapping[int, type[APIStatusError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    500: InternalServerError,
    501: InternalServerError,
}


@cache
def _examples_read() -> Sequence[Read]:
    return read(documented_answers())


def example_losses() -> Iterator[Problem]:
    """Tell what of the example answers does not come back as a typed attribute."""
    yield from losses_of(_examples_read())


def refused_examples() -> Iterator[Problem]:
    """Tell which example answers that stand for errors are not raised as such, with all they tell."""
    for each in _examples_read():
        given, error = each.given, each.error
        if given.status < HTTPStatus.BAD_REQUEST:
            continue
        kind = _KINDS_OF_ERRORS[given.status]
        code = given.body.get("error_code", given.body.get("error"))
        if code == "RESOURCE_NOT_FOUND":
            kind = NotFoundError
        if type(error) is not kind:
            yield Problem(given.operation.name, f"{each.method}: {given.label} is {error!r:.200}, not {kind.__name__}")
            continue
        assert isinstance(error, APIStatusError)
        told = {
            "status_code": (error.status_code, given.body.get("status_code", given.status)),
            "http_error_type": (error.http_error_type, given.body.get("http_error_type")),
            "error_code": (error.error_code, code),
            "body": (error.body, given.body),
        }
        for name, (is_now, should_be) in told.items():
            if is_now != should_be:
                yield Problem(
                    given.operation.name, f"{each.method}: {given.label}: {name} is {is_now!r}, not {should_be!r}"
                )
        if given.body["message"] not in error.message or ".." in error.message:
            yield Problem(given.operation.name, f"{each.method}: {given.label}: message is {error.message!r}")


def sample_of_schema(schema: Mapping[str, Any], name: str = "answer", number: int = 1, *, nulls: bool = False) -> Any:
    """Return a JSON value that has all that a schema describes, always the same.

    Args:
        schema: The schema.
        name: What texts in it tell.
        number: Which of several it is: no two of a list have the same id.
        nulls: Whether what may be null is null.
    """
    kind: Any = schema.get("type")
    if isinstance(kind, list):
        if nulls:
            return None
        kind = cast("Sequence[Any]", kind)[0]
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "object":
        if "properties" not in schema:
            return {"any name": {"nested": [number, None]}}
        return {
            each: sample_of_schema(given, each, number, nulls=nulls) for each, given in schema["properties"].items()
        }
    if kind == "array":
        return [sample_of_schema(schema.get("items", {}), name, each, nulls=nulls) for each in (1, 2)]
    if kind == "string":
        formats = {"date-time": f"2026-06-16T13:15:0{number}.887Z", "uri": f"https://example.com/{name}/{number}"}
        return formats.get(schema.get("format", ""), f"some {name} {number}")
    values = {"integer": number, "number": number + 0.5, "boolean": True}
    return values.get(str(kind), [{"any": number}, "thing", None])


@cache
def _samples_read() -> Sequence[Read]:
    return read(
        [
            Given(operation, label, operation.status, sample_of_schema(schema, nulls=label == "nulls"))
            for operation in OPERATIONS
            if operation.source == "description" and (schema := described_answer(operation)) is not None
            for label in ("filled", "nulls")
        ]
    )


def sample_losses() -> Iterator[Problem]:
    """Tell what of answers with all that is described does not come back as a typed attribute."""
    yield from losses_of(_samples_read())
