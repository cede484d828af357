"""Whose turn it is at a linked account's gate: calls that stepped aside, and the items of fan-outs in their lanes."""

import asyncio
import math
from collections.abc import Callable
from functools import partial
from typing import Final

from refold_async.limits.account_limits import AccountLimit, AccountLimits, Lane
from refold_async.limits.fair_queue import FairQueue, Waiter
from refold_async.limits.slots import Slots
from refold_async.pipeline.item_context import ItemContext

__all__ = ["AccountTurns"]

_PRECISION: Final = 0.05
"""Seconds after which it is looked again, at least, whether parked items have waited for too long."""


class AccountTurns:
    """Has those who wait at the gates stand in front of a line again, once their accounts may."""

    def __init__(
        self, gates: AccountLimits, line: FairQueue[Waiter], admit: Callable[[asyncio.AbstractEventLoop], object]
    ) -> None:
        """Look after gates.

        Args:
            gates: The gates.
            line: The line in front of them.
            admit: Lets in whoever stands in that line and may go.
        """
        self._gates = gates
        self._line = line
        self._admit = admit
        self._closed = False

    def lane(self, account: str | None, places: Slots, now: float) -> Lane | None:
        """Return where the items of a fan-out wait for an account, or None if nothing limits that."""
        gate = self._gates.find(account, now) if self._gates.needed else None
        return None if gate is None else self._lane_at(gate, places)

    def close(self) -> None:
        """Look after them no longer: nothing is worth waiting for."""
        self._closed = True
        for lane in self._gates.lanes():
            self.lane_changed(lane)

    def step_aside(self, waiter: Waiter, gate: AccountLimit, now: float) -> None:
        """Have an attempt wait at its gate. An item lends its place to others meanwhile."""
        gate.note_aside(waiter, now)
        self._wait_at(gate, waiter)
        waiter.was_aside = True
        loop, item = waiter.admitted.get_loop(), waiter.visit.item
        if item is not None and item.approaching is not None:
            loop.call_soon(item.arrive)
        # As of the same moment: a later one might let it come back at once, only to step aside again, and so for ever.
        self.call_back(gate, loop, now)

    def give_up(self, waiter: Waiter, gate: AccountLimit, now: float) -> None:
        """Have an attempt wait at its gate no longer, if it did."""
        gate.aside.remove(waiter)
        gate.take_back(waiter, now)
        for lane in gate.lanes.values():
            if waiter in lane.waiters:
                del lane.waiters[waiter]
                lane.settle()
                return

    def call_back(self, gate: AccountLimit, loop: asyncio.AbstractEventLoop, now: float) -> None:
        """Have the next of those who stepped aside stand in front of the line again, once its account may."""
        if gate.timer is not None:
            gate.timer.cancel()
            gate.timer = None
        while not self._closed and (entry := gate.aside.head()) is not None:
            wait = gate.wait(now, smoothed=entry.in_bulk)
            if wait > 0:
                if wait < math.inf:
                    gate.timer = loop.call_at(now + wait, self.look_again, gate, loop)
                return
            gate.aside.take(entry)
            if isinstance(entry, Lane):
                if self._asks_for_place(entry, loop):
                    self._go_on(entry, now)
                    return
                # And while it waits for a place, it holds up none of those behind it.
            elif entry.visit.item is not None and entry.visit.item.has_lent:
                self._wait_at(gate, entry)
            else:
                gate.take_back(entry, now)
                self._line.add(entry, first=True)
                return

    def look_again(self, gate: AccountLimit, loop: asyncio.AbstractEventLoop) -> None:
        """Have whoever may go by now."""
        self.call_back(gate, loop, loop.time())
        if self._line:
            self._admit(loop)

    def come_back(self, waiter: Waiter, loop: asyncio.AbstractEventLoop) -> None:
        """Have one stand in line that waited for a time of its own, unless it has to wait for a place first."""
        item = waiter.visit.item
        if waiter.admitted.done():
            return
        if item is None or item.places is None or not item.has_lent:
            self._line.add(waiter)
        else:
            item.asking += (partial(self._stand_in_line, waiter),)
            places = item.places
            if places.take_next(lambda: loop.call_soon(self._item_has_place, item, places, loop)):
                item.step_back()
        if self._line:
            self._admit(loop)

    def lane_changed(self, lane: Lane) -> None:
        """Have a lane wait at its gate, or no longer."""
        loop = asyncio.get_running_loop()
        if self._closed and lane.parked and not lane.approaching:  # it will find that the client is closed
            lane.places.take_in_any_case()
            lane.begin(loop.time())
        lane.settle()
        if self._closed:
            return
        if lane.parked:
            self._mind_patience(lane, loop)
        if lane.gate.aside:
            self.look_again(lane.gate, loop)

    def _stand_in_line(self, waiter: Waiter) -> None:
        if not waiter.admitted.done():
            self._line.add(waiter)

    def _item_has_place(self, item: ItemContext, places: Slots, loop: asyncio.AbstractEventLoop) -> None:
        if item.has_lent:
            item.step_back()
        else:
            places.free()
        if self._line:
            self._admit(loop)

    def _wait_at(self, gate: AccountLimit, waiter: Waiter) -> None:
        item = waiter.visit.item
        if item is None or item.places is None or not item.has_lent:
            gate.aside.add(waiter, first=waiter.was_aside)
            return
        lane = self._lane_at(gate, item.places)
        lane.waiters[waiter] = None
        if waiter.was_aside:
            lane.waiters.move_to_end(waiter, last=False)
        item.asking += (partial(self._leave_lane, waiter, lane),)
        lane.settle()

    def _leave_lane(self, waiter: Waiter, lane: Lane) -> None:
        """Have a request whose item has a place again stand in line."""
        if waiter in lane.waiters:
            del lane.waiters[waiter]
            lane.gate.take_back(waiter, waiter.admitted.get_loop().time())
            self._line.add(waiter, first=True)
            lane.settle()

    def _lane_at(self, gate: AccountLimit, places: Slots) -> Lane:
        lane = gate.lanes.get(places)
        if lane is None:
            lane = gate.lanes[places] = Lane(gate, places, self)
        return lane

    def _asks_for_place(self, lane: Lane, loop: asyncio.AbstractEventLoop) -> bool:
        """Return whether a lane has a place at once; it is told when it has one later."""
        if lane.has_place:
            return True
        # Not told at once: places come free in the midst of looking through the line.
        lane.asking = not lane.places.take_next(lambda: loop.call_soon(self._has_place, lane, loop))
        return not lane.asking

    def _has_place(self, lane: Lane, loop: asyncio.AbstractEventLoop) -> None:
        """Go on with a place that a lane had to wait for. Others may have gone to its account meanwhile."""
        gate, now = lane.gate, loop.time()
        lane.asking = False
        if gate.wait(now, smoothed=True) == 0 or self._closed:
            self._go_on(lane, now)
        elif lane.refusal_wait_left(now) <= 0 and gate.pause.lasts and not lane.approaching:
            lane.begin(now)
            lane.settle()
        else:
            # It keeps the place for its next turn, or might be late for ever; a pause would be too long for that.
            lane.has_place = True
            if gate.pause.wait(now) > 0:
                lane.give_place_back()
            lane.settle(first=True)
        self.look_again(gate, loop)

    def _go_on(self, lane: Lane, now: float) -> None:
        """Have the first item of a lane go on, with a place that was taken for it."""
        lane.has_place = False
        if (waiter := next(iter(lane.waiters), None)) is not None and waiter.visit.item is not None:
            waiter.visit.item.step_back()
        elif lane.needs_a_place:
            lane.begin(now)
        else:
            lane.places.free()
        lane.settle()

    def _mind_patience(self, lane: Lane, loop: asyncio.AbstractEventLoop) -> None:
        """Have parked items begin that refusals have kept waiting for too long, one after the other: they fail."""
        now = loop.time()
        left = lane.refusal_wait_left(now)
        if left <= 0 and lane.gate.pause.lasts and not lane.approaching and not lane.asking:
            lane.gate.aside.remove(lane)
            if self._asks_for_place(lane, loop):
                lane.has_place = False
                lane.begin(now)
                lane.settle()
        if lane.patience is None and left < math.inf:
            soonest = _PRECISION if lane.gate.pause.lasts else 1.0
            lane.patience = loop.call_at(now + max(left, soonest), self._look_at_patience, lane)

    def _look_at_patience(self, lane: Lane) -> None:
        lane.patience = None
        if not self._closed:
            self.lane_changed(lane)
