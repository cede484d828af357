"""How far a fan-out is: counts of its items, and their rate."""

from collections import deque
from typing import Final

import attrs

__all__ = ["SPAN", "Counts", "Progress", "RecentRate"]

SPAN: Final = 20.0
"""Seconds that a rate is measured over."""


@attrs.frozen(kw_only=True)
class Progress:
    """How far a fan-out is."""

    done: int
    """How many items have ended, whichever way."""
    ok: int
    """How many of them succeeded."""
    failed: int
    """How many failed."""
    unknown: int
    """How many may or may not have happened."""
    in_flight: int
    """How many were taken and have not ended."""
    total: int | None
    """How many items there are in all, if that is known."""
    rate: float
    """Items that ended per second, over about the last 20 seconds. Those of an earlier run do not count."""
    time_left: float | None
    """Seconds until all are done at this rate, or None where there is no telling; 0 when the fan-out has ended."""
    elapsed: float
    """Seconds since the fan-out began."""
    paused_for: float | None = None
    """Seconds for which refusals (HTTP 429) have kept all items in flight waiting; None while the job goes on, and
    during the first second."""


@attrs.frozen(kw_only=True)
class Counts:
    """How many items of a fan-out have ended each way, and how many have not."""

    ok: int = 0
    """Items that succeeded."""
    failed: int = 0
    """Items that failed."""
    unknown: int = 0
    """Items that may or may not have happened."""
    in_flight: int = 0
    """Items that were taken and have not ended."""
    recorded: int = 0
    """How many of those that ended did so in an earlier run of the job."""
    held_up: int = 0
    """How many of those in flight wait because requests were refused."""


class RecentRate:
    """Items per second lately. Measured every now and then, it remembers one sample a second."""

    def __init__(self, now: float) -> None:
        self._samples = deque([(now, 0)])

    def measure(self, now: float, ended: int) -> float:
        """Return the rate, given the time and how many items have ended since the start."""
        samples = self._samples
        if now - samples[-1][0] >= 1:
            samples.append((now, ended))
        while len(samples) > 1 and samples[1][0] <= now - SPAN:
            samples.popleft()
        since, before = samples[0]
        return (ended - before) / (now - since) if now > since else 0.0
