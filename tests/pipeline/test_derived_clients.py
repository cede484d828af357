"""Clients and scopes from `with_options()`: other defaults, the same connections and limits."""

import asyncio
import gc
import warnings
from typing import Any, Final

import pytest

from refold_async import (
    AccountScope,
    APIConnectionError,
    APITimeoutError,
    AsyncRefold,
    ClientClosedError,
    ConfigurationError,
    InternalServerError,
    RetryPolicy,
    Timeout,
)
from refold_async.pipeline.observers import checked_observers
from refold_async.pipeline.pipeline import Pipeline
from refold_async.testing import SAMPLE_WORKFLOW_ID, Answer, MockRefold, Silence
from support.retry_policies import IMPATIENT
from support.waiting import until

ONCE: Final = RetryPolicy(max_retries=0)


def by_client(refold: AsyncRefold, mock: MockRefold, **options: Any) -> AccountScope:
    """A scope of a derived client."""
    return refold.with_options(**options).account("user_1")


def by_scope(refold: AsyncRefold, mock: MockRefold, **options: Any) -> AccountScope:
    """A derived scope."""
    return refold.account("user_1").with_options(**options)


def by_token(refold: AsyncRefold, mock: MockRefold, **options: Any) -> AccountScope:
    """A derived scope of a session token."""
    token = mock.session_token("user_1")
    return refold.account_from_session_token(token, linked_account_id="user_1").with_options(**options)


def by_own_token(refold: AsyncRefold, mock: MockRefold, **options: Any) -> AccountScope:
    """A derived scope that looks after a token of its own."""
    return refold.session_tokens.account("user_1").with_options(**options)


def by_own_token_of_client(refold: AsyncRefold, mock: MockRefold, **options: Any) -> AccountScope:
    """A scope that looks after a token of its own, of a derived client."""
    return refold.with_options(**options).session_tokens.account("user_1")


every_way: Final = pytest.mark.parametrize(
    "derive", [by_client, by_scope, by_token, by_own_token, by_own_token_of_client]
)


@every_way
async def test_retries(mock: MockRefold, refold: AsyncRefold, derive: Any) -> None:
    """What is derived tries as often as it was told to; the client it is from as often as before."""
    mock.script(Answer(503), route="list_actions")
    with pytest.raises(InternalServerError) as raised:
        await derive(refold, mock, retry=ONCE).list_actions("hubspot")
    assert raised.value.attempts == 1 == len(mock.requests_to("list_actions"))
    with pytest.raises(InternalServerError) as raised:
        await refold.account("user_1").list_actions("hubspot")
    assert raised.value.attempts == 1 + IMPATIENT.max_retries


@every_way
async def test_timeouts(mock: MockRefold, refold: AsyncRefold, derive: Any) -> None:
    """What is derived waits as long as it was told to, in the resources of a scope too."""
    mock.script(Silence(), route="list_actions")
    mock.script(Silence(), route="get_execution")
    scope = derive(refold, mock, timeout=Timeout(total=60, attempt=0.05), retry=ONCE)
    with pytest.raises(APITimeoutError, match=r"0\.05 seconds \(Timeout\.attempt\)"):
        await scope.list_actions("hubspot")
    with pytest.raises(APITimeoutError, match=r"0\.05 seconds \(Timeout\.attempt\)"):
        await scope.executions.get("e")
    with pytest.raises(APITimeoutError, match=r"0\.03 seconds \(Timeout\.total\)"):
        await scope.list_actions("hubspot", timeout=0.03)


async def test_a_number_leaves_the_other_limits() -> None:
    """A number stands for the whole call; of workflows that are waited for, for the attempt too."""
    async with (
        MockRefold(workflow_seconds=0.2) as slow,
        AsyncRefold("tk_test", base_url=slow.base_url, timeout=Timeout(total=60, attempt=0.05), retry=ONCE) as refold,
    ):
        patient = refold.with_options(timeout=30)
        run: dict[str, Any] = {"slug": "hubspot", "payload": {"email": "jane@example.com"}, "sync": True}
        with pytest.raises(APITimeoutError, match=r"0\.05 seconds \(Timeout\.attempt\)"):
            await refold.account("user_1").execute_workflow(SAMPLE_WORKFLOW_ID, **run)
        assert (await patient.account("user_1").execute_workflow(SAMPLE_WORKFLOW_ID, **run)).return_value
        slow.script(Silence(), route="list_actions")
        with pytest.raises(APITimeoutError, match=r"0\.05 seconds \(Timeout\.attempt\)"):
            await patient.account("user_1").list_actions("hubspot")


