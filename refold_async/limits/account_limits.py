"""Each linked account's own limits: a gate behind the queue that all stand in."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol

import attrs

from refold_async.config.settings import RateLimit
from refold_async.limits.fair_queue import FairQueue, Permit, Waiter
from refold_async.limits.pauses import Pause
from refold_async.limits.slots import Slots
from refold_async.limits.token_bucket import TokenBucket
from refold_async.pipeline.item_context import ItemContext

__all__ = ["AccountLimit", "AccountLimitSettings", "AccountLimits", "KeptWaitingError", "Lane", "Turns"]

_MOST_GATES: Final = 1000
"""How many gates there are before those that hold nobody up are forgotten."""
_PRECISION: Final = 0.05
"""Seconds after which it is looked again, at least, whether one has waited for too long."""


class KeptWaitingError(Exception):
    """Refusals of its account have kept an item waiting for as long as its fan-out allows."""


@attrs.frozen(kw_only=True, eq=False)
class AccountLimitSettings:
    """What every linked account is held to."""

    rate: RateLimit | None = None
    """At what rate its requests may leave."""
    concurrency: float = math.inf
    """How many of its requests may be in flight."""


@attrs.define(eq=False, repr=False)
class AccountLimit:
    """One linked account's own limits."""

    bucket: TokenBucket | None
    free: float
    """How many more of its requests may be in flight."""
    pause: Pause
    """What refusals ask for that are about this account alone."""
    visits: int = 0
    """How many of its attempts wait or are in flight."""
    aside: "FairQueue[Waiter | Lane]" = attrs.field(factory=lambda: FairQueue())
    """Those who wait for this account, and hold up no other."""
    lanes: "dict[Slots, Lane]" = attrs.field(factory=dict[Slots, "Lane"])
    """Where the items of each fan-out wait that need a place, too."""
    timer: asyncio.TimerHandle | None = None
    kept: int = 0
    """How many turns are kept for items that begin, and will be here in a moment."""

    def wait(self, now: float, *, smoothed: bool, expected: bool = False) -> float:
        """Return the seconds until one may pass; infinite while others must come back, or pass, first."""
        if self.free < 1:
            return math.inf
        if self.kept and not expected and (self.bucket is not None or self.pause.lasts or self.free - self.kept < 1):
            return math.inf
        paused = self.pause.wait(now)
        return paused if self.bucket is None else max(paused, self.bucket.wait(now, smoothed=smoothed))

    def take(self, now: float) -> None:
        """Note that one passes."""
        self.free -= 1
        if self.pause.lasts:
            self.pause.take(now)
        if self.bucket is not None:
            self.bucket.take(now)

    def expects(self, visit: Permit) -> bool:
        """Tell whether an attempt is of an item that a turn is kept for."""
        item = visit.item
        if not self.kept or item is None or item.places is None or item.approaching is None:
            return False
        return self.lanes.get(item.places) is item.approaching

    def note_aside(self, waiter: Waiter, now: float) -> None:
        """Note that one waits for this account, an item no longer than refusals may keep it waiting."""
        if (item := waiter.visit.item) is not None:
            item.step_aside()
            item.aside_for = self.pause
            waiter.pauses_before = self.pause.lasted(now)
            if item.max_refusal_wait < math.inf and not waiter.visit.refused:
                loop = waiter.admitted.get_loop()
                waiter.patience = loop.call_at(now + item.refusal_wait_left, self._look_at, waiter, loop)

    def take_back(self, waiter: Waiter, now: float) -> None:
        """Count for how long refusals kept one waiting that waits here no longer."""
        if (item := waiter.visit.item) is not None:
            item.aside_for = None
            if waiter.patience is not None:
                waiter.patience.cancel()
                waiter.patience = None
                item.note_refusal_wait(self.pause.lasted(now) - waiter.pauses_before, now)

    def _look_at(self, waiter: Waiter, loop: asyncio.AbstractEventLoop) -> None:
        """End the wait of an item if it was long enough."""
        if (item := waiter.visit.item) is None or waiter.admitted.done():
            return
        now = loop.time()
        left = item.refusal_wait_left - (self.pause.lasted(now) - waiter.pauses_before)
        if left <= 0 and self.pause.lasts:
            waiter.admitted.set_exception(KeptWaitingError())
        else:
            soonest = _PRECISION if self.pause.lasts else 1.0
            waiter.patience = loop.call_at(now + max(left, soonest), self._look_at, waiter, loop)


class Turns(Protocol):
    """What gives the items in lanes their turns."""

    def lane_changed(self, lane: "Lane") -> None:
        """Have a lane wait at its gate, or no longer."""
        ...


