"""Workflows: list them, read them, execute them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from refold_async.testing.catalogue.apps import MockWorkflow
from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.pagination import page_number_and_limit, paginate
from refold_async.testing.protocol.replies import Refused, Reply, json_reply
from refold_async.testing.protocol.timestamps import timestamp
from refold_async.testing.state.execution import MockExecution

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="linked account", error_field="error_code")
_WORKFLOW: Final = "/api/v2/public/workflow"

_SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})


@GROUP.route("GET", _WORKFLOW)
async def list_workflows(call: EndpointCall) -> Reply:
    """List workflows, a page at a time."""
    page, limit = page_number_and_limit(call.query)
    query = call.query
    catalogue, workflows = call.state.catalogue, call.account.workflows
    created = timestamp()
    found = [
        workflow
        for workflow in workflows.all()
        if query.get("slug", workflow.slug) == workflow.slug
        and query.get("application_id", app_id := catalogue.app(workflow.slug).app_id) == app_id
        and (workflow.private or query.get("scope", "").lower() != "private")
        and query.get("name", "").casefold() in workflow.name.casefold()
        and query.get("published", "").lower() in ("", "true" if workflow.published else "false")
        and query.get("start_date", created) <= created
        and query.get("end_date", created) >= created[: len(query.get("end_date", created))]
    ]
    document = paginate(found, page, limit)
    shown: list[MockWorkflow] = document["docs"]
    document["docs"] = [workflows.listed(workflow) for workflow in shown]
    document["schema"] = _merged_schema(shown)
    return json_reply(document)


@GROUP.route("GET", _WORKFLOW + "/{workflow_id}")
async def get_workflow(call: EndpointCall) -> Reply:
    """Return one workflow."""
    return json_reply(call.account.workflows.document(_workflow(call)))


@GROUP.route("GET", _WORKFLOW + "/enabled")
async def list_enabled_workflows(call: EndpointCall) -> Reply:
    """List the published workflows that the default config of their app does not disable."""
    account = call.account
    enabled = [one for one in account.workflows.all() if one.published and account.configs.enables(one)]
    return json_reply(
        [
            {
                "id": workflow.workflow_id,
                "name": workflow.name,
                "description": workflow.description,
                "icon": "",
                "config_id": account.linked_account_id,
                "application": {**app.reference(), "description": app.description},
                "createdAt": timestamp(),
                "updatedAt": timestamp(),
            }
            for workflow in enabled
            if (app := call.state.catalogue.app(workflow.slug))
        ]
    )


@GROUP.route("GET", _WORKFLOW + "/request-structure/{workflow_id}")
async def get_request_structure(call: EndpointCall) -> Reply:
    """Return the payload that a workflow expects."""
    workflow = _workflow(call)
    return json_reply(
        {"payload": workflow.payload, "schema": workflow.schema, "schema_interpreted": _interpreted(workflow.schema)}
    )


@GROUP.route("POST", _WORKFLOW + "/{workflow_id}/execute")
async def execute_workflow(call: EndpointCall) -> Reply:
    """Run a workflow; respond immediately, or after its end if `sync_execution` asks for that."""
    slug = call.headers.get("slug")
    workflow = None if slug is None else _workflow(call)
    # The slug may be empty with an id, which names one workflow; an alias belongs to its app.
    if workflow is None or not (slug or workflow.workflow_id == call.path_parameters["workflow_id"]):
        # The only refusal that does not have the usual shape.
        return json_reply({"message": "Server Error", "error": "Workflow ID and slug are required"}, 400)
    if slug and not workflow.belongs_to(slug):
        raise Refused(404, "Workflow not found")
    if not workflow.published:
        raise Refused(400, "Workflow is not published")
    executions = call.state.executions
    synchronous = call.flag("sync_execution")
    execution = executions.start(
        workflow,
        call.account,
        _payload(call.json()),
        config_id=call.headers.get("config_id"),
        instance_tag=call.headers.get("instance_tag"),
        connection_id=call.headers.get("connection_id") or None,
        synchronous=synchronous,
    )
    status = 200
    body: dict[str, Any]
    if synchronous:
        await execution.ended()
        body = _result(execution)
        status = execution.status_code or status
    else:
        body = {"message": "Workflow execution started", "execution_id": execution.execution_id}
    if call.flag("include-headers") or call.query.get("include-headers", "").lower() == "true":
        body["headers"] = {
            name.lower(): value for name, value in call.headers.items() if name.lower() not in _SECRET_HEADERS
        }
    return json_reply(body, status)


def _payload(body: Any) -> Any:
    """Take the payload out of `{"payload": ...}`; any other body is the payload itself."""
    if not isinstance(body, dict):
        return body
    fields = cast("dict[str, Any]", body)
    return fields["payload"] if fields.keys() == {"payload"} else fields


def _result(execution: MockExecution) -> dict[str, Any]:
    result: dict[str, Any] = {
        "execution_id": execution.execution_id,
        "return_value": execution.return_value,
        "errored": execution.error is not None,
        "executed_by_thanos": False,
    }
    if execution.status_code is not None:
        result["status_code"] = execution.status_code
    if execution.error is not None:
        result["execution_error"] = execution.error
    return result


def _merged_schema(workflows: Iterable[MockWorkflow]) -> dict[str, Any]:
    """Return one JSON Schema with the properties of all workflows that have a schema."""
    properties: dict[str, Any] = {}
    for workflow in workflows:
        properties |= _properties(workflow.schema)
    return {"type": "object", "properties": properties}


def _interpreted(schema: Mapping[str, Any] | None) -> dict[str, str] | None:
    """Return a JSON Schema in words, property by property."""
    if schema is None:
        return None
    kinds = {
        name: "any" if isinstance(kind, bool) else str(kind.get("type", "any"))
        for name, kind in _properties(schema).items()
    }
    required: Any = schema.get("required", ())
    return {name: f"{kind} (required)" if name in required else kind for name, kind in kinds.items()}


def _properties(schema: Mapping[str, Any] | None) -> dict[str, dict[str, Any] | bool]:
    properties: dict[str, dict[str, Any] | bool] = {} if schema is None else schema.get("properties", {})
    return properties


def _workflow(call: EndpointCall) -> MockWorkflow:
    return call.account.workflows.get(call.path_parameters["workflow_id"])
