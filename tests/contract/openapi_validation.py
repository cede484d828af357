"""What openapi-core finds in the client's requests and the mock's answers."""

from collections.abc import Iterator, Sequence
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from contract.calls.recorded import recorded_calls
from contract.description import corrected_description, described_operation, extended_description
from contract.exchanges import Exchange
from contract.facts.table import Operation
from contract.problems import Problem
from contract.refusals import recorded_refusals
from contract.troubles import recorded_failures

if TYPE_CHECKING:
    from openapi_core import V31RequestValidator, V31ResponseValidator
    from openapi_core.testing import MockRequest

__all__ = ["exchange_problems"]


@cache
def _validators(*, strict: bool) -> "tuple[V31RequestValidator, V31ResponseValidator]":
    """Return validators of what is described, or of that and what the table has from elsewhere, and no more."""
    from jsonschema_path import SchemaPath
    from openapi_core import V31RequestValidator, V31ResponseValidator

    description = SchemaPath.from_dict(extended_description() if strict else corrected_description())
    return (
        V31RequestValidator(description, forbid_unspecified_additional_properties=strict),
        V31ResponseValidator(description, forbid_unspecified_additional_properties=strict),
    )


@cache
def exchange_problems() -> Sequence[Problem]:
    """Return what openapi-core finds in requests and responses."""
    found: dict[Problem, None] = {}
    of_calls = [exchange for made in recorded_calls() for exchange in made.exchanges]
    for exchange in [*of_calls, *recorded_refusals(), *recorded_failures()]:
        operation = exchange.operation
        if operation is not None and operation.source == "description":
            request = _as_request(exchange)
            # What is refused was wrong on purpose.
            problems = [*_request_problems(request, operation)] if exchange.status < HTTPStatus.BAD_REQUEST else []
            if "content" in described_operation(operation)["responses"].get(str(exchange.status), ()):
                problems += _response_problems(request, exchange)
            found |= dict.fromkeys(Problem(operation.name, problem) for problem in problems)
    return list(found)


def _request_problems(request: "MockRequest", operation: Operation) -> Iterator[str]:
    for strict in (False, True):
        for error in _validators(strict=strict)[0].iter_errors(request):
            yield from _told("request", error)
    described = [given["name"] for given in described_operation(operation)["parameters"] if given["in"] == "query"]
    yield from (f"request: {name} is not described" for name in request.parameters.query if name not in described)


def _response_problems(request: "MockRequest", exchange: Exchange) -> Iterator[str]:
    from openapi_core.testing import MockResponse

    media_type = exchange.response_headers["Content-Type"].partition(";")[0]
    response = MockResponse(
        exchange.response_body, exchange.status, dict(exchange.response_headers), content_type=media_type
    )
    for strict in (False, True):
        for error in _validators(strict=strict)[1].iter_errors(request, response):
            yield from _told("response", error)


def _as_request(exchange: Exchange) -> "MockRequest":
    from openapi_core.testing import MockRequest

    return MockRequest(
        "https://app.refold.ai",
        exchange.method,
        exchange.path,
        args=dict(exchange.query),
        headers=dict(exchange.headers),
        data=exchange.body or None,
        content_type=exchange.headers.get("Content-Type", ""),
    )


def _told(what: str, error: Exception) -> Iterator[str]:
    """Tell what an error is made of, each place of the body by itself."""
    parts: Sequence[Any] = getattr(error.__cause__, "schema_errors", ())
    for part in parts:
        place = ".".join("[]" if isinstance(name, int) else str(name) for name in part.absolute_path)
        yield f"{what}: {place or 'the body'}: {part.message:.150}"
    if not parts:
        yield f"{what}: {error}"
