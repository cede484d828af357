"""Connections: links that connect apps, the linked account of a session token, and disconnecting."""

from typing import Final
from urllib.parse import quote, urlencode

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.replies import Refused, Reply, json_reply
from refold_async.testing.state.connections import AppConnections

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="linked account", error_field="error", account_in_query=True)
_INTEGRATION: Final = "/api/v2/public/linked-account/integration"


@GROUP.route("POST", "/api/v2/public/connect-url", access="session token")
async def create_connect_url(call: EndpointCall) -> Reply:
    """Make a link to the page that connects the account's apps, and keep the body for it."""
    _check_account(call)
    link = call.state.connect_links.make(call.account, properties=call.json_object())
    config_id = call.query.get("config_id")
    query = "" if config_id is None else f"?{urlencode({'config_id': config_id})}"
    return json_reply({"hosted_url": f"{call.state.base_url}/connect/{link.token}{query}"})


@GROUP.route("GET", "/api/v2/public/hosted-properties", access="session token")
async def get_hosted_properties(call: EndpointCall) -> Reply:
    """Return what was stored with the newest link of the account; nothing if there is none."""
    return json_reply(call.state.connect_links.newest_properties(call.account))


@GROUP.route("GET", _INTEGRATION + "/oauth-url/{slug}")
async def get_oauth_url(call: EndpointCall) -> Reply:
    """Make a link to the page on which the app asks its user to allow the connection."""
    app = _app(call).app
    if app.auth_type != "oauth2":
        raise Refused(400, f"Application {app.slug} does not support OAuth2", "VALIDATION_ERROR")
    link = call.state.connect_links.make(call.account, slug=app.slug)
    query = urlencode({**call.query, "client_id": "mock", "response_type": "code", "state": link.token})
    return json_reply({"auth_url": f"{call.state.base_url}/oauth/{quote(app.slug, safe='')}/authorize?{query}"})


@GROUP.route("DELETE", _INTEGRATION + "/{slug}")
async def delete_integration(call: EndpointCall) -> Reply:
    """Disconnect an app, or only its connections with one kind of authentication."""
    _check_account(call)
    connections, auth_type = _app(call), call.query.get("auth_type")
    kept = [one for one in connections.all if auth_type is not None and one.auth_type != auth_type]
    if len(kept) == len(connections.all):
        raise Refused(404, f"Integration {connections.app.slug} not found for the linked account")
    connections.all[:] = kept
    call.account.changes += 1
    return json_reply(call.account.document())


@GROUP.route("GET", "/api/v2/public/session/active-linked-account", access="session token")
async def get_active_linked_account(call: EndpointCall) -> Reply:
    """Return the linked account of a session token."""
    return json_reply(call.account.document())


def _check_account(call: EndpointCall) -> None:
    """Refuse a request whose query does not name the linked account that it is for."""
    if call.query.get("linked_account_id") != call.account.linked_account_id:
        message = "linked_account_id is required in the query, and must be the account that the request is for"
        raise Refused(400, message, "INVALID_LINKED_ACCOUNT_ID")


def _app(call: EndpointCall) -> AppConnections:
    slug = call.path_parameters["slug"]
    if slug not in call.state.catalogue.apps:
        raise Refused(404, f"Application with app_type '{slug}' not found")
    return call.account.app_connections(slug)
