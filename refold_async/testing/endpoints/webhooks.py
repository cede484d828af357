"""Webhook subscriptions, for the organisation."""

from collections.abc import Mapping
from typing import Any, Final

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.fields import (
    ANYTHING,
    FLAG,
    OBJECT,
    TEXT,
    URL,
    Fields,
    checked,
    list_of,
    one_of,
)
from refold_async.testing.protocol.replies import Refused, Reply, json_reply
from refold_async.testing.protocol.webhook_events import WEBHOOK_EVENTS, WORKFLOW_EVENTS
from refold_async.testing.state.webhooks import MockWebhook

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="organisation", error_field="error")
_WEBHOOK: Final = "/api/v2/public/webhook"

_DEFAULTS: Final[Mapping[str, Any]] = {
    "is_enabled": True,
    "workflow_ids": [],
    "webhook_body": "{{event}}",
    "method": "POST",
    "webhook_type": "default",
}


@GROUP.route("POST", _WEBHOOK, access="organisation or session token")
async def create_webhook(call: EndpointCall) -> Reply:
    """Subscribe a URL to events."""
    webhook = call.state.webhooks.create(_checked({**_DEFAULTS, **call.json_object()}), call.api_key)
    return json_reply(webhook.document())


@GROUP.route("GET", _WEBHOOK)
async def list_webhooks(call: EndpointCall) -> Reply:
    """List the subscriptions."""
    return _all(call)


@GROUP.route("GET", _WEBHOOK + "/{webhook_id}")
async def get_webhook(call: EndpointCall) -> Reply:
    """Return one subscription."""
    return json_reply(_webhook(call).document())


@GROUP.route("PUT", _WEBHOOK + "/{webhook_id}", access="organisation or session token")
async def update_webhook(call: EndpointCall) -> Reply:
    """Change the given fields of a subscription."""
    webhook = _webhook(call)
    webhook.fields = _checked(webhook.fields | call.json_object())
    webhook.changes += 1
    return json_reply(webhook.document())


@GROUP.route("PUT", "/api/v2/public/webhooks/group/edit")
async def edit_webhook_group(call: EndpointCall) -> Reply:
    """Put subscriptions into a group, or into none, and list them. Unknown ones are passed over."""
    body = checked(call.json_object(), {"webhookIds": list_of(TEXT, at_least=1), "group": TEXT}, ("webhookIds",))
    edited = [webhook for webhook in call.state.webhooks.all() if webhook.webhook_id in body["webhookIds"]]
    for webhook in edited:
        webhook.fields.pop("group", None)
        webhook.fields |= {"group": body["group"]} if body.get("group") else {}
        webhook.changes += 1
    return json_reply([webhook.document() for webhook in edited])


@GROUP.route("DELETE", _WEBHOOK + "/{webhook_id}", access="organisation or session token")
async def delete_webhook(call: EndpointCall) -> Reply:
    """Delete a subscription, and list the remaining ones."""
    call.state.webhooks.delete(_webhook(call))
    return _all(call)


def _all(call: EndpointCall) -> Reply:
    return json_reply([webhook.document() for webhook in call.state.webhooks.all()])


def _webhook(call: EndpointCall) -> MockWebhook:
    webhook = call.state.webhooks.find(call.path_parameters["webhook_id"])
    if webhook is None:
        raise Refused(400, "Webhook not found", "RESOURCE_NOT_FOUND")
    return webhook


_FIELDS: Final[Fields] = {
    "webhook_url": URL,
    "webhook_events": list_of(TEXT, at_least=1),
    "webhook_headers": OBJECT,
    "webhook_body": ANYTHING,
    "webhook_description": TEXT,
    "description": TEXT,
    "method": one_of("POST", "PUT", "PATCH"),
    "slug": TEXT,
    "workflow_ids": list_of(TEXT),
    "webhook_type": one_of("default", "slack", "custom"),
    "is_enabled": FLAG,
    "group": TEXT,
}
"""The fields of a subscription that the caller chooses."""


def _checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that the caller may choose, after checking all of them."""
    chosen = checked(fields, _FIELDS, ("webhook_url", "webhook_events"))
    if not (WORKFLOW_EVENTS if chosen.get("slug") else WEBHOOK_EVENTS).issuperset(chosen["webhook_events"]):
        raise Refused(400, "Invalid event. Check events list in documentation.", "INVALID_EVENT")
    return chosen
