"""Workflows that belong to one linked account: create, publish, unpublish and delete them."""

from typing import Any, Final

from refold_async.testing.catalogue.apps import MockWorkflow
from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.pagination import page_number_and_limit, paginate
from refold_async.testing.protocol.replies import Refused, Reply, json_reply

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="linked account", error_field="error_code")
_WORKFLOW: Final = "/api/v2/public/workflow"


@GROUP.route("POST", _WORKFLOW)
async def create_workflow(call: EndpointCall) -> Reply:
    """Create the draft of a workflow that only this account has."""
    body = call.json_object()
    name = _text(body, "name")
    description = _text(body, "description") if body.get("description") else ""
    workflows = call.account.workflows
    draft = workflows.create(name, _slug(call, body), description)
    return json_reply({"workflow": workflows.listed(draft.workflow)})


@GROUP.route("GET", _WORKFLOW + "/{workflow_id}/edit")
async def get_workflow_draft(call: EndpointCall) -> Reply:
    """Return the draft in which a workflow is edited."""
    workflows = call.account.workflows
    return json_reply(workflows.draft_document(workflows.draft_of(_workflow(call))))


@GROUP.route("PUT", _WORKFLOW + "/{workflow_id}/publish", access="private workflow")
async def publish_workflow(call: EndpointCall) -> Reply:
    """Publish a draft, or unpublish a published workflow; each needs a different kind of id."""
    body = call.json_object()
    published = body.get("published")
    if not isinstance(published, bool):
        raise Refused(400, "published must be true or false", "VALIDATION_ERROR")
    return json_reply(call.account.workflows.document(_publish(call, body) if published else _unpublish(call)))


@GROUP.route("GET", _WORKFLOW + "/versions/{workflow_id}")
async def list_workflow_versions(call: EndpointCall) -> Reply:
    """List the versions of a workflow, newest first, a page at a time; for a draft, the versions published from it."""
    page, limit = page_number_and_limit(call.query)
    workflows, workflow = call.account.workflows, _workflow(call)
    draft = workflows.find_draft(workflow.workflow_id)
    if draft is not None and draft.published_as is not None:
        workflow = workflows.get(draft.published_as)
    versions = workflows.versions(workflow.workflow_id)
    document = paginate(versions[::-1], page, limit)
    document["docs"] = [workflows.version_document(workflow, version) for version in document["docs"]]
    return json_reply(document)


@GROUP.route("DELETE", _WORKFLOW + "/{workflow_id}", access="private workflow")
async def delete_workflow(call: EndpointCall) -> Reply:
    """Delete a workflow with its drafts and versions, or only a draft.

    A workflow of the catalogue is deleted only for this account.
    """
    workflows, workflow_id = call.account.workflows, call.path_parameters["workflow_id"]
    draft = workflows.find_draft(workflow_id)
    if workflows.is_version(workflow_id):
        raise Refused(400, "Workflow is a version workflow.")
    if draft is None:
        workflows.delete(_workflow(call))
    else:
        workflows.delete_draft(draft)
    return json_reply({"success": True, "triggers_deregistered": True})


def _publish(call: EndpointCall, body: dict[str, Any]) -> MockWorkflow:
    number: Any = body.get("version")
    description = _text(body, "description") if body.get("description") else None
    if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 1):
        raise Refused(400, "version must be a positive whole number", "VALIDATION_ERROR")
    workflows, workflow_id = call.account.workflows, _workflow(call).workflow_id
    draft = workflows.find_draft(workflow_id)
    if draft is None:
        raise Refused(400, "Only drafts can be published", "INVALID_WORKFLOW_ID")
    earlier = [] if draft.published_as is None else workflows.versions(draft.published_as)
    if number in [version.number for version in earlier]:
        raise Refused(400, f"Version {number} exists already", "VALIDATION_ERROR")
    return workflows.publish(draft, number, description)


def _unpublish(call: EndpointCall) -> MockWorkflow:
    workflows, workflow_id = call.account.workflows, call.path_parameters["workflow_id"]
    if workflows.is_version(workflow_id) or not _workflow(call).published:  # a draft is never published
        raise Refused(400, "Only public and published workflows can be unpublished", "INVALID_WORKFLOW_ID")
    return workflows.unpublish(_workflow(call))


def _slug(call: EndpointCall, body: dict[str, Any]) -> str:
    """Return the app that a new workflow will belong to, named by slug, by id, or not at all."""
    catalogue = call.state.catalogue
    app_id = body.get("associated_application")
    if "slug" in body or app_id is None:
        slug = _text(body, "slug") if "slug" in body else catalogue.default_app.slug
        known = slug in (*catalogue.apps, catalogue.default_app.slug)
    else:
        slug = next((app.slug for app in catalogue.apps.values() if app.app_id == app_id), str(app_id))
        known = slug in catalogue.apps
    if not known:
        raise Refused(404, f"Application app_type '{slug}' not found")
    return slug


def _workflow(call: EndpointCall) -> MockWorkflow:
    return call.account.workflows.get(call.path_parameters["workflow_id"])


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(400, f"{name} is required and must be a string", "VALIDATION_ERROR")
    return value
