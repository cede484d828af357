"""Jobs beside rate limits, interactive calls and failures: what the server saw, and what came out."""

import asyncio
import gc
import math
import socket
import weakref
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import aiohttp.abc
import pytest

from refold_async import (
    AccountScope,
    ActionFailedError,
    APITimeoutError,
    AsyncRefold,
    AuthenticationError,
    ClientClosedError,
    ConfigurationError,
    FanOutStoppedError,
    Journal,
    Outcome,
    Progress,
    RateLimit,
    RateLimitError,
    RetryPolicy,
)
from refold_async.jobs.slots import MOST_PARKED
from refold_async.testing import ActionContext, Answer, Delay, MockRefold, Silence
from support.waiting import until

IDS = [f"user_{number}" for number in range(20)]


async def settle() -> None:
    """Let everything get as far as it can by itself: as many turns of the loop on a slow machine as on a quick one."""
    for _ in range(20):
        await asyncio.sleep(0.002)


async def test_a_refusal_spends_none_of_an_items_attempts(mock: MockRefold) -> None:
    """Refused five times with one attempt allowed, an item is done in the end; each request is counted."""
    mock.script(Answer(429), linked_account_id="user_3", calls=range(1, 6))
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=RetryPolicy(max_retries=0)) as refold:
        report = await refold.fan_out_action(IDS[:5], "hubspot", "create_contact", {"email": "a@b.c"}).collect()
    assert report.counts == {"ok": 5, "failed": 0, "unknown": 0}
    assert [outcome.attempts for outcome in report.outcomes] == [1, 1, 1, 6, 1]
    assert len(mock.requests_to("execute_action")) == 10


async def test_a_gateways_refusals_cost_a_job_of_writes_nothing(mock: MockRefold) -> None:
    """Whatever shape its 429s have: every write is done in the end, and none twice, with no attempt to spare."""
    shapes = [Answer(429, body="<html>Slow down</html>"), Answer(429, json={"message": "Too Many Requests"})]
    for number, shape in enumerate([*shapes, Answer(429, body="")]):
        mock.script(shape, route="execute_action", calls=range(20 + number, 1000, 100))
    ids = [f"user_{number}" for number in range(1000)]
    policy = RetryPolicy(max_retries=0)
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=policy, rate_limit=RateLimit(1e6)) as refold:
        report = await refold.fan_out_action(ids, "hubspot", "create_contact", {"email": "a@b.c"}).collect()
    assert report.counts == {"ok": 1000, "failed": 0, "unknown": 0}
    ran = Counter(request.linked_account_id for request in mock.requests if request.status == 200)
    assert ran == dict.fromkeys(ids, 1)
    assert len(mock.requests) == sum(outcome.attempts for outcome in report.outcomes) == 1030


async def test_an_interactive_calls_attempts_are_spent(mock: MockRefold) -> None:
    """Outside a job a refusal counts, as the policy says."""
    mock.script(Answer(429))
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=RetryPolicy(max_retries=1)) as refold:
        with pytest.raises(RateLimitError) as caught:
            await refold.account("user_1").list_actions("hubspot")
    assert caught.value.attempts == len(mock.requests) == 2
    assert caught.value.throttled


async def test_a_policy_that_does_not_resend_refused_writes_holds_in_jobs(mock: MockRefold) -> None:
    """`resend_rate_limited_writes=False` makes a refused write a failed outcome, marked throttled."""
    mock.script(Answer(429), linked_account_id="user_1", calls=1)
    policy = RetryPolicy(resend_rate_limited_writes=False)
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=policy) as refold:
        report = await refold.fan_out_action(IDS[:3], "hubspot", "create_contact", {"email": "a@b.c"}).collect()
    assert [outcome.item for outcome in report.failed] == ["user_1"]
    assert report.failed[0].throttled
    assert not report.ok[0].throttled


