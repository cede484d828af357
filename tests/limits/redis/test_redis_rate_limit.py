"""The shared rate limit as a program uses it, with a real Redis and the mock."""

import asyncio
import multiprocessing
import os
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from refold_async import APIConnectionError, AsyncRefold, ConfigurationError, RateLimit, RedisRateLimit, RefoldError
from refold_async.testing import Answer, MockRefold
from support.redis_server import RedisProcess
from support.running_programs import run_program
from support.services import service_directory
from support.shared_limits import LIMIT, admin, client, job, read
from support.waiting import until


async def test_clients_share_it(mock: MockRefold, redis: RedisProcess) -> None:
    """Two clients keep to one limit, though each has a connection of its own."""
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


async def test_clients_of_one_process(mock: MockRefold, redis: RedisProcess) -> None:
    """They may have one limit object and so one connection. It is left when all are closed, in any order."""
    limit = RedisRateLimit(redis.url, RateLimit(100, burst=5), name="acme")
    first, second = client(mock, limit), client(mock, limit)
    await asyncio.gather(job(first, 20), job(second, 20), read(first), read(second))
    times = sorted(request.time for request in mock.requests)
    assert times[-1] - times[0] >= (42 - 5) / 100
    async with admin(redis.url) as connected:
        assert len(await connected.client_list(_type="normal")) == 2  # with this one
        await first.aclose()
        await read(second)
        await second.aclose()
        await limit.aclose()
        await limit.aclose()
        await until_one_is_left(connected)


async def until_one_is_left(connected: Any) -> None:
    """Wait until Redis has noticed that all other connections are closed."""
    async with asyncio.timeout(60):
        while len(await connected.client_list(_type="normal")) > 1:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


async def test_what_shares_it(mock: MockRefold, redis: RedisProcess) -> None:
    """Another API key or another name is another limit. Redis does not get to know the key."""
    async with (
        RedisRateLimit(redis.url, LIMIT, name="a") as one,
        RedisRateLimit(redis.url, RateLimit(7), name="b") as two,
        client(mock, one) as first,
        client(mock, one, "pk_live") as second,
        client(mock, two) as third,
    ):
        await asyncio.gather(read(first), read(second), read(third))
        async with admin(redis.url) as connected:
            keys = sorted(await connected.keys())
    tags = {key.partition("}")[0] for key in keys}
    assert len(keys) == 6
    assert len(tags) == 3
    assert all(
        tag.startswith((f"refold_async:{{a:{mock.base_url}:", f"refold_async:{{b:{mock.base_url}:")) for tag in tags
    )
    assert not any(key in str(keys) for key in ("tk_test", "pk_live"))


@pytest.mark.parametrize("moment", ["at the start", "later"])
async def test_differing_limits_of_one_name(mock: MockRefold, redis: RedisProcess, moment: str) -> None:
    """The second one is refused, and its error says which limit the others have."""
    async with (
        RedisRateLimit(redis.url, LIMIT, name="acme") as one,
        RedisRateLimit(redis.url, RateLimit(600, burst=50), name="acme") as other,
        client(mock, one) as first,
        client(mock, other) as second,
    ):
        await read(first)
        for _ in range(1 if moment == "at the start" else 3):
            with pytest.raises(ConfigurationError, match=r"is RateLimit\(500, per=1, burst=50\) for other") as caught:
                await read(second)
            assert caught.value.effect == "none"
        report = await second.fan_out_action(
            ["user_1", "user_2"], "hubspot", "create_contact", {"email": "a"}
        ).collect()
        assert [(outcome.status, outcome.effect) for outcome in report.outcomes] == [("failed", "none")] * 2
        await read(first)
    assert len(mock.requests) == 2


async def pause_in(redis: RedisProcess) -> float:
    """Return how many seconds all were told to wait, once they were."""
    async with admin(redis.url) as connected, asyncio.timeout(60):
        while True:
            for key in await connected.keys("*}"):
                if pause := float(await connected.hget(key, "pause") or 0):
                    return pause / 1e6
            await asyncio.sleep(0.01)


async def test_a_refusal_pauses_all(mock: MockRefold, redis: RedisProcess) -> None:
    """What one process learns from a 429 holds for the other, which never saw one."""
    async with (
        RedisRateLimit(redis.url, LIMIT, name="acme") as one,
        RedisRateLimit(redis.url, LIMIT, name="acme") as other,
        client(mock, one) as first,
        client(mock, other) as second,
    ):
        await read(second)
        mock.script(Answer(429, retry_after=1.5), calls=range(1, 1000))
        refused = asyncio.create_task(job(first, 100))
        assert await pause_in(redis) <= 1.5
        refused_at = mock.requests[-1].time
        await asyncio.sleep(0.1)  # until those that were on their way have arrived
        mock.clear()
        await read(second)
        await refused
    assert mock.requests[0].time - refused_at >= 1.4


