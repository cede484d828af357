"""The slots that a process has reserved, on its own clock. Pure: time is passed in."""

import heapq
import math
from collections import Counter
from collections.abc import Iterable
from typing import Final

from refold_async.limits.fair_queue import Priority

__all__ = ["ClockOffset", "Slots"]

_DRIFT: Final = 1e-4
"""The most seconds that two clocks drift apart in one second."""


class Slots:
    """Times at which one request each may be sent. Each was reserved for a priority, and serves any."""

    def __init__(self) -> None:
        self._slots: list[tuple[float, Priority]] = []
        self._counts: Counter[Priority] = Counter()

    def __len__(self) -> int:
        return len(self._slots)

    def add(self, priority: Priority, times: Iterable[float]) -> None:
        """Add slots that were reserved for a priority."""
        for time in times:
            heapq.heappush(self._slots, (time, priority))
            self._counts[priority] += 1

    def count(self, priority: Priority) -> int:
        """Return how many slots are left that were reserved for a priority."""
        return self._counts[priority]

    def next(self) -> float:
        """Return the time of the first slot, or infinity."""
        return self._slots[0][0] if self._slots else math.inf

    def drop_before(self, time: float) -> None:
        """Drop the slots before a time: what is late comes together with the slots of others."""
        while self._slots and self._slots[0][0] < time:
            self.pop()

    def pop(self) -> None:
        """Use the first slot."""
        _, priority = heapq.heappop(self._slots)
        self._counts[priority] -= 1


class ClockOffset:
    """Knows how far the clock of a server is ahead of this process's clock, from the exchanges with the server."""

    def __init__(self) -> None:
        self._low = -math.inf
        self._high = math.inf
        self._at = 0.0

    def note(self, sent: float, received: float, there: float) -> None:
        """Learn from an exchange.

        Args:
            sent: When the request was sent, by the clock of this process.
            received: When the response was received.
            there: The time in between by the clock of the server.
        """
        drift = (received - self._at) * _DRIFT
        self._at = received
        low, high = there - received, there - sent
        self._low, self._high = max(self._low - drift, low), min(self._high + drift, high)
        if self._low > self._high:  # a clock was set, or this is another server
            self._low, self._high = low, high

    def here(self, there: float) -> float:
        """Return the time on the clock of this process."""
        return there - (self._low + self._high) / 2
