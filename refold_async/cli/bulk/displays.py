"""How far a job is: a bar on a terminal, else a line now and then for logs. Both are on stderr."""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from refold_async.cli.failures import say
from refold_async.cli.terminal import is_terminal
from refold_async.jobs.progress import Progress

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["BarDisplay", "Display", "LineDisplay", "duration", "open_display"]

_BETWEEN_LINES: Final = 10.0
"""Seconds from one line to the next, where there is no terminal."""


class Display(Protocol):
    """What shows how far a job is."""

    stopping: bool
    """Whether the job takes no more rows."""

    def show(self, progress: Progress) -> None:
        """Show how far it is."""

    def refresh(self) -> None:
        """Show the time that has passed."""

    def close(self) -> None:
        """Show nothing any more."""


def open_display(total: int) -> Display:
    """Return what shows a job of so many rows, where stderr goes."""
    return BarDisplay(total) if is_terminal(sys.stderr) else LineDisplay(total)


class LineDisplay:
    """A line every few seconds."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.stopping = False
        self._total = total
        self._clock = clock
        self._last = clock()

    def show(self, progress: Progress) -> None:
        """Say how far it is, if that was not said just before."""
        now = self._clock()
        if now - self._last >= _BETWEEN_LINES and progress.time_left != 0:
            self._last = now
            told = ", ".join(part for part, _ in _parts(progress, stopping=self.stopping))
            say(f"{progress.done:,} of {self._total:,} rows done: {told}.")

    def refresh(self) -> None:
        """Say nothing: only news are told."""

    def close(self) -> None:
        """Say nothing any more: what came of it is told elsewhere."""


class BarDisplay:
    """A bar in the last line of the terminal."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, ProgressColumn, Task
        from rich.progress import Progress as RichProgress
        from rich.table import Column
        from rich.text import Text

        self.stopping = False
        told: list[Text] = [Text()]
        self._told = told

        class Told(ProgressColumn):
            max_refresh = None

            def render(self, task: Task) -> Text:
                done = Text(f"{int(task.completed):,}/{total:,} ", style="progress.download")
                return done.append_text(told[0])

        console = Console(file=sys.stderr, markup=False, highlight=False, emoji=False)
        self._progress = RichProgress(
            BarColumn(bar_width=min(30, max(5, console.width // 5))),
            Told(table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=console,
            auto_refresh=False,
        )
        self._task = self._progress.add_task("", total=total)
        self._closed = False

    def show(self, progress: Progress) -> None:
        """Draw how far it is."""
        if self._closed:
            return
        with suppress(OSError):  # the terminal is gone, and the job goes on
            self._progress.start()  # where it has not begun: only what begins has anything to show
            self._told[0] = _styled(progress, stopping=self.stopping)
            self._progress.update(self._task, completed=progress.done, refresh=True)

    def refresh(self) -> None:
        """Draw it again, as wide as the terminal is now."""
        if not self._closed:
            with suppress(OSError):
                self._progress.refresh()

    def close(self) -> None:
        """Leave the bar as it is, and go on below it."""
        self._closed = True
        with suppress(OSError):
            self._progress.stop()


def _parts(progress: Progress, *, stopping: bool) -> list[tuple[str, str]]:
    """Return what is told of a job, each part with its style."""
    parts = [(f"{progress.rate:.1f}/s", "")]
    if progress.paused_for is not None:
        parts.insert(0, (f"paused: refused (HTTP 429) for {duration(progress.paused_for)}", "yellow"))
    if stopping:
        parts.insert(0, (f"stopping, {progress.in_flight:,} in flight", "yellow"))
    elif progress.time_left:
        parts.append((f"{duration(progress.time_left)} left", ""))
    # Where the terminal is narrow, the last is lost first.
    counts = ((progress.failed, "failed", "red"), (progress.unknown, "unknown", "yellow"), (progress.ok, "ok", "green"))
    return parts + [(f"{count:,} {name}", style if count else "") for count, name, style in counts]


def _styled(progress: Progress, *, stopping: bool) -> "Text":
    from rich.text import Text

    text = Text()
    for number, (part, style) in enumerate(_parts(progress, stopping=stopping)):
        text.append(" · " if number else "").append(part, style=style)
    return text


def duration(seconds: float) -> str:
    """Return a time as people say it."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
