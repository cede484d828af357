"""The example whose processes share one rate limit through Redis."""

import asyncio
import importlib
import re
import sys
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from math import inf
from pathlib import Path
from typing import Any, Final

import pytest

from refold_async import AsyncRefold, RateLimitError, RetryPolicy
from refold_async.testing import Answer, MockRefold
from support.redis_server import redis_server
from support.running_programs import ended, first_line, run_program, running
from support.stopwatch import stopwatch
from support.waiting import until

EXAMPLES: Final = Path(__file__).parent.parent.parent / "examples"
PROGRAM: Final = str(EXAMPLES / "shared_limit.py")
PROCESSES: Final = 4

# The rate is what Refold documents. The limiter lets requests go evenly; the burst makes up for those that take longer
# than others to arrive: half a second on a busy machine moves ten into the next window, and a window's edges one.
RATE: Final = 20
BURST: Final = 16

# Redis counts milliseconds, and timers may be early by less.
A_MOMENT: Final = 0.002


@pytest.fixture
async def redis() -> AsyncIterator[str]:
    """The URL of a Redis that forgets everything when the test ends."""
    async with redis_server() as url:
        yield url


Open = Callable[[], Awaitable[Any]]


@pytest.fixture
async def open_limiter(redis: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Open]:
    """Open limiters as several processes would: each has connections of its own."""
    monkeypatch.setattr(sys, "path", [str(EXAMPLES), *sys.path])
    limiter_class: Any = importlib.import_module("shared_limit").RedisLimiter
    async with AsyncExitStack() as stack:

        async def open_limiter() -> Any:
            return await stack.enter_async_context(limiter_class(redis, RATE))

        yield open_limiter


def most_in_a_second(times: Sequence[float]) -> int:
    """Return how many there are in the fullest window of one second."""
    return max(bisect_left(times, begin + 1) - first for first, begin in enumerate(times))


