"""When the items of a job ended, in bounded memory however long the job is."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

import attrs

__all__ = ["Bucket", "Timeline", "stretches"]

_MOST_BUCKETS: Final = 2000
_FINEST: Final = 50  # milliseconds
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_SHORTEST_PAUSE: Final = 60_000  # milliseconds
_PART_OF_THE_WHOLE: Final = 10


@attrs.frozen
class Bucket:
    """The items that ended within a short time."""

    begin: int
    """The beginning of that time, in milliseconds since 1970."""
    counts: Counter[str]
    """How many items ended, by status."""


class Timeline:
    """Counts items by the time they ended. The longer the job, the longer each bucket.

    Attributes:
        step: The length of each bucket, in milliseconds.
    """

    def __init__(self) -> None:
        self.step = _FINEST
        self._counts: dict[int, Counter[str]] = {}

    def add(self, moment: datetime, status: str) -> None:
        """Count an item."""
        place = (moment - _EPOCH) // _MILLISECOND // self.step
        counts = self._counts.get(place)
        if counts is None:
            counts = self._counts[place] = Counter()
        counts[status] += 1
        while len(self._counts) > _MOST_BUCKETS:
            self._coarsen()

    @property
    def buckets(self) -> list[Bucket]:
        """The buckets in which items ended, in order."""
        return [Bucket(place * self.step, self._counts[place]) for place in sorted(self._counts)]

    def _coarsen(self) -> None:
        finer, self._counts = self._counts, {}
        self.step *= 2
        for place, counts in finer.items():
            self._counts.setdefault(place // 2, Counter()).update(counts)


def stretches(buckets: Sequence[Bucket], step: int) -> list[list[Bucket]]:
    """Return the buckets, split at long pauses in which nothing ended, as between two runs of a job.

    A pause is long if it takes more than a minute, and more than a tenth of the time that is left without longer ones.

    Args:
        buckets: At least one, in order.
        step: The length of each, in milliseconds.
    """
    pauses = [after.begin - before.begin - step for before, after in pairwise(buckets)]
    whole = buckets[-1].begin + step - buckets[0].begin
    shortest = whole
    for pause in sorted(pauses, reverse=True):
        if pause < _SHORTEST_PAUSE or pause * _PART_OF_THE_WHOLE < whole:
            break
        whole -= pause
        shortest = pause
    parts = [[buckets[0]]]
    for pause, bucket in zip(pauses, buckets[1:], strict=True):
        if pause >= shortest:
            parts.append([])
        parts[-1].append(bucket)
    return parts
