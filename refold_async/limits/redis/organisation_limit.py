"""The shared limit for all requests of an organisation, as a limiter that clients ask."""

import asyncio
import math

from refold_async.limits.fair_queue import Priority
from refold_async.limits.redis.reserver import Reserver
from refold_async.limits.redis.shared_bucket import SharedBucket

__all__ = ["OrganisationLimit"]


class OrganisationLimit:
    """The limiter of all clients of this process that have the same base URL and API key."""

    def __init__(self, bucket: SharedBucket, reserver: Reserver) -> None:
        """Reserve nothing yet.

        Args:
            bucket: The bucket of the organisation.
            reserver: Reserves its slots, and pauses all who share the limit.
        """
        self._bucket = bucket
        self._reserver = reserver
        self._waiting: set[asyncio.Future[None]] = set()
        bucket.changed = self._wake

    async def acquire(self, *, priority: Priority = "interactive", waiting: int = 1) -> None:
        """Return when one more request may be sent. If this is cancelled, its slot is kept for others.

        Args:
            priority: The priority of the request.
            waiting: How many requests of this priority could be sent now, with this one.

        Raises:
            ConfigurationError: Redis refuses this limit or this program, or it is used in another event loop.
            LimiterError: Redis does not respond, with `on_failure="error"`; or the limit is closed.
        """
        loop = asyncio.get_running_loop()
        while (wait := self._bucket.reserve(loop.time(), priority, waiting)) > 0:
            woken = loop.create_future()
            timer = loop.call_later(wait, _resolve, woken) if wait < math.inf else None
            self._waiting.add(woken)
            try:
                await woken
            finally:
                self._waiting.discard(woken)
                if timer is not None:
                    timer.cancel()
        self._bucket.take(loop.time())

    @property
    def trouble(self) -> str | None:
        """Why calls wait for longer than the limit demands, or None."""
        return self._reserver.trouble

    def throttled(self, until: float) -> None:
        """Make all who share the limit wait until a time, in seconds as `time.time()` returns it."""
        self._reserver.pause(until)

    def _wake(self) -> None:
        for woken in self._waiting:
            _resolve(woken)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
