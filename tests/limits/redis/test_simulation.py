"""Processes that share a limit, in virtual time: delays, clocks that differ, and a Redis that forgets or is gone."""

import asyncio
import random
from collections.abc import Sequence
from functools import partial

import attrs
import pytest

from refold_async import RateLimit
from refold_async.limits.permits import Permit
from refold_async.limits.redis.organisation_limit import OrganisationLimit
from refold_async.limits.redis.reserver import OnFailure, RedisUnavailableError, Reserver
from refold_async.limits.redis.script import LimitTimes, Reservations, Wish
from refold_async.limits.redis.shared_bucket import SharedBucket
from refold_async.limits.scheduler import RequestScheduler
from support.redis_model import ScriptModel
from support.strict_bucket import refused
from support.virtual_time import run

AHEAD = 5000.0
"""How far the clock of Redis is ahead."""


@attrs.define
class Simulation:
    """Processes that send as fast as they may."""

    limit: RateLimit
    processes: int
    seconds: float
    delay: float = 0.0
    """The most seconds between a process and Redis, one way."""
    least_delay: float = 0.0
    """The least seconds."""
    forgets_at: tuple[float, ...] = ()
    """When Redis loses its state, in seconds from the beginning."""
    far: dict[int, float] = attrs.field(factory=dict[int, float])
    """Seconds that some of the processes need in addition, one way."""
    gone: tuple[float, float] = (0.0, 0.0)
    """From when until when Redis does not respond."""
    timeout: float = 0.0
    """How many seconds a process waits for it."""
    on_failure: OnFailure = "wait"
    sent: list[float] = attrs.field(factory=list[float])
    """When requests were sent, in seconds from the beginning."""
    by_process: dict[int, int] = attrs.field(factory=dict[int, int])
    """How many each process sent."""
    single_calls: float = 0.0
    """How many single calls one more process makes in a second, at random moments."""
    waits: list[float] = attrs.field(factory=list[float])
    """How many seconds each of them waited."""
    round_trips: int = 0
    chance: random.Random = attrs.field(factory=lambda: random.Random(16))

    def run(self) -> "Simulation":
        """Run it, each time in the same way."""
        random.seed(16)  # for the processes, which spread what they do by chance
        run(self._run())
        self.sent.sort()
        return self

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        model, times = ScriptModel(), LimitTimes.of(self.limit)
        for moment in self.forgets_at:
            loop.call_later(moment, model.lose_state)

        async def reserve(further: float, wishes: Sequence[Wish], *, round_trip: float, pause: float) -> Reservations:
            self.round_trips += 1
            await asyncio.sleep(further + self.chance.uniform(self.least_delay, self.delay))
            if self.gone[0] <= loop.time() - began < self.gone[1]:
                await asyncio.sleep(self.timeout)
                raise RedisUnavailableError("it is gone")
            answer = model.reserve(times, loop.time() + AHEAD, wishes, round_trip=round_trip, pause=pause)
            await asyncio.sleep(further + self.chance.uniform(self.least_delay, self.delay))
            return answer

        def limiter(number: int) -> tuple[OrganisationLimit, Reserver]:
            reserve_here = partial(reserve, self.far.get(number, 0.0))
            reserver = Reserver(reserve_here, asyncio.get_running_loop, "redis", self.on_failure)
            share = RateLimit(self.limit.rate / self.processes) if self.on_failure == "local" else None
            bucket = SharedBucket("all", reserver, latest=times.latest, share=share)
            return OrganisationLimit(bucket, reserver), reserver

        async def process(number: int) -> None:
            limit, reserver = limiter(number)
            self.by_process[number] = 0
            await asyncio.sleep(self.chance.uniform(0, 0.05))
            try:
                while True:
                    await limit.acquire(priority="bulk", waiting=50)
                    self.sent.append(loop.time() - began)
                    self.by_process[number] += 1
            finally:
                await reserver.aclose()

        async def call(scheduler: RequestScheduler) -> None:
            called = loop.time()
            permit = Permit(None)
            await scheduler.acquire(permit)
            self.waits.append(loop.time() - called)
            self.sent.append(loop.time() - began)
            scheduler.release(permit)

        async def web() -> None:
            limit, reserver = limiter(-1)
            scheduler = RequestScheduler(limit, 100)
            try:
                async with asyncio.TaskGroup() as group:
                    while True:
                        await asyncio.sleep(self.chance.expovariate(self.single_calls))
                        group.create_task(call(scheduler))
            finally:
                await scheduler.aclose()
                await reserver.aclose()

        tasks = [asyncio.create_task(process(number)) for number in range(self.processes)]
        if self.single_calls:
            tasks.append(asyncio.create_task(web()))
        await asyncio.sleep(self.seconds)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


SMALL, MIDDLE, LARGE = RateLimit(20, burst=5), RateLimit(200, burst=20), RateLimit(2000, burst=100)
LIMITS = pytest.mark.parametrize("limit", [SMALL, MIDDLE, LARGE], ids=str)
SIZES = pytest.mark.parametrize(
    ("processes", "seconds"),
    [pytest.param(8, 5, id="8 processes"), pytest.param(100, 12, id="100 processes", marks=pytest.mark.slow)],
)