async def test_a_pause_that_is_refused(redis: RedisProcess) -> None:
    """Redis is told once, and not again and again."""
    async with RedisRateLimit(redis.url, LIMIT, name="acme") as limit, admin(redis.url) as connected:
        limiter = limit.limiter_for("https://app.refold.ai tk_test")
        await limiter.acquire()
        (key,) = await connected.keys("*}")
        await connected.hset(key, "limit", "another")
        limiter.throttled(time.time() + 60)
        asked: list[int] = []
        while len(asked) < 2 or asked[-1] != asked[-2]:
            await asyncio.sleep(0.1)
            asked.append((await connected.info("commandstats"))["cmdstat_evalsha"]["calls"])
            assert len(asked) < 10, asked
        assert asked[-1] <= 4


async def test_a_pause_is_bounded(mock: MockRefold, redis: RedisProcess) -> None:
    """Nobody waits for longer than `max_retry_after`, as on one machine. A call that has less time fails unsent."""
    async with (
        RedisRateLimit(redis.url, LIMIT, name="acme") as one,
        RedisRateLimit(redis.url, LIMIT, name="acme") as other,
        client(mock, one) as first,
        client(mock, other) as second,
    ):
        mock.script(Answer(429, retry_after=3600), calls=range(1, 1000))
        refused = asyncio.create_task(job(first, 100))
        assert 50 < await pause_in(redis) <= 60
        await asyncio.sleep(0.1)
        sent = len(mock.requests)
        with pytest.raises(RefoldError, match="waited"):
            await read(second, timeout=0.3)
        assert len(mock.requests) == sent
        refused.cancel()
        await asyncio.wait([refused])


