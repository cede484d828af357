"""Session tokens: made and revoked by hand, and looked after by scopes of their own."""

import asyncio
import logging
import math
import pickle
import traceback
from pathlib import Path
from typing import Any, Final

import pytest

from refold_async import (
    AccountScope,
    ActionResult,
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    AsyncRefold,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    ConfigurationError,
    FanOut,
    InternalServerError,
    Journal,
    NotFoundError,
    RateLimit,
    RateLimitError,
    RefoldError,
    SessionToken,
    Timeout,
)
from refold_async.testing import SAMPLE_WORKFLOW_ID, Answer, Delay, MockRefold, Reset, Silence, Trouble
from support.retry_policies import IMPATIENT
from support.waiting import until

ACCOUNT: Final = "user_12345"
CREATE: Final = "create_session_token"
LOST: Final = Reset("after")


def tokens_sent(mock: MockRefold) -> list[str]:
    """Return the tokens that calls went out with, in order."""
    sent = [request.headers.get("Authorization", "") for request in mock.requests]
    return [value.removeprefix("Bearer ") for value in sent if value]


async def revoke(mock: MockRefold, refold: AsyncRefold) -> str:
    """Make the token that was sent last worthless, and forget what was sent."""
    token = tokens_sent(mock)[-1]
    await refold.session_tokens.revoke(token)
    mock.clear()
    return token


async def requested(mock: MockRefold, times: int = 1) -> None:
    """Return when a token was asked for so often."""
    await until(lambda: len(mock.requests_to(CREATE)) >= times)


async def called_off(mock: MockRefold) -> None:
    """Return when the server is busy with nothing: what hung was called off."""
    await until(lambda: not mock.in_flight)


# By hand


async def test_a_token_from_its_making_to_its_end(mock: MockRefold, refold: AsyncRefold) -> None:
    """A token is given again until a new one is asked for; each works until it is revoked."""
    first = await refold.session_tokens.create(ACCOUNT)
    again = await refold.session_tokens.create(ACCOUNT)
    new = await refold.session_tokens.create(ACCOUNT, force_refresh=True)
    assert type(first) is SessionToken
    assert first.token == again.token != new.token
    assert (new.expires_in, new.refresh_expires_in) == (604800, 2592000)
    assert new.refresh_token
    assert [dict(request.query) for request in mock.requests] == [{}, {}, {"force_refresh": "true"}]
    assert await refold.account_from_session_token(new.token).list_actions("hubspot")
    await refold.session_tokens.revoke(new.token)
    with pytest.raises(AuthenticationError):
        await refold.account_from_session_token(new.token).list_actions("hubspot")
    assert await refold.account_from_session_token(first.token).list_actions("hubspot")


