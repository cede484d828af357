"""The table of facts: what each operation of Refold takes, answers and refuses, a file per group.

A fact is one line. It says where it comes from unless that is Refold's description, with which a test compares it
where that is at hand.
"""

from typing import Final

from contract.facts import (
    actions,
    applications,
    connections,
    events,
    executions,
    linked_accounts,
    session_tokens,
    webhooks,
    workflows,
)
from contract.facts.table import Operation

__all__ = ["OPERATIONS"]

OPERATIONS: Final[tuple[Operation, ...]] = (
    *actions.OPERATIONS,
    *applications.OPERATIONS,
    *connections.OPERATIONS,
    *events.OPERATIONS,
    *executions.OPERATIONS,
    *linked_accounts.OPERATIONS,
    *session_tokens.OPERATIONS,
    *webhooks.OPERATIONS,
    *workflows.OPERATIONS,
)
