"""The charts of the page, as SVG, each with a description in words."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from refold_async.cli.journal_page.markup import text
from refold_async.cli.journal_page.scales import TimeScale, duration, number_ticks, round_duration
from refold_async.cli.journal_report.timeline import Bucket, Timeline, stretches

__all__ = ["Charts", "share_bar"]

_STACK: Final = ("unknown", "failed", "ok")
"""Statuses from the bottom up: rare ones are seen best on a straight line."""
_PROBLEMS: Final = ("unknown", "failed")
_HEIGHT: Final = {"progress": 250, "problems": 150}
_LEFT: Final = 62
_RIGHT: Final = 14
_TOP: Final = 14
_BOTTOM: Final = 40
_BAR: Final = 7  # pixels for each
_BETWEEN_LABELS: Final = 92  # pixels


@attrs.frozen
class Charts:
    """The charts of one timeline, which is not empty."""

    timeline: Timeline

    @property
    def has_problems(self) -> bool:
        """Whether an item failed or is unknown."""
        return any(_sum(bucket.counts, _PROBLEMS) for bucket in self.timeline.buckets)

    def progress(self, width: int) -> str:
        """Return the chart of how many items had ended over time, by status."""
        buckets = self.timeline.buckets
        canvas = _Canvas(width, _HEIGHT["progress"], buckets, self.timeline.step)
        totals = Counter[str]()
        for bucket in buckets:
            totals.update(bucket.counts)
        canvas.draw_axes(totals.total())
        running = Counter[str]()
        points: list[tuple[float, Counter[str]]] = [(canvas.times.at(buckets[0].begin), Counter())]
        for bucket in buckets:
            before, after = canvas.times.at(bucket.begin), canvas.times.at(bucket.begin + self.timeline.step)
            if before - points[-1][0] > 1:
                points.append((before, running.copy()))
            running.update(bucket.counts)
            if after - points[-1][0] > 1 or bucket is buckets[-1]:
                points.append((after, running.copy()))
        for place, status in enumerate(_STACK):
            if totals[status]:
                canvas.draw_area(status, [(x, _sum(counts, _STACK[: place + 1])) for x, counts in points], points)
        counted = ", ".join(f"{totals[status]:,} {status}" for status in reversed(_STACK) if totals[status])
        return canvas.svg(f"Items that had ended, over time: at the end {counted}.")

    def problems(self, width: int) -> tuple[str, str]:
        """Return the chart of failed and unknown items over time, and the duration of each bar."""
        buckets = self.timeline.buckets
        canvas = _Canvas(width, _HEIGHT["problems"], buckets, self.timeline.step)
        bar = round_duration(max(canvas.times.active * _BAR / (width - _LEFT - _RIGHT), self.timeline.step))
        bars: dict[tuple[float, float], Counter[str]] = {}
        for bucket in buckets:
            if _sum(bucket.counts, _PROBLEMS):
                bars.setdefault(canvas.times.slot(bucket.begin, bar), Counter()).update(bucket.counts)
        most = max((_sum(counts, _PROBLEMS) for counts in bars.values()), default=0)
        canvas.draw_axes(most)
        for (left, right), counts in bars.items():
            canvas.draw_bar(left, right, counts)
        per = duration(bar)
        return canvas.svg(f"Failed and unknown items over time: at most {most:,} within {per}."), per

    def figures(self, most: int) -> list[tuple[int, Counter[str]]]:
        """Return how many items had ended at a few moments, for readers who cannot see the chart."""
        buckets = self.timeline.buckets
        running, rows = Counter[str](), list[tuple[int, Counter[str]]]()
        for place, bucket in enumerate(buckets):
            running.update(bucket.counts)
            if (place + 1) * most // len(buckets) != place * most // len(buckets):
                rows.append((bucket.begin + self.timeline.step, running.copy()))
        return rows

    @property
    def active(self) -> int:
        """The duration of the job without long pauses, in milliseconds."""
        return TimeScale(stretches(self.timeline.buckets, self.timeline.step), self.timeline.step, 0, 1).active


def share_bar(shares: Sequence[tuple[str, int]]) -> str:
    """Return a bar whose parts show how many items have each status."""
    whole = sum(count for _, count in shares)
    parts: list[str] = []
    left = 0.0
    for kind, count in shares:
        width = 1000 * count / whole
        parts.append(f'<rect class="fill-{kind}" x="{left:.2f}" width="{width:.2f}" height="10"/>')
        left += width
    return (
        f'<svg class="share" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">{"".join(parts)}</svg>'
    )


def _short(number: int) -> str:
    return f"{number / 1_000_000:,.15g} M" if number >= 1_000_000 else f"{number:,}"


def _sum(counts: Counter[str], statuses: Iterable[str]) -> int:
    return sum(counts[status] for status in statuses)


class _Canvas:
    """A chart over time, while it is drawn."""

    def __init__(self, width: int, height: int, buckets: Sequence[Bucket], step: int) -> None:
        self.times = TimeScale(stretches(buckets, step), step, _LEFT, width - _RIGHT)
        self._width = width
        self._height = height
        self._largest = 1
        self._parts: list[str] = []

    def draw_axes(self, largest: int) -> None:
        """Draw the lines and labels for the numbers up to this one, and for the times."""
        numbers = number_ticks(max(1, largest))
        self._largest = numbers[-1]
        bottom = self._y(0)
        for number in numbers:
            y = self._y(number)
            self._parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{self._width - _RIGHT}"/>')
            self._label(_LEFT - 8, y + 4, _short(number), "end")
        for x, time, date in self.times.ticks(_BETWEEN_LABELS):
            self._parts.append(f'<path class="grid" d="M{x:.1f} {bottom:.1f}v5"/>')
            anchor = "start" if x < _LEFT + 20 else "end" if x > self._width - _RIGHT - 20 else "middle"
            self._label(x, bottom + 18, time, anchor)
            self._label(x, bottom + 33, date, anchor)
        for left, right, length in self.times.pauses:
            self._parts.append(
                f'<path class="pause" d="M{left:.1f} {_TOP}V{bottom:.1f}M{right:.1f} {_TOP}V{bottom:.1f}"/>'
            )
            self._label((left + right) / 2, _TOP - 3, duration(length), "middle")

    def draw_area(self, status: str, top: list[tuple[float, int]], points: list[tuple[float, Counter[str]]]) -> None:
        """Draw the area of a status, above those of the statuses below it."""
        place = _STACK.index(status)
        below = [(x, _sum(counts, _STACK[:place])) for x, counts in reversed(points)]
        line = "L".join(f"{x:.1f} {self._y(number):.1f}" for x, number in [*top, *below])
        self._parts.append(f'<path class="fill-{status}" d="M{line}Z"/>')

    def draw_bar(self, left: float, right: float, counts: Counter[str]) -> None:
        """Draw the items that did not succeed in a part of the time."""
        width = max(1.5, right - left - 1)
        number = 0
        for status in _PROBLEMS:
            if counts[status]:
                top, bottom = self._y(number + counts[status]), self._y(number)
                self._parts.append(
                    f'<rect class="fill-{status}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
                    f'height="{bottom - top:.1f}"/>'
                )
                number += counts[status]

    def svg(self, description: str) -> str:
        """Return the chart.

        Args:
            description: What it shows, in words.
        """
        size = f'viewBox="0 0 {self._width} {self._height}"'
        return f'<svg {size} role="img" aria-label="{text(description)}">{"".join(self._parts)}</svg>'

    def _y(self, number: int) -> float:
        return self._height - _BOTTOM - (self._height - _BOTTOM - _TOP) * number / self._largest

    def _label(self, x: float, y: float, label: str, anchor: str) -> None:
        if label:
            self._parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text(label)}</text>')
