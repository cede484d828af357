"""What observers are told of calls, in which order and context, and that they harm none."""

import asyncio
import logging
import math
import re
import sys
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, nullcontext
from contextvars import ContextVar, Token
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
import attrs
import pytest

from refold_async import (
    AccountScope,
    ActionFailedError,
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    AsyncRefold,
    AuthenticationError,
    ClientClosedError,
    ConfigurationError,
    InternalServerError,
    Journal,
    NotFoundError,
    PermissionDeniedError,
    RateLimit,
    RateLimitError,
    RetryPolicy,
    Timeout,
)
from refold_async.faults import Fault
from refold_async.observers import AttemptEnd, CallEnd, CallStart, Retry
from refold_async.pipeline.large_responses import LARGE
from refold_async.runtime.log import DEBUG, Log
from refold_async.testing import Answer, Errored, MockRefold, Reset, Silence
from support.retry_policies import IMPATIENT
from support.waiting import until

ACTIONS: Final = "/api/v2/integration-schema/{slug}/actions"
EXECUTE: Final = f"{ACTIONS}/{{action_id}}/execute"


@attrs.define(eq=False)
class Recorder:
    """An observer that keeps what it is told."""

    told: list[Any] = attrs.field(factory=list[Any])

    def on_call_start(self, call: CallStart) -> None:
        """Keep it."""
        self.told.append(call)

    def on_attempt_end(self, attempt: AttemptEnd) -> None:
        """Keep it."""
        self.told.append(attempt)

    def on_retry(self, retry: Retry) -> None:
        """Keep it."""
        self.told.append(retry)

    def on_call_end(self, end: CallEnd) -> None:
        """Keep it."""
        self.told.append(end)

    @property
    def names(self) -> list[str]:
        """What kinds of things it was told, in order."""
        return [type(record).__name__ for record in self.told]

    def all(self, kind: type) -> list[Any]:
        """Return what it was told of one kind."""
        return [record for record in self.told if type(record) is kind]

    @property
    def attempts(self) -> list[AttemptEnd]:
        """The attempts that ended."""
        return self.all(AttemptEnd)

    @property
    def end(self) -> CallEnd:
        """The end of the only call."""
        (end,) = self.all(CallEnd)
        return end  # type: ignore[no-any-return]

    def check(self) -> None:
        """Check what holds of every call: it starts, and ends once, and its end adds up what its attempts tell."""
        for start in self.all(CallStart):
            attempts = [attempt for attempt in self.attempts if attempt.call is start]
            (end,) = [end for end in self.all(CallEnd) if end.call is start]
            mine = [start, *attempts, end]
            assert [record for record in self.told if record in mine] == mine
            assert [attempt.number for attempt in attempts] == list(range(1, end.attempts + 1))
            assert end.seconds_on_wire == pytest.approx(sum(attempt.seconds_on_wire for attempt in attempts))
            assert end.seconds_queued >= sum(attempt.seconds_queued for attempt in attempts) - 1e-9
            assert end.seconds >= end.seconds_on_wire + end.seconds_queued - 1e-9
            assert all(attempt.seconds_on_wire > 0 for attempt in attempts)
        assert len(self.all(CallStart)) == len(self.all(CallEnd))


@asynccontextmanager
async def observed(
    mock: MockRefold,
    *observers: object,
    retry: RetryPolicy = IMPATIENT,
    timeout: Timeout = Timeout(),  # noqa: B008 - frozen
    **options: Any,
) -> AsyncGenerator[AsyncRefold]:
    """A client whose calls are observed."""
    given: Any = observers
    async with AsyncRefold(
        "tk_test", base_url=mock.base_url, retry=retry, timeout=timeout, observers=given, **options
    ) as refold:
        yield refold


@pytest.fixture
def recorder() -> Recorder:
    """An observer."""
    return Recorder()


@pytest.fixture
async def refold(mock: MockRefold, recorder: Recorder) -> AsyncIterator[AsyncRefold]:
    """A client that the recorder observes."""
    async with observed(mock, recorder) as refold:
        yield refold
    recorder.check()


