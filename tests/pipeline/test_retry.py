"""How long to wait before trying again."""

import math

import pytest

from refold_async import RetryPolicy
from refold_async.pipeline.retry import retry_delay

POLICY = RetryPolicy(initial_delay=0.5, max_delay=10, max_retry_after=60)


def longest(wait: float) -> float:
    """Jitter that never shortens."""
    return wait


def shortest(wait: float) -> float:
    """Jitter that takes all away."""
    return 0 * wait


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 0.5), (2, 1), (3, 2), (4, 4), (5, 8), (6, 10), (7, 10), (100, 10)]
)
def test_growth_and_cap(attempts: int, seconds: float) -> None:
    """The longest pause doubles with each attempt, up to a limit."""
    assert retry_delay(POLICY, attempts, None, longest) == seconds


@pytest.mark.parametrize("attempts", [1, 5])
def test_no_pause(attempts: int) -> None:
    """A policy without delays tries again at once."""
    assert retry_delay(RetryPolicy(initial_delay=0), attempts, None, longest) == 0
    assert retry_delay(RetryPolicy(max_delay=0), attempts, None, longest) == 0


@pytest.mark.parametrize(("attempts", "cap"), [(1, 0.5), (3, 2), (9, 10)])
def test_jitter(attempts: int, cap: float) -> None:
    """By default the pause is random between nothing and its longest: many clients do not come back together."""
    delays = [retry_delay(POLICY, attempts, None) for _ in range(300)]
    assert all(delay is not None and 0 <= delay <= cap for delay in delays)
    assert len(set(delays)) > 250
    assert min(delay or 0 for delay in delays) < cap / 4
    assert max(delay or 0 for delay in delays) > cap * 3 / 4


@pytest.mark.parametrize("retry_after", [0, 0.25, 7, 59.9, 60])
def test_retry_after_is_a_floor(retry_after: float) -> None:
    """What a response asks for is waited for in full; jitter comes on top of it."""
    assert retry_delay(POLICY, 3, retry_after, shortest) == retry_after
    assert retry_delay(POLICY, 3, retry_after, longest) == retry_after + 2


def test_retry_after_is_never_shortened() -> None:
    """No throw of the dice brings a client back early, nor all clients back at once."""
    delays = [retry_delay(POLICY, 3, 7) for _ in range(300)]
    assert all(delay is not None and 7 <= delay <= 9 for delay in delays)
    assert len(set(delays)) > 250


@pytest.mark.parametrize("retry_after", [60.1, 3600, math.inf])
def test_retry_after_that_is_too_long(retry_after: float) -> None:
    """Beyond the policy's limit there is no waiting, and no coming back earlier."""
    assert retry_delay(POLICY, 1, retry_after, shortest) is None


def test_limit_of_retry_after() -> None:
    """The limit is the policy's to set: at 0 nothing is waited for, at infinity all."""
    assert retry_delay(RetryPolicy(max_retry_after=0), 1, 1, shortest) is None
    assert retry_delay(RetryPolicy(max_retry_after=0), 1, 0, shortest) == 0
    assert retry_delay(RetryPolicy(max_retry_after=math.inf), 1, 86_400, shortest) == 86_400
