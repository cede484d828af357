"""Stopping a fan-out: why it stops, and what becomes of what is still under way."""

import asyncio
from typing import Any, Final, Generic, TypeVar

from refold_async.errors import ConfigurationError, FanOutStoppedError, RefoldError
from refold_async.jobs.feeding import Feeder
from refold_async.jobs.item_tasks import ItemTasks
from refold_async.jobs.outcomes import Outcome
from refold_async.runtime.foreign_errors import safe_str

__all__ = ["Stopper"]

Item = TypeVar("Item")

_FOR_EVER: Final = 1e8
"""Seconds that no job lasts, and no event loop has to set a timer for."""
_ENOUGH_FOR_A_SHARE: Final = 20
"""How many items must have ended for their share of failures to mean something."""


class Stopper(Generic[Item]):
    """Stops a fan-out: when it is told to, when too many items fail, and when its time is over."""

    def __init__(self, *, grace: object, job_timeout: object, stop_after: object) -> None:
        """Be ready to stop what is not started yet.

        Args:
            grace: Seconds that items in flight get to end.
            job_timeout: Seconds until the fan-out is stopped, or None.
            stop_after: How many items may fail, or which share of them, or None.

        Raises:
            ConfigurationError: An argument is none of these.
        """
        self.grace = _check_seconds("grace", grace)
        """Seconds that items in flight get to end."""
        self._job_timeout = None if job_timeout is None else _check_seconds("job_timeout", job_timeout)
        self._stop_after = _check_stop_after(stop_after)
        self._feeder: Feeder[Item] | None = None
        self._item_tasks: ItemTasks[Item, Any] | None = None
        self._loop: asyncio.AbstractEventLoop
        self._timers: list[asyncio.TimerHandle] = []
        self._stopped = False
        self.error: RefoldError | None = None
        """Why it was stopped, if for an error."""

    def start(self, loop: asyncio.AbstractEventLoop, feeder: Feeder[Item], item_tasks: ItemTasks[Item, Any]) -> None:
        """Stop these when it is time, or at once if that was asked for before."""
        self._loop = loop
        self._feeder = feeder
        self._item_tasks = item_tasks
        if self._stopped:
            feeder.stop()
        elif self._job_timeout is not None and self._job_timeout < _FOR_EVER:
            over = FanOutStoppedError(f"The {self._job_timeout:g} seconds that job_timeout= allows were over.")
            self._timers.append(loop.call_later(self._job_timeout, self.stop, over))

    def stop(self, error: RefoldError | None = None) -> None:
        """Take no more items, begin none, and cancel after `grace` seconds what is still in flight."""
        self.error = self.error or error
        if self._stopped:
            return
        self._stopped = True
        if self._feeder is None or self._item_tasks is None:
            return
        self._feeder.stop()
        self._item_tasks.stop()
        if self.grace < _FOR_EVER:
            self._timers.append(self._loop.call_later(self.grace, self.cancel))

    def note_failure(self, outcome: Outcome[Any, Any], failures: int, ended: int) -> None:
        """Stop if too many items failed.

        Args:
            outcome: The last that did.
            failures: How many did.
            ended: How many ended, whichever way.
        """
        most = self._stop_after
        if most is None:
            return
        share = failures / ended if ended >= _ENOUGH_FOR_A_SHARE else 0.0
        if (failures if isinstance(most, int) else share) >= most:
            error = FanOutStoppedError(
                f"{failures} of {ended} items did not succeed, which is where stop_after={most} ends it. "
                f"The last error: {'' if outcome.error is None else safe_str(outcome.error)}"
            )
            error.__cause__ = outcome.error
            self.stop(error)

    def cancel(self) -> None:
        """Cancel all that is under way."""
        if self._feeder is not None and self._item_tasks is not None:
            self._feeder.cancel()  # again: a source may swallow a cancellation
            self._item_tasks.cancel()

    async def wait_until_ended(self) -> None:
        """Wait for all that is under way to end."""
        if self._feeder is not None and self._item_tasks is not None:
            await self._feeder.wait_until_ended()
            await self._item_tasks.wait_until_ended()

    def forget_timers(self) -> None:
        """Stop by no timer any more."""
        for timer in self._timers:
            timer.cancel()

    def detach(self) -> None:
        """Let go of what has ended, which else would hold itself, and its items, until the garbage collector looks."""
        self._feeder = None
        self._item_tasks = None


def _check_seconds(name: str, value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not value >= 0:
        raise ConfigurationError(f"{name} must be a number of seconds, 0 or more, got {value!r}.")
    return value


def _check_stop_after(value: Any) -> float | None:
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if value is None or whole or (isinstance(value, float) and 0 < value <= 1):
        return value  # type: ignore[no-any-return]
    raise ConfigurationError(
        f"stop_after must be a number of failures, such as 10, or a share of them, such as 0.5; got {value!r}."
    )
