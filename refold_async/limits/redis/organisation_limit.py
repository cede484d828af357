"""One shared limit as one process sees it: it reserves slots in Redis ahead of time, and hands them out."""

import asyncio
import math
import time
from collections.abc import Awaitable, Coroutine
from typing import Final, Literal, Protocol

from refold_async.config.settings import RateLimit
from refold_async.errors import ConfigurationError
from refold_async.limits.fair_queue import Priority
from refold_async.limits.redis.script import Reservation
from refold_async.limits.redis.slots import ClockOffset, Slots
from refold_async.limits.token_bucket import TokenBucket
from refold_async.runtime.log import logger

__all__ = ["OnFailure", "OrganisationLimit", "Reserve", "SharedLimitUnavailableError"]

OnFailure = Literal["wait", "error", "local"]
"""What happens while Redis does not respond: calls wait, calls fail, or each process keeps to a share of the limit."""

_BULK_AHEAD: Final = 0.05
"""Seconds ahead for which bulk requests reserve slots. Interactive requests that come meanwhile go behind them."""
_INTERACTIVE_AHEAD: Final = 1.0
"""The same for interactive requests. Each reserves one slot."""
_HORIZONS: Final = (_INTERACTIVE_AHEAD, _BULK_AHEAD)
_EARLY: Final = 0.005
"""Seconds before the last slot is used at which the next ones are reserved, besides the time of a round trip."""
_MOST_SLOTS: Final = 1000
"""The most slots that are reserved in one round trip."""
_FIRST_PROBE: Final = 0.05
_LAST_PROBE: Final = 0.5
"""The least and the most seconds between two attempts to reach Redis while it does not respond."""


class SharedLimitUnavailableError(Exception):
    """The limit cannot be kept, because Redis does not respond."""


class Reserve(Protocol):
    """Reserves slots in Redis."""

    def __call__(
        self, *, interactive: int = 0, bulk: int = 0, pause: float = 0.0, horizons: tuple[float, float] = (0.0, 0.0)
    ) -> Awaitable[Reservation]:
        """Reserve slots, or pause all that share the limit.

        Raises:
            ConfigurationError: It can never succeed.
            RedisUnavailableError: Redis does not respond.
        """
        ...


