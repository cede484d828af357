"""A strict token bucket, as a judge of when requests were sent."""

from collections.abc import Iterable

from refold_async import RateLimit

__all__ = ["refused"]


def refused(times: Iterable[float], limit: RateLimit, *, burst: float | None = None) -> int:
    """Return how many requests at these times a token bucket of this limit refuses, by default with its own burst."""
    size = limit.burst if burst is None else burst
    tokens, updated, count = float(size), None, 0
    for moment in sorted(times):
        if updated is not None:
            tokens = min(size, tokens + (moment - updated) * limit.rate / limit.per)
        updated = moment
        if tokens >= 1 - 1e-6:
            tokens -= 1
        else:
            count += 1
    return count