@pytest.mark.parametrize("limit", [None, RateLimit(1000, burst=10)])
async def test_retry_after_holds_its_own_account_alone(mock: MockRefold, limit: RateLimit | None) -> None:
    """The refused item and its account wait as long as asked; the job's others and interactive calls do not."""
    mock.script(Answer(429, retry_after=1.5), linked_account_id="user_5", calls=1)
    async with AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=limit) as refold:
        job = refold.fan_out_action(IDS, "hubspot", "get_contact", concurrency=3)
        async with job:
            order = [outcome async for outcome in job]
        assert order[-1].item == "user_5"
        assert len(order) == 20
    refused, *rest = mock.requests_to(linked_account_id="user_5")
    assert [refused.status, *(request.status for request in rest)] == [429, 200]
    assert rest[0].time - refused.time > 1.49
    assert max(request.time for request in mock.requests if request.linked_account_id != "user_5") < rest[0].time


@pytest.mark.parametrize("limit", [None, RateLimit(1000, burst=10)])
@pytest.mark.parametrize("shape", [{}, {"body": "<html>Slow down</html>"}], ids=["Refold's", "a gateway's"])
async def test_a_day_for_one_call_is_nobody_elses_matter(
    mock: MockRefold, limit: RateLimit | None, shape: dict[str, Any]
) -> None:
    """One call is told to come back tomorrow: it fails at once, and neither interactive calls nor a job wait for it."""
    mock.script(Answer(429, retry_after=86_400, **shape), linked_account_id="user_5")
    async with AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=limit, timeout=20) as refold:
        with pytest.raises(RateLimitError) as caught:
            await refold.account("user_5").list_actions("hubspot")
        assert (caught.value.retry_after, caught.value.attempts) == (86_400, 1)
        await refold.account("user_6").list_actions("hubspot")
        await refold.linked_accounts.get("user_6")
        others = [name for name in IDS if name != "user_5"]
        report = await refold.fan_out_action(others, "hubspot", "create_contact", {"email": "a@b.c"}).collect()
    assert report.counts["ok"] == 19
    assert mock.requests[-1].time - mock.requests[0].time < 10


@pytest.mark.parametrize("limit", [None, RateLimit(1000, burst=10)])
async def test_a_call_that_cannot_be_in_time_is_told_at_once(mock: MockRefold, limit: RateLimit | None) -> None:
    """Its account is to wait a minute, the call has half of one: it does not wait, and tells when to come back."""
    mock.script(Answer(429, retry_after=60), calls=1)
    async with AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=limit) as refold:
        with pytest.raises(RateLimitError):
            await refold.account("user_1").list_actions("hubspot", timeout=30)
        began = asyncio.get_running_loop().time()
        with pytest.raises(APITimeoutError, match="another 60 seconds") as caught:
            await refold.account("user_1").list_actions("hubspot", timeout=30)
        assert asyncio.get_running_loop().time() - began < 15
        await refold.account("user_2").list_actions("hubspot", timeout=30)
    assert caught.value.retry_after is not None
    assert 30 < caught.value.retry_after <= 60
    assert (caught.value.effect, caught.value.attempts) == ("none", 0)
    assert len(mock.requests) == 2


@pytest.mark.parametrize("retry_after", [None, 0.2])
async def test_a_limit_nobody_told_is_kept_to(mock: MockRefold, retry_after: float | None) -> None:
    """A job against an unknown limit does every item exactly once."""
    mock.limit_rate(100, burst=10, retry_after=retry_after)
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=RetryPolicy(max_retries=0)) as refold:
        report = await refold.fan_out_action(
            [f"user_{number}" for number in range(150)], "hubspot", "create_contact", {"email": "a@b.c"}, concurrency=20
        ).collect()
    assert report.counts == {"ok": 150, "failed": 0, "unknown": 0}
    accepted = [request for request in mock.requests if request.status == 200]
    assert Counter(request.linked_account_id for request in accepted) == {f"user_{n}": 1 for n in range(150)}
    assert sum(outcome.attempts for outcome in report.outcomes) == len(mock.requests)
    assert len(mock.requests) < 150 * 2


async def test_a_known_limit_is_kept_to(mock: MockRefold) -> None:
    """With the server's own limit, no request is refused."""
    # The server's burst is for a machine that lets none arrive for a while. All items at once would be too many.
    mock.limit_rate(50, burst=45)
    async with AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=RateLimit(50, burst=10)) as refold:
        report = await refold.fan_out_action(IDS * 6, "hubspot", "create_contact", {"email": "a@b.c"}).collect()
    assert report.counts["ok"] == len(mock.requests) == 120


