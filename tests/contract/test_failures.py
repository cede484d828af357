"""Every method tells how it failed: what a status, a lost response, silence or an unreadable answer means for it."""

import inspect
import re
from collections.abc import AsyncGenerator, Mapping
from operator import attrgetter
from typing import Any, Final

import attrs
import pytest

from contract.calls.call import ACCOUNT, Call, Ids, Stage, outcome
from contract.calls.credentials import methods_by_key_alone
from contract.calls.groups import CALLS
from contract.facts import OPERATIONS
from contract.facts.table import unnamed
from contract.reading import INDIRECT
from operations_page import namespaces, served
from refold_async import (
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AsyncRefold,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RetryPolicy,
    Timeout,
    UnprocessableEntityError,
)
from refold_async.faults import Kind
from refold_async.testing import Answer, MockRefold, Reset, Silence
from support.retry_policies import IMPATIENT

KINDS: Final[Mapping[str, Kind]] = {method: one.endpoint.kind for one in served() for method in one.methods}
SHOWN_PATHS: Final[Mapping[str, str]] = {
    method: one.endpoint.path for one in served() if one.endpoint.secret_ids for method in one.methods
}
"""The paths that errors show where the ids are secrets."""
ERRORS: Final[Mapping[int, type[APIStatusError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    501: InternalServerError,
}
"""Statuses that are final, and the error of each."""
UNREADABLE: Final = (b"<html>", b'"text"', b"[5]", b'{"docs": 5, "schema": ', b"")
ANY_ANSWER: Final = frozenset({"account.executions.response"})
"""What returns whatever the answer is."""
CONFIRMING: Final = frozenset(
    {"Confirmation", "CredentialUpsert", "DatarefDeletion", "TokenRevocation", "WorkflowDeletion", "None"}
)
"""What methods return whose answer says little."""
BY_KEY: Final = frozenset({unnamed(operation.name) for operation in OPERATIONS if "key" in operation.security})
"""The operations that take an API key."""


def first_calls() -> list[Call]:
    """Return one call of each method that sends one request."""
    return list({call.method: call for call in reversed(CALLS) if call.method in KINDS}.values())


every_method: Final = pytest.mark.parametrize(
    "call", [call for call in first_calls() if call.method not in INDIRECT], ids=lambda call: call.method
)


@attrs.frozen
class Bench:
    """A mock, and a client of it."""

    mock: MockRefold
    refold: AsyncRefold

    async def make(self, call: Call, *, by_key: bool = False, **options: Any) -> object:
        """Make a call, for an account by its session token if that will do: no method then asks for one first."""
        account = self.refold.account_from_session_token("some-token", linked_account_id=ACCOUNT)
        if by_key or call.method in methods_by_key_alone():
            account = self.refold.account(ACCOUNT)
        return await outcome(call.make(Stage(self.refold, account, Ids()), **options))


@pytest.fixture
async def bench() -> AsyncGenerator[Bench]:
    """A client that retries twice, at once."""
    async with MockRefold() as mock, AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT) as refold:
        yield Bench(mock, refold)


def is_confirmed_by_its_status(call: Call) -> bool:
    """Tell whether a method returns what it can of an answer, since the status alone confirms what it did."""
    namespace, _, name = call.method.rpartition(".")
    returned = str(inspect.unwrap(attrgetter(name)(namespaces()[namespace])).__annotations__["return"])
    return not CONFIRMING.isdisjoint(re.findall(r"\w+", returned))


def test_every_method_is_here() -> None:
    """Each that sends a request, but for those that send several."""
    assert {call.method for call in first_calls()} == KINDS.keys()


@every_method
async def test_statuses_that_are_final(bench: Bench, call: Call) -> None:
    """Each is its own error after one request, and says that nothing happened."""
    for status, kind in ERRORS.items():
        bench.mock.clear()
        bench.mock.script(Answer(status))
        with pytest.raises(kind, match=f"HTTP {status}") as caught:
            await bench.make(call)
        error, (sent,) = caught.value, bench.mock.requests
        assert (error.status_code, error.effect, error.attempts) == (status, "none", 1)
        assert error.linked_account_id == (ACCOUNT if call.method.startswith("account.") else None)
        assert error.method == sent.method
        assert str(error.url).startswith(bench.mock.base_url + SHOWN_PATHS.get(call.method, sent.path))


@every_method
@pytest.mark.parametrize("trouble", [Reset("after"), Answer(503)], ids=["lost", "503"])
async def test_responses_that_are_lost(bench: Bench, call: Call, trouble: Reset | Answer) -> None:
    """Only what may be repeated is retried; of a write nobody knows."""
    kind = KINDS[call.method]
    bench.mock.script(trouble)
    error_class = APIConnectionError if isinstance(trouble, Reset) else InternalServerError
    with pytest.raises(error_class) as caught:
        await bench.make(call)
    attempts = 1 if kind == "write" else 3
    assert (caught.value.attempts, len(bench.mock.requests)) == (attempts, attempts)
    assert caught.value.effect == ("none" if kind == "read" else "unknown")


@every_method
async def test_answers_that_cannot_be_read(bench: Bench, call: Call) -> None:
    """They are told so, once: a write may have run. Where the status alone confirms the call, no body is an error."""
    for body in UNREADABLE:
        bench.mock.clear()
        bench.mock.script(Answer(200, body=body))
        if is_confirmed_by_its_status(call):
            await bench.make(call)
        elif call.method in ANY_ANSWER and not body:
            assert await bench.make(call)
        else:
            with pytest.raises(APIResponseValidationError, match="cannot be read") as caught:
                await bench.make(call)
            assert caught.value.effect == ("none" if KINDS[call.method] == "read" else "unknown")
        assert len(bench.mock.requests) == 1


@every_method
async def test_calls_that_hang(bench: Bench, call: Call) -> None:
    """`timeout=` ends them, and says so; what cannot be a timeout is refused before anything is sent."""
    bench = attrs.evolve(bench, refold=bench.refold.with_options(retry=RetryPolicy(max_retries=0)))
    with pytest.raises(ConfigurationError, match=r"total|timeout"):
        await bench.make(call, timeout=0)
    assert not bench.mock.requests
    await bench.refold.linked_accounts.get(ACCOUNT)  # the connection is there when the time begins
    bench.mock.script(Silence())
    with pytest.raises(APITimeoutError, match=r"0\.05 seconds \(Timeout\.attempt\)") as caught:
        await bench.make(call, timeout=Timeout(attempt=0.05))
    assert caught.value.effect == ("none" if KINDS[call.method] == "read" else "unknown")


TAKING_A_KEY: Final = {
    method
    for one in served()
    if unnamed(f"{one.endpoint.method} {one.endpoint.path}") in BY_KEY
    for method in one.methods
}


@pytest.mark.parametrize(
    "call", [call for call in first_calls() if call.method in TAKING_A_KEY], ids=lambda call: call.method
)
async def test_a_wrong_key_or_none(call: Call) -> None:
    """A wrong key is refused and named, and without one nothing is sent."""
    async with MockRefold(api_keys={"tk_right"}) as mock:
        async with AsyncRefold("tk_wrong", base_url=mock.base_url) as refold:
            with pytest.raises(AuthenticationError, match="check it") as caught:
                await Bench(mock, refold).make(call, by_key=True)
            assert (caught.value.effect, len(mock.requests)) == ("none", 1)
        async with AsyncRefold(base_url=mock.base_url) as refold:
            with pytest.raises(ConfigurationError, match=r"API key|REFOLD_API_KEY"):
                await Bench(mock, refold).make(call, by_key=True)
        assert len(mock.requests) == 1
