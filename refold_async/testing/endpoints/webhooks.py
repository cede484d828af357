"""Webhook subscriptions, on the level of the organisation."""

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.pagination import page_number_and_limit, paginate
from refold_async.testing.protocol.replies import Refused, Reply, json_reply
from refold_async.testing.protocol.webhook_events import WEBHOOK_EVENTS
from refold_async.testing.state.webhooks import MockWebhook

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="organisation", error_field="error_code")
_WEBHOOK: Final = "/api/v2/public/webhook"

_HTTP: Final = re.compile(r"https?://")


@GROUP.route("POST", _WEBHOOK)
async def create_webhook(call: EndpointCall) -> Reply:
    """Subscribe a URL to events."""
    body = {"webhook_type": "default", **call.json_object()}
    webhook = call.state.webhooks.create(
        _url(body), _events(body), _type(body), api_key=call.headers.get("x-api-key", "")
    )
    return json_reply(webhook.document())


@GROUP.route("GET", _WEBHOOK)
async def list_webhooks(call: EndpointCall) -> Reply:
    """List the subscriptions, a page at a time."""
    page, limit = page_number_and_limit(call.query)
    return json_reply(paginate([webhook.document() for webhook in call.state.webhooks.all()], page, limit))


@GROUP.route("GET", _WEBHOOK + "/{webhook_id}")
async def get_webhook(call: EndpointCall) -> Reply:
    """Return one subscription."""
    return json_reply(_webhook(call).document())


@GROUP.route("PUT", _WEBHOOK + "/{webhook_id}")
async def update_webhook(call: EndpointCall) -> Reply:
    """Change the fields of a subscription that are given."""
    webhook = _webhook(call)
    body = webhook.document() | call.json_object()
    is_enabled = body["is_enabled"]
    if not isinstance(is_enabled, bool):
        raise Refused(400, "is_enabled must be true or false", "VALIDATION_ERROR")
    # All are looked at before one is changed.
    url, events, kind = _url(body), _events(body), _type(body)
    webhook.webhook_url, webhook.webhook_events, webhook.webhook_type = url, events, kind
    webhook.is_enabled = is_enabled
    webhook.changes += 1
    return json_reply(webhook.document())


@GROUP.route("DELETE", _WEBHOOK + "/{webhook_id}")
async def delete_webhook(call: EndpointCall) -> Reply:
    """Delete a subscription."""
    call.state.webhooks.delete(_webhook(call))
    return json_reply({"message": "Webhook deleted successfully"})


def _webhook(call: EndpointCall) -> MockWebhook:
    webhook_id = call.path_parameters["webhook_id"]
    webhook = call.state.webhooks.find(webhook_id)
    if webhook is None:
        raise Refused(404, f"Webhook {webhook_id} not found", "RESOURCE_NOT_FOUND")
    return webhook


def _url(body: Mapping[str, Any]) -> str:
    url = body.get("webhook_url")
    if not isinstance(url, str) or not _HTTP.match(url):
        raise Refused(400, "webhook_url must start with http:// or https://", "VALIDATION_ERROR")
    return url


def _events(body: Mapping[str, Any]) -> list[str]:
    events = body.get("webhook_events")
    if not isinstance(events, list) or not events:
        raise Refused(400, "webhook_events must name one event or more", "VALIDATION_ERROR")
    for event in cast("list[object]", events):
        if not isinstance(event, str) or event not in WEBHOOK_EVENTS:
            known = ", ".join(sorted(WEBHOOK_EVENTS))
            raise Refused(400, f"webhook_events holds {event!r}, which is none of {known}", "VALIDATION_ERROR")
    return cast("list[str]", events)


def _type(body: Mapping[str, Any]) -> str:
    kind = body.get("webhook_type")
    if not isinstance(kind, str) or not kind:
        raise Refused(400, "webhook_type must be a string", "VALIDATION_ERROR")
    return kind
