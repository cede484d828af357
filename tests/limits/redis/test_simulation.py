"""Processes that share a limit, in virtual time: delays, clocks that differ, and a Redis that forgets or is gone."""

import asyncio
import random
from collections.abc import Sequence

import attrs

from refold_async import RateLimit
from refold_async.limits.redis.organisation_limit import OrganisationLimit
from refold_async.limits.redis.reserver import OnFailure, RedisUnavailableError, Reserver
from refold_async.limits.redis.script import LimitTimes, Reservations, Wish
from refold_async.limits.redis.shared_bucket import SharedBucket
from support.redis_model import ScriptModel
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
    gone: tuple[float, float] = (0.0, 0.0)
    """From when until when Redis does not respond."""
    on_failure: OnFailure = "wait"
    sent: list[float] = attrs.field(factory=list[float])
    """When requests were sent, in seconds from the beginning."""
    by_process: dict[int, int] = attrs.field(factory=dict[int, int])
    """How many each process sent."""
    round_trips: int = 0
    chance: random.Random = attrs.field(factory=lambda: random.Random(16))

    def run(self) -> "Simulation":
        """Run it."""
        run(self._run())
        self.sent.sort()
        return self

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        model, times = ScriptModel(), LimitTimes.of(self.limit)
        for moment in self.forgets_at:
            loop.call_later(moment, model.lose_state)

        async def reserve(wishes: Sequence[Wish], *, round_trip: float, pause: float) -> Reservations:
            self.round_trips += 1
            await asyncio.sleep(self.chance.uniform(self.least_delay, self.delay))
            if self.gone[0] <= loop.time() - began < self.gone[1]:
                raise RedisUnavailableError("it is gone")
            answer = model.reserve(times, loop.time() + AHEAD, wishes, round_trip=round_trip, pause=pause)
            await asyncio.sleep(self.chance.uniform(self.least_delay, self.delay))
            return answer

        async def process(number: int) -> None:
            reserver = Reserver(reserve, asyncio.get_running_loop, "redis", self.on_failure)
            share = RateLimit(self.limit.rate / self.processes) if self.on_failure == "local" else None
            limiter = OrganisationLimit(SharedBucket("all", reserver, latest=times.latest, share=share), reserver)
            self.by_process[number] = 0
            await asyncio.sleep(self.chance.uniform(0, 0.05))
            try:
                while True:
                    await limiter.acquire(priority="bulk", waiting=50)
                    self.sent.append(loop.time() - began)
                    self.by_process[number] += 1
            finally:
                await reserver.aclose()

        tasks = [asyncio.create_task(process(number)) for number in range(self.processes)]
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
