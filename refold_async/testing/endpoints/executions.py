"""Executions: watch them, stop them, run them again."""

from collections.abc import Mapping
from typing import Final

from refold_async.testing.call import Call
from refold_async.testing.execution import MockExecution
from refold_async.testing.pagination import page_number_and_limit, paginate
from refold_async.testing.replies import Refused, Reply, json_reply

__all__ = ["get_execution", "list_executions", "list_node_batches", "rerun_execution", "stop_execution"]

_FINAL: Final = frozenset({"COMPLETED", "DUPLICATE", "ERRORED", "STOPPED", "TIMED_OUT"})


async def list_executions(call: Call) -> Reply:
    """List the account's executions, newest first, a page at a time."""
    page, limit = page_number_and_limit(call.query)
    found = [execution for execution in call.state.executions.of(call.account) if _matches(execution, call.query)]
    if call.query.get("sortAsc", "").lower() != "true":
        found.reverse()
    answer = paginate(found, page, limit)
    answer["docs"] = [execution.summary() for execution in answer["docs"]]
    return json_reply(answer)


async def get_execution(call: Call) -> Reply:
    """Answer one execution with its nodes."""
    return json_reply(_execution(call).document())


async def stop_execution(call: Call) -> Reply:
    """Stop an execution that runs."""
    execution = _execution(call)
    if execution.finished is not None or execution.status in _FINAL:
        raise Refused(400, f"Execution {execution.execution_id} is not running", "EXECUTION_NOT_RUNNING")
    execution.end("STOPPED", error={"message": "The execution was stopped"})
    return json_reply({"message": "Execution stopped"})


async def rerun_execution(call: Call) -> Reply:
    """Start a new execution with the payload of an earlier one."""
    earlier = _execution(call)
    execution = call.state.executions.start(
        earlier.workflow,
        earlier.account,
        earlier.payload,
        config_id=earlier.config_id,
        instance_tag=earlier.instance_tag,
    )
    return json_reply({"status": execution.status, "id": execution.execution_id})


async def list_node_batches(call: Call) -> Reply:
    """List the batches of a node, a page at a time."""
    execution = _execution(call)
    node_id = call.path_parameters["node_id"]
    nodes = {node["node_id"]: node for node in execution.nodes()}
    if node_id not in nodes:
        raise Refused(404, f"Node {node_id} not found", "RESOURCE_NOT_FOUND")
    if not nodes[node_id]["is_batch"]:
        raise Refused(501, f"Node {node_id} does not run in batches", "NOT_IMPLEMENTED")
    page, limit = page_number_and_limit(call.query)
    return json_reply(paginate(execution.batches(), page, limit))


def _execution(call: Call) -> MockExecution:
    execution_id = call.path_parameters["execution_id"]
    execution = call.state.executions.find(call.account, execution_id)
    if execution is None:
        raise Refused(404, f"Execution {execution_id} not found", "RESOURCE_NOT_FOUND")
    return execution


def _matches(execution: MockExecution, query: Mapping[str, str]) -> bool:
    workflow = execution.workflow
    exact = {
        "status": execution.status,
        "slug": workflow.slug,
        "workflow_id": workflow.workflow_id,
        "execution_id": execution.execution_id,
        "execution_type": execution.type_of_execution,
        "execution_source": execution.source,
    }
    created = execution.created_at
    end = query.get("end_date", created)
    return (
        all(query.get(name, value) in (value, "All") for name, value in exact.items())
        and query.get("workflow_name", "").casefold() in workflow.name.casefold()
        and query.get("start_date", created) <= created
        # A date without a time means the whole of that day.
        and end >= created[: len(end)]
    )
