"""MCP servers that Refold hosts: they are created, listed, changed and deleted, and belong to the organisation."""

from typing import Any, Final

import pytest

from refold_async import AccountScope, AsyncRefold, ConfigurationError, MCPServerApp, NotFoundError
from refold_async.testing import MockRefold

APP: Final = {"slug": "hubspot", "actions": ["get_contact"], "workflows": []}


async def test_the_life_of_a_server(account: AccountScope) -> None:
    """It is created, read in pages, changed in part, and gone after its end."""
    first = await account.mcp_servers.create("CRM", "For the CRM.")
    second = await account.mcp_servers.create("Support", "For support.")
    listed = await account.mcp_servers.list(page_size=1).collect()
    assert [one.mcp_server_id for one in listed] == [second.mcp_server_id, first.mcp_server_id]
    changed = await account.mcp_servers.update(first.mcp_server_id, associated_apps=[APP], safe_mode=False)
    read = await account.mcp_servers.get(first.mcp_server_id)
    assert (read.name, read.safe_mode, read.agent_name) == ("CRM", False, None)
    assert read.associated_apps == changed.associated_apps == [MCPServerApp("hubspot", [], ["get_contact"])]
    deletion = await account.mcp_servers.delete(first.mcp_server_id)
    assert (deletion.message, deletion.meta.status) == (None, 204)
    assert [one.name async for one in account.mcp_servers.list()] == ["Support"]
    with pytest.raises(NotFoundError, match=r"mcp_servers\.list\(\) gives all MCP servers"):
        await account.mcp_servers.get(first.mcp_server_id)


async def test_every_account_sees_them(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> None:
    """They are the organisation's, by key and by session token."""
    server = await account.mcp_servers.create("CRM", "For the CRM.")
    by_token = refold.account_from_session_token(mock.session_token("user_2"))
    for other in (refold.account("user_2"), by_token):
        assert (await other.mcp_servers.get(server.mcp_server_id)).name == "CRM"


# fmt: off
WRONG: Final[tuple[tuple[dict[str, Any], str], ...]] = (
    ({}, "nothing to change"),
    ({"name": ""}, "name is empty"),
    ({"associated_apps": APP}, "associated_apps must be a list"),
    ({"associated_apps": ["hubspot"]}, r"associated_apps\[0\] must be a mapping"),
    ({"suggestions": ["List the leads."]}, r"suggestions\[0\] must be a mapping"),
    ({"safe_mode": "on"}, "safe_mode must be"),
)
# fmt: on


@pytest.mark.parametrize(("options", "said"), WRONG, ids=[said for _, said in WRONG])
async def test_wrong_arguments(mock: MockRefold, account: AccountScope, options: dict[str, Any], said: str) -> None:
    """They are named, and nothing is sent."""
    with pytest.raises(ConfigurationError, match=said):
        await account.mcp_servers.update("some-id", **options)
    assert not mock.requests


@pytest.mark.parametrize("names", [("", "For the CRM."), ("CRM", None)])
async def test_servers_without_a_name_or_a_description(
    mock: MockRefold, account: AccountScope, names: tuple[Any, Any]
) -> None:
    """Are refused before anything is sent."""
    with pytest.raises(ConfigurationError, match=r"name is empty|description must be a str"):
        await account.mcp_servers.create(*names)
    assert not mock.requests
