"""MCP servers that Refold hosts."""

from typing import Any, Final

from contract.calls.call import Refused, call
from refold_async import AccountScope, AsyncRefold
from refold_async.testing import MockRefold

__all__ = ["CALLS", "REFUSED", "stage"]

_SERVERS: Final = "/api/v2/public/mcp-servers"
_APPS: Final = [{"slug": "hubspot", "actions": ["get_contact"], "workflows": ["welcome_contact"]}]
_PROMPTS: Final = [{"name": "Leads", "prompt": "List the new leads."}]
_CHAINS: Final[list[dict[str, Any]]] = [{"name": "first", "steps": []}]

# fmt: off
CALLS: Final = (
    call("account.mcp_servers.create", "CRM", "For the workflows of the CRM."),
    call("account.mcp_servers.update", "{mcp_server}", name="Sales", description="For sales.", associated_apps=_APPS,
         suggestions=_PROMPTS, agent_name="Sally", base_prompt="Be brief.\n", safe_mode=True, primary_color="#2D6CDF",
         secondary_color="#FFFFFF", chains=_CHAINS),
    call("account.mcp_servers.list", page_size=1),
    call("account.mcp_servers.get", "{mcp_server}"),
    call("account.mcp_servers.delete", "{mcp_server}"),
)
REFUSED: Final = (
    Refused("POST", _SERVERS, {"name": "CRM"}),
    Refused("POST", _SERVERS, {"name": "CRM", "description": 5}),
    Refused("PUT", _SERVERS + "/{mcp_server}", {"safe_mode": "on"}),
    Refused("PUT", _SERVERS + "/{mcp_server}", {"associated_apps": ["hubspot"]}),
    Refused("GET", _SERVERS, headers={"linked_account_id": "nobody"}),
)
# fmt: on


async def stage(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> dict[str, str]:
    """Make an MCP server."""
    return {"mcp_server": (await account.mcp_servers.create("CRM", "For the CRM.")).mcp_server_id}
