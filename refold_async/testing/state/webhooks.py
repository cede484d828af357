"""Webhook subscriptions of the organisation's own servers."""

from collections.abc import Mapping
from typing import Any

import attrs

from refold_async.testing.protocol.organisation import ENVIRONMENT, ORGANISATION_ID
from refold_async.testing.protocol.timestamps import timestamp

__all__ = ["MockWebhook", "WebhookStore"]


@attrs.define(eq=False)
class MockWebhook:
    """One subscription.

    Attributes:
        webhook_id: Its id.
        fields: The fields that its creator chose, as the API shows them, such as `webhook_url` and `webhook_events`.
        api_key: The key with which it was made and with which its events are signed.
        changes: How often it was changed.
    """

    webhook_id: str
    fields: dict[str, Any]
    api_key: str = attrs.field(repr=False)
    changes: int = 0

    @property
    def webhook_url(self) -> str:
        """The URL to which its events are sent."""
        return str(self.fields["webhook_url"])

    @property
    def webhook_events(self) -> list[str]:
        """The names of its events."""
        events: list[str] = self.fields["webhook_events"]
        return events

    @property
    def is_enabled(self) -> bool:
        """Whether it gets events."""
        return bool(self.fields["is_enabled"])

    def document(self) -> dict[str, Any]:
        """Return the subscription as the API shows it."""
        return {
            "_id": self.webhook_id,
            "org_id": ORGANISATION_ID,
            "environment": ENVIRONMENT,
            **self.fields,
            "createdAt": timestamp(),
            "updatedAt": timestamp(self.changes),
            "__v": 0,
        }


@attrs.define(eq=False)
class WebhookStore:
    """All subscriptions of a mock."""

    _by_id: dict[str, MockWebhook] = attrs.field(factory=dict[str, MockWebhook], init=False)
    _created: int = attrs.field(default=0, init=False)

    def create(self, fields: Mapping[str, Any], api_key: str) -> MockWebhook:
        """Make a subscription.

        Args:
            fields: The fields that its creator chose.
            api_key: The key it is made with.
        """
        self._created += 1
        webhook = MockWebhook(f"65a1f0d2b7c8e900{self._created:08x}", dict(fields), api_key)
        self._by_id[webhook.webhook_id] = webhook
        return webhook

    def find(self, webhook_id: str) -> MockWebhook | None:
        """Return the subscription with this id, or None."""
        return self._by_id.get(webhook_id)

    def all(self) -> list[MockWebhook]:
        """Return all subscriptions, oldest first."""
        return list(self._by_id.values())

    def delete(self, webhook: MockWebhook) -> None:
        """Delete a subscription."""
        self._by_id.pop(webhook.webhook_id, None)
