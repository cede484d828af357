"""Credentials that are stored for a linked account, and which credentials an app needs."""

from collections.abc import Mapping
from typing import Any, Final, cast

from refold_async.testing.catalogue.apps import MockApp
from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.fields import ANYTHING, OBJECT, TEXT, checked
from refold_async.testing.protocol.replies import Refused, Reply, json_reply
from refold_async.testing.state.documents import Documents

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="linked account", error_field="error", account_in_query=True)
_KEY: Final = "/api/v2/public/linked-account/default-app/auth-credentials/{key}"
_OAUTH2: Final[Mapping[str, Any]] = {
    "access_token": "string",
    "refresh_token": "string",
    "client_id": {"type": "string", "required": False},
    "client_secret": {"type": "string", "required": False},
}


@GROUP.route("PUT", _KEY)
async def upsert_default_app_credential(call: EndpointCall) -> Reply:
    """Add or replace a credential of the default app."""
    value = str(checked(call.json_object(), {"value": ANYTHING}, ("value",))["value"])
    key, credentials = call.path_parameters["key"], _default_app_credentials(call)
    found = credentials.all(key_name=key)
    if found:
        credentials.change(found[0], {"key_value": value})
    else:
        credentials.create({"key_name": key, "key_value": value})
    action = "updated" if found else "added"
    return json_reply({"success": True, "message": f"Auth credential '{key}' {action} successfully", "action": action})


@GROUP.route("DELETE", _KEY)
async def delete_default_app_credential(call: EndpointCall) -> Reply:
    """Delete a credential of the default app."""
    key, credentials = call.path_parameters["key"], _default_app_credentials(call)
    found = credentials.all(key_name=key)
    if not found:
        raise Refused(404, f"Auth credential key '{key}' not found", "RESOURCE_NOT_FOUND")
    credentials.delete(found[0])
    return json_reply({"success": True, "message": f"Auth credential '{key}' deleted successfully"})


@GROUP.route(
    "PUT",
    "/api/v2/public/linked-account/integration/save-key-credentials/{slug}",
    access="linked account by key",
)
async def save_key_credentials(call: EndpointCall) -> Reply:
    """Connect an app that uses keys. It refuses credentials without one that it needs."""
    credentials, app = call.json_object(), _app(call, call.path_parameters["slug"])
    if "keybased" not in _structure(app):
        raise Refused(400, f"Application {app.slug} does not support key based authentication", "VALIDATION_ERROR")
    _verify(app, "keybased", credentials)
    call.account.connect(app.slug)
    return json_reply({"success": True})


@GROUP.route("PUT", "/api/v2/public/migrate-token", access="linked account by key")
async def migrate_token(call: EndpointCall) -> Reply:
    """Connect an app with credentials of any type. Some refusals have the status of a success."""
    body = checked(call.json_object(), {"slug": TEXT, "auth_object": OBJECT}, ("slug", "auth_object"))
    app, auth_object = _app(call, body["slug"]), cast("dict[str, Any]", body["auth_object"])
    if app.custom:
        return json_reply({"error": "Custom apps are not supported for this endpoint."})
    if len(auth_object) != 1:
        return json_reply({"error": "auth_object must have exactly one auth type."})
    [(auth_type, credentials)] = auth_object.items()
    if auth_type not in _structure(app) or not isinstance(credentials, dict):
        return json_reply({"error": f"Auth type {auth_type} is not supported for {app.slug}."})
    _verify(app, auth_type, cast("dict[str, Any]", credentials))
    call.account.connect(app.slug)
    return json_reply({"success": True, "message": "Token migrated successfully"})


@GROUP.route("GET", "/api/v2/public/auth-structure/{slug}", access="anybody")
async def get_auth_structure(call: EndpointCall) -> Reply:
    """Return which credentials an app needs, by the type of authentication; none for a custom app."""
    slug = call.path_parameters["slug"]
    app = call.state.catalogue.apps.get(slug)
    if app is None:
        return json_reply({"error": "SERVER_ERROR", "message": f"Schema not found for integration type: {slug}"}, 500)
    return json_reply({} if app.custom else _structure(app))


def _default_app_credentials(call: EndpointCall) -> Documents:
    """Return the credentials of the default app, to which the account must be connected."""
    account = call.account
    if not account.connections(call.state.catalogue.default_app.slug):
        message = f"Default app integration not found for linked account {account.linked_account_id}"
        raise Refused(404, message, "RESOURCE_NOT_FOUND")
    return account.documents("default app credential")


def _app(call: EndpointCall, slug: str) -> MockApp:
    app = call.state.catalogue.apps.get(slug)
    if app is None:
        raise Refused(404, f"Application with app_type '{slug}' not found")
    return app


def _structure(app: MockApp) -> dict[str, Any]:
    if app.auth_type == "oauth2":
        return {"oauth2": _OAUTH2}
    optional = {"type": "string", "required": False}
    return {app.auth_type: {field["name"]: "string" if field["required"] else optional for field in app.auth_fields}}


def _verify(app: MockApp, auth_type: str, credentials: Mapping[str, Any]) -> None:
    """Refuse credentials as an app does that checks them: one that it needs must not be missing or empty."""
    needed = (name for name, kind in _structure(app)[auth_type].items() if kind == "string")
    missing = next((name for name in needed if not credentials.get(name)), None)
    if missing is not None:
        raise Refused(500, f"Failed to verify credentials: {missing} is missing")
