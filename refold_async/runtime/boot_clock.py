"""A clock that counts the time during which the machine sleeps, which most monotonic clocks leave out."""

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Final

__all__ = ["boot_time"]


def _boot_clock() -> Callable[[], float]:
    # Linux has a clock for this, and macOS counts sleep in this one. Windows counts it in the default.
    clock: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    if clock is None and sys.platform == "darwin":
        clock = time.CLOCK_MONOTONIC
    return time.monotonic if clock is None else partial(time.clock_gettime, clock)


boot_time: Final = _boot_clock()
"""Return seconds since some moment in the past, while the machine runs and while it sleeps."""
