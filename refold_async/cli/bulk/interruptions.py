"""Ctrl-C, SIGTERM and SIGHUP, which end a job well the first time, and at once the second."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final

__all__ = ["heeding_signals"]

# Windows has no SIGHUP.
_SIGNALS: Final = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_HANGUP: Final = getattr(signal, "SIGHUP", None)


@contextmanager
def heeding_signals(first: Callable[[int], object], second: Callable[[], object]) -> Generator[Callable[[], None]]:
    """Call `first` when one of the signals comes, with its number, and `second` at another; a third ends the process.

    SIGHUP is heeded as the first alone: where a terminal is closed, the system sends it, and the shell does so again.
    Signals that the process was started to ignore stay ignored, and outside the main thread none is heeded.

    Yields:
        A function to call when there is nothing left to stop: until the block is left, signals are ignored then.
    """
    loop = asyncio.get_running_loop()
    heard = 0
    before: dict[signal.Signals, Any] = {}

    def heed(number: int) -> None:
        nonlocal heard
        if number == _HANGUP and heard:
            return
        heard += 1
        if heard == 1:
            first(number)
        else:
            second()
            set_all(signal.SIG_DFL)

    def set_all(handler: Any) -> None:
        for number in before:
            _set(number, handler)

    def _set(number: signal.Signals, handler: Any) -> None:
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.remove_signal_handler(number)
        signal.signal(number, handler)

    for number in _SIGNALS:
        handler = signal.getsignal(number)
        if handler is None or handler is signal.SIG_IGN:
            continue
        try:
            loop.add_signal_handler(number, heed, number)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda number, _: loop.call_soon_threadsafe(heed, number))
        except (RuntimeError, ValueError):  # not the main thread
            continue
        before[number] = handler
    try:
        yield lambda: set_all(signal.SIG_IGN)
    finally:
        for number, handler in before.items():
            _set(number, handler)
