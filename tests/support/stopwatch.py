"""Measures how long something took, even on a busy machine."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final

__all__ = ["Stopwatch", "stopwatch"]

_INTERVAL: Final = 0.02
_ROUNDING: Final = 0.002
"""Seconds that a timer may be late on an idle machine."""


class Stopwatch:
    """How long a block took, and for how long the event loop stood still meanwhile, for example without a processor."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._began = self._ticked = loop.time()
        self._stood_still = 0.0
        self._ended: float | None = None

    @property
    def taken(self) -> float:
        """The seconds from beginning to end."""
        return (self._loop.time() if self._ended is None else self._ended) - self._began

    @property
    def moving(self) -> float:
        """Those of them in which the loop did not stand still."""
        return self.taken - self._stood_still

    async def tick(self) -> None:
        """Measure whether the loop stands still."""
        while True:
            await asyncio.sleep(_INTERVAL)
            self._note(self._loop.time())

    def stop(self) -> None:
        """End."""
        self._ended = self._loop.time()
        self._note(self._ended)

    def _note(self, now: float) -> None:
        late = now - self._ticked - _INTERVAL
        self._stood_still += late if late > _ROUNDING else 0.0
        self._ticked = now


@asynccontextmanager
async def stopwatch() -> AsyncGenerator[Stopwatch]:
    """Time a block."""
    watch = Stopwatch(asyncio.get_running_loop())
    ticking = asyncio.create_task(watch.tick())
    try:
        yield watch
    finally:
        watch.stop()
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