async def test_a_call_that_succeeds(mock: MockRefold, refold: AsyncRefold, recorder: Recorder) -> None:
    """All there is to know of it is told."""
    await refold.account("user_1").execute_action("hubspot", "get_contact", {"limit": "1"})
    assert recorder.names == ["CallStart", "AttemptEnd", "CallEnd"]
    call, attempt, end = recorder.told
    assert attrs.asdict(call) == {
        "method": "POST",
        "base_url": mock.base_url,
        "path": EXECUTE.format(slug="hubspot", action_id="get_contact"),
        "endpoint": EXECUTE,
        "operation": "execute_action",
        "slug": "hubspot",
        "action_id": "get_contact",
        "linked_account_id": "user_1",
        "kind": "write",
        "bulk": False,
        "job": None,
        "item_index": None,
        "item_key": None,
    }
    assert attempt.call is end.call is call
    assert (attempt.number, attempt.status, attempt.fault, attempt.effect, attempt.error) == (
        1,
        200,
        None,
        "done",
        None,
    )
    assert (end.attempts, end.status, end.fault, end.effect, end.error) == (1, 200, None, "done", None)
    assert attempt.request_id == end.request_id == "00000000-0000-4000-8000-000000000001"
    assert attempt.seconds_queued == end.seconds_queued == 0


CALLS: Final[dict[str, Callable[[AccountScope], Awaitable[object]]]] = {
    "list": lambda scope: scope.list_actions("hubspot"),
    "execute": lambda scope: scope.execute_action("hubspot", "get_contact", idempotent=True),
    "workflow": lambda scope: scope.execute_workflow("workflow_id", slug="hubspot"),
    "raw": lambda scope: scope.request("GET", "/api/v2/public/workflow", query={"page": 1, "limit": 1}),
}


@pytest.mark.parametrize(
    ("call", "endpoint", "slug", "action_id", "kind"),
    [
        ("list", ACTIONS, "hubspot", None, "read"),
        ("execute", EXECUTE, "hubspot", "get_contact", "idempotent"),
        ("workflow", "/api/v2/public/workflow/{workflow_id}/execute", "hubspot", None, "write"),
        ("raw", None, None, None, "read"),
    ],
)
async def test_what_a_call_is_for(
    refold: AsyncRefold,
    recorder: Recorder,
    call: str,
    endpoint: str | None,
    slug: str | None,
    action_id: str | None,
    kind: str,
) -> None:
    """The endpoint is told by its template, with the ids apart; the path of a raw request, which has none, as it is."""
    await CALLS[call](refold.account("user_1"))
    start = recorder.told[0]
    assert (start.endpoint, start.slug, start.action_id, start.kind) == (endpoint, slug, action_id, kind)
    assert "?" not in start.path


async def test_a_call_for_the_organisation(refold: AsyncRefold, recorder: Recorder) -> None:
    """It has no linked account."""
    await refold.check()
    assert recorder.told[0].linked_account_id is None


async def test_a_retry(mock: MockRefold, refold: AsyncRefold, recorder: Recorder) -> None:
    """Each attempt is told by itself, and why and when there is another."""
    mock.script(Answer(503), calls=1)
    await refold.account("user_1").list_actions("hubspot")
    assert recorder.names == ["CallStart", "AttemptEnd", "Retry", "AttemptEnd", "CallEnd"]
    first, second = recorder.attempts
    assert (first.status, first.fault, first.effect, first.error) == (
        503,
        Fault.SERVER_ERROR,
        "none",
        InternalServerError,
    )
    assert (second.status, second.fault, second.effect, second.error) == (200, None, "done", None)
    assert first.request_id != second.request_id == recorder.end.request_id
    (retry,) = recorder.all(Retry)
    assert retry.attempt is first
    assert 0 <= retry.delay <= IMPATIENT.max_delay
    assert (recorder.end.attempts, recorder.end.status, recorder.end.error) == (2, 200, None)


async def test_an_attempt_without_a_response(mock: MockRefold, refold: AsyncRefold, recorder: Recorder) -> None:
    """It has no status; a write that may have run says so, in the attempt and in the call."""
    mock.script(Reset("after"))
    with pytest.raises(APIConnectionError):
        await refold.account("user_1").execute_action("hubspot", "get_contact")
    (attempt,) = recorder.attempts
    for told in (attempt, recorder.end):
        assert (told.status, told.fault, told.effect, told.error, told.request_id) == (
            None,
            Fault.LOST,
            "unknown",
            APIConnectionError,
            None,
        )