@pytest.mark.slow
async def test_four_processes(mock: MockRefold, redis: str, open_limiter: Open) -> None:
    """Together they stay within the limit, each gets on, each account is read once; one throttled makes all wait."""
    mock.limit_rate(RATE, burst=BURST)
    limiter = await open_limiter()
    items = 60
    environment = {"REFOLD_API_KEY": "tk_test", "REFOLD_BASE_URL": mock.base_url}
    arguments = ["--redis", redis, "--rate", str(RATE), "--items", str(items), "--parts", str(PROCESSES)]
    async with AsyncExitStack() as stack:
        programs = [
            await stack.enter_async_context(running(PROGRAM, *arguments, "--part", str(part), environment=environment))
            for part in range(1, PROCESSES + 1)
        ]
        # None begins before all are there.
        announced = asyncio.gather(*map(first_line, programs))
        while not announced.done():
            limiter.throttled(time.time() + 2)
            await asyncio.sleep(0.1)
        assert await announced == [f"Reading 15 contacts, at 20 a second with all that share {redis}\n"] * 4
        assert mock.request_count == 0

        await until(lambda: mock.request_count >= items // 2, within=60)
        limiter.throttled(time.time() + 3)
        await asyncio.sleep(0.8)  # until those that were on their way have arrived
        arrived = mock.request_count
        assert arrived < items
        await asyncio.sleep(0.5)
        assert mock.request_count == arrived

        for program in programs:
            ran = await ended(program)
            assert (ran.exit_code, ran.complaints) == (0, "")
            assert re.fullmatch(r"Read 15 contacts in \d+\.\d seconds\n", ran.output)

    requests = mock.requests_to("execute_action")
    read = [str(request.linked_account_id) for request in requests if request.status == 200]
    assert sorted(read) == sorted(f"user_{number}" for number in range(1, items + 1))
    early = [int(linked_account_id.removeprefix("user_")) % PROCESSES for linked_account_id in read[: items // 2]]
    assert all(early.count(part) >= 2 for part in range(PROCESSES)), early
    assert most_in_a_second([request.time for request in requests]) <= RATE + BURST
    assert len(requests) - items <= 2, "a machine that stood still for long may have bunched requests"


async def test_requests_are_smoothed(open_limiter: Open) -> None:
    """Requests of all leave at even intervals, and while somebody waits the limit is used."""
    limiters = [await open_limiter() for _ in range(PROCESSES)]
    late = inf
    for _ in range(20):  # a machine that is busy with other things gets several tries
        times: list[float] = []

        async def leave(limiter: Any, times: list[float] = times) -> None:
            for _ in range(3):
                await limiter.acquire()
                times.append(time.time())

        first_slot = int(time.time() * RATE)
        async with stopwatch() as watch:
            await asyncio.gather(*map(leave, limiters))
        earliest = [(first_slot + number) / RATE - A_MOMENT for number in range(3 * PROCESSES)]
        assert all(left >= allowed for left, allowed in zip(times, earliest, strict=True))
        late = min(late, times[-1] - earliest[-1] - (watch.taken - watch.moving))
        if late < 0.3:
            break
    assert late < 0.3


async def test_throttled_makes_all_wait(open_limiter: Open) -> None:
    """One that is throttled tells the others; a shorter pause does not end a longer one."""
    throttled, other = await open_limiter(), await open_limiter()
    end = time.time() + 2
    throttled.throttled(end)
    other.throttled(end - 0.5)
    await asyncio.sleep(0.8)
    for limiter in (throttled, other):
        await asyncio.wait_for(limiter.acquire(), 20)
        assert time.time() >= end - A_MOMENT
    await other.acquire()


async def test_client_that_is_refused(mock: MockRefold, open_limiter: Open) -> None:
    """What Refold says about everybody all clients heed: where account after account is refused."""
    mock.script(Answer(429, retry_after=2), calls=range(1, 9))
    policy = RetryPolicy(max_retries=0)
    async with (
        AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=await open_limiter(), retry=policy) as refused,
        AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=await open_limiter()) as other,
    ):
        for number in range(8):
            with pytest.raises(RateLimitError):
                await refused.account(f"user_{number}").list_actions("hubspot")
        await asyncio.sleep(0.8)
        await other.account("user_2").list_actions("hubspot")
    *_, last, accepted = mock.requests
    assert (last.status, accepted.status) == (429, 200)
    assert accepted.time - last.time >= 2 - A_MOMENT


async def test_client_whose_account_is_refused(mock: MockRefold, open_limiter: Open) -> None:
    """What Refold says about one linked account is no matter of the others."""
    mock.script(Answer(429, retry_after=30), calls=1)
    policy = RetryPolicy(max_retries=0)
    async with (
        AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=await open_limiter(), retry=policy) as refused,
        AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=await open_limiter()) as other,
    ):
        with pytest.raises(RateLimitError):
            await refused.account("user_1").list_actions("hubspot")
        await asyncio.sleep(0.8)
        await asyncio.gather(*(client.account("user_2").list_actions("hubspot") for client in (refused, other)))
    assert mock.requests[-1].time - mock.requests[0].time < 20


async def test_throttled_while_waiting(open_limiter: Open) -> None:
    """Who has a slot already waits too."""
    throttled, other = await open_limiter(), await open_limiter()
    waiting = [asyncio.create_task(other.acquire()) for _ in range(RATE)]  # the last one's slot is in a second
    await until(lambda: any(task.done() for task in waiting))
    end = time.time() + 2.5
    throttled.throttled(end)
    await asyncio.gather(*waiting)
    assert time.time() >= end - A_MOMENT


async def test_cancelled(open_limiter: Open) -> None:
    """Who gives up is granted nothing, and nobody is held up by it."""
    limiter = await open_limiter()
    for _ in range(5):
        waiting = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait([waiting])
    async with asyncio.timeout(20):
        await limiter.acquire()


async def test_without_redis() -> None:
    """It says so and ends before anything is sent."""
    ran = await run_program(PROGRAM, "--redis", "unix:///no/such/redis.sock")
    assert (ran.exit_code, ran.output) == (1, "")
    assert ran.complaints.startswith("ConnectionError: ")
    assert "Traceback" not in ran.complaints