async def test_what_the_app_refuses_is_failed_and_throttled(mock: MockRefold) -> None:
    """HTTP 200 from Refold with the app's 429 inside did not run, and tells so; other accounts are unharmed."""
    mock.limit_app_rate("hubspot", 1, per=600, burst=2)
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        items = ["user_1"] * 4 + ["user_2", "user_3"]
        report = await refold.fan_out_action(items, "hubspot", "create_contact", {"email": "a@b.c"}).collect()
    assert report.counts == {"ok": 4, "failed": 2, "unknown": 0}
    assert {outcome.item for outcome in report.failed} == {"user_1"}
    for outcome in report.failed:
        assert outcome.throttled
        assert isinstance(outcome.error, ActionFailedError)
        assert (outcome.error.effect, outcome.attempts) == ("none", 1)


async def test_a_throttled_account_waits_while_others_go_on(mock: MockRefold) -> None:
    """Calls that are safe to repeat get through in time, and hold up nobody else's."""
    mock.limit_app_rate("hubspot", 1, burst=1)
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=RetryPolicy(initial_delay=0.3)) as refold:
        items = ["user_1", "user_1", *IDS[2:]]
        order: list[Outcome[str, Any]] = []
        async with refold.fan_out_action(items, "hubspot", "get_contact", idempotent=True) as outcomes:
            order = [outcome async for outcome in outcomes]
    assert all(outcome.status == "ok" for outcome in order)
    assert order[-1].item == "user_1"
    assert order[-1].attempts > 1
    assert order[-1].elapsed > 0.9
    assert all(outcome.attempts == 1 and outcome.elapsed < order[-1].elapsed for outcome in order[:-1])


async def test_account_concurrency_is_what_the_server_sees(mock: MockRefold) -> None:
    """Never more than that many requests of one account at once, of as many accounts as there are."""
    running: Counter[str] = Counter()
    most: Counter[str] = Counter()
    all_are_there = asyncio.Event()

    @mock.catalogue.action("hubspot", "meet")
    async def meet(context: ActionContext, parameters: dict[str, Any]) -> None:
        account = context.linked_account_id
        running[account] += 1
        most[account] = max(most[account], running[account])
        if running.total() == 8:
            all_are_there.set()
        await asyncio.wait_for(all_are_there.wait(), 10)
        await asyncio.sleep(0.005)  # for one more of the account to come, if any did
        running[account] -= 1

    async with AsyncRefold("tk_test", base_url=mock.base_url, account_concurrency=2) as refold:
        items = [f"user_{number % 4}" for number in range(40)]
        report = await refold.fan_out_action(items, "hubspot", "meet").collect()
    assert report.counts["ok"] == 40
    assert most == {f"user_{number}": 2 for number in range(4)}


async def test_items_that_wait_for_their_account_hold_up_no_other(mock: MockRefold) -> None:
    """Though they come first and are more than `concurrency`; and no more than that many are ever in flight."""
    running: Counter[str] = Counter()
    most: Counter[str] = Counter()
    most_of_all = 0
    all_are_there = asyncio.Event()

    @mock.catalogue.action("hubspot", "meet")
    async def meet(context: ActionContext, parameters: dict[str, Any]) -> None:
        nonlocal most_of_all
        account = context.linked_account_id
        running[account] += 1
        most[account] = max(most[account], running[account])
        most_of_all = max(most_of_all, running.total())
        if running.total() == 6:
            all_are_there.set()
        await asyncio.wait_for(all_are_there.wait(), 20)
        await asyncio.sleep(0.005)  # for one more to come, if any did
        running[account] -= 1

    async def call(scope: AccountScope, item: str) -> None:
        await scope.execute_action("hubspot", "meet")

    items = [f"{account}_{number}" for account in "abc" for number in range(40)]
    order: list[str] = []
    async with AsyncRefold("tk_test", base_url=mock.base_url, account_concurrency=2) as refold:
        job = refold.fan_out(items, call, account=lambda item: item[0], concurrency=6)
        async with job:
            async for outcome in job:
                assert outcome.status == "ok"
                order.append(outcome.item)
    assert sorted(order) == sorted(items)
    assert len(mock.requests) == 120
    assert most == {"a": 2, "b": 2, "c": 2}
    assert most_of_all == 6


