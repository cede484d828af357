"""When a call may leave: in its turn, at the rate, within its account's limits, and as there are connections.

The client has one door. Single calls go before the calls of jobs, which keep a share of at least one in four. Each
linked account may have a gate of its own behind the queue: whoever finds it closed steps aside, and the others go on.
"""

import asyncio
import logging
import math
import time
from collections import OrderedDict, deque
from functools import partial
from typing import Final, Protocol, runtime_checkable

import attrs

from refold_async.current_item import CurrentItem
from refold_async.faults import Fault
from refold_async.pacing import LearnedRate, Pace, TokenBucket
from refold_async.settings import RateLimit

__all__ = ["AccountLimits", "Admission", "Limiter", "LimiterError", "Visit"]

logger: Final = logging.getLogger("refold_async")

_SINGLES_BEFORE_A_JOB: Final = 3
"""How many single calls go before the waiting calls of jobs until one of those has its turn."""
_PAUSE_AFTER_REFUSAL: Final = 0.05
_PAUSE_AFTER_THROTTLING: Final = 0.5
_LONGEST_PAUSE: Final = 10.0
"""Seconds to wait after a 429 that does not say how long: the first time, and at most; each in a row doubles it."""
_LONGEST_TIMER: Final = 24 * 60 * 60.0
"""Event loops set no timer for the end of time."""
_MOST_GATES: Final = 1000
"""How many gates there are before those that hold nobody up are forgotten."""
_REFUSED_BY_REFOLD: Final = frozenset({Fault.RATE_LIMITED, Fault.THROTTLED_ELSEWHERE})
_WITHOUT_ANSWER: Final = frozenset({Fault.NEVER_SENT, Fault.CERTIFICATE, Fault.LOST})


@runtime_checkable
class Limiter(Protocol):
    """What `AsyncRefold(rate_limit=...)` takes beside a `RateLimit`: any object with this method.

    The client keeps the queue: it awaits `acquire` once for each attempt, for one at a time, and never while it has no
    connection free; then the attempt leaves at once. What `acquire` raises is the error of the call whose turn it was.

    It may also have a plain method `throttled(until: float) -> None`. That is called when Refold answers HTTP 429, with
    the time, in seconds of `time.time()`, before which nobody who shares the limit should send. The client itself does
    not ask before then.
    """

    async def acquire(self) -> None:
        """Return when one more request may leave. May be cancelled while it waits, and then must grant nothing."""
        ...


class LimiterError(Exception):
    """The limiter that was given raised; `__cause__` tells what."""


@attrs.frozen(kw_only=True)
class AccountLimits:
    """What every linked account is held to."""

    rate: RateLimit | None = None
    """At what rate its requests may leave."""
    concurrency: float = math.inf
    """How many of its requests may be in flight."""


@attrs.define(eq=False)
class _Gate:
    """One linked account's own limits."""

    bucket: TokenBucket | None
    places: float
    visits: int = 0
    """How many visits are under way."""
    paused_until: float = -math.inf
    throttled: int = 0
    """How often in a row its app said to come slower."""
    aside: "deque[_Waiter]" = attrs.field(factory=lambda: deque["_Waiter"]())
    timer: asyncio.TimerHandle | None = None

    def wait(self, now: float, *, evenly: bool) -> float:
        """Return the seconds until one may pass; infinite while others must come back first."""
        if self.places < 1:
            return math.inf
        paused = max(0.0, self.paused_until - now)
        return paused if self.bucket is None else max(paused, self.bucket.wait(now, evenly=evenly))


@attrs.define(eq=False)
class Visit:
    """One attempt on its way through the door."""

    account: str | None
    """What its linked account is known by, or None if it is for the organisation."""
    item: CurrentItem | None = None
    """The item of a fan-out that it is for, or None if it is a single call's."""
    sent_at: float = 0.0
    """When it was let in, by the loop's clock."""
    gate: _Gate | None = None

    @property
    def in_bulk(self) -> bool:
        """Whether it is part of a job."""
        return self.item is not None


@attrs.define(eq=False)
class _Waiter:
    visit: Visit
    admitted: asyncio.Future[None]


