"""The parser of the result of a workflow. Imported when the first workflow is executed."""

from typing import Any

import attrs

from refold_async.models.workflow_execution import WorkflowExecution
from refold_async.protocol.endpoints import Request
from refold_async.protocol.parsers import parse_json, structured
from refold_async.protocol.responses import SUCCESS, Response, fields_of, json_or_none, status_or_none

__all__ = ["parse_workflow_execution"]


def parse_workflow_execution(response: Response, request: Request) -> WorkflowExecution:
    """Parse the response to `execute_workflow`."""
    if request.synchronous and response.status not in SUCCESS:
        # A Response node may choose any status. A body with an execution_id comes from the workflow, not from Refold.
        value = json_or_none(response)
        if fields_of(value).get("execution_id") is not None:
            from refold_async.protocol.execution_errors import workflow_error

            raise workflow_error(_execution_of(value, response, request), response, request)
    execution = _execution_of(parse_json(response, request), response, request)
    if execution.errored:
        from refold_async.protocol.execution_errors import workflow_error

        raise workflow_error(execution, response, request)
    return execution


def _execution_of(value: Any, response: Response, request: Request) -> WorkflowExecution:
    fields = fields_of(value)
    if not request.synchronous and fields.get("execution_id") is None:
        # The return value of a synchronous workflow may have an id of its own.
        known = next((fields[name] for name in ("_id", "id", "instance_id") if fields.get(name) is not None), None)
        value = value if known is None else {**fields, "execution_id": known}
    if isinstance(fields.get("status_code"), str):
        value = {**value, "status_code": status_or_none(fields["status_code"])}
    execution: WorkflowExecution = structured(value, WorkflowExecution, "execution", response, request)
    return attrs.evolve(execution, raw=fields)
