"""The definitions of your application's events, as Refold returns them."""

from typing import Any

import attrs

from refold_async.models.model import Model, Result, named

__all__ = ["EventDefinition", "EventField"]


@attrs.frozen(eq=False, repr=False)
class EventField(Model):
    """One field of the payload of an event, which workflows can use."""

    key: str | None = None
    """The name of the field; with a path for a nested one, such as `payload.email`."""
    type: str | None = None
    """The type of the field, such as `text` or `object`."""


@attrs.frozen(eq=False, repr=False)
class EventDefinition(Result):
    """The definition of an event of your application."""

    event_id: str = attrs.field(metadata=named("_id", "id"))
    """The id to pass to other calls."""
    name: str | None = None
    """The name of the event, which `account.events.trigger()` takes."""
    response: list[EventField] = attrs.field(factory=list[EventField])
    """The fields of the payload, as Refold reads them from the sample."""
    json_schema: dict[str, Any] | None = None
    """The JSON Schema of the payload, if there is one."""
    raw_response: str | None = None
    """The sample of the payload, as a JSON text."""
