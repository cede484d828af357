"""MCP servers of the organisation. The mock keeps them, and does not serve the Model Context Protocol."""

from typing import Any, Final

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.fields import FLAG, OBJECT, TEXT, Fields, checked, list_of
from refold_async.testing.protocol.organisation import ENVIRONMENT, ORGANISATION_ID
from refold_async.testing.protocol.pagination import page_number_and_limit, paginate
from refold_async.testing.protocol.replies import Refused, Reply, json_reply
from refold_async.testing.state.documents import Documents

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="organisation or session token", error_field="error_code")
_SERVERS: Final = "/api/v2/public/mcp-servers"

_NAMES: Final[Fields] = {"name": TEXT, "description": TEXT}
_FIELDS: Final[Fields] = {
    **_NAMES,
    "associated_apps": list_of(OBJECT),
    "suggestions": list_of(OBJECT),
    "agent_name": TEXT,
    "primary_color": TEXT,
    "secondary_color": TEXT,
    "chains": list_of(OBJECT),
    "base_prompt": TEXT,
    "safe_mode": FLAG,
}


@GROUP.route("GET", _SERVERS)
async def list_mcp_servers(call: EndpointCall) -> Reply:
    """List the servers, newest first, a page at a time."""
    return json_reply(paginate(_servers(call).all()[::-1], *page_number_and_limit(call.query)))


@GROUP.route("POST", _SERVERS)
async def create_mcp_server(call: EndpointCall) -> Reply:
    """Create a server, and return its id, name and description."""
    servers = _servers(call)
    names = checked(call.json_object(), _NAMES, ("name", "description"))
    server = servers.create(
        {
            **names,
            "associated_org_id": ORGANISATION_ID,
            "environment": ENVIRONMENT,
            "associated_apps": [],
            "chains": [],
            "suggestions": [],
            "notebooks": [],
        }
    )
    return json_reply({name: server[name] for name in ("_id", *names)}, 201)


@GROUP.route("GET", _SERVERS + "/{mcp_server_id}")
async def get_mcp_server(call: EndpointCall) -> Reply:
    """Return one server."""
    return json_reply(_server(call))


@GROUP.route("PUT", _SERVERS + "/{mcp_server_id}")
async def update_mcp_server(call: EndpointCall) -> Reply:
    """Change the given fields of a server."""
    server = _server(call)
    return json_reply(_servers(call).change(server, checked(call.json_object(), _FIELDS)))


@GROUP.route("DELETE", _SERVERS + "/{mcp_server_id}")
async def delete_mcp_server(call: EndpointCall) -> Reply:
    """Delete a server."""
    _servers(call).delete(_server(call))
    return Reply(204, b"", content_type=None)


def _server(call: EndpointCall) -> dict[str, Any]:
    server = _servers(call).find(call.path_parameters["mcp_server_id"])
    if server is None:
        raise Refused(404, "MCPEntry not found")
    return server


def _servers(call: EndpointCall) -> Documents:
    """Return the servers of the organisation. With an API key, a request must name a linked account too."""
    if call.linked_account is None:
        linked_account_id = call.headers.get("linked_account_id")
        if not linked_account_id:
            message = "Linked account id is required with API Key, for this resource"
            raise Refused(404, message, "MISSING_REQUIRED_FIELD")
        accounts = call.state.accounts
        if accounts.find(linked_account_id) is None:
            raise Refused(400, accounts.unknown(linked_account_id), "INVALID_LINKED_ACCOUNT_ID", error_field="error")
    return call.state.documents("MCP server")