class OrganisationLimit:
    """The limiter of one client: one limit, for one API key at one base URL."""

    def __init__(
        self,
        limit: RateLimit,
        reserve: Reserve,
        location: str,
        *,
        unavailable: type[Exception],
        on_failure: OnFailure,
        local_share: float,
    ) -> None:
        """Reserve nothing yet.

        Args:
            limit: The limit that all share.
            reserve: Reserves slots.
            location: Where Redis is, for messages.
            unavailable: What `reserve` raises while Redis does not respond.
            on_failure: What to do then.
            local_share: The part of the limit, from 0 to 1, that this process keeps to with `on_failure="local"`.
        """
        self._reserve = reserve
        self._location = location
        self._unavailable = unavailable
        self._on_failure = on_failure
        self._own = TokenBucket(RateLimit(limit.rate * local_share, per=limit.per, burst=1)) if local_share else None
        self._slots = Slots()
        self._offset = ClockOffset()
        self._round_trip = 0.0
        self._taken = 0  # slots since bulk slots were last reserved
        self._next: dict[Priority, float] = {"interactive": -math.inf, "bulk": -math.inf}  # when more can be reserved
        self._fetching: set[Priority] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Future[None]] = set()
        self._refused: ConfigurationError | None = None
        self._failure: Exception | None = None
        self._probe_at = -math.inf
        self._probe_after = _FIRST_PROBE
        self.grants = 0
        self.round_trips = 0

    @property
    def dropped(self) -> int:
        """How many reserved slots were not used."""
        return self._slots.dropped

    async def acquire(self, *, priority: Priority = "interactive", waiting: int = 1) -> None:
        """Return when one more request may be sent. A slot that is reserved when this is cancelled is kept for others.

        Args:
            priority: The priority of the request.
            waiting: How many requests of this priority wait, with this one.

        Raises:
            ConfigurationError: Redis refuses this limit or this program.
            SharedLimitUnavailableError: Redis does not respond, with `on_failure="error"`.
        """
        loop = asyncio.get_running_loop()
        while True:
            if self._refused is not None:
                error, self._refused = self._refused, None
                raise error
            now = loop.time()
            taken = self._slots.take(now)
            if taken:
                self._taken += 1
            until = self._slots.next()
            if self._failure is None or now >= self._probe_at:
                until = min(until, self._fetch_if_needed(priority, waiting - taken, now, loop))
            else:
                until = min(until, self._probe_at)
            if not taken and self._failure is not None:
                if self._on_failure == "error":
                    raise SharedLimitUnavailableError(self._story()) from self._failure
                if self._own is not None:
                    wait = self._own.wait(now, smoothed=priority == "bulk")
                    if taken := wait <= 0:
                        self._own.take(now)
                    until = min(until, now + wait)
            if taken:
                self.grants += 1
                return
            await self._wait(until, loop)

    def throttled(self, until: float) -> None:
        """Make all who share the limit wait until a time, in seconds as `time.time()` returns it."""
        pause = until - time.time()
        if pause > 0:
            self._start(self._pause(pause), asyncio.get_running_loop())

    def close(self) -> list[asyncio.Task[None]]:
        """Reserve nothing from now on; return the tasks that are ending."""
        for task in self._tasks:
            task.cancel()
        return list(self._tasks)

    def _fetch_if_needed(self, priority: Priority, waiting: int, now: float, loop: asyncio.AbstractEventLoop) -> float:
        """Reserve more slots if that is of use now; return when more may be needed."""
        if waiting < 1 or priority in self._fetching:
            return math.inf
        if now < self._next[priority]:
            return self._next[priority]
        soon = now + self._round_trip
        if priority == "interactive":
            missing = waiting - self._slots.count(priority)
            if missing < 1 or (missing == 1 and self._slots.next() <= soon):
                return math.inf
            self._fetch(priority, missing, loop)
        else:
            if (early := self._slots.last(priority) - _EARLY - soon) > 0:
                return now + early
            self._fetch(priority, max(waiting, self._taken), loop)
            self._taken = 0
        return math.inf

    def _fetch(self, priority: Priority, count: int, loop: asyncio.AbstractEventLoop) -> None:
        self._fetching.add(priority)
        self._start(self._fetch_slots(priority, min(count, _MOST_SLOTS), loop), loop)

    async def _fetch_slots(self, priority: Priority, count: int, loop: asyncio.AbstractEventLoop) -> None:
        interactive, bulk = (count, 0) if priority == "interactive" else (0, count)
        sent = loop.time()
        try:
            reserved = await self._reserve(interactive=interactive, bulk=bulk, horizons=_HORIZONS)
        except ConfigurationError as error:
            self._refused = error
        except self._unavailable as error:
            self._fail(error, loop.time())
        else:
            received = loop.time()
            self._recover()
            self._offset.note(sent, received, reserved.now)
            self._round_trip += ((received - sent) - self._round_trip) / 4
            self._slots.add("interactive", map(self._offset.here, reserved.interactive))
            self._slots.add("bulk", map(self._offset.here, reserved.bulk))
            self._next[priority] = received + reserved.wait if reserved.wait else -math.inf
        finally:
            self.round_trips += 1
            self._fetching.discard(priority)
            self._wake()

    async def _pause(self, seconds: float) -> None:
        try:
            await self._reserve(pause=seconds)
        except ConfigurationError as error:
            self._refused = error
        except self._unavailable as error:
            self._fail(error, asyncio.get_running_loop().time())

    def _start(self, work: Coroutine[object, object, None], loop: asyncio.AbstractEventLoop) -> None:
        task = loop.create_task(work, name="refold_async shared rate limit")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _fail(self, error: Exception, now: float) -> None:
        first = self._failure is None
        self._failure = error
        self._probe_at = now + self._probe_after
        self._probe_after = min(2 * self._probe_after, _LAST_PROBE)
        if first:
            logger.warning("%s", self._story())

    def _recover(self) -> None:
        if self._failure is not None:
            self._failure = None
            self._probe_after = _FIRST_PROBE
            logger.info("Redis at %s responds again: the shared rate limit applies.", self._location)

    def _story(self) -> str:
        consequence = {
            "wait": "Calls wait until it does.",
            "error": "Calls fail until it does.",
            "local": "Until it does, this process keeps to its share of the limit.",
        }[self._on_failure]
        return f"Redis at {self._location}, which keeps the shared rate limit, fails: {self._failure}. {consequence}"

    async def _wait(self, until: float, loop: asyncio.AbstractEventLoop) -> None:
        woken = loop.create_future()
        timer = loop.call_at(until, _resolve, woken) if until < math.inf else None
        self._waiting.add(woken)
        try:
            await woken
        finally:
            self._waiting.discard(woken)
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        for woken in self._waiting:
            _resolve(woken)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
