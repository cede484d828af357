"""What HTTP 429 does: who waits for how long, and what the log says of it. Loaded by the first one."""

from typing import Final

from refold_async.limits.account_limits import AccountLimits
from refold_async.limits.adaptive_rate import AdaptiveRate, Concern
from refold_async.limits.permits import Permit
from refold_async.runtime.log import logger

__all__ = ["Refusals"]

_FIRST_PAUSE_OF_ACCOUNT: Final = 0.5
"""Seconds that an account waits which alone is refused, or whose app said to come slower; doubled by each in a row."""
_WORTH_TELLING: Final = 1.0
_WORTH_A_WARNING: Final = 45.0
"""Seconds of a pause beyond which it is worth a line in the log, and a warning."""


class Refusals:
    """Has those wait whom refusals are about, and announces it."""

    def __init__(self, adaptive: AdaptiveRate, account_limits: AccountLimits, longest_pause: float) -> None:
        self._adaptive = adaptive
        self._account_limits = account_limits
        self._longest_pause = longest_pause
        self._announced = False

    def note(self, permit: Permit, retry_after: float | None, now: float) -> bool:
        """Have those wait whom a refusal is about: the account, where that is known or asked for, or everybody.

        Returns:
            Whether others may go earlier than was thought.
        """
        asked = min(retry_after or 0.0, self._longest_pause)
        before = self._adaptive.pause(now)
        concern = self._adaptive.refused(permit.sent_at, permit.account, now, asked)
        if concern is Concern.ACCOUNT or retry_after:
            self._pause_account(
                permit, retry_after, _FIRST_PAUSE_OF_ACCOUNT if concern is Concern.ACCOUNT else 0.0, now
            )
        pause = self._adaptive.pause(now)
        self._announced = self._announced and self._adaptive.is_closed
        if pause >= _WORTH_TELLING and not self._announced:
            self._announced = True
            logger.warning(
                "Refold refuses calls (HTTP 429): all calls wait for %.3g seconds; then one of them tries again.",
                pause,
            )
        return pause < before  # the next to look waited for this response

    def note_by_app(self, permit: Permit, retry_after: float | None, now: float) -> None:
        """Have an account wait whose app refused a request, not Refold."""
        self._pause_account(permit, retry_after, _FIRST_PAUSE_OF_ACCOUNT, now)

    def _pause_account(self, permit: Permit, retry_after: float | None, first: float, now: float) -> None:
        if permit.account is None:
            return
        pause = self._account_limits.make(permit.account, now).pause
        pause.refused(permit.sent_at, retry_after, first, now)
        if pause.is_news(now):
            tell = logger.warning if pause.wait(now) >= _WORTH_A_WARNING else logger.info
            tell(
                "Calls for %s are refused (HTTP 429): they wait for %.3g seconds; then one of them tries again.",
                "a session token" if permit.account.startswith("Bearer ") else f"linked account {permit.account!r}",
                pause.wait(now),
            )
