"""How long refusals may keep an item of a fan-out waiting: `max_refusal_wait=`, and what others notice of it."""

import logging
import math
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from multidict import CIMultiDict

from refold_async import (
    AccountScope,
    AsyncRefold,
    ConfigurationError,
    Journal,
    Progress,
    RateLimit,
    RateLimitError,
)
from refold_async.limits.account_limits import AccountLimitSettings
from refold_async.protocol.responses import Response as Received
from refold_async.testing import Answer, Errored, MockRefold
from support.virtual_jobs import SUCCESS, Wire, collect, ended_after, refusal
from support.virtual_time import run

APP_REFUSAL: Final = Received(200, {}, b'{"node_status": "Errored", "http_status": 429, "data": {}}')


def always(refused: str, response: Received) -> Callable[[str, float], Received]:
    """Return the responses of a server that gives one account this one, and lets the others succeed."""
    return lambda account, now: response if account == refused else SUCCESS


@pytest.mark.parametrize("retry_after", [None, 0, 1, 45])
@pytest.mark.parametrize("limit", [None, RateLimit(100, burst=5)], ids=["learned", "given"])
@pytest.mark.parametrize("wait", [600.0, 20.0, 5.0])
def test_an_account_that_is_always_refused(wait: float, limit: RateLimit | None, retry_after: float | None) -> None:
    """Its item fails when its time is over, and not before, unless the response asks for longer."""
    wire = Wire(always("a", refusal(retry_after)))

    async def story() -> None:
        report = await collect(wire, ["a", *"bcdefghij"], max_refusal_wait=wait, limit=limit)
        assert report.counts == {"ok": 9, "failed": 1, "unknown": 0}
        (failed,) = report.failed
        error = failed.error
        assert isinstance(error, RateLimitError)
        assert (error.effect, error.retry_after, error.throttled) == ("none", retry_after, True)
        assert error.attempts == failed.attempts == len(wire.times("a"))
        assert f"{wait:g}" in error.message
        assert "max_refusal_wait=" in error.message
        assert "Too fast" in error.message
        times = wire.times("a")
        # But for the rounding of the clock, which is then at some hundred seconds.
        assert all(later - earlier >= 0.1 + (retry_after or 0) - 1e-6 for earlier, later in pairwise(times))
        assert max(times) < wait
        if retry_after == 45 and wait < 45:
            assert ended_after(wire) < 0.3
        else:  # it makes no attempt that would be refused as the one before was
            assert wait - (retry_after or 0) - 0.1 <= ended_after(wire) <= wait + 0.1
            assert len(times) >= 3

    run(story())


def test_those_behind_it_fail_with_it() -> None:
    """Many items of an account that lets none in: they wait together, not one after the other; few are sent."""
    wire = Wire(always("a", refusal(30)))

    async def story() -> None:
        items = [f"a/{number}" for number in range(200)] + [f"b{number}" for number in range(50)]
        report = await collect(wire, items, max_refusal_wait=100)
        assert report.counts == {"ok": 50, "failed": 200, "unknown": 0}
        assert max(time for name, time in wire.sent if name != "a") < 20
        assert ended_after(wire) < 250
        for outcome in report.failed:
            assert isinstance(outcome.error, RateLimitError)
            assert outcome.error.effect == "none"
            assert outcome.throttled
            assert outcome.error.attempts == outcome.attempts
        assert sum(outcome.attempts for outcome in report.outcomes) == len(wire.sent)
        unsent = [outcome for outcome in report.failed if not outcome.attempts]
        assert len(unsent) > 50
        assert "for its linked account are refused" in str(unsent[0].error)

    run(story())


def test_those_that_have_not_begun_fail_with_it() -> None:
    """However many there are: they have waited for their account just as well, and a slow reader loses none."""
    wire = Wire(always("a", refusal(30)))

    async def story() -> None:
        items = [f"a/{number}" for number in range(3000)] + [f"b{number}" for number in range(50)]
        report = await collect(wire, items, max_refusal_wait=100)
        assert report.counts == {"ok": 50, "failed": 3000, "unknown": 0}
        assert max(time for name, time in wire.sent if name != "a") < 20
        assert ended_after(wire) < 250
        assert all(isinstance(outcome.error, RateLimitError) for outcome in report.failed)
        assert {outcome.error.effect for outcome in report.failed if isinstance(outcome.error, RateLimitError)} == {
            "none"
        }
        assert sum(outcome.attempts for outcome in report.outcomes) == len(wire.sent) < 300

    run(story())


