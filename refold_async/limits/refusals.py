"""The consequences of HTTP 429: who waits for how long, and what is logged. Imported at the first one."""

from typing import Final

from refold_async.limits.account_limits import AccountLimits
from refold_async.limits.adaptive_rate import AdaptiveRate, Concern
from refold_async.limits.permits import Permit
from refold_async.runtime.log import logger

__all__ = ["Refusals"]

_FIRST_PAUSE_OF_ACCOUNT: Final = 0.5
"""Seconds that an account waits if only it is refused, or if its app throttles it. Doubled by each refusal in a row."""
_WORTH_TELLING: Final = 1.0
_WORTH_A_WARNING: Final = 45.0
"""The lengths of a pause, in seconds, from which it is logged, and from which it is a warning."""


class Refusals:
    """Makes calls wait for as long as refusals require, and logs it."""

    def __init__(self, adaptive: AdaptiveRate, account_limits: AccountLimits, longest_pause: float) -> None:
        self._adaptive = adaptive
        self._account_limits = account_limits
        self._longest_pause = longest_pause
        self._announced = False

    def note(self, permit: Permit, retry_after: float | None, now: float) -> bool:
        """Make the calls wait that a refusal concerns: those of its account, if that is known or asked for, or all.

        Returns:
            Whether others may send earlier than was expected.
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
                "Refold refuses calls (HTTP 429): all calls wait for %.3g seconds; then one of them is retried.",
                pause,
            )
        return pause < before  # the next check waited for this response

    def note_by_app(self, permit: Permit, retry_after: float | None, now: float) -> None:
        """Make an account wait because its app refused a request, not Refold."""
        self._pause_account(permit, retry_after, _FIRST_PAUSE_OF_ACCOUNT, now)

    def _pause_account(self, permit: Permit, retry_after: float | None, first: float, now: float) -> None:
        if permit.account is None:
            return
        pause = self._account_limits.make(permit.account, now).pause
        pause.refused(permit.sent_at, retry_after, first, now)
        if pause.is_news(now):
            tell = logger.warning if pause.wait(now) >= _WORTH_A_WARNING else logger.info
            tell(
                "Calls for %s are refused (HTTP 429): they wait for %.3g seconds; then one of them is retried.",
                "a session token" if permit.account.startswith("Bearer ") else f"linked account {permit.account!r}",
                pause.wait(now),
            )
