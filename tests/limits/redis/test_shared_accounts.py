"""The rates of linked accounts that processes share: in virtual time, and with a real Redis and the mock."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import attrs
import pytest

from refold_async import (
    APIConnectionError,
    AsyncRefold,
    ConfigurationError,
    Limiter,
    RateLimit,
    RedisRateLimit,
    RefoldError,
)
from refold_async.limits.account_limits import AccountLimitSettings
from refold_async.limits.fair_queue import Priority
from refold_async.limits.outside_limiter import LimiterError
from refold_async.limits.permits import Permit
from refold_async.limits.redis.reserver import OnFailure, RedisUnavailableError, Reserver
from refold_async.limits.redis.script import LimitTimes, Reservations, Wish
from refold_async.limits.redis.shared_bucket import SharedBucket
from refold_async.limits.scheduler import RequestScheduler
from refold_async.testing import MockRefold
from support.redis_model import ScriptModel
from support.redis_server import RedisProcess
from support.shared_limits import admin, job, read
from support.strict_bucket import refused
from support.virtual_time import run


@attrs.define
class World:
    """Processes that share the limit of each account, in virtual time."""

    limit: RateLimit
    delay: float = 0.001
    on_failure: OnFailure = "wait"
    gone: bool = False
    """Whether Redis does not respond."""
    model: ScriptModel = attrs.field(factory=ScriptModel)
    round_trips: int = 0
    sent: list[tuple[str, float, Priority]] = attrs.field(factory=list[tuple[str, float, Priority]])
    """The account of each request, when it was sent, and its priority."""
    reservers: list[Reserver] = attrs.field(factory=list[Reserver])

    def process(self, rate: RateLimit | Limiter | None = None, connections: int = 100) -> RequestScheduler:
        """Return the scheduler of one more process."""
        times = LimitTimes.of(self.limit, of_account=True)
        loop = asyncio.get_running_loop()

        async def reserve(wishes: Sequence[Wish], *, round_trip: float, pause: float) -> Reservations:
            self.round_trips += 1
            await asyncio.sleep(self.delay)
            if self.gone:
                raise RedisUnavailableError("it is gone")
            reservations = self.model.reserve(times, loop.time(), wishes, round_trip=round_trip, pause=pause)
            await asyncio.sleep(self.delay)
            return reservations

        reserver = Reserver(reserve, asyncio.get_running_loop, "redis", self.on_failure)
        self.reservers.append(reserver)
        share = RateLimit(self.limit.rate / 2) if self.on_failure == "local" else None

        def bucket(account: str, changed: Any) -> SharedBucket:
            return SharedBucket(account, reserver, changed, latest=times.latest, share=share)

        return RequestScheduler(rate, connections, AccountLimitSettings(shared=bucket))

    async def send(self, scheduler: RequestScheduler, account: str, priority: Priority = "bulk") -> None:
        """Send a request that takes no time."""
        loop = asyncio.get_running_loop()
        permit = Permit(account, priority)
        if not scheduler.try_acquire(permit, loop.time()):
            await scheduler.acquire(permit)
        self.sent.append((account, loop.time(), priority))
        scheduler.release(permit)

    def times(self, account: str) -> list[float]:
        """Return when requests for an account were sent."""
        return [moment for name, moment, _ in self.sent if name == account]


def test_each_account_has_its_limit() -> None:
    """Three processes keep to it together, and use all of it."""
    world = World(RateLimit(10, burst=2))

    async def scene() -> None:
        processes = [world.process() for _ in range(3)]
        async with asyncio.TaskGroup() as group:
            for number in range(600):
                group.create_task(world.send(processes[number % 3], f"user_{number % 20}"))

    run(scene())
    for number in range(20):
        times = world.times(f"user_{number}")
        assert len(times) == 30
        assert refused(times, world.limit) == 0
        assert times[-1] - times[0] <= 30 / 10 + 0.2


def test_single_calls_go_before_items() -> None:
    """At an account too, whichever process they are in: the burst is for them."""
    world = World(RateLimit(10, burst=5))

    async def scene() -> None:
        bulk, web = world.process(), world.process()
        async with asyncio.TaskGroup() as group:
            for _ in range(50):
                group.create_task(world.send(bulk, "user_1"))
            await asyncio.sleep(2)
            for _ in range(3):
                group.create_task(world.send(web, "user_1", "interactive"))

    run(scene())
    assert refused(world.times("user_1"), world.limit) == 0
    assert all(moment <= 1002.1 for _, moment, priority in world.sent if priority == "interactive")


def test_an_account_that_waits_holds_up_no_other() -> None:
    """Whether the limit for all is known or asked for as well."""
    for rate in (None, RateLimit(1000)):
        world = World(RateLimit(0.1))

        async def scene(world: World = world, rate: RateLimit | None = rate) -> None:
            process = world.process(rate)
            slow = [asyncio.create_task(world.send(process, "slow")) for _ in range(5)]
            await asyncio.gather(*(world.send(process, f"user_{number}") for number in range(50)))
            assert len(world.times("slow")) == 1
            await asyncio.gather(*slow)

        run(scene())
        assert max(moment for account, moment, _ in world.sent if account != "slow") <= 1000.5
        assert [round(moment - 1000) for moment in world.times("slow")] == [0, 10, 20, 30, 40]


def test_a_request_that_waits_for_the_limit_of_all_has_its_turn_at_the_account() -> None:
    """The longer it waits, the later its turn is used; but each process has hardly more than one turn in reserve."""
    world = World(RateLimit(5))

    async def scene() -> None:
        processes = [world.process(RateLimit(20)) for _ in range(2)]
        async with asyncio.TaskGroup() as group:
            for number in range(200):
                group.create_task(world.send(processes[number % 2], "user_1" if number % 20 < 2 else f"user_{number}"))

    run(scene())
    assert len(world.sent) == 200
    assert refused(world.times("user_1"), world.limit, burst=3) == 0


def test_who_gives_up_leaves_its_turn_to_others() -> None:
    """A cancelled request uses no turn, and holds nobody up."""
    world = World(RateLimit(1))

    async def scene() -> None:
        process = world.process()
        tasks = [asyncio.create_task(world.send(process, "user_1")) for _ in range(4)]
        await asyncio.sleep(0)
        tasks[0].cancel()  # while Redis is asked
        await asyncio.sleep(0.5)
        tasks[2].cancel()  # while it is parked
        await asyncio.gather(*tasks, return_exceptions=True)
        assert process.in_flight == process.waiting == 0

    run(scene())
    assert [round(moment - 1000, 1) for moment in world.times("user_1")] == [0.0, 1.0]


def test_a_million_accounts() -> None:
    """Redis is asked for many at once. Nothing is kept of those that make nobody wait."""
    world = World(RateLimit(10))

    async def scene() -> None:
        process = world.process()
        for first in range(0, 6000, 100):
            await asyncio.gather(*(world.send(process, f"user_{number}") for number in range(first, first + 100)))
            await asyncio.sleep(0.2)
        assert len(process._account_limits) <= 2100  # pyright: ignore[reportPrivateUsage]

    run(scene())
    assert len(world.sent) == 6000
    assert world.round_trips <= 6000 / 50


@pytest.mark.parametrize("on_failure", ["wait", "error", "local"])
def test_without_redis(on_failure: OnFailure) -> None:
    """Requests wait, fail, or are sent at a share of the limit; afterwards all is as before."""
    world = World(RateLimit(10, burst=2), on_failure=on_failure)

    async def scene() -> None:
        process = world.process()
        await world.send(process, "user_1")
        world.gone = True
        tasks = [asyncio.create_task(world.send(process, f"user_{number % 4}")) for number in range(40)]
        await asyncio.sleep(5)
        failed = [task for task in tasks if task.done() and task.exception() is not None]
        if on_failure == "wait":
            assert not any(task.done() for task in tasks)
        elif on_failure == "error":
            assert len(failed) == 40
            assert all(isinstance(task.exception(), LimiterError) for task in failed)
        else:
            assert len(world.sent) == 41
            for number in range(4):
                assert refused(world.times(f"user_{number}"), RateLimit(5), burst=2) == 0
        world.gone = False
        await asyncio.sleep(1)
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(world.send(process, f"user_{number % 4}") for number in range(40)))
        await asyncio.gather(*tasks, return_exceptions=True)
        assert asyncio.get_running_loop().time() - began <= 2.5
        for reserver in world.reservers:
            await reserver.aclose()

    run(scene())
    assert len(world.sent) == (41 if on_failure == "error" else 81)


def accounts_limit(redis: RedisProcess, limit: RateLimit, **options: Any) -> RedisRateLimit:
    """Return a limit for each account."""
    return RedisRateLimit(redis.url, limit, name="acme accounts", **options)


async def test_clients_share_the_limits_of_accounts(mock: MockRefold, redis: RedisProcess) -> None:
    """In fan-outs and calls, beside a shared limit for all; items of other accounts go on meanwhile."""
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                AsyncRefold(
                    "tk_test",
                    base_url=mock.base_url,
                    rate_limit=await stack.enter_async_context(
                        RedisRateLimit(redis.url, RateLimit(500, burst=50), name="acme")
                    ),
                    account_rate_limit=await stack.enter_async_context(accounts_limit(redis, RateLimit(10))),
                )
            )
            for _ in range(2)
        ]
        accounts = ["big"] * 10 + [f"user_{number}" for number in range(30)]
        await asyncio.gather(*(job(refold, accounts) for refold in clients))
        async with admin(redis.url) as connected:
            keys = await connected.keys()
    big = [request.time for request in mock.requests if request.linked_account_id == "big"]
    others = [request.time for request in mock.requests if request.linked_account_id != "big"]
    assert (len(big), len(others)) == (20, 60)
    # Each client alone would have taken 0.9 seconds. Turns may be used late while calls wait for the limit of all.
    assert big[-1] - big[0] >= 1.3
    assert sorted(others)[40] < sorted(big)[15]
    assert all(key.startswith(f"refold_async:{{acme:{mock.base_url}:") or "acme accounts" in key for key in keys)
    assert not any(account in str(keys) for account in ("big", "user_"))


async def test_the_same_limit_for_all_and_for_accounts(mock: MockRefold, redis: RedisProcess) -> None:
    """One object can be both."""
    async with (
        RedisRateLimit(redis.url, RateLimit(50, burst=5), name="acme") as limit,
        AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=limit, account_rate_limit=limit) as refold,
    ):
        await job(refold, ["user_1", "user_2"] * 5)
        await read(refold)
    assert len(mock.requests) == 11


async def test_session_tokens_are_not_shown(mock: MockRefold, redis: RedisProcess) -> None:
    """A scope of a session token whose account is not known has a limit of its own; Redis does not see the token."""
    token = mock.session_token("user_1")
    async with accounts_limit(redis, RateLimit(10)) as limit:
        async with AsyncRefold("tk_test", base_url=mock.base_url, account_rate_limit=limit) as refold:
            await refold.account_from_session_token(token).list_actions("hubspot")
        async with admin(redis.url) as connected:
            keys = await connected.keys()
    assert len(keys) == 2
    assert token not in str(keys)


@pytest.mark.parametrize("on_failure", ["error", "wait"])
async def test_calls_while_redis_is_gone(mock: MockRefold, redis: RedisProcess, on_failure: Any) -> None:
    """They fail or wait as with the limit for all, and nothing is sent."""
    async with (
        accounts_limit(redis, RateLimit(10), on_failure=on_failure, timeout=1) as limit,
        AsyncRefold("tk_test", base_url=mock.base_url, account_rate_limit=limit) as refold,
    ):
        await read(refold)
        await redis.kill()
        expected = APIConnectionError if on_failure == "error" else RefoldError
        with pytest.raises(expected) as caught:
            await read(refold, "user_2", timeout=20 if on_failure == "error" else 0.3)
        assert caught.value.effect == "none"
        await redis.start()
        await asyncio.sleep(0.6)  # the longest time between two attempts to reach it
        await read(refold, "user_3")
    assert [request.linked_account_id for request in mock.requests] == ["user_1", "user_3"]


async def test_another_limit_of_accounts(mock: MockRefold, redis: RedisProcess) -> None:
    """It is refused, also for an account that the others do not call."""
    async with (
        accounts_limit(redis, RateLimit(10)) as one,
        accounts_limit(redis, RateLimit(11)) as other,
        AsyncRefold("tk_test", base_url=mock.base_url, account_rate_limit=one) as first,
        AsyncRefold("tk_test", base_url=mock.base_url, account_rate_limit=other) as second,
    ):
        await read(first)
        for _ in range(2):
            with pytest.raises(ConfigurationError, match=r"is RateLimit\(10, per=1, burst=1\) for other processes"):
                await read(second, "user_2")
        await read(first, "user_2")


async def test_closed_while_accounts_wait(mock: MockRefold, redis: RedisProcess) -> None:
    """Calls that wait fail when the limit is closed too early."""
    limit = accounts_limit(redis, RateLimit(1, per=3600))
    async with AsyncRefold("tk_test", base_url=mock.base_url, account_rate_limit=limit) as refold:
        await read(refold)
        waiting = asyncio.create_task(read(refold))
        async with admin(redis.url) as connected:
            await until_asked(connected, 2)
        await asyncio.sleep(0.05)
        await limit.aclose()
        with pytest.raises(APIConnectionError, match="close it after the clients that use it"):
            await waiting


async def until_asked(connected: Any, times: int) -> None:
    """Wait until the script was run some times."""
    async with asyncio.timeout(60):
        while (await connected.info("commandstats")).get("cmdstat_evalsha", {"calls": 0})["calls"] < times:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("value", [5, "5/s"])
def test_what_an_account_rate_limit_may_be(value: Any) -> None:
    """The error says what it may be."""
    with pytest.raises(ConfigurationError, match=r"account_rate_limit must be a RateLimit, such as RateLimit\(5\)"):
        AsyncRefold("tk_test", account_rate_limit=value)
