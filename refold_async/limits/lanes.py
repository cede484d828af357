"""Where the items of one fan-out wait for one linked account."""

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
    """The items of one fan-out that cannot go on to an account without a slot: they lent theirs, or have not begun.

    It is parked at the account's limit for all of them, and asks for one slot at a time. So no more are resumed than
    can go, and the fan-out begins no more than the account can use.
    """

    limit: "AccountLimit"
    slots: "SlotPool"
    turns: "Turns"
    _forget: Callable[["Lane"], object]
    waiters: OrderedDict[Waiter, None] = attrs.field(factory=OrderedDict[Waiter, None])
    """Those whose items lent their slots. They go before items that have not begun."""
    approaching: bool = False
    """Whether an item has begun, and has yet to wait for the account or to send."""
    _turn_is_kept: bool = False  # whether the limit keeps a turn for the item that approaches
    _awaits_slot: bool = False  # and so is not parked at the limit
    _has_slot: bool = False  # one that came too late for its turn, and is kept for the next
    _patience: Patience | None = None
    # The items that have not begun, as two stacks: of very many lanes, most have one or two.
    _newest: "list[SlotHolder]" = attrs.field(factory=list["SlotHolder"])
    _oldest: "list[SlotHolder]" = attrs.field(factory=list["SlotHolder"])
    _begin: "Callable[[SlotHolder, Lane], object]" = attrs.field(init=False)

    @property
    def priority(self) -> "Priority":
        """Before or behind whom it goes."""
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
        """Tell whether an item may begin at once."""
        if self.approaching or self.waiters or self._awaits_slot or self._oldest or self._newest or self.limit.parked:
            return False
        return not self.limit.wait(now, smoothed=True)

    def park(self, item: "SlotHolder", begin: "Callable[[SlotHolder, Lane], object]", now: float) -> None:
        """Keep an item until its account can use it, and `begin` it then: a slot was taken for it."""
        self._begin = begin
        item.pauses_before = self.limit.pause.lasted(now)
        self._newest.append(item)
        self.slots.note_parked(self)
        if self.parked == 1:
            self._look_again()

    def unpark(self) -> "SlotHolder":
        """Return the item that was parked before all others."""
        if not self._oldest:
            self._newest.reverse()
            self._oldest, self._newest = self._newest, self._oldest
        item = self._oldest.pop()
        self.slots.note_unparked(self)
        return item

    def add(self, waiter: Waiter) -> None:
        """Have a permit wait whose item lent its slot."""
        self.waiters[waiter] = None
        if waiter.was_parked:
            self.waiters.move_to_end(waiter, last=False)
        self.settle()

    def remove(self, waiter: Waiter) -> bool:
        """Have a permit wait no longer; return whether it did."""
        if waiter not in self.waiters:
            return False
        del self.waiters[waiter]
        self.settle()
        return True

    def arrived(self) -> None:
        """Note that the item which approached is there, or long in coming: others may begin."""
        self.approaching = False
        self.changed()

    def changed(self) -> None:
        """Keep no turn any more, and have others who wait for the account go on if they may."""
        if self._turn_is_kept:
            self._turn_is_kept = False
            self.limit.turns_kept -= 1
        self._look_again()

    def close(self) -> None:
        """Have items that have not begun do so, one after the other: they will find that the client is closed."""
        self._stop_looking()
        self._look_again()

    def resume(self, now: float) -> bool:
        """Have an item go on if there is a slot at once; return whether it did.

        Else it asks for a slot, and holds up none of those who are parked behind it until it has one.
        """
        if self._takes_slot():
            self._go_on(now)
            return True
        return False

    def settle(self, *, first: bool = False) -> None:
        """Be parked at the limit if any item could go on with a slot; be forgotten if there is none."""
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
        """Be parked or not, as it is by now, and have whoever may go on."""
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
        """Begin the item that was parked before all others, for which a slot was taken, and keep its turn."""
        item = self.unpark()
        item.note_refusal_wait(self.limit.pause.lasted(now) - item.pauses_before, now)
        if not self._turn_is_kept:
            self._turn_is_kept = True
            self.limit.turns_kept += 1
        self._begin(item, self)

    def _go_on(self, now: float) -> None:
        """Have the first item go on, with a slot that was taken for it."""
        self._has_slot = False
        if (waiter := next(iter(self.waiters), None)) is not None and waiter.permit.holder is not None:
            waiter.permit.holder.resume()
        elif self._needs_slot:
            self._begin_next(now)
        else:
            self.slots.free()
        self.settle()

    def _takes_slot(self) -> bool:
        """Return whether it has a slot at once; it is told when it has one later."""
        if self._has_slot:
            return True
        loop = asyncio.get_running_loop()
        # Not told at once: slots come free in the midst of looking through the queue.
        self._awaits_slot = not self.slots.take_next(lambda: loop.call_soon(self._slot_came, loop))
        return not self._awaits_slot

    def _slot_came(self, loop: asyncio.AbstractEventLoop) -> None:
        """Go on with a slot that it had to wait for. Others may have gone to its account meanwhile."""
        limit, now = self.limit, loop.time()
        self._awaits_slot = False
        if limit.wait(now, smoothed=True) == 0 or self.turns.closed:
            self._go_on(now)
        elif self._refusal_wait_left(now) <= 0 and limit.pause.lasts and not self.approaching:
            self._begin_next(now)
            self.settle()
        else:
            # It keeps the slot for its next turn, or might be late for ever; a pause would be too long for that.
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
        """Return the seconds for which refusals may still keep the first of the parked items waiting."""
        if self.turns.closed or (not self._oldest and not self._newest):
            return math.inf
        item = self._oldest[-1] if self._oldest else self._newest[0]
        return item.refusal_wait_left - (self.limit.pause.lasted(now) - item.pauses_before)

    def _stop_looking(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self, now: float) -> None:
        """Have the first of the parked items begin, one after the other: it will fail."""
        if self.approaching or self._awaits_slot:
            return
        self.limit.parked.remove(self)
        if self._takes_slot():
            self._has_slot = False
            self._begin_next(now)
            self.settle()
