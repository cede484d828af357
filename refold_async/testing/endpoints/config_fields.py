"""Fields of configs: read them, set their values, and find the options of rules."""

from typing import Any, Final

from refold_async.testing.endpoints.configs import app_of, config_document, without_options, workflow_of
from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.fields import ANYTHING, OBJECT, checked
from refold_async.testing.protocol.replies import Refused, Reply, json_reply
from refold_async.testing.state.configs import MockConfig

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="linked account", error_field="error_code")
_FIELD: Final = "/api/v2/public/config/field"
_OPERATORS: Final = {
    "name": "Operator",
    "type": "select",
    "options": [{"name": "is", "value": "eq"}, {"name": "is not", "value": "ne"}],
}


@GROUP.route("POST", _FIELD)
async def get_config_fields(call: EndpointCall) -> Reply:
    """Return the fields of an app and of its workflows, with their values in the default config if there is one."""
    app = app_of(call, _slug(call))
    configs = call.account.configs
    config = configs.find(app.slug)
    document = config_document(call, config or configs.without_values(app))
    if config is None:
        del document["config_id"]
    return json_reply(document)


@GROUP.route("POST", _FIELD + "/{field_id}")
async def get_config_field(call: EndpointCall) -> Reply:
    """Return a field. Its options do not depend on the value that is sent."""
    checked(call.json_object(), {"value": ANYTHING})
    return json_reply(without_options(call, _field(call, _config_to_read(call))))


@GROUP.route("PUT", _FIELD + "/{field_id}")
async def update_config_field(call: EndpointCall) -> Reply:
    """Set the value of a field."""
    value = call.json_object().get("value")
    field = _field(call, _config(call))
    field["value"] = value
    return json_reply(without_options(call, field))


@GROUP.route("DELETE", _FIELD + "/{field_id}")
async def clear_config_field(call: EndpointCall) -> Reply:
    """Delete the value of a field."""
    field = _field(call, _config(call))
    field.pop("value", None)
    return json_reply(without_options(call, field))


@GROUP.route("POST", "/api/v2/public/config/rule-engine/{field_id}")
async def get_rule_options(call: EndpointCall) -> Reply:
    """Return the columns of a rule engine and, if one of them is given, what a rule about it consists of."""
    given = checked(call.json_object(), {"rule_column": OBJECT}, ("rule_column",))["rule_column"]
    field = _field(call, _config_to_read(call))
    columns: list[dict[str, Any]] = field.get("rule_columns", [])
    if field.get("field_type") != "rule_engine" or not columns:
        raise Refused(400, f"Field with id {field['id']} is not of type rule engine or has undefined columns")
    answer: dict[str, Any] = {"options": [{"name": column["name"], "value": column["id"]} for column in columns]}
    for column in columns:
        if column["id"] in (given.get("id"), given.get("lhs")):
            options = column.get("options", [])
            right = {"name": column["name"], "type": "select" if options else "text", "options": options}
            answer["rule_column"] = {"rhs": right, "operator": _OPERATORS}
    return json_reply(answer)


def _slug(call: EndpointCall) -> str:
    slug = call.headers.get("slug")
    if not slug:
        raise Refused(400, "slug is required")
    return slug


def _config(call: EndpointCall) -> MockConfig:
    return call.account.configs.get(_slug(call), call.query.get("config_id"))


def _config_to_read(call: EndpointCall) -> MockConfig:
    """Return the config, or one without values if there is none and the request names none."""
    configs, slug = call.account.configs, _slug(call)
    if "config_id" in call.query or configs.find(slug) is not None:
        return _config(call)
    return configs.without_values(app_of(call, slug))


def _field(call: EndpointCall, config: MockConfig) -> dict[str, Any]:
    """Return a field of a config: of the workflow that the request names, or of the app."""
    workflow_id, field_id = call.query.get("workflow_id"), call.path_parameters["field_id"]
    workflow = None if workflow_id is None else workflow_of(call, config.slug, workflow_id)
    for field in config.fields_of(workflow):
        if field["id"] == field_id:
            return field
    raise Refused(400, f"Field with id {field_id} not found")
