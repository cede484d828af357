"""Ctrl-C and SIGTERM, which end a job well the first time, and at once the second."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final

__all__ = ["heeding_signals"]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def heeding_signals(first: Callable[[], object], second: Callable[[], object]) -> Generator[None]:
    """Call `first` when one of the signals comes, and `second` when another does; a third ends the process.

    Signals that the process was started to ignore stay ignored, and outside the main thread none is heeded.
    """
    loop = asyncio.get_running_loop()
    calls = [first, second]
    before: dict[signal.Signals, Any] = {}

    def heed() -> None:
        if calls:
            calls.pop(0)()
        if not calls:
            for number in before:
                _set(number, signal.SIG_DFL)

    def _set(number: signal.Signals, handler: Any) -> None:
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.remove_signal_handler(number)
        signal.signal(number, handler)

    for number in _SIGNALS:
        handler = signal.getsignal(number)
        if handler is None or handler is signal.SIG_IGN:
            continue
        try:
            loop.add_signal_handler(number, heed)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda _, frame: loop.call_soon_threadsafe(heed))
        except (RuntimeError, ValueError):  # not the main thread
            continue
        before[number] = handler
    try:
        yield
    finally:
        for number, handler in before.items():
            _set(number, handler)
