"""The item of a fan-out that the running task works on: what sending a call has to know of it, and tells it."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Protocol

import attrs

from refold_async.places import Places

__all__ = ["CurrentItem", "ItemRecord", "current_item"]


class ItemRecord(Protocol):
    """Where it is recorded that an item's requests leave."""

    async def start(self) -> None:
        """Return when it is recorded that requests of the item may leave."""
        ...

    def withdraw(self) -> None:
        """Record that none of its requests made anything happen, and none is under way."""
        ...


@attrs.define(eq=False)
class CurrentItem:
    """An item being worked on. Of fan-outs inside fan-outs, each counts for the items around it too."""

    outer: "CurrentItem | None" = None
    """The item of the fan-out around this one."""
    record: ItemRecord | None = None
    """Its record in a journal."""
    places: Places | None = None
    """The places of its fan-out."""
    attempts: int = 0
    """How many requests were handed to the network for it."""
    without_effect: int = 0
    """How many of those ended, and certainly made nothing happen."""
    leaving: int = 0
    """How many requests were let in, and leave once that is recorded."""
    may_have_changed: bool = False
    """Whether a write that nobody vouched for happened, or may have."""
    at_the_door: bool = False
    """Whether it waits to be let in, or has not begun yet."""
    has_lent: bool = False
    """Whether its place is lent to another item, because its account may not go now."""
    asks_for_place: bool = False
    """Whether it will be told when there is a place for it again."""

    @property
    def untouched(self) -> bool:
        """Whether none of its requests is under way or may have made anything happen."""
        return self.attempts == self.without_effect

    def step_aside(self) -> None:
        """Lend the item's place to one of another account, unless something of it may have happened."""
        if self.places is not None and not self.has_lent and self.untouched:
            self.has_lent = self.places.lend()

    def step_back(self, again: Callable[[], None]) -> bool:
        """Return whether the item has a place; where it has none, call `again` once that may be different."""
        if self.places is None or not self.has_lent:
            return True
        if self.asks_for_place:
            return False

        def ask_again() -> None:
            self.asks_for_place = False
            again()

        self.has_lent = self.asks_for_place = not self.places.take_back(ask_again)
        return not self.has_lent

    def give_up_waiting(self) -> None:
        """Take a place in any case: the attempt that stepped aside is cancelled."""
        if self.places is not None and self.has_lent:
            self.places.take_back(None)
            self.has_lent = False

    async def before_sending(self) -> None:
        """Return when it is recorded that an attempt, which was let in, may leave; count it."""
        if self.outer is None and self.record is None:
            self.attempts += 1
            return
        items: list[CurrentItem] = [self]
        while (outer := items[-1].outer) is not None:
            items.append(outer)
        for item in items:
            item.leaving += 1
        try:
            for item in items:
                if item.record is not None:
                    await item.record.start()
        finally:
            for item in items:
                item.leaving -= 1
        for item in items:
            item.attempts += 1

    def after_sending(self, *, without_effect: bool, change: bool) -> None:
        """Note what became of an attempt.

        Args:
            without_effect: It certainly made nothing happen.
            change: It was a write that nobody vouched for, and happened or may have.
        """
        item: CurrentItem | None = self
        while item is not None:
            item.may_have_changed |= change
            if without_effect:
                item.without_effect += 1
                if item.record is not None and item.untouched and not item.leaving:
                    item.record.withdraw()
            item = item.outer


current_item: ContextVar[CurrentItem | None] = ContextVar("current_item", default=None)
"""Set while a fan-out works on an item."""
