"""Reporting the progress of a fan-out, to a function or as a bar on stderr, at most ten times a second."""

import asyncio
import inspect
import math
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from refold_async.errors import ConfigurationError
from refold_async.jobs.progress import Counts, Progress, RecentRate
from refold_async.runtime.cancellation import wait_despite_cancellation
from refold_async.runtime.foreign_errors import safe_repr
from refold_async.runtime.log import logger

if TYPE_CHECKING:
    from refold_async.jobs.progress_bar import ProgressBar

__all__ = ["INTERVAL", "ProgressReporter"]

INTERVAL: Final = 0.1
"""Seconds between two checks."""
_WORTH_TELLING: Final = 1.0
"""Seconds after which a pause is worth reporting."""
_LAST_MOMENTS: Final = 1.0
"""Seconds that a cancelled call has to end."""


class ProgressReporter:
    """Checks a fan-out's counts ten times a second, and calls `progress` if they changed.

    It never makes a call while the previous one is still running. If a call raises, the error is logged and no more
    calls are made: no callback can harm the fan-out. If a call ends the program, for example by `sys.exit()`,
    `finish()` raises that: raised during the call, it would end the event loop before the program could clean up.
    """

    def __init__(
        self,
        progress: Callable[[Progress], object] | Literal[True],
        total: int | None,
        count: Callable[[], Counts],
        *,
        on_exit: Callable[[], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start nothing yet.

        Args:
            progress: The function to call, or True for a bar.
            total: How many items there are in total, if that is known.
            count: Returns the counts.
            on_exit: Called when `progress` ends the program: await `finish()` soon after.
            clock: Returns the time in seconds.
        """
        self._bar = _bar(total) if progress is True else None
        self._callback: Any = self._bar or progress
        if not callable(self._callback):
            raise ConfigurationError(f"progress must be True or a function that takes a Progress, got {progress!r}.")
        self._total = total
        self._count = count
        self._on_exit = on_exit
        self._exit: BaseException | None = None
        self._clock = clock
        self._told: object = None
        self._held_up_since: float | None = None
        self._held_up_at = -math.inf
        self._done_then = 0
        self._call: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to check the counts regularly."""
        self._began = self._clock()
        self._rate = RecentRate(self._began)
        self._told = self._news(Counts(), 0.0, None)
        self._look_later()

    def _look_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(INTERVAL, self._look)

    def _look(self) -> None:
        self._look_later()
        self.tick()

    def tick(self) -> None:
        """Report the progress if it changed and no call is running."""
        self._tell(ended=False)

    async def finish(self, timeout: float) -> None:
        """Stop checking, let the running call end, and make the last call.

        An awaitable that a call returned and that has not ended after `timeout` seconds is cancelled. If this wait is
        cancelled, it still continues to its end.

        Raises:
            KeyboardInterrupt: A call ended the program.
            SystemExit: A call ended the program.
        """
        if self._timer is not None:
            self._timer.cancel()
        ending = asyncio.create_task(self._end(timeout), name="refold_async progress ends")
        try:
            await wait_despite_cancellation(ending)
        finally:
            if self._exit is not None:
                raise self._exit
        if not ending.cancelled():
            ending.result()

    async def _end(self, timeout: float) -> None:
        until = asyncio.get_running_loop().time() + timeout
        await self._settle(until)
        self._tell(ended=True)
        await self._settle(until)
        if self._bar is not None:
            self._guard(self._bar.close)

    async def _settle(self, until: float) -> None:
        """Wait for the running call, and cancel it when its time is over."""
        call = self._call
        if call is None:
            return
        await asyncio.wait([call], timeout=until - asyncio.get_running_loop().time())
        if not call.done():
            self._callback = None
            logger.warning("progress= did not return after the fan-out had ended, and was cancelled.")
            call.cancel()
            await asyncio.wait([call], timeout=_LAST_MOMENTS)

    def _news(self, counts: Counts, elapsed: float, paused_for: float | None) -> object:
        """Return a value that changes when there is something new to report; for a bar, every second is new."""
        told = (attrs.evolve(counts, held_up=0), None if paused_for is None else int(paused_for))
        return told if self._bar is None else (told, int(elapsed))

    def _paused_for(self, counts: Counts, done: int, now: float) -> float | None:
        """Return for how many seconds refusals have held up the job, or None if that is too short to report."""
        held_up = 0 < counts.in_flight == counts.held_up
        if held_up and self._held_up_since is None:
            self._held_up_since = now
        if held_up:
            self._held_up_at = now
        elif done != self._done_then or now - self._held_up_at > _WORTH_TELLING:  # else the refusals may not be over
            self._held_up_since = None
        self._done_then = done
        paused_for = 0.0 if self._held_up_since is None else now - self._held_up_since
        return paused_for if paused_for >= _WORTH_TELLING else None

    def _tell(self, *, ended: bool) -> None:
        counts = self._count()
        done = counts.ok + counts.failed + counts.unknown
        now = self._clock()
        rate = self._rate.measure(now, done - counts.recorded)
        paused_for = self._paused_for(counts, done, now)
        news = self._news(counts, now - self._began, paused_for)
        if self._callback is None or self._call is not None or (news == self._told and not ended):
            return
        self._told = news
        progress = Progress(
            done=done,
            ok=counts.ok,
            failed=counts.failed,
            unknown=counts.unknown,
            in_flight=counts.in_flight,
            total=self._total,
            rate=rate,
            time_left=0.0 if ended else self._time_left(done, rate),
            elapsed=now - self._began,
            paused_for=paused_for,
        )
        returned = self._guard(partial(self._callback, progress))
        if inspect.isawaitable(returned):
            self._call = asyncio.create_task(self._await(returned), name="refold_async progress")
            self._call.add_done_callback(self._call_ended)

    def _time_left(self, done: int, rate: float) -> float | None:
        if self._total is None or not rate:
            return None
        return max(self._total - done, 0) / rate

    def _guard(self, call: Callable[[], object]) -> object:
        try:
            return call()
        except (KeyboardInterrupt, SystemExit) as error:
            self._leave(error)
        except BaseException as error:  # noqa: BLE001 - whatever it raises, the fan-out continues
            self._give_up(error)
        return None

    async def _await(self, awaitable: Awaitable[object]) -> None:
        try:
            await awaitable
        except (KeyboardInterrupt, SystemExit) as error:
            self._leave(error)

    def _call_ended(self, call: asyncio.Task[None]) -> None:
        self._call = None
        try:
            call.result()
        except BaseException as error:  # noqa: BLE001 - a cancellation included
            self._give_up(error)

    def _leave(self, error: BaseException) -> None:
        """Make `finish()` end the program."""
        self._callback = None
        self._exit = error
        if self._on_exit is not None:
            self._on_exit()

    def _give_up(self, error: BaseException) -> None:
        if self._callback is not None:  # else it was cancelled here, and that was logged
            self._callback = None
            logger.error(
                "progress= raised %s. It is not called any more; the job continues.", safe_repr(error), exc_info=error
            )


def _bar(total: int | None) -> "ProgressBar":
    from refold_async.jobs.progress_bar import ProgressBar

    return ProgressBar(total)