async def test_options_add_up(mock: MockRefold, refold: AsyncRefold) -> None:
    """What is derived of something derived keeps the options it is not given anew."""
    mock.script(Silence(), route="list_actions")
    for scope in (
        refold.with_options(retry=ONCE).with_options(timeout=0.05).account("user_1"),
        refold.with_options(timeout=0.05).account("user_1").with_options(retry=ONCE),
        refold.with_options(timeout=0.05, retry=ONCE).with_options().account("user_1").with_options(),
    ):
        with pytest.raises(APITimeoutError, match=r"0\.05 seconds \(Timeout\.total\)") as raised:
            await scope.list_actions("hubspot")
        assert raised.value.attempts == 1


async def test_calls_of_the_organisation(mock: MockRefold, refold: AsyncRefold) -> None:
    """They have the options of the client they are called on."""
    mock.script(Answer(503))
    once = refold.with_options(retry=ONCE)
    for call in (
        once.check,
        lambda: once.request("GET", "/api/v2/public/tables"),
        lambda: once.linked_accounts.get("user_1"),
        lambda: once.linked_accounts.list().first(),
        lambda: once.session_tokens.create("user_1"),
        lambda: once.webhooks.get("w"),
    ):
        mock.requests.clear()
        with pytest.raises(InternalServerError):
            await call()
        assert len(mock.requests) == 1


async def test_fan_outs(mock: MockRefold, refold: AsyncRefold) -> None:
    """The fan-outs of a derived client have its options; scopes among the items keep their own."""
    mock.script(Answer(503), route="execute_action")
    once = refold.with_options(retry=ONCE)

    async def read(scope: AccountScope, item: Any) -> object:
        return await scope.execute_action("hubspot", "get_contact", idempotent=True)

    for job in (
        once.fan_out_action(["user_1"], "hubspot", "get_contact", idempotent=True),
        once.fan_out(["user_1"], read),
        once.fan_out([7], read, account=lambda item: f"user_{item}"),
        refold.fan_out_action(
            [refold.account("user_1").with_options(retry=ONCE)], "hubspot", "get_contact", idempotent=True
        ),
    ):
        (failed,) = (await job.collect()).failed + job.report.unknown
        assert failed.attempts == 1
    (failed,) = (await refold.fan_out(["user_1"], read).collect()).unknown
    assert failed.attempts == 1 + IMPATIENT.max_retries


async def test_timeouts_of_fan_outs(mock: MockRefold, refold: AsyncRefold) -> None:
    """An item has its scope's limits of time, unless the fan-out has its own."""
    mock.script(Silence(), route="execute_action")
    mock.script(Silence(), route="get_application", linked_account_id="slow")
    impatient = refold.with_options(timeout=0.05)
    scope = refold.account("user_1").with_options(timeout=0.06)
    for job, limit in (
        (impatient.fan_out_action(["user_1"], "hubspot", "get_contact"), "0.05"),
        (refold.fan_out_action([scope], "hubspot", "get_contact"), "0.06"),
        (impatient.fan_out_action([scope], "hubspot", "get_contact", timeout=0.07), "0.07"),
        (impatient.fan_out_action(["slow"], "hubspot", "get_contact", skip_disconnected=True), "0.05"),
    ):
        (outcome,) = (await job.collect()).outcomes
        assert isinstance(outcome.error, APITimeoutError)
        assert f"{limit} seconds (Timeout.total)" in outcome.error.message


class Turnstile:
    """A limiter that counts who goes through."""

    passed = 0

    async def acquire(self) -> None:
        """Let one through."""
        self.passed += 1


async def test_connections_and_limits_are_shared(mock: MockRefold) -> None:
    """All go through one limiter and one pool, which none of them makes."""
    turnstile = Turnstile()
    async with AsyncRefold(
        "tk_test", base_url=mock.base_url, rate_limit=turnstile, max_connections=1, account_concurrency=1
    ) as refold:
        derived = [refold.with_options(timeout=number + 1.0) for number in range(1000)]
        assert mock.connections_opened == 0
        await refold.account("user_1").list_actions("hubspot")
        await derived[8].account("user_1").list_actions("hubspot")
        await asyncio.gather(*(client.account("user_1").list_actions("hubspot") for client in derived[20:30]))
        assert turnstile.passed == 12 == len(mock.requests)
        assert mock.connections_opened == 1
        assert derived[0].base_url == refold.base_url
        assert derived[0].environment == "test"


