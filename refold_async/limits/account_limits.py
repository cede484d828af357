"""Each linked account's own limit: what it is held to, and how long refusals of it alone hold it up."""

import asyncio
import math
from typing import Final, Protocol

import attrs

from refold_async.config.settings import RateLimit
from refold_async.limits.fair_queue import FairQueue, Queued
from refold_async.limits.pauses import Pause
from refold_async.limits.token_bucket import TokenBucket

__all__ = ["AccountLimit", "AccountLimitSettings", "AccountLimits", "Parked"]

_MOST_REMEMBERED: Final = 1000
"""How many limits there are before those that hold nobody up are forgotten."""


class Parked(Queued, Protocol):
    """Who waits for a linked account: one permit, or what waits for all of a fan-out's."""

    def resume(self, now: float) -> bool:
        """Go on, now that the account may; return whether it did, or others may."""
        ...


@attrs.frozen(kw_only=True, eq=False)
class AccountLimitSettings:
    """What every linked account is held to."""

    rate: RateLimit | None = None
    """At what rate its requests may leave."""
    concurrency: float = math.inf
    """How many of its requests may be in flight."""


@attrs.define(eq=False, repr=False)
class AccountLimit:
    """One linked account's own limit."""

    bucket: TokenBucket | None
    free: float
    """How many more of its requests may be in flight."""
    pause: Pause
    """What refusals ask for that are about this account alone."""
    permits: int = 0
    """How many of its permits are in use or waited for."""
    parked: FairQueue[Parked] = attrs.field(factory=lambda: FairQueue())
    """Those who wait for this account, and hold up no other."""
    lanes: int = 0
    """How many fan-outs have items that wait here."""
    timer: asyncio.TimerHandle | None = None
    """Resumes the first of those who wait."""
    turns_kept: int = 0
    """How many turns are kept for items that begin, and will be here in a moment."""

    def wait(self, now: float, *, smoothed: bool, expected: bool = False) -> float:
        """Return the seconds until one may go; infinite while others must end, or go, first.

        Args:
            now: The loop's time.
            smoothed: Whether it is of bulk work, which leaves bursts to others.
            expected: Whether it is of an item that a turn is kept for.
        """
        if self.free < 1:
            return math.inf
        others_are_expected = self.turns_kept and not expected
        if others_are_expected and (self.bucket is not None or self.pause.lasts or self.free - self.turns_kept < 1):
            return math.inf
        paused = self.pause.wait(now)
        return paused if self.bucket is None else max(paused, self.bucket.wait(now, smoothed=smoothed))

    def take(self, now: float) -> None:
        """Note that one goes."""
        self.free -= 1
        if self.pause.lasts:
            self.pause.take(now)
        if self.bucket is not None:
            self.bucket.take(now)


class AccountLimits:
    """The limits of all linked accounts that have one."""

    def __init__(self, settings: AccountLimitSettings, longest_pause: float = math.inf) -> None:
        self._settings = settings
        self._longest_pause = longest_pause
        self._for_all = settings.rate is not None or settings.concurrency < math.inf
        self._limits: dict[str, AccountLimit] = {}
        self._most = _MOST_REMEMBERED
        self.needed = self._for_all
        """Whether any account may have a limit."""

    def __len__(self) -> int:
        return len(self._limits)

    def find(self, account: str | None, now: float) -> AccountLimit | None:
        """Return an account's limit, if it has or is to have one."""
        if account is None:
            return None
        limit = self._limits.get(account)
        return self.make(account, now) if limit is None and self._for_all else limit

    def make(self, account: str, now: float) -> AccountLimit:
        """Return the limit of an account, new if it has none."""
        if (limit := self._limits.get(account)) is not None:
            return limit
        if len(self._limits) >= self._most:
            self._forget(now)
        bucket = None if self._settings.rate is None else TokenBucket(self._settings.rate)
        limit = self._limits[account] = AccountLimit(bucket, self._settings.concurrency, Pause(self._longest_pause))
        self.needed = True
        return limit

    def _forget(self, now: float) -> None:
        """Drop the limits that hold nobody up: a fan-out may go through a million accounts."""
        self._limits = {
            account: limit
            for account, limit in self._limits.items()
            if limit.permits
            or limit.lanes
            or limit.pause.wait(now) > 0
            or not (limit.bucket is None or limit.bucket.is_full(now))
        }
        self._most = max(_MOST_REMEMBERED, 2 * len(self._limits))

    def close(self) -> None:
        """Resume nobody any more."""
        for limit in self._limits.values():
            if limit.timer is not None:
                limit.timer.cancel()