async def test_an_endless_account_is_taken_in_bounded_numbers(mock: MockRefold) -> None:
    """A job does not take all its items because the first account may not go."""
    mock.script(Silence(), linked_account_id="a")
    taken = 0

    def items() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield "a"

    async with AsyncRefold("tk_test", base_url=mock.base_url, account_concurrency=1) as refold:
        job = refold.fan_out_action(items(), "hubspot", "create_contact", {"email": "a@b.c"}, grace=0)
        async with job:
            before = -1
            while before < taken <= MOST_PARKED + 100 or not mock.requests:
                before = taken
                await settle()
    assert taken == len(job.unfinished)
    assert MOST_PARKED - 100 < taken < MOST_PARKED + 100
    assert sum(unfinished.attempts for unfinished in job.unfinished) == 1


async def test_account_rate_limit_is_what_the_server_sees(mock: MockRefold) -> None:
    """Every account's requests come at its rate, session tokens' too; interactive calls as well as jobs'."""
    async with AsyncRefold("tk_test", base_url=mock.base_url, account_rate_limit=RateLimit(2)) as refold:
        by_token = refold.account_from_session_token(mock.session_token("by_token"))
        await asyncio.gather(
            refold.fan_out_action(["user_1", "user_2"] * 3, "hubspot", "get_contact").collect(),
            *(refold.account("user_3").list_actions("hubspot") for _ in range(3)),
            *(by_token.list_actions("hubspot") for _ in range(3)),
        )
    for linked_account_id in ("user_1", "user_2", "user_3", "by_token"):
        times = [request.time for request in mock.requests if request.linked_account_id == linked_account_id]
        assert len(times) == 3
        # They left a second apart, and none is longer on its way than the machine may stand still.
        assert times[2] - times[0] > 0.35


async def test_account_rate_limit_lets_one_go(mock: MockRefold) -> None:
    """Of each account's requests the first arrives, while the others wait for its rate."""
    limit = RateLimit(1, per=600)
    async with AsyncRefold("tk_test", base_url=mock.base_url, account_rate_limit=limit) as refold:
        by_token = refold.account_from_session_token(mock.session_token("by_token"))
        job = refold.fan_out_action(["user_1", "user_2"] * 3, "hubspot", "get_contact")
        interactive = refold.account("user_3")
        calls = [job.collect(), *(scope.list_actions("hubspot") for scope in (interactive, by_token) for _ in range(3))]
        tasks = [asyncio.ensure_future(call) for call in calls]
        await until(lambda: len(mock.requests) >= 4, within=20)
        await settle()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    arrived = Counter(request.linked_account_id for request in mock.requests)
    assert arrived == dict.fromkeys(("user_1", "user_2", "user_3", "by_token"), 1)


async def test_an_interactive_call_overtakes_a_job_in_the_pool(mock: MockRefold) -> None:
    """It has the next connection that comes free, though many of the job's calls wait for one."""
    mock.script(Delay(0.02))
    async with AsyncRefold("tk_test", base_url=mock.base_url, max_connections=2) as refold:
        job = asyncio.create_task(refold.fan_out_action(IDS * 2, "hubspot", "get_contact").collect())
        await asyncio.sleep(0.1)
        seen = len(mock.requests)
        await refold.account("interactive").list_actions("hubspot")
        order = [request.linked_account_id for request in mock.requests]
        assert order.index("interactive") - seen <= 2
        assert (await job).counts["ok"] == 40


async def test_a_job_goes_on_beside_many_interactive_calls(mock: MockRefold) -> None:
    """However many interactive calls there are, a quarter of the connections' turns is the job's."""
    mock.script(Delay(0.005))
    async with AsyncRefold("tk_test", base_url=mock.base_url, max_connections=1) as refold:
        interactive = refold.account("interactive")

        async def call_on_and_on() -> None:
            while True:
                await interactive.list_actions("hubspot")

        calling = [asyncio.create_task(call_on_and_on()) for _ in range(10)]
        report = await refold.fan_out_action(IDS, "hubspot", "get_contact").collect()
        for task in calling:
            task.cancel()
        await asyncio.wait(calling)
    assert report.counts["ok"] == 20
    assert 40 <= len([request for request in mock.requests if request.linked_account_id == "interactive"]) <= 90


