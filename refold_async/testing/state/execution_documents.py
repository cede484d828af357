"""How the API shows executions of workflows."""

import hashlib
from typing import Any, Final

from refold_async.testing.protocol.organisation import ENVIRONMENT, ORGANISATION_ID
from refold_async.testing.protocol.timestamps import timestamp
from refold_async.testing.state.execution import MockExecution

__all__ = ["batch_documents", "execution_document", "execution_summary", "node_documents"]

_NODE_STATUS: Final = {
    "COMPLETED": "Success",
    "ERRORED": "Errored",
    "FAILED": "Failed",
    "STOPPED": "Stopped",
    "TERMINATED": "Stopped",
    "TIMED_OUT": "Timed_Out",
    "DUPLICATE": "Rejected",
}


def execution_summary(execution: MockExecution) -> dict[str, Any]:
    """Return an execution as a list shows it.

    Args:
        execution: The execution.
    """
    workflow, app = execution.workflow, execution.app
    trigger = execution.event or execution.source
    trigger_id = hashlib.sha256(trigger.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    event_id = "" if execution.event is None else trigger_id
    document: dict[str, Any] = {
        "_id": execution.execution_id,
        "name": f"Execution for workflow {workflow.workflow_id}",
        "org_id": ORGANISATION_ID,
        "environment": ENVIRONMENT,
        "status": execution.status,
        "completion_percentage": execution.percentage,
        "associated_event_id": event_id,
        "associated_application": app.reference(),
        "associated_workflow": {"_id": workflow.workflow_id, "name": workflow.name, "icon": ""},
        "associated_trigger_application": {
            **app.reference(),
            "app_type": app.type,
            "origin_trigger": {"_id": trigger_id, "name": trigger},
        },
        "trigger_application_event": execution.source,
        "custom_application_id": app.app_id if app.custom else "",
        "custom_trigger_id": event_id,
        "linked_account_id": execution.account.linked_account_id,
        "config_id": execution.config_id,
        "store_variables": {},
        "linked_account_data": {},
        "custom_field_values": {},
        "is_child_instance": False,
        "is_seed": False,
        "executed_by_thanos": False,
        "type_of_execution": execution.type_of_execution,
        "createdAt": execution.created_at,
        "updatedAt": timestamp(execution.number + execution.elapsed),
    }
    if execution.finished is not None:
        document["completion_time"] = document["updatedAt"]
        document["instance_execution_time"] = _milliseconds(execution)
    return document


def execution_document(execution: MockExecution) -> dict[str, Any]:
    """Return an execution with its nodes.

    Args:
        execution: The execution.
    """
    return {**execution_summary(execution), "nodes": node_documents(execution)}


def node_documents(execution: MockExecution) -> list[dict[str, Any]]:
    """Return the nodes of the workflow and their progress.

    Args:
        execution: The execution.
    """
    status = _NODE_STATUS.get(execution.status, "Waiting")
    nodes = [_node(execution, "1", "Start", "start", "Success", 0, execution.payload)]
    output = execution.return_value if execution.error is None else execution.error
    works = [("run", execution.workflow.name, "action")]
    if execution.workflow.batch_node:
        works.insert(0, ("batch", "Each item", "batch"))
    nodes += [_node(execution, *work, status, _milliseconds(execution), output) for work in works]
    return nodes


def batch_documents(execution: MockExecution) -> list[dict[str, Any]]:
    """Return the batches of the batch node: the mock processes everything in one batch.

    Args:
        execution: The execution.
    """
    status = _NODE_STATUS.get(execution.status, "Waiting")
    return [
        {"batch_index": 0, "status": status, "input_data": execution.payload, "output": execution.return_value},
    ]


def _node(
    execution: MockExecution, node_id: str, name: str, kind: str, status: str, milliseconds: int, output: Any
) -> dict[str, Any]:
    return {
        "node_id": node_id,
        "node_name": name,
        "node_type": kind,
        "node_status": status,
        "is_batch": kind == "batch",
        "attempts_made": 1,
        "maximum_attempts": 1,
        "execution_time": milliseconds,
        "input_data": execution.payload,
        "latest_output": output,
    }


def _milliseconds(execution: MockExecution) -> int:
    return round(execution.elapsed * 1000)
