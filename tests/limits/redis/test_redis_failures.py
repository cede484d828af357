"""What becomes of calls while Redis is gone, hangs, has lost everything, or may not be written to."""

import asyncio
import logging

import pytest

from refold_async import APIConnectionError, RateLimit, RedisRateLimit, RefoldError
from refold_async.testing import MockRefold
from support.redis_server import RedisProcess
from support.shared_limits import LIMIT, admin, client, job, read
from support.waiting import until


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return the levels and the beginnings of the log's lines about Redis."""
    lines = [(record.levelname, record.getMessage()) for record in caplog.records]
    return [(level, text.partition(": ")[0]) for level, text in lines if text.startswith("Redis ")]


async def test_waiting_for_redis(mock: MockRefold, redis: RedisProcess, caplog: pytest.LogCaptureFixture) -> None:
    """Calls wait while it is gone, at most for their time, and go on when it is back; the log says it once."""
    caplog.set_level(logging.INFO, "refold_async")
    async with RedisRateLimit(redis.url, LIMIT, name="acme", timeout=5) as limit, client(mock, limit) as refold:
        await read(refold)
        await redis.kill()
        with pytest.raises(RefoldError, match="waited") as caught:
            await read(refold, timeout=0.5)
        assert caught.value.effect == "none"
        assert f"Redis at {redis.path}, which keeps the shared rate limit, fails: " in str(caught.value)
        waiting = [asyncio.create_task(read(refold)), asyncio.create_task(job(refold, 50))]
        await asyncio.sleep(0.5)
        assert not any(task.done() for task in waiting)
        assert len(mock.requests) == 1
        await redis.start()
        await asyncio.gather(*waiting)
    assert len(mock.requests) == 52
    assert said(caplog) == [
        ("WARNING", f"Redis at {redis.path}, which keeps the shared rate limit, fails"),
        ("INFO", f"Redis at {redis.path} responds again"),
    ]


async def test_a_redis_that_hangs(mock: MockRefold, redis: RedisProcess, caplog: pytest.LogCaptureFixture) -> None:
    """It counts as gone after the timeout."""
    async with RedisRateLimit(redis.url, LIMIT, name="acme", timeout=0.2) as limit, client(mock, limit) as refold:
        await read(refold)
        redis.freeze()
        waiting = asyncio.create_task(job(refold, 20))
        await until(lambda: "it did not respond in time (timeout=0.2). Calls wait until it responds" in caplog.text)
        await asyncio.sleep(0.3)
        assert len(mock.requests) == 1
        redis.thaw()
        await waiting


async def test_a_redis_that_comes_later(mock: MockRefold, redis: RedisProcess) -> None:
    """A program may start before it."""
    await redis.kill()
    async with RedisRateLimit(redis.url, LIMIT, name="acme", timeout=0.2) as limit, client(mock, limit) as refold:
        waiting = asyncio.create_task(job(refold, 20))
        await asyncio.sleep(0.3)
        assert not mock.requests
        await redis.start()
        await waiting


async def test_failing_without_redis(mock: MockRefold, redis: RedisProcess) -> None:
    """With `error` calls fail, and nothing is sent. When it is back, the first call succeeds."""
    async with (
        RedisRateLimit(redis.url, LIMIT, name="acme", on_failure="error", timeout=5) as limit,
        client(mock, limit) as refold,
    ):
        await read(refold)
        await redis.kill()
        for _ in range(3):
            with pytest.raises(APIConnectionError, match="which keeps the shared rate limit, fails") as caught:
                await read(refold)
            assert caught.value.effect == "none"
        report = await refold.fan_out_action(
            ["user_1", "user_2"], "hubspot", "create_contact", {"email": "a"}
        ).collect()
        assert [(outcome.status, outcome.effect) for outcome in report.outcomes] == [("failed", "none")] * 2
        await redis.start()
        await asyncio.sleep(0.6)  # the longest time between two attempts to reach it
        await read(refold)
    assert len(mock.requests) == 2


async def test_failing_while_redis_hangs(mock: MockRefold, redis: RedisProcess) -> None:
    """With `error` each call fails after the timeout at most."""
    async with (
        RedisRateLimit(redis.url, LIMIT, name="acme", on_failure="error", timeout=1) as limit,
        client(mock, limit) as refold,
    ):
        await read(refold)
        redis.freeze()
        for _ in range(3):
            with pytest.raises(
                APIConnectionError, match=r"it did not respond in time \(timeout=1\)\. Calls fail until"
            ):
                await read(refold)
        redis.thaw()
        await asyncio.sleep(0.6)
        await read(refold)
    assert len(mock.requests) == 2


async def test_a_local_share(mock: MockRefold, redis: RedisProcess) -> None:
    """With `local` each process goes on at its part of the limit, and returns to all of it."""
    limit = RedisRateLimit(
        redis.url, RateLimit(400, burst=50), name="acme", on_failure="local", local_share=0.25, timeout=5
    )
    async with limit, client(mock, limit) as refold:
        await redis.kill()
        await job(refold, 40)
        times = [request.time for request in mock.requests]
        assert times[-1] - times[0] >= 38 / 100
        await redis.start()
        await job(refold, 40)
        async with admin(redis.url) as connected:
            assert await connected.keys()


@pytest.mark.parametrize(
    ("breaking", "mending", "message"),
    [
        (["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"], "read only replica"),
        (["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"], "maxmemory"),
    ],
    ids=["failed over", "out of memory"],
)
async def test_a_redis_that_refuses_to_write(
    mock: MockRefold,
    redis: RedisProcess,
    caplog: pytest.LogCaptureFixture,
    breaking: list[str],
    mending: list[str],
    message: str,
) -> None:
    """It counts as gone: calls wait until it writes again."""
    async with (
        RedisRateLimit(redis.url, LIMIT, name="acme", timeout=20) as limit,
        client(mock, limit) as refold,
        admin(redis.url) as connected,
    ):
        await read(refold)
        await connected.execute_command(*breaking)
        waiting = asyncio.create_task(job(refold, 20))
        await until(lambda: message in caplog.text)
        assert len(mock.requests) == 1
        await connected.execute_command(*mending)
        await waiting


async def test_nothing_happened(mock: MockRefold, redis: RedisProcess, caplog: pytest.LogCaptureFixture) -> None:
    """An idle connection that Redis closed, and a script that it forgot, are no failures."""
    async with (
        RedisRateLimit(redis.url, LIMIT, name="acme", on_failure="error", timeout=20) as limit,
        client(mock, limit) as refold,
        admin(redis.url) as connected,
    ):
        for _ in range(3):
            await read(refold)
            assert await connected.client_kill_filter(_type="normal", skipme=True) == 1
            await connected.script_flush()
            await asyncio.sleep(0.05)
        await read(refold)
    assert not caplog.records


async def test_leaving_while_redis_is_gone(mock: MockRefold, redis: RedisProcess) -> None:
    """Nothing is left of what waited, and closing does not wait for Redis."""
    async with RedisRateLimit(redis.url, LIMIT, name="acme", timeout=30) as limit, client(mock, limit) as refold:
        await read(refold)
        redis.freeze()
        waiting = [asyncio.create_task(read(refold)) for _ in range(3)]
        await asyncio.sleep(0.1)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        async with asyncio.timeout(20):
            await refold.aclose()
            await limit.aclose()
        redis.thaw()
    assert len(mock.requests) == 1
