"""Subscriptions of the organisation's own servers to what happens in Refold."""

from typing import Any

import attrs

from refold_async.testing.protocol.timestamps import timestamp
from refold_async.testing.protocol.webhook_events import ORGANISATION_ID

__all__ = ["MockWebhook", "WebhookStore"]


@attrs.define(eq=False)
class MockWebhook:
    """One subscription.

    Attributes:
        webhook_id: Its id.
        webhook_url: Where its events go.
        webhook_events: Names of the events it is for.
        webhook_type: Its kind.
        api_key: The key it was made with, which its events are signed with.
        is_enabled: Whether it gets any.
        changes: How often it was changed.
    """

    webhook_id: str
    webhook_url: str
    webhook_events: list[str]
    webhook_type: str
    api_key: str = attrs.field(repr=False)
    is_enabled: bool = True
    changes: int = 0

    def document(self) -> dict[str, Any]:
        """Return the subscription as the API shows it."""
        return {
            "_id": self.webhook_id,
            "org_id": ORGANISATION_ID,
            "environment": "test",
            "is_enabled": self.is_enabled,
            "webhook_events": self.webhook_events,
            "workflow_ids": [],
            "webhook_url": self.webhook_url,
            "webhook_body": "{{event}}",
            "method": "POST",
            "webhook_type": self.webhook_type,
            "createdAt": timestamp(),
            "updatedAt": timestamp(self.changes),
        }


@attrs.define(eq=False)
class WebhookStore:
    """All subscriptions of a mock."""

    _by_id: dict[str, MockWebhook] = attrs.field(factory=dict[str, MockWebhook], init=False)
    _created: int = attrs.field(default=0, init=False)

    def create(self, webhook_url: str, webhook_events: list[str], webhook_type: str, api_key: str) -> MockWebhook:
        """Make a subscription.

        Args:
            webhook_url: Where its events go.
            webhook_events: Names of the events it is for.
            webhook_type: Its kind.
            api_key: The key it is made with.
        """
        self._created += 1
        webhook = MockWebhook(
            f"65a1f0d2b7c8e900{self._created:08x}", webhook_url, webhook_events, webhook_type, api_key
        )
        self._by_id[webhook.webhook_id] = webhook
        return webhook

    def find(self, webhook_id: str) -> MockWebhook | None:
        """Return the subscription of this id, or None."""
        return self._by_id.get(webhook_id)

    def all(self) -> list[MockWebhook]:
        """Return all subscriptions, oldest first."""
        return list(self._by_id.values())

    def delete(self, webhook: MockWebhook) -> None:
        """Forget a subscription."""
        self._by_id.pop(webhook.webhook_id, None)
