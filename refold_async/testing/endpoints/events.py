"""Events of your application, which start workflows."""

from email import policy
from email.parser import BytesParser
from typing import Any, Final

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.replies import Refused, Reply, json_reply
from refold_async.testing.state.fired_events import FiredEvent

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="linked account", error_field="error_code")


@GROUP.route("POST", "/api/v2/public/event/trigger")
async def trigger_event(call: EndpointCall) -> Reply:
    """Start the account's published workflows that wait for an event."""
    return _trigger(call, call.headers.get("slug"))


@GROUP.route("POST", "/api/v2/public/event/{slug}")
async def trigger_event_by_slug(call: EndpointCall) -> Reply:
    """Start those of one app."""
    return _trigger(call, call.path_parameters["slug"])


def _trigger(call: EndpointCall, slug: str | None) -> Reply:
    body = _fields(call)
    event = body.get("event", body.get("trigger"))
    if not isinstance(event, str) or not event:
        raise Refused(400, "event is required and must be a string", "VALIDATION_ERROR")
    workflow_ids = call.state.catalogue.events.get(event)
    if workflow_ids is None:
        raise Refused(404, "Trigger not found", "INVALID_EVENT")
    account, headers = call.account, call.headers
    # An empty header is treated as none.
    slug, config_id, instance_tag = slug or None, headers.get("config_id") or None, headers.get("instance_tag") or None
    started = [
        call.state.executions.start(
            workflow,
            account,
            body.get("payload"),
            config_id=config_id,
            instance_tag=instance_tag,
            source="Event",
            event=event,
        )
        for workflow in map(account.workflows.find, workflow_ids)
        if workflow is not None and workflow.published and (slug is None or workflow.belongs_to(slug))
    ]
    call.state.events.append(
        FiredEvent(
            event,
            body.get("payload"),
            account.linked_account_id,
            slug,
            config_id,
            instance_tag,
            tuple(execution.execution_id for execution in started),
        )
    )
    return json_reply({"message": "Webhook Fired Success"})


def _fields(call: EndpointCall) -> dict[str, Any]:
    """Return the fields of a body that is a JSON object or a form."""
    content_type = call.headers.get("Content-Type", "")
    if not content_type.lower().startswith("multipart/form-data"):
        return call.json_object()
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    form = BytesParser(policy=policy.HTTP).parsebytes(head + call.body)
    return {str(part.get_param("name", header="content-disposition")): part.get_content() for part in form.iter_parts()}
