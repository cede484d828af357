"""What Refold says of what it has done, where that gives nothing else."""

import attrs

from refold_async.models.model import Result, named

__all__ = ["Confirmation", "TokenRevocation", "WorkflowDeletion"]


@attrs.frozen(eq=False, repr=False)
class Confirmation(Result):
    """It was done. What Refold says of it may be nothing."""

    message: str | None = None
    """What Refold says."""
    success: bool | None = None
    """Whether it succeeded, where Refold says so beside the status."""


@attrs.frozen(eq=False, repr=False)
class TokenRevocation(Result):
    """A session token was made worthless."""

    success: bool | None = None
    """Whether it succeeded, where Refold says so beside the status."""
    revoked_count: int | None = None
    """How many tokens were revoked: 0 where it was worthless before."""


@attrs.frozen(eq=False, repr=False)
class WorkflowDeletion(Result):
    """A workflow was deleted."""

    success: bool | None = None
    """Whether it succeeded, where Refold says so beside the status."""
    message: str | None = None
    """What Refold says."""
    triggers_deregistered: bool | None = attrs.field(
        default=None, metadata=named("triggers_deregistered", "successfullyDeletedTriggers")
    )
    """Whether all its triggers are gone too. Those of which False tells may fire on: see the Refold Console."""
