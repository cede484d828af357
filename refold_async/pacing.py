"""At what rate requests may leave: by a limit that is known, or by one that refusals teach. Pure: time is passed in."""

import math
from bisect import bisect_right
from collections import deque
from contextlib import suppress
from typing import Final, Protocol

from refold_async.settings import RateLimit

__all__ = ["LearnedRate", "Pace", "TokenBucket"]

_CATCH_UP: Final = 0.02
"""Seconds of lateness that a job may catch up with: the loop wakes nobody on the dot."""
_TICK: Final = 1e-6
"""Seconds too short to wait for: less may be no more than the rounding of the clock's digits."""
_MARGIN: Final = 0.001
"""Seconds that requests are further apart than a limit without a burst allows, at most."""


class Pace(Protocol):
    """Tells when the next request may leave. All times are in seconds of one monotonic clock."""

    def wait(self, now: float, *, evenly: bool) -> float:
        """Return the seconds until one may leave; `evenly` for the calls of a job, which leave the burst to others."""
        ...

    def take(self, now: float) -> None:
        """Note that one leaves."""
        ...


class TokenBucket:
    """The pace that a `RateLimit` describes.

    The calls of a job leave evenly, and so keep the burst in reserve: for single calls, which then need not wait, and
    for what the network bunches together on the way.
    """

    def __init__(self, limit: RateLimit) -> None:
        self._interval = limit.per / limit.rate
        if limit.burst == 1:
            # Without a reserve, a request that the network brings a moment early is refused.
            self._interval += min(self._interval / 50, _MARGIN)
        self._burst_credit = (limit.burst - 1) * self._interval
        self._even_credit = min(self._burst_credit, max(self._interval / 2, _CATCH_UP))
        self._full_at = -math.inf  # when the bucket will be full; each token taken puts it off by one interval

    def wait(self, now: float, *, evenly: bool) -> float:
        """Return the seconds until there is a token to take."""
        wait = self._full_at - now - (self._even_credit if evenly else self._burst_credit)
        return wait if wait > _TICK else 0.0

    def take(self, now: float) -> None:
        """Take a token."""
        self._full_at = max(self._full_at, now) + self._interval

    def is_full(self, now: float) -> bool:
        """Tell whether nothing would be forgotten with this bucket."""
        return self._full_at <= now


