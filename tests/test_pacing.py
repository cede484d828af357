"""The rates that requests leave at: the one a limit describes, and the one that refusals teach."""

import heapq
import random
from collections.abc import Callable
from itertools import pairwise
from typing import Final

import attrs
import pytest

from refold_async import RateLimit
from refold_async.pacing import LearnedRate, Pace, TokenBucket

BEGIN: Final = 1000.0  # the times of the first tests have exact binary fractions


def departures(pace: Pace, number: int, *, evenly: bool = False, now: float = BEGIN, late: float = 0.0) -> list[float]:
    """Return when so many requests leave, one after the other, in seconds from 1000; each wakes up `late`."""
    times: list[float] = []
    for _ in range(number):
        wait = pace.wait(now, evenly=evenly)
        now += wait + (late if wait else 0)
        pace.take(now)
        times.append(now - BEGIN)
    return times


@pytest.mark.parametrize(
    ("limit", "times"),
    [
        (RateLimit(4, burst=3), [0, 0, 0, 0.25, 0.5, 0.75]),
        (RateLimit(1, per=2, burst=2), [0, 0, 2, 4]),
        (RateLimit(8, per=4, burst=2), [0, 0, 0.5, 1]),
        (RateLimit(0.5, burst=2), [0, 0, 2, 4]),
    ],
    ids=repr,
)
def test_single_calls_use_the_burst(limit: RateLimit, times: list[float]) -> None:
    """After a burst, requests leave at even intervals."""
    assert departures(TokenBucket(limit), len(times)) == times


def test_over_a_long_time_the_rate_is_kept_to_the_last_request() -> None:
    """Nothing is lost and nothing gained by the way waits are computed."""
    assert departures(TokenBucket(RateLimit(16, burst=5)), 1605)[-1] == 100


def test_after_a_quiet_spell_the_burst_is_there_again() -> None:
    """In part or in full, and never more than that."""
    bucket = TokenBucket(RateLimit(4, burst=3))
    assert departures(bucket, 3) == [0, 0, 0]
    assert departures(bucket, 3, now=BEGIN + 0.5) == [0.5, 0.5, 0.75]
    assert bucket.is_full(BEGIN + 1.5)
    assert not bucket.is_full(BEGIN + 1.25)
    assert departures(bucket, 5, now=BEGIN + 100) == [100, 100, 100, 100.25, 100.5]


def test_jobs_leave_evenly_and_keep_the_burst_in_reserve() -> None:
    """Half an interval is all that a job takes of it; the rest is there for single calls at any time."""
    bucket = TokenBucket(RateLimit(4, burst=5))
    assert departures(bucket, 5, evenly=True) == [0, 0.125, 0.375, 0.625, 0.875]
    assert departures(bucket, 4, now=BEGIN + 0.875) == [0.875, 0.875, 0.875, 1.0]
    assert bucket.wait(BEGIN + 1, evenly=True) == 1.125


@pytest.mark.parametrize("limit", [RateLimit(20, burst=5), RateLimit(200, burst=20)], ids=repr)
def test_jobs_catch_up_with_the_lateness_of_the_loop(limit: RateLimit) -> None:
    """Though every wait lasts a little longer than asked, the rate is reached, and never passed."""
    times = departures(TokenBucket(limit), 1000, evenly=True, late=0.002)
    assert times[-1] == pytest.approx(999 / limit.rate, abs=0.03)
    assert all(later - earlier >= 10 / limit.rate - 0.025 for earlier, later in zip(times, times[10:], strict=False))


@pytest.mark.parametrize("evenly", [False, True])
@pytest.mark.parametrize(("rate", "least", "most"), [(10, 0.101, 0.103), (1000, 0.00102, 0.00302)])
def test_without_a_burst_the_limit_is_strict(rate: float, least: float, most: float, evenly: bool) -> None:
    """Lateness is not caught up with, and there is a margin: a request that comes a moment early would be refused."""
    times = departures(TokenBucket(RateLimit(rate)), 100, evenly=evenly, late=0.002)
    assert all(least - 1e-9 <= later - earlier <= most + 1e-9 for earlier, later in pairwise(times))


def test_without_refusals_there_is_no_rate() -> None:
    """A thousand answers teach nothing to keep to."""
    pace = LearnedRate()
    for number in range(1000):
        pace.accepted(BEGIN + number / 100, BEGIN + number / 100 + 0.05)
        assert pace.wait(BEGIN + number / 100, evenly=True) == 0
    assert not pace.known


@attrs.define
class Bucket:
    """A server's limit: so many a second, so many at once."""

    rate: float
    burst: float
    tokens: float = attrs.field(init=False)
    time: float = 0.0

    def __attrs_post_init__(self) -> None:
        self.tokens = self.burst

    def take(self, now: float) -> bool:
        """Take one if there is one."""
        self.tokens = min(self.burst, self.tokens + (now - self.time) * self.rate)
        self.time = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@attrs.define
class Closed:
    """A server that takes nothing until a certain time, and all after it."""

    until: float

    def take(self, now: float) -> bool:
        """Take all once it is time."""
        return now >= self.until


@attrs.frozen
class Result:
    """How a simulated job went."""

    seconds: float
    refused: list[float]
    """When."""
    accepted: list[float]


