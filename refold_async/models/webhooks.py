"""Where Refold is to send its webhooks, as it answers it. What it sends is in `refold_async.webhooks`."""

from datetime import datetime
from typing import Any

import attrs

from refold_async.models.model import Result, named

__all__ = ["WebhookSubscription"]


@attrs.frozen(eq=False, repr=False)
class WebhookSubscription(Result):
    """A URL that Refold sends webhooks to."""

    webhook_id: str = attrs.field(metadata=named("_id", "id"))
    """What other calls name it by."""
    webhook_url: str | None = None
    """Where Refold sends them."""
    webhook_events: list[str] = attrs.field(factory=list[str])
    """Which events it sends, such as `Connection Expired`."""
    webhook_type: str | None = None
    """In which form: `default`, `slack` or `custom`."""
    is_enabled: bool | None = None
    """Whether it sends any."""
    environment: str | None = None
    """Of which environment, `test` or `production`."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"))
    """When it was made."""
    updated_at: datetime | None = attrs.field(default=None, metadata=named("updatedAt", "updated_at"))
    """When it was changed last."""
    description: str | None = None
    """What it is for."""
    webhook_description: str | None = None
    """What it is for, as the Console shows it."""
    webhook_headers: dict[str, Any] | None = attrs.field(default=None, repr=False)
    """Headers that Refold sends along; not shown in its `repr`."""
    webhook_body: Any = None
    """The template of what is sent, such as `{{event}}`."""
    method: str | None = None
    """The HTTP method: `POST`, `PUT` or `PATCH`."""
    slug: str | None = None
    """The app whose events alone are sent."""
    workflow_ids: list[str] = attrs.field(factory=list[str])
    """The workflows whose events alone are sent; none for all."""
    group: str | None = None
    """The group it is in."""
    org_id: str | None = None
    """Refold's id of your organisation."""
    revision: int | None = attrs.field(default=None, metadata=named("__v"))
    """How often its record was changed, as Refold's database counts."""
