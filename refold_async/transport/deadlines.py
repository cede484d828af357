"""Deadlines for many attempts with one timer.

One timer per attempt, as `asyncio.timeout` makes, costs more than everything else the client does for a call, and
hardly any of them ever fires. Here attempts only register and unregister. The timer is set for the earliest deadline.
When it fires, it checks which attempts are still registered.
"""

import asyncio
import math
from types import TracebackType
from typing import Final, Self

__all__ = ["Deadline", "Deadlines"]


_PRECISION: Final = 0.01
"""By how many seconds a deadline may end its block too late."""


class Deadlines:
    """The deadlines of everything that a client waits for, in one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.now = loop.time
        self.closed = False
        self.running: set[Deadline] = set()
        self.next = math.inf
        """When the timer fires."""
        self._timer: asyncio.TimerHandle | None = None

    def close(self) -> None:
        """End every wait immediately, whatever its deadline."""
        self.closed = True
        self.set_timer(math.inf)
        for deadline in self.running:
            deadline.expire()
        self.running.clear()

    def _fire(self) -> None:
        """End the waits that are due, and set the timer for the others."""
        now = self.now()
        for deadline in [deadline for deadline in self.running if deadline.when <= now]:
            self.running.remove(deadline)
            deadline.expire()
        # Not immediately again: if many deadlines are close together, each firing would go through all of them.
        earliest = min((deadline.when for deadline in self.running), default=math.inf)
        self.set_timer(max(earliest, now + _PRECISION))

    def set_timer(self, when: float) -> None:
        """Set the timer to fire at `when`, or never if `when` is infinite."""
        if self._timer is not None:
            self._timer.cancel()
        self.next = when
        self._timer = None if when == math.inf else self.loop.call_at(when, self._fire)


class Deadline:
    """A context manager that ends its block with a TimeoutError at `when`, by the loop's clock, or on close.

    It keeps the promise of `asyncio.timeout_at`: a cancellation from outside stays a cancellation, even at that moment.
    """

    __slots__ = ("_cancellations", "_deadlines", "_task", "expired", "when")

    def __init__(self, deadlines: Deadlines, when: float) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline needs a task to end")
        self._deadlines = deadlines
        self._task = task
        self._cancellations = task.cancelling()
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
        deadlines.running.add(self)
        if self.when < deadlines.next:
            deadlines.set_timer(self.when)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # The timer is not changed: setting it again for each attempt is the cost that this avoids.
        self._deadlines.running.discard(self)
        if self.expired and self._task.uncancel() <= self._cancellations and kind is asyncio.CancelledError:
            raise TimeoutError from error
