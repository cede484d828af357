"""What requests and answers differ in from the table."""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any, Final, cast

import attrs

from contract.calls.recorded import recorded_calls
from contract.conformance import body_shape, misfits, parameter_misfits
from contract.exchanges import Exchange
from contract.facts.table import Operation, Refusal
from contract.refusals import recorded_refusals

__all__ = [
    "Problem",
    "answer_problems",
    "exchanges_of",
    "fits",
    "refusal_problems",
    "refusals_of",
    "request_problems",
    "shape_problems",
    "unseen_refusals",
]

_OF_HTTP: Final = frozenset(
    {"host", "user-agent", "accept", "accept-encoding", "content-type", "content-length", "x-api-key", "authorization"}
)


@attrs.frozen
class Problem:
    """What differs, and of what."""

    operation: str
    what: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.what}"


def exchanges_of(operation: Operation) -> Sequence[Exchange]:
    """Return what the client and the mock exchanged about an operation."""
    return [exchange for made in recorded_calls() for exchange in made.exchanges if exchange.operation is operation]


def request_problems(exchange: Exchange) -> Iterator[str]:
    """Tell what of a request is not as the table says."""
    operation = exchange.operation
    assert operation is not None
    headers = {name.lower(): value for name, value in exchange.headers.items()}
    sent = {
        "query": dict(exchange.query),
        "header": {name: value for name, value in headers.items() if name not in _OF_HTTP},
        "path": dict(exchange.path_parameters),
    }
    by = "token" if "authorization" in headers else "key"
    given = [credentials for credentials in ("authorization", "x-api-key") if credentials in headers]
    if given and by not in operation.security:
        yield f"is sent by {by}"
    if len(given) != bool(operation.security):
        yield f"is sent with {' and '.join(given) or 'no credentials'}"
    if len(exchange.query) != len(sent["query"]):
        yield "repeats a parameter of the query"
    for place, values in sent.items():
        known = {given.name: given for given in operation.inputs if given.place == place}
        for name, value in values.items():
            if name in known:
                yield from parameter_misfits(value, known[name])
            else:
                yield f"sends the {place} parameter {name}, which is not in the table"
        # A session token names the account.
        missing = [given.name for given in known.values() if given.required and given.name not in values]
        yield from (
            f"lacks the {place} parameter {name}"
            for name in missing
            if not (name == "linked_account_id" and by == "token")
        )
    fields = operation.of("body")
    if not fields and not operation.free_body:
        if exchange.body:
            yield "sends a body"
    elif not exchange.body:
        if not operation.free_body and not operation.optional_body:
            yield "sends no body"
    elif headers.get("content-type") != "application/json":
        yield f"sends its body as {headers.get('content-type')}"
    else:
        shape = body_shape(fields, free=operation.free_body)
        yield from (f"sends a body whose {misfit}" for misfit in misfits(exchange.json, shape, complete=True))


def answer_problems(exchange: Exchange) -> Iterator[str]:
    """Tell what of a successful answer is not as the table says."""
    assert exchange.operation is not None
    yield from _header_problems(exchange)
    yield from misfits(exchange.answer, exchange.operation.answer, complete=True)


def _header_problems(exchange: Exchange) -> Iterator[str]:
    if not exchange.response_headers.get("X-Trace-ID"):
        yield "has no X-Trace-ID"
    if exchange.status == HTTPStatus.NO_CONTENT:
        return
    if exchange.response_headers.get("Content-Type", "").partition(";")[0] != "application/json":
        yield f"is {exchange.response_headers.get('Content-Type')}"


def refusal_problems(exchange: Exchange) -> Iterator[str]:
    """Tell what of an answer that stands for an error is not as the table says."""
    operation = exchange.operation
    assert operation is not None
    yield from _header_problems(exchange)
    body: Any = exchange.answer
    if not isinstance(body, dict):
        yield f"{exchange.status} is no object"
        return
    fields = cast("dict[str, Any]", body)
    refusals = [refusal for refusal in operation.refusals if refusal.status == exchange.status]
    if not refusals:
        yield f"{exchange.status} {fields} is not in the table"
        return
    if fields.keys() == {"message", "error"}:
        if not any(refusal.field is None for refusal in refusals):
            yield f"{exchange.status} has but {fields}"
        return
    if not any(fits(fields, refusal) for refusal in refusals):
        known = " or ".join(f"{refusal.field}={refusal.code} ({refusal.error_type})" for refusal in refusals)
        told = {name: value for name, value in fields.items() if name in ("error", "error_code", "http_error_type")}
        yield f"{exchange.status} tells {told} ({fields.get('message')!r:.50}), and should tell {known}"
    yield from _shape_problems(exchange.status, fields)


def shape_problems(exchange: Exchange) -> Iterator[str]:
    """Tell what of an answer that stands for an error is not as that of any error, whatever it is about."""
    yield from _header_problems(exchange)
    body: Any = exchange.answer
    if isinstance(body, dict):
        yield from _shape_problems(exchange.status, cast("dict[str, Any]", body))
    else:
        yield f"{exchange.status} is no object"


def _shape_problems(status: int, fields: dict[str, Any]) -> Iterator[str]:
    if ("error" in fields) == ("error_code" in fields):
        yield f"{status} has neither or both of error and error_code"
    if fields.get("status_code") != status:
        yield f"{status} tells status_code {fields.get('status_code')}"
    texts = {name for name in ("http_error_type", "message") if not isinstance(fields.get(name), str)}
    yield from (f"{status} has no {name}" for name in sorted(texts))
    known_names = {"status_code", "http_error_type", "error", "error_code", "message", "request_id"}
    yield from (f"{status} has {name}, which is not in the table" for name in sorted(fields.keys() - known_names))


def fits(fields: dict[str, Any], refusal: Refusal) -> bool:
    """Tell whether the body of an error carries the code of a refusal in its place."""
    if refusal.error_type != fields.get("http_error_type"):
        return refusal.field is None and fields.keys() == {"message", "error"}
    places = ("error", "error_code") if refusal.field == "either" else (refusal.field,)
    return any(place in fields and refusal.code in (None, fields[place]) for place in places)


def unseen_refusals(operation: Operation) -> Sequence[Refusal]:
    """Return the documented refusals of an operation that the mock was not seen to make."""
    answers: list[tuple[int, Any]] = [(exchange.status, exchange.answer) for exchange in refusals_of(operation)]
    bodies = [(status, cast("dict[str, Any]", body)) for status, body in answers if isinstance(body, dict)]
    return [
        refusal
        for refusal in operation.refusals
        if refusal.source == "example"
        and not any(status == refusal.status and fits(body, refusal) for status, body in bodies)
    ]


def refusals_of(operation: Operation) -> Sequence[Exchange]:
    """Return what the mock answered to what it refuses of an operation."""
    return [exchange for exchange in recorded_refusals() if exchange.operation is operation]