async def test_the_effect_of_a_call_is_that_of_all_attempts(
    mock: MockRefold, refold: AsyncRefold, recorder: Recorder
) -> None:
    """What may have run once is not undone by an attempt that certainly did not."""
    mock.script(Reset("after"), calls=1)
    mock.script(Answer(404), calls=2)
    with pytest.raises(NotFoundError):
        await refold.account("user_1").execute_action("hubspot", "get_contact", idempotent=True)
    assert [attempt.effect for attempt in recorder.attempts] == ["unknown", "none"]
    assert (recorder.end.effect, recorder.end.fault, recorder.end.status) == ("unknown", Fault.REFUSED, 404)


async def test_a_refusal_is_waited_out(mock: MockRefold, refold: AsyncRefold, recorder: Recorder) -> None:
    """A 429 tells for how long Refold wants to be left alone; the pause between attempts is not on the wire."""
    mock.script(Answer(429, retry_after=0.2), calls=1)
    await refold.account("user_1").execute_action("hubspot", "get_contact")
    first, second = recorder.attempts
    assert (first.status, first.fault, first.effect, first.error) == (429, Fault.RATE_LIMITED, "none", RateLimitError)
    assert second.status == 200
    (retry,) = recorder.all(Retry)
    assert retry.delay >= 0.2
    assert recorder.end.seconds >= 0.2 + recorder.end.seconds_on_wire - 0.01


async def test_an_app_that_refuses(mock: MockRefold, refold: AsyncRefold, recorder: Recorder) -> None:
    """What the app did wrong is an error with a good status."""
    mock.script(Errored(400))
    with pytest.raises(ActionFailedError):
        await refold.account("user_1").execute_action("hubspot", "get_contact")
    assert (recorder.end.status, recorder.end.fault, recorder.end.error) == (200, Fault.APP_REFUSED, ActionFailedError)
    assert recorder.end.app_status == recorder.attempts[0].app_status == 400
    assert recorder.end.outcome == recorder.attempts[0].outcome == "failed"
    assert recorder.names == ["CallStart", "AttemptEnd", "CallEnd"]


@pytest.mark.parametrize("size", [0, LARGE], ids=["small", "large"])
async def test_a_response_that_cannot_be_read(
    mock: MockRefold, refold: AsyncRefold, recorder: Recorder, size: int
) -> None:
    """The attempt did not succeed, whatever its status says; large responses are read in a thread."""
    mock.script(Answer(200, body="{" + " " * size))
    with pytest.raises(APIResponseValidationError):
        await refold.account("user_1").execute_action("hubspot", "get_contact")
    (attempt,) = recorder.attempts
    for told in (attempt, recorder.end):
        assert (told.status, told.fault, told.effect, told.error) == (
            200,
            Fault.UNREADABLE,
            "unknown",
            APIResponseValidationError,
        )


async def test_credentials_that_are_renewed(mock: MockRefold, refold: AsyncRefold, recorder: Recorder) -> None:
    """The call goes on with a second attempt; fetching the token is a call of its own."""
    scope = refold.session_tokens.account("user_1")
    await scope.list_actions("hubspot")
    await refold.session_tokens.revoke(mock.requests[-1].headers["Authorization"].removeprefix("Bearer "))
    recorder.told.clear()
    await scope.list_actions("hubspot")
    listing, creating = recorder.all(CallStart)
    assert (listing.endpoint, creating.endpoint) == (ACTIONS, "/api/v2/public/session-token")
    assert (listing.linked_account_id, creating.linked_account_id) == ("user_1", None)
    attempts = [attempt for attempt in recorder.attempts if attempt.call is listing]
    assert [(attempt.status, attempt.error) for attempt in attempts] == [(401, AuthenticationError), (200, None)]
    assert not recorder.all(Retry)
    assert [end.call for end in recorder.all(CallEnd)] == [creating, listing]
    mine = [end for end in recorder.all(CallEnd) if end.call is listing]
    assert [(end.attempts, end.error) for end in mine] == [(2, None)]


async def test_credentials_that_cannot_be_fetched(mock: MockRefold, refold: AsyncRefold, recorder: Recorder) -> None:
    """The call that needed them ends without an attempt."""
    mock.script(Answer(401), route="create_session_token")
    with pytest.raises(AuthenticationError):
        await refold.session_tokens.account("user_1").list_actions("hubspot")
    listing, _ = recorder.all(CallStart)
    (end,) = [end for end in recorder.all(CallEnd) if end.call is listing]
    assert (end.attempts, end.status, end.effect, end.error) == (0, None, "none", AuthenticationError)


