"""At what rate requests may leave by a limit that is known. Pure: time is passed in."""

import math
from typing import Final

from refold_async.config.settings import RateLimit

__all__ = ["TokenBucket"]

_CATCH_UP: Final = 0.02
"""Seconds of lateness that bulk requests may catch up with: the loop wakes nobody on the dot."""
_TICK: Final = 1e-6
"""Seconds too short to wait for: less may be no more than the rounding of the clock's digits."""
_MARGIN: Final = 0.001
"""Seconds that requests are further apart than a limit without a burst allows, at most."""


class TokenBucket:
    """Tells when the next request may leave by a `RateLimit`. Times are in seconds of one monotonic clock.

    Bulk requests leave smoothed, and so keep the burst in reserve: for interactive ones, which then need not wait, and
    for what the network bunches together on the way.
    """

    def __init__(self, limit: RateLimit) -> None:
        self._interval = limit.per / limit.rate
        if limit.burst == 1:
            # Without a reserve, a request that the network brings a moment early is refused.
            self._interval += min(self._interval / 50, _MARGIN)
        self._burst_credit = (limit.burst - 1) * self._interval
        self._smoothed_credit = min(self._burst_credit, max(self._interval / 2, _CATCH_UP))
        self._full_at = -math.inf  # when the bucket will be full; each token taken puts it off by one interval

    def wait(self, now: float, *, smoothed: bool) -> float:
        """Return the seconds until one may leave; `smoothed` for bulk requests, which leave the burst to others."""
        wait = self._full_at - now - (self._smoothed_credit if smoothed else self._burst_credit)
        return wait if wait > _TICK else 0.0

    def take(self, now: float) -> None:
        """Note that one leaves."""
        self._full_at = max(self._full_at, now) + self._interval

    def is_full(self, now: float) -> bool:
        """Tell whether nothing would be forgotten with this bucket."""
        return self._full_at <= now
