"""Executions: watch them, stop them, rerun them."""

from collections.abc import Mapping
from typing import Final

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.pagination import page_number_and_limit, paginate
from refold_async.testing.protocol.replies import Refused, Reply, json_reply
from refold_async.testing.state.execution import MockExecution
from refold_async.testing.state.execution_documents import (
    batch_documents,
    execution_document,
    execution_summary,
    node_documents,
)

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="linked account", error_field="error_code")
_EXECUTION: Final = "/api/v2/public/execution"

_FINAL: Final = frozenset({"COMPLETED", "DUPLICATE", "ERRORED", "FAILED", "STOPPED", "TERMINATED", "TIMED_OUT"})


@GROUP.route("GET", _EXECUTION)
async def list_executions(call: EndpointCall) -> Reply:
    """List the account's executions, newest first, a page at a time."""
    page, limit = page_number_and_limit(call.query)
    found = [execution for execution in call.state.executions.of(call.account) if _matches(execution, call.query)]
    if call.query.get("sortAsc", "").lower() != "true":
        found.reverse()
    document = paginate(found, page, limit)
    document["docs"] = [execution_summary(execution) for execution in document["docs"]]
    return json_reply(document)


@GROUP.route("GET", _EXECUTION + "/{execution_id}")
async def get_execution(call: EndpointCall) -> Reply:
    """Return one execution with its nodes."""
    return json_reply(execution_document(_execution(call)))


@GROUP.route("GET", "/api/v1/execution/{execution_id}/response")
async def get_execution_response(call: EndpointCall) -> Reply:
    """Return the result and the status of an execution."""
    execution = _execution(call)
    return json_reply({"response": execution.return_value, "status": execution.status})


@GROUP.route("POST", _EXECUTION + "/{execution_id}/stop")
async def stop_execution(call: EndpointCall) -> Reply:
    """Stop a running execution."""
    execution = _execution(call)
    if execution.finished is not None or execution.status in _FINAL:
        raise Refused(400, "Execution is not running")
    call.state.executions.stop(execution)
    return json_reply({"message": "Stopping instance"})


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
        connection_id=earlier.connection_id,
    )
    return json_reply({"status": "success", "id": execution.execution_id})


@GROUP.route("GET", _EXECUTION + "/{execution_id}/nodes/{node_id}/batches")
async def list_node_batches(call: EndpointCall) -> Reply:
    """List the batches of a node, a page at a time."""
    execution = _execution(call)
    node_id = call.path_parameters["node_id"]
    nodes = {node["node_id"]: node for node in node_documents(execution)}
    if node_id not in nodes:
        raise Refused(404, "Node not found", "RESOURCE_NOT_FOUND")
    if not nodes[node_id]["is_batch"]:
        raise Refused(501, "Batch details are not yet available for this execution type")
    page, limit = page_number_and_limit(call.query)
    status = call.query.get("status")
    batches = [batch for batch in batch_documents(execution) if status in (None, batch["status"])]
    return json_reply(paginate(batches, page, limit))


def _execution(call: EndpointCall) -> MockExecution:
    execution_id = call.path_parameters["execution_id"]
    execution = call.state.executions.find(call.account, execution_id)
    if execution is None:
        raise Refused(404, "Execution not found", "RESOURCE_NOT_FOUND")
    return execution


def _matches(execution: MockExecution, query: Mapping[str, str]) -> bool:
    workflow = execution.workflow
    exact = {
        "status": execution.status,
        "workflow_id": workflow.workflow_id,
        "execution_id": execution.execution_id,
        "execution_type": execution.type_of_execution,
    }
    slugs = query.get("slug", workflow.slug).split(",")
    created = execution.created_at
    end = query.get("end_date", created)
    return (
        all(query.get(name, value) in (value, "All") for name, value in exact.items())
        and workflow.slug in slugs
        and _source(query.get("execution_source", execution.source)) in (_source(execution.source), "all")
        and query.get("workflow_name", "").casefold() in workflow.name.casefold()
        and query.get("start_date", created) <= created
        # A date without a time means the whole of that day.
        and end >= created[: len(end)]
    )


def _source(word: str) -> str:
    """Return one spelling of an execution's source: documents write both `API Call` and `API_CALL`."""
    return word.replace("_", " ").casefold()
