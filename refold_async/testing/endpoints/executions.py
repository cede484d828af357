"""Executions: watch them, stop them, run them again."""

from collections.abc import Mapping
from typing import Final

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.pagination import page_number_and_limit, paginate
from refold_async.testing.protocol.replies import Refused, Reply, json_reply
from refold_async.testing.state.execution import MockExecution

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="linked account", error_field="error")
_EXECUTION: Final = "/api/v2/public/execution"

_FINAL: Final = frozenset({"COMPLETED", "DUPLICATE", "ERRORED", "STOPPED", "TIMED_OUT"})


@GROUP.route("GET", _EXECUTION)
async def list_executions(call: EndpointCall) -> Reply:
    """List the account's executions, newest first, a page at a time."""
    page, limit = page_number_and_limit(call.query)
    found = [execution for execution in call.state.executions.of(call.account) if _matches(execution, call.query)]
    if call.query.get("sortAsc", "").lower() != "true":
        found.reverse()
    document = paginate(found, page, limit)
    document["docs"] = [execution.summary() for execution in document["docs"]]
    return json_reply(document)


@GROUP.route("GET", _EXECUTION + "/{execution_id}")
async def get_execution(call: EndpointCall) -> Reply:
    """Return one execution with its nodes."""
    return json_reply(_execution(call).document())


@GROUP.route("POST", _EXECUTION + "/{execution_id}/stop")
async def stop_execution(call: EndpointCall) -> Reply:
    """Stop an execution that runs."""
    execution = _execution(call)
    if execution.finished is not None or execution.status in _FINAL:
        raise Refused(400, f"Execution {execution.execution_id} is not running", "EXECUTION_NOT_RUNNING")
    execution.end("STOPPED", error={"message": "The execution was stopped"})
    return json_reply({"message": "Execution stopped"})


@GROUP.route("POST", _EXECUTION + "/{execution_id}/rerun")
async def rerun_execution(call: EndpointCall) -> Reply:
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


@GROUP.route("GET", _EXECUTION + "/{execution_id}/nodes/{node_id}/batches")
async def list_node_batches(call: EndpointCall) -> Reply:
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


def _execution(call: EndpointCall) -> MockExecution:
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
