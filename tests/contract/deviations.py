"""Where the client or its mock differs from the documents on purpose: a line and a reason each, ten lines at most."""

import re
from collections.abc import Iterable
from typing import Final

import attrs

from contract.problems import Problem

__all__ = ["DEVIATIONS", "Deviation", "undeviating"]


@attrs.frozen
class Deviation:
    """One way to differ.

    Attributes:
        operation: A pattern of the operations it is about.
        what: A pattern of the problems it is about.
        reason: Why it is so.
    """

    operation: str
    what: str
    reason: str

    def covers(self, problem: Problem) -> bool:
        """Tell whether a problem is this one."""
        return bool(re.search(self.operation, problem.operation) and re.search(self.what, problem.what))


DEVIATIONS: Final = (
    Deviation(
        r"/actions|/public/application|/linked-account/integration/|GET .*/workflow/{workflowId}$",
        r"request: Security.*OrgAPIKey",
        "A session token does where the description has the API key alone: an older page of the documentation says so, "
        "and the scope of a token has nothing else.",
    ),
    Deviation(
        r"(PUT|DELETE) .*/workflow/{workflowId}",
        r"request: Security.*LinkedAccountToken",
        "Key, account and environment do where the description has the session token alone: an older page says so.",
    ),
    Deviation(
        r"PUT .*/migrate-token",
        r"200 Validation Error cannot be read: BadRequestError",
        "An answer with status 200 that says that nothing was migrated is raised as an error.",
    ),
    Deviation(
        r"/workflow/{workflowId}/execute",
        r"execution_error: WorkflowExecution.execution_error is declared as Any",
        "What a node failed with may be a text, which the message of the error shows.",
    ),
)


def undeviating(problems: Iterable[Problem]) -> list[str]:
    """Return the problems that no deviation covers, each once."""
    left = (problem for problem in problems if not any(each.covers(problem) for each in DEVIATIONS))
    return list(dict.fromkeys(map(str, left)))
