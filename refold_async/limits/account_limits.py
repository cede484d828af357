"""The limits of each linked account: the ones that are set, and how long refusals of this account make it wait."""

import asyncio
import math
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from refold_async.config.settings import RateLimit
from refold_async.limits.fair_queue import FairQueue, Priority, Queued
from refold_async.limits.pauses import Pause
from refold_async.limits.token_bucket import TokenBucket

__all__ = ["AccountBucket", "AccountLimit", "AccountLimitSettings", "AccountLimits", "MakeBucket", "Parked"]

_MOST_REMEMBERED: Final = 1000
"""The number of limits from which those that make nobody wait are removed."""


class Parked(Queued, Protocol):
    """An entry that waits for a linked account: one permit, or the lane of a fan-out."""

    def resume(self, now: float) -> bool:
        """Continue, because the account may send now. Return whether this entry does, or whether others can."""
        ...


class AccountBucket(Protocol):
    """The bucket of a linked account whose rate several processes share. It is asked for each request."""

    def wait(self, now: float, *, smoothed: bool) -> float:
        """Return the seconds until a request may be sent, as far as is known; 0 if `reserve()` has to find out."""
        ...

    def reserve(self, now: float, priority: Priority, waiting: int) -> float:
        """Return 0 if a request may be sent now; otherwise the seconds until that may have changed.

        They are infinite while the other processes are asked.

        Raises:
            LimiterError: Requests are to fail for now.
            ConfigurationError: The limit cannot be used.
        """
        ...

    def take(self, now: float) -> None:
        """Note that a request is sent."""
        ...

    def is_full(self, now: float) -> bool:
        """Return whether the bucket can be removed without losing any state."""
        ...


MakeBucket = Callable[[str, Callable[[], object]], AccountBucket]
"""Makes the bucket of an account. The bucket calls the function once the others were asked."""


class AccountLimitSettings:
    """The limits that apply to every linked account.

    Attributes:
        rate: The rate at which its requests may be sent by this process.
        shared: The rate at which they may be sent by several processes together.
        concurrency: How many of its requests may be in flight.
    """

    __slots__ = ("concurrency", "rate", "shared")

    def __init__(
        self, *, rate: RateLimit | None = None, shared: MakeBucket | None = None, concurrency: float = math.inf
    ) -> None:
        self.rate = rate
        self.shared = shared
        self.concurrency = concurrency


class AccountLimit:
    """The limits of one linked account."""

    __slots__ = ("bucket", "free", "lanes", "parked", "pause", "permits", "shared", "timer", "turns_kept")

    def __init__(self, bucket: TokenBucket | AccountBucket | None, free: float, pause: Pause) -> None:
        self.bucket = bucket
        self.free = free
        """How many more of its requests may be in flight."""
        self.pause = pause
        """The pauses after refusals that concern only this account."""
        self.permits = 0
        """How many of its permits are in use or waited for."""
        self.parked = FairQueue[Parked]()
        """The entries that wait for this account. They do not block other accounts."""
        self.lanes = 0
        """How many fan-outs have items that wait here."""
        self.timer: asyncio.TimerHandle | None = None
        """Resumes the first entry that waits."""
        self.turns_kept = 0
        """How many turns are reserved for items that have begun and are about to send."""
        self.shared: AccountBucket | None = None
        """Its bucket, if several processes share its rate."""

    def wait(self, now: float, *, smoothed: bool, expected: bool = False) -> float:
        """Return the seconds until a request may be sent; infinite while others must end, send or be asked first.

        Args:
            now: The loop's time.
            smoothed: Whether it is bulk work, which leaves bursts to others.
            expected: Whether it belongs to an item for which a turn is reserved.
        """
        if self.free < 1:
            return math.inf
        others_are_expected = self.turns_kept and not expected
        if others_are_expected and (self.bucket is not None or self.pause.lasts or self.free - self.turns_kept < 1):
            return math.inf
        paused = self.pause.wait(now)
        return paused if self.bucket is None else max(paused, self.bucket.wait(now, smoothed=smoothed))

    def take(self, now: float) -> None:
        """Note that a request is sent."""
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
        self._for_all = settings.rate is not None or settings.shared is not None or settings.concurrency < math.inf
        self._limits: dict[str, AccountLimit] = {}
        self._most = _MOST_REMEMBERED
        self.needed = self._for_all
        """Whether any account can have a limit."""
        self.answered: Callable[[AccountLimit], object] = _tell_nobody
        """Called when an account whose other processes were asked may be able to send."""

    def __len__(self) -> int:
        return len(self._limits)

    def find(self, account: str | None, now: float) -> AccountLimit | None:
        """Return the limit of an account, if it has one or must get one."""
        if account is None:
            return None
        limit = self._limits.get(account)
        return self.make(account, now) if limit is None and self._for_all else limit

    def make(self, account: str, now: float) -> AccountLimit:
        """Return the limit of an account, and create it if there is none."""
        if (limit := self._limits.get(account)) is not None:
            return limit
        if len(self._limits) >= self._most:
            self._forget(now)
        bucket = None if self._settings.rate is None else TokenBucket(self._settings.rate)
        limit = self._limits[account] = AccountLimit(bucket, self._settings.concurrency, Pause(self._longest_pause))
        if self._settings.shared is not None:
            limit.bucket = limit.shared = self._settings.shared(account, partial(self._tell_answered, limit))
        self.needed = True
        return limit

    def _tell_answered(self, limit: AccountLimit) -> None:
        self.answered(limit)

    def _forget(self, now: float) -> None:
        """Remove the limits that make nobody wait. A fan-out may go through a million accounts."""
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
        """Resume nobody from now on."""
        for limit in self._limits.values():
            if limit.timer is not None:
                limit.timer.cancel()


def _tell_nobody(limit: AccountLimit) -> None:
    pass
