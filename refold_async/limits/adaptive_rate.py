"""At what rate requests may leave where only refusals tell, and whom a refusal is about. Pure: time is passed in.

A refusal (HTTP 429) may come by chance, be about one account, mean that the server is closed for a while, or that
requests come too fast. Only the last is a reason to go slower for long, so the four have to be told apart:

- Refusals run up a debt that answers pay off (a CUSUM test), so that a small share may be refused for ever. Only a debt
  of several refusals that lasts says that requests come too fast.
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

from refold_async.limits.refusal_streaks import RefusalStreaks

__all__ = ["AdaptiveRate", "Concern"]

_CATCH_UP: Final = 0.02
"""Seconds of lateness that requests may catch up with: the loop wakes nobody on the dot."""

# Before a limit is known
_FIRST_WINDOW: Final = 10.0
_SMALLEST_WINDOW: Final = 3.0
_NARROWED_BY: Final = 2
"""How many requests of jobs may be in flight: one more for each answer, two less for each refusal."""
_WINDOW_DOUBLES_AFTER: Final = 0.25
_WINDOW_DOUBLES_AFTER_REFUSAL: Final = 1.0
"""Seconds in which none left, after which twice as many may be in flight: calls that take long hold up no others."""

# When requests come too fast
_TOLERANCE: Final = 0.06
"""The share of refusals, beyond the usual one, that runs up no debt."""
_USUAL_BESIDE_A_LIMIT: Final = 0.25
"""What is usual at first where requests keep to a limit that was given."""
_ALARMING_DEBT: Final = 5.0
_MORE_PER_ANSWER: Final = 0.02
_MOST_MORE: Final = 4.0
"""The debt that says that requests come too fast; more the more was accepted meanwhile, which chance has had more time
to run up."""
_DEBT_LASTS: Final = 0.25
_DEBT_LASTS_WITH_FEW_ANSWERS: Final = 1.0
"""Seconds for which a debt must last, and a round trip at least, for what was accepted meanwhile to tell a limit."""
_LONGEST_ROUND_TRIP: Final = 2.0
_DEBT_EXPIRES: Final = 60.0
"""Seconds after which what was refused has nothing to do with what is."""
_MANY_ANSWERS: Final = 6
_FEW_ANSWERS: Final = 3
_OPEN_SHARE: Final = 0.7
"""A server that closes after so many requests has no steady rate. The limit is at least this part of its rate while
it is open."""

# How the rate comes back
_DIP: Final = 0.05
"""How far below the limit it begins, in parts of the limit."""
_RECOVERY: Final = 4.0
_LONGEST_RECOVERY: Final = 40.0
_REQUESTS_IN_RECOVERY: Final = 160.0
"""Seconds, or requests if that takes longer but not too long, after which it has reached the limit."""
_LOWEST: Final = 0.1
"""The lowest limit, a second."""
_FORGOTTEN: Final = 20.0
"""How many times the limit the rate is when the limit is forgotten."""

# What came of a change
_ANSWERS_TO_JUDGE: Final = 15
_CORRECTED_AFTER: Final = 1.5
"""Seconds until the limit is corrected where too many are still refused."""
_REFUSALS_TO_CORRECT: Final = 2
_SHARE_TO_CORRECT: Final = 0.02
_COMPARED_AFTER: Final = 0.8
"""The part of the recovery after which the share of refusals is compared with that before the change."""
_REFUSALS_TO_COMPARE: Final = 5
_NO_RARER: Final = 0.5
_CHANGES_IN_VAIN: Final = 3
_SHARE_IN_VAIN: Final = 0.09
"""How often in a row the rate is lowered although at least this share is refused all along."""
_MOST_USUAL: Final = 0.5
"""The greatest share of refusals that counts as usual."""

# When the server is closed
_ANSWERS_BETWEEN: Final = 400
"""How many answers come between two closures to one account that are its own affair."""
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
"""Seconds, or two round trips, after which somebody else looks where a look has no answer."""


class Concern(Enum):
    """Whom a refusal is about."""

    CALL = "nobody else, as far as can be told"
    ACCOUNT = "the linked account of the call: others are not refused, or nobody else asks"
    EVERYBODY = "all calls: they come too fast, or the server is closed"


class _Check(Enum):
    """What the latest change of the rate is yet to be asked."""

    WAS_IT_ENOUGH = 0
    DID_IT_HELP = 1
    NOTHING = 2


class AdaptiveRate:
    """The rate that refusals teach: none, as long as they do not tell that there is a limit.

    Times are in seconds of one monotonic clock. All that is noted takes the same time, however much was noted before.
    """

    def __init__(self, most_in_flight: int, *, beside_a_limit: bool = False) -> None:
        """Begin without a rate.

        Args:
            most_in_flight: How many requests may be in flight in any case.
            beside_a_limit: Whether requests keep to a limit that was given: then jobs need not begin with few in
                flight, and more refusals are put up with before that limit is thought to be too high.
        """
        self.at_rest = beside_a_limit
        """Whether nothing holds anybody back: then `wait` need not be asked, nor `take` be told."""
        self._most_in_flight = most_in_flight
        self._least_in_flight = most_in_flight if beside_a_limit else _SMALLEST_WINDOW
        self._window = float(most_in_flight) if beside_a_limit else min(_FIRST_WINDOW, most_in_flight)
        self._window_doubles_at = -math.inf

        self._limit = math.inf
        self._recovery = _RECOVERY
        self._changed_at = -math.inf
        self._news_since = -math.inf  # what left before is no news
        self._next_at = -math.inf
        self._round_trip = 0.0
        # The share of refusals that has nothing to do with the rate.
        self._usual = _USUAL_BESIDE_A_LIMIT if beside_a_limit else 0.0

        self._debt = 0.0
        self._debt_since = -math.inf  # when the first request left that was refused
        self._debt_closed_for = 0.0  # seconds of it in which the server was closed
        self._accepted_in_debt = self._refused_in_debt = 0
        self._accepted_until = -math.inf  # when the last of those accepted in debt left

        self._in_a_row = 0  # refusals
        self._row_began_at = -math.inf
        self._row_account: str | None = None  # whose they all are
        self._look_after = 0.0  # seconds between looks; 0 while the server is open
        self._look_at = math.inf  # when the next look leaves; what left before is no news
        self._closed_at = -math.inf
        self._closures = 0  # in this debt

        self._check = _Check.NOTHING
        self._counted_since = -math.inf
        self._accepted_since = self._refused_since = 0
        self._rate_before = math.inf
        self._share_before = 0.0
        self._changes_unsettled = 0  # how often the rate was lowered and it is not known what came of it
        self._answers_unsettled = self._refusals_unsettled = 0

        self._streaks = RefusalStreaks()
        self._set_apart_at = -math.inf  # how many answers there were when a row of refusals was an account's own affair

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
            in_flight: How many were sent and are not answered, lost or cancelled.
            in_bulk: Whether it is a job's, which begins with few in flight.
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
            unanswered = max(_LOOK_LOST_AFTER, min(2 * self._round_trip, _LONGEST_LOOK))
            self._next_at = now + max(self._look_after, unanswered)
            return
        self._window_doubles_at = max(self._window_doubles_at, now + _WINDOW_DOUBLES_AFTER)
        rate = self._rate(now)
        if rate < math.inf:
            self._next_at = max(self._next_at, now - _CATCH_UP) + 1 / rate
        else:
            self._limit = math.inf

    def accepted(self, sent_at: float, account: str | None, now: float) -> bool:
        """Note an answer that was no refusal.

        Args:
            sent_at: When its request left.
            account: The linked account it was for.
            now: The time.

        Returns:
            Whether others may leave now who could not before.
        """
        self._streaks.answers += 1
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
        if opens:
            self._look_after = 0.0
            self._next_at = now
            self._debt_closed_for += now - self._closed_at
            self._count_anew(now)
        if sent_at > self._news_since:
            self._accepted_since += 1
            if self._debt > 0:
                self._pay(sent_at)
            if self._check is not _Check.NOTHING:
                self._check_change(sent_at, now)
        unlimited = self._limit == math.inf and self._window >= self._most_in_flight
        self.at_rest = unlimited and self._debt == 0 and not self._look_after
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
        if self._limit == math.inf:
            self._window = max(self._least_in_flight, self._window - _NARROWED_BY)
            self._window_doubles_at = now + _WINDOW_DOUBLES_AFTER_REFUSAL
        if sent_at > self._news_since:
            concern = self._judge(sent_at, account, now)
        else:
            concern = Concern.EVERYBODY if sent_at <= self._changed_at else Concern.CALL
        if concern is Concern.EVERYBODY and retry_after > 0:
            self._close(now, retry_after)
        return concern

    @property
    def _tolerated(self) -> float:
        """The share of refusals that runs up no debt."""
        return _TOLERANCE + self._usual

    def _judge(self, sent_at: float, account: str | None, now: float) -> Concern:
        expired = sent_at - self._debt_since > _DEBT_EXPIRES + self._debt_closed_for and not self._look_after
        if self._debt == 0 or expired:
            self._debt, self._closures = 0.0, 0
            self._debt_since = self._accepted_until = sent_at
            self._debt_closed_for = 0.0
            self._accepted_in_debt = self._refused_in_debt = 0
        self._debt += 1 - self._tolerated
        self._refused_in_debt += 1
        if self._look_after:
            if sent_at >= self._look_at:
                self._look_after = min(_LOOKS_GROW_BY * self._look_after, _LONGEST_LOOK)
                self._look_at = self._next_at = now + self._look_after
            return Concern.EVERYBODY
        self._refused_since += 1
        if self._in_a_row == 0:
            self._row_began_at, self._row_account = now, account
        elif account != self._row_account:
            self._row_account = None
        self._in_a_row += 1
        if self._in_a_row > _BY_CHANCE:
            pause = _FIRST_LOOK / 2 ** max(0, _CLOSED_AFTER - self._in_a_row)
            self._next_at = max(self._next_at, now + pause)
        if self._debt < _ALARMING_DEBT:
            return Concern.CALL
        bunched = now - self._row_began_at < _MOMENT
        if self._in_a_row >= (_CLOSED_AFTER_A_BUNCH if bunched else _CLOSED_AFTER):
            return self._note_closure(sent_at, now)
        enough = _DEBT_LASTS if self._accepted_in_debt >= _MANY_ANSWERS else _DEBT_LASTS_WITH_FEW_ANSWERS
        enough = max(enough, min(self._round_trip, _LONGEST_ROUND_TRIP)) + self._debt_closed_for
        if self._accepted_in_debt < _FEW_ANSWERS or self._debt_lasts(sent_at, now) < enough:
            return Concern.CALL
        if self._debt < _ALARMING_DEBT + min(_MORE_PER_ANSWER * self._accepted_in_debt, _MOST_MORE):
            return Concern.CALL
        self._lower(sent_at, now)
        return Concern.EVERYBODY

    def _pay(self, sent_at: float) -> None:
        if sent_at > self._debt_since:
            self._accepted_in_debt += 1
            self._accepted_until = max(self._accepted_until, sent_at)
        self._debt -= self._tolerated
        if self._debt <= 0:
            self._debt = 0.0
            self._closures = 0

    def _note_closure(self, sent_at: float, now: float) -> Concern:
        """Nothing was accepted for a while: the server is closed, perhaps to one account alone if nobody else asked."""
        answers = self._streaks.answers
        if self._row_account is not None and answers >= self._set_apart_at + _ANSWERS_BETWEEN:
            self._set_apart_at = answers
            self._leave_out(self._streaks.set_apart(self._row_account))
            self._debt = 0.0
            self._news_since = now
            self._count_anew(now)
            return Concern.ACCOUNT
        self._closures += 1
        self._close(now, _FIRST_LOOK)
        if self._closures > 1 and self._accepted_in_debt:
            self._lower(sent_at, now)
        return Concern.EVERYBODY

    def _close(self, now: float, pause: float) -> None:
        if not self._look_after:
            self._look_after = _FIRST_LOOK
            self._closed_at = now
            self._look_at = self._next_at = now + pause
        elif now + pause > self._next_at:
            self._look_at = self._next_at = now + pause

    def _debt_lasts(self, sent_at: float, now: float) -> float:
        """Return for how long it is known what was accepted in debt: answers may take longer than refusals."""
        return min(sent_at, max(self._accepted_until, now - self._round_trip)) - self._debt_since

    def _lower(self, sent_at: float, now: float) -> None:
        """Lower the rate to what was accepted in debt, or give up where that has not helped."""
        rate = self._rate(now)
        lasts = max(self._debt_lasts(sent_at, now), _CATCH_UP)
        answers = self._accepted_in_debt + self._refused_in_debt
        share = self._refused_in_debt / answers
        if self._check is _Check.NOTHING:
            self._rate_before = min(rate, answers / lasts)
            self._share_before = share
            self._changes_unsettled = self._answers_unsettled = self._refusals_unsettled = 0
        else:
            self._changes_unsettled += 1
            self._answers_unsettled += self._accepted_since + self._refused_since
            self._refusals_unsettled += self._refused_since
            share = self._refusals_unsettled / self._answers_unsettled
            if self._changes_unsettled >= _CHANGES_IN_VAIN and share > _SHARE_IN_VAIN:
                self._put_up_with(share, self._rate_before, now)
                return
        limit = self._accepted_in_debt / lasts
        if self._debt_closed_for:
            open_for = max(lasts - self._debt_closed_for, _CATCH_UP)
            limit = max(limit, _OPEN_SHARE * min(rate, self._accepted_in_debt / open_for))
        self._change(limit, now)
        self._check = _Check.WAS_IT_ENOUGH

    def _put_up_with(self, share: float, limit: float, now: float) -> None:
        """Take a share of refusals for usual, and go back to a limit at once."""
        self._usual = min(_MOST_USUAL, share)
        self._change(limit, now)
        self._changed_at = now - self._recovery
        self._check = _Check.NOTHING

    def _change(self, limit: float, now: float) -> None:
        self._limit = max(limit, _LOWEST)
        self._recovery = min(max(_RECOVERY, _REQUESTS_IN_RECOVERY / self._limit), _LONGEST_RECOVERY)
        self._changed_at = self._news_since = now
        self._debt = 0.0
        self._in_a_row = self._closures = 0
        self._window = self._most_in_flight
        self._count_anew(now)

    def _rate(self, now: float) -> float:
        if self._limit == math.inf:
            return math.inf
        growth = 1 + _DIP * ((now - self._changed_at) / self._recovery - 1) ** 3
        return self._limit * growth if growth <= _FORGOTTEN else math.inf

    def _count_anew(self, now: float) -> None:
        self._counted_since = now
        self._accepted_since = self._refused_since = 0

    def _check_change(self, sent_at: float, now: float) -> None:
        """Ask what came of the latest change, once there are answers enough."""
        answers = self._accepted_since + self._refused_since
        elapsed = sent_at - self._counted_since
        if answers < _ANSWERS_TO_JUDGE or elapsed < _CORRECTED_AFTER:
            return
        share = self._refused_since / answers
        if self._check is _Check.WAS_IT_ENOUGH:
            self._check = _Check.DID_IT_HELP
            if self._refused_since >= _REFUSALS_TO_CORRECT and share > self._usual + _SHARE_TO_CORRECT:
                self._change(self._accepted_since / elapsed, now)
        elif elapsed >= _COMPARED_AFTER * self._recovery:
            self._check = _Check.NOTHING
            if self._refused_since >= _REFUSALS_TO_COMPARE and share >= _NO_RARER * self._share_before:
                self._put_up_with(share, min(self._rate_before, 2 * self._limit), now)
            else:
                self._usual = (self._usual + min(_MOST_USUAL, share)) / 2

    def _leave_out(self, refusals: int) -> None:
        """Take refusals off the debt that turn out to be an account's own affair."""
        self._debt = max(0.0, self._debt - refusals * (1 - self._tolerated))
        self._refused_in_debt = max(0, self._refused_in_debt - refusals)
        self._refused_since = max(0, self._refused_since - refusals)
        self._window = min(self._window + _NARROWED_BY * refusals, self._most_in_flight)
