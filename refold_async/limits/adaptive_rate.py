"""At what rate requests may leave where only refusals tell, and whom a refusal is about. Pure: time is passed in.

A refusal (HTTP 429) may come by chance, be about one account, mean that the server is closed for a while, or that
requests come too fast. Only the last is a reason to go slower for long, so the four have to be told apart:

- Refusals run up a debt that accepted requests pay off (a CUSUM test), so that a small share may be refused for ever.
  Only a debt of several refusals that lasts says that requests come too fast.
- While it lasted, the server had nothing in reserve: what it accepted meanwhile is its limit. The rate begins anew a
  little below the limit, grows back, and in the end passes it, to notice a limit that was raised.
- Where that makes refusals no rarer, they have nothing to do with the rate. Then their share is the usual one here, so
  that only what is refused beyond it runs up a debt, and the rate is what it was.
- Where nothing is accepted, the server is closed. One request at a time looks whether it is open again; then the rate
  is what it was, unless the server closes again before the debt is paid.
- What an account is refused although others are not, more often than chance allows, is its own affair, and tells
  nothing of a rate.
"""

import math
from enum import Enum
from typing import Final

from refold_async.limits.limit_estimate import LimitEstimate
from refold_async.limits.refusal_debt import RefusalDebt
from refold_async.limits.refusal_streaks import RefusalStreaks

__all__ = ["AdaptiveRate", "Concern"]

_CATCH_UP: Final = 0.02
"""Seconds of lateness that requests may catch up with: the loop wakes nobody on the dot."""
_USUAL_BESIDE_A_LIMIT: Final = 0.25
"""What share of refusals is usual at first where requests keep to a limit that was given."""

# Before a limit is known
_FIRST_WINDOW: Final = 10.0
_SMALLEST_WINDOW: Final = 3.0
_NARROWED_BY: Final = 2
"""How many requests of bulk work may be in flight: one more for each accepted, two less for each refused."""
_WINDOW_DOUBLES_AFTER: Final = 0.25
_WINDOW_DOUBLES_AFTER_REFUSAL: Final = 1.0
"""Seconds in which none left, after which twice as many may be in flight: calls that take long hold up no others."""

# When the server is closed
_RESPONSES_BETWEEN: Final = 400
"""How many responses come between two closures to one account that are its own affair."""
_BY_CHANCE: Final = 2
"""How many refusals in a row are nothing unusual. After each more all wait for a moment, longer and longer."""
_CLOSED_AFTER: Final = 6
_CLOSED_AFTER_A_BUNCH: Final = 25
"""How many refusals in a row mean that; more where they come within a moment."""
_MOMENT: Final = 0.03
_FIRST_LOOK: Final = 0.1
_LONGEST_LOOK: Final = 10.0
"""Seconds until somebody looks whether it is open again; each time half as long again, up to the longest."""
_LOOKS_GROW_BY: Final = 1.5
_LOOK_LOST_AFTER: Final = 1.0
"""Seconds, or two round trips, after which somebody else looks where a look has no response."""


class Concern(Enum):
    """Whom a refusal is about."""

    CALL = "nobody else, as far as can be told"
    ACCOUNT = "the linked account of the call: others are not refused, or nobody else asks"
    EVERYBODY = "all calls: they come too fast, or the server is closed"


