"""The URLs that Refold sends webhooks to, as it returns them. To read webhooks, use `refold_async.webhooks`."""

from datetime import datetime
from typing import Any

import attrs

from refold_async.models.model import Result, named

__all__ = ["WebhookSubscription"]


@attrs.frozen(eq=False, repr=False)
class WebhookSubscription(Result):
    """A URL that Refold sends webhooks to."""

    webhook_id: str = attrs.field(metadata=named("_id", "id"))
    """The id to pass to other calls."""
    webhook_url: str | None = None
    """The URL."""
    webhook_events: list[str] = attrs.field(factory=list[str])
    """The events that are sent, such as `Connection Expired`."""
    webhook_type: str | None = None
    """The format of the webhooks: `default`, `slack` or `custom`."""
    is_enabled: bool | None = None
    """Whether webhooks are sent at present."""
    environment: str | None = None
    """The environment whose events are sent: `test` or `production`."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"))
    """When the subscription was created."""
    updated_at: datetime | None = attrs.field(default=None, metadata=named("updatedAt", "updated_at"))
    """When the subscription was last updated."""
    description: str | None = None
    """The purpose of the subscription."""
    webhook_description: str | None = None
    """The purpose of the subscription, as the Refold Console shows it."""
    webhook_headers: dict[str, Any] | None = attrs.field(default=None, repr=False)
    """Extra headers that Refold sends; not shown in the `repr`."""
    webhook_body: Any = None
    """The template of the body, such as `{{event}}`."""
    method: str | None = None
    """The HTTP method: `POST`, `PUT` or `PATCH`."""
    slug: str | None = None
    """The app whose events are sent; None for all apps."""
    workflow_ids: list[str] = attrs.field(factory=list[str])
    """The workflows whose events are sent; empty for all workflows."""
    group: str | None = None
    """The group that the subscription belongs to."""
    org_id: str | None = None
    """Refold's id for your organisation."""
    revision: int | None = attrs.field(default=None, metadata=named("__v"))
    """How often the record was changed, as Refold's database counts."""
