"""Applications: the existing apps, and whether the linked account is connected to them."""

from typing import Final

from refold_async.testing.catalogue.apps import MockApp
from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.organisation import ORGANISATION_ID
from refold_async.testing.protocol.replies import Refused, Reply, json_reply

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="linked account", error_field="error", account_in_query=True)
_APPLICATION: Final = "/api/v2/public/application"
_FOR_BROWSERS: Final = "/api/v2/f-sdk/application"


@GROUP.route("GET", _APPLICATION, also=(_FOR_BROWSERS,))
async def list_applications(call: EndpointCall) -> Reply:
    """List the apps and the account's connections to each."""
    slug = call.query.get("slug")
    found = [app for app in _matching(call) if slug in (None, app.slug)]
    return json_reply([call.account.app_connections(app.slug).application() for app in found])


@GROUP.route("GET", _APPLICATION + "/{slug}", also=(_FOR_BROWSERS + "/{slug}",))
async def get_application(call: EndpointCall) -> Reply:
    """Return one app and the account's connections to it."""
    slug = call.path_parameters["slug"]
    if slug not in [app.slug for app in _matching(call)]:
        raise Refused(
            404,
            f"Application with app_type '{slug}' not found for org {ORGANISATION_ID}",
            "EXTERNAL_API_FAILURE",
            error_type="EXTERNAL_API_ERROR",
        )
    return json_reply(call.account.app_connections(slug).application())


def _matching(call: EndpointCall) -> list[MockApp]:
    """Return the apps that match the query's filters."""
    query = call.query
    tags = {tag for tag in query.get("tags", "").split(",") if tag}
    ecosystem = query.get("ecosystem", "").lower()
    return [
        app
        for app in call.state.catalogue.apps.values()
        if query.get("auth_type", app.auth_type) == app.auth_type
        and (not tags or not tags.isdisjoint(app.tags))
        and ecosystem in ("", "true" if app.ecosystem else "false")
    ]
