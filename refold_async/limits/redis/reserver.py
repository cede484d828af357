"""Reserves slots in Redis for all buckets of one process, with one round trip at a time, and knows whether it responds.

What is wanted during a round trip goes along in the next one, for any number of buckets. Nothing is sent while nobody
wants anything.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Final, Literal, Protocol
from weakref import WeakSet

from refold_async.errors import ConfigurationError
from refold_async.limits.fair_queue import Priority
from refold_async.limits.outside_limiter import LimiterError
from refold_async.limits.redis.script import BULK_AHEAD, Reservations, Wish
from refold_async.limits.redis.slots import ClockOffset
from refold_async.runtime.log import logger

__all__ = ["Asking", "OnFailure", "RedisUnavailableError", "Reserve", "Reserver"]

OnFailure = Literal["wait", "error", "local"]
"""What happens while Redis does not respond: calls wait, calls fail, or each process keeps to a share of the limit."""

_LONGEST_ROUND_TRIP: Final = 1.0
"""The most seconds of a round trip for which slots are reserved earlier."""
_AGAIN_AFTER: Final = 0.04
"""Seconds after which more slots are reserved, at the earliest, if there were too few."""
_SPREAD: Final = 0.01
"""The most seconds that are added to that by chance, so that no process is always behind another."""
_MOST_AT_ONCE: Final = 200
"""For how many buckets slots are reserved in one round trip. Redis does nothing else meanwhile: about a millisecond."""
_FIRST_PROBE: Final = 0.05
_LAST_PROBE: Final = 0.5
"""The least and the most seconds between two attempts to reach Redis while it does not respond."""
_LAST_MOMENTS: Final = 1.0
"""Seconds that a round trip gets to end when it is cancelled."""
_CONSEQUENCES: Final = {
    "wait": "Calls wait until it responds.",
    "error": "Calls fail until it responds.",
    "local": "Until it responds, this process keeps to its share of the limit.",
}


class RedisUnavailableError(Exception):
    """Redis did not respond, or not as it should."""


class Reserve(Protocol):
    """Runs the script."""

    def __call__(self, wishes: Sequence[Wish], *, round_trip: float, pause: float) -> Awaitable[Reservations]:
        """Reserve slots, and pause all who share the limit.

        Args:
            wishes: The slots that are wanted.
            round_trip: How many seconds a round trip takes.
            pause: For how many seconds nobody may send.

        Raises:
            ConfigurationError: Redis refuses this limit or this program.
            RedisUnavailableError: Redis does not respond.
        """
        ...


class Asking(Protocol):
    """A bucket for which slots are reserved."""

    key: str
    """Its key in Redis."""
    changed: Callable[[], object]
    """Called when a request may be sent, or fails, that had to wait."""

    def reserved(self, priority: Priority, times: list[float], again_at: float) -> None:
        """Take the slots that were reserved, by the loop's clock. If they are too few, more can be reserved then."""
        ...

    def failed(self, priority: Priority, refusal: str | None) -> None:
        """Note that nothing was reserved: Redis does not respond, or refuses this limit for the reason given."""
        ...