@LIMITS
@SIZES
@pytest.mark.parametrize("delay", [0.0005, 0.01], ids=["near", "far"])
def test_all_of_the_limit_and_never_more(limit: RateLimit, processes: int, seconds: int, delay: float) -> None:
    """A strict judge refuses nothing, and hardly anything of the limit is left unused. Redis is asked in batches."""
    simulation = Simulation(limit, processes, seconds, delay).run()
    assert refused(simulation.sent, limit) == 0
    assert len(simulation.sent) >= 0.98 * limit.rate * (seconds - 0.2)  # at first, the bucket may be empty
    assert simulation.round_trips <= 26 * processes * seconds


def test_few_round_trips() -> None:
    """For four processes and two thousand requests a second, a twentieth of a round trip for each is enough."""
    simulation = Simulation(LARGE, 4, 5, 0.0005).run()
    assert simulation.round_trips <= 0.05 * len(simulation.sent)


@LIMITS
def test_each_process_gets_its_share(limit: RateLimit) -> None:
    """Also one that is further from Redis than the others, and so always a little later."""
    simulation = Simulation(limit, 4, 20, 0.0005, far={3: 0.01}).run()
    shares = [count / len(simulation.sent) for count in simulation.by_process.values()]
    assert min(shares) >= 0.1, shares
    assert refused(simulation.sent, limit) == 0


@LIMITS
def test_one_process_alone(limit: RateLimit) -> None:
    """It can use all of the limit, near Redis and far from it."""
    for least_delay, delay in ((0, 0.0005), (0.01, 0.01)):
        simulation = Simulation(limit, 1, 5, delay, least_delay).run()
        assert refused(simulation.sent, limit) == 0
        assert len(simulation.sent) >= 0.97 * limit.rate * (5 - 0.2)


def test_very_far_from_redis() -> None:
    """On the other side of the earth, requests still come at the limit, and never faster."""
    simulation = Simulation(SMALL, 4, 20, 0.1, 0.08).run()
    assert refused(simulation.sent, SMALL) == 0
    assert sum(moment > 5 for moment in simulation.sent) >= 0.9 * SMALL.rate * 15


@pytest.mark.parametrize("delay", [0.0, 0.01], ids=["near", "far"])
@pytest.mark.parametrize(("limit", "single_calls"), [(SMALL, 7), (MIDDLE, 60), (LARGE, 200)], ids=str)
def test_single_calls_go_first(limit: RateLimit, single_calls: float, delay: float) -> None:
    """Beside sixteen jobs that use all that is left, they wait for hardly longer than their way to Redis and back."""
    seconds = max(5, 400 / single_calls)
    simulation = Simulation(limit, 16, seconds, delay, delay, single_calls=single_calls).run()
    waits = sorted(simulation.waits)
    assert len(waits) >= 300
    assert waits[int(0.95 * len(waits))] <= max(3 / limit.rate, 0.03) + 2 * delay
    assert len(simulation.sent) >= 0.95 * limit.rate * seconds
    assert refused(simulation.sent, limit) == 0


@LIMITS
@SIZES
def test_a_redis_that_forgets(limit: RateLimit, processes: int, seconds: int) -> None:
    """Each time, at most what was reserved ahead comes in addition."""
    forgets_at = (seconds / 4, seconds / 2, seconds * 3 / 4)
    simulation = Simulation(limit, processes, seconds, 0.005, forgets_at=forgets_at).run()
    reserved = 0.07 * limit.rate + 1
    assert refused(simulation.sent, limit) <= 3 * reserved
    assert refused(simulation.sent, limit, burst=limit.burst + reserved) == 0


@LIMITS
@pytest.mark.parametrize("on_failure", ["wait", "local"])
@pytest.mark.parametrize("loses_state", [True, False], ids=["lost", "kept"])
def test_a_redis_that_is_gone_for_a_while(limit: RateLimit, on_failure: OnFailure, loses_state: bool) -> None:
    """Nothing is sent meanwhile, or no more than the shares of it. Two seconds later all of the limit is used again."""
    forgets_at = (5.0,) if loses_state else ()
    simulation = Simulation(
        limit, 4, 10, 0.001, forgets_at=forgets_at, gone=(2, 5), on_failure=on_failure, timeout=1.0
    ).run()
    meanwhile = sum(3.1 < moment < 5 for moment in simulation.sent)
    later = sum(moment > 7 for moment in simulation.sent)
    if on_failure == "wait":
        assert meanwhile == 0
        assert refused(simulation.sent, limit) == 0
    else:
        assert 0.9 * limit.rate * 1.9 - 4 <= meanwhile <= limit.rate * 1.9 + 4
        # Whatever Redis did not know of comes in addition: the shares of a moment, and the burst.
        assert refused(simulation.sent, limit) <= 0.1 * limit.rate + limit.burst + 4
    assert later >= 0.98 * limit.rate * 3
