"""Whether what a linked account is refused is its own affair, beside what others get. Pure."""

from typing import Final

import attrs

__all__ = ["RefusalStreaks"]

_CHANCE: Final = 0.001
"""The probability below which so many refusals in a row are no chance."""
_RESPONSES_TO_OTHERS: Final = 3
_MOST_ACCOUNTS: Final = 1000
"""Of how many accounts refusals are counted. Of more, those are forgotten that began first."""


@attrs.define(eq=False)
class _Streak:
    """What an account was refused since a request of it was last accepted."""

    responses_before: int
    """How many responses that were no refusals all accounts together had when it began."""
    refusals_before: int
    """How many refusals they had."""
    refusals: int = 0
    is_own_affair: bool = False


class RefusalStreaks:
    """Each account's refusals in a row.

    Attributes:
        responses: How many responses there were that were no refusals, in all; for whoever notes them to count.
        of_account: The streaks that last, by account.
    """

    def __init__(self) -> None:
        self.responses = 0
        self.of_account: dict[str, _Streak] = {}
        self._refusals = 0

    def refused(self, account: str | None) -> int | None:
        """Note a refusal.

        Returns:
            None, unless it is the account's own affair: then how many before it were not known to be that.
        """
        self._refusals += 1
        if account is None:
            return None
        streak = self.of_account.get(account)
        if streak is None:
            if len(self.of_account) >= _MOST_ACCOUNTS:
                del self.of_account[next(iter(self.of_account))]
            streak = self.of_account[account] = _Streak(self.responses, self._refusals - 1)
        streak.refusals += 1
        if streak.is_own_affair:
            return 0
        responses = self.responses - streak.responses_before
        refusals = self._refusals - streak.refusals_before - streak.refusals
        share = (refusals + 1) / (responses + refusals + 2)  # of the others' requests meanwhile
        if responses < _RESPONSES_TO_OTHERS or share**streak.refusals >= _CHANCE:
            return None
        streak.is_own_affair = True
        return streak.refusals - 1

    def set_apart(self, account: str) -> int:
        """Take an account's refusals for its own affair until one of its requests is accepted; return their number."""
        streak = self.of_account[account]
        streak.is_own_affair = True
        return streak.refusals