class LearnedRate:
    """The pace that refusals teach where nobody said what the limit is: none, until the first of them.

    Then the rate goes back to what was accepted lately, and doubles until the next refusal. That one tells the limit
    rather well: what was accepted while the server had nothing in reserve is its rate. From just below it the rate
    grows slowly, passes the limit after a while, to notice one that was raised, and is set anew by the next refusal.

    Where nothing at all is accepted, the server is closed rather than slow: one request a time looks whether it is
    open again, after pauses that double.
    """

    _FIRST: Final = 10.0
    """The rate to begin with, at least: what was accepted until then may be nothing."""
    _SPAN: Final = 3.0
    """Seconds of the past that are looked at."""
    _BETWEEN_REFUSALS: Final = 0.2
    """Seconds between two refusals for the rate between them to be told."""
    _STEP: Final = 0.25
    """Seconds between two steps of the search, and how many must have been accepted since the last one."""
    _ACCEPTED_PER_STEP: Final = 4
    _FOUND: Final = 1.06
    """The step below which the search is over."""
    _DIP: Final = 0.05
    """How far below the limit the rate begins after the search, in parts of it."""
    _RECOVERY: Final = 20.0
    """Seconds in which it is back at the limit."""
    _FORGOTTEN: Final = 130.0
    """Seconds without a refusal after which there is no limit: the rate would be ten times what it was."""
    _CLOSED: Final = (0.1, 10.0)
    """The first and the longest pause where nothing is accepted."""

    def __init__(self) -> None:
        self._rate = math.inf
        self._limit = 0.0
        self._step = 2.0
        self._burst = 0
        self._burst_until = -math.inf
        self._next_at = -math.inf
        self._changed_at = -math.inf  # of what was sent before, refusals are no news
        self._grown_at = -math.inf
        self._accepted_since = 0
        self._closed_for = 0.0
        self._sent: deque[float] = deque()  # when those left that were not refused, as far as is known
        self._refused: deque[float] = deque()
        self._second = -math.inf
        self._this_second = self._last_second = 0

    def _forget(self) -> None:
        self._rate = math.inf
        self._step = 2.0
        self._closed_for = 0.0
        self._burst_until = -math.inf
        self._sent.clear()
        self._refused.clear()

    @property
    def known(self) -> bool:
        """Whether there is a rate to keep to."""
        return self._rate < math.inf

    @property
    def closed_for(self) -> float:
        """Seconds between two looks at a server that accepts nothing; 0 where it accepts some."""
        return self._closed_for

    def wait(self, now: float, *, evenly: bool) -> float:
        """Return the seconds until one may leave. A learned rate knows no burst: all leave evenly."""
        if self._rate == math.inf:
            return 0.0
        return 0.0 if now - self._changed_at > self._FORGOTTEN else max(0.0, self._next_at - now)

    def take(self, now: float) -> None:
        """Note that one leaves."""
        if self._rate == math.inf:
            return
        if now - self._changed_at > self._FORGOTTEN:
            self._forget()
        else:
            interval = 1 / self._current(now)
            self._next_at = max(self._next_at, now - _CATCH_UP) + max(interval, self._closed_for)
            self._sent.append(now)
            while self._sent[0] < now - self._SPAN:
                self._sent.popleft()

    def accepted(self, sent_at: float, now: float) -> None:
        """Note an answer that was no refusal, to a request that left at `sent_at`."""
        if self._rate == math.inf:
            if now - self._second >= 1:
                self._last_second = self._this_second if now - self._second < 2 else 0
                self._this_second, self._second = 0, now
            self._this_second += 1
            return
        if sent_at <= self._changed_at:
            if sent_at <= self._burst_until:
                self._begin_with(self._burst + 1)
            return
        if self._closed_for:
            self._closed_for, self._next_at, self._grown_at = 0.0, now, now
        self._accepted_since += 1
        searching = self._step > self._FOUND
        if searching and now - self._grown_at >= self._STEP and self._accepted_since >= self._ACCEPTED_PER_STEP:
            self._rate *= self._step
            self._grown_at = now
            self._burst_until = -math.inf
            self._accepted_since = 1  # not 0, which is what a closed server accepts

    def refused(self, sent_at: float, now: float) -> None:
        """Note a refusal of a request that left at `sent_at`."""
        with suppress(ValueError):
            self._sent.remove(sent_at)
        while self._refused and self._refused[0] < now - self._SPAN:
            self._refused.popleft()
        if self._rate == math.inf:
            # What left before this, is accepted and answered later, still counts.
            self._burst_until = sent_at
            self._begin_with(self._last_second + self._this_second)
            self._changed(now)
        elif sent_at > self._changed_at:
            if self._accepted_since:
                self._lower(self._current(now), self._told_by_refusals(sent_at), now)
            else:
                first, longest = self._CLOSED
                self._closed_for = min(2 * self._closed_for, longest) or first
                self._changed(now)
        self._refused.append(sent_at)

    def _current(self, now: float) -> float:
        """Return the rate, which grows as time goes by once the limit is found."""
        if self._step <= self._FOUND:
            elapsed = (now - self._changed_at) / self._RECOVERY
            self._rate = self._limit * (1 + self._DIP * (elapsed - 1) ** 3)
        return self._rate

    def _changed(self, now: float) -> None:
        self._changed_at = self._grown_at = now
        self._accepted_since = 0
        self._next_at = max(self._next_at, now + max(1 / self._rate, self._closed_for))

    def _begin_with(self, burst: int) -> None:
        self._burst = burst
        self._rate = max(2.0 * burst, self._FIRST)

    def _lower(self, rate: float, told: float, now: float) -> None:
        self._burst_until = -math.inf
        lowest = rate / 2
        if self._step > self._FOUND:
            lowest = rate / self._step
            # Told well where it is neither all that was sent, nor less than was accepted a step ago.
            self._step = 1.0 if 0.75 * lowest <= told <= 0.85 * rate else math.sqrt(self._step)
        self._limit = min(max(told, lowest), 0.97 * rate)
        self._rate = self._limit * (1 - self._DIP)
        self._changed(now)

    def _told_by_refusals(self, until: float) -> float:
        """Return the highest rate that the server must have, by what it accepted before it refused at `until`."""
        sent = [time for time in self._sent if time <= until]  # in order
        rate = 0.0
        # It had nothing in reserve at an earlier refusal, and has nothing now: what it accepted between is its rate.
        for refused in self._refused:
            if until - refused >= self._BETWEEN_REFUSALS:
                between = len(sent) - bisect_right(sent, refused)
                rate = max(rate, between / (until - refused))
        # At any other time it may have had as much in reserve as it accepted at once in the beginning.
        for index, time in enumerate(sent):
            if until - time > self._BETWEEN_REFUSALS / 4:
                rate = max(rate, (len(sent) - index - self._burst) / (until - time))
        return rate
