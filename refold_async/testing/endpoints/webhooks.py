"""Webhook subscriptions, for the organisation."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
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


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and re.match(r"https?://", value) is not None


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, cast("list[object]", value)))


# The fields of a subscription that the caller chooses: a check of the value, and the message if it fails.
_FIELDS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "webhook_url": (_is_url, "must start with http:// or https://"),
    "webhook_events": (lambda value: _are_texts(value) and bool(value), "must name one event or more"),
    "webhook_headers": (lambda value: isinstance(value, dict), "must be an object"),
    "webhook_body": (lambda _: True, ""),
    "webhook_description": (_is_text, "must be a string"),
    "description": (_is_text, "must be a string"),
    "method": (lambda value: value in ("POST", "PUT", "PATCH"), "must be POST, PUT or PATCH"),
    "slug": (_is_text, "must be a string"),
    "workflow_ids": (_are_texts, "must be an array of strings"),
    "webhook_type": (lambda value: value in ("default", "slack", "custom"), "must be default, slack or custom"),
    "is_enabled": (lambda value: isinstance(value, bool), "must be true or false"),
    "group": (_is_text, "must be a string"),
}


def _checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that the caller may choose, after checking all of them."""
    chosen = {name: fields[name] for name in _FIELDS if name in fields}
    for name, (will_do, complaint) in _FIELDS.items():
        if name in (*chosen, "webhook_url", "webhook_events") and not will_do(chosen.get(name)):
            raise Refused(400, f"{name} {complaint}")
    if not (WORKFLOW_EVENTS if chosen.get("slug") else WEBHOOK_EVENTS).issuperset(chosen["webhook_events"]):
        raise Refused(400, "Invalid event. Check events list in documentation.", "INVALID_EVENT")
    return chosen
