"""Configs of apps: create, read, change and delete them, and enable their workflows."""

from collections.abc import Mapping
from typing import Any, Final, cast

from refold_async.testing.catalogue.apps import MockApp, MockWorkflow
from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.fields import ANYTHING, FLAG, OBJECT, TEXT, Fields, checked, list_of
from refold_async.testing.protocol.organisation import ORGANISATION_ID
from refold_async.testing.protocol.replies import Refused, Reply, json_reply
from refold_async.testing.state.configs import MockConfig, merged

__all__ = ["GROUP", "app_of", "config_document", "without_options", "workflow_of"]

GROUP: Final = RouteGroup(access="linked account", error_field="error_code")
_CONFIG: Final = "/api/v2/public/config"
_OF_APP: Final = "/api/v2/public/slug/{slug}/config"

_CONTENT: Final[Fields] = {
    "slug": TEXT,
    "config_id": TEXT,
    "fields": list_of(OBJECT),
    "application_data_slots": list_of(OBJECT),
    "workflows": list_of(OBJECT),
    "labels": ANYTHING,
    "map_fields_object": OBJECT,
}


@GROUP.route("POST", _CONFIG, access="linked account by key")
async def get_or_create_config(call: EndpointCall) -> Reply:
    """Return a config, and create it with the given fields and workflows if there is none."""
    body = checked(call.json_object(), _CONTENT, ("slug",))
    config, created = call.account.configs.get_or_create(app_of(call, body["slug"]), body.get("config_id"))
    if created:
        _replace(call, config, body)
    return json_reply(config_document(call, config))


@GROUP.route("PUT", _CONFIG)
async def update_config(call: EndpointCall) -> Reply:
    """Replace the fields and the workflows of a config, if they are given."""
    body = checked(call.json_object(), _CONTENT, ("slug",))
    config = call.account.configs.get(body["slug"], body.get("config_id"))
    _replace(call, config, body)
    return json_reply(config_document(call, config))


@GROUP.route("GET", _OF_APP + "/{config_id}", access="linked account by key")
async def get_config(call: EndpointCall) -> Reply:
    """Return a config."""
    tenant = checked(call.json_object(), {"tenant_config": FLAG}).get("tenant_config", False)
    slug, config_id = call.path_parameters["slug"], call.path_parameters.get("config_id")
    return json_reply(config_document(call, call.account.configs.get(slug, config_id, tenant=tenant)))


@GROUP.route("GET", _OF_APP, access="linked account by key")
async def get_default_config(call: EndpointCall) -> Reply:
    """Return the config whose id is that of the linked account."""
    return await get_config(call)


@GROUP.route("DELETE", _OF_APP + "/{config_id}", access="linked account by key")
async def delete_config(call: EndpointCall) -> Reply:
    """Delete a config."""
    configs = call.account.configs
    configs.delete(configs.get(call.path_parameters["slug"], call.path_parameters.get("config_id")))
    return json_reply({"message": "Installation Deleted Success"})


@GROUP.route("DELETE", _OF_APP, access="linked account by key")
async def delete_default_config(call: EndpointCall) -> Reply:
    """Delete the config whose id is that of the linked account."""
    return await delete_config(call)


@GROUP.route("PATCH", _OF_APP + "/{config_id}/workflows/{workflow_id}")
async def toggle_config_workflow(call: EndpointCall) -> Reply:
    """Enable or disable a workflow of a config."""
    enabled = checked(call.json_object(), {"enabled": FLAG}, ("enabled",))["enabled"]
    config = call.account.configs.get(call.path_parameters["slug"], call.path_parameters["config_id"])
    config.enabled[workflow_of(call, config.slug, call.path_parameters["workflow_id"]).workflow_id] = enabled
    documents = map(config.workflow_document, _workflows_of(call, config.slug))
    shown = ("id", "name", "description", "enabled")
    return json_reply(
        {"workflows": [{**{name: one[name] for name in shown}, "data_slots": one["fields"]} for one in documents]}
    )


