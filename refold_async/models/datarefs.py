"""Datarefs, as Refold returns them."""

from datetime import datetime
from typing import Any

import attrs

from refold_async.models.model import Result, named

__all__ = ["Dataref", "DatarefDeletion"]


@attrs.frozen(eq=False, repr=False)
class Dataref(Result):
    """A dataref of a linked account: records that workflows keep under a name."""

    dataref_id: str = attrs.field(metadata=named("_id", "id"))
    """Refold's id for the dataref. Calls take its name."""
    name: str | None = None
    """The name, to pass to other calls."""
    linked_account_id: str | None = None
    """The linked account that the dataref belongs to."""
    group: str | None = None
    """The group that the dataref belongs to."""
    environment: str | None = None
    """The environment of the dataref: `test` or `production`."""
    data: dict[str, Any] | None = attrs.field(default=None, repr=False)
    """The rows by the ids of their records, if the response contains them; not shown in the `repr`."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"))
    """When the dataref was created."""
    updated_at: datetime | None = attrs.field(default=None, metadata=named("updatedAt", "updated_at"))
    """When the dataref was last changed."""
    org_id: str | None = None
    """Refold's id for your organisation."""
    revision: int | None = attrs.field(default=None, metadata=named("__v"))
    """How often the dataref was changed, as Refold's database counts."""


@attrs.frozen(eq=False, repr=False)
class DatarefDeletion(Result):
    """A dataref was deleted."""

    acknowledged: bool | None = None
    """Whether Refold's database confirms the deletion."""
    deleted_count: int | None = attrs.field(default=None, metadata=named("deletedCount"))
    """How many datarefs were deleted: 0 if there was none of the name."""
