"""Whether the refusals of a linked account concern only this account, compared with what others get. Pure."""

from typing import Final

__all__ = ["RefusalStreaks"]

_CHANCE: Final = 0.001
"""The probability below which so many refusals in a row cannot be chance."""
_RESPONSES_TO_OTHERS: Final = 3
_MOST_ACCOUNTS: Final = 1000
"""For how many accounts refusals are counted. Beyond that, the oldest streaks are forgotten."""


class _Streak:
    """The refusals of an account since its last accepted request.

    Attributes:
        responses_before: How many responses other than refusals all accounts together had when it began.
        refusals_before: How many refusals they had.
    """

    __slots__ = ("is_own_affair", "refusals", "refusals_before", "responses_before")

    def __init__(self, responses_before: int, refusals_before: int) -> None:
        self.responses_before = responses_before
        self.refusals_before = refusals_before
        self.refusals = 0
        self.is_own_affair = False


class RefusalStreaks:
    """The refusals in a row of each account.

    Attributes:
        responses: How many responses other than refusals there were in total. The caller counts them.
        of_account: The current streaks, by account.
    """

    def __init__(self) -> None:
        self.responses = 0
        self.of_account: dict[str, _Streak] = {}
        self._refusals = 0

    def refused(self, account: str | None) -> int | None:
        """Note a refusal.

        Returns:
            None, unless it concerns only the account. In that case, how many earlier ones were not known to do so.
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
        share = (refusals + 1) / (responses + refusals + 2)  # of the others' requests during the streak
        if responses < _RESPONSES_TO_OTHERS or share**streak.refusals >= _CHANCE:
            return None
        streak.is_own_affair = True
        return streak.refusals - 1

    def set_apart(self, account: str) -> int:
        """Treat the account's refusals as its own until one of its requests is accepted; return their number."""
        streak = self.of_account[account]
        streak.is_own_affair = True
        return streak.refusals
