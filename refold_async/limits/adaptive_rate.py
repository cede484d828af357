"""Finds the rate of requests from refusals alone, and decides what a refusal concerns. Pure: time is passed in.

A refusal (HTTP 429) can have four causes: it is random, it concerns one account, the server is closed for a while, or
requests come too fast. Only the last is a reason to slow down for long, so the four must be distinguished:

- Refusals build up a debt, which accepted requests pay off (a CUSUM test). A small share of refusals is tolerated
  forever. Only a debt of several refusals that lasts means that requests come too fast.
- During such a debt, the server had no reserve, so the rate that it accepted is its limit. The rate restarts a little
  below this limit, grows back, and finally exceeds it, to notice when the limit was raised.
- If the lower rate makes refusals no rarer, they do not depend on the rate. Their share is then treated as usual, only
  refusals beyond it build up a debt, and the rate goes back to what it was.
- If nothing is accepted, the server is closed. One request at a time checks whether it is open again. The rate is then
  what it was before, unless the server closes again before the debt is paid.
- If an account is refused while others are not, more often than chance allows, the refusals concern only this account,
  and show nothing about a rate.
"""

import math
from enum import Enum
from typing import Final

from refold_async.limits.limit_estimate import LimitEstimate
from refold_async.limits.refusal_debt import RefusalDebt
from refold_async.limits.refusal_streaks import RefusalStreaks

__all__ = ["AdaptiveRate", "Concern"]

_CATCH_UP: Final = 0.02
"""Seconds of delay that requests may catch up on, because the event loop wakes tasks a little late."""
_USUAL_BESIDE_A_LIMIT: Final = 0.25
"""The usual share of refusals at the start, if requests keep to a limit that the user set."""

# Before a limit is known
_FIRST_WINDOW: Final = 10.0
_SMALLEST_WINDOW: Final = 3.0
_NARROWED_BY: Final = 2
"""How many bulk requests may be in flight: one more after each accepted request, two fewer after each refused one."""
_WINDOW_DOUBLES_AFTER: Final = 0.25
_WINDOW_DOUBLES_AFTER_REFUSAL: Final = 1.0
"""Seconds without a new request after which twice as many may be in flight, so that slow calls do not block others."""

# When the server is closed
_RESPONSES_BETWEEN: Final = 400
"""How many responses must come between two closures that concern only one account."""
_BY_CHANCE: Final = 2
"""How many refusals in a row are nothing unusual. After each further one, all wait for a moment, longer each time."""
_CLOSED_AFTER: Final = 6
_CLOSED_AFTER_A_BUNCH: Final = 25
"""How many refusals in a row mean that the server is closed. More are needed if they come within a moment."""
_MOMENT: Final = 0.03
_FIRST_LOOK: Final = 0.1
_LONGEST_LOOK: Final = 10.0
"""Seconds until the next check whether it is open again. Each wait is half as long again as the last, up to the
longest."""
_LOOKS_GROW_BY: Final = 1.5
_LOOK_LOST_AFTER: Final = 1.0
"""Seconds, or two round trips, after which another request checks if the check before it has no response."""


class Concern(Enum):
    """What a refusal concerns."""

    CALL = "only this call, as far as is known"
    ACCOUNT = "the linked account of the call: others are not refused, or no other account sends requests"
    EVERYBODY = "all calls: they come too fast, or the server is closed"


class AdaptiveRate:
    """The rate that refusals show. There is none as long as they show no limit.

    Times are in seconds of one monotonic clock. Every note takes the same time, however many there were before.
    """

    def __init__(self, most_in_flight: int, *, beside_a_limit: bool = False) -> None:
        """Start without a rate.

        Args:
            most_in_flight: How many requests may be in flight at most.
            beside_a_limit: Whether requests keep to a limit that the user set. Bulk work then need not begin with few
                requests in flight, and more refusals are tolerated before that limit is thought to be too high.
        """
        self.at_rest = beside_a_limit
        """Whether nothing makes anybody wait. `wait` and `take` then need not be called."""
        self._most_in_flight = most_in_flight
        self._least_in_flight = most_in_flight if beside_a_limit else _SMALLEST_WINDOW
        self._window = float(most_in_flight) if beside_a_limit else min(_FIRST_WINDOW, most_in_flight)
        self._window_doubles_at = -math.inf

        self._debt = RefusalDebt(_USUAL_BESIDE_A_LIMIT if beside_a_limit else 0.0)
        self._estimate = LimitEstimate(self._debt)
        self._news_since = -math.inf  # requests that were sent before this show nothing new
        self._next_at = -math.inf
        self._round_trip = 0.0

        self._in_a_row = 0  # refusals
        self._row_began_at = -math.inf
        self._row_account: str | None = None  # the account of all of them
        self._look_after = 0.0  # seconds between checks; 0 while the server is open
        self._look_at = math.inf  # when the next check is sent; requests sent before it show nothing new
        self._closed_at = -math.inf

        self._streaks = RefusalStreaks()
        self._set_apart_at = -math.inf  # how many responses there were when a row last concerned only one account

    @property
    def is_closed(self) -> bool:
        """Whether the server accepts nothing, as far as is known."""
        return self._look_after > 0

    def pause(self, now: float) -> float:
        """Return the seconds until the next check whether the server is open again; 0 if it is open."""
        return max(0.0, self._next_at - now) if self._look_after else 0.0

    def wait(self, now: float, in_flight: int, *, in_bulk: bool) -> float:
        """Return the seconds until a request may be sent.

        Args:
            now: The time.
            in_flight: How many requests were sent and have no response yet, except lost and cancelled ones.
            in_bulk: Whether it is bulk work, which begins with few requests in flight.
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
        """Note that a request is sent."""
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
        """Note a response that is not a refusal.

        Args:
            sent_at: When its request was sent.
            account: The linked account of the request.
            now: The time.

        Returns:
            Whether requests may be sent now that could not be sent before.
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
        """Note a refusal, and return what it concerns.

        Args:
            sent_at: When its request was sent.
            account: The linked account of the request, or None if it had none.
            now: The time.
            retry_after: How many seconds the server asked to wait. All calls wait if the refusal concerns all.
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
        """Count a refusal of a row. If the row is too long to be chance, let all wait for a moment."""
        if self._in_a_row == 0:
            self._row_began_at, self._row_account = now, account
        elif account != self._row_account:
            self._row_account = None
        self._in_a_row += 1
        if self._in_a_row > _BY_CHANCE:
            pause = _FIRST_LOOK / 2 ** max(0, _CLOSED_AFTER - self._in_a_row)
            self._next_at = max(self._next_at, now + pause)

    def _note_closure(self, sent_at: float, now: float) -> Concern:
        """Note that nothing was accepted for a while: the server is closed, at least to the only account that sends."""
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
        """Judge a changed rate only by requests that are sent from now on."""
        self._news_since = now
        self._in_a_row = 0
        self._window = self._most_in_flight

    def _leave_out(self, refusals: int) -> None:
        """Ignore refusals that turn out to concern only one account."""
        self._debt.leave_out(refusals)
        self._estimate.refused = max(0, self._estimate.refused - refusals)
        self._window = min(self._window + _NARROWED_BY * refusals, self._most_in_flight)
