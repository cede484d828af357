"""Whether refusals are too many to be chance: a debt that they run up, and accepted requests pay off. Pure."""

import math
from typing import Final

__all__ = ["RefusalDebt"]

_TOLERANCE: Final = 0.06
"""The share of refusals, beyond the usual one, that runs up no debt."""
_ALARMING: Final = 5.0
_MORE_PER_ACCEPTED: Final = 0.02
_MOST_MORE: Final = 4.0
"""The debt that says that requests come too fast; more the more was accepted meanwhile, which chance has had more time
to run up."""
_LASTS: Final = 0.25
_LASTS_WITH_FEW_ACCEPTED: Final = 1.0
"""Seconds for which a debt must last, and a round trip at least, for what was accepted meanwhile to tell a limit."""
_MANY_ACCEPTED: Final = 6
_FEW_ACCEPTED: Final = 3
_LONGEST_ROUND_TRIP: Final = 2.0
_EXPIRES: Final = 60.0
"""Seconds after which what was refused has nothing to do with what is."""


class RefusalDebt:
    """A CUSUM test of the share of requests that are refused. Times are in seconds of one monotonic clock.

    Attributes:
        usual: The share of refusals that has nothing to do with the rate.
        amount: The debt; 0 if there is none.
        accepted: How many requests were accepted in debt.
        refused: How many were refused.
        closed_for: For how many seconds of it the server was closed.
        closures: How often the server closed in it.
    """

    def __init__(self, usual: float) -> None:
        self.usual = usual
        self.amount = 0.0
        self.accepted = self.refused = 0
        self.closed_for = 0.0
        self.closures = 0
        self._since = -math.inf  # when the first request left that was refused
        self._accepted_until = -math.inf  # when the last of those accepted in debt left

    @property
    def is_alarming(self) -> bool:
        """Whether refusals are too many to be chance, if they are about everybody."""
        return self.amount >= _ALARMING

    def add(self, sent_at: float, *, closed: bool) -> None:
        """Add a refusal, or begin a debt with it.

        Args:
            sent_at: When its request left.
            closed: Whether the server is closed: then no debt expires.
        """
        if self.amount == 0 or (not closed and sent_at - self._since > _EXPIRES + self.closed_for):
            self.amount = self.closed_for = 0.0
            self.accepted = self.refused = self.closures = 0
            self._since = self._accepted_until = sent_at
        self.amount += 1 - self._tolerated
        self.refused += 1

    def pay(self, sent_at: float) -> None:
        """Pay part of it off with a request that was accepted."""
        if sent_at > self._since:
            self.accepted += 1
            self._accepted_until = max(self._accepted_until, sent_at)
        self.amount = max(0.0, self.amount - self._tolerated)

    def leave_out(self, refusals: int) -> None:
        """Take refusals off that are an account's own affair."""
        self.amount = max(0.0, self.amount - refusals * (1 - self._tolerated))
        self.refused = max(0, self.refused - refusals)

    def lasts(self, sent_at: float, now: float, round_trip: float) -> float:
        """Return for how long it is known what was accepted in debt: that may take longer than a refusal."""
        return min(sent_at, max(self._accepted_until, now - round_trip)) - self._since

    def tells_a_limit(self, sent_at: float, now: float, round_trip: float) -> bool:
        """Tell whether requests come too fast, and enough of them were accepted in debt to say how fast they may."""
        enough = _LASTS if self.accepted >= _MANY_ACCEPTED else _LASTS_WITH_FEW_ACCEPTED
        enough = max(enough, min(round_trip, _LONGEST_ROUND_TRIP)) + self.closed_for
        if self.accepted < _FEW_ACCEPTED or self.lasts(sent_at, now, round_trip) < enough:
            return False
        return self.amount >= _ALARMING + min(_MORE_PER_ACCEPTED * self.accepted, _MOST_MORE)

    @property
    def _tolerated(self) -> float:
        """The share of refusals that runs up no debt."""
        return _TOLERANCE + self.usual
