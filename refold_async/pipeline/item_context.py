"""The item of a fan-out that the current task works on, as far as its requests must know about it or change it."""

import math
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from refold_async.limits.lanes import Lane
    from refold_async.limits.pauses import Pause
    from refold_async.limits.slot_interfaces import SlotPool

__all__ = ["ItemContext", "SendRecorder", "current_item"]


class SendRecorder(Protocol):
    """Records in a journal that requests of an item are about to be sent."""

    key: str
    """The key of the item in the journal."""

    async def start(self) -> float:
        """Return once the journal has recorded that requests of the item may be sent: until when, by `boot_time()`."""
        ...

    def withdraw(self) -> None:
        """Record that none of its requests had an effect, and that none is in flight."""
        ...


class ItemContext:
    """An item in progress. If fan-outs are nested, a request counts for its own item and for all items around it."""

    __slots__ = (
        "approaching",
        "attempts",
        "has_lent",
        "index",
        "job",
        "leaving",
        "max_refusal_wait",
        "on_resume",
        "outer",
        "parked_for",
        "pauses_before",
        "recorder",
        "refusal_wait",
        "refusal_wait_until",
        "refused",
        "slots",
        "stop_requested",
        "waited",
        "waits",
        "without_connection",
        "without_effect",
        "writes",
        "writes_without_effect",
    )

    def __init__(
        self,
        *,
        outer: "ItemContext | None" = None,
        recorder: SendRecorder | None = None,
        job: str | None = None,
        index: int = -1,
        slots: "SlotPool | None" = None,
        max_refusal_wait: float = math.inf,
    ) -> None:
        self.outer = outer
        """The item of the surrounding fan-out."""
        self.recorder = recorder
        """Records its entry in a journal."""
        self.job = job
        """The name of its job, if a journal gives it one."""
        self.index = index
        """Its position in the input, from 0. It is -1 if this is not an item of an input."""
        self.slots = slots
        """The slots of its fan-out."""
        self.attempts = 0
        """How many attempts its calls made."""
        self.without_effect = 0
        """How many of those attempts ended and certainly had no effect."""
        self.without_connection = 0
        """How many of those attempts ended before they had a connection."""
        self.writes = 0
        """How many of those attempts were writes that are not idempotent."""
        self.writes_without_effect = 0
        """How many of those writes ended and certainly had no effect."""
        self.leaving = 0
        """How many requests have a permit and will be sent once the journal has recorded it."""
        self.waits = 0
        """How many requests wait for a permit. It is also 1 while the item has not begun."""
        self.waited = 0.0
        """For how many seconds its requests waited for permits, in total."""
        self.stop_requested = False
        """Whether its fan-out was stopped, so that the item must not begin."""
        self.has_lent = False
        """Whether its slot is lent to another item, because its own account may not send yet."""
        self.on_resume: tuple[Callable[[], object], ...] = ()
        """What to call when it has a slot again."""
        self.approaching: Lane | None = None
        """The queue of the items of its account that have not begun. The queue is notified when this item sends its
        first request, waits for its account, or takes long to get there."""
        self.pauses_before = 0.0
        """For how many seconds its account had been refused when the item was parked."""
        self.max_refusal_wait = max_refusal_wait
        """Seconds that refusals may keep it waiting in total."""
        self.refusal_wait = 0.0
        """Seconds that refusals have kept it waiting so far."""
        self.refusal_wait_until = -math.inf
        """Until when those seconds are counted, by the event loop's clock."""
        self.refused = 0
        """How many of its requests were refused and wait for their retry."""
        self.parked_for: Pause | None = None
        """The pauses of the linked account for which one of its permits is parked."""

    @property
    def untouched(self) -> bool:
        """Whether no request of it is in flight, and none can have had an effect."""
        return self.attempts == self.without_effect

    @property
    def may_have_changed(self) -> bool:
        """Whether a write that is not idempotent had an effect, or may have had one."""
        return self.writes != self.writes_without_effect

    @property
    def must_not_begin(self) -> bool:
        """Whether it, or an item around it, must end before its first request."""
        item: ItemContext | None = self
        while item is not None:
            if item.stop_requested and item.untouched:
                return True
            item = item.outer
        return False

    @property
    def refusal_wait_left(self) -> float:
        """Seconds that refusals may still keep it waiting."""
        return self.max_refusal_wait - self.refusal_wait

    @property
    def held_up(self) -> bool:
        """Whether it waits because it, or its linked account, was refused."""
        return self.refused > 0 or (self.parked_for is not None and self.parked_for.lasts)

    def note_refusal_wait(self, seconds: float, until: float) -> None:
        """Count how long refusals kept one of its requests waiting; time that several requests share counts once."""
        began = max(until - seconds, self.refusal_wait_until)
        if until > began:
            self.refusal_wait += until - began
            self.refusal_wait_until = until

    def park(self) -> None:
        """Lend the slot of the item to an item of another account, unless this item may have had an effect."""
        if self.slots is not None and not self.has_lent and self.untouched:
            self.has_lent = self.slots.lend()

    def resume(self) -> None:
        """Continue with the slot that the item just got."""
        self.has_lent = False
        if self.slots is not None:
            self.slots.note_resumed()
        on_resume, self.on_resume = self.on_resume, ()
        for go_on in on_resume:
            go_on()

    def give_up_waiting(self) -> None:
        """Take a slot, even if none is free: a parked request was cancelled, and the item continues."""
        if self.slots is not None and self.has_lent:
            self.slots.take_in_any_case()
            self.resume()

    def arrive(self) -> None:
        """Note that a request of the item is about to be sent, or waits for its account."""
        lane, self.approaching = self.approaching, None
        if lane is not None:
            lane.arrived()

    async def before_sending(self, *, write: bool) -> float | None:
        """Return once the journal has recorded that an attempt, which has its permit, may be sent. Count the attempt.

        Args:
            write: Whether it is a write that is not idempotent.

        Returns:
            Until when the attempt may leave, by `boot_time()`; None if no journal records it.
        """
        if self.approaching is not None:
            self.arrive()
        leaves_before: float | None = None
        if self.outer is None:  # nearly always; this path costs less
            if self.recorder is not None:
                self.leaving += 1
                try:
                    leaves_before = await self.recorder.start()
                finally:
                    self.leaving -= 1
            self.attempts += 1
            self.writes += write
            return leaves_before
        items: list[ItemContext] = [self]
        while (outer := items[-1].outer) is not None:
            items.append(outer)
        for item in items:
            item.leaving += 1
        try:
            for item in items:
                if item.recorder is not None:
                    until = await item.recorder.start()
                    leaves_before = until if leaves_before is None else min(leaves_before, until)
        finally:
            for item in items:
                item.leaving -= 1
        for item in items:
            item.attempts += 1
            item.writes += write
        return leaves_before

    def note_without_effect(self, *, write: bool) -> None:
        """Note that an attempt has ended and certainly had no effect.

        Args:
            write: Whether it was a write that is not idempotent.
        """
        item: ItemContext | None = self
        while item is not None:
            item.without_effect += 1
            item.writes_without_effect += write
            if item.recorder is not None and item.untouched and not item.leaving:
                item.recorder.withdraw()
            item = item.outer

    def note_no_connection(self) -> None:
        """Note that an attempt has ended before it had a connection."""
        item: ItemContext | None = self
        while item is not None:
            item.without_connection += 1
            item = item.outer


current_item: ContextVar[ItemContext | None] = ContextVar("current_item", default=None)
"""The item that a fan-out works on in this context."""
