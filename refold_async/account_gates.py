"""Each linked account's own limits: a gate behind the queue that all stand in."""

import asyncio
import math
from typing import Final

import attrs

from refold_async.pacing import TokenBucket
from refold_async.settings import RateLimit
from refold_async.waiting_line import WaitingLine

__all__ = ["AccountLimits", "Gate", "Gates"]

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 10.0
"""Seconds that an account waits whose app said to come slower, doubled by each in a row: the first, and the most."""
_LONGEST_PAUSE_ASKED: Final = 3600.0
"""Seconds after which an app is asked again in any case."""
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
    visits: int = 0
    """How many of its attempts wait or are in flight."""
    paused_until: float = -math.inf
    throttled: int = 0
    """How often in a row its app said to come slower."""
    aside: WaitingLine = attrs.field(factory=WaitingLine)
    """Those who wait for this account, and hold up no other."""
    timer: asyncio.TimerHandle | None = None

    def wait(self, now: float, *, evenly: bool) -> float:
        """Return the seconds until one may pass; infinite while others must come back first."""
        if self.free < 1:
            return math.inf
        paused = max(0.0, self.paused_until - now)
        return paused if self.bucket is None else max(paused, self.bucket.wait(now, evenly=evenly))

    def take(self, now: float) -> None:
        """Note that one passes."""
        self.free -= 1
        if self.bucket is not None:
            self.bucket.take(now)

    def note_throttling(self, sent_at: float, retry_after: float | None, now: float) -> None:
        """Pause, because the app said to come slower to a request that left at `sent_at`."""
        pause = min(retry_after or 0.0, _LONGEST_PAUSE_ASKED)
        if sent_at >= self.paused_until:  # else it says so of what left before the pause
            pause = max(pause, min(_FIRST_PAUSE * 2**self.throttled, _LONGEST_PAUSE))
            self.throttled = min(self.throttled + 1, 10)
        self.paused_until = max(self.paused_until, now + pause)


class Gates:
    """The gates of all linked accounts that have one."""

    def __init__(self, limits: AccountLimits) -> None:
        self._limits = limits
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
        gate = self._gates[account] = Gate(bucket, self._limits.concurrency)
        return gate

    def _forget(self, now: float) -> None:
        """Drop the gates that hold nobody up: a job may go through a million accounts."""
        self._gates = {
            account: gate
            for account, gate in self._gates.items()
            if gate.visits or gate.paused_until > now or not (gate.bucket is None or gate.bucket.is_full(now))
        }
        self._most = max(_MOST_GATES, 2 * len(self._gates))

    def close(self) -> None:
        """Cancel what is to be looked at later."""
        for gate in self._gates.values():
            if gate.timer is not None:
                gate.timer.cancel()