async def test_a_token_is_not_shown(mock: MockRefold, refold: AsyncRefold, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the token's repr, nor a scope's, nor an error of a call that carried it, nor the log shows it."""
    caplog.set_level(logging.DEBUG)
    created = await refold.session_tokens.create(ACCOUNT)
    by_hand, of_its_own = refold.account_from_session_token(created.token), refold.session_tokens.account(ACCOUNT)
    await of_its_own.list_actions("hubspot")
    said = f"{created!r} {created} {by_hand!r} {of_its_own!r} {refold.session_tokens!r}"
    quoting = {"message": f"bad token {created.token}", "error_code": created.token}
    for trouble in (Answer(400, json=quoting), Answer(200, json=quoting), Answer(200, body=f"<{created.token}"), LOST):
        mock.clear()
        mock.script(trouble)
        for call in (
            by_hand.list_actions("hubspot"),
            by_hand.run_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot"),
            of_its_own.execute_action("hubspot", "get_contact"),
            of_its_own.list_actions("hubspot"),
            refold.account_from_session_token(created.token).request("GET", "/api/v2/public/execution", into=list[int]),
        ):
            with pytest.raises(RefoldError) as caught:
                await call
            said += "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(vars(caught.value))
            said += str(pickle.loads(pickle.dumps(caught.value)))
        if trouble is LOST:
            with pytest.raises(RefoldError) as caught:
                await refold.session_tokens.revoke(created.token)
            said += "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    said += "".join(record.getMessage() for record in caplog.records if record.name.startswith("refold_async"))
    assert created.refresh_token is not None
    assert created.token not in said
    assert created.refresh_token not in said


# By a scope of its own


async def test_the_token_is_fetched_once(mock: MockRefold, refold: AsyncRefold) -> None:
    """Fifty calls at once wait for one token; later ones have it at hand. The key goes with the token's call alone."""
    scope = refold.session_tokens.account(ACCOUNT)
    assert mock.requests == []
    mock.script(Delay(0.05), route=CREATE)
    await asyncio.gather(*(scope.list_actions("hubspot") for _ in range(50)))
    await scope.execute_action("hubspot", "get_contact")
    (fetch,) = mock.requests_to(CREATE)
    assert (fetch.json, dict(fetch.query)) == ({"linked_account_id": ACCOUNT}, {})
    assert fetch.headers["x-api-key"] == "tk_test"
    calls = [request for request in mock.requests if request is not fetch]
    assert len(calls) == 51
    assert len({request.headers["Authorization"] for request in calls}) == 1
    assert all(not {"x-api-key", "linked_account_id"} & set(request.headers) for request in calls)
    assert {request.linked_account_id for request in calls} == {ACCOUNT}


async def test_every_kind_of_call(mock: MockRefold, refold: AsyncRefold) -> None:
    """Such a scope does what every scope does."""
    scope = refold.session_tokens.account(ACCOUNT)
    assert scope.linked_account_id == ACCOUNT
    assert repr(scope) == "<AccountScope 'user_12345', with its own session tokens>"
    assert (await scope.applications.ensure_connected("hubspot")).state == "connected"
    run = await scope.run_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", payload={"email": "a@b.c"}, poll_interval=0.01)
    assert [one.execution_id async for one in scope.executions.list()] == [run.execution_id]
    await scope.events.trigger("contact_created", {"email": "a@b.c"})
    assert await scope.request("GET", "/api/v2/public/execution")
    done = await scope.execute_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", payload={"email": "a@b.c"}, sync=True)
    assert done.return_value["created"] is False
    assert len(mock.requests_to(CREATE)) == 1


@pytest.mark.parametrize("concurrent", [1, 20])
async def test_renewed_before_it_expires(concurrent: int) -> None:
    """A token that is about to expire is replaced by a new one, once, before a call goes out with it."""
    async with (
        MockRefold(session_token_seconds=30) as mock,
        AsyncRefold("tk_test", base_url=mock.base_url) as refold,
    ):
        scope = refold.session_tokens.account(ACCOUNT, renew_before=29.95)
        for _ in range(2):
            await asyncio.gather(*(scope.list_actions("hubspot") for _ in range(concurrent)))
            assert len(mock.requests_to(CREATE)) == 1  # half its life is left at least
    async with MockRefold() as mock, AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        short, long = mock.session_token(ACCOUNT), mock.session_token(ACCOUNT)
        mock.script(Answer(200, json={"token": short, "expires_in": 0.2}), route=CREATE, calls=1)
        mock.script(Answer(200, json={"token": long, "expires_in": 3600}), route=CREATE)
        scope = refold.session_tokens.account(ACCOUNT)
        await scope.list_actions("hubspot")
        await asyncio.sleep(0.15)  # more than half of its life
        await asyncio.gather(*(scope.list_actions("hubspot") for _ in range(concurrent)))
        first, second = mock.requests_to(CREATE)
        assert (dict(first.query), dict(second.query)) == ({}, {"force_refresh": "true"})
        assert tokens_sent(mock) == [short, *[long] * concurrent]


async def test_a_token_that_does_not_say_when_it_expires(mock: MockRefold, refold: AsyncRefold) -> None:
    """It is used until Refold refuses it."""
    mock.script(Answer(200, json={"token": mock.session_token(ACCOUNT)}), route=CREATE)
    scope = refold.session_tokens.account(ACCOUNT)
    for _ in range(3):
        await scope.list_actions("hubspot")
    assert len(mock.requests_to(CREATE)) == 1


async def test_a_token_that_has_expired_when_it_comes(mock: MockRefold, refold: AsyncRefold) -> None:
    """A token for no time at all is used once for those who waited for it, and fetched anew for the next call."""
    mock.script(Answer(200, json={"token": mock.session_token(ACCOUNT), "expires_in": 0}), route=CREATE)
    scope = refold.session_tokens.account(ACCOUNT)
    for _ in range(3):
        await scope.list_actions("hubspot")
    assert len(mock.requests_to(CREATE)) == 3


@pytest.mark.parametrize("write", [False, True])
async def test_a_refused_token_is_renewed(mock: MockRefold, refold: AsyncRefold, write: bool) -> None:
    """A token that was revoked is replaced, and the call sent once more: a write too, which then ran once."""
    scope = refold.session_tokens.account(ACCOUNT)
    await scope.list_actions("hubspot")
    old = await revoke(mock, refold)
    if write:
        await scope.execute_action("hubspot", "create_contact", {"email": "a@b.c"})
        assert [request.status for request in mock.requests_to("execute_action")] == [401, 200]
    else:
        await scope.list_actions("hubspot")
        assert [request.status for request in mock.requests_to("list_actions")] == [401, 200]
    assert [dict(request.query) for request in mock.requests_to(CREATE)] == [{"force_refresh": "true"}]
    first, second = tokens_sent(mock)
    assert first == old != second
    if write:
        found = await scope.execute_action("hubspot", "search_contacts", {"email": "a@b.c"})
        assert found.data["total"] == 1


async def test_many_calls_with_a_refused_token(mock: MockRefold, refold: AsyncRefold) -> None:
    """However many calls are refused with the same token, it is renewed once."""
    scope = refold.session_tokens.account(ACCOUNT)
    await scope.list_actions("hubspot")
    await revoke(mock, refold)
    await asyncio.gather(
        *(scope.execute_action("hubspot", "create_contact", {"email": f"{number}@b.c"}) for number in range(30))
    )
    assert len(mock.requests_to(CREATE)) == 1
    statuses = [request.status for request in mock.requests_to("execute_action")]
    assert statuses.count(200) == 30
    assert statuses.count(401) <= 30


async def test_a_call_that_is_refused_with_the_new_token_too(mock: MockRefold, refold: AsyncRefold) -> None:
    """A call is sent once more, not for ever; the next call begins with a new token."""
    scope = refold.session_tokens.account(ACCOUNT)
    mock.script(Answer(401), route="execute_action")
    with pytest.raises(AuthenticationError) as caught:
        await scope.execute_action("hubspot", "create_contact", {"email": "a@b.c"})
    assert (caught.value.effect, caught.value.linked_account_id) == ("none", ACCOUNT)
    assert len(mock.requests_to("execute_action")) == len(mock.requests_to(CREATE)) == 2


async def test_a_synchronous_workflow_that_answers_401(mock: MockRefold, refold: AsyncRefold) -> None:
    """A 401 may be the workflow's own response: it is not started once more."""
    scope = refold.session_tokens.account(ACCOUNT)
    mock.script(Answer(401), route="execute_workflow")
    with pytest.raises(AuthenticationError):
        await scope.execute_workflow(SAMPLE_WORKFLOW_ID, slug="hubspot", sync=True)
    assert len(mock.requests_to("execute_workflow")) == 1


async def test_other_errors_leave_the_token_alone(mock: MockRefold, refold: AsyncRefold) -> None:
    """A call that fails for another reason is not sent again for the token's sake, and the token is kept."""
    scope = refold.session_tokens.account(ACCOUNT)
    with pytest.raises(NotFoundError) as caught:
        await scope.list_actions("no_app")
    assert caught.value.linked_account_id == ACCOUNT
    mock.script(Reset("after"), route="execute_action")
    with pytest.raises(APIConnectionError) as lost:
        await scope.execute_action("hubspot", "create_contact", {"email": "a@b.c"})
    assert (lost.value.effect, lost.value.linked_account_id) == ("unknown", ACCOUNT)
    assert len(mock.requests_to(CREATE)) == len(mock.requests_to("execute_action")) == 1


# Where there is no token


@pytest.mark.parametrize(
    ("trouble", "kind", "fetches"),
    [(Answer(400), BadRequestError, 1), (Answer(503), InternalServerError, 3), (Reset("after"), APIConnectionError, 3)],
    ids=repr,
)
async def test_a_token_that_cannot_be_fetched(
    mock: MockRefold, refold: AsyncRefold, trouble: Any, kind: type[RefoldError], fetches: int
) -> None:
    """Everybody who waits is told by an error of its own, that nothing was sent; the next call tries again."""
    script = mock.script(Delay(0.05), trouble, route=CREATE)
    scope = refold.session_tokens.account(ACCOUNT)
    write = scope.execute_action
    errors = await asyncio.gather(
        *(write("hubspot", "create_contact", {"email": "a@b.c"}) for _ in range(5)), return_exceptions=True
    )
    assert [type(error) for error in errors] == [kind] * 5
    assert len({id(error) for error in errors}) == 5
    for error in errors:
        assert isinstance(error, RefoldError)
        assert (error.effect, error.attempts, error.linked_account_id) == ("none", 0, ACCOUNT)
        assert str(error.url).endswith("/create_contact/execute")
    assert [request.route for request in mock.requests] == [CREATE] * fetches
    script.remove()
    assert (await write("hubspot", "create_contact", {"email": "a@b.c"})).data


async def test_without_a_key(mock: MockRefold) -> None:
    """A token is made with the key: without one the call says so, and nothing is sent."""
    async with AsyncRefold(base_url=mock.base_url) as refold:
        with pytest.raises(ConfigurationError, match="REFOLD_API_KEY"):
            await refold.session_tokens.account(ACCOUNT).list_actions("hubspot")
    assert mock.requests == []


async def test_one_who_waits_is_cancelled(mock: MockRefold, refold: AsyncRefold) -> None:
    """Whoever waits, even the first, can be cancelled; the others get the token."""
    mock.script(Delay(0.1), route=CREATE)
    scope = refold.session_tokens.account(ACCOUNT)
    tasks = [asyncio.create_task(scope.list_actions("hubspot")) for _ in range(5)]
    await requested(mock)
    tasks[0].cancel()
    tasks[3].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(result, asyncio.CancelledError) for result in results] == [True, False, False, True, False]
    assert all(isinstance(results[index], list) for index in (1, 2, 4))
    assert len(mock.requests_to(CREATE)) == 1
    assert len(mock.requests_to("list_actions")) == 3


