"""Tools behind a server of the Model Context Protocol, with the client of its own package."""

import logging
from typing import Any, Final

import pytest

from refold_async import AccountScope, Tools
from refold_async.testing import MockRefold, Silence
from support.waiting import until

CREATE: Final = "hubspot__create_contact"


@pytest.fixture
async def tools(account: AccountScope) -> Tools:
    """A read and a write."""
    actions = ["search_contacts", "create_contact"]
    return await account.tools("hubspot", actions=actions, reads=["search_contacts"], confirm=True)


def server_of(tools: Tools) -> Any:
    """Return a server, made as the documentation shows it."""
    types = pytest.importorskip("mcp.types")
    server = pytest.importorskip("mcp.server")

    async def list_tools(context: object, params: object) -> Any:
        return types.ListToolsResult(tools=[types.Tool.model_validate(one) for one in tools.mcp()])

    async def call_tool(context: object, params: Any) -> Any:
        result = await tools.call(params.name, params.arguments)
        return types.CallToolResult(content=[types.TextContent(text=result)], is_error=result.is_error)

    return server.Server("hubspot", on_list_tools=list_tools, on_call_tool=call_tool)


def client_of(tools: Tools) -> Any:
    """Return a client that is connected to such a server."""
    return pytest.importorskip("mcp").Client(server_of(tools))


async def test_calls(tools: Tools, mock: MockRefold) -> None:
    """A client lists the tools, calls them, and is told what it did wrong."""
    async with client_of(tools) as client:
        listed = (await client.list_tools()).tools
        assert [(tool.name, tool.annotations.read_only_hint) for tool in listed] == [
            ("hubspot__search_contacts", True),
            (CREATE, False),
        ]
        created = await client.call_tool(CREATE, {"email": "jane@example.com"})
        assert (created.is_error, '"id":"1510721"' in created.content[0].text) == (False, True)
        for name, arguments, says in (
            (CREATE, {"email": ["jane@example.com"]}, "'email' must be a string, not a list."),
            (CREATE, None, "'email' is required and missing."),
            ("delete_everything", {}, "There is no tool 'delete_everything'."),
        ):
            failed = await client.call_tool(name, arguments)
            assert failed.is_error
            assert says in failed.content[0].text
    assert len(mock.requests_to("execute_action")) == 1


async def test_a_client_that_gives_up(tools: Tools, mock: MockRefold, caplog: pytest.LogCaptureFixture) -> None:
    """Its cancellation ends the call. The write was sent, so it may have run, and is not sent again."""
    script = mock.script(Silence(), action_id="create_contact")
    error = pytest.importorskip("mcp").MCPError
    async with client_of(tools) as client:
        with pytest.raises(error, match="Timed out"):
            await client.call_tool(CREATE, {"email": "jane@example.com"}, read_timeout_seconds=0.5)
        await until(lambda: mock.in_flight == 0)
        assert [record.levelno for record in caplog.records if "may have run" in record.message] == [logging.WARNING]
        script.remove()
        again = await client.call_tool(CREATE, {"email": "jane@example.com"})
        assert again.content[0].text.startswith("This was not done again")
        assert not (await client.call_tool("hubspot__search_contacts", {})).is_error
    assert len(mock.requests_to(action_id="create_contact", route="execute_action")) == 1
