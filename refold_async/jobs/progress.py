"""The progress of a fan-out: counts of its items, and their rate."""

from collections import deque
from typing import Final

import attrs

__all__ = ["SPAN", "Counts", "Progress", "RecentRate"]

SPAN: Final = 20.0
"""The seconds over which a rate is measured."""


@attrs.frozen(kw_only=True)
class Progress:
    """The progress of a fan-out, as `progress=` gets it."""

    done: int
    """How many items have ended, in any way."""
    ok: int
    """How many of them succeeded."""
    failed: int
    """How many of them failed."""
    unknown: int
    """How many of them may or may not have happened."""
    in_flight: int
    """How many items were taken and have not ended."""
    total: int | None
    """How many items there are in total, or None if that is not known."""
    rate: float
    """Items that ended per second, over about the last 20 seconds. Outcomes of an earlier run do not count."""
    time_left: float | None
    """Seconds until all items have ended at this rate, or None if that cannot be estimated; 0 when the fan-out has
    ended."""
    elapsed: float
    """Seconds since the fan-out began."""
    paused_for: float | None = None
    """Seconds for which all items in flight have been waiting because of refusals (HTTP 429). None while items make
    progress, and during the first second of waiting."""


@attrs.frozen(kw_only=True)
class Counts:
    """How many items of a fan-out have ended in each way, and how many have not ended."""

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
    """The current rate in items per second. It keeps one sample a second."""

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
