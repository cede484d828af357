"""Outcomes that ended in the same way, counted together, as reports of jobs show them."""

from typing import Any, Final

import attrs

from refold_async.codec.excerpts import shortened
from refold_async.jobs.outcome_rows import message_of
from refold_async.jobs.outcomes import Outcome, Status

__all__ = ["STATUS_ORDER", "OutcomeGroup", "OutcomeGroups"]

_ACCOUNTS_NAMED: Final = 3
_MOST_OF_A_MESSAGE: Final = 200

STATUS_ORDER: Final[tuple[Status, ...]] = ("ok", "failed", "unknown")
"""The order in which outcomes are shown."""


@attrs.define
class OutcomeGroup:
    """Outcomes that ended in the same way."""

    status: Status
    """How they ended."""
    effect: str
    """What became of the action; empty if they succeeded."""
    error: str
    """The name of their errors' class; empty if they succeeded."""
    message: str
    """The message of the first of their errors, shortened."""
    items: int = 0
    """How many there are."""
    _accounts: dict[str, None] = attrs.field(factory=dict[str, None])

    def add(self, outcome: Outcome[Any, Any]) -> None:
        """Count one more."""
        self.items += 1
        if outcome.linked_account_id is not None and len(self._accounts) <= _ACCOUNTS_NAMED:
            self._accounts[outcome.linked_account_id] = None

    @property
    def accounts_named(self) -> str:
        """A few of their linked accounts, if they did not succeed."""
        named = list(self._accounts)[:_ACCOUNTS_NAMED] if self.error else []
        return ", ".join(named) + (", …" if self.error and len(self._accounts) > len(named) else "")


class OutcomeGroups:
    """The groups of a job's outcomes, counted as the outcomes come. Keeps none of the outcomes."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str, str], OutcomeGroup] = {}

    def add(self, outcome: Outcome[Any, Any]) -> None:
        """Count an outcome."""
        name = outcome.error_name or ""
        effect = outcome.effect if name else ""
        group = self._groups.get((outcome.status, effect, name))
        if group is None:
            error = outcome.error
            message = "" if error is None else shortened(message_of(error), _MOST_OF_A_MESSAGE)
            group = OutcomeGroup(outcome.status, effect, name, message)
            self._groups[outcome.status, effect, name] = group
        group.add(outcome)

    def ordered(self) -> list[OutcomeGroup]:
        """Return the groups ordered by status; within a status, the largest first."""
        return sorted(self._groups.values(), key=lambda group: (STATUS_ORDER.index(group.status), -group.items))
