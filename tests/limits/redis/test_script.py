"""The script in a real Redis."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from refold_async import ConfigurationError, RateLimit
from refold_async.limits.redis.script import SCRIPT, LimitTimes, Reservations, Wish, arguments
from refold_async.limits.redis.server import RedisServer
from support.redis_model import ScriptModel
from support.redis_server import redis_server
from support.strict_bucket import refused

KEY = "refold_async:{test}"
ALL = f"{KEY}:all"


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """A Redis of its own for each test."""
    async with redis_server() as url:
        yield url


@pytest.fixture
async def redis(url: str) -> AsyncIterator[Any]:
    """A client of that Redis, whose types are not as strict as the tests'."""
    client: Any = Redis
    async with client.from_url(url, decode_responses=True) as connected:
        yield connected


@pytest.fixture
async def server(url: str) -> AsyncIterator[RedisServer]:
    """What runs the script in it."""
    server = RedisServer(url, 5)
    server.check_usable()
    yield server
    await server.aclose()


async def reserve(server: RedisServer, limit: RateLimit, *wishes: Wish, **more: Any) -> Reservations:
    """Reserve slots."""
    return await server.reserve(KEY, LimitTimes.of(limit), wishes, **more)


@pytest.mark.parametrize(
    "limit", [RateLimit(20, burst=5), RateLimit(2000, burst=100), RateLimit(3, per=0.7), RateLimit(1e5)], ids=str
)
@pytest.mark.parametrize("of_account", [False, True])
async def test_it_does_what_the_model_does(redis: Any, limit: RateLimit, of_account: bool) -> None:
    """For any wishes in any order, at the time that Redis says, the model returns the same."""
    chance = random.Random(16)
    times, model = LimitTimes.of(limit, of_account=of_account), ScriptModel()
    for _ in range(300):
        wishes = [
            Wish(
                f"{KEY}:{chance.randrange(3)}",
                chance.choice(["interactive", "bulk"]),
                chance.choice([1, 1, 3, 25, 1000]),
            )
            for _ in range(chance.randrange(4))
        ]
        pause = chance.choice([0.0] * 20 + [0.003, 0.003, 0.1])
        keys = [wish.key for wish in wishes]
        given = arguments(times, wishes, round_trip=chance.choice([0.0, 0.02]), pause=pause)
        returned = list(map(int, await redis.eval(SCRIPT, 1 + len(keys), KEY, *keys, *given)))
        assert returned == model.run(returned[0], keys, given)


async def test_slots_are_an_interval_apart(server: RedisServer) -> None:
    """A strict bucket refuses none, whoever asks; what is reserved ahead is bounded."""
    limit = RateLimit(100, burst=3)
    slots: list[float] = []
    async with asyncio.timeout(60):
        while len(slots) < 20:
            answer = await reserve(server, limit, Wish(ALL, "bulk", 2))
            [(times, wait)] = answer.reservations
            assert all(slot <= answer.now + 0.06 for slot in times)
            assert (wait is not None) == (len(times) < 2)
            slots += times
    assert refused(slots, limit) == 0


@pytest.mark.parametrize(
    ("limit", "latest"),
    [
        (RateLimit(2000, burst=100), 0.02225),
        (RateLimit(2000), 0.005),
        (RateLimit(20, burst=5), 0.0975),
        (RateLimit(20, burst=1), 0.0051),
        (RateLimit(1, burst=10), 1.0),
        (RateLimit(1, per=3600), 1.0),
    ],
    ids=str,
)
def test_how_late_a_slot_may_be_used(limit: RateLimit, latest: float) -> None:
    """The burst makes up for it. The slower the limit, the more is lost with a slot that is not used."""
    assert LimitTimes.of(limit).latest == pytest.approx(latest)


async def test_far_from_redis(server: RedisServer) -> None:
    """Slots are reserved for when they can be used."""
    answer = await reserve(server, RateLimit(100, burst=3), Wish(ALL, "interactive", 1), round_trip=0.3)
    assert answer.reservations[0].times[0] == pytest.approx(answer.now + 0.15, abs=1e-5)
    answer = await reserve(server, RateLimit(100, burst=3), Wish(ALL, "bulk", 99), round_trip=0.3)
    assert 0.3 < answer.reservations[0].times[-1] - answer.now <= 0.36


