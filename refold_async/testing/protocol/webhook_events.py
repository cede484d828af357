"""The events that Refold tells the organisation's own servers."""

from typing import Any, Final, Literal, get_args

from refold_async.testing.protocol.timestamps import http_date

__all__ = ["ORGANISATION_ID", "WEBHOOK_EVENTS", "connection_event", "workflow_event"]

ConnectionEventName = Literal["Connection Created", "Connection Deleted", "Connection Expired"]
WorkflowEventName = Literal["Workflow Completed", "Workflow Errored"]

WEBHOOK_EVENTS: Final = frozenset[str](get_args(ConnectionEventName) + get_args(WorkflowEventName))
ORGANISATION_ID: Final = "63cabcc596d0d10500000000"


def connection_event(
    event: ConnectionEventName,
    *,
    linked_account_id: str,
    slug: str,
    type: str | None = None,  # noqa: A002 - the name of the field
    org_id: str = ORGANISATION_ID,
    environment: str = "test",
    created_at: str | None = None,
) -> dict[str, Any]:
    """Make the event that tells of a linked account's connection to an app.

    Args:
        event: What happened.
        linked_account_id: Whose connection it is.
        slug: The app.
        type: The app it is an instance of; the slug when None.
        org_id: The organisation.
        environment: `test` or `production`.
        created_at: When it happened, such as `Tue, 07 Nov 2023 08:03:27 GMT`; the mock's fixed start when None.
    """
    return {
        "linked_account_id": linked_account_id,
        "org_id": org_id,
        "environment": environment,
        "type": type or slug,
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
    """Make the event that tells of the end of an execution.

    Args:
        event: What happened.
        linked_account_id: Whose execution it is.
        workflow_id: What ran.
        instance_id: The execution.
        workflow_name: The workflow's name for people.
        config_id: The config it belongs to; the linked account id when None.
        status: The execution's; the one that goes with the event when None.
    """
    return {
        "linked_account_id": linked_account_id,
        "instance_id": instance_id,
        "workflow_id": workflow_id,
        "config_id": config_id or linked_account_id,
        "event": event,
        "workflow_name": workflow_name,
        "status": status or ("COMPLETED" if event == "Workflow Completed" else "ERRORED"),
    }
