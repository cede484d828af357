"""The item of a fan-out that the running task works on: what sending a call has to know of it, and tells it."""

import math
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

import attrs

if TYPE_CHECKING:
    from refold_async.limits.lanes import Lane
    from refold_async.limits.pauses import Pause
    from refold_async.limits.slot_interfaces import SlotPool

__all__ = ["EntryRecorder", "ItemContext", "current_item"]


class EntryRecorder(Protocol):
    """What records in a journal that an item's requests leave."""

    key: str
    """What the journal knows the item by."""

    async def start(self) -> None:
        """Return when it is recorded that requests of the item may leave."""
        ...

    def withdraw(self) -> None:
        """Record that none of its requests made anything happen, and none is under way."""
        ...


@attrs.define(eq=False, repr=False)
class ItemContext:
    """An item being worked on. Of fan-outs inside fan-outs, each counts for the items around it too."""

    outer: "ItemContext | None" = None
    """The item of the fan-out around this one."""
    recorder: EntryRecorder | None = None
    """What records its entry in a journal."""
    job: str | None = None
    """The name of the job that it is part of, where a journal gives it one."""
    index: int = -1
    """Its place in the input, from 0; -1 of what stands for no item of a source."""
    slots: "SlotPool | None" = None
    """The slots of its fan-out."""
    attempts: int = 0
    """How many requests were handed to the network for it."""
    without_effect: int = 0
    """How many of those ended, and certainly made nothing happen."""
    without_connection: int = 0
    """How many of the attempts ended before there was a connection for them."""
    writes: int = 0
    """How many of the attempts were writes that nobody vouched for."""
    writes_without_effect: int = 0
    """How many of those ended, and certainly made nothing happen."""
    leaving: int = 0
    """How many requests have a permit, and leave once that is recorded."""
    waits: int = 0
    """How many requests wait for a permit; 1 also for an item that has not begun."""
    stop_requested: bool = False
    """Whether its fan-out was stopped, so that it must not begin any more."""
    has_lent: bool = False
    """Whether its slot is lent to another item, because its account may not go now."""
    on_resume: tuple[Callable[[], object], ...] = ()
    """What to call when it has a slot again."""
    approaching: "Lane | None" = None
    """The items of its account that have not begun: they hear when it sends, waits for its account, or is long in
    coming."""
    pauses_before: float = 0.0
    """For how many seconds its account had been refused when it was parked."""
    max_refusal_wait: float = math.inf
    """Seconds for which refusals may keep it waiting, in all."""
    refusal_wait: float = 0.0
    """Seconds for which they have."""
    refusal_wait_until: float = -math.inf
    """The time up to which that is counted, by the loop's clock."""
    refused: int = 0
    """How many of its requests were refused, and wait for another try."""
    parked_for: "Pause | None" = None
    """The pauses of the linked account that a permit of it is parked for."""

    @property
    def untouched(self) -> bool:
        """Whether none of its requests is under way or may have made anything happen."""
        return self.attempts == self.without_effect

    @property
    def may_have_changed(self) -> bool:
        """Whether a write that nobody vouched for happened, or may have."""
        return self.writes != self.writes_without_effect

    @property
    def must_not_begin(self) -> bool:
        """Whether it, or one around it, is to end before its first request."""
        item: ItemContext | None = self
        while item is not None:
            if item.stop_requested and item.untouched:
                return True
            item = item.outer
        return False

    @property
    def refusal_wait_left(self) -> float:
        """Seconds for which refusals may still keep it waiting."""
        return self.max_refusal_wait - self.refusal_wait

    @property
    def held_up(self) -> bool:
        """Whether it waits because it was refused, or its linked account is."""
        return self.refused > 0 or (self.parked_for is not None and self.parked_for.lasts)

    def note_refusal_wait(self, seconds: float, until: float) -> None:
        """Count for how long refusals kept one of its requests waiting; the time of several at once counts once."""
        began = max(until - seconds, self.refusal_wait_until)
        if until > began:
            self.refusal_wait += until - began
            self.refusal_wait_until = until

    def park(self) -> None:
        """Lend the item's slot to one of another account, unless something of it may have happened."""
        if self.slots is not None and not self.has_lent and self.untouched:
            self.has_lent = self.slots.lend()

    def resume(self) -> None:
        """Go on, with a slot that was taken for the item."""
        self.has_lent = False
        if self.slots is not None:
            self.slots.note_resumed()
        on_resume, self.on_resume = self.on_resume, ()
        for go_on in on_resume:
            go_on()

    def give_up_waiting(self) -> None:
        """Take a slot in any case: a request that was parked is cancelled, and the item goes on."""
        if self.slots is not None and self.has_lent:
            self.slots.take_in_any_case()
            self.resume()

    def arrive(self) -> None:
        """Note that a request of the item is where it leaves, or waits for an account."""
        lane, self.approaching = self.approaching, None
        if lane is not None:
            lane.arrived()

    async def before_sending(self, *, write: bool) -> None:
        """Return when it is recorded that an attempt, which has its permit, may leave; count it.

        Args:
            write: It is a write that nobody vouched for.
        """
        if self.approaching is not None:
            self.arrive()
        if self.outer is None:  # as nearly all are: it costs less
            if self.recorder is not None:
                self.leaving += 1
                try:
                    await self.recorder.start()
                finally:
                    self.leaving -= 1
            self.attempts += 1
            self.writes += write
            return
        items: list[ItemContext] = [self]
        while (outer := items[-1].outer) is not None:
            items.append(outer)
        for item in items:
            item.leaving += 1
        try:
            for item in items:
                if item.recorder is not None:
                    await item.recorder.start()
        finally:
            for item in items:
                item.leaving -= 1
        for item in items:
            item.attempts += 1
            item.writes += write

    def note_without_effect(self, *, write: bool) -> None:
        """Note that an attempt is over and certainly made nothing happen.

        Args:
            write: It was a write that nobody vouched for.
        """
        item: ItemContext | None = self
        while item is not None:
            item.without_effect += 1
            item.writes_without_effect += write
            if item.recorder is not None and item.untouched and not item.leaving:
                item.recorder.withdraw()
            item = item.outer

    def note_no_connection(self) -> None:
        """Note that an attempt is over, for which there was no connection."""
        item: ItemContext | None = self
        while item is not None:
            item.without_connection += 1
            item = item.outer


current_item: ContextVar[ItemContext | None] = ContextVar("current_item", default=None)
"""Set while a fan-out works on an item."""