class AdaptiveRate:
    """The rate that refusals teach: none, as long as they do not tell that there is a limit.

    Times are in seconds of one monotonic clock. All that is noted takes the same time, however much was noted before.
    """

    def __init__(self, most_in_flight: int, *, beside_a_limit: bool = False) -> None:
        """Begin without a rate.

        Args:
            most_in_flight: How many requests may be in flight in any case.
            beside_a_limit: Whether requests keep to a limit that was given: then bulk work need not begin with few in
                flight, and more refusals are put up with before that limit is thought to be too high.
        """
        self.at_rest = beside_a_limit
        """Whether nothing holds anybody back: then `wait` need not be asked, nor `take` be told."""
        self._most_in_flight = most_in_flight
        self._least_in_flight = most_in_flight if beside_a_limit else _SMALLEST_WINDOW
        self._window = float(most_in_flight) if beside_a_limit else min(_FIRST_WINDOW, most_in_flight)
        self._window_doubles_at = -math.inf

        self._debt = RefusalDebt(_USUAL_BESIDE_A_LIMIT if beside_a_limit else 0.0)
        self._estimate = LimitEstimate(self._debt)
        self._news_since = -math.inf  # what left before is no news
        self._next_at = -math.inf
        self._round_trip = 0.0

        self._in_a_row = 0  # refusals
        self._row_began_at = -math.inf
        self._row_account: str | None = None  # whose they all are
        self._look_after = 0.0  # seconds between looks; 0 while the server is open
        self._look_at = math.inf  # when the next look leaves; what left before is no news
        self._closed_at = -math.inf

        self._streaks = RefusalStreaks()
        self._set_apart_at = -math.inf  # how many responses there were when a row was an account's own affair

    @property
    def is_closed(self) -> bool:
        """Whether the server accepts nothing, as far as is known."""
        return self._look_after > 0

    def pause(self, now: float) -> float:
        """Return the seconds until somebody looks whether the server is open again; 0 if it is open."""
        return max(0.0, self._next_at - now) if self._look_after else 0.0

    def wait(self, now: float, in_flight: int, *, in_bulk: bool) -> float:
        """Return the seconds until one may leave.

        Args:
            now: The time.
            in_flight: How many were sent and have no response yet, and are not lost or cancelled.
            in_bulk: Whether it is of bulk work, which begins with few in flight.
        """
        wait = self._next_at - now
        if in_bulk and in_flight >= self._window:
            if now >= self._window_doubles_at:
                self._window = min(2 * self._window, self._most_in_flight)
                self._window_doubles_at = now + _WINDOW_DOUBLES_AFTER
            else:
                wait = max(wait, self._window_doubles_at - now)
        return max(0.0, wait)

    def take(self, now: float) -> None:
        """Note that one leaves."""
        if self._look_after:
            lost_after = max(_LOOK_LOST_AFTER, min(2 * self._round_trip, _LONGEST_LOOK))
            self._next_at = now + max(self._look_after, lost_after)
            return
        self._window_doubles_at = max(self._window_doubles_at, now + _WINDOW_DOUBLES_AFTER)
        rate = self._estimate.rate(now)
        if rate < math.inf:
            self._next_at = max(self._next_at, now - _CATCH_UP) + 1 / rate
        else:
            self._estimate.limit = math.inf

    def accepted(self, sent_at: float, account: str | None, now: float) -> bool:
        """Note a response that was no refusal.

        Args:
            sent_at: When its request left.
            account: The linked account it was for.
            now: The time.

        Returns:
            Whether others may leave now who could not before.
        """
        self._streaks.responses += 1
        if self._streaks.of_account and account is not None:
            self._streaks.of_account.pop(account, None)
        if self.at_rest:
            return False
        self._round_trip += (now - sent_at - self._round_trip) / (8 if self._round_trip else 1)
        goes_on = self._window < self._most_in_flight
        self._window = min(self._window + 1, self._most_in_flight)
        if self._in_a_row > _BY_CHANCE and not self._look_after:
            self._next_at = now
            goes_on = True
        self._in_a_row = 0
        opens = self._look_after > 0 and sent_at >= self._look_at
        debt, estimate = self._debt, self._estimate
        if opens:
            self._look_after = 0.0
            self._next_at = now
            debt.closed_for += now - self._closed_at
            estimate.count_anew(now)
        if sent_at > self._news_since:
            estimate.accepted += 1
            if debt.amount > 0:
                debt.pay(sent_at)
            if estimate.is_to_be_checked and estimate.check(sent_at, now):
                self._begin_anew(now)
        unlimited = estimate.limit == math.inf and self._window >= self._most_in_flight
        self.at_rest = unlimited and debt.amount == 0 and not self._look_after
        return opens or goes_on

    def refused(self, sent_at: float, account: str | None, now: float, retry_after: float = 0.0) -> Concern:
        """Note a refusal, and tell whom it is about.

        Args:
            sent_at: When its request left.
            account: The linked account it was for, or None if it was for none.
            now: The time.
            retry_after: For how many seconds the server asked to stay away. Everybody does if that is whom it is about.
        """
        self.at_rest = False
        if (known_too_late := self._streaks.refused(account)) is not None:
            self._leave_out(known_too_late)
            return Concern.ACCOUNT
        if self._estimate.limit == math.inf:
            self._window = max(self._least_in_flight, self._window - _NARROWED_BY)
            self._window_doubles_at = now + _WINDOW_DOUBLES_AFTER_REFUSAL
        if sent_at > self._news_since:
            concern = self._judge(sent_at, account, now)
        else:
            concern = Concern.EVERYBODY if sent_at <= self._estimate.changed_at else Concern.CALL
        if concern is Concern.EVERYBODY and retry_after > 0:
            self._close(now, retry_after)
        return concern

    def _judge(self, sent_at: float, account: str | None, now: float) -> Concern:
        self._debt.add(sent_at, closed=self.is_closed)
        if self._look_after:
            if sent_at >= self._look_at:
                self._look_after = min(_LOOKS_GROW_BY * self._look_after, _LONGEST_LOOK)
                self._look_at = self._next_at = now + self._look_after
            return Concern.EVERYBODY
        self._estimate.refused += 1
        self._lengthen_row(account, now)
        if not self._debt.is_alarming:
            return Concern.CALL
        bunched = now - self._row_began_at < _MOMENT
        if self._in_a_row >= (_CLOSED_AFTER_A_BUNCH if bunched else _CLOSED_AFTER):
            return self._note_closure(sent_at, now)
        if not self._debt.tells_a_limit(sent_at, now, self._round_trip):
            return Concern.CALL
        self._lower(sent_at, now)
        return Concern.EVERYBODY

    def _lengthen_row(self, account: str | None, now: float) -> None:
        """Count a refusal of a row, and have all wait for a moment if it is too long to be chance."""
        if self._in_a_row == 0:
            self._row_began_at, self._row_account = now, account
        elif account != self._row_account:
            self._row_account = None
        self._in_a_row += 1
        if self._in_a_row > _BY_CHANCE:
            pause = _FIRST_LOOK / 2 ** max(0, _CLOSED_AFTER - self._in_a_row)
            self._next_at = max(self._next_at, now + pause)

    def _note_closure(self, sent_at: float, now: float) -> Concern:
        """Nothing was accepted for a while: the server is closed, perhaps to one account alone if nobody else asked."""
        responses = self._streaks.responses
        if self._row_account is not None and responses >= self._set_apart_at + _RESPONSES_BETWEEN:
            self._set_apart_at = responses
            self._leave_out(self._streaks.set_apart(self._row_account))
            self._debt.amount = 0.0
            self._news_since = now
            self._estimate.count_anew(now)
            return Concern.ACCOUNT
        self._debt.closures += 1
        self._close(now, _FIRST_LOOK)
        if self._debt.closures > 1 and self._debt.accepted:
            self._lower(sent_at, now)
        return Concern.EVERYBODY

    def _close(self, now: float, pause: float) -> None:
        if not self._look_after:
            self._look_after = _FIRST_LOOK
            self._closed_at = now
            self._look_at = self._next_at = now + pause
        elif now + pause > self._next_at:
            self._look_at = self._next_at = now + pause

    def _lower(self, sent_at: float, now: float) -> None:
        """Lower the rate to what was accepted in debt."""
        self._estimate.lower(self._debt.lasts(sent_at, now, self._round_trip), now)
        self._begin_anew(now)

    def _begin_anew(self, now: float) -> None:
        """Judge a rate that was changed only by what leaves from now on."""
        self._news_since = now
        self._in_a_row = 0
        self._window = self._most_in_flight

    def _leave_out(self, refusals: int) -> None:
        """Take no account of refusals that turn out to be an account's own affair."""
        self._debt.leave_out(refusals)
        self._estimate.refused = max(0, self._estimate.refused - refusals)
        self._window = min(self._window + _NARROWED_BY * refusals, self._most_in_flight)