async def test_a_permit_that_does_not_come_in_time(mock: MockRefold, recorder: Recorder) -> None:
    """There is no attempt to tell of, but how long the call waited for one."""
    async with observed(mock, recorder, rate_limit=RateLimit(0.01, burst=1)) as refold:
        account = refold.account("user_1")
        await account.list_actions("hubspot")
        recorder.told.clear()
        with pytest.raises(APITimeoutError):
            await account.list_actions("hubspot", timeout=0.05)
    assert recorder.names == ["CallStart", "CallEnd"]
    end = recorder.end
    assert (end.attempts, end.status, end.fault, end.effect, end.error) == (0, None, None, "none", APITimeoutError)
    assert 0 < end.seconds_queued <= end.seconds
    assert end.seconds_on_wire == 0
    recorder.check()


async def test_the_wait_for_a_permit(mock: MockRefold, recorder: Recorder) -> None:
    """It is told for each attempt, apart from the time on the wire."""

    class Slow:
        async def acquire(self) -> None:
            await asyncio.sleep(0.05)

    mock.script(Answer(503), calls=1)
    async with observed(mock, recorder, rate_limit=Slow()) as refold:
        await refold.account("user_1").list_actions("hubspot")
    assert len(recorder.attempts) == 2
    assert all(attempt.seconds_queued >= 0.04 for attempt in recorder.attempts)
    recorder.check()


async def test_a_write_cancelled_after_it_was_sent(
    mock: MockRefold, refold: AsyncRefold, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """Its attempt and its call end, and may have run; the log says so once."""
    mock.script(Silence())
    task = asyncio.create_task(refold.account("user_1").execute_action("hubspot", "get_contact"))
    await until(lambda: mock.in_flight)
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    assert recorder.names == ["CallStart", "AttemptEnd", "CallEnd"]
    (attempt,) = recorder.attempts
    for told in (attempt, recorder.end):
        assert (told.status, told.fault, told.effect, told.error) == (None, None, "unknown", asyncio.CancelledError)
    (record,) = caplog.records
    path = EXECUTE.format(slug="hubspot", action_id="get_contact")
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        f"POST {path} for linked account 'user_1': cancelled after it was sent (attempt 1). "
        "It may have run: check before you retry it."
    )


async def test_cancelled_before_it_was_sent(mock: MockRefold, recorder: Recorder) -> None:
    """A call that waits for a connection did nothing yet, and ends all the same."""
    mock.script(Silence())
    async with observed(mock, recorder, max_connections=1) as refold:
        holder = asyncio.create_task(refold.account("user_1").list_actions("hubspot"))
        await until(lambda: mock.in_flight)
        write = asyncio.create_task(refold.account("user_2").execute_action("hubspot", "get_contact"))
        await until(lambda: len(recorder.all(CallStart)) == 2)
        write.cancel()
        await asyncio.wait([write])
        assert (recorder.end.call.linked_account_id, recorder.end.attempts) == ("user_2", 0)
        assert (recorder.end.effect, recorder.end.error) == ("none", asyncio.CancelledError)
        holder.cancel()
        await asyncio.wait([holder])
    recorder.check()


async def test_cancelled_while_it_waits_to_try_again(mock: MockRefold, recorder: Recorder) -> None:
    """What the attempts before may have done is not forgotten."""
    mock.script(Reset("after"))
    patient = RetryPolicy(initial_delay=1e9, max_delay=1e9)
    async with observed(mock, recorder, retry=patient, timeout=Timeout(total=math.inf)) as refold:
        task = asyncio.create_task(refold.account("user_1").execute_action("hubspot", "get_contact", idempotent=True))
        await until(lambda: recorder.all(Retry))
        task.cancel()
        await asyncio.wait([task])
    assert recorder.names == ["CallStart", "AttemptEnd", "Retry", "CallEnd"]
    assert (recorder.end.effect, recorder.end.error) == ("unknown", asyncio.CancelledError)
    recorder.check()


class Unhelpful:
    """What has one hook, which is found once; whoever asks for anything else, or again, gets an error of its own."""

    found = False

    def __init__(self, error: type[Exception]) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        if self.found or name != "on_call_end":
            raise self._error(name)
        self.found = True
        return self._fail

    def _fail(self, _: object) -> None:
        raise ZeroDivisionError


