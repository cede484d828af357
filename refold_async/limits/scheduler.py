"""Decides when a request may be sent: in its turn, at the rate, within its account's limit, with a free connection.

All requests of a client wait in one queue. A permit whose linked account may not send now is parked at the limit of
that account, so that the others can continue. Once the account may send, the permit is first in the queue again. The
permits of a fan-out are parked together, in their lane, with the items that have not begun.
"""

import asyncio
import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from refold_async.config.settings import RateLimit
from refold_async.faults import Fault
from refold_async.limits.account_limits import AccountLimits, AccountLimitSettings
from refold_async.limits.account_turns import AccountTurns
from refold_async.limits.adaptive_rate import AdaptiveRate
from refold_async.limits.fair_queue import FairQueue, Priority
from refold_async.limits.outside_limiter import Acquire, Limiter, acquire_of, ask, tell_throttled, trouble_of
from refold_async.limits.permits import Permit, Waiter
from refold_async.limits.token_bucket import TokenBucket

if TYPE_CHECKING:
    from refold_async.limits.lanes import Lane
    from refold_async.limits.refusals import Refusals
    from refold_async.limits.slot_interfaces import SlotPool

__all__ = ["RequestScheduler"]

_NO_ACCOUNT_LIMITS: Final = AccountLimitSettings()
_LAST_MOMENTS: Final = 1.0
"""Seconds that a limiter gets to react to its cancellation."""
_NO_NEWS: Final = frozenset({Fault.NEVER_SENT, Fault.CERTIFICATE, Fault.LOST, Fault.WORKFLOW_RATE_LIMITED})
"""The faults that show neither that a request was accepted nor that it was refused."""


