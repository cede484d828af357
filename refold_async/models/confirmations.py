"""What Refold returns for calls whose only result is that they were done."""

import attrs

from refold_async.models.model import Result, named

__all__ = ["Confirmation", "CredentialUpsert", "TokenMigration", "TokenRevocation", "WorkflowDeletion"]


@attrs.frozen(eq=False, repr=False)
class Confirmation(Result):
    """The call was done. Refold may add nothing else."""

    message: str | None = None
    """Refold's message."""
    success: bool | None = None
    """Whether the call succeeded, if Refold states it in addition to the HTTP status."""
    status: str | None = None
    """`success`, if Refold states it with this word."""


@attrs.frozen(eq=False, repr=False)
class CredentialUpsert(Result):
    """A credential was stored."""

    success: bool | None = None
    """Whether the call succeeded, if Refold states it in addition to the HTTP status."""
    message: str | None = None
    """Refold's message."""
    action: str | None = None
    """What was done: `added` or `updated`."""


@attrs.frozen(eq=False, repr=False)
class TokenMigration(Result):
    """Credentials of an app were migrated to a linked account."""

    success: bool | None = None
    """Whether the call succeeded, if Refold states it in addition to the HTTP status."""
    message: str | None = None
    """Refold's message."""


@attrs.frozen(eq=False, repr=False)
class TokenRevocation(Result):
    """A session token was revoked."""

    success: bool | None = None
    """Whether the call succeeded, if Refold states it in addition to the HTTP status."""
    revoked_count: int | None = None
    """How many tokens were revoked: 0 if the token was already invalid."""


@attrs.frozen(eq=False, repr=False)
class WorkflowDeletion(Result):
    """A workflow was deleted."""

    success: bool | None = None
    """Whether the call succeeded, if Refold states it in addition to the HTTP status."""
    message: str | None = None
    """Refold's message."""
    triggers_deregistered: bool | None = attrs.field(
        default=None, metadata=named("triggers_deregistered", "successfullyDeletedTriggers")
    )
    """Whether all triggers of the workflow were removed too. If False, some may still fire: check the Refold Console.
    """