async def test_closing_a_derived_client(mock: MockRefold, refold: AsyncRefold) -> None:
    """It closes nothing, and goes on working."""
    derived = refold.with_options(timeout=30)
    async with derived as same:
        assert same is derived
        await derived.account("user_1").list_actions("hubspot")
    await derived.aclose()
    assert not derived.closed
    for client in (derived, refold, refold.with_options()):
        await client.account("user_1").list_actions("hubspot")
    assert mock.connections_opened == 1


@every_way
async def test_after_the_client_was_closed(mock: MockRefold, derive: Any) -> None:
    """What is derived of a client is closed with it, calls in flight included."""
    refold = AsyncRefold("tk_test", base_url=mock.base_url)
    derived = refold.with_options(timeout=30)
    scope = derive(refold, mock, timeout=30)
    mock.script(Silence(), route="list_actions")
    calls = [asyncio.create_task(one.list_actions("hubspot")) for one in (scope, derived.account("user_1"))]
    await until(lambda: mock.in_flight == 2)
    await refold.aclose()
    for call in calls:
        with pytest.raises(APIConnectionError, match="closed"):
            await call
    assert derived.closed
    for late in (
        scope.list_actions("hubspot"),
        derived.account("user_1").list_actions("hubspot"),
        derived.with_options().check(),
        derived.fan_out_action(["user_1"], "hubspot", "get_contact").collect(),
    ):
        with pytest.raises(ClientClosedError):
            await late
    await derived.aclose()


async def test_a_client_that_only_its_derived_one_holds(mock: MockRefold) -> None:
    """It works as long as that; nobody has closed it then, which is told."""
    derived = AsyncRefold("tk_test", base_url=mock.base_url).with_options(timeout=30)
    gc.collect()
    async with derived:
        await derived.account("user_1").list_actions("hubspot")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del derived
        gc.collect()
    assert ["never closed" in str(warning.message) for warning in told] == [True]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"timeout": 0}, r"Timeout\(total=\) must be"),
        ({"timeout": "5"}, r"Timeout\(total=\) must be"),
        ({"timeout": True}, r"Timeout\(total=\) must be"),
        ({"retry": 3}, r"retry must be a RetryPolicy, such as RetryPolicy\(max_retries=5\), got 3"),
        ({"retry": RetryPolicy}, "retry must be a RetryPolicy"),
    ],
    ids=str,
)
async def test_options_that_make_no_sense(
    mock: MockRefold, refold: AsyncRefold, options: dict[str, Any], problem: str
) -> None:
    """They are told when they are given."""
    for derive in (refold.with_options, refold.account("user_1").with_options):
        with pytest.raises(ConfigurationError, match=problem):
            derive(**options)
    assert mock.request_count == 0


async def test_one_token_for_both(mock: MockRefold, refold: AsyncRefold) -> None:
    """A scope that looks after a session token shares it with those derived of it."""
    scope = refold.session_tokens.account("user_1")
    derived = scope.with_options(timeout=30)
    await asyncio.gather(scope.list_actions("hubspot"), derived.list_actions("hubspot"))
    await scope.with_options(retry=ONCE).list_actions("hubspot")
    assert len(mock.requests_to("create_session_token")) == 1
    assert repr(derived) == repr(scope)


async def test_clients_of_ones_own(mock: MockRefold) -> None:
    """What is derived of a subclass is of that class, with what it holds."""

    class Mine(AsyncRefold):
        region = "eu"

    async with Mine("tk_test", base_url=mock.base_url) as refold:
        refold.region = "us"
        derived = refold.with_options(timeout=30)
        assert type(derived) is Mine
        assert derived.region == "us"
        assert repr(derived) == repr(refold)


class Faulty:
    """An observer that counts calls, and fails each time."""

    calls = 0

    def on_call_start(self, call: object) -> None:
        """Count it."""
        self.calls += 1
        raise ValueError("no")


async def test_observers_are_shared(mock: MockRefold, refold: AsyncRefold, caplog: pytest.LogCaptureFixture) -> None:
    """The calls of what is derived are observed as all others; what an observer raises is told once for all."""
    observer = Faulty()
    observed = Pipeline(
        refold._transport,  # pyright: ignore[reportPrivateUsage]
        refold._scheduler,  # pyright: ignore[reportPrivateUsage]
        IMPATIENT,
        Timeout(),
        Timeout(),
        secrets=[],
        observers=checked_observers([observer]),
    )
    for pipeline in (observed.with_options(30, None), observed.with_options(None, ONCE), observed):
        await AccountScope(pipeline, api_key="tk_test", linked_account_id="user_1").list_actions("hubspot")
    assert observer.calls == 3 == len(mock.requests)
    assert sum("ValueError" in record.message for record in caplog.records) == 1