@GROUP.route("GET", _OF_APP + "s")
async def list_configs(call: EndpointCall) -> Reply:
    """List the configs for an app."""
    slug = app_of(call, call.path_parameters["slug"]).slug
    return json_reply([_entry(config) for config in call.account.configs.all(slug)])


def app_of(call: EndpointCall, slug: str) -> MockApp:
    """Return an app.

    Raises:
        Refused: 404, there is none.
    """
    app = call.state.catalogue.apps.get(slug)
    if app is None:
        raise Refused(404, f"Application with app_type '{slug}' not found for org {ORGANISATION_ID}", "INVALID_APP_ID")
    return app


def config_document(call: EndpointCall, config: MockConfig) -> dict[str, Any]:
    """Return a config as the API shows it; without the options of its fields if the request says so."""
    workflows = [config.workflow_document(workflow) for workflow in _workflows_of(call, config.slug)]
    return {
        "slug": config.slug,
        "config_id": config.config_id,
        "field_errors": [],
        "fields": [without_options(call, field) for field in config.fields],
        "workflows": [
            {**workflow, "fields": [without_options(call, field) for field in workflow["fields"]]}
            for workflow in workflows
        ],
    }


def without_options(call: EndpointCall, field: Mapping[str, Any]) -> dict[str, Any]:
    """Return a field; without its options if the request says so."""
    left_out = "options" if call.flag("disable_field_options") else None
    return {name: value for name, value in field.items() if name != left_out}


def workflow_of(call: EndpointCall, slug: str, workflow_id: str) -> MockWorkflow:
    """Return a workflow that the configs of an app have.

    Raises:
        Refused: 404, there is none.
    """
    workflow = call.account.workflows.get(workflow_id)
    if workflow.slug != slug or not workflow.published:
        raise Refused(404, "Workflow not found")
    return workflow


def _workflows_of(call: EndpointCall, slug: str) -> list[MockWorkflow]:
    """Return the workflows that the configs of an app have: the published ones."""
    return [workflow for workflow in call.account.workflows.all() if workflow.published and workflow.slug == slug]


def _entry(config: MockConfig) -> dict[str, Any]:
    marker = {"tenant_config": True} if config.tenant_config else {}
    return {"_id": config.installation_id, "config_id": config.config_id, **marker}


def _replace(call: EndpointCall, config: MockConfig, body: Mapping[str, Any]) -> None:
    """Replace what of a config is given, under either of its names, after checking all of it."""
    fields = body.get("fields", body.get("application_data_slots"))
    workflows: list[dict[str, Any]] | None = body.get("workflows")
    new_fields = None if fields is None else merged(app_of(call, config.slug).config_fields, _with_ids(fields))
    enabled: dict[str, bool] = {}
    workflow_fields: dict[str, list[dict[str, Any]]] = {}
    for given in workflows or ():
        workflow = workflow_of(call, config.slug, str(given.get("id")))
        chosen = checked(given, {"enabled": FLAG, "fields": list_of(OBJECT), "data_slots": list_of(OBJECT)})
        enabled[workflow.workflow_id] = chosen.get("enabled", True)
        own = _with_ids(chosen.get("fields", chosen.get("data_slots", [])))
        workflow_fields[workflow.workflow_id] = merged(workflow.config_fields, own)
    if new_fields is not None:
        config.fields = new_fields
    if workflows is not None:
        config.enabled, config.workflow_fields = enabled, workflow_fields
    labels = body.get("map_fields_object", body.get("labels"))
    if labels is not None:
        config.map_labels(labels)


def _with_ids(fields: Any) -> list[dict[str, Any]]:
    given = cast("list[dict[str, Any]]", fields)
    if not all(isinstance(field.get("id"), str) for field in given):
        raise Refused(400, "fields must have an id")
    return given