async def test_all_who_wait_are_cancelled(mock: MockRefold, refold: AsyncRefold) -> None:
    """When nobody waits any more, the fetch is called off; who comes later fetches anew."""
    mock.script(Silence(), route=CREATE, calls=1)
    scope = refold.session_tokens.account(ACCOUNT)
    tasks = [asyncio.create_task(scope.execute_action("hubspot", "get_contact")) for _ in range(3)]
    await requested(mock)
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    assert not any(getattr(result, "__notes__", []) for result in results)
    await called_off(mock)
    assert not [task for task in asyncio.all_tasks() if "session token" in task.get_name()]
    await scope.list_actions("hubspot")
    assert [request.route for request in mock.requests] == [CREATE, CREATE, "list_actions"]


async def test_a_fetch_that_hangs(mock: MockRefold, refold: AsyncRefold) -> None:
    """Each call's own time holds while it waits for a token; those with more time go on waiting."""
    mock.script(Delay(0.5), route=CREATE, calls=1)
    scope = refold.session_tokens.account(ACCOUNT)
    patient = asyncio.create_task(scope.list_actions("hubspot"))
    hasty = [scope.execute_action("hubspot", "create_contact", {"email": "a@b.c"}, timeout=0.05) for _ in range(2)]
    for error in await asyncio.gather(*hasty, return_exceptions=True):
        assert isinstance(error, APITimeoutError)
        assert "session token" in str(error)
        assert error.effect == "none"
    assert await patient
    assert [request.route for request in mock.requests] == [CREATE, "list_actions"]


