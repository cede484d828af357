"""The bucket of a shared limit as one process sees it: slots that it has reserved in Redis, and uses in their time."""

import math
from collections.abc import Callable
from typing import Final

from refold_async.config.settings import RateLimit
from refold_async.errors import ConfigurationError
from refold_async.limits.fair_queue import Priority
from refold_async.limits.redis.reserver import Reserver
from refold_async.limits.redis.slots import Slots
from refold_async.limits.token_bucket import TokenBucket

__all__ = ["SharedBucket"]

_TICK: Final = 1e-6
"""A wait of this many seconds is too short to matter."""


class SharedBucket:
    """Reserves slots as they are needed. It has the methods of a `TokenBucket`, and `reserve()`.

    While Redis does not respond, it is a `TokenBucket` with a share of the limit, if there is one.
    """

    def __init__(
        self,
        key: str,
        reserver: Reserver,
        changed: Callable[[], object] | None = None,
        *,
        latest: float,
        share: RateLimit | None = None,
    ) -> None:
        """Reserve nothing yet.

        Args:
            key: The key of the bucket in Redis.
            reserver: Reserves slots.
            changed: Called when `wait()` or `reserve()` may return something else.
            latest: Seconds after its time from which a slot is no longer used.
            share: The limit that this process keeps to alone while Redis does not respond.
        """
        self.key = key
        self.changed = changed or _tell_nobody
        self._reserver = reserver
        reserver.add(self)
        self._latest = latest
        self._share = None if share is None else TokenBucket(share)
        self._slots = Slots()
        self._asked: set[Priority] = set()
        self._again_at: dict[Priority, float] = {}  # when more can be reserved
        self._demand = 0.0  # at `_taken_at`
        self._taken_at = 0.0
        self._refusal: str | None = None

    def wait(self, now: float, *, smoothed: bool) -> float:
        """Return the seconds until a request may be sent, as far as is known; 0 if `reserve()` has to find out.

        It is infinite while Redis is asked: then `changed` is called.
        """
        if self._refusal is not None or self._reserver.error(now) is not None or self._is_due(now):
            return 0.0
        priority: Priority = "bulk" if smoothed else "interactive"
        missing = self._missing(now, priority, 1, self._slots.count(priority))
        return max(0.0, self._look_at(now, priority, missing) - now)

    def reserve(self, now: float, priority: Priority, waiting: int) -> float:
        """Return 0 if a request may be sent now; otherwise the seconds until that may have changed, as `wait()`.

        If this process has too few slots, more are reserved.

        Args:
            now: The loop's time.
            priority: The priority of the request.
            waiting: How many requests of that priority wait, with this one.

        Raises:
            ConfigurationError: Redis refuses this limit or this program, or it is used in another event loop.
            LimiterError: Redis does not respond, and requests are to fail then; or the limit is closed.
        """
        loop = self._reserver.check_usable()
        if self._refusal is not None:
            refusal, self._refusal = self._refusal, None
            raise ConfigurationError(refusal)
        due = self._is_due(now)
        if not due and (error := self._reserver.error(now)) is not None:
            raise error
        missing = self._missing(now, priority, waiting, max(due, self._slots.count(priority)))
        if missing and priority not in self._asked and now >= self._again_at.get(priority, 0.0):
            self._asked.add(priority)
            self._reserver.ask(self, priority, missing, loop)
        return 0.0 if due else self._look_at(now, priority, missing) - now

    def take(self, now: float) -> None:
        """Note that a request is sent."""
        if self._slots.next() <= now + _TICK:
            self._slots.pop()
            self._demand = self._demand_at(now) + 1
            self._taken_at = now
        elif self._share is not None:
            self._share.take(now)

    def is_full(self, now: float) -> bool:
        """Return whether the bucket can be removed without losing any state."""
        self._drop_late(now)
        return not self._slots and not self._asked and (self._share is None or self._share.is_full(now))

    def reserved(self, priority: Priority, times: list[float], again_at: float) -> None:
        """Take the slots that were reserved. If they are fewer than was wanted, there can be more at `again_at`."""
        self._asked.discard(priority)
        self._slots.add(priority, times)
        self._again_at[priority] = again_at

    def failed(self, priority: Priority, refusal: str | None) -> None:
        """Note that nothing was reserved: Redis does not respond, or refuses this limit for the reason given."""
        self._asked.discard(priority)
        self._refusal = refusal

    def _is_due(self, now: float) -> bool:
        self._drop_late(now)
        return self._slots.next() <= now + _TICK or self._share_wait(now) == 0

    def _drop_late(self, now: float) -> None:
        self._slots.drop_before(now - self._latest)

    def _share_wait(self, now: float) -> float:
        """Return the seconds until the own share of the limit allows a request, infinite while Redis responds."""
        if self._share is None or not self._reserver.is_failing:
            return math.inf
        return self._share.wait(now, smoothed=True)

    def _missing(self, now: float, priority: Priority, waiting: int, reserved: int) -> int:
        """Return how many more slots to reserve; 0 while there are enough."""
        if priority == "interactive":
            return max(0, waiting - reserved)
        # Bulk work goes on, so many are reserved at once, and more while there are still enough for a round trip.
        enough = waiting + round(self._demand_at(now))
        return enough - reserved if waiting > reserved and 2 * reserved <= enough else 0

    def _demand_at(self, now: float) -> float:
        """Return how many slots are used while one reservation lasts, as far as is known."""
        return self._demand * math.exp((self._taken_at - now) / self._reserver.lasts)

    def _look_at(self, now: float, priority: Priority, missing: int) -> float:
        """Return when something may have changed if no request may be sent now."""
        asks_at = math.inf if not missing or priority in self._asked else self._again_at.get(priority, 0.0)
        return min(self._slots.next(), asks_at, now + self._share_wait(now))


def _tell_nobody() -> None:
    pass