def test_those_behind_an_app_that_is_throttled_fail_too() -> None:
    """Its 429s come inside of HTTP 200: who meets one fails by itself, and who waits for the account in time."""
    wire = Wire(always("a", APP_REFUSAL))

    async def story() -> None:
        report = await collect(wire, [f"a/{number}" for number in range(100)], max_refusal_wait=60)
        assert report.counts == {"ok": 0, "failed": 100, "unknown": 0}
        kept = [outcome for outcome in report.failed if isinstance(outcome.error, RateLimitError)]
        assert all(outcome.attempts == 0 for outcome in kept)
        assert len(kept) > 30
        assert ended_after(wire) < 130

    run(story())


def test_the_wait_for_a_limit_of_the_account_is_no_refusal() -> None:
    """However long it takes: nothing was refused."""
    wire = Wire(lambda account, now: SUCCESS)

    async def story() -> None:
        limits = AccountLimitSettings(rate=RateLimit(1))
        report = await collect(wire, [f"a/{number}" for number in range(30)], max_refusal_wait=3, accounts=limits)
        assert report.counts["ok"] == 30
        assert ended_after(wire) == pytest.approx(29.1, abs=0.2)

    run(story())


def test_refusals_now_and_then_add_up_for_nobody_else() -> None:
    """One of four is refused, each time another: all are done, though the job lasts far longer than one may wait."""
    number = 0

    def respond(account: str, now: float) -> Received:
        nonlocal number
        number += 1
        return refusal() if number % 4 == 0 else SUCCESS

    wire = Wire(respond)

    async def story() -> None:
        items = [f"user_{number}" for number in range(300)]
        report = await collect(wire, items, max_refusal_wait=15, limit=RateLimit(5))
        assert report.counts["ok"] == 300
        assert ended_after(wire) > 60

    run(story())


def test_what_waits_at_the_same_time_counts_once() -> None:
    """Ten requests of one item that are refused together have its time together."""
    wire = Wire(always("a", refusal(1)))

    async def story() -> None:
        report = await collect(wire, ["a"], max_refusal_wait=30, calls=10)
        assert report.counts["failed"] == 1
        assert 29 <= ended_after(wire) <= 30.5

    run(story())


def test_an_earlier_attempt_may_have_run() -> None:
    """Then the effect is unknown, whatever is refused afterwards."""

    def respond(account: str, now: float) -> Received:
        return Received(503, CIMultiDict(), b"") if now < 0.05 else refusal()

    wire = Wire(respond)

    async def story() -> None:
        report = await collect(wire, ["a"], max_refusal_wait=10, idempotent=True)
        (outcome,) = report.unknown
        assert isinstance(outcome.error, RateLimitError)
        assert outcome.error.effect == "unknown"

    run(story())


def test_for_ever() -> None:
    """`math.inf` waits until it is accepted."""
    wire = Wire(lambda account, now: refusal(3600) if now < 86_400 else SUCCESS)

    async def story() -> None:
        report = await collect(wire, ["a", "a/2"], max_refusal_wait=math.inf)
        assert report.counts["ok"] == 2
        assert 86_400 <= ended_after(wire) < 90_100

    run(story())


def test_a_day_for_one_item_is_told_at_once_and_delays_no_other() -> None:
    """Its account's other items look again after a minute each, within their own time."""
    wire = Wire(always("a", refusal(86_400)))

    async def story() -> None:
        items = ["a/0", "a/1", *(f"user_{number}" for number in range(500)), "a/2"]
        report = await collect(wire, items, limit=RateLimit(1000, burst=100), concurrency=500)
        assert report.counts == {"ok": 500, "failed": 3, "unknown": 0}
        assert max(time for name, time in wire.sent if name != "a") < 2
        assert ended_after(wire) <= 601
        assert report.outcomes[0].attempts == 1
        assert isinstance(report.outcomes[0].error, RateLimitError)
        assert report.outcomes[0].error.retry_after == 86_400

    run(story())


# Over a socket