async def test_a_fetch_that_hangs_for_all(mock: MockRefold, refold: AsyncRefold) -> None:
    """Where all run out of time, the fetch is called off."""
    mock.script(Silence(), route=CREATE)
    scope = refold.session_tokens.account(ACCOUNT)
    with pytest.raises(APITimeoutError):
        await scope.list_actions("hubspot", timeout=0.1)
    await called_off(mock)


async def test_the_time_of_a_call_is_that_of_all_its_parts(mock: MockRefold, refold: AsyncRefold) -> None:
    """The wait for a token counts against the call's time."""
    mock.script(Delay(0.1), route=CREATE)
    mock.script(Silence(), route="list_actions")
    scope = refold.session_tokens.account(ACCOUNT)
    # On a busy machine the time may be up before there is a token.
    with pytest.raises(APITimeoutError, match=r"Timeout\.total") as caught:
        await scope.list_actions("hubspot", timeout=0.5)
    assert caught.value.linked_account_id == ACCOUNT
    with pytest.raises(ConfigurationError, match="total"):
        await scope.list_actions("hubspot", timeout=0)


async def test_closing_the_client_while_a_token_is_fetched(mock: MockRefold) -> None:
    """Closing ends the wait for a token at once: nothing was sent."""
    mock.script(Silence(), route=CREATE)
    refold = AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT)
    scope = refold.session_tokens.account(ACCOUNT)
    tasks = [asyncio.create_task(scope.execute_action("hubspot", "get_contact")) for _ in range(3)]
    await requested(mock)
    await refold.aclose()
    async with asyncio.timeout(30):  # half of an attempt
        for error in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(error, ClientClosedError)
            assert error.effect == "none"
    with pytest.raises(ClientClosedError):
        await scope.list_actions("hubspot")