class Reserver:
    """Reserves slots in Redis, and translates them to the clock of this process."""

    def __init__(
        self,
        reserve: Reserve,
        check_usable: Callable[[], asyncio.AbstractEventLoop],
        location: str,
        on_failure: OnFailure = "wait",
    ) -> None:
        """Reserve nothing yet.

        Args:
            reserve: Runs the script.
            check_usable: Returns the running event loop, or raises if Redis cannot be used in it.
            location: Where Redis is, for messages.
            on_failure: What happens while Redis does not respond.
        """
        self._reserve = reserve
        self.check_usable = check_usable
        self._location = location
        self._on_failure: OnFailure = on_failure
        self._buckets: WeakSet[Asking] = WeakSet()
        self._wishes: dict[tuple[Asking, Priority], int] = {}
        self._pause_until = 0.0
        self._exchanging: asyncio.Task[None] | None = None
        self._offset = ClockOffset()
        self._round_trip = 0.0
        self._probe_at = 0.0  # when Redis is asked again, if it did not respond
        self._probe_after = _FIRST_PROBE
        self._failure: RedisUnavailableError | None = None
        self._closed = False

    @property
    def lasts(self) -> float:
        """How many seconds pass from a reservation until the last slots of it that bulk requests can get."""
        return BULK_AHEAD + self._round_trip

    @property
    def is_failing(self) -> bool:
        """Whether Redis does not respond."""
        return self._failure is not None

    @property
    def trouble(self) -> str | None:
        """What is wrong with Redis and what follows, for messages; None if it responds."""
        return None if self._failure is None else self._story(self._failure)

    def error(self, now: float) -> Exception | None:
        """Return the error for who wants to send now and has no slot, or None if it is to wait."""
        if self._closed:
            return LimiterError("The RedisRateLimit is closed: close it after the clients that use it.")
        if self._failure is None or self._on_failure != "error" or now >= self._probe_at:
            return None
        error = LimiterError(self._story(self._failure))
        error.__cause__ = self._failure
        return error

    def add(self, bucket: Asking) -> None:
        """Add a bucket. It is notified when the limit is closed."""
        self._buckets.add(bucket)

    def ask(self, bucket: Asking, priority: Priority, count: int, loop: asyncio.AbstractEventLoop) -> None:
        """Reserve slots for a bucket, as soon as the current round trip has ended."""
        self._wishes[bucket, priority] = count
        self._start(loop)

    def pause(self, until: float) -> None:
        """Make all who share the limit wait until a time, in seconds as `time.time()` returns it."""
        if until > time.time() and not self._closed:
            self._pause_until = max(self._pause_until, until)
            self._start(self.check_usable())

    async def aclose(self) -> None:
        """Reserve nothing from now on, and let fail who waits for a slot."""
        self._closed = True
        with contextlib.suppress(ConfigurationError):
            self.check_usable()
            if self._exchanging is not None:
                self._exchanging.cancel()
                await asyncio.wait([self._exchanging], timeout=_LAST_MOMENTS)
            for bucket in list(self._buckets):
                bucket.changed()

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._exchanging is None and not self._closed:
            self._exchanging = loop.create_task(self._exchange_all(loop), name="refold_async shared rate limit")

    async def _exchange_all(self, loop: asyncio.AbstractEventLoop) -> None:
        """Exchange with Redis until nothing is wanted any more. If it does not respond, try again now and then."""
        try:
            while self._wishes or self._pause_until:
                if self._failure is not None:
                    await asyncio.sleep(self._probe_at - loop.time())
                await self._exchange(loop)
        finally:
            self._exchanging = None
            self._settle(list(self._wishes), None)

    async def _exchange(self, loop: asyncio.AbstractEventLoop) -> None:
        asking = list(islice(self._wishes, _MOST_AT_ONCE))
        wishes = [Wish(bucket.key, priority, self._wishes[bucket, priority]) for bucket, priority in asking]
        pause_until, sent = self._pause_until, loop.time()
        round_trip, pause = min(self._round_trip, _LONGEST_ROUND_TRIP), max(0.0, pause_until - time.time())
        try:
            answer = await self._reserve(wishes, round_trip=round_trip, pause=pause)
        except RedisUnavailableError as error:
            self._fail(error, loop.time())
            if self._on_failure == "error":
                self._settle(list(self._wishes), None)
            else:
                self._tell(list(self._wishes))
            return
        except ConfigurationError as error:
            self._note_paused(pause_until)  # nobody sends by a limit that is refused, so nobody has to wait
            self._settle(asking, str(error))
            return
        received = loop.time()
        self._recover()
        self._note_paused(pause_until)
        self._offset.note(sent, received, answer.now)
        longer = received - sent - self._round_trip
        self._round_trip += longer / (8 if longer > 0 else 2)  # more than usual is often only a busy moment
        for (bucket, priority), (times, wait) in zip(asking, answer.reservations, strict=True):
            del self._wishes[bucket, priority]
            spread = random.uniform(0, _SPREAD)  # noqa: S311 - not a secret
            again_at = 0.0 if wait is None else sent + max(wait, _AGAIN_AFTER) + spread
            bucket.reserved(priority, list(map(self._offset.here, times)), again_at)
        self._tell(asking)

    def _note_paused(self, until: float) -> None:
        """Note that no pause until this time has to be asked for any more, unless a longer one was wanted meanwhile."""
        if self._pause_until == until:
            self._pause_until = 0.0

    def _settle(self, asking: list[tuple[Asking, Priority]], refusal: str | None) -> None:
        """Give up wishes, because Redis does not respond, or refuses them."""
        for bucket, priority in asking:
            del self._wishes[bucket, priority]
            bucket.failed(priority, refusal)
        self._tell(asking)

    def _tell(self, asked: list[tuple[Asking, Priority]]) -> None:
        for bucket in dict.fromkeys(bucket for bucket, _ in asked):
            bucket.changed()

    def _fail(self, error: RedisUnavailableError, now: float) -> None:
        if self._failure is None:
            logger.warning("%s", self._story(error))
        self._failure = error
        self._probe_at = now + self._probe_after
        self._probe_after = min(2 * self._probe_after, _LAST_PROBE)

    def _recover(self) -> None:
        if self._failure is not None:
            self._failure, self._probe_at, self._probe_after = None, 0.0, _FIRST_PROBE
            logger.info("Redis at %s responds again: the shared rate limit applies.", self._location)

    def _story(self, failure: RedisUnavailableError) -> str:
        consequence = _CONSEQUENCES[self._on_failure]
        return f"Redis at {self._location}, which keeps the shared rate limit, fails: {failure}. {consequence}"