def job(
    take: Callable[[float], bool],
    items: int,
    *,
    pace: LearnedRate | None = None,
    retry_after: float | None = None,
    jitter: float = 0.0,
    latency: float = 0.05,
    refused_at_once: bool = False,
    concurrency: int = 50,
    seed: int = 0,
) -> Result:
    """Simulate a job of so many items against a server: who is refused takes its turn again.

    Args:
        take: Tells whether the server takes a request that arrives at a time.
        items: How many there are.
        pace: What it goes by, a new one by default.
        retry_after: What the server's refusals ask for.
        jitter: Seconds that a request may take longer to arrive.
        latency: Seconds from there to the answer.
        refused_at_once: Whether refusals are quicker than that.
        concurrency: How many are in flight at most.
        seed: Of the jitter.
    """
    pace = pace or LearnedRate()
    chance = random.Random(seed)
    events: list[tuple[float, int, str, float]] = []
    now, number, paused_until, look_at = 0.0, 0, 0.0, 0.0
    waiting, left = min(concurrency, items), max(0, items - concurrency)
    accepted: list[float] = []
    refused: list[float] = []

    def later(when: float, what: str, sent_at: float = 0.0) -> None:
        nonlocal number
        number += 1
        heapq.heappush(events, (when, number, what, sent_at))

    later(0.0, "look")
    while len(accepted) < items:
        now, _, what, sent_at = heapq.heappop(events)
        if what == "arrives":
            if take(now):
                later(now + latency, "accepted", sent_at)
            else:
                later(now + (0.001 if refused_at_once else latency), "refused", sent_at)
        elif what == "accepted":
            pace.accepted(sent_at, now)
            accepted.append(sent_at)
            if left:
                left, waiting = left - 1, waiting + 1
        elif what == "look" and now < look_at:
            continue
        elif what == "refused":
            pace.refused(sent_at, now)
            refused.append(sent_at)
            waiting += 1
            paused_until = max(paused_until, now + (retry_after or 0))
        while waiting:
            wait = max(pace.wait(now, evenly=True), paused_until - now)
            if wait > 1e-9:
                if not now < look_at <= now + wait + 0.0005:
                    look_at = now + wait + chance.uniform(0, 0.0005)
                    later(look_at, "look")
                break
            pace.take(now)
            waiting -= 1
            later(now + chance.uniform(0, jitter), "arrives", now)
    return Result(now, refused, accepted)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("refused_at_once", [False, True])
@pytest.mark.parametrize(
    ("bucket", "items", "retry_after", "jitter", "times_ideal", "share_refused"),
    [
        (Bucket(200, 20), 3000, None, 0.0, 1.15, 0.05),
        (Bucket(200, 20), 3000, 1.0, 0.0, 1.3, 0.05),
        (Bucket(200, 20), 3000, None, 0.02, 1.3, 0.05),
        (Bucket(20, 5), 1000, None, 0.02, 1.1, 0.1),
        (Bucket(20, 5), 1000, 1.0, 0.02, 1.3, 0.1),
        (Bucket(5, 5), 200, None, 0.02, 1.5, 0.25),
    ],
    ids=str,
)
def test_a_limit_is_learned_from_refusals(
    bucket: Bucket,
    items: int,
    retry_after: float | None,
    jitter: float,
    times_ideal: float,
    share_refused: float,
    refused_at_once: bool,
    seed: int,
) -> None:
    """A job comes close to the time it would take who knew the limit, and is refused seldom."""
    server = attrs.evolve(bucket)
    result = job(server.take, items, retry_after=retry_after, jitter=jitter, refused_at_once=refused_at_once, seed=seed)
    assert result.seconds <= times_ideal * (items - bucket.burst) / bucket.rate
    assert len(result.refused) <= share_refused * (items + len(result.refused))


def test_a_limit_that_falls_and_rises_is_followed() -> None:
    """From 200 a second to 40, and back: the job goes at what there is before long."""
    server = Bucket(200, 20)

    def take(now: float) -> bool:
        server.rate = 40 if 10 < now < 40 else 200
        return server.take(now)

    result = job(take, 20_000)

    def rate(since: float, until: float) -> float:
        return sum(1 for time in result.accepted if since <= time < until) / (until - since)

    assert rate(4, 10) > 170
    assert 34 < rate(14, 40) <= 41
    assert rate(40, 60) < rate(80, 90)
    assert rate(120, 130) > 170


def test_a_closed_server_is_looked_at_seldom() -> None:
    """Where nothing is accepted for a minute, one request a time looks, after pauses that double up to 10 seconds."""
    result = job(Closed(60).take, 200)
    # The whole job was under way when the first refusal came.
    looks = [time for time in result.refused if time > 0]
    assert len(looks) <= 16
    pauses = [later - earlier for earlier, later in pairwise(looks)]
    assert max(pauses) <= 11
    assert result.seconds < 60 + 11 + 10


def test_a_limit_is_forgotten() -> None:
    """After a long time without refusals there is no rate to keep to."""
    pace = LearnedRate()
    job(Bucket(200, 20).take, 1000, pace=pace)
    assert pace.known
    assert pace.wait(10_000, evenly=True) == 0
    pace.take(10_000)
    assert not pace.known
