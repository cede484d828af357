"""Takes turns at a linked account: parked permits, and the items of fan-outs in their lanes."""

import asyncio
import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from refold_async.errors import ConfigurationError
from refold_async.limits.account_limits import AccountLimit, AccountLimits
from refold_async.limits.fair_queue import FairQueue
from refold_async.limits.outside_limiter import LimiterError
from refold_async.limits.permits import Waiter

if TYPE_CHECKING:
    from refold_async.limits.lanes import Lane
    from refold_async.limits.slot_interfaces import SlotHolder, SlotPool

__all__ = ["AccountTurns"]


class AccountTurns:
    """Parks permits whose accounts may not send, and puts them first in the queue once the accounts may."""

    def __init__(
        self, limits: AccountLimits, queue: FairQueue[Waiter], grant: Callable[[asyncio.AbstractEventLoop], object]
    ) -> None:
        """Manage the turns at these limits.

        Args:
            limits: The limits.
            queue: The queue in front of them.
            grant: Grants what may be granted in that queue.
        """
        self._limits = limits
        self._queue = queue
        self._grant = grant
        self._lanes: dict[tuple[AccountLimit, SlotPool], Lane] = {}
        self._asking: dict[AccountLimit, list[Waiter]] = {}
        limits.answered = self._answered
        self.closed = False
        """Whether waiting makes no sense any more, because the client is closed."""

    def lane(self, account: str | None, slots: "SlotPool", now: float) -> "Lane | None":
        """Return the queue in which items of a fan-out wait for an account, or None if nothing limits the account."""
        limit = self._limits.find(account, now) if self._limits.needed else None
        return None if limit is None else self._lane_at(limit, slots)

    def close(self) -> None:
        """Stop managing turns: nothing needs to wait any longer."""
        self.closed = True
        for lane in list(self._lanes.values()):
            lane.close()

    def park(self, waiter: Waiter, limit: AccountLimit, now: float) -> None:
        """Let a permit wait for its account. Its item lends its slot to others during that time."""
        waiter.note_parked(limit, now)
        self._wait_at(limit, waiter)
        waiter.was_parked = True
        loop, holder = waiter.granted.get_loop(), waiter.permit.holder
        if holder is not None and holder.approaching is not None:
            loop.call_soon(holder.arrive)
        # With the same `now`: at a later time the permit might be resumed directly, only to be parked again, forever.
        self.resume_next(limit, loop, now)

    def hold_back(self, waiter: Waiter, limit: AccountLimit, now: float) -> bool:
        """Take a permit out of the queue if its account may not send now; return whether it was taken out."""
        permit = waiter.permit
        if permit.wait(limit, now) > 0:
            self._queue.remove(waiter)
            self.park(waiter, limit, now)
            return True
        if limit.shared is None:
            return False
        try:
            wait = limit.shared.reserve(now, permit.priority, 1 + len(limit.parked))
        except (LimiterError, ConfigurationError) as error:
            self._queue.remove(waiter)
            waiter.granted.set_exception(error)
            return True
        if wait == 0:
            return False
        self._queue.remove(waiter)
        if wait == math.inf:  # until the others who share the limit were asked; its item keeps its slot meanwhile
            self._asking.setdefault(limit, []).append(waiter)
        else:
            self.park(waiter, limit, now)
        return True

    def _answered(self, limit: AccountLimit) -> None:
        for waiter in reversed(self._asking.pop(limit, [])):
            if not waiter.granted.done():
                self._queue.add(waiter, first=True)
        self.look_again(limit, asyncio.get_running_loop())

    def give_up(self, waiter: Waiter, limit: AccountLimit, now: float) -> None:
        """Stop waiting for the account of a permit, if it waits for it."""
        limit.parked.remove(waiter)
        waiter.note_resumed(limit, now)
        holder = waiter.permit.holder
        if holder is not None and holder.slots is not None:
            lane = self._lanes.get((limit, holder.slots))
            if lane is not None:
                lane.remove(waiter)

    def resume_next(self, limit: AccountLimit, loop: asyncio.AbstractEventLoop, now: float) -> None:
        """Let the next parked entry continue, once its account may send."""
        if limit.timer is not None:
            limit.timer.cancel()
            limit.timer = None
        while not self.closed and (entry := limit.parked.head()) is not None:
            wait = limit.wait(now, smoothed=entry.priority == "bulk")
            if wait > 0:
                if wait < math.inf:
                    limit.timer = loop.call_at(now + wait, self.look_again, limit, loop)
                return
            limit.parked.take(entry)
            if entry.resume(now):
                return

    def resume(self, waiter: Waiter, now: float) -> bool:
        """Let a permit continue, because its account may send now, unless its item must get a slot first."""
        limit, holder = waiter.permit.limit, waiter.permit.holder
        if limit is None:
            return False
        if holder is not None and holder.has_lent:
            self._wait_at(limit, waiter)
            return False
        waiter.note_resumed(limit, now)
        self._queue.add(waiter, first=True)
        return True

    def look_again(self, limit: AccountLimit, loop: asyncio.AbstractEventLoop) -> None:
        """Let everything continue that may by now."""
        self.resume_next(limit, loop, loop.time())
        if self._queue:
            self._grant(loop)

    def end_delay(self, waiter: Waiter, loop: asyncio.AbstractEventLoop) -> None:
        """Put a permit into the queue after its own delay, unless its item must get a slot first."""
        holder = waiter.permit.holder
        if waiter.granted.done():
            return
        if holder is None or holder.slots is None or not holder.has_lent:
            self._queue.add(waiter)
        else:
            holder.on_resume += (partial(self._stand_in_queue, waiter),)
            slots = holder.slots
            if slots.take_next(lambda: loop.call_soon(self._slot_came, holder, slots, loop)):
                holder.resume()
        if self._queue:
            self._grant(loop)

    def _stand_in_queue(self, waiter: Waiter) -> None:
        if not waiter.granted.done():
            self._queue.add(waiter)

    def _slot_came(self, holder: "SlotHolder", slots: "SlotPool", loop: asyncio.AbstractEventLoop) -> None:
        if holder.has_lent:
            holder.resume()
        else:
            slots.free()
        if self._queue:
            self._grant(loop)

    def _wait_at(self, limit: AccountLimit, waiter: Waiter) -> None:
        holder = waiter.permit.holder
        if holder is None or holder.slots is None or not holder.has_lent:
            limit.parked.add(waiter, first=waiter.was_parked)
            return
        lane = self._lane_at(limit, holder.slots)
        holder.on_resume += (partial(self._leave_lane, waiter, lane),)
        lane.add(waiter)

    def _leave_lane(self, waiter: Waiter, lane: "Lane") -> None:
        """Put a permit into the queue, because its item has a slot again."""
        if waiter in lane.waiters:
            waiter.note_resumed(lane.limit, waiter.granted.get_loop().time())
            self._queue.add(waiter, first=True)
            lane.remove(waiter)

    def _lane_at(self, limit: AccountLimit, slots: "SlotPool") -> "Lane":
        lane = self._lanes.get((limit, slots))
        if lane is None:
            from refold_async.limits.lanes import Lane

            lane = self._lanes[limit, slots] = Lane(limit, slots, self, self._forget)
            limit.lanes += 1
        return lane

    def _forget(self, lane: "Lane") -> None:
        if self._lanes.get((lane.limit, lane.slots)) is lane:
            del self._lanes[lane.limit, lane.slots]
            lane.limit.lanes -= 1
