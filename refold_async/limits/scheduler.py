"""When a call may leave: in its turn, at the rate, within its account's limits, and as there are connections.

The client has one door, and a line before it. Whoever's linked account may not go now steps aside at its gate, and the
others go on; once it may, it stands in front of the line again. Those of a fan-out wait at the gate as one: in their
lane, with the items that have not begun.
"""

import asyncio
import time
from typing import Final, Protocol, runtime_checkable

from refold_async.config.settings import RateLimit
from refold_async.faults import Fault
from refold_async.limits.account_limits import AccountLimits, AccountLimitSettings, Lane
from refold_async.limits.account_turns import AccountTurns
from refold_async.limits.adaptive_rate import AdaptiveRate, Concern
from refold_async.limits.fair_queue import FairQueue, Permit, Waiter
from refold_async.limits.slots import Slots
from refold_async.limits.token_bucket import TokenBucket
from refold_async.runtime.foreign_errors import EXITS, shown
from refold_async.runtime.log import logger

__all__ = ["Limiter", "LimiterError", "RequestScheduler"]


_NO_ACCOUNT_LIMITS: Final = AccountLimitSettings()
_FIRST_PAUSE_OF_ACCOUNT: Final = 0.5
"""Seconds that an account waits which alone is refused, or whose app said to come slower; doubled by each in a row."""
_WORTH_TELLING: Final = 1.0
_WORTH_A_WARNING: Final = 45.0
"""Seconds of a pause beyond which it is worth a line in the log, and a warning."""
_LAST_MOMENTS: Final = 1.0
"""Seconds that a limiter gets to heed its cancellation."""
_NO_NEWS: Final = frozenset({Fault.NEVER_SENT, Fault.CERTIFICATE, Fault.LOST, Fault.WORKFLOW_RATE_LIMITED})
"""What tells neither that a request was accepted, nor that it was refused."""


@runtime_checkable
class Limiter(Protocol):
    """What `AsyncRefold(rate_limit=...)` takes beside a `RateLimit`: any object with this method.

    The client keeps the queue: it awaits `acquire` once for each attempt, for one at a time, and never while it has no
    connection free; then the attempt leaves at once. What `acquire` raises is the error of the call whose turn it was.

    It may also have a plain method `throttled(until: float) -> None`. That is called when Refold answers HTTP 429, with
    the time, in seconds of `time.time()`, before which nobody who shares the limit should send. The client itself does
    not ask before then. What is about one call or linked account alone is not in it: then the time is now.
    """

    async def acquire(self) -> None:
        """Return when one more request may leave. May be cancelled while it waits, and then must grant nothing."""
        ...


class LimiterError(Exception):
    """The limiter that was given raised; `__cause__` tells what."""