async def test_job_timeout(mock: MockRefold) -> None:
    """When the job's time is over it takes no more items, and says so after the outcomes there are."""
    mock.script(Delay(0.03))
    async with AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=RateLimit(10)) as refold:
        job = refold.fan_out_action(
            (f"user_{number}" for number in range(10_000)), "hubspot", "get_contact", concurrency=10, job_timeout=1.5
        )
        with pytest.raises(FanOutStoppedError, match=r"1\.5 seconds") as caught:
            await job.collect()
    assert caught.value.effect == "unknown"
    assert 1 < len(job.report) < 25
    assert job.report.counts["ok"] == len(job.report) == len(mock.requests)
    # Those that waited for a permit were not begun.
    assert job.unfinished
    assert all(unfinished.attempts == 0 for unfinished in job.unfinished)


async def test_a_job_that_is_refused_for_good_ends_with_its_time(mock: MockRefold) -> None:
    """Items wait for their turn until the job's own deadline, and are then told as unfinished."""
    mock.script(Answer(429))
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        job = refold.fan_out_action(IDS, "hubspot", "create_contact", {"email": "a@b.c"}, job_timeout=1.5)
        with pytest.raises(FanOutStoppedError) as caught:
            await job.collect()
    assert caught.value.effect == "none"
    assert len(job.report) == 0
    assert sorted(unfinished.item for unfinished in job.unfinished) == sorted(IDS)
    assert sum(unfinished.attempts for unfinished in job.unfinished) == len(mock.requests) < 40


@pytest.mark.parametrize(("stop_after", "requests"), [(3, 3), (0.5, 20)])
async def test_stop_after(mock: MockRefold, stop_after: float, requests: int) -> None:
    """A job whose credentials are plainly wrong ends before it has told every account so."""
    mock.script(Answer(401))
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        job = refold.fan_out_action(
            (f"user_{number}" for number in range(1000)), "hubspot", "get_contact", concurrency=1, stop_after=stop_after
        )
        with pytest.raises(FanOutStoppedError, match=f"{requests} of {requests} items") as caught:
            await job.collect()
    assert isinstance(caught.value.__cause__, AuthenticationError)
    assert caught.value.effect == "none"
    assert requests <= len(mock.requests) == len(job.report) + len(job.unfinished) <= requests + 1


async def test_stop_after_a_share_lets_some_failures_pass(mock: MockRefold) -> None:
    """Fewer than the share are outcomes like any other."""
    for number in range(0, 20, 4):
        mock.script(Answer(404), linked_account_id=f"user_{number}")
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        report = await refold.fan_out_action(IDS * 3, "hubspot", "get_contact", concurrency=4, stop_after=0.5).collect()
    assert report.counts == {"ok": 45, "failed": 15, "unknown": 0}


async def test_stop_lets_what_is_in_flight_end(mock: MockRefold) -> None:
    """`stop()` takes no more items, begins none, and the iteration ends by itself."""
    mock.script(Delay(0.05))
    async with AsyncRefold("tk_test", base_url=mock.base_url, max_connections=2) as refold:
        job = refold.fan_out_action(
            (f"user_{number}" for number in range(1000)),
            "hubspot",
            "create_contact",
            {"email": "a@b.c"},
            concurrency=10,
        )
        outcomes: list[Outcome[str, Any]] = []
        async with job:
            async for outcome in job:
                outcomes.append(outcome)
                job.stop()
                job.stop()
        assert not job.unread
    assert len(outcomes) == len(mock.requests) <= 5
    assert all(outcome.status == "ok" for outcome in outcomes)
    assert len(job.unfinished) == 10 - len(outcomes) + 1 or len(job.unfinished) == 10 - len(outcomes)
    assert all(unfinished.attempts == 0 for unfinished in job.unfinished)


