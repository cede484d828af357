"""The door that every attempt goes through: its rate, its order, and the connections behind it."""

import asyncio

import pytest

from refold_async import Limiter, RateLimit
from refold_async.admission import Admission, TokenBucket


class Clock:
    """A clock that moves only when somebody sleeps. Its times and those of the tests have exact binary fractions."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Sleep: let others run, and have it be later."""
        assert seconds > 0, "time would stand still"
        self.slept.append(seconds)
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)


def bucket_of(limit: RateLimit, clock: Clock) -> TokenBucket:
    """Return a bucket that goes by a clock of ours."""
    return TokenBucket(limit, clock=clock, sleep=clock.sleep)


async def departures(bucket: TokenBucket, clock: Clock, number: int) -> list[float]:
    """Return when so many requests may leave, one after the other, in seconds from 1000."""
    times: list[float] = []
    for _ in range(number):
        await bucket.acquire()
        times.append(clock.now - 1000)
    return times


@pytest.mark.parametrize(
    ("limit", "times"),
    [
        (RateLimit(4), [0, 0.25, 0.5, 0.75, 1]),
        (RateLimit(4, burst=3), [0, 0, 0, 0.25, 0.5, 0.75]),
        (RateLimit(1, per=2), [0, 2, 4]),
        (RateLimit(8, per=4, burst=2), [0, 0, 0.5, 1]),
        (RateLimit(0.5), [0, 2, 4]),
    ],
    ids=repr,
)
async def test_rate(limit: RateLimit, times: list[float]) -> None:
    """After a burst, requests leave at even intervals."""
    clock = Clock()
    assert await departures(bucket_of(limit, clock), clock, len(times)) == times


async def test_long_run() -> None:
    """Over a long time the rate is kept to the last request."""
    clock = Clock()
    times = await departures(bucket_of(RateLimit(16, burst=5), clock), clock, 1605)
    assert times[-1] == 100


async def test_quiet_spell() -> None:
    """After a quiet spell the burst is there again, in part or in full, and never more than that."""
    clock = Clock()
    bucket = bucket_of(RateLimit(4, burst=3), clock)
    assert await departures(bucket, clock, 3) == [0, 0, 0]
    clock.now = 1000.5
    assert await departures(bucket, clock, 3) == [0.5, 0.5, 0.75]
    clock.now = 1100
    assert await departures(bucket, clock, 5) == [100, 100, 100, 100.25, 100.5]


async def test_waiting_sleeps_once() -> None:
    """A request sleeps for as long as it must wait, and does not look again and again."""
    clock = Clock()
    await departures(bucket_of(RateLimit(4, burst=2), clock), clock, 4)
    assert clock.slept == [0.25, 0.25]


async def test_woken_at_once() -> None:
    """Those who wake at the same moment do not leave at the same moment."""
    clock = Clock()
    bucket = bucket_of(RateLimit(4), clock)
    times: list[float] = []

    async def leave() -> None:
        await bucket.acquire()
        times.append(clock.now - 1000)

    await asyncio.gather(*(leave() for _ in range(4)))
    assert times == [0, 0.25, 0.5, 0.75]


async def test_cancelled_waiter_takes_nothing() -> None:
    """Who gives up waiting leaves the token to the next."""
    clock = Clock()
    asleep = asyncio.Event()

    async def sleep_forever(seconds: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    bucket = TokenBucket(RateLimit(4), clock=clock, sleep=sleep_forever)
    await bucket.acquire()
    for _ in range(3):
        asleep.clear()
        waiter = asyncio.create_task(bucket.acquire())
        await asleep.wait()
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
    clock.now += 0.25
    asleep.clear()
    await asyncio.wait_for(bucket.acquire(), 1)
    assert not asleep.is_set()


async def test_real_clock() -> None:
    """By default the bucket goes by real time."""
    bucket = TokenBucket(RateLimit(100, burst=1))
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(4):
        await bucket.acquire()
    assert 0.025 < loop.time() - began < 1


class OwnLimiter:
    """A limiter of a caller's own, which knows nothing of this library."""

    def __init__(self) -> None:
        self.waiting = 0
        self.most_waiting = 0
        self.granted = 0
        self.open = asyncio.Event()

    async def acquire(self) -> None:
        """Let nobody pass before the door is open."""
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        try:
            await self.open.wait()
            self.granted += 1
        finally:
            self.waiting -= 1


def test_what_is_a_limiter() -> None:
    """Anything with `acquire` is one; a rate limit, which only describes one, is not."""
    assert isinstance(OwnLimiter(), Limiter)
    assert isinstance(TokenBucket(RateLimit(1)), Limiter)
    assert not isinstance(RateLimit(1), Limiter)
    assert not isinstance(object(), Limiter)


async def test_one_at_a_time_in_order() -> None:
    """The limiter is asked for one waiting attempt at a time, in the order they came, whoever gives up."""
    limiter = OwnLimiter()
    admission = Admission(limiter, 10)
    assert admission.limited
    order: list[int] = []

    async def pass_through(number: int) -> None:
        await admission.enter()
        order.append(number)

    tasks = [asyncio.create_task(pass_through(number)) for number in range(5)]
    for _ in range(3):
        await asyncio.sleep(0)
    tasks[0].cancel()  # waits in the limiter
    tasks[2].cancel()  # waits in the queue
    for _ in range(3):
        await asyncio.sleep(0)
    limiter.open.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert order == [1, 3, 4]
    assert [isinstance(one, asyncio.CancelledError) for one in done] == [True, False, True, False, False]
    assert (limiter.most_waiting, limiter.granted) == (1, 3)


async def test_without_a_rate_limit() -> None:
    """Without a limiter there is no door."""
    admission = Admission(None, 1)
    assert not admission.limited
    await asyncio.wait_for(admission.enter(), 1)


async def test_connections() -> None:
    """As many go in as there are connections; the next goes in when one comes back."""
    admission = Admission(None, 2)
    await admission.enter()
    assert not admission.crowded
    await admission.enter()
    assert admission.crowded
    third = asyncio.create_task(admission.enter())
    await asyncio.sleep(0)
    assert not third.done()
    admission.leave()
    await asyncio.wait_for(third, 1)
    assert admission.crowded
    admission.leave()
    assert not admission.crowded


async def test_a_grant_is_used_at_once() -> None:
    """With no connection free the limiter is not asked: grants that waited for one would all be used together."""
    limiter = OwnLimiter()
    limiter.open.set()
    admission = Admission(limiter, 1)
    await admission.enter()
    waiting = [asyncio.create_task(admission.enter()) for _ in range(3)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert limiter.granted == 1
    admission.leave()
    await asyncio.wait_for(waiting[0], 1)
    assert limiter.granted == 2
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    admission.leave()
    assert not admission.crowded
