"""How long refusals make one account, or all, wait, and which request checks whether that is over. Pure."""

import math
from typing import Final

__all__ = ["Pause"]

_LONGEST_UNASKED: Final = 10.0
"""The longest pause, in seconds, that no response asked for."""
_WORTH_A_LOOK: Final = 0.1
"""The length of a pause, in seconds, from which one request goes ahead of the others to check whether it is over."""
_NEXT_LOOK: Final = 1.0
"""Seconds after which at most another request checks, if the first has no response yet."""
_WORTH_TELLING: Final = 1.0
"""The length of a pause, in seconds, from which it is logged."""


class Pause:
    """A pause after refusals: nobody sends for some seconds, then one request checks whether the pause is over.

    Its response ends the pause for the others, or begins another pause. All times are in seconds of one monotonic
    clock. While there is no pause, `take()` and `accepted()` need not be called.

    Attributes:
        lasts: Whether nothing was accepted since the last refusal, as far as is known.
        until: When one request may be sent.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._over_at = -math.inf  # refusals of requests that were sent before this show nothing new
        self.until = -math.inf  # the same, or when another request may check
        self._length = 0.0
        self._in_a_row = 0
        self.lasts = False
        self._began = 0.0
        self._earlier = 0.0  # seconds of earlier pauses
        self._told = False

    def lasted(self, now: float) -> float:
        """Return for how many seconds nothing was accepted, in all pauses together."""
        return self._earlier + (now - self._began if self.lasts else 0.0)

    def wait(self, now: float) -> float:
        """Return the seconds until one request may be sent."""
        return max(0.0, self.until - now)

    def take(self, now: float) -> None:
        """Note that a request is sent. After a pause, it is the check, and the others wait for its response."""
        if self.lasts and self._length > _WORTH_A_LOOK:
            self.until = now + min(self._length, _NEXT_LOOK)

    def refused(self, sent_at: float, asked: float | None, first: float, now: float) -> None:
        """Begin a pause, or make it longer.

        Args:
            sent_at: When the refused request was sent.
            asked: How many seconds its response asked to wait, or None.
            first: The least number of seconds of the pause, doubled by each refusal in a row.
            now: The time.
        """
        length = asked or 0.0
        if sent_at >= self._over_at:  # otherwise it was sent before the current pause
            length = max(length, min(first * 2**self._in_a_row, _LONGEST_UNASKED))
            self._in_a_row = min(self._in_a_row + 1, 20)
            self._length = 0.0
        length = min(length, self._longest)
        self._length = max(self._length, length)
        self._over_at = max(self._over_at, now + length)
        self.until = max(self.until, self._over_at)
        if not self.lasts:
            self.lasts, self._began = True, now

    def accepted(self, sent_at: float, now: float) -> bool:
        """Note that a request sent at `sent_at` was accepted; return whether that ends the pause."""
        self._in_a_row = 0
        if not self.lasts or sent_at < self._over_at:
            return False
        self._earlier = self.lasted(now)
        self.lasts, self.until, self._length, self._told = False, -math.inf, 0.0, False
        return True

    def is_news(self, now: float) -> bool:
        """Return whether the pause has become long enough to be logged; True only once in a pause."""
        if self._told or self.wait(now) < _WORTH_TELLING:
            return False
        self._told = True
        return True
