"""Deadlines for many attempts by one timer.

A timer of its own for each attempt, as `asyncio.timeout` makes, costs more than all else the client does for a call,
and hardly one of them ever fires. Here attempts only sign in and out; the timer is set for the earliest deadline,
and looks at who is still there when it fires.
"""

import asyncio
import math
from types import TracebackType
from typing import Final, Self

__all__ = ["Deadline", "Deadlines"]


_PRECISION: Final = 0.01
"""How late a deadline may be met, in seconds."""


class Deadlines:
    """The deadlines of all that a client waits for, in one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.now = loop.time
        self.closed = False
        self._running: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._next = math.inf

    def add(self, deadline: "Deadline") -> None:
        """Watch a deadline, and see to it that the timer fires no later."""
        self._running.add(deadline)
        if deadline.when < self._next:
            self._set_timer(deadline.when)

    def remove(self, deadline: "Deadline") -> None:
        """Stop watching a deadline. The timer stays: setting it anew for each would be the cost to avoid."""
        self._running.discard(deadline)

    def close(self) -> None:
        """End every wait at once, whatever its deadline."""
        self.closed = True
        self._set_timer(math.inf)
        for deadline in self._running:
            deadline.expire()
        self._running.clear()

    def _fire(self) -> None:
        """End what is due, and set the timer for what is left."""
        now = self.now()
        for deadline in [deadline for deadline in self._running if deadline.when <= now]:
            self._running.remove(deadline)
            deadline.expire()
        # Not at once again: many deadlines close together would each cost a look at all of them.
        earliest = min((deadline.when for deadline in self._running), default=math.inf)
        self._set_timer(max(earliest, now + _PRECISION))

    def _set_timer(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next = when
        self._timer = None if when == math.inf else self.loop.call_at(when, self._fire)


class Deadline:
    """A context manager that ends its block with a TimeoutError at `when`, by the loop's clock, or on close.

    Keeps to what `asyncio.timeout_at` promises: a cancellation from outside stays a cancellation, even at that moment.
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
        """Whether somebody else has cancelled the task since the block began."""
        return self._task.cancelling() > self._cancellations

    def expire(self) -> None:
        """End the block."""
        self.expired = True
        self._task.cancel()

    def __enter__(self) -> Self:
        if self.when <= self._deadlines.now():
            self.expired = True
            raise TimeoutError
        self._deadlines.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._deadlines.remove(self)
        if self.expired and self._task.uncancel() <= self._cancellations and kind is asyncio.CancelledError:
            raise TimeoutError from error