class RequestScheduler:
    """Grants a permit to every attempt of one client, for one of its connections."""

    def __init__(
        self,
        limit: RateLimit | Limiter | None,
        connections: int,
        accounts: AccountLimitSettings = _NO_ACCOUNT_LIMITS,
        longest_pause: float = 60.0,
    ) -> None:
        self._limiter = None if limit is None or isinstance(limit, RateLimit) else limit
        self._acquire: Acquire | None = None
        self._acquire_takes: Collection[str] = ()
        if self._limiter is not None:
            self._acquire, self._acquire_takes = acquire_of(self._limiter)
        self._bucket = TokenBucket(limit) if isinstance(limit, RateLimit) else None
        # A limit that the user set may be too high, or not the only one.
        self._adaptive = AdaptiveRate(connections, beside_a_limit=limit is not None)
        self._connections = self._free = connections
        self._queue = FairQueue[Waiter]()
        self._account_limits = AccountLimits(accounts, longest_pause)
        self._turns = AccountTurns(self._account_limits, self._queue, self._grant_waiting)
        self._longest_pause = longest_pause
        self._refusals: Refusals | None = None
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None
        self._asking: asyncio.Task[None] | None = None
        self._asked_for: tuple[Priority, int] | None = None  # while the limiter is asked

    @property
    def in_flight(self) -> int:
        """How many permits are in use."""
        return self._connections - self._free

    @property
    def waiting(self) -> int:
        """How many permits wait in the queue. Parked ones do not count."""
        return len(self._queue)

    def limits_accounts(self) -> bool:
        """Return whether an account may have to wait while others do not."""
        return self._account_limits.needed

    def lane(self, account: str | None, slots: "SlotPool", now: float) -> "Lane | None":
        """Return the queue in which items of a fan-out wait for an account, or None if nothing limits the account."""
        return self._turns.lane(account, slots, now)

    @property
    def refuses_all(self) -> bool:
        """Whether Refold currently accepts nothing, as far as is known."""
        return self._adaptive.is_closed

    def pause(self, now: float, account: str | None = None) -> float:
        """Return the seconds for which refusals keep all calls, or this account, from getting permits."""
        limit = self._account_limits.find(account, now) if self._account_limits.needed else None
        return max(self._adaptive.pause(now), 0.0 if limit is None else limit.pause.wait(now))

    def try_acquire(self, permit: Permit, now: float) -> bool:
        """Grant a permit if nobody else waits and no limit forbids it; return whether it was granted."""
        if self._queue or self._free < 1 or self._limiter is not None:
            return False
        bulk = permit.priority == "bulk"
        if not self._adaptive.at_rest and self._adaptive.wait(now, self.in_flight, in_bulk=bulk) > 0:
            return False
        if self._bucket is not None and self._bucket.wait(now, smoothed=bulk) > 0:
            return False
        limits = self._account_limits
        if limits.needed and (limit := limits.find(permit.account, now)) is not None:
            if limit.parked or limit.shared is not None or permit.wait(limit, now) > 0:
                return False
            limit.permits += 1
            permit.limit = limit
        self._take(permit, now)
        return True

    async def acquire(self, permit: Permit, delay: float = 0.0) -> None:
        """Wait until a permit is granted.

        Args:
            permit: The permit of an attempt.
            delay: Seconds to wait before it enters the queue. An item lends its slot to others during that time.

        Raises:
            LimiterError: The limiter raised when it was this permit's turn.
            KeptWaitingError: It is for an item that refusals of its account have kept waiting for too long.
        """
        loop = asyncio.get_running_loop()
        waiter = Waiter(permit, loop.create_future(), self._turns)
        self._find_limit(permit, loop.time())
        delayed: asyncio.TimerHandle | None = None
        if delay > 0:
            if permit.holder is not None:
                permit.holder.park()
            delayed = loop.call_later(delay, self._turns.end_delay, waiter, loop)
        else:
            self._queue.add(waiter)
            self._grant_waiting(loop)
        try:
            await waiter.granted
        except BaseException:
            limit = permit.limit
            if delayed is not None:
                delayed.cancel()
            self._queue.remove(waiter)
            if limit is not None:
                self._turns.give_up(waiter, limit, loop.time())
            if permit.holder is not None:
                permit.holder.give_up_waiting()
            if waiter.granted.done() and not waiter.granted.cancelled() and waiter.granted.exception() is None:
                self.release(permit)  # it was granted and cancelled at the same time
            elif limit is not None:
                limit.permits -= 1
                self._turns.resume_next(limit, loop, loop.time())
            self._grant_waiting(loop)
            raise

    def release(self, permit: Permit) -> None:
        """Release a permit, because its attempt has ended."""
        self._free += 1
        limit = permit.limit
        if limit is not None:
            limit.free += 1
            limit.permits -= 1
            if limit.parked:
                loop = asyncio.get_running_loop()
                self._turns.resume_next(limit, loop, loop.time())
        if self._queue:
            self._grant_waiting(asyncio.get_running_loop())

    def report(self, permit: Permit, fault: Fault | None, retry_after: float | None, now: float) -> None:
        """Learn from the result of an attempt.

        Args:
            permit: Its permit, which was released.
            fault: What went wrong, or None.
            retry_after: How many seconds the response asked to wait, or None.
            now: The loop's time.
        """
        if fault is Fault.RATE_LIMITED:
            if self._loaded_refusals().note(permit, retry_after, now):
                self._grant_earlier()
            if self._limiter is not None:
                tell_throttled(self._limiter, time.time() + self._adaptive.pause(now))
            return
        if fault is None or fault not in _NO_NEWS:
            if self._adaptive.accepted(permit.sent_at, permit.account, now):
                self._grant_earlier()
            limit = None if fault is Fault.APP_RATE_LIMITED else permit.limit
            if limit is not None and limit.pause.lasts and limit.pause.accepted(permit.sent_at, now):
                self._turns.look_again(limit, asyncio.get_running_loop())
        if fault is Fault.APP_RATE_LIMITED or (fault is Fault.WORKFLOW_RATE_LIMITED and retry_after):
            self._loaded_refusals().note_by_app(permit, retry_after, now)

    @property
    def trouble(self) -> str | None:
        """Why the limiter lets nobody send for now, or None if that is not known."""
        return trouble_of(self._limiter)

    async def aclose(self) -> None:
        """Grant nothing from now on, and stop calling the limiter."""
        self._closed = True
        self._account_limits.close()
        if self._timer is not None:
            self._timer.cancel()
        self._turns.close()
        if self._asking is not None and self._asking.get_loop() is asyncio.get_running_loop():
            self._asking.cancel()
            await asyncio.wait([self._asking], timeout=_LAST_MOMENTS)

    def _loaded_refusals(self) -> "Refusals":
        if self._refusals is None:
            from refold_async.limits.refusals import Refusals

            self._refusals = Refusals(self._adaptive, self._account_limits, self._longest_pause)
        return self._refusals

    def _find_limit(self, permit: Permit, now: float) -> None:
        limits = self._account_limits
        if permit.limit is None and limits.needed and (limit := limits.find(permit.account, now)) is not None:
            limit.permits += 1
            permit.limit = limit

    def _take(self, permit: Permit, now: float) -> None:
        self._free -= 1
        if not self._adaptive.at_rest:
            self._adaptive.take(now)
        if self._bucket is not None:
            self._bucket.take(now)
        if permit.limit is not None:
            permit.limit.take(now)
        permit.sent_at = now

    def _grant_waiting(self, loop: asyncio.AbstractEventLoop) -> None:
        """Grant what may be granted. If some must still wait, set a timer for the next check."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._closed:
            return
        if self._acquire is not None:
            self._see_to_asking(self._acquire, loop)
            return
        now = loop.time()
        while self._free >= 1 and (waiter := self._queue.head()) is not None:
            # Bulk work that has its turn although others wait may use the reserve: otherwise it would make no progress.
            bulk = waiter.permit.priority == "bulk" and not self._queue.has_interactive
            wait = self._adaptive.wait(now, self.in_flight, in_bulk=bulk)
            if self._bucket is not None:
                wait = max(wait, self._bucket.wait(now, smoothed=bulk))
            if wait > 0:
                self._timer = loop.call_at(now + wait, self._grant_waiting, loop)
                return
            if not self._parks(waiter, now):
                self._grant(waiter, now)

    def _grant(self, waiter: Waiter, now: float) -> None:
        self._queue.take(waiter)
        self._take(waiter.permit, now)
        waiter.granted.set_result(None)
        if (limit := waiter.permit.limit) is not None and limit.parked:
            self._turns.resume_next(limit, waiter.granted.get_loop(), now)

    def _parks(self, waiter: Waiter, now: float) -> bool:
        """Remove the head from the queue if it gave up or its account may not send; return whether it was removed."""
        permit = waiter.permit
        if waiter.granted.done():
            self._queue.remove(waiter)
            return True
        self._find_limit(permit, now)  # its app may have throttled it since it entered the queue
        return permit.limit is not None and self._turns.hold_back(waiter, permit.limit, now)

    def _grant_earlier(self) -> None:
        """Grant permits to those who may send earlier than was expected."""
        if self._asking is not None:
            self._asking.cancel()  # it may sleep until the expected end of the pause; it starts again
        elif self._queue:
            self._grant_waiting(asyncio.get_running_loop())

    def _see_to_asking(self, acquire: Acquire, loop: asyncio.AbstractEventLoop) -> None:
        """Call the limiter while somebody waits who could send, and only then."""
        if self._asking is not None:
            if not self._queue or (self._asked_for is not None and self._asks_for_too_little(*self._asked_for)):
                self._asking.cancel()
        elif self._free >= 1 and self._queue:
            self._asking = loop.create_task(self._ask(acquire, loop), name="refold_async rate limit")
            self._asking.add_done_callback(self._asked)

    def _asks_for_too_little(self, priority: Priority, waiting: int) -> bool:
        """Return whether there are interactive requests now that the limiter does not know of, though it wants to."""
        if priority == "bulk":
            return "priority" in self._acquire_takes and self._queue.has_interactive
        return "waiting" in self._acquire_takes and waiting < min(self._queue.count(priority), self._free)

    def _asked(self, asking: asyncio.Task[None]) -> None:
        self._asking = None
        self._grant_waiting(asking.get_loop())

    async def _ask(self, acquire: Acquire, loop: asyncio.AbstractEventLoop) -> None:
        """Call the limiter for one permit after the other. What it grants is for the head of the queue at that time."""
        while self._free >= 1 and (waiter := self._queue.head()) is not None:
            if self._parks(waiter, loop.time()):
                continue
            await self._keep_to_the_rate(loop)
            priority: Priority = "interactive" if self._queue.has_interactive else "bulk"
            self._asked_for = priority, min(self._queue.count(priority), self._free)
            try:
                error = await ask(acquire, *self._asked_for)
            finally:
                self._asked_for = None
            await self._keep_to_the_rate(loop)
            while (waiter := self._queue.head()) is not None and self._parks(waiter, loop.time()):
                pass
            if waiter is None:
                return
            if error is None:
                self._grant(waiter, loop.time())
            else:
                self._queue.remove(waiter)
                waiter.granted.set_exception(error)

    async def _keep_to_the_rate(self, loop: asyncio.AbstractEventLoop) -> None:
        while (wait := self._adaptive.wait(loop.time(), self.in_flight, in_bulk=False)) > 0:  # noqa: ASYNC110
            await asyncio.sleep(wait)  # the wait may have become longer by then
