"""A sample of many members, chosen so that rare groups are not lost among frequent ones."""

import random
from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

__all__ = ["FairSample"]

T = TypeVar("T")
Kept = TypeVar("Kept")

_SEED: Final = 0  # the same journal gives the same report


class FairSample(Generic[T, Kept]):
    """Keeps a limited number of members: all, or a random choice with a fair share of each group.

    A group with fewer members than its share is kept whole.
    """

    def __init__(self, most: int, keep: Callable[[T], Kept]) -> None:
        """Begin with no members.

        Args:
            most: How many to keep.
            keep: Returns what to keep of a member, for example without what takes much memory.
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
        """Yield those that are kept, in the order in which they were added."""
        kept = [ordered for members in self._kept.values() for ordered in members]
        yield from (member for _, member in sorted(kept, key=lambda ordered: ordered[0]))

    def _makes_room(self, members: list[tuple[int, Kept]]) -> bool:
        """Return whether a group that was kept whole may grow; if needed, drop a member of a larger group for it."""
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
