"""How long refusals hold up one account, or everybody, and who looks whether that is over. Pure: time is passed in."""

import math
from typing import Final

__all__ = ["Pause"]

_LONGEST_UNASKED: Final = 10.0
"""Seconds of the longest pause that no response asked for."""
_WORTH_A_LOOK: Final = 0.1
"""Seconds of a pause beyond which one request goes ahead of the others, to look whether it is over."""
_NEXT_LOOK: Final = 1.0
"""Seconds after which another looks, at most, where the first has no response yet."""
_WORTH_TELLING: Final = 1.0
"""Seconds of a pause beyond which it is worth a line in the log."""


class Pause:
    """What refusals ask for: for some seconds nobody passes, and then one looks whether requests are accepted again.

    Its response ends the pause for the others, or begins another. All times are in seconds of one monotonic clock.
    While it does not last, `take()` and `accepted()` have nothing to note.

    Attributes:
        lasts: Whether nothing was accepted since the last refusal, as far as is known.
        until: When one may pass.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._over_at = -math.inf  # of what left before, refusals are no news
        self.until = -math.inf  # the same, or when another may look
        self._length = 0.0
        self._in_a_row = 0
        self.lasts = False
        self._began = 0.0
        self._earlier = 0.0  # seconds of the pauses before
        self._told = False

    def lasted(self, now: float) -> float:
        """Return for how many seconds nothing was accepted, in all pauses together."""
        return self._earlier + (now - self._began if self.lasts else 0.0)

    def wait(self, now: float) -> float:
        """Return the seconds until one may pass."""
        return max(0.0, self.until - now)

    def take(self, now: float) -> None:
        """Note that one passes: after a pause it looks, and the others wait for its response."""
        if self.lasts and self._length > _WORTH_A_LOOK:
            self.until = now + min(self._length, _NEXT_LOOK)

    def refused(self, sent_at: float, asked: float | None, first: float, now: float) -> None:
        """Begin a pause, or make it longer.

        Args:
            sent_at: When the request left that was refused.
            asked: For how many seconds its response asked, or None.
            first: How many seconds it is at least, doubled by each refusal in a row.
            now: The time.
        """
        length = asked or 0.0
        if sent_at >= self._over_at:  # else it left before the present pause
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
        """Note that a request was accepted that left at `sent_at`; return whether that ends the pause."""
        self._in_a_row = 0
        if not self.lasts or sent_at < self._over_at:
            return False
        self._earlier = self.lasted(now)
        self.lasts, self.until, self._length, self._told = False, -math.inf, 0.0, False
        return True

    def is_news(self, now: float) -> bool:
        """Return, once in a pause, that it has become long enough to be told in the log."""
        if self._told or self.wait(now) < _WORTH_TELLING:
            return False
        self._told = True
        return True
