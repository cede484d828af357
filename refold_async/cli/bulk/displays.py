"""The progress of a job on stderr: a bar on a terminal; elsewhere a line every few seconds, for logs."""

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, Protocol

from refold_async.cli.failures import say
from refold_async.cli.terminal import is_terminal
from refold_async.jobs.outcomes import Status
from refold_async.jobs.progress import Progress

__all__ = ["BarDisplay", "Display", "LineDisplay", "duration", "open_display"]

_BETWEEN_LINES: Final = 10.0
"""Seconds from one line to the next."""
_BEFORE_THE_BAR: Final = 0.5
"""Seconds without a finished row after which the bar appears: a resumed job knows its first rows sooner."""
_WIDEST_BAR: Final = 30
_BAR_STEP: Final = 5
_Part = tuple[str, str]


class Display(Protocol):
    """Shows the progress of a job."""

    stopping: bool
    """Whether the job begins no more rows."""

    def show(self, progress: Progress) -> None:
        """Show new progress."""

    def refresh(self) -> None:
        """Show the last progress again: time has passed, or the job is stopping."""

    def show_end(self, counts: Mapping[Status, int]) -> None:
        """Show how many rows ended each way."""

    def close(self) -> None:
        """Show nothing more."""


def open_display(total: int) -> Display:
    """Return the display for a job with this many rows, suited to stderr."""
    return BarDisplay(total) if is_terminal(sys.stderr) else LineDisplay(total)


class LineDisplay:
    """Prints a line every few seconds."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.stopping = False
        self._total = total
        self._clock = clock
        self._last = clock()

    def show(self, progress: Progress) -> None:
        """Print a line, unless the last one is too recent."""
        now = self._clock()
        if now - self._last >= _BETWEEN_LINES and progress.time_left != 0:
            self._last = now
            parts = ", ".join(part for part, _ in _parts(progress, stopping=self.stopping))
            say(f"{progress.done:,} of {self._total:,} rows done: {parts}.")

    def refresh(self) -> None:
        """Print nothing: a line shows new progress only."""

    def show_end(self, counts: Mapping[Status, int]) -> None:
        """Print nothing: the summary follows."""

    def close(self) -> None:
        """Print nothing more."""


class BarDisplay:
    """Draws a bar in the last line of the terminal."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, ProgressColumn, Task
        from rich.progress import Progress as RichProgress
        from rich.table import Column
        from rich.text import Text

        self.stopping = False
        shown: list[Text] = [Text()]
        self._shown = shown
        self._last: Progress | None = None

        class Shown(ProgressColumn):
            max_refresh = None

            def render(self, task: Task) -> Text:
                return shown[0]

        self._console = Console(file=sys.stderr, markup=False, highlight=False, emoji=False)
        self._bar = BarColumn(bar_width=_WIDEST_BAR)
        self._progress = RichProgress(
            self._bar,
            Shown(table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=self._console,
            auto_refresh=False,
        )
        self._total = total
        self._task = self._progress.add_task("", total=total)
        self._closed = False

    def show(self, progress: Progress) -> None:
        """Draw new progress."""
        self._last = progress
        if progress.done or progress.elapsed >= _BEFORE_THE_BAR:
            self.refresh()

    def refresh(self) -> None:
        """Draw the last progress again, as wide as the terminal is now."""
        if self._last is not None:
            self._draw(self._last.done, _parts(self._last, stopping=self.stopping))
        elif self.stopping:
            self._draw(0, [("stopping", "yellow")])

    def show_end(self, counts: Mapping[Status, int]) -> None:
        """Draw how many rows ended each way, if the bar was drawn before."""
        if self._progress.live.is_started:
            self._draw(sum(counts.values()), _counts(counts["ok"], counts["failed"], counts["unknown"]))

    def close(self) -> None:
        """Leave the bar as it is; what is printed next goes below it."""
        self._closed = True
        with suppress(OSError):
            self._progress.stop()

    def _draw(self, done: int, parts: list[_Part]) -> None:
        if self._closed:
            return
        from rich.text import Text

        text = Text(f"{done:,}/{self._total:,} ", style="progress.download")
        for number, (part, style) in enumerate(parts):
            text.append(" · " if number else "", style="default").append(part, style=style or "default")
        # The "^C" that a terminal shows for the key fits behind it: on a full line it would push the bar up.
        room = self._console.width - text.cell_len - len(" ^C")
        with suppress(OSError):  # the terminal is gone, and the job continues
            if not self._progress.live.is_started:
                self._clear_line()
                self._progress.start()
            self._shown[0] = text
            self._bar.bar_width = max(_BAR_STEP, min(_WIDEST_BAR, room // _BAR_STEP * _BAR_STEP))
            self._progress.update(self._task, completed=done, refresh=True)

    def _clear_line(self) -> None:
        """Clear the "^C" that the terminal shows if the key was pressed before the bar appeared."""
        from rich.control import Control
        from rich.segment import ControlType

        self._console.control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2)))


def _parts(progress: Progress, *, stopping: bool) -> list[_Part]:
    """Return what is shown of a job, each part with its style."""
    parts: list[_Part] = []
    if stopping:
        parts.append((f"stopping, {progress.in_flight:,} in flight", "yellow"))
    if progress.paused_for is not None:
        parts.append((f"paused: refused (HTTP 429) for {duration(progress.paused_for)}", "yellow"))
    if not stopping and progress.rate >= 0.05:
        parts.append((f"{progress.rate:,.0f}/s" if progress.rate >= 100 else f"{progress.rate:.1f}/s", ""))
        if progress.time_left and progress.time_left >= 0.5:
            parts.append((f"{duration(progress.time_left)} left", ""))
    return parts + _counts(progress.ok, progress.failed, progress.unknown)


def _counts(ok: int, failed: int, unknown: int) -> list[_Part]:
    # A narrow terminal cuts off the last part first.
    counts = ((failed, "failed", "red"), (unknown, "unknown", "yellow"), (ok, "ok", "green"))
    return [(f"{count:,} {name}", style if count else "") for count, name, style in counts]


def duration(seconds: float) -> str:
    """Return a duration in words."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