ONE: Final = Recorder()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (5, "observers must be a list of observers, got int"),
        (Recorder(), "observers must be a list of observers, got Recorder"),
        ([Recorder], "observers[0] is the class Recorder: pass an instance of it"),
        ([Recorder(), object()], "observers[1], a object, has no hook: define at least one of on_call_start"),
        ([ONE, Recorder(), ONE], "observers[2] is the same object as observers[0]: pass it once"),
        ([Unhelpful(KeyError)], "observers[0], a Unhelpful, raised KeyError('on_call_start') when its hooks"),
    ],
    ids=["number", "no list", "class", "no hooks", "twice", "raises"],
)
def test_what_is_no_observer(given: Any, problem: str) -> None:
    """It is refused when the client is made."""
    with pytest.raises(ConfigurationError, match=re.escape(problem)):
        AsyncRefold("tk_test", observers=given)


async def _async_hook(_: object) -> None: ...


def _generator_hook(_: object) -> Iterator[None]:
    yield


class _AsyncCallable:
    async def __call__(self, _: object) -> None: ...


@pytest.mark.parametrize(
    "hook",
    [_async_hook, _generator_hook, _AsyncCallable(), partial(_async_hook), 5],
    ids=["async", "generator", "callable", "partial", "number"],
)
@pytest.mark.parametrize("name", ["on_call_start", "on_attempt_end", "on_retry", "on_call_end", "request_headers"])
def test_a_hook_that_is_no_plain_function(name: str, hook: Any) -> None:
    """It would never run: the name of the hook and of the observer are told."""
    observer: Any = SimpleNamespace(**{name: hook})
    with pytest.raises(ConfigurationError, match=rf"The {name}.* of observers\[0\].* must be a .*function"):
        AsyncRefold("tk_test", observers=[observer])


async def test_a_coroutine_from_a_plain_function(mock: MockRefold, caplog: pytest.LogCaptureFixture) -> None:
    """A decorator may hide that a hook is async: that is told once, and nothing is left unawaited."""

    def on_call_end(end: CallEnd) -> object:
        return _async_hook(end)

    async with observed(mock, SimpleNamespace(on_call_end=on_call_end)) as refold:
        for _ in range(2):
            await refold.account("user_1").list_actions("hubspot")
    (record,) = caplog.records
    assert "it must be a plain function" in record.getMessage()


async def test_an_observer_that_answers_once(mock: MockRefold, caplog: pytest.LogCaptureFixture) -> None:
    """It is asked for its hooks when the client is made, and no call hears what it raises later; its class is named."""
    async with observed(mock, Unhelpful(AttributeError)) as refold:
        await refold.account("user_1").list_actions("hubspot")
    (record,) = caplog.records
    assert "Unhelpful.on_call_end() of an observer raised ZeroDivisionError" in record.getMessage()


async def test_headers_that_observers_send_along(mock: MockRefold, recorder: Recorder) -> None:
    """Each request has them, a renewed token or not; those of the call win, and those of the client cannot be set."""
    answers: list[Any] = [{"traceparent": "00-1", "x-mine": "theirs"}, {"x-api-key": "tk_other"}, 5]

    @attrs.define
    class Giver:
        headers: Any

        def request_headers(self, call: CallStart) -> Any:
            return self.headers

    mock.script(Answer(503), calls=1)
    async with observed(mock, recorder, *map(Giver, answers)) as refold:
        await refold.account("user_1").execute_action(
            "hubspot", "get_contact", idempotent=True, headers={"X-Mine": "mine"}
        )
        await refold.session_tokens.account("user_1").list_actions("hubspot")
    sent = [request.headers for request in mock.requests]
    assert [headers["traceparent"] for headers in sent] == ["00-1"] * 4
    assert [headers["x-mine"] for headers in sent] == ["mine", "mine", "theirs", "theirs"]
    assert [headers.get("x-api-key") for headers in sent] == ["tk_test"] * 3 + [None]
    recorder.check()


