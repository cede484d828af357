"""Ctrl-C, SIGTERM and SIGHUP: the first stops a job and lets it finish what it sent, the second ends it immediately."""

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
    """Call `first` with the number of the first signal, and `second` at the next one; a third ends the process.

    SIGHUP counts only as the first: when a terminal is closed, both the system and the shell send it. Signals that the
    process was started to ignore stay ignored. Outside the main thread, no signal is handled.

    Yields:
        A function to call when there is nothing left to stop: from then on, signals are ignored until the block ends.
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
