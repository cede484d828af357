"""The platform's rate limit and the apps' own."""

import asyncio
from typing import Any

import pytest

from refold_async.testing import Answer, MockRefold
from refold_async.testing.faults.rate_limits import Rate, RefusingTokenBucket
from support.mock_caller import MockCaller

HOUR = 3600.0


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def test_bucket_lets_a_burst_through_then_the_rate() -> None:
    """After a burst, one token comes back every `per / rate` seconds."""
    clock = Clock()
    bucket = RefusingTokenBucket(Rate(4, per=2, burst=3), clock)
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    clock.now += 0.25
    assert not bucket.take()
    clock.now += 0.25
    assert [bucket.take() for _ in range(2)] == [True, False]


def test_bucket_never_holds_more_than_its_burst() -> None:
    """A long pause earns no more than the burst."""
    clock = Clock()
    bucket = RefusingTokenBucket(Rate(20, burst=5), clock)
    clock.now += HOUR
    assert [bucket.take() for _ in range(6)] == [True] * 5 + [False]


@pytest.mark.parametrize(
    ("rate", "per", "burst"),
    [(0, 1, 1), (-1, 1, 1), (float("inf"), 1, 1), (True, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, 0.5)],
)
def test_rates_that_make_no_sense(rate: float, per: float, burst: Any) -> None:
    """A rate is positive and finite and lets one request through at least."""
    with pytest.raises(ValueError, match="must be"):
        Rate(rate, per, burst)


async def test_requests_beyond_the_rate_are_429(caller: MockCaller, mock: MockRefold) -> None:
    """What comes too fast is refused for all accounts together, takes no effect and is counted."""
    mock.limit_rate(1, per=HOUR, burst=2, retry_after=7)
    jane = {"email": "jane@example.com"}
    responses = [await caller.execute("hubspot", "create_contact", jane, account=f"user_{n}") for n in range(3)]
    assert [response.status for response in responses] == [200, 200, 429]
    assert responses[2].headers["Retry-After"] == "7"
    assert responses[2].json == {
        "status_code": 429,
        "http_error_type": "TOO_MANY_REQUESTS",
        "error_code": "RATE_LIMIT_EXCEEDED",
        "message": "Too Many Requests",
    }
    assert mock.rate_limited == 1
    assert mock.requests[2].json == jane
    assert "contacts" not in mock.account("user_2").store("hubspot")


async def test_limit_without_retry_after_and_lifted(caller: MockCaller, mock: MockRefold) -> None:
    """`Retry-After` is sent on demand only; None lifts the limit."""
    mock.limit_rate(1, per=HOUR)
    assert (await caller.execute("hubspot", "get_contact")).status == 200
    refused = await caller.execute("hubspot", "get_contact")
    assert refused.status == 429
    assert "Retry-After" not in refused.headers
    mock.limit_rate(None)
    assert (await caller.execute("hubspot", "get_contact")).status == 200


async def test_scripts_do_not_see_what_the_limit_refuses(caller: MockCaller, mock: MockRefold) -> None:
    """A refused request does not use up a script."""
    mock.limit_rate(1, per=HOUR)
    script = mock.script(Answer(503), calls=2)
    assert [(await caller.execute("hubspot", "get_contact")).status for _ in range(2)] == [200, 429]
    assert script.matched == 1


async def test_app_limit_is_for_each_account(caller: MockCaller, mock: MockRefold) -> None:
    """An app refuses with HTTP 200 and its own 429, for one account and one app at a time."""
    mock.limit_app_rate("hubspot", 1, per=HOUR, burst=2)
    for _ in range(2):
        await caller.data("hubspot", "get_contact")
    response = await caller.execute("hubspot", "get_contact")
    assert response.status == 200
    assert (response.json["node_status"], response.json["http_status"]) == ("Errored", 429)
    assert response.json["data"]["category"] == "RATE_LIMITS"
    await caller.data("hubspot", "get_contact", account="user_2")
    await caller.data("slack", "list_channels")
    assert (mock.app_rate_limited, mock.rate_limited) == (1, 0)
    mock.limit_app_rate("hubspot", None)
    await caller.data("hubspot", "get_contact")


async def test_new_app_limit_starts_full(caller: MockCaller, mock: MockRefold) -> None:
    """Setting a limit again forgets what was taken before, for that app alone."""
    for slug in ("hubspot", "slack"):
        mock.limit_app_rate(slug, 1, per=HOUR)
        await caller.data(slug, "httprequest", {"method": "GET", "url": "/"})
    mock.limit_app_rate("hubspot", 1, per=HOUR)
    await caller.data("hubspot", "get_contact")
    assert (await caller.execute("slack", "list_channels")).json["data"] == {"ok": False, "error": "ratelimited"}


async def test_app_limit_of_an_unknown_app(mock: MockRefold) -> None:
    """A typing error in a slug is told at once."""
    with pytest.raises(ValueError, match="no app 'hubspt'"):
        mock.limit_app_rate("hubspt", 1)


async def test_rate_in_real_time(caller: MockCaller, mock: MockRefold) -> None:
    """Tokens come back as time passes: a patient client gets through."""
    mock.limit_rate(200)
    got_through = 0
    async with asyncio.timeout(30):
        while got_through < 5:
            got_through += (await caller.execute("hubspot", "get_contact")).status == 200
    assert mock.request_count == got_through + mock.rate_limited
