"""The rate that requests leave at by a limit that is known."""

from itertools import pairwise
from typing import Final

import pytest

from refold_async import RateLimit
from refold_async.limits.token_bucket import TokenBucket

BEGIN: Final = 1000.0  # the times of the first tests have exact binary fractions


def departures(
    bucket: TokenBucket, number: int, *, smoothed: bool = False, now: float = BEGIN, late: float = 0.0
) -> list[float]:
    """Return when so many requests leave, one after the other, in seconds from 1000; each wakes up `late`."""
    times: list[float] = []
    for _ in range(number):
        wait = bucket.wait(now, smoothed=smoothed)
        now += wait + (late if wait else 0)
        bucket.take(now)
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
def test_interactive_requests_use_the_burst(limit: RateLimit, times: list[float]) -> None:
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


def test_bulk_leaves_smoothed_and_keeps_the_burst_in_reserve() -> None:
    """Half an interval is all that bulk takes of it; the rest is there for interactive requests at any time."""
    bucket = TokenBucket(RateLimit(4, burst=5))
    assert departures(bucket, 5, smoothed=True) == [0, 0.125, 0.375, 0.625, 0.875]
    assert departures(bucket, 4, now=BEGIN + 0.875) == [0.875, 0.875, 0.875, 1.0]
    assert bucket.wait(BEGIN + 1, smoothed=True) == 1.125


@pytest.mark.parametrize("limit", [RateLimit(20, burst=5), RateLimit(200, burst=20)], ids=repr)
def test_bulk_catches_up_with_the_lateness_of_the_loop(limit: RateLimit) -> None:
    """Though every wait lasts a little longer than asked, the rate is reached, and never passed."""
    times = departures(TokenBucket(limit), 1000, smoothed=True, late=0.002)
    assert times[-1] == pytest.approx(999 / limit.rate, abs=0.03)
    assert all(later - earlier >= 10 / limit.rate - 0.025 for earlier, later in zip(times, times[10:], strict=False))


@pytest.mark.parametrize("smoothed", [False, True])
@pytest.mark.parametrize(("rate", "least", "most"), [(10, 0.101, 0.103), (1000, 0.00102, 0.00302)])
def test_without_a_burst_the_limit_is_strict(rate: float, least: float, most: float, smoothed: bool) -> None:
    """Lateness is not caught up with, and there is a margin: a request that comes a moment early would be refused."""
    times = departures(TokenBucket(RateLimit(rate)), 100, smoothed=smoothed, late=0.002)
    assert all(least - 1e-9 <= later - earlier <= most + 1e-9 for earlier, later in pairwise(times))