# Within a fan-out


async def test_scopes_with_tokens_as_items(mock: MockRefold, refold: AsyncRefold) -> None:
    """A hundred accounts, each with a token of its own: fetching it is no attempt of the item."""
    scopes = [refold.session_tokens.account(f"user_{number}") for number in range(100)]
    report = await refold.fan_out_action(scopes, "hubspot", "create_contact", {"email": "a@b.c"}).collect()
    assert report.counts["ok"] == 100
    assert [outcome.linked_account_id for outcome in report.outcomes] == [f"user_{number}" for number in range(100)]
    assert {outcome.attempts for outcome in report.outcomes} == {1}
    assert len(mock.requests_to(CREATE)) == len(mock.requests_to("execute_action")) == 100


async def test_one_scope_for_all_items(mock: MockRefold, refold: AsyncRefold) -> None:
    """Items that share a scope share its token, whichever comes first; one that is refused is an attempt more."""
    scope = refold.session_tokens.account(ACCOUNT)

    async def create(scope: AccountScope, number: int) -> None:
        await scope.execute_action("hubspot", "create_contact", {"email": f"{number}@b.c"})

    report = await refold.fan_out(range(30), create, account=lambda _: scope).collect()
    assert report.counts["ok"] == 30
    assert {outcome.attempts for outcome in report.outcomes} == {1}
    assert len(mock.requests_to(CREATE)) == 1
    await revoke(mock, refold)
    report = await refold.fan_out(range(5), create, account=lambda _: scope, concurrency=1).collect()
    assert [(outcome.status, outcome.attempts) for outcome in report.outcomes] == [("ok", 2), *[("ok", 1)] * 4]
    assert len(mock.requests_to(CREATE)) == 1


async def test_items_whose_token_cannot_be_fetched(mock: MockRefold, refold: AsyncRefold) -> None:
    """They fail, without an attempt, and the others go on."""
    mock.script(Answer(400), route=CREATE, calls=1)
    scopes = [refold.session_tokens.account(name) for name in ("first", "second")]
    job = refold.fan_out_action(scopes, "hubspot", "create_contact", {"email": "a@b.c"}, concurrency=1)
    first, second = (await job.collect()).outcomes
    assert (first.status, first.attempts, first.linked_account_id) == ("failed", 0, "first")
    assert isinstance(first.error, BadRequestError)
    assert (second.status, second.attempts) == ("ok", 1)
    assert len(mock.requests_to("execute_action")) == 1


async def test_leaving_a_fan_out_that_waits_for_tokens(mock: MockRefold, refold: AsyncRefold) -> None:
    """Items that wait for a token when a fan-out is left have sent nothing."""
    mock.script(Silence(), route=CREATE)
    scope = refold.session_tokens.account(ACCOUNT)

    async def write(scope: AccountScope, number: int) -> None:
        await scope.execute_action("hubspot", "create_contact", {"email": f"{number}@b.c"})

    job = refold.fan_out(range(3), write, account=lambda _: scope, grace=0)
    async with job:
        await requested(mock)
    assert [(unfinished.item, unfinished.attempts) for unfinished in job.unfinished] == [(0, 0), (1, 0), (2, 0)]
    await called_off(mock)
    assert not mock.requests_to("execute_action")


# What is refused before anything is sent


@pytest.mark.parametrize("value", ["", " x", "a\nb", "\ud800", None, 5])
def test_ids_that_are_none(value: Any) -> None:
    """A scope for what is no linked account is refused when it is made."""
    with pytest.raises(ConfigurationError, match="linked_account_id"):
        AsyncRefold("tk_test").session_tokens.account(value)