async def test_stop_cancels_after_grace_what_does_not_end(mock: MockRefold) -> None:
    """Then it is told as unfinished, with its attempts."""
    mock.script(Silence(), linked_account_id="user_1")
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        job = refold.fan_out_action(IDS, "hubspot", "create_contact", {"email": "a@b.c"}, concurrency=2, grace=1.5)
        async with job:
            await anext(job)
            job.stop()
            async for _ in job:
                pass
        assert [(unfinished.item, unfinished.attempts) for unfinished in job.unfinished] == [("user_1", 1)]


async def test_stop_at_once(mock: MockRefold) -> None:
    """A second `stop()` may give what is in flight no more time; the outcomes that there are come all the same."""
    mock.script(Silence(), route="execute_action", calls=range(2, 100))
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        job = refold.fan_out_action(IDS, "hubspot", "create_contact", {"email": "a@b.c"}, concurrency=3, grace=3600)
        async with job:
            assert (await anext(job)).status == "ok"
            await until(lambda: len(mock.requests) >= 3)
            job.stop()
            job.stop(at_once=True)
            assert [outcome async for outcome in job] == []
    lost = {request.linked_account_id for request in mock.requests[1:]}
    assert {unfinished.item for unfinished in job.unfinished if unfinished.attempts} == lost


@pytest.mark.parametrize(("trouble", "effect"), [(Answer(429, retry_after=1), "none"), (Silence(), "unknown")])
async def test_the_effect_of_what_is_unfinished(
    mock: MockRefold, tmp_path: Path, trouble: Answer | Silence, effect: str
) -> None:
    """What was only ever refused did nothing; what is in flight may have run. The journal says the same."""
    mock.script(trouble, route="execute_action")
    journal = Journal(tmp_path / "job.sqlite", job="a job")
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        job = refold.fan_out_action(
            IDS[:1], "hubspot", "create_contact", {"email": "a@b.c"}, journal=journal, grace=0, key=str
        )
        async with job:
            await until(lambda: len(mock.requests) == 1)
            if effect == "none":
                await until(lambda: journal.summary().withdrawn == 1)
    assert [(left.attempts, left.effect) for left in job.unfinished] == [(1, effect)]
    assert [entry.status for entry in journal.entries()] == ["withdrawn" if effect == "none" else "unknown"]


async def test_stopped_before_it_begins(mock: MockRefold) -> None:
    """A signal that comes between making a fan-out and entering it is heeded."""
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        job = refold.fan_out_action(IDS, "hubspot", "get_contact")
        job.stop()
        assert len(await job.collect()) == 0
    assert not mock.requests


async def test_progress(mock: MockRefold) -> None:
    """A callback hears how far it is, and always of the end."""
    mock.script(Answer(404), linked_account_id="user_3")
    heard: list[Progress] = []
    half_was_heard = asyncio.Event()

    async def hear(progress: Progress) -> None:
        heard.append(progress)
        if progress.done == 10:
            half_was_heard.set()

    @mock.catalogue.action("hubspot", "pause_half_way")
    async def pause_half_way(context: ActionContext, parameters: dict[str, Any]) -> None:
        if context.linked_account_id == "user_10":
            await asyncio.wait_for(half_was_heard.wait(), 20)

    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        await refold.fan_out_action(IDS, "hubspot", "pause_half_way", concurrency=1, progress=hear).collect()
        *_, last = heard
        half = next(progress for progress in heard if progress.done == 10)
        assert (half.total, half.ok, half.failed) == (20, 9, 1)
        assert all(progress.in_flight in (0, 1) for progress in heard)
        assert (last.done, last.ok, last.failed, last.in_flight, last.time_left) == (20, 19, 1, 0, 0)
        await refold.fan_out_action(iter(IDS), "hubspot", "get_contact", progress=hear).collect()
    assert (heard[-1].done, heard[-1].total) == (20, None)


async def test_progress_of_nothing(refold: AsyncRefold) -> None:
    """An empty job tells its end once."""
    heard: list[Progress] = []
    nothing: list[str] = []
    await refold.fan_out_action(nothing, "hubspot", "get_contact", progress=heard.append).collect()
    assert [(progress.done, progress.total) for progress in heard] == [(0, 0)]


