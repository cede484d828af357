"""Sending an event to the servers that subscribed to it, repeatedly until they respond with 200."""

import contextlib
import hashlib
import hmac
import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Final

import aiohttp
import attrs
from yarl import URL

from refold_async.testing.protocol.replies import JSON, encode_json
from refold_async.testing.state.webhooks import MockWebhook

__all__ = ["WebhookDelivery", "deliver_event"]

_ATTEMPTS: Final = 4  # the first, and up to three redeliveries


@attrs.frozen
class WebhookDelivery:
    """How the delivery of an event to one webhook went.

    Attributes:
        webhook_id: The webhook.
        url: Where the event was sent.
        statuses: The HTTP status of each attempt, redeliveries last; None if there was no response.
    """

    webhook_id: str
    url: str
    statuses: tuple[int | None, ...]


async def deliver_event(
    event: Mapping[str, Any], webhooks: Sequence[MockWebhook], api_key: str | None, seconds: float
) -> list[WebhookDelivery]:
    """Send an event to its subscribers, one after the other; `MockRefold.deliver_webhook` describes it.

    Args:
        event: The event.
        webhooks: All webhooks.
        api_key: The key to sign it with; None means the key that each webhook was created with.
        seconds: Seconds to wait for each response.

    Raises:
        ValueError: The event has no name, or a webhook that subscribed to it has the URL of another machine.
    """
    name = event.get("event")
    if not isinstance(name, str):
        raise ValueError(f"an event must have its name in 'event', not {name!r}")
    subscribed = [webhook for webhook in webhooks if webhook.is_enabled and name in webhook.webhook_events]
    for webhook in subscribed:
        if not _is_loopback(webhook.webhook_url):
            raise ValueError(f"the mock sends webhooks only to this machine, not to {webhook.webhook_url}")
    body = encode_json(dict(event))
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds)) as session:
        return [
            await _deliver(session, webhook, body, webhook.api_key if api_key is None else api_key)
            for webhook in subscribed
        ]


async def _deliver(session: aiohttp.ClientSession, webhook: MockWebhook, body: bytes, api_key: str) -> WebhookDelivery:
    signature = hmac.new(api_key.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": JSON, "x-cobalt-signature": signature}
    statuses = list[int | None]()
    while len(statuses) < _ATTEMPTS and 200 not in statuses:
        status = None
        with contextlib.suppress(aiohttp.ClientError, OSError):  # a TimeoutError is an OSError
            # A redirect could lead to another machine.
            async with session.post(webhook.webhook_url, data=body, headers=headers, allow_redirects=False) as response:
                status = response.status
        statuses.append(status)
    return WebhookDelivery(webhook.webhook_id, webhook.webhook_url, tuple(statuses))


def _is_loopback(url: str) -> bool:
    try:
        host = URL(url).host
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
