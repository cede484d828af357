"""The outcomes of a fan-out that wait to be read, and counts of all outcomes."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from refold_async.jobs.outcomes import Outcome, Status

__all__ = ["OutcomeQueue"]

Item = TypeVar("Item")
T = TypeVar("T")


class OutcomeQueue(Generic[Item, T]):
    """The outcomes that nobody has read yet, in the order in which they came."""

    def __init__(self, on_failure: Callable[[Outcome[Item, T], int, int], object]) -> None:
        """Start empty.

        Args:
            on_failure: Called with each outcome of this run that is not a success, the number of these so far, and the
                number of items that have ended in this run.
        """
        self._on_failure = on_failure
        self._failures = 0
        self.unread: deque[Outcome[Item, T]] = deque()
        """The outcomes."""
        self.ended_as: dict[Status, int] = {"ok": 0, "failed": 0, "unknown": 0}
        """How many items have ended each way."""
        self.recorded = 0
        """How many of those ended in an earlier run."""
        self.news = asyncio.Event()
        """Set when there is an outcome to read, or when there may be nothing left to wait for."""

    def put(self, outcome: Outcome[Item, T]) -> None:
        """Count an outcome, and keep it until it is read."""
        self.ended_as[outcome.status] += 1
        self.recorded += outcome.recorded
        self.unread.append(outcome)
        self.news.set()
        if outcome.status != "ok" and not outcome.recorded:
            self._failures += 1
            self._on_failure(outcome, self._failures, sum(self.ended_as.values()) - self.recorded)
