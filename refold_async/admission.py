"""When a call may leave: one at a time through the rate limit, then as many at once as there are connections."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, runtime_checkable

from refold_async.settings import RateLimit

__all__ = ["Admission", "Limiter", "TokenBucket"]


@runtime_checkable
class Limiter(Protocol):
    """What `AsyncRefold(rate_limit=...)` takes beside a `RateLimit`: any object with this method.

    The client keeps the queue: it awaits `acquire` for one waiting attempt at a time, in the order they came.
    """

    async def acquire(self) -> None:
        """Return when one more request may leave. May be cancelled while it waits, and then must grant nothing."""
        ...


class TokenBucket:
    """The limiter that a `RateLimit` describes."""

    def __init__(
        self,
        limit: RateLimit,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._interval = limit.per / limit.rate
        self._burst = limit.burst
        self._clock = clock
        self._sleep = sleep
        self._full_at = clock()

    async def acquire(self) -> None:
        """Return when the bucket holds a token, having taken it."""
        # `_full_at` is when the bucket will be full; each token taken puts it off by one interval.
        while True:
            now = self._clock()
            full_at = max(self._full_at, now)
            wait = full_at - now - (self._burst - 1) * self._interval
            if wait <= 0:
                self._full_at = full_at + self._interval
                return
            await self._sleep(wait)


class Admission:
    """The door that every attempt of one client goes through."""

    def __init__(self, limiter: Limiter | None, connections: int) -> None:
        self._limiter = limiter
        self._turn = asyncio.Lock()
        self._connections = asyncio.Semaphore(connections)

    @property
    def limited(self) -> bool:
        """Whether there is a rate limit to wait for."""
        return self._limiter is not None

    @property
    def crowded(self) -> bool:
        """Whether there is a connection to wait for."""
        return self._connections.locked()

    async def enter(self) -> None:
        """Wait for the rate limit and take one of the connections."""
        if self._limiter is None:
            await self._connections.acquire()
            return
        async with self._turn:
            # The connection first: a grant that then waited for one would be used later, together with others.
            await self._connections.acquire()
            try:
                await self._limiter.acquire()
            except BaseException:
                self._connections.release()
                raise

    def leave(self) -> None:
        """Let the next attempt have the connection."""
        self._connections.release()
