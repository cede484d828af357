"""The queue of a fan-out's items that wait for one linked account."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from refold_async.limits.permits import Patience, Waiter

if TYPE_CHECKING:
    from refold_async.limits.account_limits import AccountLimit
    from refold_async.limits.fair_queue import Priority
    from refold_async.limits.permits import Turns
    from refold_async.limits.slot_interfaces import SlotHolder, SlotPool

__all__ = ["Lane"]


@attrs.define(eq=False, repr=False)
class Lane:
    """The items of one fan-out that need a slot to continue with an account: they lent theirs, or have not begun.

    The lane is parked at the account's limit for all of them, and asks for one slot at a time. So it resumes no more
    items than can send, and the fan-out begins no more items than the account can use.
    """

    limit: "AccountLimit"
    slots: "SlotPool"
    turns: "Turns"
    _forget: Callable[["Lane"], object]
    waiters: OrderedDict[Waiter, None] = attrs.field(factory=OrderedDict[Waiter, None])
    """The permits whose items lent their slots. They come before items that have not begun."""
    approaching: bool = False
    """Whether an item has begun, but does not yet wait for the account or send."""
    _turn_is_kept: bool = False  # whether the limit reserves a turn for the item that approaches
    _awaits_slot: bool = False  # and therefore is not parked at the limit
    _has_slot: bool = False  # a slot that came too late for its turn, and is kept for the next turn
    _patience: Patience | None = None
    # The items that have not begun, as two stacks: there are very many lanes, and most have one or two items.
    _newest: "list[SlotHolder]" = attrs.field(factory=list["SlotHolder"])
    _oldest: "list[SlotHolder]" = attrs.field(factory=list["SlotHolder"])
    _begin: "Callable[[SlotHolder, Lane], object]" = attrs.field(init=False)

    @property
    def priority(self) -> "Priority":
        """The priority of the lane."""
        return "bulk"

    @property
    def parked(self) -> int:
        """How many items have not begun."""
        return len(self._oldest) + len(self._newest)

    @property
    def held_up(self) -> int:
        """How many of those wait because requests of their account were refused."""
        return self.parked if self.limit.pause.lasts else 0

    def is_open(self, now: float) -> bool:
        """Return whether an item may begin immediately."""
        if self.approaching or self.waiters or self._awaits_slot or self._oldest or self._newest or self.limit.parked:
            return False
        return not self.limit.wait(now, smoothed=True)

    def park(self, item: "SlotHolder", begin: "Callable[[SlotHolder, Lane], object]", now: float) -> None:
        """Keep an item until its account can use it. Then take a slot for it and call `begin`."""
        self._begin = begin
        item.pauses_before = self.limit.pause.lasted(now)
        self._newest.append(item)
        self.slots.note_parked(self)
        if self.parked == 1:
            self._look_again()

    def unpark(self) -> "SlotHolder":
        """Return the item that has been parked for the longest time."""
        if not self._oldest:
            self._newest.reverse()
            self._oldest, self._newest = self._newest, self._oldest
        item = self._oldest.pop()
        self.slots.note_unparked(self)
        return item

    def add(self, waiter: Waiter) -> None:
        """Let a permit wait whose item lent its slot."""
        self.waiters[waiter] = None
        if waiter.was_parked:
            self.waiters.move_to_end(waiter, last=False)
        self.settle()

    def remove(self, waiter: Waiter) -> bool:
        """Let a permit wait no longer; return whether it was waiting."""
        if waiter not in self.waiters:
            return False
        del self.waiters[waiter]
        self.settle()
        return True

    def arrived(self) -> None:
        """Note that the approaching item has arrived, or takes long: others may begin."""
        self.approaching = False
        self.changed()

    def changed(self) -> None:
        """Release the reserved turn, and let others who wait for the account continue if they may."""
        if self._turn_is_kept:
            self._turn_is_kept = False
            self.limit.turns_kept -= 1
        self._look_again()

    def close(self) -> None:
        """Let the items that have not begun do so, one after the other. They will find that the client is closed."""
        self._stop_looking()
        self._look_again()

    def resume(self, now: float) -> bool:
        """Let an item continue if there is a free slot now; return whether it did.

        Otherwise the lane asks for a slot. Until it gets one, it does not block those who are parked behind it.
        """
        if self._takes_slot():
            self._go_on(now)
            return True
        return False

    def settle(self, *, first: bool = False) -> None:
        """Park at the limit if an item could continue with a slot. Be forgotten if there are no items."""
        if self._needs_slot:
            if not self._awaits_slot:
                self.limit.parked.add(self, first=first)
            return
        self.limit.parked.remove(self)
        self._give_slot_back()
        if not self.approaching:
            self._forget(self)
            self._stop_looking()

    @property
    def _needs_slot(self) -> bool:
        return bool(self.waiters or (not self.approaching and (self._oldest or self._newest)))

    def _look_again(self) -> None:
        """Park or not, according to the current state, and let everything continue that may."""
        loop = asyncio.get_running_loop()
        closed = self.turns.closed
        if closed and self.parked and not self.approaching:
            self.slots.take_in_any_case()
            self._begin_next(loop.time())
        self.settle()
        if closed:
            return
        if self.parked:
            if self._patience is None:
                self._patience = Patience(self.limit.pause, self._refusal_wait_left, self._give_up, loop)
            self._patience.look()
        if self.limit.parked:
            self.turns.look_again(self.limit, loop)

    def _begin_next(self, now: float) -> None:
        """Begin the item that has been parked for the longest time, which has a slot now, and reserve its turn."""
        item = self.unpark()
        item.note_refusal_wait(self.limit.pause.lasted(now) - item.pauses_before, now)
        if not self._turn_is_kept:
            self._turn_is_kept = True
            self.limit.turns_kept += 1
        self._begin(item, self)

    def _go_on(self, now: float) -> None:
        """Let the first item continue with the slot that the lane just got."""
        self._has_slot = False
        if (waiter := next(iter(self.waiters), None)) is not None and waiter.permit.holder is not None:
            waiter.permit.holder.resume()
        elif self._needs_slot:
            self._begin_next(now)
        else:
            self.slots.free()
        self.settle()

    def _takes_slot(self) -> bool:
        """Return whether there is a free slot now. If not, `_slot_came` is called when there is one."""
        if self._has_slot:
            return True
        loop = asyncio.get_running_loop()
        # With `call_soon`, because slots become free while the queue is being searched.
        self._awaits_slot = not self.slots.take_next(lambda: loop.call_soon(self._slot_came, loop))
        return not self._awaits_slot

    def _slot_came(self, loop: asyncio.AbstractEventLoop) -> None:
        """Continue with a slot that the lane had to wait for. Others may have used the account in the meantime."""
        limit, now = self.limit, loop.time()
        self._awaits_slot = False
        if limit.wait(now, smoothed=True) == 0 or self.turns.closed:
            self._go_on(now)
        elif self._refusal_wait_left(now) <= 0 and limit.pause.lasts and not self.approaching:
            self._begin_next(now)
            self.settle()
        else:
            # Keep the slot for the next turn, or the lane might be late forever. A pause would be too long for that.
            self._has_slot = True
            if limit.pause.wait(now) > 0:
                self._give_slot_back()
            self.settle(first=True)
        self.turns.look_again(limit, loop)

    def _give_slot_back(self) -> None:
        if self._has_slot:
            self._has_slot = False
            self.slots.free()

    def _refusal_wait_left(self, now: float) -> float:
        """Return the seconds that refusals may still keep the first of the parked items waiting."""
        if self.turns.closed or (not self._oldest and not self._newest):
            return math.inf
        item = self._oldest[-1] if self._oldest else self._newest[0]
        return item.refusal_wait_left - (self.limit.pause.lasted(now) - item.pauses_before)

    def _stop_looking(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self, now: float) -> None:
        """Let the first of the parked items begin although it will fail. The others follow, one after the other."""
        if self.approaching or self._awaits_slot:
            return
        self.limit.parked.remove(self)
        if self._takes_slot():
            self._has_slot = False
            self._begin_next(now)
            self.settle()
