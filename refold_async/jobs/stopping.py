"""Stopping a fan-out: why it stops, and what happens to what is still in flight."""

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
"""Seconds that are longer than any job; no timer is set for them."""
_ENOUGH_FOR_A_SHARE: Final = 20
"""How many items must have ended before their share of failures means something."""


class Stopper(Generic[Item]):
    """Stops a fan-out: on request, when too many items fail, or when its time is over."""

    def __init__(self, *, grace: object, job_timeout: object, stop_after: object) -> None:
        """Prepare to stop a fan-out that has not started yet.

        Args:
            grace: Seconds that items in flight get to end.
            job_timeout: Seconds until the fan-out is stopped, or None.
            stop_after: How many items may fail, or what share of them, or None.

        Raises:
            ConfigurationError: An argument is not valid.
        """
        self.grace = _check_seconds("grace", grace)
        """Seconds that items in flight get to end."""
        self._job_timeout = None if job_timeout is None else _check_seconds("job_timeout", job_timeout)
        self._stop_after = _check_stop_after(stop_after)
        self._feeder: Feeder[Item] | None = None
        self._item_tasks: ItemTasks[Item, Any] | None = None
        self._loop: asyncio.AbstractEventLoop
        self._timers: list[asyncio.TimerHandle] = []
        self.stopped = False
        """Whether it was stopped before all items had ended."""
        self.error: RefoldError | None = None
        """The error that stopped it, if there is one."""

    def start(self, loop: asyncio.AbstractEventLoop, feeder: Feeder[Item], item_tasks: ItemTasks[Item, Any]) -> None:
        """Stop these when it is time; immediately if `stop()` was called before."""
        self._loop = loop
        self._feeder = feeder
        self._item_tasks = item_tasks
        if self.stopped:
            feeder.stop()
        elif self._job_timeout is not None and self._job_timeout < _FOR_EVER:
            over = FanOutStoppedError(
                f"The job took longer than job_timeout={self._job_timeout:g} seconds. Items without an outcome are in "
                "the fan-out's `unfinished`."
            )
            self._timers.append(loop.call_later(self._job_timeout, self.stop, over))

    def stop(self, error: RefoldError | None = None) -> None:
        """Take no more items, begin none, and cancel what is still in flight after `grace` seconds."""
        self.error = self.error or error
        if self.stopped:
            return
        self.stopped = True
        if self._feeder is None or self._item_tasks is None:
            return
        self._feeder.stop()
        self._item_tasks.stop()
        if self.grace < _FOR_EVER:
            self._timers.append(self._loop.call_later(self.grace, self.cancel))

    def note_failure(self, outcome: Outcome[Any, Any], failures: int, ended: int) -> None:
        """Stop if too many items failed.

        Args:
            outcome: The last one that failed.
            failures: How many failed.
            ended: How many ended, in any way.
        """
        most = self._stop_after
        if most is None:
            return
        share = failures / ended if ended >= _ENOUGH_FOR_A_SHARE else 0.0
        if (failures if isinstance(most, int) else share) >= most:
            error = FanOutStoppedError(
                f"{failures} of {ended} items did not succeed, so stop_after={most} stopped the job. "
                f"The last error: {'' if outcome.error is None else safe_str(outcome.error)}"
            )
            error.__cause__ = outcome.error
            self.stop(error)

    def cancel(self) -> None:
        """Cancel everything that is in flight."""
        if self._feeder is not None and self._item_tasks is not None:
            self._feeder.cancel()  # again: a source may swallow a cancellation
            self._item_tasks.cancel()

    async def wait_until_ended(self) -> None:
        """Wait until everything in flight has ended."""
        if self._feeder is not None and self._item_tasks is not None:
            await self._feeder.wait_until_ended()
            await self._item_tasks.wait_until_ended()

    def forget_timers(self) -> None:
        """Cancel the timers."""
        for timer in self._timers:
            timer.cancel()

    def detach(self) -> None:
        """Drop the references to what has ended: otherwise it would stay in memory until the garbage collector runs."""
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
