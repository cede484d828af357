"""Permits, one for each attempt, and what waits for them."""

import asyncio
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from refold_async.limits.fair_queue import Priority

if TYPE_CHECKING:
    from refold_async.limits.account_limits import AccountLimit
    from refold_async.limits.pauses import Pause
    from refold_async.limits.slot_interfaces import SlotHolder

__all__ = ["KeptWaitingError", "Patience", "Permit", "Turns", "Waiter"]

_PRECISION: Final = 0.05
_PRECISION_WITHOUT_REFUSALS: Final = 1.0
"""The least number of seconds between two checks whether refusals have kept something waiting for too long."""


class KeptWaitingError(Exception):
    """Refusals of its account have kept an item waiting for as long as its fan-out allows."""


class Permit:
    """What one attempt needs before it may be sent.

    Attributes:
        account: The key of its linked account, or None if the attempt is for the organisation.
        priority: The priority of the attempt.
        holder: The holder of a slot while it waits, or None.
        sent_at: When it was granted, by the loop's clock.
        limit: The limit of its account, if there is one.
        refused: Whether it is for the retry of a request that was refused.
    """

    __slots__ = ("account", "holder", "limit", "priority", "refused", "sent_at")

    def __init__(
        self,
        account: str | None,
        priority: Priority = "interactive",
        holder: "SlotHolder | None" = None,
        sent_at: float = 0.0,
    ) -> None:
        self.account = account
        self.priority: Priority = priority
        self.holder = holder
        self.sent_at = sent_at
        self.limit: AccountLimit | None = None
        self.refused = False

    def wait(self, limit: "AccountLimit", now: float) -> float:
        """Return the seconds until the limit of its account allows it; infinite while others must go first."""
        expected = limit.turns_kept > 0 and self._is_expected(limit)
        return limit.wait(now, smoothed=self.priority == "bulk", expected=expected)

    def _is_expected(self, limit: "AccountLimit") -> bool:
        """Return whether it belongs to an item for which its account reserves a turn."""
        approached = None if self.holder is None else self.holder.approaching
        return approached is not None and approached.limit is limit


class Turns(Protocol):
    """Lets permits and lanes that wait for their accounts continue."""

    @property
    def closed(self) -> bool:
        """Whether waiting makes no sense any more, because the client is closed."""
        ...

    def resume(self, waiter: "Waiter", now: float) -> bool:
        """Let a permit continue, because its account may send now. Return whether it does, or whether others can."""
        ...

    def look_again(self, limit: "AccountLimit", loop: asyncio.AbstractEventLoop) -> None:
        """Let everything continue that may by now."""
        ...


class Patience:
    """Checks now and then whether refusals have kept something waiting for as long as they may."""

    __slots__ = ("_give_up", "_left", "_loop", "_pause", "_timer")

    def __init__(
        self,
        pause: "Pause",
        left: Callable[[float], float],
        give_up: Callable[[float], object],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Prepare the checks, and do none yet.

        Args:
            pause: The pauses of the account that is waited for.
            left: Returns the seconds, at a given time, that refusals may still keep it waiting; infinite if it no
                longer waits.
            give_up: Ends the wait, if it can at that time.
            loop: The running event loop.
        """
        self._pause = pause
        self._left = left
        self._give_up = give_up
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    def look(self) -> None:
        """Give up if it has waited long enough, and schedule the next check."""
        now = self._loop.time()
        left = self._left(now)
        if left <= 0 and self._pause.lasts:
            self._give_up(now)
        if self._timer is None and left < math.inf:
            soonest = _PRECISION if self._pause.lasts else _PRECISION_WITHOUT_REFUSALS
            self._timer = self._loop.call_at(now + max(left, soonest), self._look_in_time)

    def look_later(self, now: float) -> None:
        """Schedule the first check for when it may have waited long enough."""
        self._timer = self._loop.call_at(now + self._left(now), self._look_in_time)

    def _look_in_time(self) -> None:
        self._timer = None
        self.look()

    def cancel(self) -> None:
        """Stop the checks."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Waiter:
    """A permit that somebody waits for."""

    __slots__ = ("_patience", "_pauses_before", "granted", "permit", "turns", "was_parked")

    def __init__(self, permit: Permit, granted: "asyncio.Future[None]", turns: Turns) -> None:
        self.permit = permit
        self.granted = granted
        self.turns = turns
        self.was_parked = False
        """Whether it has let others go first before."""
        self._pauses_before = 0.0  # for how many seconds its account had been refused when it was parked
        self._patience: Patience | None = None

    @property
    def priority(self) -> Priority:
        """The priority of the permit."""
        return self.permit.priority

    def resume(self, now: float) -> bool:
        """Continue, because the account may send now. Return whether it does, or whether others can."""
        return self.turns.resume(self, now)

    def note_parked(self, limit: "AccountLimit", now: float) -> None:
        """Note that it waits for its account, for an item only as long as refusals may keep that waiting."""
        holder = self.permit.holder
        if holder is None:
            return
        holder.park()
        holder.parked_for = limit.pause
        self._pauses_before = limit.pause.lasted(now)
        if holder.refusal_wait_left < math.inf and not self.permit.refused:
            loop = self.granted.get_loop()
            self._patience = Patience(limit.pause, self._refusal_wait_left, self._give_up, loop)
            self._patience.look_later(now)

    def note_resumed(self, limit: "AccountLimit", now: float) -> None:
        """Note that it no longer waits for its account, and count how long refusals kept it waiting."""
        holder = self.permit.holder
        if holder is None:
            return
        holder.parked_for = None
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
            holder.note_refusal_wait(limit.pause.lasted(now) - self._pauses_before, now)

    def _refusal_wait_left(self, now: float) -> float:
        holder, limit = self.permit.holder, self.permit.limit
        if holder is None or limit is None or self.granted.done():
            return math.inf
        return holder.refusal_wait_left - (limit.pause.lasted(now) - self._pauses_before)

    def _give_up(self, now: float) -> None:
        self.granted.set_exception(KeptWaitingError())