@pytest.mark.parametrize("value", [0, -1, 0.0, -0.5, math.nan, True, None, "600", [1]], ids=repr)
async def test_no_such_time(value: Any) -> None:
    """It is a number above 0, `math.inf` included."""
    async with AsyncRefold("tk_test") as refold:
        with pytest.raises(ConfigurationError, match="max_refusal_wait"):
            refold.fan_out(["a"], AccountScope.list_actions, max_refusal_wait=value)
        with pytest.raises(ConfigurationError, match="max_refusal_wait"):
            refold.fan_out_action(["a"], "hubspot", "get_contact", max_refusal_wait=value)
        refold.fan_out_action(["a"], "hubspot", "get_contact", max_refusal_wait=math.inf)


@pytest.mark.parametrize(
    "refusal",
    [Answer(429), Answer(429, body="<html>"), Answer(429, retry_after=0.2), Answer(429, retry_after=600)],
    ids=["Refold's", "a gateway's", "Retry-After", "too long a Retry-After"],
)
async def test_no_account_holds_a_job_open(mock: MockRefold, tmp_path: Path, refusal: Answer) -> None:
    """The account that is always refused fails, and the journal has of it that nothing ran."""
    mock.script(refusal, linked_account_id="user_3", calls=range(1, 1000))
    ids = [f"user_{number}" for number in range(20)]
    journal = Journal(tmp_path / "job.sqlite", job="job")
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        report = await refold.fan_out_action(
            ids, "hubspot", "create_contact", {"email": "a@b.c"}, journal=journal, max_refusal_wait=1
        ).collect()
    assert [outcome.item for outcome in report.failed] == ["user_3"]
    assert report.counts["ok"] == 19
    assert isinstance(report.failed[0].error, RateLimitError)
    (entry,) = [entry for entry in journal.entries() if entry.status != "ok"]
    assert (entry.status, entry.effect, entry.error_type) == ("failed", "none", "RateLimitError")
    ran = Counter(request.linked_account_id for request in mock.requests if request.status == 200)
    assert ran == dict.fromkeys(set(ids) - {"user_3"}, 1)


async def test_a_waiting_job_says_so(mock: MockRefold, caplog: pytest.LogCaptureFixture) -> None:
    """Its progress tells for how long it has stood still, and the log that the account waits, once."""
    caplog.set_level(logging.INFO, "refold_async")
    mock.script(Answer(429, retry_after=1.3), linked_account_id="user_3", calls=[1, 2])
    told: list[Progress] = []
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        items = ["user_1", "user_2", *["user_3"] * 3]
        job = refold.fan_out_action(items, "hubspot", "get_contact", progress=told.append, concurrency=3)
        assert (await job.collect()).counts["ok"] == 5
    paused = [progress.paused_for for progress in told if progress.paused_for is not None]
    assert paused == sorted(paused)
    assert 2 < paused[-1] < 60
    assert told[0].paused_for is told[-1].paused_for is None
    (record,) = [record for record in caplog.records if "linked account 'user_3' are refused" in record.message]
    assert record.levelno == logging.INFO


async def test_items_that_wait_for_another_try_lend_their_slots(mock: MockRefold) -> None:
    """Though they were taken first and are as many as there may be, the others are done meanwhile."""
    mock.script(Answer(429, retry_after=3), linked_account_id="user_0", calls=range(1, 4))
    items = ["user_0"] * 3 + [f"user_{number}" for number in range(1, 21)]
    async with AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=RateLimit(1000, burst=100)) as refold:
        job = refold.fan_out_action(items, "hubspot", "get_contact", concurrency=3)
        async with job:
            order = [outcome.item async for outcome in job]
    assert order[-3:] == ["user_0"] * 3
    assert len(order) == 23


async def test_apps_refusals_hold_nobody_for_ever(mock: MockRefold) -> None:
    """Whoever waits for an account whose app says to come slower fails in time."""
    mock.script(Errored(429), linked_account_id="user_0")
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        job = refold.fan_out_action(
            ["user_0"] * 10 + ["user_1"], "hubspot", "create_contact", {"email": "a@b.c"}, max_refusal_wait=2
        )
        report = await job.collect()
    assert report.counts == {"ok": 1, "failed": 10, "unknown": 0}
    assert all(outcome.throttled for outcome in report.failed)
