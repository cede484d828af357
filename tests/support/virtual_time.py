"""An event loop with a virtual clock: when there is nothing to do, it jumps to the next timer."""

import asyncio
import selectors
from collections.abc import Coroutine
from functools import partial
from typing import Any, Final, TypeVar

import pytest

__all__ = ["run"]

T = TypeVar("T")

_MOST_LOOKS: Final = 100_000
"""How often the clock is looked at in one turn of the loop, at most: more, and the turn would have no end."""


class _Selector(selectors.SelectSelector):
    """Advances the clock where other selectors sleep."""

    def __init__(self, look: float) -> None:
        super().__init__()
        self._now = 1000.0
        self._look = look
        self._looks = 0

    def look(self) -> float:
        """Return the time."""
        self._looks += 1
        if self._looks > _MOST_LOOKS:
            self._looks = 0
            pytest.fail("one turn of the loop went on for ever")
        self._now += self._look
        return self._now

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; wait for nothing."""
        self._looks = 0
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "nothing would ever happen again"
            self._now += max(timeout, 0)
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, look: float) -> None:
        self._clock = _Selector(look)
        super().__init__(self._clock)

    def time(self) -> float:
        """Return the time, which starts at 1000."""
        return self._clock.look()


def run(main: Coroutine[Any, Any, T], *, look: float = 0.0) -> T:
    """Run `main` as `asyncio.run` does, in virtual time. It must use no sockets and no threads.

    It runs without asyncio's debug mode, which records a stack for each callback and made simulations take up to a
    hundred times as long.

    Args:
        main: What to run.
        look: Seconds that pass each time the clock is read, to simulate code that takes time.
    """
    with asyncio.Runner(debug=False, loop_factory=partial(_Loop, look)) as runner:
        return runner.run(main)
