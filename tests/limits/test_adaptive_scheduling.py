"""What refusals cost bulk and interactive requests: by chance, of one account, of a closed server, and at a limit."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Final

import pytest

from refold_async import AsyncRefold, Fault, Limiter, RateLimit, RateLimitError, RetryPolicy
from refold_async.limits.permits import Permit
from refold_async.limits.scheduler import RequestScheduler
from refold_async.protocol.responses import Response as Received
from refold_async.testing import Answer, MockRefold
from support.rate_simulation import Bucket, Server, SometimesClosed, Unlimited
from support.virtual_jobs import SUCCESS, Wire, collect, ended_after, refusal
from support.virtual_time import run


class Generous:
    """A limiter that grants at once."""

    def __init__(self) -> None:
        self.told = 0

    async def acquire(self) -> None:
        """Grant."""

    def throttled(self, until: float) -> None:
        """Count how often refusals were told of."""
        self.told += 1


Limit = Callable[[], RateLimit | Limiter | None]
LIMITS: Final = {"none": lambda: None, "a limit": lambda: RateLimit(1000, burst=100), "a limiter": Generous}


def responses(server: Server, retry_after: float | None = None) -> Callable[[str, float], Received]:
    """Return the responses of a server that takes requests or refuses them."""
    chance = random.Random(1)
    return lambda account, now: SUCCESS if server.takes(now, account, chance) else refusal(retry_after)


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
@pytest.mark.parametrize(
    ("share", "retry_after"),
    [(0.05, None), (0.02, 1.0), *(pytest.param(0.005, seconds, marks=pytest.mark.slow) for seconds in (None, 1.0))],
)
def test_a_job_whose_requests_are_refused_at_random(share: float, retry_after: float | None, limit: Limit) -> None:
    """Nearly as fast as without, whatever holds it, and whatever the refusals ask for."""
    wire = Wire(responses(Unlimited(share), retry_after))

    async def story() -> None:
        report = await collect(wire, [f"user_{number}" for number in range(2000)], limit=limit())
        assert report.counts["ok"] == 2000
        # 50 at once, each after 100 ms; who was refused last comes later.
        assert len([time for _, time in wire.sent if time < 5]) > 0.8 * 2000
        assert ended_after(wire) < 8

    run(story())


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
def test_a_job_of_which_one_account_is_always_refused(limit: Limit) -> None:
    """The others lose nothing; it is asked seldom, and fails."""
    wire = Wire(responses(Unlimited(refused_accounts=frozenset({"user_0"}))))

    async def story() -> None:
        items = [f"user_{number % 100}/{number}" for number in range(2000)]
        report = await collect(wire, items, limit=limit(), max_refusal_wait=60)
        assert report.counts == {"ok": 1980, "failed": 20, "unknown": 0}
        assert max(time for account, time in wire.sent if account != "user_0") < 5.5
        assert len(wire.times("user_0")) < 60

    run(story())


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
def test_a_job_while_the_server_is_closed_for_a_second(limit: Limit) -> None:
    """Few requests look meanwhile, and then it goes on as before."""
    wire = Wire(responses(SometimesClosed(1, 5)))

    async def story() -> None:
        report = await collect(wire, [f"user_{number}" for number in range(3000)], limit=limit())
        assert report.counts["ok"] == 3000
        assert ended_after(wire) < 8.2
        assert len([time for _, time in wire.sent if 4.3 < time < 4.9]) < 10

    run(story())


@pytest.mark.parametrize("retry_after", [None, 1.0])
def test_a_limit_nobody_told(retry_after: float | None) -> None:
    """A job of 1,000 items is done in little more than the time it takes, and seldom refused."""
    wire = Wire(responses(Bucket(200, 20), retry_after))

    async def story() -> None:
        report = await collect(wire, [f"user_{number}" for number in range(1000)])
        assert report.counts["ok"] == 1000
        assert ended_after(wire) < 1.5 * 980 / 200
        assert len(wire.sent) < 1000 * 1.12

    run(story())


def test_a_limit_that_is_lower_than_what_was_told() -> None:
    """It is found out."""
    wire = Wire(responses(Bucket(50, 10)))

    async def story() -> None:
        report = await collect(wire, [f"user_{number}" for number in range(1000)], limit=RateLimit(1000, burst=100))
        assert report.counts["ok"] == 1000
        assert ended_after(wire) < 1.4 * 990 / 50
        assert len(wire.sent) < 1000 * 1.3

    run(story())


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
def test_interactive_requests_beside_an_account_that_is_always_refused(limit: Limit) -> None:
    """Fifty a second for ten seconds: none of the others waits."""
    chance = random.Random(1)

    async def story() -> None:
        loop = asyncio.get_running_loop()
        scheduler = RequestScheduler(limit(), 100)
        waited = Counter[bool]()

        async def call(account: str) -> None:
            permit, began = Permit(account), loop.time()
            if not scheduler.try_acquire(permit, began):
                await scheduler.acquire(permit)
            if account != "user_0":
                waited[loop.time() - began > 0.001] += 1
            await asyncio.sleep(0.1)
            scheduler.release(permit)
            fault = Fault.RATE_LIMITED if account == "user_0" else None
            scheduler.report(permit, fault, None, loop.time())

        tasks = list[asyncio.Task[None]]()
        for _ in range(500):
            tasks.append(asyncio.create_task(call(f"user_{chance.randrange(100)}")))
            await asyncio.sleep(0.02)
        await asyncio.wait(tasks, timeout=600)
        assert waited[True] == 0
        assert waited[False] > 480
        assert scheduler.in_flight == 0
        await scheduler.aclose()

    run(story())


async def test_a_web_service_of_which_one_account_is_always_refused(mock: MockRefold) -> None:
    """Its other calls all succeed, with one request each."""
    mock.script(Answer(429), linked_account_id="user_0")
    policy = RetryPolicy(max_retries=0)
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=policy, timeout=30) as refold:

        async def call(number: int) -> None:
            await refold.account(f"user_{number % 20}").execute_action("hubspot", "get_contact", {"limit": "1"})

        calls = [asyncio.create_task(call(number)) for number in range(100)]
        results = await asyncio.gather(*calls, return_exceptions=True)
    for number, result in enumerate(results):
        if number % 20:
            assert result is None
        else:
            assert isinstance(result, RateLimitError)
    asked = Counter(request.linked_account_id for request in mock.requests)
    assert all(asked[f"user_{number}"] == 5 for number in range(1, 20))