@pytest.mark.parametrize(("burst", "bulk_after"), [(5, 0.395), (100, 1.0)])
async def test_a_limit_that_redis_does_not_know(server: RedisServer, burst: int, bulk_after: float) -> None:
    """Redis may have known it a moment ago: there is hardly a burst, and bulk requests wait for at most a second."""
    answer = await reserve(server, RateLimit(10, burst=burst), Wish(ALL, "bulk", 1))
    wait = answer.reservations[0].wait
    assert wait is not None
    assert round(wait + 0.055, 3) == bulk_after


async def test_an_account_that_redis_does_not_know(server: RedisServer) -> None:
    """It has its burst. Nothing of it is kept for longer than it makes a difference."""
    times = LimitTimes.of(RateLimit(10, burst=3), of_account=True)
    wishes = [Wish(f"{KEY}:accounts:{number}", "interactive", 4) for number in range(2)]
    answer = await server.reserve(f"{KEY}:accounts", times, wishes)
    for reservation in answer.reservations:
        assert [round(slot - answer.now, 3) for slot in reservation.times] == [0, 0, 0, 0.1]


async def test_what_is_kept(server: RedisServer, redis: Any) -> None:
    """The limit for a minute, a full bucket for an hour, that of an account for a second; all are in one hash tag."""
    await reserve(server, RateLimit(10), Wish(ALL, "interactive", 1))
    times = LimitTimes.of(RateLimit(0.1), of_account=True)
    await server.reserve(f"{KEY}:accounts", times, [Wish(f"{KEY}:accounts:1", "interactive", 1)])
    seconds = {key.removeprefix(KEY): await redis.ttl(key) for key in await redis.keys()}
    assert seconds == {
        "": pytest.approx(60, abs=2),
        ":all": pytest.approx(3600, abs=2),
        ":accounts": pytest.approx(60, abs=2),
        ":accounts:1": pytest.approx(11, abs=2),
    }


async def test_another_limit_of_the_same_name(server: RedisServer, redis: Any) -> None:
    """It is refused as long as the first is in use, and gets the name when Redis has forgotten the first."""
    first, second = RateLimit(20, burst=5), RateLimit(1200, per=60, burst=4)
    await reserve(server, first, Wish(ALL, "bulk", 1))
    with pytest.raises(ConfigurationError, match="is RateLimit") as refusal:
        await reserve(server, second, Wish(ALL, "bulk", 1))
    assert (
        "is RateLimit(20, per=1, burst=5) for other processes, and RateLimit(1200, per=60, burst=4) here. All that "
        "share a limit must pass the same RateLimit" in str(refusal.value)
    )
    await redis.delete(KEY)
    await reserve(server, second, Wish(ALL, "bulk", 1))


async def test_a_pause_is_for_all(server: RedisServer, redis: Any) -> None:
    """Nobody sends before its end; a shorter one does not end a longer one."""
    limit = RateLimit(100, burst=10)
    await reserve(server, limit, pause=30)
    until = int(await redis.hget(KEY, "paused_until")) / 1e6
    answer = await reserve(server, limit, Wish(ALL, "interactive", 3), Wish(ALL, "bulk", 1), pause=10)
    assert int(await redis.hget(KEY, "paused_until")) / 1e6 == until
    for reservation, ahead in zip(answer.reservations, (1, 0.055), strict=True):
        assert reservation.times == []
        assert reservation.wait is not None
        assert reservation.wait >= until - answer.now - ahead - 1e-5


def test_after_a_pause() -> None:
    """The burst is not there at once."""
    limit, model = RateLimit(100, burst=10), ScriptModel()
    times = LimitTimes.of(limit)
    model.reserve(times, 1000, [], round_trip=0, pause=0.5)
    answer = model.reserve(times, 1000.1, [Wish(ALL, "interactive", 3)], round_trip=0, pause=0)
    assert [round(slot, 3) for slot in answer.reservations[0].times] == [1000.5, 1000.51, 1000.52]


async def test_a_clock_that_was_set_back(server: RedisServer, redis: Any) -> None:
    """What Redis knows of the future holds for as long as it was meant to, and not for as long as the clock says."""
    limit = RateLimit(100, burst=10)
    answer = await reserve(server, limit, Wish(ALL, "bulk", 1), pause=0.5)
    hour = 3600_000_000
    await redis.hincrby(KEY, "paused_until", hour)
    await redis.set(ALL, float(await redis.get(ALL)) + hour)
    answer = await reserve(server, limit, Wish(ALL, "bulk", 1))
    wait = answer.reservations[0].wait
    assert wait is not None
    assert wait < 0.5 + 2.2
