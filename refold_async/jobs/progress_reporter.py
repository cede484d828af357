"""Telling how far a fan-out is: to a function, or by a bar on stderr, at most ten times a second."""

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
"""Seconds between two looks."""
_WORTH_TELLING: Final = 1.0
"""Seconds of a pause beyond which it is worth telling."""
_LAST_MOMENTS: Final = 1.0
"""Seconds that a call which was cancelled has to end."""


class ProgressReporter:
    """Looks at a fan-out's counts ten times a second, and tells `progress` what changed.

    A call is never made while the one before it goes on. If one raises, that is logged and there is no other: no
    callback can harm the fan-out. One that ends the program, such as by `sys.exit()`, does so from `finish()`: raised
    where it was called, it would end the event loop before the program could clean up.
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
        """Look at nothing yet.

        Args:
            progress: What is told.
            total: How many items there are in all, if that is known.
            count: Tells the counts.
            on_exit: Called when `progress` ends the program: `finish()` is to be awaited soon.
            clock: Tells the time, in seconds.
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
        """Begin to look, now and then."""
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
        """Look, and tell if something changed and nobody is being told."""
        self._tell(ended=False)

    async def finish(self, timeout: float) -> None:
        """Look no more, let the call under way end, and make the last one.

        An awaitable that a call returned, and that has not ended after `timeout` seconds, is cancelled. If this wait
        is cancelled, it goes on to its end all the same.

        Raises:
            KeyboardInterrupt: A call ended the program.
            SystemExit: Likewise.
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
        """Wait for the call under way, and cancel it when its time is up."""
        call = self._call
        if call is None:
            return
        await asyncio.wait([call], timeout=until - asyncio.get_running_loop().time())
        if not call.done():
            self._callback = None
            logger.warning("progress= had not returned some time after the fan-out ended, and is cancelled")
            call.cancel()
            await asyncio.wait([call], timeout=_LAST_MOMENTS)

    def _news(self, counts: Counts, elapsed: float, paused_for: float | None) -> object:
        """Return what changes when there is something to tell: for a bar, which shows the time, that too."""
        told = (attrs.evolve(counts, held_up=0), None if paused_for is None else int(paused_for))
        return told if self._bar is None else (told, int(elapsed))

    def _paused_for(self, counts: Counts, done: int, now: float) -> float | None:
        """Return for how long refusals have held up the job, if that is worth telling."""
        held_up = 0 < counts.in_flight == counts.held_up
        if held_up and self._held_up_since is None:
            self._held_up_since = now
        if held_up:
            self._held_up_at = now
        elif done != self._done_then or now - self._held_up_at > _WORTH_TELLING:  # else one may look whether it is over
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
        except BaseException as error:  # noqa: BLE001 - whatever it raises, the fan-out goes on
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
        """Have `finish()` end the program."""
        self._callback = None
        self._exit = error
        if self._on_exit is not None:
            self._on_exit()

    def _give_up(self, error: BaseException) -> None:
        if self._callback is not None:  # else it was cancelled here, and that was told
            self._callback = None
            logger.error("progress= raised %s, and is not called again", safe_repr(error), exc_info=error)


def _bar(total: int | None) -> "ProgressBar":
    from refold_async.jobs.progress_bar import ProgressBar

    return ProgressBar(total)
