"""Applications: which apps there are, and whether the linked account is connected."""

from typing import Any, Final

from refold_async.testing.catalogue.apps import MockApp
from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.replies import Refused, Reply, json_reply
from refold_async.testing.protocol.timestamps import timestamp
from refold_async.testing.state.accounts import MockAccount

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="linked account", error_field="error_code")


@GROUP.route("GET", "/api/v2/public/application")
async def list_applications(call: EndpointCall) -> Reply:
    """List the apps and the state of the account's connection to each."""
    query = call.query
    tags = {tag for tag in query.get("tags", "").split(",") if tag}
    return json_reply(
        [
            _document(app, call.account)
            for app in call.state.catalogue.apps.values()
            if query.get("slug", app.slug) == app.slug
            and query.get("auth_type", app.auth_type) == app.auth_type
            and (not tags or not tags.isdisjoint(app.tags))
        ]
    )


@GROUP.route("GET", "/api/v2/public/application/{slug}")
async def get_application(call: EndpointCall) -> Reply:
    """Return one app and the state of the account's connection to it."""
    slug = call.path_parameters["slug"]
    app = call.state.catalogue.apps.get(slug)
    if app is None:
        raise Refused(404, f"Application app_type '{slug}' not found", "APPLICATION_NOT_FOUND")
    return json_reply(_document(app, call.account))


def _document(app: MockApp, account: MockAccount) -> dict[str, Any]:
    connection = account.connection(app.slug)
    connected_account = {
        "identifier": account.linked_account_id,
        "connectedAt": timestamp(),
        "status": "expired" if connection == "expired" else "active",
        "auth_type": app.auth_type,
    }
    return {
        "app_id": app.app_id,
        "name": app.name,
        "slug": app.slug,
        "type": app.slug,
        "auth_type": app.auth_type,
        "auth_type_options": {app.auth_type: []},
        "tags": list(app.tags),
        "connected": connection != "disconnected",
        "reauth_required": connection == "expired",
        "connected_accounts": [] if connection == "disconnected" else [connected_account],
    }
