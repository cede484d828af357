"""The shared rate limit as a program uses it, with a real Redis and the mock."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator

import pytest

from refold_async import APIConnectionError, AsyncRefold, ConfigurationError, RateLimit, RedisRateLimit, RefoldError
from refold_async.testing import Answer, MockRefold
from support.redis_server import RedisProcess, running_redis
from support.waiting import until

LIMIT = RateLimit(500, burst=50)
PASSWORD = "hunter2hunter2"


@pytest.fixture
async def redis() -> AsyncIterator[RedisProcess]:
    """A Redis of its own for each test."""
    async with running_redis() as redis:
        yield redis


@pytest.fixture
async def mock() -> AsyncIterator[MockRefold]:
    """A mock of its own for each test."""
    async with MockRefold() as mock:
        yield mock


def client(mock: MockRefold, limit: RedisRateLimit, key: str = "tk_test") -> AsyncRefold:
    """Return a client that keeps the limit."""
    return AsyncRefold(key, base_url=mock.base_url, rate_limit=limit)


async def read(refold: AsyncRefold, *, timeout: float = 20) -> None:
    """Make a call."""
    await refold.account("user_1").execute_action(
        "hubspot", "get_contact", {"limit": "1"}, idempotent=True, timeout=timeout
    )


async def job(refold: AsyncRefold, items: int) -> None:
    """Make many calls in a fan-out."""
    report = await refold.fan_out_action(
        [f"user_{number}" for number in range(items)], "hubspot", "get_contact", {"limit": "1"}, idempotent=True
    ).collect()
    assert report.ok_count == items if hasattr(report, "ok_count") else all(o.status == "ok" for o in report.outcomes)


def shown_by(error: BaseException) -> str:
    """Return what a reporter that shows the variables of all frames shows, but for the test's own."""
    assert error.__traceback__ is not None
    frames = error.__traceback__.tb_next
    return "".join(traceback.TracebackException(type(error), error, frames, capture_locals=True).format())


async def test_clients_share_it(mock: MockRefold, redis: RedisProcess) -> None:
    """Two clients keep to one limit, though each has a Redis connection of its own."""
    slow = RateLimit(100, burst=5)
    async with (
        RedisRateLimit(redis.url, slow, name="acme") as one,
        RedisRateLimit(redis.url, slow, name="acme") as other,
        client(mock, one) as first,
        client(mock, other) as second,
    ):
        await asyncio.gather(job(first, 20), job(second, 20))
    times = sorted(request.time for request in mock.requests)
    assert len(times) == 40
    assert times[-1] - times[0] >= (40 - 5) / 100


async def test_keys_and_names_do_not_share_it(mock: MockRefold, redis: RedisProcess) -> None:
    """Another API key, another name: another limit, and so another state in Redis."""
    async with (
        RedisRateLimit(redis.url, LIMIT, name="a") as one,
        RedisRateLimit(redis.url, RateLimit(7), name="b") as two,
        client(mock, one) as first,
        client(mock, one, "pk_live") as second,
        client(mock, two) as third,
    ):
        await asyncio.gather(read(first), read(second), read(third))


@pytest.mark.parametrize("moment", ["at the start", "later"])
async def test_differing_limits_of_one_name(mock: MockRefold, redis: RedisProcess, moment: str) -> None:
    """The second one is refused, and says which limit the others have."""
    async with (
        RedisRateLimit(redis.url, LIMIT, name="acme") as one,
        RedisRateLimit(redis.url, RateLimit(600, burst=50), name="acme") as other,
        client(mock, one) as first,
        client(mock, other) as second,
    ):
        await read(first)
        with pytest.raises(RefoldError, match=r"RateLimit\(500, per=1, burst=50\) for other processes") as caught:
            await read(second)
        assert caught.value.effect == "none"
        await read(first)
    assert len(mock.requests) == 2


async def test_waiting_for_redis(mock: MockRefold, redis: RedisProcess, caplog: pytest.LogCaptureFixture) -> None:
    """Calls wait while it is gone, at most for their time, and go on when it is back; the log says it once."""
    caplog.set_level(logging.INFO, "refold_async")
    async with RedisRateLimit(redis.url, LIMIT, name="acme", timeout=0.2) as limit, client(mock, limit) as refold:
        await read(refold)
        await redis.kill()
        with pytest.raises(RefoldError) as caught:
            await read(refold, timeout=0.5)
        assert caught.value.effect == "none"
        waiting = asyncio.create_task(read(refold))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await redis.start()
        await waiting
        await job(refold, 50)
    assert len(mock.requests) == 52
    said = [text for record in caplog.records if (text := record.getMessage()).startswith("Redis")]
    assert [text.partition(",")[0] for text in said] == [
        f"Redis at {redis.path}",
        f"Redis at {redis.path} responds again: the shared rate limit applies.",
    ]


