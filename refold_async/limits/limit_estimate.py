"""Estimates the server's limit, how the rate returns to it, and whether keeping to it helps. Pure."""

import math
from enum import Enum
from typing import Final

from refold_async.limits.refusal_debt import RefusalDebt

__all__ = ["LimitEstimate"]

_SHORTEST_DEBT: Final = 0.02
"""The least number of seconds that a debt is assumed to have lasted."""
_OPEN_SHARE: Final = 0.7
"""A server that closes after a number of requests has no steady rate. The limit is at least this part of its rate while
it is open."""

# How the rate comes back
_DIP: Final = 0.05
"""How far below the limit the rate begins, as a part of the limit."""
_RECOVERY: Final = 4.0
_LONGEST_RECOVERY: Final = 40.0
_REQUESTS_IN_RECOVERY: Final = 160.0
"""Seconds after which the rate has reached the limit again; or requests, if those take longer but not too long."""
_LOWEST: Final = 0.1
"""The lowest limit, in requests per second."""
_FORGOTTEN: Final = 20.0
"""The multiple of the limit at which the limit is forgotten."""

# The effect of a change
_RESPONSES_TO_JUDGE: Final = 15
_CORRECTED_AFTER: Final = 1.5
"""Seconds until the limit is corrected if too many requests are still refused."""
_REFUSALS_TO_CORRECT: Final = 2
_SHARE_TO_CORRECT: Final = 0.02
_COMPARED_AFTER: Final = 0.8
"""The part of the recovery after which the share of refusals is compared with the share before the change."""
_REFUSALS_TO_COMPARE: Final = 5
_NO_RARER: Final = 0.5
_USELESS_CHANGES: Final = 3
_SHARE_AFTER_USELESS_CHANGES: Final = 0.09
"""How often in a row the rate is lowered while the share of refusals stays at least this high."""
_MOST_USUAL: Final = 0.5
"""The largest share of refusals that is treated as usual."""


class _Check(Enum):
    """What is still to be checked about the latest change."""

    WAS_IT_ENOUGH = 0
    DID_IT_HELP = 1
    NOTHING = 2


class LimitEstimate:
    """An estimate of a limit, based on what was accepted in debt. Times are in seconds of one monotonic clock.

    Attributes:
        limit: The limit, in requests per second; infinite while none is known.
        changed_at: When it was changed.
        accepted: How many requests were accepted since the count for the current check began.
        refused: How many were refused since then.
    """

    def __init__(self, debt: RefusalDebt) -> None:
        self._debt = debt
        self.limit = math.inf
        self.changed_at = -math.inf
        self.accepted = self.refused = 0
        self._recovery = _RECOVERY
        self._check = _Check.NOTHING
        self._counted_since = -math.inf
        self._rate_before = math.inf
        self._share_before = 0.0
        self._changes_unsettled = 0  # how often the rate was lowered without a known effect
        self._responses_unsettled = self._refusals_unsettled = 0

    @property
    def is_to_be_checked(self) -> bool:
        """Whether the effect of the latest change is not known yet."""
        return self._check is not _Check.NOTHING

    def rate(self, now: float) -> float:
        """Return the rate to keep to, per second. It begins a little below the limit, and finally exceeds it."""
        if self.limit == math.inf:
            return math.inf
        growth = 1 + _DIP * ((now - self.changed_at) / self._recovery - 1) ** 3
        return self.limit * growth if growth <= _FORGOTTEN else math.inf

    def lower(self, debt_lasts: float, now: float) -> None:
        """Lower the limit to what was accepted in debt, or give up if lowering it has not helped."""
        debt, rate = self._debt, self.rate(now)
        lasts = max(debt_lasts, _SHORTEST_DEBT)
        responses = debt.accepted + debt.refused
        if self._check is _Check.NOTHING:
            self._rate_before = min(rate, responses / lasts)
            self._share_before = debt.refused / responses
            self._changes_unsettled = self._responses_unsettled = self._refusals_unsettled = 0
        else:
            self._changes_unsettled += 1
            self._responses_unsettled += self.accepted + self.refused
            self._refusals_unsettled += self.refused
            share = self._refusals_unsettled / self._responses_unsettled
            if self._changes_unsettled >= _USELESS_CHANGES and share > _SHARE_AFTER_USELESS_CHANGES:
                self._put_up_with(share, self._rate_before, now)
                return
        limit = debt.accepted / lasts
        if debt.closed_for:
            open_for = max(lasts - debt.closed_for, _SHORTEST_DEBT)
            limit = max(limit, _OPEN_SHARE * min(rate, debt.accepted / open_for))
        self._change(limit, now)
        self._check = _Check.WAS_IT_ENOUGH

    def check(self, sent_at: float, now: float) -> bool:
        """Check the effect of the latest change, once there are enough responses; return whether the limit changed."""
        responses = self.accepted + self.refused
        elapsed = sent_at - self._counted_since
        if responses < _RESPONSES_TO_JUDGE or elapsed < _CORRECTED_AFTER:
            return False
        share = self.refused / responses
        if self._check is _Check.WAS_IT_ENOUGH:
            self._check = _Check.DID_IT_HELP
            if self.refused >= _REFUSALS_TO_CORRECT and share > self._debt.usual + _SHARE_TO_CORRECT:
                self._change(self.accepted / elapsed, now)
                return True
        elif elapsed >= _COMPARED_AFTER * self._recovery:
            self._check = _Check.NOTHING
            if self.refused >= _REFUSALS_TO_COMPARE and share >= _NO_RARER * self._share_before:
                self._put_up_with(share, min(self._rate_before, 2 * self.limit), now)
                return True
            self._debt.usual = (self._debt.usual + min(_MOST_USUAL, share)) / 2
        return False

    def count_anew(self, now: float) -> None:
        """Forget what was accepted and refused until now."""
        self._counted_since = now
        self.accepted = self.refused = 0

    def _put_up_with(self, share: float, limit: float, now: float) -> None:
        """Treat a share of refusals as usual, and return to a limit immediately."""
        self._debt.usual = min(_MOST_USUAL, share)
        self._change(limit, now)
        self.changed_at = now - self._recovery
        self._check = _Check.NOTHING

    def _change(self, limit: float, now: float) -> None:
        self.limit = max(limit, _LOWEST)
        self._recovery = min(max(_RECOVERY, _REQUESTS_IN_RECOVERY / self.limit), _LONGEST_RECOVERY)
        self.changed_at = now
        self._debt.amount = 0.0
        self.count_anew(now)