async def test_items_of_a_job(mock: MockRefold, recorder: Recorder, tmp_path: Path) -> None:
    """Their calls tell the job, the place of the item and its key, also within a fan-out inside it."""
    async with observed(mock, recorder) as client:

        async def work(scope: AccountScope, row: str) -> None:
            await scope.list_actions("hubspot")
            await client.fan_out_action(["user_8", "user_9"], "hubspot", "get_contact").collect()

        journal = Journal(tmp_path / "june.sqlite", job="june")
        await client.fan_out(["user_1", "user_2"], work, journal=journal, key=lambda row: f"row of {row}").collect()
        await client.fan_out_action(["user_3", "user_4"], "hubspot", "get_contact").collect()
    told = sorted(
        (call.linked_account_id, call.job, call.item_index, call.item_key) for call in recorder.all(CallStart)
    )
    assert told == [
        ("user_1", "june", 0, "row of user_1"),
        ("user_2", "june", 1, "row of user_2"),
        ("user_3", None, 0, None),
        ("user_4", None, 1, None),
        ("user_8", "june", 0, "row of user_1"),
        ("user_8", "june", 1, "row of user_2"),
        ("user_9", "june", 0, "row of user_1"),
        ("user_9", "june", 1, "row of user_2"),
    ]


async def test_a_closed_client(mock: MockRefold, recorder: Recorder) -> None:
    """What it refuses does not become a call."""
    async with observed(mock, recorder) as refold:
        account = refold.account("user_1")
    with pytest.raises(ClientClosedError):
        await account.list_actions("hubspot")
    assert not recorder.told


async def test_items_of_a_fan_out(mock: MockRefold, refold: AsyncRefold, recorder: Recorder) -> None:
    """Their calls say that they are part of a job; a refusal is waited out in the queue."""
    mock.script(Answer(429, retry_after=0.1), linked_account_id="user_1", calls=1)
    accounts = ["user_1", "user_2", "user_3"]
    report = await refold.fan_out_action(accounts, "hubspot", "get_contact").collect()
    assert len(report.ok) == 3
    starts: dict[str, CallStart] = {start.linked_account_id: start for start in recorder.all(CallStart)}
    assert sorted(starts) == accounts
    assert all(start.bulk for start in starts.values())
    refused = [attempt for attempt in recorder.attempts if attempt.call is starts["user_1"]]
    assert [attempt.status for attempt in refused] == [429, 200]
    assert [retry.attempt for retry in recorder.all(Retry)] == [refused[0]]
    assert refused[1].seconds_queued >= 0.09


