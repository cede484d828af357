"""The item of a fan-out that the running task works on: what sending a call has to know of it, and tells it."""

from contextvars import ContextVar
from typing import Protocol

import attrs

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
    attempts: int = 0
    """How many requests were handed to the network for it."""
    without_effect: int = 0
    """How many of those ended, and certainly made nothing happen."""
    may_have_changed: bool = False
    """Whether a write that nobody vouched for happened, or may have."""
    at_the_door: bool = False
    """Whether it waits to be let in."""

    @property
    def untouched(self) -> bool:
        """Whether none of its requests is under way or may have made anything happen."""
        return self.attempts == self.without_effect

    async def before_sending(self) -> None:
        """Return when it is recorded that an attempt, which was let in, may leave; count it."""
        item: CurrentItem | None = self
        while item is not None:
            if item.record is not None:
                await item.record.start()
            item = item.outer
        item = self
        while item is not None:
            item.attempts += 1
            item = item.outer

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
                if item.record is not None and item.untouched:
                    item.record.withdraw()
            item = item.outer


current_item: ContextVar[CurrentItem | None] = ContextVar("current_item", default=None)
"""Set while a fan-out works on an item."""