@pytest.mark.parametrize("value", [0, -1, "5", None, True, float("nan")])
def test_seconds_that_are_none(value: Any) -> None:
    """Seconds that are no number above 0 are refused by name."""
    with pytest.raises(ConfigurationError, match="renew_before"):
        AsyncRefold("tk_test").session_tokens.account(ACCOUNT, renew_before=value)


@pytest.mark.parametrize(
    "body",
    ['{"token": 5, "refresh_token": "SECRET"}', '{"refresh_token": "SECRET"}', '{"token": "SECRET",', '["SECRET"]'],
)
async def test_an_unreadable_token_is_not_shown(mock: MockRefold, refold: AsyncRefold, body: str) -> None:
    """What cannot be read may hold a token all the same."""
    mock.script(Answer(200, body=body), route=CREATE)
    for call in (
        refold.session_tokens.create(ACCOUNT),
        refold.session_tokens.account(ACCOUNT).list_actions("hubspot"),
    ):
        with pytest.raises(APIResponseValidationError) as caught:
            await call
        shown = [str(caught.value), repr(caught.value), repr(vars(caught.value)), str(pickle.dumps(caught.value))]
        assert "SECRET" not in " ".join([*shown, *traceback.format_exception(caught.value)])


async def test_seconds_that_came_as_a_string(mock: MockRefold, refold: AsyncRefold) -> None:
    """A token is not lost because what is said of it is spelled otherwise."""
    mock.script(Answer(200, json={"token": "a-token", "expires_in": "604800", "refresh_expires_in": "soon"}))
    token = await refold.session_tokens.create(ACCOUNT)
    assert (token.token, token.expires_in, token.refresh_expires_in) == ("a-token", 604800, None)


@pytest.mark.parametrize("trouble", [Answer(400), Silence()])
async def test_errors_of_the_fetch_tell_whose_it_was(mock: MockRefold, refold: AsyncRefold, trouble: Trouble) -> None:
    """The account, and the request or the call that waited for it."""
    mock.script(trouble, route=CREATE)
    with pytest.raises(RefoldError) as caught:
        await refold.session_tokens.account(ACCOUNT).list_actions("hubspot", timeout=0.1)
    assert caught.value.linked_account_id == ACCOUNT
    assert None not in (caught.value.method, caught.value.url)
    assert caught.value.effect == "none"


async def test_errors_account_for_both_sends(mock: MockRefold, refold: AsyncRefold) -> None:
    """Lost, then refused for its token, then refused for good: three requests, and the first may have run."""
    scope = refold.session_tokens.account(ACCOUNT)
    mock.script(Reset("after"), route="execute_action", calls=1)
    mock.script(Answer(401), route="execute_action", calls=2)
    mock.script(Answer(400), route="execute_action", calls=3)
    with pytest.raises(BadRequestError) as caught:
        await scope.execute_action("hubspot", "create_contact", {"email": "a@b.c"}, idempotent=True)
    assert len(mock.requests_to("execute_action")) == caught.value.attempts == 3
    assert caught.value.effect == "unknown"


async def test_items_wait_for_a_token_as_long_as_it_takes(mock: MockRefold) -> None:
    """Refold wants no calls for longer than an item has: the job waits, and no item fails."""
    mock.script(Answer(429, retry_after=1.5), route=CREATE, calls=[1, 2])
    async with AsyncRefold("tk_test", base_url=mock.base_url, timeout=1, retry=IMPATIENT) as refold:
        scopes = [refold.session_tokens.account(f"user_{number}") for number in range(6)]
        report = await refold.fan_out_action(scopes, "hubspot", "get_contact", concurrency=2).collect()
    assert report.counts == {"ok": 6, "failed": 0, "unknown": 0}
    assert {outcome.attempts for outcome in report.outcomes} == {1}


async def test_items_wait_for_a_token_no_longer_than_refusals_may_keep_them(mock: MockRefold) -> None:
    """Where Refold never hands one out, their job ends all the same."""
    mock.script(Answer(429), route=CREATE)
    async with AsyncRefold("tk_test", base_url=mock.base_url, timeout=1, retry=IMPATIENT) as refold:
        scopes = [refold.session_tokens.account(f"user_{number}") for number in range(3)]
        report = await refold.fan_out_action(scopes, "hubspot", "get_contact", max_refusal_wait=0.5).collect()
    assert report.counts == {"ok": 0, "failed": 3, "unknown": 0}
    for outcome in report.failed:
        assert isinstance(outcome.error, RateLimitError)
        assert (outcome.error.effect, outcome.attempts) == ("none", 0)


