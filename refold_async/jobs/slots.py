"""How many items of a fan-out are worked on at once, and what becomes of those that must wait."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from refold_async.limits.slot_interfaces import ParkedItems

__all__ = ["MOST_PARKED", "Slots"]

MOST_PARKED: Final = 100_000
"""How many items that have not begun may wait for their accounts: each takes about half a kilobyte, and itself."""
_ACCOUNT_COUNTS_FOR: Final = 5
"""For how many of them each account counts that they wait for: that takes more."""
_MOST_LENT: Final = 1000
"""How many items that have begun may wait for their accounts without a slot: each has a task."""
_CROWD: Final = _MOST_LENT // 2


class Slots:
    """The slots of a fan-out: an item holds one from when it begins until its outcome is read.

    Where its linked account may not go now, an item that has not begun is parked, and one that has lends its slot to
    an item of another account. Both get a slot, once their account may go, before items that are new.
    """

    def __init__(self, number: int) -> None:
        self._free = number
        self._lent = 0
        self._next: deque[Callable[[], object]] = deque()
        self._news = asyncio.Event()
        self.parked = 0
        """How many items are parked."""
        self._parked_enough = False
        self._lanes: OrderedDict[ParkedItems, None] = OrderedDict()

    @property
    def available(self) -> bool:
        """Whether there is a slot for a new item."""
        return self._free > 0 and not self._parked_enough

    @property
    def held_up(self) -> int:
        """How many parked items wait because requests of their accounts were refused."""
        return sum(lane.held_up for lane in self._lanes)

    @property
    def crowded(self) -> bool:
        """Whether so many items have lent their slots that no account should have many more begin."""
        return self._lent >= _CROWD

    async def wait(self) -> None:
        """Wait until there is a slot for a new item."""
        while not self.available:
            self._news.clear()
            await self._news.wait()

    async def take(self) -> None:
        """Wait for a slot for a new item, and take it."""
        await self.wait()
        self._free -= 1

    def take_next(self, then: Callable[[], object]) -> bool:
        """Take a slot before all new items. Where there is none, call `then` once one was taken.

        Returns:
            Whether a slot was taken.
        """
        if self._free > 0:
            self._free -= 1
            return True
        self._next.append(then)
        return False

    def take_in_any_case(self) -> None:
        """Take a slot that there may not be: the next to come free is none, then."""
        self._free -= 1

    def free(self) -> None:
        """Give a slot back."""
        self._free += 1
        if self._next and self._free > 0:
            self._free -= 1
            self._next.popleft()()
        else:
            self._news.set()

    def lend(self) -> bool:
        """Give back the slot of an item that is parked, unless too many are; return whether that was done."""
        if self._lent >= _MOST_LENT:
            return False
        self._lent += 1
        self.free()
        return True

    def note_resumed(self) -> None:
        """Note that an item which had lent its slot has one again."""
        self._lent -= 1

    def note_parked(self, lane: "ParkedItems") -> None:
        """Count an item that was parked before it began."""
        self.parked += 1
        self._lanes[lane] = None
        self._count_parked()

    def note_unparked(self, lane: "ParkedItems") -> None:
        """Count an item that is parked no longer."""
        if not lane.parked:
            del self._lanes[lane]
        self.parked -= 1
        if self._parked_enough:
            self._count_parked()
            self._news.set()

    def _count_parked(self) -> None:
        self._parked_enough = self.parked + _ACCOUNT_COUNTS_FOR * len(self._lanes) >= MOST_PARKED

    def unpark(self) -> Any:
        """Return one of the parked items, which is parked no longer."""
        lane = next(iter(self._lanes))
        item = lane.unpark()
        if not lane.parked:
            lane.changed()
        return item
