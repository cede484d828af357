"""Watching a job by its journal: how fast it is, and a line that shows how far it is."""

import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Final, Protocol, Self

from refold_async.cli.bulk.displays import duration
from refold_async.cli.journal_report.report import shown_job
from refold_async.cli.journal_report.rows import summary_row
from refold_async.cli.output import print_json
from refold_async.cli.process import write_output
from refold_async.cli.terminal import one_line
from refold_async.journal.reading import JournalSummary

__all__ = ["Display", "JSONDisplay", "LineDisplay", "Speed", "has_ended", "line_of"]

_WINDOW: Final = 30.0
"""Seconds over which the speed is measured."""
_FROM_THE_LEFT: Final = "\r\x1b[K"
_INTERRUPTION: Final = len(" ^C")
"""Columns left free for what a terminal shows for Ctrl-C: on a full line, it would begin another."""


def has_ended(job: JournalSummary) -> bool:
    """Return whether nothing more happens in a job until somebody runs it again."""
    return not job.running if job.parts is None else job.closed_parts == job.parts


class Speed:
    """How many items of a job end in a second, over the last half minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, job: JournalSummary) -> None:
        """Note how far the job is now."""
        now = self._clock()
        self._seen.append((now, _ended(job)))
        while len(self._seen) > 2 and self._seen[1][0] <= now - _WINDOW:
            self._seen.popleft()

    @property
    def per_second(self) -> float | None:
        """The speed; None until the job was seen twice."""
        (first, before), (last, after) = self._seen[0], self._seen[-1]
        # Items that are retried have ended before, and have not ended meanwhile.
        return max(0.0, (after - before) / (last - first)) if last > first else None


class Display(Protocol):
    """Shows how far a job is."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def show(self, job: JournalSummary, speed: Speed) -> None:
        """Show the state of a job."""


class LineDisplay:
    """Shows it in one line of a terminal, which it replaces. Leave the block to begin the next line."""

    def __init__(self) -> None:
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def show(self, job: JournalSummary, speed: Speed) -> None:
        """Show the state of a job."""
        self._shown = True
        width = max(20, shutil.get_terminal_size().columns - _INTERRUPTION)
        write_output(_FROM_THE_LEFT + line_of(job, speed.per_second, width))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._shown:
            write_output("\n")


class JSONDisplay:
    """Prints it as a JSON object on a line of its own whenever it has changed."""

    def __init__(self) -> None:
        self._last: dict[str, Any] | None = None

    def __enter__(self) -> Self:
        return self

    def show(self, job: JournalSummary, speed: Speed) -> None:
        """Print the state of a job, unless it is the same as before."""
        row = summary_row(job)
        if row != self._last:
            self._last = row
            per_second = speed.per_second
            print_json({**row, "per_second": None if per_second is None else round(per_second, 1)}, indent=None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


def line_of(job: JournalSummary, per_second: float | None, width: int) -> str:
    """Return the state of a job as one line that fits into this width, safe for a terminal.

    Args:
        job: The state.
        per_second: How many items end in a second, or None if that is not known.
        width: The most characters.
    """
    line = one_line(f"{shown_job(job.job)}: {' · '.join(_parts(job, per_second))}")
    return line if len(line) <= width else f"{line[: width - 1]}…"


def _parts(job: JournalSummary, per_second: float | None) -> Iterator[str]:
    # The end is cut off first, if the terminal is narrow.
    ended = _ended(job)
    left = None if job.not_begun is None else job.not_begun + job.withdrawn + job.in_flight
    yield f"{ended:,} items" if left is None else f"{ended:,}/{ended + left:,}"
    if job.parts is not None:
        yield f"{job.closed_parts:,}/{job.parts:,} parts closed, {job.held_parts:,} at work"
    if has_ended(job):
        yield "ended" if job.parts is not None or left == 0 else "not running"
    elif per_second is not None and per_second >= 0.05:
        yield f"{per_second:,.0f}/s" if per_second >= 100 else f"{per_second:.1f}/s"
        if left:
            yield f"{duration(left / per_second)} left"
    for count, name in ((job.failed, "failed"), (job.unknown, "unknown"), (job.in_flight, "in flight"), (job.ok, "ok")):
        yield f"{count:,} {name}"


def _ended(job: JournalSummary) -> int:
    return job.ok + job.failed + job.unknown
