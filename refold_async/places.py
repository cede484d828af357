"""How many items of a fan-out are worked on at once."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

__all__ = ["Places"]

_MOST_ASIDE: Final = 1000
"""How many items may wait for their accounts without holding a place: each is kept in memory."""


class Places:
    """The places of a fan-out: an item holds one from when it is taken until its outcome is read.

    One that waits because its linked account may not go now lends its place to an item of another account, and comes
    back once there is one free, before items that are new.
    """

    def __init__(self, number: int) -> None:
        self._free = number
        self._aside = 0
        self._returning: deque[Callable[[], None]] = deque()
        self._news = asyncio.Event()

    @property
    def available(self) -> bool:
        """Whether there is a place for a new item."""
        return self._free > 0 and not self._returning

    async def take(self) -> None:
        """Wait for a place for a new item, and take it."""
        while not self.available:
            self._news.clear()
            await self._news.wait()
        self._free -= 1

    def free(self) -> None:
        """Give a place back."""
        self._free += 1
        while self._free > 0 and self._returning:
            self._returning.popleft()()
        self._news.set()

    def lend(self) -> bool:
        """Give back the place of an item that steps aside, unless too many did; return whether that was done."""
        if self._aside >= _MOST_ASIDE:
            return False
        self._aside += 1
        self.free()
        return True

    def take_back(self, again: Callable[[], None] | None) -> bool:
        """Take a place for an item that comes back; where there is none, have it call `again` once there is one.

        Args:
            again: Called when it is worth another try; None to take a place in any case.

        Returns:
            Whether it has a place.
        """
        if self._free <= 0 and again is not None:
            self._returning.append(again)
            return False
        self._free -= 1
        self._aside -= 1
        return True