async def test_a_storm_of_refusals_loses_nothing(mock: MockRefold) -> None:
    """Half of all requests refused at random places: every item is done once, and one task's patience is enough."""
    mock.script(Answer(429), route="execute_action", calls=range(1, 60, 2))
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=RetryPolicy(max_retries=0)) as refold:
        report = await refold.fan_out_action(IDS, "hubspot", "create_contact", {"email": "a@b.c"}).collect()
    assert report.counts == {"ok": 20, "failed": 0, "unknown": 0}
    written = Counter(request.linked_account_id for request in mock.requests if request.status == 200)
    assert written == dict.fromkeys(IDS, 1)


async def test_accounts_that_always_fail_stop_no_other(mock: MockRefold) -> None:
    """Those that answer 500 for ever come out unknown after one write each."""
    for linked_account_id in IDS[:5]:
        mock.script(Answer(500), linked_account_id=linked_account_id)
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        report = await refold.fan_out_action(IDS, "hubspot", "create_contact", {"email": "a@b.c"}).collect()
    assert sorted(outcome.item for outcome in report.unknown) == sorted(IDS[:5])
    assert len(mock.requests) == 20


async def test_nested_jobs_at_one_limit(mock: MockRefold) -> None:
    """A fan-out inside a fan-out at one rate and one connection ends, each item counting what was sent for it."""
    async with AsyncRefold(
        "tk_test",
        base_url=mock.base_url,
        max_connections=1,
        rate_limit=RateLimit(500, burst=5),
        account_concurrency=1,
    ) as refold:

        async def outer(scope: AccountScope, item: str) -> int:
            inner = refold.fan_out_action([item, f"{item}_other"], "hubspot", "get_contact")
            await scope.list_actions("hubspot")
            return len((await inner.collect()).ok)

        report = await refold.fan_out(IDS[:5], outer, concurrency=3).collect()
    assert [(outcome.value, outcome.attempts) for outcome in report.outcomes] == [(2, 3)] * 5


async def test_wrong_options_are_refused_by_name(mock: MockRefold) -> None:
    """Each error names the argument, and nothing is sent."""

    class Told:
        async def acquire(self) -> None: ...
        async def throttled(self, until: float) -> None: ...

    for name, options in {
        "account_rate_limit": {"account_rate_limit": 5},
        "account_concurrency": {"account_concurrency": 0},
        "throttled": {"rate_limit": Told()},
    }.items():
        with pytest.raises(ConfigurationError, match=name):
            AsyncRefold("tk_test", base_url=mock.base_url, **options)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        for name, value in {
            "job_timeout": -1,
            "stop_after": 0,
            "progress": 5,
            "journal": "file.sqlite",
            "retry_failed": True,
            "resend_unknown": True,
            "key": "id",
        }.items():
            with pytest.raises(ConfigurationError, match=name):
                refold.fan_out_action(IDS, "hubspot", "get_contact", **{name: value})  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
        for stop_after in (1.5, True, math.nan, -3, "many"):
            with pytest.raises(ConfigurationError, match="stop_after"):
                refold.fan_out_action(IDS, "hubspot", "get_contact", stop_after=stop_after)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert not mock.requests


async def test_a_client_that_is_closed_ends_its_jobs(mock: MockRefold) -> None:
    """The items that are left stay with their source, and those not begun are told as unfinished, not as failed."""
    mock.script(Delay(0.02))
    taken = 0

    def items() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield f"user_{taken}"

    refold = AsyncRefold("tk_test", base_url=mock.base_url)
    job = refold.fan_out_action(items(), "hubspot", "create_contact", {"email": "a@b.c"}, concurrency=5)
    collecting = asyncio.create_task(job.collect())
    await until(lambda: len(mock.requests) > 10)  # from then on all have a connection
    await refold.aclose()
    with pytest.raises(ClientClosedError):
        await collecting
    assert taken == len(job.report) + len(job.unfinished) + len(job.unread) < 100
    assert all(outcome.attempts == 1 for outcome in job.report.outcomes)
    assert all(unfinished.attempts == 0 for unfinished in job.unfinished)


