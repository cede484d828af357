"""Persistent tables, as Refold returns them. Their records are dicts, because each table has columns of its own."""

from datetime import datetime
from typing import Any

import attrs

from refold_async.models.model import Result, named

__all__ = ["AddedRecords", "Table", "TableCreation"]


@attrs.frozen(eq=False, repr=False)
class Table(Result):
    """A persistent table of a linked account."""

    table_id: str = attrs.field(metadata=named("_id", "id"))
    """The id to pass to other calls."""
    name: str | None = None
    """The name of the table."""
    record_count: int | None = None
    """How many records the table has."""
    group: str | None = None
    """The group that the table belongs to."""
    table_type: str | None = None
    """The type of the table, such as `persistent`."""
    linked_account_id: str | None = None
    """The linked account that the table belongs to."""
    environment: str | None = None
    """The environment of the table: `test` or `production`."""
    is_deleted: bool | None = None
    """Whether the table was deleted."""
    associated_instance: str | None = None
    """The execution that the table belongs to, if it belongs to one."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"))
    """When the table was created."""
    org_id: str | None = None
    """Refold's id for your organisation."""


@attrs.frozen(eq=False, repr=False)
class TableCreation(Result):
    """A table was created, or already existed."""

    table_id: str
    """The id to pass to other calls."""
    already_exists: bool | None = None
    """True if the table already existed. If the call was retried, an earlier attempt of it may have created the table.
    """


@attrs.frozen(eq=False, repr=False)
class AddedRecords(Result):
    """Records were added to a table."""

    records: list[dict[str, Any]] = attrs.field(metadata=named("add_record_result"))
    """The records as the table has them, each with its `record_id`, and without columns that the table does not have.
    """
    transformed_add_data: Any = None
    """The data that Refold inserted, after its transformations."""