@pytest.mark.parametrize("error", [ValueError("no disk"), asyncio.CancelledError("mine"), TimeoutError()], ids=repr)
async def test_an_observer_that_raises(
    mock: MockRefold, recorder: Recorder, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    """It harms neither the call nor other observers, is told again, and is logged once for each of its methods."""

    class Raises(Recorder):
        def on_call_start(self, call: CallStart) -> None:
            super().on_call_start(call)
            raise error

        def on_attempt_end(self, attempt: AttemptEnd) -> None:
            super().on_attempt_end(attempt)
            raise error

        def on_retry(self, retry: Retry) -> None:
            super().on_retry(retry)
            raise error

        def on_call_end(self, end: CallEnd) -> None:
            super().on_call_end(end)
            raise error

    raises = Raises()
    mock.script(Answer(503), calls=[1, 3])
    async with observed(mock, raises, recorder) as refold:
        for _ in range(2):
            assert await refold.account("user_1").list_actions("hubspot")
    expected = ["CallStart", "AttemptEnd", "Retry", "AttemptEnd", "CallEnd"] * 2
    assert raises.names == recorder.names == expected
    messages = [record.getMessage() for record in caplog.records if record.name == "refold_async"]
    assert len(messages) == 4
    for name, message in zip(["on_call_start", "on_attempt_end", "on_retry", "on_call_end"], messages, strict=True):
        assert f"{name}() of an observer raised {error!r}" in message
    recorder.check()


async def test_no_key_in_the_context_of_what_an_observer_raises(
    mock: MockRefold, caplog: pytest.LogCaptureFixture
) -> None:
    """The error being handled is shown with it, by then without the key that a connector put into it."""

    class Raises:
        def on_attempt_end(self, attempt: AttemptEnd) -> None:
            raise ValueError(attempt.number)

    class Telling(aiohttp.TCPConnector):
        async def connect(self, req: Any, *_: Any, **__: Any) -> Any:
            raise OSError("no way for " + req.headers["x-api-key"])

    async with (
        Telling() as connector,
        observed(mock, Raises(), retry=RetryPolicy(max_retries=0), connector=connector) as refold,
    ):
        with pytest.raises(APIConnectionError, match="no way for"):
            await refold.account("user_1").list_actions("hubspot")
    assert "no way for ***" in caplog.text
    assert "tk_test" not in caplog.text


async def test_no_response_in_the_context_of_what_an_observer_raises(mock: MockRefold) -> None:
    """Error reporters show the variables of frames: none of those that they show with it holds a response."""
    shown: list[str] = []

    class Looks:
        def on_attempt_end(self, attempt: AttemptEnd) -> None:
            handled = sys.exception()
            assert isinstance(handled, ActionFailedError)
            shown.append(str(handled))
            shown.extend(repr(frame.f_locals) for frame, _ in traceback.walk_tb(handled.__traceback__))

    mock.script(Errored(400, {"message": "no", "password": "of a customer"}))
    async with observed(mock, Looks()) as refold:
        with pytest.raises(ActionFailedError):
            await refold.account("user_1").execute_action("hubspot", "get_contact")
    assert shown
    assert not [text for text in shown if "of a customer" in text]


async def test_an_observer_that_ends_the_program(mock: MockRefold) -> None:
    """What is raised to end the program ends it; the call that was to end first has its end told."""

    class Stops(Recorder):
        def on_attempt_end(self, attempt: AttemptEnd) -> None:
            super().on_attempt_end(attempt)
            raise SystemExit(3)

    stops = Stops()
    async with observed(mock, stops) as refold:
        with pytest.raises(SystemExit):  # within the test's own task: the loop would let it pass
            await refold.account("user_1").list_actions("hubspot")
    assert stops.names == ["CallStart", "AttemptEnd", "CallEnd"]
    assert stops.end.error is SystemExit


@pytest.mark.parametrize("method", ["on_call_start", "on_attempt_end", "on_retry", "on_call_end"])
async def test_an_observer_that_ends_the_program_among_others(mock: MockRefold, method: str) -> None:
    """The others, before it and behind it, are told of every end of what they were told has started."""

    def stop(_: object) -> None:
        raise SystemExit(3)

    class Stops:
        pass

    setattr(Stops, method, staticmethod(stop))
    before, behind = Recorder(), Recorder()
    mock.script(Answer(503), calls=1)
    async with observed(mock, before, Stops(), behind) as refold:
        with pytest.raises(SystemExit):
            await refold.account("user_1").list_actions("hubspot")
    for recorder in before, behind:
        recorder.check()
        assert recorder.names[-1] == "CallEnd"


async def test_observers_with_some_methods_only(mock: MockRefold) -> None:
    """Each is told what it asks for."""
    ends: list[CallEnd] = []

    class Ends:
        def on_call_end(self, end: CallEnd) -> None:
            ends.append(end)

    async with observed(mock, Ends()) as refold:
        await refold.account("user_1").list_actions("hubspot")
    assert len(ends) == 1


span: ContextVar[str] = ContextVar("span", default="")


@attrs.define(eq=False)
class Tracer:
    """An observer that makes a span of its own current during each call."""

    name: str
    told: list[str]
    tokens: dict[CallStart, Token[str]] = attrs.field(factory=dict[CallStart, "Token[str]"])

    def on_call_start(self, call: CallStart) -> None:
        """Begin the span, in the one around it."""
        self.told.append(f"{self.name} starts")
        self.tokens[call] = span.set(f"{span.get()}/{self.name}")

    def on_attempt_end(self, attempt: AttemptEnd) -> None:
        """Keep which span that was in."""
        self.told.append(f"{self.name} in {span.get()}")

    def on_call_end(self, end: CallEnd) -> None:
        """End the span, from where it began."""
        span.reset(self.tokens.pop(end.call))
        self.told.append(f"{self.name} ends")


@pytest.mark.parametrize("cancelled", [False, True])
async def test_several_observers_in_order(mock: MockRefold, cancelled: bool) -> None:
    """They start in their order and end in the reverse, in the caller's context: spans lie within one another."""
    told: list[str] = []
    around: list[str] = []
    if cancelled:
        mock.script(Silence())
    async with observed(mock, Tracer("a", told), Tracer("b", told)) as refold:

        async def work() -> None:
            span.set("work")
            try:
                await refold.account("user_1").list_actions("hubspot")
            finally:
                around.append(span.get())

        task = asyncio.create_task(work())
        if cancelled:
            await until(lambda: mock.in_flight)
            task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() == cancelled
    assert told == ["a starts", "b starts", "a in work/a/b", "b in work/a/b", "b ends", "a ends"]
    assert around == ["work"]


async def test_concurrent_calls_each_in_their_own_context(mock: MockRefold) -> None:
    """What one call makes current is not seen by another."""
    told: list[str] = []
    async with observed(mock, Tracer("call", told)) as refold:
        account = refold.account("user_1")
        await asyncio.gather(*(account.list_actions("hubspot") for _ in range(5)))
    assert told.count("call in /call") == 5
    assert span.get() == ""


async def test_observers_and_the_log(mock: MockRefold, recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    """The log is the same with observers and without, at any level."""
    told: dict[tuple[int, bool], list[str]] = {}
    for level in (logging.DEBUG, logging.INFO, logging.WARNING):
        for with_observer in (False, True):
            mock.script(Answer(503), calls=1)
            caplog.clear()
            caplog.set_level(level, "refold_async")
            async with observed(mock, *[recorder] * with_observer, retry=RetryPolicy(initial_delay=0)) as refold:
                await refold.account("user_1").list_actions("hubspot")
            lines = [record.getMessage() for record in caplog.records]
            lines = [re.sub(r"request id [-0-9a-f]{36}", "request id …", line) for line in lines]
            told[level, with_observer] = [re.sub(r"\d\.\d{3} s$", "N s", line) for line in lines]
            mock.clear()
    call = f"GET {ACTIONS.format(slug='hubspot')} for linked account 'user_1'"
    retry = f"{call}: attempt 1: HTTP 503; retry in 0.00 s"
    end = f"{call}: ok: HTTP 200, 2 attempts, effect done, N s"
    assert told[logging.DEBUG, True] == [
        f"{call}: attempt 1: 503, request id …",
        retry,
        f"{call}: attempt 2: 200, request id …",
        end,
    ]
    assert told[logging.INFO, True] == [retry, end]
    assert told[logging.WARNING, True] == []
    assert all(told[level, True] == told[level, False] for level, _ in told)


@pytest.mark.parametrize("status", [200, 403])
async def test_a_request_id_that_quotes_the_key(
    mock: MockRefold, recorder: Recorder, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """Neither the log nor an observer is told the key, wherever a server puts it."""
    mock.script(Answer(status, json=[], headers={"X-Trace-ID": "for tk_test"}))
    caplog.set_level(logging.DEBUG, "refold_async")
    async with observed(mock, recorder) as refold:
        with nullcontext() if status == 200 else pytest.raises(PermissionDeniedError):
            await refold.account("user_1").list_actions("hubspot")
    attempt, end = (record.getMessage() for record in caplog.records)
    assert attempt.endswith(f"{status}, request id for ***")
    assert end.endswith("request id for ***") is (status != 200)
    assert recorder.end.request_id == "for ***"


async def test_a_request_id_in_the_body(mock: MockRefold, refold: AsyncRefold, recorder: Recorder) -> None:
    """Observers are told the same one as the caller."""
    mock.script(Answer(200, json={"node_status": "Success", "data": 1, "request_id": "of the body"}))
    result = await refold.account("user_1").execute_action("hubspot", "get_contact")
    assert result.request_id == recorder.end.request_id == recorder.attempts[0].request_id == "of the body"


async def test_the_log_from_where_it_is_switched_on(
    mock: MockRefold, refold: AsyncRefold, caplog: pytest.LogCaptureFixture
) -> None:
    """An attempt that is under way when its level is enabled is logged when it ends."""
    mock.script(Silence())
    async with AsyncRefold("tk_test", base_url=mock.base_url) as unobserved:
        task = asyncio.create_task(unobserved.account("user_1").list_actions("hubspot"))
        await until(lambda: mock.in_flight)
        caplog.set_level(logging.DEBUG, "refold_async")
        task.cancel()
        await asyncio.wait([task])
    attempt, end = (record.getMessage() for record in caplog.records)
    assert attempt.endswith("attempt 1: no response")
    assert ": cancelled: 1 attempt, effect none" in end


def test_a_logger_that_raises_when_it_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Loggers may be of a class of the program's own: one that fails logs nothing, and that is told once."""

    class Broken(logging.Logger):
        def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - logging's name for it
            raise ValueError("no level")

    monkeypatch.setattr(logging.Logger.manager, "loggerClass", Broken)
    log = Log("refold_async.broken_logger_of_a_test")
    assert [log.enabled(DEBUG) for _ in range(2)] == [False, False]
    assert capsys.readouterr().err.count("filter or handler raised") == 1