class SilentResolver(aiohttp.abc.AbstractResolver):
    """Never finds the server's address."""

    def __init__(self) -> None:
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        """Wait."""
        self.asked += 1
        await asyncio.Event().wait()
        return []

    async def close(self) -> None:
        """Close nothing."""


@pytest.mark.parametrize("end", ["closed", "left"])
async def test_items_that_never_had_a_connection_are_told_without_attempts(end: str) -> None:
    """Nothing of them can have happened, whether the client is closed meanwhile or the job is left."""
    resolver = SilentResolver()
    connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False)
    async with connector, AsyncRefold("tk_test", base_url="https://refold.invalid", connector=connector) as refold:
        job = refold.fan_out_action(IDS[:3], "hubspot", "create_contact", {"email": "a@b.c"}, grace=0)
        async with job:
            await until(lambda: resolver.asked == 3)
            if end == "closed":
                await refold.aclose()
                with pytest.raises(ClientClosedError):
                    await anext(job)
    assert sorted((unfinished.item, unfinished.attempts) for unfinished in job.unfinished) == [
        (item, 0) for item in sorted(IDS[:3])
    ]


async def test_a_stopped_job_begins_nothing_that_was_getting_ready(mock: MockRefold) -> None:
    """Calls that do something of their own before their first request do not send it."""
    getting_ready = 0
    all_are_there, ready = asyncio.Event(), asyncio.Event()

    async def call(scope: AccountScope, item: str) -> None:
        nonlocal getting_ready
        getting_ready += 1
        if getting_ready == len(IDS):
            all_are_there.set()
        await ready.wait()
        await scope.execute_action("hubspot", "create_contact", {"email": "a@b.c"})

    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        job = refold.fan_out(IDS, call)
        async with job:
            await asyncio.wait_for(all_are_there.wait(), 20)
            job.stop()
            ready.set()
            assert [outcome async for outcome in job] == []
    assert not mock.requests
    assert sorted(unfinished.item for unfinished in job.unfinished) == sorted(IDS)


async def test_a_source_may_stop_its_own_job(mock: MockRefold) -> None:
    """No more is taken of it, and the item it gave last is told as unfinished."""

    def items() -> Iterator[str]:
        yield "user_0"
        job.stop()
        yield "user_1"
        yield "user_2"

    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        job = refold.fan_out_action(items(), "hubspot", "get_contact", concurrency=10)
        report = await job.collect()
    told = [*(outcome.item for outcome in report.outcomes), *(unfinished.item for unfinished in job.unfinished)]
    assert sorted(told) == ["user_0", "user_1"]


async def test_a_finished_job_is_forgotten(refold: AsyncRefold) -> None:
    """No timer keeps it for as long as `job_timeout` or `grace` would have lasted."""
    job = refold.fan_out_action(IDS, "hubspot", "get_contact", job_timeout=3600, grace=3600)
    await job.collect()
    watched = weakref.ref(job)
    del job
    gc.collect()
    assert watched() is None


async def test_two_readers_share_the_outcomes(refold: AsyncRefold) -> None:
    """Each outcome goes to one of them."""

    async def nothing(scope: AccountScope, item: str) -> str:
        return item

    read: list[str] = []
    async with refold.fan_out([f"user_{number}" for number in range(450)], nothing, concurrency=7) as outcomes:

        async def reader() -> None:
            async for outcome in outcomes:
                read.append(outcome.item)  # noqa: PERF401

        await asyncio.gather(reader(), reader())
    assert sorted(read) == sorted(f"user_{number}" for number in range(450))


async def test_items_that_call_several_accounts_at_once(mock: MockRefold) -> None:
    """Both of an item's calls wait for accounts of their own, and the job gets to its end."""
    async with AsyncRefold("tk_test", base_url=mock.base_url, account_rate_limit=RateLimit(50)) as refold:

        async def call(scope: AccountScope, item: str) -> None:
            other = refold.account("other")
            await asyncio.gather(*(each.list_actions("hubspot") for each in (scope, other)))

        async with asyncio.timeout(60):
            report = await refold.fan_out(["user_1"] * 10, call, concurrency=3).collect()
    assert (report.counts["ok"], len(mock.requests)) == (10, 20)
