"""A hundred processes that share a limit, in virtual time: delays, clocks that differ, and a Redis that forgets."""

import asyncio
import random
from typing import Any

import attrs
import pytest

from refold_async import RateLimit
from refold_async.limits.redis.organisation_limit import OrganisationLimit
from refold_async.limits.redis.script import LimitTimes, Reservation
from support.redis_model import ScriptModel
from support.virtual_time import run

AHEAD = 5000.0
"""How far the clock of Redis is ahead."""


class UnavailableError(Exception):
    """The Redis of the simulation does not respond."""


@attrs.define
class Simulation:
    """Processes that send as fast as they may."""

    limit: RateLimit
    processes: int
    seconds: float
    delay: float = 0.0
    """The most seconds between a process and Redis, one way."""
    forgets_at: tuple[float, ...] = ()
    """When Redis loses its state, in seconds from the beginning."""
    sent: list[float] = attrs.field(factory=list)
    """When requests were sent."""
    dropped: int = 0
    chance: random.Random = attrs.field(factory=lambda: random.Random(16))

    def run(self) -> "Simulation":
        """Run it."""
        run(self._run())
        self.sent.sort()
        return self

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        model, times = ScriptModel(), LimitTimes.of(self.limit)
        for moment in self.forgets_at:
            loop.call_later(moment, model.lose_state)

        async def reserve(**wanted: Any) -> Reservation:
            await asyncio.sleep(self.chance.uniform(0, self.delay))
            reserved = model.reserve(times, loop.time() + AHEAD, **wanted)
            await asyncio.sleep(self.chance.uniform(0, self.delay))
            return reserved

        async def process() -> None:
            limiter = OrganisationLimit(
                self.limit, reserve, "redis", unavailable=UnavailableError, on_failure="wait", local_share=0
            )
            await asyncio.sleep(self.chance.uniform(0, 0.05))
            while True:
                await limiter.acquire(priority="bulk", waiting=50)
                self.sent.append(loop.time())

        tasks = [asyncio.create_task(process()) for _ in range(self.processes)]
        await asyncio.sleep(self.seconds)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    def refused(self, burst: float) -> int:
        """Return how many requests a strict token bucket refuses."""
        tokens, updated, refused = burst, self.sent[0], 0
        for moment in self.sent:
            tokens = min(burst, tokens + (moment - updated) * self.limit.rate / self.limit.per)
            updated = moment
            if tokens >= 1 - 1e-9:
                tokens -= 1
            else:
                refused += 1
        return refused


LIMITS = [RateLimit(20, burst=5), RateLimit(200, burst=20), RateLimit(2000, burst=100)]


@pytest.mark.parametrize("delay", [0.0, 0.01], ids=["near", "far"])
@pytest.mark.parametrize("limit", LIMITS, ids=str)
def test_all_of_the_limit_and_never_more(limit: RateLimit, delay: float) -> None:
    """A strict judge refuses nothing, and hardly anything of the limit is left unused."""
    simulation = Simulation(limit, 100, 20, delay).run()
    assert simulation.refused(limit.burst) == 0
    assert len(simulation.sent) >= 0.95 * limit.rate * 20


@pytest.mark.parametrize("limit", LIMITS, ids=str)
def test_a_redis_that_forgets(limit: RateLimit) -> None:
    """Each time, at most what was reserved ahead comes in addition."""
    simulation = Simulation(limit, 100, 20, 0.005, forgets_at=(5, 10, 15)).run()
    assert simulation.refused(limit.burst) <= 3 * (0.05 * limit.rate + 1)
    assert simulation.refused(limit.burst + 0.05 * limit.rate + 1) == 0
