"""Some of many, chosen so that rare groups are not lost among frequent ones."""

import random
from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

__all__ = ["FairSample"]

T = TypeVar("T")
Kept = TypeVar("Kept")

_SEED: Final = 0  # the same journal gives the same report


class FairSample(Generic[T, Kept]):
    """Keeps at most so many members: all where there are no more, else a random choice with a fair share of each group.

    A group that has less than its share is kept whole.
    """

    def __init__(self, most: int, keep: Callable[[T], Kept]) -> None:
        """Keep none so far.

        Args:
            most: How many to keep.
            keep: Makes of a member what is kept of it, such as without what takes much memory.
        """
        self._most = most
        self._keep = keep
        self._kept: dict[str, list[tuple[int, Kept]]] = {}
        self._seen: dict[str, int] = {}
        self._size = 0
        self._order = 0
        self._random = random.Random(_SEED)  # noqa: S311 - it keeps no secret

    def add(self, group: str, member: T) -> None:
        """Offer the next member."""
        members = self._kept.setdefault(group, [])
        seen = self._seen.get(group, 0)
        self._seen[group] = seen + 1
        self._order += 1
        if len(members) == seen and self._makes_room(members):
            members.append((self._order, self._keep(member)))
            self._size += 1
        elif (place := self._random.randrange(seen + 1)) < len(members):
            members[place] = (self._order, self._keep(member))

    def __iter__(self) -> Iterator[Kept]:
        """Give those that are kept, in the order in which they came."""
        kept = [ordered for members in self._kept.values() for ordered in members]
        yield from (member for _, member in sorted(kept, key=lambda ordered: ordered[0]))

    def _makes_room(self, members: list[tuple[int, Kept]]) -> bool:
        """Tell whether a group that is whole may grow, where another has more than it; take one from that then."""
        if self._size < self._most:
            return True
        largest = max(self._kept.values(), key=len)
        if len(largest) <= len(members) + 1:
            return False
        place = self._random.randrange(len(largest))
        largest[place] = largest[-1]
        largest.pop()
        self._size -= 1
        return True