class Admission:
    """The door that every attempt of one client goes through, into one of its connections."""

    def __init__(
        self, limit: RateLimit | Limiter | None, connections: int, accounts: AccountLimits = AccountLimits()
    ) -> None:
        self._limiter = None if limit is None or isinstance(limit, RateLimit) else limit
        self._learned = LearnedRate() if limit is None else None
        # Where a rate has to be learned, there is none before the first refusal.
        self._pace: Pace | None = TokenBucket(limit) if isinstance(limit, RateLimit) else None
        self._free = connections
        self._account_limits = accounts
        self._every_account = accounts != AccountLimits()
        self._gates: dict[str, _Gate] = {}
        self._most_gates = _MOST_GATES
        self._singles: OrderedDict[_Waiter, None] = OrderedDict()
        self._jobs: OrderedDict[_Waiter, None] = OrderedDict()
        self._singles_in_a_row = 0
        self._paused_until = -math.inf
        self._refusals = 0  # in a row
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None
        self._asking: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many stand at the door; those who stepped aside for their account's sake do not count."""
        return len(self._singles) + len(self._jobs)

    def pause(self, now: float) -> float:
        """Return the seconds for which nobody is let in, because Refold asked for it."""
        return max(0.0, self._paused_until - now)

    def enter_at_once(self, visit: Visit, now: float) -> bool:
        """Go in if nobody is there to wait for and nothing stands against it; return whether that was so."""
        if self._singles or self._jobs or self._free < 1 or self._limiter is not None or now < self._paused_until:
            return False
        if self._pace is not None and self._pace.wait(now, evenly=visit.in_bulk) > 0:
            return False
        if self._every_account or self._gates:
            gate = self._gate_of(visit.account)
            if gate is not None:
                if gate.aside or gate.wait(now, evenly=visit.in_bulk) > 0:
                    return False
                gate.visits += 1
                visit.gate = gate
        self._take(visit, now)
        return True

    async def enter(self, visit: Visit) -> None:
        """Wait in the queue, and go in.

        Raises:
            LimiterError: The limiter raised when it was this attempt's turn.
        """
        loop = asyncio.get_running_loop()
        if (gate := self._gate_of(visit.account)) is not None:
            gate.visits += 1
            visit.gate = gate
        waiter = _Waiter(visit, loop.create_future())
        queue = self._queue_of(visit)
        queue[waiter] = None
        self._admit(loop)
        try:
            await waiter.admitted
        except BaseException:
            queue.pop(waiter, None)
            if visit.item is not None:
                visit.item.give_up_waiting()
            if waiter.admitted.done() and not waiter.admitted.cancelled() and waiter.admitted.exception() is None:
                self.leave(visit)  # it was let in and cancelled at the same time
            elif gate is not None:
                gate.visits -= 1
            self._admit(loop)
            raise

    def leave(self, visit: Visit) -> None:
        """Make room: the attempt is over."""
        self._free += 1
        gate = visit.gate
        if gate is not None:
            gate.places += 1
            gate.visits -= 1
            if gate.aside:
                self._call_back(gate, asyncio.get_running_loop())
        if self._singles or self._jobs:
            self._admit(asyncio.get_running_loop())

    def answered(self, visit: Visit, fault: Fault | None, retry_after: float | None, now: float) -> None:
        """Learn from what became of an attempt.

        Args:
            visit: The attempt, over by now.
            fault: What went wrong, or None.
            retry_after: For how many seconds the answer asked to stay away, or None.
            now: The loop's time.
        """
        if fault is not None and fault in _REFUSED_BY_REFOLD:
            self._note_refusal(visit, retry_after, now)
        elif fault is None or fault not in _WITHOUT_ANSWER:
            self._refusals = 0
            if self._learned is not None:
                self._learned.accepted(visit.sent_at, now)
            if fault is Fault.APP_RATE_LIMITED:
                self._note_throttling(visit, retry_after, now)
            elif visit.gate is not None:
                visit.gate.throttled = 0

    def _note_refusal(self, visit: Visit, retry_after: float | None, now: float) -> None:
        """Refold said to come slower: that holds for all, not only for whom it was said to."""
        if self._learned is not None:
            self._learned.refused(visit.sent_at, now)
            self._pace = self._learned
        if retry_after is None and self._learned is None and visit.sent_at >= self._paused_until:
            retry_after = min(_PAUSE_AFTER_REFUSAL * 2**self._refusals, _LONGEST_PAUSE)
            self._refusals = min(self._refusals + 1, 10)
        if retry_after is not None:
            self._paused_until = max(self._paused_until, now + retry_after)
        tell = getattr(self._limiter, "throttled", None)
        if tell is not None:
            try:
                tell(time.time() + max(0.0, self._paused_until - now))
            except Exception:
                logger.exception("The limiter given as rate_limit= failed in throttled()")

    def _note_throttling(self, visit: Visit, retry_after: float | None, now: float) -> None:
        """The app said to come slower: its linked account waits, and the others go on."""
        if visit.account is None:
            return
        gate = visit.gate or self._gates.get(visit.account) or self._new_gate(visit.account)
        if retry_after is None and visit.sent_at >= gate.paused_until:
            retry_after = min(_PAUSE_AFTER_THROTTLING * 2**gate.throttled, _LONGEST_PAUSE)
            gate.throttled = min(gate.throttled + 1, 10)
        if retry_after is not None:
            gate.paused_until = max(gate.paused_until, now + retry_after)

    async def aclose(self) -> None:
        """Stop looking at the queue and asking the limiter."""
        self._closed = True
        for timer in (self._timer, *(gate.timer for gate in self._gates.values())):
            if timer is not None:
                timer.cancel()
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    def _queue_of(self, visit: Visit) -> "OrderedDict[_Waiter, None]":
        return self._jobs if visit.in_bulk else self._singles

    def _take(self, visit: Visit, now: float) -> None:
        self._free -= 1
        if self._pace is not None:
            self._pace.take(now)
        if (gate := visit.gate) is not None:
            gate.places -= 1
            if gate.bucket is not None:
                gate.bucket.take(now)
        visit.sent_at = now

    def _head(self) -> _Waiter | None:
        """Return whose turn it is."""
        single_goes = self._singles and not (self._jobs and self._singles_in_a_row >= _SINGLES_BEFORE_A_JOB)
        return next(iter(self._singles if single_goes else self._jobs), None)

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
        while self._free >= 1 and (waiter := self._head()) is not None:
            wait = self._paused_until - now
            if self._pace is not None:
                # A job whose turn it is although others wait takes of the reserve: it would not get by otherwise.
                wait = max(wait, self._pace.wait(now, evenly=waiter.visit.in_bulk and not self._singles))
            if wait > 0:
                self._timer = loop.call_later(min(wait, _LONGEST_TIMER), self._admit, loop)
                return
            if not self._sent_aside(waiter, now):
                self._let_in(waiter, now)

    def _let_in(self, waiter: _Waiter, now: float) -> None:
        visit = waiter.visit
        self._queue_of(visit).pop(waiter)
        self._singles_in_a_row = 0 if visit.in_bulk or not self._jobs else self._singles_in_a_row + 1
        self._take(visit, now)
        waiter.admitted.set_result(None)
        if visit.gate is not None and visit.gate.aside:
            self._call_back(visit.gate, waiter.admitted.get_loop())

    def _sent_aside(self, waiter: _Waiter, now: float) -> bool:
        """Take the head out of the queue if it gave up, or if its account may not now; return whether that was so."""
        gate = waiter.visit.gate
        if waiter.admitted.done():
            self._queue_of(waiter.visit).pop(waiter)
            return True
        if gate is None or gate.wait(now, evenly=waiter.visit.in_bulk) == 0:
            return False
        self._queue_of(waiter.visit).pop(waiter)
        gate.aside.append(waiter)
        if waiter.visit.item is not None:
            waiter.visit.item.step_aside()
        self._call_back(gate, waiter.admitted.get_loop())
        return True

    def _see_to_asking(self, limiter: Limiter, loop: asyncio.AbstractEventLoop) -> None:
        """Have the limiter asked while somebody waits who could go, and no longer."""
        if self._asking is not None:
            if self._head() is None:
                self._asking.cancel()
        elif self._free >= 1 and self._head() is not None:
            self._asking = loop.create_task(self._ask(limiter, loop), name="refold_async rate limit")
            self._asking.add_done_callback(self._asked)

    def _asked(self, asking: asyncio.Task[None]) -> None:
        self._asking = None
        self._admit(asking.get_loop())

    async def _ask(self, limiter: Limiter, loop: asyncio.AbstractEventLoop) -> None:
        """Ask for one after the other; the grant is for whoever is the head when it comes."""
        while self._free >= 1 and (waiter := self._head()) is not None:
            if self._sent_aside(waiter, loop.time()):
                continue
            await self._sit_out_the_pause(loop)
            error = await _ask_once(limiter)
            await self._sit_out_the_pause(loop)
            while (waiter := self._head()) is not None and self._sent_aside(waiter, loop.time()):
                pass
            if waiter is None:
                return
            if error is None:
                self._let_in(waiter, loop.time())
            else:
                self._queue_of(waiter.visit).pop(waiter)
                waiter.admitted.set_exception(error)

    async def _sit_out_the_pause(self, loop: asyncio.AbstractEventLoop) -> None:
        while (wait := self._paused_until - loop.time()) > 0:  # noqa: ASYNC110 - it may be made longer meanwhile
            await asyncio.sleep(min(wait, _LONGEST_TIMER))

    def _call_back(self, gate: _Gate, loop: asyncio.AbstractEventLoop) -> None:
        """Have the first of those who stepped aside stand in front of the queue again, once its account may."""
        while gate.aside and gate.aside[0].admitted.done():
            gate.aside.popleft()
        if gate.timer is not None:
            gate.timer.cancel()
            gate.timer = None
        if not gate.aside:
            return
        waiter = gate.aside[0]
        wait = gate.wait(loop.time(), evenly=waiter.visit.in_bulk)
        if wait == 0:
            item = waiter.visit.item
            if item is not None and not item.step_back(partial(self._look_again, gate, loop)):
                return
            gate.aside.popleft()
            queue = self._queue_of(waiter.visit)
            queue[waiter] = None
            queue.move_to_end(waiter, last=False)
        elif wait < math.inf and not self._closed:
            gate.timer = loop.call_later(min(wait, _LONGEST_TIMER), self._look_again, gate, loop)

    def _look_again(self, gate: _Gate, loop: asyncio.AbstractEventLoop) -> None:
        self._call_back(gate, loop)
        self._admit(loop)

    def _gate_of(self, account: str | None) -> _Gate | None:
        if account is None or not (self._every_account or self._gates):
            return None
        gate = self._gates.get(account)
        return self._new_gate(account) if gate is None and self._every_account else gate

    def _new_gate(self, account: str) -> _Gate:
        if len(self._gates) >= self._most_gates:
            self._forget_gates(asyncio.get_running_loop().time())
        limits = self._account_limits
        gate = _Gate(None if limits.rate is None else TokenBucket(limits.rate), limits.concurrency)
        self._gates[account] = gate
        return gate

    def _forget_gates(self, now: float) -> None:
        """Drop the gates that hold nobody up: a job may go through a million accounts."""
        self._gates = {
            account: gate
            for account, gate in self._gates.items()
            if gate.visits or gate.paused_until > now or (gate.bucket is not None and not gate.bucket.is_full(now))
        }
        self._most_gates = max(_MOST_GATES, 2 * len(self._gates))


async def _ask_once(limiter: Limiter) -> LimiterError | None:
    """Wait for the limiter's grant; return what it raised instead."""
    task = asyncio.current_task()
    try:
        await limiter.acquire()
    except (Exception, asyncio.CancelledError) as cause:
        if isinstance(cause, asyncio.CancelledError) and task is not None and task.cancelling():
            raise
        error = LimiterError(f"The limiter given as rate_limit= raised {cause!r}.")
        error.__cause__ = cause
        return error
    return None