async def test_items_do_not_wait_for_ever_for_an_answer(mock: MockRefold) -> None:
    """A request for a token that gets no answer ends in the time that the client's calls have."""
    mock.script(Silence(), route=CREATE)
    limits = Timeout(total=0.2, attempt=math.inf)
    async with AsyncRefold("tk_test", base_url=mock.base_url, timeout=limits) as refold, asyncio.timeout(30):
        scope = refold.session_tokens.account(ACCOUNT)
        report = await refold.fan_out_action([scope] * 2, "hubspot", "get_contact").collect()
    assert {type(outcome.error) for outcome in report.failed} == {APITimeoutError}
    assert report.counts == {"ok": 0, "failed": 2, "unknown": 0}


async def test_a_token_that_dies_while_items_wait(mock: MockRefold) -> None:
    """However long an item waited for its turn, its token is renewed."""
    async with AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=RateLimit(5), timeout=1) as refold:
        scope = refold.session_tokens.account(ACCOUNT)
        await scope.list_actions("hubspot")
        await revoke(mock, refold)
        report = await refold.fan_out_action([scope] * 8, "hubspot", "create_contact", {"email": "a@b.c"}).collect()
    assert report.counts == {"ok": 8, "failed": 0, "unknown": 0}
    assert len([request for request in mock.requests_to("execute_action") if request.status == 200]) == 8


@pytest.mark.parametrize("by", ["token", "look"])
async def test_closing_the_client_leaves_items_to_be_run(mock: MockRefold, tmp_path: Path, by: str) -> None:
    """What waited for a token, or for a look at its connection, was not begun: the next run of the job calls it."""
    journal = Journal(tmp_path / "job.sqlite", job="closed")

    def job(refold: AsyncRefold) -> FanOut[str, ActionResult[Any]]:
        return refold.fan_out_action(
            ["user_1", "user_2"],
            "hubspot",
            "create_contact",
            {"email": "a@b.c"},
            account=refold.session_tokens.account if by == "token" else None,
            skip_disconnected=by == "look",
            journal=journal,
        )

    mock.script(Silence())
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        running = asyncio.create_task(job(refold).collect())
        await until(lambda: len(mock.requests) >= 2)
        await refold.aclose()
        with pytest.raises(ClientClosedError):
            await running
    mock.clear()
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        assert (await job(refold).collect()).counts == {"ok": 2, "failed": 0, "unknown": 0}


async def test_cancelled_while_the_token_is_renewed(mock: MockRefold, refold: AsyncRefold) -> None:
    """A write that may have run before is not forgotten over a token."""
    scope = refold.session_tokens.account(ACCOUNT)
    await scope.list_actions("hubspot")
    mock.script(Reset("after"), route="execute_action", calls=1)
    mock.script(Answer(401), route="execute_action", calls=2)
    mock.script(Silence(), route=CREATE)
    mock.requests.clear()
    call = asyncio.create_task(scope.execute_action("hubspot", "create_contact", idempotent=True))
    await requested(mock)
    call.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await call
    assert "may have run" in str(caught.value.__notes__)


@pytest.mark.parametrize("token", ["", "a\nb", " a", "\ud800", "a\u200b", "caf\u00e9", '"a"'])
async def test_tokens_that_cannot_be_sent(mock: MockRefold, refold: AsyncRefold, token: str) -> None:
    """What cannot travel as a header is no token."""
    mock.script(Answer(200, json={"token": token}), route=CREATE)
    with pytest.raises(APIResponseValidationError, match="cannot be read"):
        await refold.session_tokens.account(ACCOUNT).list_actions("hubspot")


async def test_a_wrong_token_is_not_revoked(mock: MockRefold, refold: AsyncRefold) -> None:
    """That it was refused after a 429 does not mean that it was revoked before."""
    mock.script(Answer(429, retry_after=0), calls=1)
    with pytest.raises(AuthenticationError):
        await refold.session_tokens.revoke("mistyped")
    with pytest.raises(ConfigurationError, match="session_token"):
        await refold.session_tokens.revoke(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