class RequestScheduler:
    """The door that every attempt of one client goes through, into one of its connections."""

    def __init__(
        self,
        limit: RateLimit | Limiter | None,
        connections: int,
        accounts: AccountLimitSettings = _NO_ACCOUNT_LIMITS,
        longest_pause: float = 60.0,
    ) -> None:
        self._limiter = None if limit is None or isinstance(limit, RateLimit) else limit
        self._bucket = TokenBucket(limit) if isinstance(limit, RateLimit) else None
        # A limit that was given may be too high, or not the only one.
        self._adaptive = AdaptiveRate(connections, beside_a_limit=limit is not None)
        self._connections = self._free = connections
        self._line = FairQueue[Waiter]()
        self._gates = AccountLimits(accounts, longest_pause)
        self._turns = AccountTurns(self._gates, self._line, self._admit)
        self._longest_pause = longest_pause
        self._told_of_pause = False
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None
        self._asking: asyncio.Task[None] | None = None

    @property
    def in_flight(self) -> int:
        """How many attempts were let in and are not over."""
        return self._connections - self._free

    @property
    def waiting(self) -> int:
        """How many stand in line; those who stepped aside do not count."""
        return len(self._line)

    def limits_accounts(self) -> bool:
        """Tell whether any account may have to wait by itself."""
        return self._gates.needed

    def lane(self, account: str | None, places: Slots, now: float) -> Lane | None:
        """Return where the items of a fan-out wait for an account, or None if nothing limits that."""
        return self._turns.lane(account, places, now)

    @property
    def refuses_all(self) -> bool:
        """Whether Refold accepts nothing at present, as far as is known."""
        return self._adaptive.is_closed

    def pause(self, now: float, account: str | None = None) -> float:
        """Return the seconds for which refusals keep everybody, or this account, from being let in."""
        gate = self._gates.find(account, now) if self._gates.needed else None
        return max(self._adaptive.pause(now), 0.0 if gate is None else gate.pause.wait(now))

    def enter_at_once(self, visit: Permit, now: float) -> bool:
        """Go in if nobody is there to wait for and nothing stands against it; return whether that was so."""
        if self._line or self._free < 1 or self._limiter is not None:
            return False
        if not self._adaptive.at_rest and self._adaptive.wait(now, self.in_flight, in_bulk=visit.in_bulk) > 0:
            return False
        if self._bucket is not None and self._bucket.wait(now, smoothed=visit.in_bulk) > 0:
            return False
        if self._gates.needed and (gate := self._gates.find(visit.account, now)) is not None:
            if gate.aside or gate.wait(now, smoothed=visit.in_bulk, expected=gate.expects(visit)) > 0:
                return False
            gate.visits += 1
            visit.gate = gate
        self._take(visit, now)
        return True

    async def enter(self, visit: Permit, delay: float = 0.0) -> None:
        """Wait in line, and go in.

        Args:
            visit: The attempt.
            delay: Seconds to wait before it stands in line; an item lends its place to others meanwhile.

        Raises:
            LimiterError: The limiter raised when it was this attempt's turn.
            KeptWaitingError: It is for an item that its account's refusals have kept waiting for too long.
        """
        loop = asyncio.get_running_loop()
        waiter = Waiter(visit, loop.create_future())
        self._find_gate(visit, loop.time())
        delayed: asyncio.TimerHandle | None = None
        if delay > 0:
            if visit.item is not None:
                visit.item.step_aside()
            delayed = loop.call_later(delay, self._turns.come_back, waiter, loop)
        else:
            self._line.add(waiter)
            self._admit(loop)
        try:
            await waiter.admitted
        except BaseException:
            gate = visit.gate
            if delayed is not None:
                delayed.cancel()
            self._line.remove(waiter)
            if gate is not None:
                self._turns.give_up(waiter, gate, loop.time())
            if visit.item is not None:
                visit.item.give_up_waiting()
            if waiter.admitted.done() and not waiter.admitted.cancelled() and waiter.admitted.exception() is None:
                self.leave(visit)  # it was let in and cancelled at the same time
            elif gate is not None:
                gate.visits -= 1
                self._turns.call_back(gate, loop, loop.time())
            self._admit(loop)
            raise

    def leave(self, visit: Permit) -> None:
        """Make room: the attempt is over."""
        self._free += 1
        gate = visit.gate
        if gate is not None:
            gate.free += 1
            gate.visits -= 1
            if gate.aside:
                loop = asyncio.get_running_loop()
                self._turns.call_back(gate, loop, loop.time())
        if self._line:
            self._admit(asyncio.get_running_loop())

    def answered(self, visit: Permit, fault: Fault | None, retry_after: float | None, now: float) -> None:
        """Learn from what became of an attempt.

        Args:
            visit: The attempt, over by now.
            fault: What went wrong, or None.
            retry_after: For how many seconds the answer asked to stay away, or None.
            now: The loop's time.
        """
        if fault is Fault.RATE_LIMITED:
            self._note_refusal(visit, retry_after, now)
            return
        if fault is None or fault not in _NO_NEWS:
            if self._adaptive.accepted(visit.sent_at, visit.account, now):
                self._look_at_the_line()
            gate = None if fault is Fault.APP_RATE_LIMITED else visit.gate
            if gate is not None and gate.pause.lasts and gate.pause.accepted(visit.sent_at, now):
                self._turns.look_again(gate, asyncio.get_running_loop())
        if fault is Fault.APP_RATE_LIMITED or (fault is Fault.WORKFLOW_RATE_LIMITED and retry_after):
            self._pause_account(visit, retry_after, _FIRST_PAUSE_OF_ACCOUNT, now)

    async def aclose(self) -> None:
        """Stop looking at the line and asking the limiter."""
        self._closed = True
        self._gates.close()
        if self._timer is not None:
            self._timer.cancel()
        self._turns.close()
        if self._asking is not None and self._asking.get_loop() is asyncio.get_running_loop():
            self._asking.cancel()
            await asyncio.wait([self._asking], timeout=_LAST_MOMENTS)

    def _note_refusal(self, visit: Permit, retry_after: float | None, now: float) -> None:
        """Have those wait whom a refusal is about: the account, where that is known or asked for, or everybody."""
        asked = min(retry_after or 0.0, self._longest_pause)
        before = self._adaptive.pause(now)
        concern = self._adaptive.refused(visit.sent_at, visit.account, now, asked)
        if concern is Concern.ACCOUNT or retry_after:
            first = _FIRST_PAUSE_OF_ACCOUNT if concern is Concern.ACCOUNT else 0.0
            self._pause_account(visit, retry_after, first, now)
        pause = self._adaptive.pause(now)
        if pause < before:
            self._look_at_the_line()  # the next to look waited for this answer
        self._told_of_pause = self._told_of_pause and self._adaptive.is_closed
        if pause >= _WORTH_TELLING and not self._told_of_pause:
            self._told_of_pause = True
            logger.warning(
                "Refold refuses calls (HTTP 429): all wait for %.3g seconds, and then one looks whether it is over.",
                pause,
            )
        if self._limiter is not None:
            _tell_throttled(self._limiter, time.time() + pause)

    def _pause_account(self, visit: Permit, retry_after: float | None, first: float, now: float) -> None:
        """Have the linked account of an attempt that was refused wait."""
        if visit.account is None:
            return
        pause = self._gates.make(visit.account, now).pause
        pause.refused(visit.sent_at, retry_after, first, now)
        if pause.is_news(now):
            tell = logger.warning if pause.wait(now) >= _WORTH_A_WARNING else logger.info
            tell(
                "Calls for %s are refused (HTTP 429): they wait for %.3g seconds, then one looks whether it is over.",
                "a session token" if visit.account.startswith("Bearer ") else f"linked account {visit.account!r}",
                pause.wait(now),
            )

    def _find_gate(self, visit: Permit, now: float) -> None:
        if visit.gate is None and self._gates.needed and (gate := self._gates.find(visit.account, now)) is not None:
            gate.visits += 1
            visit.gate = gate

    def _take(self, visit: Permit, now: float) -> None:
        self._free -= 1
        if not self._adaptive.at_rest:
            self._adaptive.take(now)
        if self._bucket is not None:
            self._bucket.take(now)
        if visit.gate is not None:
            visit.gate.take(now)
        visit.sent_at = now

    def _admit(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let in whoever may go; for those who may not yet, see to it that somebody looks again in time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._closed:
            return
        if self._limiter is not None:
            self._see_to_asking(self._limiter, loop)
            return
        now = loop.time()
        while self._free >= 1 and (waiter := self._line.head()) is not None:
            # A job whose turn it is although others wait takes of the reserve: it would not get by otherwise.
            in_bulk = waiter.visit.in_bulk and not self._line.has_interactive
            wait = self._adaptive.wait(now, self.in_flight, in_bulk=in_bulk)
            if self._bucket is not None:
                wait = max(wait, self._bucket.wait(now, smoothed=in_bulk))
            if wait > 0:
                self._timer = loop.call_at(now + wait, self._admit, loop)
                return
            if not self._steps_aside(waiter, now):
                self._let_in(waiter, now)

    def _let_in(self, waiter: Waiter, now: float) -> None:
        self._line.take(waiter)
        self._take(waiter.visit, now)
        waiter.admitted.set_result(None)
        if (gate := waiter.visit.gate) is not None and gate.aside:
            self._turns.call_back(gate, waiter.admitted.get_loop(), now)

    def _steps_aside(self, waiter: Waiter, now: float) -> bool:
        """Take the head out of the line if it gave up, or if its account may not now; return whether that was so."""
        visit = waiter.visit
        if waiter.admitted.done():
            self._line.remove(waiter)
            return True
        self._find_gate(visit, now)  # its app may have been throttled since it came
        gate = visit.gate
        if gate is None or gate.wait(now, smoothed=visit.in_bulk, expected=gate.expects(visit)) == 0:
            return False
        self._line.remove(waiter)
        self._turns.step_aside(waiter, gate, now)
        return True

    def _look_at_the_line(self) -> None:
        """Let in whoever waits and may go earlier than was thought."""
        if self._asking is not None:
            self._asking.cancel()  # it may sleep until the pause would have been over; it begins anew
        elif self._line:
            self._admit(asyncio.get_running_loop())

    def _see_to_asking(self, limiter: Limiter, loop: asyncio.AbstractEventLoop) -> None:
        """Have the limiter asked while somebody waits who could go, and no longer."""
        if self._asking is not None:
            if not self._line:
                self._asking.cancel()
        elif self._free >= 1 and self._line:
            self._asking = loop.create_task(self._ask(limiter, loop), name="refold_async rate limit")
            self._asking.add_done_callback(self._asked)

    def _asked(self, asking: asyncio.Task[None]) -> None:
        self._asking = None
        self._admit(asking.get_loop())

    async def _ask(self, limiter: Limiter, loop: asyncio.AbstractEventLoop) -> None:
        """Ask for one after the other; the grant is for whoever is the head when it comes."""
        while self._free >= 1 and (waiter := self._line.head()) is not None:
            if self._steps_aside(waiter, loop.time()):
                continue
            await self._keep_to_the_rate(loop)
            error = await _ask_once(limiter)
            await self._keep_to_the_rate(loop)
            while (waiter := self._line.head()) is not None and self._steps_aside(waiter, loop.time()):
                pass
            if waiter is None:
                return
            if error is None:
                self._let_in(waiter, loop.time())
            else:
                self._line.remove(waiter)
                waiter.admitted.set_exception(error)

    async def _keep_to_the_rate(self, loop: asyncio.AbstractEventLoop) -> None:
        while (wait := self._adaptive.wait(loop.time(), self.in_flight, in_bulk=False)) > 0:  # noqa: ASYNC110
            await asyncio.sleep(wait)  # after which it may have become longer


def _tell_throttled(limiter: Limiter, until: float) -> None:
    try:
        tell = getattr(limiter, "throttled", None)
        if tell is not None:
            tell(until)
    except EXITS:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it raises, the call's own outcome stands
        logger.error("The limiter given as rate_limit= failed in throttled()", exc_info=error)


async def _ask_once(limiter: Limiter) -> LimiterError | None:
    """Wait for the limiter's grant; return what it raised instead."""
    task = asyncio.current_task()
    try:
        await limiter.acquire()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as cause:
        if isinstance(cause, asyncio.CancelledError) and task is not None and task.cancelling():
            raise
        error = LimiterError(f"The limiter given as rate_limit= raised {shown(cause)}.")
        error.__cause__ = cause
        return error
    return None
