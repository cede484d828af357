"""The client's requests and the mock's answers are as the table of facts says."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

import pytest

from contract.calls.call import Ids, Stage, outcome
from contract.calls.credentials import methods_by_key_alone
from contract.calls.groups import CALLS
from contract.calls.recorded import recorded_calls
from contract.exchanges import Exchange
from contract.facts import OPERATIONS
from contract.facts.table import Operation, unnamed, usual_retrying
from contract.problems import (
    answer_problems,
    exchanges_of,
    refusal_problems,
    refusals_of,
    request_problems,
    shape_problems,
    unseen_refusals,
)
from contract.troubles import recorded_failures, recorded_troubles
from operations_page import served
from refold_async import AsyncRefold, ConfigurationError

every_operation: Final = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)


def each(exchanges: Iterable[Exchange], problems: Callable[[Exchange], Iterable[str]]) -> list[str]:
    """Return what is wrong with any of the exchanges, each once."""
    return list(dict.fromkeys(problem for exchange in exchanges for problem in problems(exchange)))


def served_by() -> Mapping[str, set[str]]:
    """Return the methods that use each operation, whose ids have no names here."""
    found: dict[str, set[str]] = {}
    for one in served():
        operation = unnamed(f"{one.endpoint.method} {one.endpoint.path}")
        found.setdefault(operation, set()).update([*one.methods, *one.others])
    return found


def test_every_operation_that_has_a_method_is_in_the_table() -> None:
    """Once, and no operation that has none."""
    in_table = [unnamed(operation.name) for operation in OPERATIONS]
    assert sorted(in_table) == sorted(served_by())


def test_kinds() -> None:
    """Retries hang on them: each endpoint is of the kind that the table gives a reason for, or of its method's."""
    kinds = {unnamed(f"{one.endpoint.method} {one.endpoint.path}"): one.endpoint.kind for one in served()}
    assert {unnamed(operation.name): operation.retrying for operation in OPERATIONS} == kinds
    by_method = [operation for operation in OPERATIONS if operation.retrying == usual_retrying(operation)]
    assert {operation.name for operation in OPERATIONS if operation.because is None} == {
        operation.name for operation in by_method
    }


def test_every_method_is_called() -> None:
    """Each that serves an operation is called, and sends a request of that operation."""
    called = {
        (unnamed(exchange.operation.name), made.call.method)
        for made in recorded_calls()
        for exchange in made.exchanges
        if exchange.operation
    }
    assert {(operation, method) for operation, methods in served_by().items() for method in methods} <= called


def test_every_call_succeeds() -> None:
    """What is called sends something, and the mock knows it."""
    problems = [f"{made.call.method} by {made.by}: {made.error!r:.150}" for made in recorded_calls() if made.error]
    assert not problems, "\n".join(problems)
    silent = [made.call.method for made in recorded_calls() if not made.exchanges]
    assert not silent
    unknown = {
        f"{exchange.method} {exchange.path}"
        for made in recorded_calls()
        for exchange in made.exchanges
        if exchange.operation is None
    }
    assert not unknown


async def test_calls_that_need_a_key() -> None:
    """By a session token, which Refold does not accept for them, nothing is sent."""
    refold = AsyncRefold("tk_test", base_url="http://127.0.0.1:1")  # where nobody listens
    stage = Stage(refold, refold.account_from_session_token("token"), Ids())
    for each_call in CALLS:
        if each_call.method in methods_by_key_alone():
            with pytest.raises(ConfigurationError, match=r"only an API key .* this scope has a session token"):
                await outcome(each_call.make(stage))


@every_operation
def test_requests(operation: Operation) -> None:
    """Credentials, path, query, headers and body are those that the operation takes."""
    exchanges = exchanges_of(operation)
    assert exchanges
    problems = each(exchanges, request_problems)
    assert not problems, "\n".join(problems)


@every_operation
def test_everything_that_is_offered_is_sent(operation: Operation) -> None:
    """A parameter or a field that the table has as offered is sent by some call."""
    sent: set[tuple[str, str]] = set()
    for exchange in exchanges_of(operation):
        sent |= {("query", name) for name in exchange.query}
        sent |= {("header", name.lower()) for name in exchange.headers}
        sent |= {("path", name) for name in exchange.path_parameters}
        body = exchange.json
        if isinstance(body, dict):
            sent |= {("body", name) for name in cast("dict[str, Any]", body)}
    offered = {(given.place, given.name) for given in operation.inputs if given.offered}
    assert not offered - sent, "\n".join(map(str, offered - sent))
    withheld = {(given.place, given.name) for given in operation.inputs if not given.offered}
    assert not withheld & sent


@every_operation
def test_answers(operation: Operation) -> None:
    """The mock's answers have every field of the table that is not optional, no others, and all of the right types."""
    answered = [exchange for exchange in exchanges_of(operation) if exchange.status < 400]
    assert {exchange.status for exchange in answered} == {operation.status}
    problems = each(answered, answer_problems)
    assert not problems, "\n".join(problems)


@every_operation
def test_refusals(operation: Operation) -> None:
    """What the mock refuses has a status, a shape and a code that the table has, and it refuses what it should."""
    refused = refusals_of(operation)
    assert refused
    accepted = [f"{exchange.method} {exchange.path} {exchange.body!r}" for exchange in refused if exchange.status < 400]
    problems = accepted + each([exchange for exchange in refused if exchange.status >= 400], refusal_problems)
    problems += [f"never seen: {refusal}" for refusal in unseen_refusals(operation)]
    assert not problems, "\n".join(problems)


def test_answers_about_failures() -> None:
    """Apps and workflows that fail are told with status 200, in the shape of the operation."""
    failures = recorded_failures()
    assert {exchange.status for exchange in failures} == {200}
    assert {exchange.answer.get("node_status") for exchange in failures} >= {"Errored", "Failed"}
    problems = each(failures, answer_problems)
    assert not problems, "\n".join(problems)


def test_errors_of_any_operation() -> None:
    """Too many requests, unknown paths and faults of the server have the shape of all errors."""
    troubles = recorded_troubles()
    assert {exchange.status for exchange in troubles} == {400, 401, 403, 404, 405, 409, 422, 429, 500, 501, 503}
    problems = each(troubles, shape_problems)
    assert not problems, "\n".join(problems)
