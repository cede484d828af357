"""When requests may be sent according to a known limit. Pure: time is passed in."""

import math
from typing import Final

from refold_async.config.settings import RateLimit

__all__ = ["TokenBucket"]

_CATCH_UP: Final = 0.02
"""Seconds of delay that bulk requests may catch up on, because the event loop wakes tasks a little late."""
_TICK: Final = 1e-6
"""A wait of this many seconds is too short to matter. It may be only a rounding error of the clock."""
_MARGIN: Final = 0.001
"""The most seconds that are added between requests under a limit without a burst."""


class TokenBucket:
    """Computes when the next request may be sent under a `RateLimit`. Times are in seconds of one monotonic clock.

    Bulk requests are sent evenly, so they keep the burst in reserve: for interactive requests, which then need not
    wait, and for requests that the network delivers bunched together.
    """

    def __init__(self, limit: RateLimit) -> None:
        self.interval = limit.per / limit.rate
        """Seconds between two requests."""
        if limit.burst == 1:
            # Without a reserve, a request that the network delivers a moment early is refused.
            self.interval += min(self.interval / 50, _MARGIN)
        self.burst_credit = (limit.burst - 1) * self.interval
        """How many seconds before the bucket is full a request may be sent."""
        self._smoothed_credit = min(self.burst_credit, max(self.interval / 2, _CATCH_UP))
        self._full_at = -math.inf  # when the bucket will be full; each token taken delays it by one interval

    def wait(self, now: float, *, smoothed: bool) -> float:
        """Return the seconds until a request may be sent; bulk requests are `smoothed`, and leave bursts to others."""
        wait = self._full_at - now - (self._smoothed_credit if smoothed else self.burst_credit)
        return wait if wait > _TICK else 0.0

    def take(self, now: float) -> None:
        """Note that a request is sent."""
        self._full_at = max(self._full_at, now) + self.interval

    def is_full(self, now: float) -> bool:
        """Return whether the bucket can be removed without losing any state."""
        return self._full_at <= now
