"""Each linked account's own limits: a gate behind the queue that all stand in."""

import asyncio
import math
from typing import Final

import attrs

from refold_async.pacing import TokenBucket
from refold_async.pauses import Pause
from refold_async.settings import RateLimit
from refold_async.waiting_line import Waiter, WaitingLine

__all__ = ["AccountLimits", "Gate", "Gates", "KeptWaitingError"]

_MOST_GATES: Final = 1000
"""How many gates there are before those that hold nobody up are forgotten."""
_PRECISION: Final = 0.05
"""Seconds after which it is looked again, at least, whether one has waited for too long."""


class KeptWaitingError(Exception):
    """Refusals of its account have kept an item waiting for as long as its fan-out allows."""


@attrs.frozen(kw_only=True, eq=False)
class AccountLimits:
    """What every linked account is held to."""

    rate: RateLimit | None = None
    """At what rate its requests may leave."""
    concurrency: float = math.inf
    """How many of its requests may be in flight."""


@attrs.define(eq=False, repr=False)
class Gate:
    """One linked account's own limits."""

    bucket: TokenBucket | None
    free: float
    """How many more of its requests may be in flight."""
    pause: Pause
    """What refusals ask for that are about this account alone."""
    visits: int = 0
    """How many of its attempts wait or are in flight."""
    aside: WaitingLine = attrs.field(factory=WaitingLine)
    """Those who wait for this account, and hold up no other."""
    timer: asyncio.TimerHandle | None = None

    def wait(self, now: float, *, evenly: bool) -> float:
        """Return the seconds until one may pass; infinite while others must come back first."""
        if self.free < 1:
            return math.inf
        paused = self.pause.wait(now)
        return paused if self.bucket is None else max(paused, self.bucket.wait(now, evenly=evenly))

    def take(self, now: float) -> None:
        """Note that one passes."""
        self.free -= 1
        if self.pause.lasts:
            self.pause.take(now)
        if self.bucket is not None:
            self.bucket.take(now)

    def put_aside(self, waiter: Waiter, now: float) -> None:
        """Have one wait for this account, an item no longer than refusals may keep it waiting."""
        self.aside.add(waiter, first=waiter.was_aside)
        waiter.was_aside = True
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


class Gates:
    """The gates of all linked accounts that have one."""

    def __init__(self, limits: AccountLimits, longest_pause: float = math.inf) -> None:
        self._limits = limits
        self._longest_pause = longest_pause
        self._for_all = limits.rate is not None or limits.concurrency < math.inf
        self._gates: dict[str, Gate] = {}
        self._most = _MOST_GATES

    def __len__(self) -> int:
        return len(self._gates)

    @property
    def needed(self) -> bool:
        """Whether any account may have a gate."""
        return self._for_all or bool(self._gates)

    def find(self, account: str | None, now: float) -> Gate | None:
        """Return an account's gate, if it has or is to have one."""
        if account is None:
            return None
        gate = self._gates.get(account)
        return self.make(account, now) if gate is None and self._for_all else gate

    def make(self, account: str, now: float) -> Gate:
        """Return the gate of an account, new if it has none."""
        if (gate := self._gates.get(account)) is not None:
            return gate
        if len(self._gates) >= self._most:
            self._forget(now)
        bucket = None if self._limits.rate is None else TokenBucket(self._limits.rate)
        gate = self._gates[account] = Gate(bucket, self._limits.concurrency, Pause(self._longest_pause))
        return gate

    def _forget(self, now: float) -> None:
        """Drop the gates that hold nobody up: a job may go through a million accounts."""
        self._gates = {
            account: gate
            for account, gate in self._gates.items()
            if gate.visits or gate.pause.wait(now) > 0 or not (gate.bucket is None or gate.bucket.is_full(now))
        }
        self._most = max(_MOST_GATES, 2 * len(self._gates))

    def close(self) -> None:
        """Cancel what is to be looked at later."""
        for gate in self._gates.values():
            if gate.timer is not None:
                gate.timer.cancel()