@attrs.define(eq=False, repr=False)
class Lane:
    """The items of one fan-out that cannot go on to an account without a place: they lent theirs, or have not begun.

    It waits at the gate for all of them, and asks for one place at a time. So no more are woken than can go, and the
    fan-out begins no more than the account can use.
    """

    gate: AccountLimit
    places: Slots
    turns: Turns
    waiters: OrderedDict[Waiter, None] = attrs.field(factory=OrderedDict[Waiter, None])
    """Requests whose items lent their places. They go before items that have not begun."""
    approaching: bool = False
    """Whether an item has begun and has yet to come to the gate."""
    turn_is_kept: bool = False
    """Whether the gate keeps its turn for the item that approaches."""
    asking: bool = False
    """Whether it waits for a place, and not at its gate."""
    has_place: bool = False
    """Whether it has a place that came too late for its turn, and keeps that for the next."""
    patience: asyncio.TimerHandle | None = None
    """Looks whether the account's refusals have kept parked items waiting for too long."""
    # The items that have not begun, as two stacks: of very many lanes, most have one or two.
    _newest: list[ItemContext] = attrs.field(factory=list[ItemContext])
    _oldest: list[ItemContext] = attrs.field(factory=list[ItemContext])
    _begin: "Callable[[ItemContext, Lane], object]" = attrs.field(init=False)

    @property
    def in_bulk(self) -> bool:
        """Whether it is part of a job."""
        return True

    @property
    def parked(self) -> int:
        """How many items have not begun."""
        return len(self._oldest) + len(self._newest)

    @property
    def held_up(self) -> int:
        """How many of those wait because requests of their account were refused."""
        return self.parked if self.gate.pause.lasts else 0

    @property
    def needs_a_place(self) -> bool:
        """Whether any item could go on with a place."""
        return bool(self.waiters or (not self.approaching and (self._oldest or self._newest)))

    def is_open(self, now: float) -> bool:
        """Tell whether an item may begin at once."""
        if self.approaching or self.waiters or self.asking or self._oldest or self._newest or self.gate.aside:
            return False
        return not self.gate.wait(now, smoothed=True)

    def refusal_wait_left(self, now: float) -> float:
        """Return the seconds for which refusals may still keep the first of the parked items waiting."""
        if not self._oldest and not self._newest:
            return math.inf
        item = self._oldest[-1] if self._oldest else self._newest[0]
        return item.refusal_wait_left - (self.gate.pause.lasted(now) - item.pauses_before)

    def park(self, item: ItemContext, begin: "Callable[[ItemContext, Lane], object]", now: float) -> None:
        """Keep an item until its account can use it, and `begin` it then: a place was taken for it."""
        self._begin = begin
        item.pauses_before = self.gate.pause.lasted(now)
        self._newest.append(item)
        self.places.note_parked(self)
        if self.parked == 1:
            self.turns.lane_changed(self)

    def unpark(self) -> ItemContext:
        """Return the item that was parked before all others."""
        if not self._oldest:
            self._newest.reverse()
            self._oldest, self._newest = self._newest, self._oldest
        item = self._oldest.pop()
        self.places.note_unparked(self)
        return item

    def begin(self, now: float) -> None:
        """Begin the item that was parked before all others, for which a place was taken, and keep its turn."""
        item = self.unpark()
        item.note_refusal_wait(self.gate.pause.lasted(now) - item.pauses_before, now)
        if not self.turn_is_kept:
            self.turn_is_kept = True
            self.gate.kept += 1
        self._begin(item, self)

    def arrived(self) -> None:
        """Note that the item which approached is there, or long in coming: others may begin."""
        self.approaching = False
        self.changed()

    def changed(self) -> None:
        """Keep no turn any more, and have others at the gate go on if they may."""
        if self.turn_is_kept:
            self.turn_is_kept = False
            self.gate.kept -= 1
        self.turns.lane_changed(self)

    def give_place_back(self) -> None:
        """Give the place back that it has, if it does."""
        if self.has_place:
            self.has_place = False
            self.places.free()

    def settle(self, *, first: bool = False) -> None:
        """Wait at the gate if any item could go on with a place; be forgotten if there is none."""
        gate = self.gate
        if self.needs_a_place:
            if not self.asking:
                gate.aside.add(self, first=first)
            return
        gate.aside.remove(self)
        self.give_place_back()
        if not self.approaching and gate.lanes.get(self.places) is self:
            del gate.lanes[self.places]
            if self.patience is not None:
                self.patience.cancel()


class AccountLimits:
    """The gates of all linked accounts that have one."""

    def __init__(self, limits: AccountLimitSettings, longest_pause: float = math.inf) -> None:
        self._limits = limits
        self._longest_pause = longest_pause
        self._for_all = limits.rate is not None or limits.concurrency < math.inf
        self._gates: dict[str, AccountLimit] = {}
        self._most = _MOST_GATES
        self.needed = self._for_all
        """Whether any account may have a gate."""

    def __len__(self) -> int:
        return len(self._gates)

    def find(self, account: str | None, now: float) -> AccountLimit | None:
        """Return an account's gate, if it has or is to have one."""
        if account is None:
            return None
        gate = self._gates.get(account)
        return self.make(account, now) if gate is None and self._for_all else gate

    def make(self, account: str, now: float) -> AccountLimit:
        """Return the gate of an account, new if it has none."""
        if (gate := self._gates.get(account)) is not None:
            return gate
        if len(self._gates) >= self._most:
            self._forget(now)
        bucket = None if self._limits.rate is None else TokenBucket(self._limits.rate)
        gate = self._gates[account] = AccountLimit(bucket, self._limits.concurrency, Pause(self._longest_pause))
        self.needed = True
        return gate

    def _forget(self, now: float) -> None:
        """Drop the gates that hold nobody up: a job may go through a million accounts."""
        self._gates = {
            account: gate
            for account, gate in self._gates.items()
            if gate.visits
            or gate.lanes
            or gate.pause.wait(now) > 0
            or not (gate.bucket is None or gate.bucket.is_full(now))
        }
        self._most = max(_MOST_GATES, 2 * len(self._gates))

    def close(self) -> None:
        """Cancel what is to be looked at later."""
        for gate in self._gates.values():
            if gate.timer is not None:
                gate.timer.cancel()
            for lane in gate.lanes.values():
                if lane.patience is not None:
                    lane.patience.cancel()

    def lanes(self) -> list[Lane]:
        """Return the lanes at all gates."""
        return [lane for gate in self._gates.values() for lane in gate.lanes.values()]
