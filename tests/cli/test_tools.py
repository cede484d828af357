"""`refold tools`."""

import asyncio
import json
from typing import Any, Final

import pytest

from refold_async import AsyncRefold, Tools
from support.command_line import CommandLine

ACTIONS: Final = ("search_contacts", "create_contact")
COMMAND: Final = ("tools", "hubspot", *ACTIONS, "--read", "search_contacts")


def tools_of(command_line: CommandLine) -> Tools:
    """Return what Python gives."""

    async def read() -> Tools:
        async with AsyncRefold() as refold:
            account = refold.account("user_1")
            return await account.tools("hubspot", actions=ACTIONS, reads=["search_contacts"], confirm=True)

    return asyncio.run(read())


@pytest.mark.parametrize("format_", [None, "mcp", "openai", "openai-chat", "anthropic"])
def test_formats(command_line: CommandLine, format_: str | None) -> None:
    """It prints what `account.tools()` offers, in the form that was asked for."""
    tools = tools_of(command_line)
    expected: dict[str | None, list[dict[str, Any]]] = {
        None: tools.mcp(),
        "mcp": tools.mcp(),
        "openai": tools.openai(),
        "openai-chat": tools.openai(api="chat"),
        "anthropic": tools.anthropic(),
    }
    for terminal in (True, False):
        ended = command_line.run(*COMMAND, *(["--format", format_] if format_ else []), terminal=terminal)
        assert (ended.code, ended.err) == (0, "")
        assert json.loads(ended.out) == expected[format_]
    assert not command_line.mock.requests_to("execute_action")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("hubspot",), 2, "needs ACTION_ID"),
        (("hubspot", "get_contact", "--read", "list_contacts"), 2, "--read names 'list_contacts', which is not one of"),
        (("hubspot", "get_contact", "get_contact"), 2, "'get_contact' is there twice."),
        (("hubspot", "httprequest", "--read", "httprequest"), 2, "--read cannot name 'httprequest': it sends any"),
        (("hubspot", "get_contact", "--format", "gemini"), 2, "gemini"),
        (("hubspot", "get_contct"), 1, "Did you mean 'get_contact'?"),
        (("hubspt", "get_contact"), 1, "Did you mean 'hubspot'?"),
    ],
)
def test_mistakes(command_line: CommandLine, arguments: tuple[str, ...], code: int, says: str) -> None:
    """They are explained in the words of the command line."""
    ended = command_line.run("tools", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert says in ended.err
