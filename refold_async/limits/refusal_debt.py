"""Whether refusals are too many to be chance: they build up a debt, which accepted requests pay off. Pure."""

import math
from typing import Final

__all__ = ["RefusalDebt"]

_TOLERANCE: Final = 0.06
"""The share of refusals, beyond the usual one, that builds up no debt."""
_ALARMING: Final = 5.0
_MORE_PER_ACCEPTED: Final = 0.02
_MOST_MORE: Final = 4.0
"""The debt that means that requests come too fast. It is higher if more was accepted in the meantime, because chance
had more time to build up a debt."""
_LASTS: Final = 0.25
_LASTS_WITH_FEW_ACCEPTED: Final = 1.0
"""Seconds, and at least a round trip, that a debt must last before the requests accepted during it show a limit."""
_MANY_ACCEPTED: Final = 6
_FEW_ACCEPTED: Final = 3
_LONGEST_ROUND_TRIP: Final = 2.0
_EXPIRES: Final = 60.0
"""Seconds after which old refusals have nothing to do with new ones."""


class RefusalDebt:
    """A CUSUM test of the share of requests that are refused. Times are in seconds of one monotonic clock.

    Attributes:
        usual: The share of refusals that does not depend on the rate.
        amount: The debt; 0 if there is none.
        accepted: How many requests were accepted in debt.
        refused: How many requests were refused in debt.
        closed_for: For how many seconds of the debt the server was closed.
        closures: How often the server closed during the debt.
    """

    def __init__(self, usual: float) -> None:
        self.usual = usual
        self.amount = 0.0
        self.accepted = self.refused = 0
        self.closed_for = 0.0
        self.closures = 0
        self._since = -math.inf  # when the first refused request was sent
        self._accepted_until = -math.inf  # when the last request accepted in debt was sent

    @property
    def is_alarming(self) -> bool:
        """Whether refusals are too many to be chance, if they concern all calls."""
        return self.amount >= _ALARMING

    def add(self, sent_at: float, *, closed: bool) -> None:
        """Add a refusal, or begin a debt with it.

        Args:
            sent_at: When its request was sent.
            closed: Whether the server is closed. No debt expires during that time.
        """
        if self.amount == 0 or (not closed and sent_at - self._since > _EXPIRES + self.closed_for):
            self.amount = self.closed_for = 0.0
            self.accepted = self.refused = self.closures = 0
            self._since = self._accepted_until = sent_at
        self.amount += 1 - self._tolerated
        self.refused += 1

    def pay(self, sent_at: float) -> None:
        """Pay part of the debt with a request that was accepted."""
        if sent_at > self._since:
            self.accepted += 1
            self._accepted_until = max(self._accepted_until, sent_at)
        self.amount = max(0.0, self.amount - self._tolerated)

    def leave_out(self, refusals: int) -> None:
        """Subtract refusals that concern only one account."""
        self.amount = max(0.0, self.amount - refusals * (1 - self._tolerated))
        self.refused = max(0, self.refused - refusals)

    def lasts(self, sent_at: float, now: float, round_trip: float) -> float:
        """Return for how long it is known what was accepted in debt. A request may take longer than a refusal."""
        return min(sent_at, max(self._accepted_until, now - round_trip)) - self._since

    def tells_a_limit(self, sent_at: float, now: float, round_trip: float) -> bool:
        """Return whether requests come too fast, and enough were accepted in debt to show which rate is possible."""
        enough = _LASTS if self.accepted >= _MANY_ACCEPTED else _LASTS_WITH_FEW_ACCEPTED
        enough = max(enough, min(round_trip, _LONGEST_ROUND_TRIP)) + self.closed_for
        if self.accepted < _FEW_ACCEPTED or self.lasts(sent_at, now, round_trip) < enough:
            return False
        return self.amount >= _ALARMING + min(_MORE_PER_ACCEPTED * self.accepted, _MOST_MORE)

    @property
    def _tolerated(self) -> float:
        """The share of refusals that builds up no debt."""
        return _TOLERANCE + self.usual
