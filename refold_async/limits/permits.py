"""Permits, each for one attempt, and what waits for one."""

import asyncio
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

import attrs

from refold_async.limits.fair_queue import Priority

if TYPE_CHECKING:
    from refold_async.limits.account_limits import AccountLimit
    from refold_async.limits.pauses import Pause
    from refold_async.limits.slot_interfaces import SlotHolder

__all__ = ["KeptWaitingError", "Patience", "Permit", "Turns", "Waiter"]

_PRECISION: Final = 0.05
_PRECISION_WITHOUT_REFUSALS: Final = 1.0
"""Seconds after which it is looked again, at least, whether refusals have kept anything waiting for too long."""


class KeptWaitingError(Exception):
    """Refusals of its account have kept an item waiting for as long as its fan-out allows."""


@attrs.define(eq=False, repr=False)
class Permit:
    """What one attempt needs before it may leave."""

    account: str | None
    """What its linked account is known by, or None if it is for the organisation."""
    priority: Priority = "interactive"
    """Before or behind whom it goes."""
    holder: "SlotHolder | None" = None
    """What holds a slot while it waits, or None."""
    sent_at: float = 0.0
    """When it was granted, by the loop's clock."""
    limit: "AccountLimit | None" = None
    """The limit of its account, if there is any."""
    refused: bool = False
    """Whether it is for another try of a request that was refused."""

    def wait(self, limit: "AccountLimit", now: float) -> float:
        """Return the seconds until the limit of its account lets it go; infinite while others must go first."""
        expected = limit.turns_kept > 0 and self._is_expected(limit)
        return limit.wait(now, smoothed=self.priority == "bulk", expected=expected)

    def _is_expected(self, limit: "AccountLimit") -> bool:
        """Tell whether it is of an item that its account keeps a turn for."""
        approached = None if self.holder is None else self.holder.approaching
        return approached is not None and approached.limit is limit


class Turns(Protocol):
    """What has those go on who wait for their accounts."""

    @property
    def closed(self) -> bool:
        """Whether nothing is worth waiting for any more."""
        ...

    def resume(self, waiter: "Waiter", now: float) -> bool:
        """Have a permit go on, now that its account may; return whether it did, or others may."""
        ...

    def look_again(self, limit: "AccountLimit", loop: asyncio.AbstractEventLoop) -> None:
        """Have whoever may go on by now."""
        ...


class Patience:
    """Looks now and then whether refusals have kept something waiting for as long as they may."""

    __slots__ = ("_give_up", "_left", "_loop", "_pause", "_timer")

    def __init__(
        self,
        pause: "Pause",
        left: Callable[[float], float],
        give_up: Callable[[float], object],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Look at nothing yet.

        Args:
            pause: The pauses of the account that is waited for.
            left: Returns for how many seconds refusals may still keep it waiting, at a time; infinite if it waits no
                longer.
            give_up: Ends its wait, if it can by then.
            loop: The running event loop.
        """
        self._pause = pause
        self._left = left
        self._give_up = give_up
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    def look(self) -> None:
        """Give up if it has been long enough, and look again in time."""
        now = self._loop.time()
        left = self._left(now)
        if left <= 0 and self._pause.lasts:
            self._give_up(now)
        if self._timer is None and left < math.inf:
            soonest = _PRECISION if self._pause.lasts else _PRECISION_WITHOUT_REFUSALS
            self._timer = self._loop.call_at(now + max(left, soonest), self._look_in_time)

    def look_later(self, now: float) -> None:
        """Look for the first time as soon as it may have been long enough."""
        self._timer = self._loop.call_at(now + self._left(now), self._look_in_time)

    def _look_in_time(self) -> None:
        self._timer = None
        self.look()

    def cancel(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


@attrs.define(eq=False, repr=False)
class Waiter:
    """A permit that is waited for."""

    permit: Permit
    granted: asyncio.Future[None]
    turns: Turns
    was_parked: bool = False
    """Whether it has given others precedence before."""
    _pauses_before: float = 0.0  # for how many seconds its account had been refused when it was parked
    _patience: Patience | None = None

    @property
    def priority(self) -> Priority:
        """Before or behind whom it goes."""
        return self.permit.priority

    def resume(self, now: float) -> bool:
        """Go on, now that its account may; return whether it did, or others may."""
        return self.turns.resume(self, now)

    def note_parked(self, limit: "AccountLimit", now: float) -> None:
        """Note that it waits for its account, an item's no longer than refusals may keep that waiting."""
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
        """Count for how long refusals kept it waiting, if it waited for its account; it does no longer."""
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
