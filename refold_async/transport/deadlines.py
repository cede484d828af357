"""Deadlines for many attempts with one timer.

One timer per attempt, as `asyncio.timeout` makes, costs more than everything else the client does for a call, and
hardly any of them ever fires. Here attempts only register and unregister, and the timer is set for the earliest
deadline. Those that still run when it fires are put into order, each of them once, so that later firings look only at
what is due.
"""

import asyncio
import heapq
import math
from itertools import takewhile
from types import TracebackType
from typing import Final, Self

__all__ = ["Deadline", "Deadlines"]


_PRECISION: Final = 0.01
"""By how many seconds a deadline may end its block too late."""
_FEW: Final = 100
"""How many entries of blocks that have ended are not worth removing."""


class Deadlines:
    """The deadlines of everything that a client waits for, in one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.now = loop.time
        self.closed = False
        self.running: dict[int, Deadline] = {}
        """The deadlines of the blocks that run, by their numbers."""
        self.newest = 0
        """The highest number. Each block that begins gets the next one."""
        self.next = math.inf
        """When the timer fires."""
        self._timer: asyncio.TimerHandle | None = None
        self.order: list[tuple[float, int]] = []
        """A heap: when to check a block, and its number. The block may have ended."""
        self._newest_in_order = 0

    def close(self) -> None:
        """End every wait immediately, whatever its deadline."""
        self.closed = True
        self.set_timer(math.inf)
        for deadline in self.running.values():
            deadline.expire()
        self.running.clear()

    def _fire(self) -> None:
        """End the waits that are due, and set the timer for the others."""
        self._put_in_order()
        now = self.now()
        order, running = self.order, self.running
        while order and order[0][0] <= now:
            _, number = heapq.heappop(order)
            deadline = running.get(number)
            if deadline is None:
                continue
            if deadline.when > now:  # it was moved
                heapq.heappush(order, (deadline.when, number))
            else:
                del running[number]
                deadline.expire()
        # Not immediately again: if many deadlines are close together, the timer would fire for each of them.
        self.set_timer(max(order[0][0], now + _PRECISION) if order else math.inf)

    def _put_in_order(self) -> None:
        """Add the blocks that began since the last time. Remove those that ended, if they are many."""
        order, running = self.order, self.running
        recent = list(takewhile(lambda number: number > self._newest_in_order, reversed(running)))
        for number in reversed(recent):  # mostly the earliest first, which a heap takes most quickly
            heapq.heappush(order, (running[number].when, number))
        self._newest_in_order = self.newest
        if len(order) > 2 * len(running) + _FEW:
            order[:] = [(deadline.when, number) for number, deadline in running.items()]
            heapq.heapify(order)

    def set_timer(self, when: float) -> None:
        """Set the timer to fire at `when`, or never if `when` is infinite."""
        if self._timer is not None:
            self._timer.cancel()
        self.next = when
        self._timer = None if when == math.inf else self.loop.call_at(when, self._fire)


class Deadline:
    """A context manager that ends its block with a TimeoutError at `when`, by the loop's clock, or on close.

    It keeps the promise of `asyncio.timeout_at`: a cancellation from outside stays a cancellation, even at that moment.
    While the block runs, `when` may be moved to a later time.
    """

    __slots__ = ("_cancellations", "_deadlines", "_number", "_task", "expired", "when")

    def __init__(self, deadlines: Deadlines, when: float) -> None:
        task = asyncio.current_task(deadlines.loop)
        if task is None:
            raise RuntimeError("a deadline needs a task to end")
        self._deadlines = deadlines
        self._task = task
        self._cancellations = task.cancelling()
        self._number = 0
        self.when = when
        self.expired = False

    @property
    def cancelled_from_outside(self) -> bool:
        """Whether anything else has cancelled the task since the block began."""
        return self._task.cancelling() > self._cancellations

    def expire(self) -> None:
        """End the block."""
        self.expired = True
        self._task.cancel()

    def __enter__(self) -> Self:
        deadlines = self._deadlines
        if self.when <= deadlines.now():
            self.expired = True
            raise TimeoutError
        self._number = deadlines.newest = deadlines.newest + 1
        deadlines.running[self._number] = self
        if self.when < deadlines.next:
            deadlines.set_timer(self.when)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # The timer is not changed: setting it again for each attempt is the cost that this avoids.
        self._deadlines.running.pop(self._number, None)
        if self.expired and self._task.uncancel() <= self._cancellations and kind is asyncio.CancelledError:
            raise TimeoutError from error
