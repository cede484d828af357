"""The events that Refold sends to the organisation's own servers."""

from typing import Any, Final, Literal, get_args

from refold_async.testing.protocol.organisation import ENVIRONMENT, ORGANISATION_ID
from refold_async.testing.protocol.timestamps import http_date

__all__ = ["WEBHOOK_EVENTS", "WORKFLOW_EVENTS", "connection_event", "workflow_event"]

ConnectionEventName = Literal["Connection Created", "Connection Deleted", "Connection Expired"]
WorkflowEventName = Literal["Workflow Completed", "Workflow Errored", "Workflow Stopped", "Workflow Timed Out"]

WORKFLOW_EVENTS: Final = frozenset[str](get_args(WorkflowEventName))
WEBHOOK_EVENTS: Final = WORKFLOW_EVENTS.union(get_args(ConnectionEventName))


def connection_event(
    event: ConnectionEventName,
    *,
    linked_account_id: str,
    slug: str,
    type: str = "General",  # noqa: A002 - the name of the field
    org_id: str = ORGANISATION_ID,
    environment: str = ENVIRONMENT,
    created_at: str | None = None,
) -> dict[str, Any]:
    """Return the event about a linked account's connection to an app, as Refold sends it.

    Args:
        event: What happened.
        linked_account_id: The linked account.
        slug: The app.
        type: The kind of the event.
        org_id: The organisation.
        environment: `test` or `production`.
        created_at: When it happened, such as `Tue, 07 Nov 2023 08:03:27 GMT`; None uses the mock's fixed start time.
    """
    return {
        "linked_account_id": linked_account_id,
        "org_id": org_id,
        "environment": environment,
        "type": type,
        "event": event,
        "slug": slug,
        "createdAt": created_at or http_date(),
    }


def workflow_event(
    event: WorkflowEventName,
    *,
    linked_account_id: str,
    workflow_id: str,
    instance_id: str,
    workflow_name: str,
    config_id: str | None = None,
    status: str | None = None,
) -> dict[str, Any]:
    """Return the event about the end of an execution, as Refold sends it.

    Args:
        event: What happened.
        linked_account_id: The linked account that the workflow ran for.
        workflow_id: The workflow.
        instance_id: The execution.
        workflow_name: The workflow's display name.
        config_id: The config it belongs to; None uses the linked account id.
        status: The status of the execution; None uses the one that matches the event, such as `TIMED_OUT`.
    """
    return {
        "linked_account_id": linked_account_id,
        "instance_id": instance_id,
        "workflow_id": workflow_id,
        "config_id": config_id or linked_account_id,
        "event": event,
        "workflow_name": workflow_name,
        "status": status or event.removeprefix("Workflow ").replace(" ", "_").upper(),
    }
