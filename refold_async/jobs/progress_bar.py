"""A progress bar of a fan-out on stderr, drawn by tqdm."""

import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from refold_async.errors import ConfigurationError
from refold_async.jobs.progress import Progress

__all__ = ["ProgressBar"]


class ProgressBar:
    """A bar on stderr, from the first call on; it shows nothing if stderr is not a terminal."""

    def __init__(self, total: int | None) -> None:
        try:  # an import statement, because tools that freeze programs find those
            from tqdm import tqdm  # type: ignore[import-untyped]
        except ImportError:
            raise ConfigurationError(
                "progress=True needs tqdm for its progress bar: pip install refold-async[progress]"
            ) from None
        # Without tqdm's thread that refreshes slow bars: here that is done already. And without its lock between
        # processes, for which multiprocessing starts a frozen program a second time.
        bar: Any = type(
            "Bar", (tqdm,), {"monitor_interval": 0, "_lock": getattr(tqdm, "_lock", None) or threading.RLock()}
        )
        extent = "{n_fmt} done" if total is None else "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}"
        self._open = partial(bar, total=total, bar_format=extent + " [{desc}]", dynamic_ncols=True, disable=None)
        self._format: Callable[[float], str] = tqdm.format_interval
        self._bar: Any = None

    def __call__(self, progress: Progress) -> None:
        """Show a new progress."""
        if self._bar is None:
            if not _is_terminal(sys.stderr):
                return
            self._bar = self._open()
        told = [self._format(progress.elapsed), f"{progress.rate:.1f}/s"]
        if progress.time_left:
            told.append(f"{self._format(progress.time_left)} left")
        if progress.paused_for is not None:
            told.append(f"refused (HTTP 429) for {self._format(progress.paused_for)}")
        counts = {"failed": progress.failed, "unknown": progress.unknown, "in flight": progress.in_flight}
        told += [f"{count} {state}" for state, count in counts.items() if count]
        self._bar.n = progress.done
        self._bar.set_description_str(", ".join(told), refresh=False)
        self._bar.refresh()

    def close(self) -> None:
        """Leave the bar as it is and begin a new line."""
        if self._bar is not None:
            self._bar.close()


def _is_terminal(stream: Any) -> bool:
    """Return whether a stream is a terminal; False if it is closed, or None as in programs without a console."""
    try:
        return bool(stream.isatty())
    except Exception:  # noqa: BLE001 - a program may have put anything in its place
        return False