async def test_a_redis_that_hangs(mock: MockRefold, redis: RedisProcess) -> None:
    """It counts as gone after its timeout."""
    async with RedisRateLimit(redis.url, LIMIT, name="acme", timeout=0.2) as limit, client(mock, limit) as refold:
        await read(refold)
        redis.freeze()
        waiting = asyncio.create_task(read(refold))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        redis.thaw()
        await waiting


async def test_failing_without_redis(mock: MockRefold, redis: RedisProcess) -> None:
    """With `error` calls fail at once, and nothing is sent."""
    async with (
        RedisRateLimit(redis.url, LIMIT, name="acme", on_failure="error", timeout=0.2) as limit,
        AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=limit) as refold,
    ):
        await read(refold)
        await redis.kill()
        with pytest.raises(APIConnectionError, match="which keeps the shared rate limit") as caught:
            await read(refold)
        assert caught.value.effect == "none"
        await redis.start()
        async with asyncio.timeout(10):
            while True:
                try:
                    await read(refold)
                except APIConnectionError:
                    continue
                break
    assert len(mock.requests) == 2


async def test_a_local_share(mock: MockRefold, redis: RedisProcess) -> None:
    """With `local` each process goes on at its part of the limit."""
    limit = RedisRateLimit(
        redis.url, RateLimit(400, burst=50), name="acme", on_failure="local", local_share=0.25, timeout=0.2
    )
    async with limit, client(mock, limit) as refold:
        await redis.kill()
        await job(refold, 40)
    times = [request.time for request in mock.requests]
    assert times[-1] - times[0] >= 38 / 100


async def test_a_refusal_pauses_all(mock: MockRefold, redis: RedisProcess, caplog: pytest.LogCaptureFixture) -> None:
    """What one process learns from a 429 holds for the other, which never saw one."""
    async with (
        RedisRateLimit(redis.url, LIMIT, name="acme") as one,
        RedisRateLimit(redis.url, LIMIT, name="acme") as other,
        client(mock, one) as first,
        client(mock, other) as second,
    ):
        await read(second)
        mock.script(Answer(429, retry_after=0.7), calls=range(1, 1000))
        refused = asyncio.create_task(job(first, 100))
        await until(lambda: "all calls wait" in caplog.text)
        await asyncio.sleep(0.1)
        began = mock.requests[-1].time
        mock.clear()
        await read(second)
        await refused
    assert mock.requests[0].time - began >= 0.6


async def test_no_password_is_shown(mock: MockRefold, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in a repr, nor in an error, its frames or the log, also when Redis refuses it or cannot be reached."""
    shown = ""
    for url in ("redis://user:{}@127.0.0.1:1/0", "redis://:{}@no.such.host.example:6379", "rediss://u:{}@127.0.0.1:1"):
        limit = RedisRateLimit(url.format(PASSWORD), LIMIT, name="acme", on_failure="error", timeout=0.5)
        async with limit, client(mock, limit) as refold:
            with pytest.raises(RefoldError) as caught:
                await read(refold, timeout=2)
            shown += repr(limit) + shown_by(caught.value)
    for wrong in (
        f"redis://:{PASSWORD}@host:{PASSWORD}",
        f"http://:{PASSWORD}@host",
        f"redis://h:{PASSWORD}/x?db={PASSWORD}",
    ):
        with pytest.raises(ConfigurationError, match="not the URL of a Redis") as error:
            RedisRateLimit(wrong, LIMIT, name="acme")
        shown += shown_by(error.value)
    async with running_redis(PASSWORD) as redis:
        for url in (f"unix://:{PASSWORD}x@{redis.path}", f"unix://{redis.path}"):
            limit = RedisRateLimit(url, LIMIT, name="acme")
            async with limit, client(mock, limit) as refold:
                with pytest.raises(RefoldError, match="refuses this program") as refused:
                    await read(refold)
                shown += shown_by(refused.value)
        async with RedisRateLimit(redis.url, LIMIT, name="acme") as limit, client(mock, limit) as refold:
            await read(refold)
    assert PASSWORD not in shown + caplog.text
