"""Forms with which workflows ask a person, as Refold returns them."""

from datetime import datetime
from typing import Any

import attrs

from refold_async.models.model import Result, named

__all__ = ["HumanTask"]


@attrs.frozen(eq=False, repr=False)
class HumanTask(Result):
    """A form with which a workflow asks a person."""

    task_id: str = attrs.field(metadata=named("_id", "id"), repr=False)
    """The id to pass to other calls. Anyone who has it can submit the form, so it is not shown in the `repr`."""
    name: str | None = None
    """The title of the form."""
    description: str | None = None
    """What the person should decide."""
    form_structure: dict[str, Any] | None = None
    """The JSON Schema of what to submit."""
    ui_structure: dict[str, Any] | None = None
    """How to show the fields, by their names, such as `{"approved": {"ui:widget": "radio"}}`."""
    data: dict[str, Any] | None = attrs.field(default=None, repr=False)
    """The values that the form starts with or, once submitted, that it has; not shown in the `repr`."""
    status: str | None = None
    """`WAITING`, `SUBMITTED`, or `TIMEOUT` if it has expired."""
    expire_in: datetime | None = None
    """When the form expires."""
    receiver_emails: list[str] = attrs.field(factory=list[str], repr=False)
    """The addresses to which Refold sent the form; not shown in the `repr`."""
    group: str | None = None
    """The group that the form belongs to."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"))
    """When the workflow asked."""
    updated_at: datetime | None = attrs.field(default=None, metadata=named("updatedAt", "updated_at"))
    """When the form was last updated."""
