"""How many items of a fan-out run at the same time, and what happens to those that must wait."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from refold_async.limits.slot_interfaces import ParkedItems

__all__ = ["MOST_PARKED", "Slots"]

MOST_PARKED: Final = 100_000
"""How many items that have not begun may wait for their accounts: each takes about half a kilobyte and its own size."""
_ACCOUNT_COUNTS_FOR: Final = 5
"""As how many parked items each account counts: an account takes more memory than an item."""
_SETTLING_COUNTS_FOR: Final = 10
"""As how many parked items each item counts that waits to find out what became of its write: it has a task."""
_MOST_LENT: Final = 1000
"""How many items that have begun may wait for their accounts without a slot: each has a task."""
_CROWD: Final = _MOST_LENT // 2


class Slots:
    """The slots of a fan-out. An item has one from when it begins until its outcome is read.

    If its linked account has to wait, an item that has not begun is parked, and one that has begun lends its slot to an
    item of another account. As soon as the account may continue, both get a slot before any new item does.
    """

    def __init__(self, number: int) -> None:
        self._free = number
        self._lent = 0
        self._next: deque[Callable[[], object]] = deque()
        self._news = asyncio.Event()
        self.parked = 0
        """How many items are parked."""
        self._settling = 0
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
        """Whether so many items have lent their slots that no account should begin many more."""
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
        """Take a slot before any new item does. If none is free, call `then` once one was taken.

        Returns:
            Whether a slot was taken.
        """
        if self._free > 0:
            self._free -= 1
            return True
        self._next.append(then)
        return False

    def take_in_any_case(self) -> None:
        """Take a slot even if none is free: the next one that is given back is then not free."""
        self._free -= 1

    async def take_before_others(self) -> None:
        """Wait for a slot, and take it before any new item does. If this raises, no slot is taken."""
        granted = asyncio.get_running_loop().create_future()

        def grant() -> None:
            if not granted.done():
                granted.set_result(None)

        if self.take_next(grant):
            return
        try:
            await granted
        except asyncio.CancelledError:
            if grant in self._next:
                self._next.remove(grant)
            else:
                self.free()
            raise

    def free(self) -> None:
        """Give a slot back."""
        self._free += 1
        if self._next and self._free > 0:
            self._free -= 1
            self._next.popleft()()
        else:
            self._news.set()

    def lend(self) -> bool:
        """Give back the slot of a waiting item, unless too many are lent already; return whether that was done."""
        if self._lent >= _MOST_LENT:
            return False
        self._lent += 1
        self.free()
        return True

    def note_resumed(self) -> None:
        """Note that an item which had lent its slot has a slot again."""
        self._lent -= 1

    def note_settling(self, change: int) -> None:
        """Count one more item (1) or one less (-1) that has no slot until it is clear what became of its write."""
        self._settling += change
        self._count_parked()
        self._news.set()

    def note_parked(self, lane: "ParkedItems") -> None:
        """Count an item that was parked before it began."""
        self.parked += 1
        self._lanes[lane] = None
        self._count_parked()

    def note_unparked(self, lane: "ParkedItems") -> None:
        """Count an item as no longer parked."""
        if not lane.parked:
            del self._lanes[lane]
        self.parked -= 1
        if self._parked_enough:
            self._count_parked()
            self._news.set()

    def _count_parked(self) -> None:
        others = _ACCOUNT_COUNTS_FOR * len(self._lanes) + _SETTLING_COUNTS_FOR * self._settling
        self._parked_enough = self.parked + others >= MOST_PARKED

    def unpark(self) -> Any:
        """Take one item out of the parked ones, and return it."""
        lane = next(iter(self._lanes))
        item = lane.unpark()
        if not lane.parked:
            lane.changed()
        return item
