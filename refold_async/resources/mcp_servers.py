"""`account.mcp_servers`: the MCP servers that Refold hosts. To serve tools yourself, see `account.tools()`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from refold_async.config.settings import Timeout
from refold_async.models.confirmations import Confirmation
from refold_async.models.mcp_servers import MCPServer
from refold_async.protocol.arguments import flag, line, list_of, mapping, text
from refold_async.protocol.endpoints import Endpoint
from refold_async.protocol.pages import Listing
from refold_async.protocol.parsers import parse_model, parse_told
from refold_async.resources.resource import Resource, changes

__all__ = ["MCPServers"]

_SERVER: Final = "MCP server {mcp_server_id!r}"
_CHECK_THE_ID: Final = "Check its id: mcp_servers.list() gives all MCP servers."

_LIST: Final = Endpoint("GET", "/api/v2/public/mcp-servers", "the list of MCP servers")
_CREATE: Final = Endpoint(
    "POST",
    "/api/v2/public/mcp-servers",
    "the new MCP server",
    takes={"name": line, "description": text},
    required=("name", "description"),
)
_GET: Final = Endpoint("GET", "/api/v2/public/mcp-servers/{mcp_server_id}", _SERVER, _CHECK_THE_ID)
_UPDATE: Final = Endpoint(
    "PUT",
    "/api/v2/public/mcp-servers/{mcp_server_id}",
    _SERVER,
    _CHECK_THE_ID,
    takes={
        "name": line,
        "description": text,
        "associated_apps": list_of(mapping),
        "suggestions": list_of(mapping),
        "agent_name": line,
        "primary_color": line,
        "secondary_color": line,
        "chains": list_of(mapping),
        "base_prompt": text,
        "safe_mode": flag,
    },
)
_DELETE: Final = Endpoint("DELETE", "/api/v2/public/mcp-servers/{mcp_server_id}", _SERVER, _CHECK_THE_ID)


class MCPServers(Resource):
    """The MCP servers that Refold hosts, as `account.mcp_servers`: they belong to your organisation."""

    __slots__ = ()

    def list(self, *, page_size: int = 100, timeout: Timeout | float | None = None) -> Listing[MCPServer]:
        """Iterate over the MCP servers, newest first. Refold page: *List MCP Servers*.

        Args:
            page_size: How many servers to request per page; by default 100.
            timeout: Seconds for each page, or a `Timeout`; by default the client's.

        Returns:
            The servers of your organisation, in the environment of the API key or the session token. Each is returned
            only once.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            RefoldError: A call that fetches a page failed.
        """
        return self._paginate(
            _LIST, model=MCPServer, key=lambda server: server.mcp_server_id, page_size=page_size, timeout=timeout
        )

    async def create(self, name: str, description: str, *, timeout: Timeout | float | None = None) -> MCPServer:
        """Create an MCP server, which offers nothing until you update it. Refold page: *Create MCP Server*.

        Args:
            name: The display name of the server.
            description: The purpose of the server.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The server. Refold's response contains only its id, name and description.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            BadRequestError: Refold refused the name or the description.
            RefoldError: The call failed in another way; `effect` says whether the server may have been created.
        """
        request = _CREATE.request(body={"name": name, "description": description})
        return await self._send(request, parse_model(MCPServer), timeout)

    async def get(self, mcp_server_id: str, *, timeout: Timeout | float | None = None) -> MCPServer:
        """Read one MCP server. Refold page: *Get MCP Server*.

        Args:
            mcp_server_id: The id of the server.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The server, with its chains and notebooks.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such server.
            RefoldError: The call failed in another way.
        """
        return await self._send(_GET.request(mcp_server_id), parse_model(MCPServer), timeout)

    async def update(
        self,
        mcp_server_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        associated_apps: Sequence[Mapping[str, Any]] | None = None,
        suggestions: Sequence[Mapping[str, Any]] | None = None,
        agent_name: str | None = None,
        base_prompt: str | None = None,
        safe_mode: bool | None = None,
        primary_color: str | None = None,
        secondary_color: str | None = None,
        chains: Sequence[Mapping[str, Any]] | None = None,
        timeout: Timeout | float | None = None,
    ) -> MCPServer:
        """Change an MCP server. What you do not pass remains as it is. Refold page: *Update MCP Server*.

        Args:
            mcp_server_id: The id of the server.
            name: The display name of the server.
            description: The purpose of the server.
            associated_apps: What the server offers, an object for each app, such as
                `{"slug": "hubspot", "actions": ["get_contact"], "workflows": []}`. They replace the earlier ones.
            suggestions: Prompts to suggest, such as `{"name": "Leads", "prompt": "List the new leads."}`. They replace
                the earlier ones.
            agent_name: The display name of the agent that uses the server.
            base_prompt: The prompt that the agent starts with.
            safe_mode: Whether the server is in Refold's safe mode.
            primary_color: The main colour of the agent's page, such as `#2D6CDF`.
            secondary_color: The second colour of the agent's page.
            chains: The chains of the server, as `get` returns them. They replace the earlier ones.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The server.

        Raises:
            ConfigurationError: An argument is wrong, or there is nothing to change; the message says which.
            NotFoundError: There is no such server.
            RefoldError: The call failed in another way; `effect` says whether the server may have been changed.
        """
        fields = changes(_UPDATE.taken(locals()), "name, associated_apps")
        return await self._send(_UPDATE.request(mcp_server_id, body=fields), parse_model(MCPServer), timeout)

    async def delete(self, mcp_server_id: str, *, timeout: Timeout | float | None = None) -> Confirmation:
        """Delete an MCP server. Refold page: *Delete MCP Server*.

        Args:
            mcp_server_id: The id of the server.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            A confirmation without a message: Refold's response has no body.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such server.
            RefoldError: The call failed in another way; `effect` says whether the server may have been deleted.
        """
        return await self._send(_DELETE.request(mcp_server_id), parse_told(Confirmation), timeout)