async def test_single_calls_do_not_wait_for_jobs(mock: MockRefold, redis: RedisProcess) -> None:
    """However many items wait in another process, a call goes before them: the burst is for it."""
    limit = RateLimit(20, burst=10)
    async with (
        RedisRateLimit(redis.url, limit, name="acme") as one,
        RedisRateLimit(redis.url, limit, name="acme") as other,
        client(mock, one) as bulk,
        client(mock, other) as web,
    ):
        working = asyncio.create_task(job(bulk, [f"item_{number}" for number in range(40)]))
        await until(lambda: len(mock.requests) >= 3)
        sent = len(mock.requests)
        for number in range(3):
            await read(web, f"user_{number}")
        assert not working.done()
        await working
    accounts = [str(request.linked_account_id) for request in mock.requests[sent:]]
    assert all(accounts.index(f"user_{number}") < 25 for number in range(3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"limit": 20}, r"RedisRateLimit\(limit\) must be a RateLimit, such as RateLimit\(20\), got 20"),
        ({"name": ""}, r"RedisRateLimit\(name=\) must be a name such as 'acme', without braces, got ''"),
        ({"name": "a{b}"}, "without braces, got 'a{b}'"),
        ({"name": 7}, "without braces, got 7"),
        ({"on_failure": "ignore"}, r"RedisRateLimit\(on_failure=\) must be 'wait', 'error' or 'local', got 'ignore'"),
        ({"on_failure": "local"}, r"RedisRateLimit\(local_share=\) goes with on_failure='local'"),
        ({"local_share": 0.5}, r"RedisRateLimit\(local_share=\) goes with on_failure='local'"),
        ({"on_failure": "local", "local_share": 1.5}, r"RedisRateLimit\(local_share=\) must be at most 1, got 1.5"),
        ({"on_failure": "local", "local_share": 0}, r"RedisRateLimit\(local_share=\) must be"),
        ({"timeout": 0}, r"RedisRateLimit\(timeout=\) must be"),
        ({"url": None}, r"RedisRateLimit\(url\) must be"),
        ({"url": 7}, r"RedisRateLimit\(url\) must be"),
        ({"url": "localhost:6379"}, "it must begin with redis://, rediss:// or unix://"),
        ({"url": "redis://localhost?no_such_option=1"}, "an option that redis-py does not know"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    """The error names the argument and the fix, before anything is connected."""
    given: dict[str, Any] = {"url": "redis://localhost", "limit": LIMIT, "name": "acme", **arguments}
    with pytest.raises(ConfigurationError, match=message):
        RedisRateLimit(given.pop("url"), given.pop("limit"), **given)


async def test_closed_too_early(mock: MockRefold, redis: RedisProcess) -> None:
    """Calls that wait for it fail, and so do later ones: nothing is sent, and nobody waits for ever."""
    limit = RedisRateLimit(redis.url, RateLimit(1, per=3600), name="acme")
    async with client(mock, limit) as refold:
        await read(refold)
        waiting = asyncio.create_task(read(refold))
        await asyncio.sleep(0.1)
        await limit.aclose()
        for call in (waiting, read(refold)):
            with pytest.raises(APIConnectionError, match="close it after the clients that use it") as caught:
                await call
            assert caught.value.effect == "none"
    assert len(mock.requests) == 1


def test_another_event_loop() -> None:
    """It is refused there with a clear error, before anything is sent. Closing it there does no harm."""

    async def use(limit: RedisRateLimit) -> None:
        async with MockRefold() as mock, client(mock, limit) as refold:
            try:
                await read(refold)
            finally:
                assert mock.request_count == (1 if sys.exception() is None else 0)

    async def use_again(limit: RedisRateLimit) -> None:
        with pytest.raises(ConfigurationError, match="make a RedisRateLimit in each event loop"):
            await use(limit)
        await limit.aclose()

    with service_directory() as directory, asyncio.Runner() as first, asyncio.Runner() as second:
        redis = RedisProcess(directory)
        first.run(redis.start())
        try:
            limit = RedisRateLimit(redis.url, LIMIT, name="acme")
            first.run(use(limit))
            second.run(use_again(limit))
            first.run(limit.aclose())
        finally:
            redis.end()


def _use_in_child(make: Callable[[], AsyncRefold], limit: RedisRateLimit, answer: Any) -> None:
    async def use() -> str:
        try:
            async with make() as refold:
                await read(refold)
        except ConfigurationError as error:
            return str(error)
        finally:
            await limit.aclose()
        return "no error"

    answer.put(asyncio.run(use()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("used_before", [True, False])
async def test_a_forked_child(mock: MockRefold, redis: RedisProcess, used_before: bool) -> None:
    """It may use a limit that its parent has not used. Else it gets a clear error; the parent takes no harm."""
    context = multiprocessing.get_context("fork")
    answer = context.SimpleQueue()
    async with RedisRateLimit(redis.url, LIMIT, name="acme") as limit, client(mock, limit) as refold:
        if used_before:
            await read(refold)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking a process with threads
            child = context.Process(target=_use_in_child, args=(lambda: client(mock, limit), limit, answer))
            child.start()
        await asyncio.to_thread(child.join, 60)
        assert child.exitcode == 0
        assert ("used before this process was forked" in answer.get()) == used_before
        await read(refold)
    child.close()


async def test_a_cancelled_anyio_scope(mock: MockRefold, redis: RedisProcess) -> None:
    """Leaving the blocks in it closes everything."""
    async with admin(redis.url) as connected:
        with anyio.CancelScope() as scope:
            async with (
                RedisRateLimit(redis.url, RateLimit(1, per=3600), name="acme") as limit,
                client(mock, limit) as refold,
            ):
                await read(refold)
                scope.cancel()
                await read(refold)
        assert scope.cancelled_caught
        await until_one_is_left(connected)


WITHOUT_REDIS = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "redis":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
from refold_async import ConfigurationError, RateLimit, RedisRateLimit

try:
    RedisRateLimit("redis://localhost", RateLimit(20), name="acme")
except ConfigurationError as error:
    print(error, error.__suppress_context__)
"""


async def test_without_redis_py() -> None:
    """Where the extra is not installed, the error says how to install it."""
    finished = await run_program("-c", WITHOUT_REDIS)
    assert (finished.exit_code, finished.complaints) == (0, "")
    assert finished.output == "RedisRateLimit needs redis-py: pip install 'refold-async[redis]' True\n"


async def test_redis_py_is_loaded_when_it_is_needed() -> None:
    """Importing the package, and making a client, leave it alone."""
    program = "import sys, refold_async; refold_async.AsyncRefold('tk_x'); print('redis' in sys.modules)"
    finished = await run_program("-c", program)
    assert (finished.exit_code, finished.complaints, finished.output) == (0, "", "False\n")


def test_its_repr() -> None:
    """It shows what shares the limit and where, and no password."""
    limit = RedisRateLimit("redis://user:hunter2@example.com:7000/3", RateLimit(20, burst=5), name="acme")
    assert repr(limit) == "<RedisRateLimit 'acme', RateLimit(rate=20, per=1.0, burst=5), at example.com:7000>"
