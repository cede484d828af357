"""The script in a real Redis."""

import random
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from refold_async import ConfigurationError, RateLimit
from refold_async.limits.redis.script import LimitTimes, arguments, reservation_of
from refold_async.limits.redis.server import RedisServer
from support.redis_model import ScriptModel
from support.redis_server import redis_server

KEY = "refold_async:{test}"


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """A Redis of its own for each test."""
    async with redis_server() as url:
        yield url


@pytest.fixture
async def server(url: str) -> AsyncIterator[RedisServer]:
    """A connection with it."""
    server = RedisServer(url, 5)
    yield server
    await server.aclose()


@pytest.mark.parametrize(
    "limit", [RateLimit(20, burst=5), RateLimit(2000, burst=100), RateLimit(3, per=0.7), RateLimit(1e5)]
)
async def test_it_does_what_the_model_does(server: RedisServer, limit: RateLimit) -> None:
    """For any wishes in any order: with the time that Redis says, the model returns the same."""
    chance = random.Random(16)
    times, model = LimitTimes.of(limit), ScriptModel()
    for _ in range(300):
        given = arguments(
            times,
            interactive=chance.choice([0, 0, 1, 3]),
            bulk=chance.choice([0, 1, 25, 1000]),
            pause=chance.choice([0.0] * 20 + [0.003]),
            horizons=(1.0, 0.05),
        )
        answer = await server.run(KEY, given)
        assert [int(part) for part in answer] == [int(part) for part in model.run(int(answer[0]), given)]


async def test_slots_are_an_interval_apart(server: RedisServer) -> None:
    """No two requests get the same slot, whoever asks; what is reserved ahead is bounded."""
    times = LimitTimes.of(RateLimit(100, burst=3))
    slots: list[float] = []
    for _ in range(50):
        reserved = reservation_of(times, await server.run(KEY, arguments(times, bulk=2, horizons=(1.0, 0.05))))
        assert all(slot <= reserved.now + 0.05 for slot in reserved.bulk)
        slots += reserved.bulk
    apart = [later - earlier for earlier, later in pairwise(slots)]
    assert len(slots) > 5
    assert min(apart[1:]) >= 0.0099
    assert reserved.wait > 0


async def test_a_limit_that_redis_does_not_know_begins_without_its_burst(server: RedisServer) -> None:
    """It may have known it a moment ago."""
    times = LimitTimes.of(RateLimit(10, burst=5))
    reserved = reservation_of(times, await server.run(KEY, arguments(times, interactive=3, horizons=(1.0, 0.05))))
    assert [round(slot - reserved.now, 4) for slot in reserved.interactive] == [0, 0.1, 0.2]


async def test_another_limit_of_the_same_name(server: RedisServer, url: str) -> None:
    """It is refused as long as the first is in use, and gets the name when Redis forgot the first."""
    first, second = LimitTimes.of(RateLimit(20, burst=5)), LimitTimes.of(RateLimit(20))
    await server.run(KEY, arguments(first, bulk=1))
    with pytest.raises(ConfigurationError, match="is 20 in 1 seconds, burst 5 for the other processes"):
        await server.run(KEY, arguments(second, bulk=1))
    async with Redis.from_url(url) as redis:
        assert 0 < await redis.pttl(KEY) <= 60_000 + 250
        await redis.delete(KEY)
    await server.run(KEY, arguments(second, bulk=1))


async def test_a_pause_is_for_all(server: RedisServer) -> None:
    """Nobody sends before its end; a shorter one does not end a longer one; then the burst is not there at once."""
    times = LimitTimes.of(RateLimit(100, burst=10))
    await server.run(KEY, arguments(times, pause=0.3))
    await server.run(KEY, arguments(times, pause=0.1))
    reserved = reservation_of(
        times, await server.run(KEY, arguments(times, interactive=3, bulk=1, horizons=(1.0, 0.05)))
    )
    assert 0.2 < reserved.interactive[0] - reserved.now <= 0.3
    assert round(reserved.interactive[2] - reserved.interactive[0], 3) == 0.02
    assert reserved.bulk == []
    assert 0.2 < reserved.wait <= 0.4
