"""Each linked account's own limits: a gate behind the queue that all stand in."""

import asyncio
import math
from typing import Final

import attrs

from refold_async.pacing import TokenBucket
from refold_async.pauses import Pause
from refold_async.settings import RateLimit
from refold_async.waiting_line import WaitingLine

__all__ = ["AccountLimits", "Gate", "Gates"]

_MOST_GATES: Final = 1000
"""How many gates there are before those that hold nobody up are forgotten."""


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
        self.pause.take(now)
        if self.bucket is not None:
            self.bucket.take(now)


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
