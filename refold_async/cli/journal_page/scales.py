"""The axes of charts: where moments and numbers are drawn, and which of them have labels."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

import attrs

from refold_async.cli.journal_report.timeline import Bucket

__all__ = ["TimeScale", "duration", "number_ticks", "round_duration"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = 1000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_PAUSE_WIDTH: Final = 56
_ROUND: Final = (
    *(50, 100, 200, 500, _SECOND, 2 * _SECOND, 5 * _SECOND, 10 * _SECOND, 30 * _SECOND),
    *(_MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 2 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 30 * _DAY, 365 * _DAY),
)


@attrs.frozen
class _Stretch:
    """A stretch of time in which items ended, and where it is drawn."""

    begin: int
    end: int
    left: float
    right: float

    def at(self, moment: float) -> float:
        return self.left + (self.right - self.left) * (moment - self.begin) / (self.end - self.begin)


class TimeScale:
    """Where moments, in milliseconds since 1970, are drawn. Long pauses are cut out; each takes the same room."""

    def __init__(self, parts: Sequence[Sequence[Bucket]], step: int, left: float, right: float) -> None:
        """Lay out the stretches of time.

        Args:
            parts: The buckets, split at the pauses that are cut out.
            step: The length of each bucket.
            left: Where the first begins.
            right: Where the last ends.
        """
        times = [(part[0].begin, part[-1].begin + step) for part in parts]
        pause = min(_PAUSE_WIDTH, (right - left) / 2 / len(times))
        self.active = sum(end - begin for begin, end in times)
        """The duration without the pauses."""
        self._stretches: list[_Stretch] = []
        room = right - left - pause * (len(times) - 1)
        for begin, end in times:
            until = left + room * (end - begin) / self.active
            self._stretches.append(_Stretch(begin, end, left, until))
            left = until + pause

    def at(self, moment: float) -> float:
        """Return where a moment is drawn."""
        stretch = next((one for one in self._stretches if moment <= one.end), self._stretches[-1])
        return stretch.at(min(max(moment, stretch.begin), stretch.end))

    def slot(self, moment: int, length: int) -> tuple[float, float]:
        """Return where the part of the time with a moment is drawn.

        Args:
            moment: The moment.
            length: The length of the parts; the first part of a stretch begins where the stretch does.
        """
        stretch = next(one for one in self._stretches if moment < one.end)
        begin = stretch.begin + (moment - stretch.begin) // length * length
        return stretch.at(begin), stretch.at(min(begin + length, stretch.end))

    @property
    def pauses(self) -> list[tuple[float, float, int]]:
        """Where each pause that is cut out begins and ends, and its duration."""
        pairs = pairwise(self._stretches)
        return [(before.right, after.left, after.begin - before.end) for before, after in pairs]

    def ticks(self, distance: float) -> Iterator[tuple[float, str, str]]:
        """Yield the moments to label, at least this far apart: the place, the time, and the date if it is a new one."""
        first = self._stretches[0]
        drawn = sum(stretch.right - stretch.left for stretch in self._stretches)
        between = max(_SECOND, round_duration(distance * self.active / drawn))
        last, last_date = first.left - distance, ""
        for stretch in self._stretches:
            moments = list(range(-(-stretch.begin // between) * between, stretch.end + 1, between))
            for moment in moments if len(moments) > 1 else [stretch.begin, *moments]:
                place = stretch.at(moment)
                if place - last < distance * 0.9:
                    continue
                at = _EPOCH + timedelta(milliseconds=moment)
                date = f"{at.day} {at:%b %Y}"
                yield place, f"{at:%H:%M:%S}" if between < _MINUTE else f"{at:%H:%M}", date if date != last_date else ""
                last, last_date = place, date


def round_duration(least: float) -> int:
    """Return the next longer round duration, in milliseconds."""
    return next((one for one in _ROUND if one >= least), _ROUND[-1])


def duration(milliseconds: float) -> str:
    """Return a duration in words, in its two largest units."""
    if milliseconds < _SECOND:
        return f"{milliseconds:.0f} ms"
    units = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (_SECOND, "s"))
    left = round(milliseconds / _SECOND) * _SECOND
    parts: list[str] = []
    for unit, name in units:
        count, left = divmod(left, unit)
        if count or parts:
            parts.append(f"{count} {name}" if count else "")
    return " ".join(filter(None, parts[:2]))


def number_ticks(largest: int) -> list[int]:
    """Return three to six round numbers, from 0 to the first that is not less than `largest`."""
    step = 1
    while largest / step > 5:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return list(range(0, largest + step, step)) if largest % step else list(range(0, largest + 1, step))
