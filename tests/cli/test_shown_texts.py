"""Texts from Refold and its apps reach a terminal as texts, whatever is in them."""

import json
from typing import Final

import pytest

from refold_async.cli.terminal import escaped_json, plain
from refold_async.testing import Answer
from support.command_line import CommandLine

EVIL: Final = "\x1b[2J\x1b]0;owned\x07[bold red]x[/bold red] \u202etxt\r\n\x9b31m"
"""What clears a screen and sets its title; what rich would take for markup; what turns text around; a line break."""
EXECUTION: Final = "e1"
PAGE: Final = {"totalDocs": 1, "limit": 100, "page": 1, "totalPages": 1, "hasNextPage": False}
RUN: Final = {
    "_id": EXECUTION,
    "name": EVIL,
    "status": "COMPLETED",
    "completion_percentage": 100,
    "nodes": [{"node_id": EVIL, "node_name": EVIL, "node_type": EVIL, "node_status": EVIL}],
}
WORKFLOW: Final = {"_id": EVIL, "name": EVIL, "slug": EVIL, "description": EVIL, "workflow_alias": EVIL}
ACCOUNT: Final = {
    "account_id": EVIL,
    "name": EVIL,
    "environment": EVIL,
    "udf": [{"key_name": EVIL, "key_value": EVIL}],
    "integrations": [{"type": EVIL, "name": EVIL}],
}
WEBHOOK: Final = {"_id": EVIL, "webhook_url": EVIL, "webhook_events": [EVIL]}
APP: Final = {"slug": EVIL, "name": EVIL, "connected": True}
STRUCTURE: Final = {
    "payload": {EVIL: EVIL},
    "schema": {"properties": {EVIL: {"type": EVIL, "description": EVIL}}, "required": [EVIL]},
}


UNSEEN: Final = (0x00, 0x1B, 0x7F, 0x85, 0xAD, 0x61C, 0x180E, 0x200B, 0x2028, 0x202E, 0xFEFF, 0xFFF9, 0xE0041, 0xE007F)
"""Characters that nobody sees, and that act upon a terminal, turn text around, or hold a text for machines."""


@pytest.fixture(autouse=True)
def without_styles(command_line: CommandLine) -> None:
    """Let no heading be bold: no escape at all is to be seen."""
    command_line.environment.setenv("TERM", "dumb")


def assert_harmless(text: str) -> None:
    """Assert that a terminal would do no more with a text than to show it."""
    assert not [character for character in text if character < " " and character != "\n"]
    assert not set(text) & {"\x7f", "\x9b", "\u202e"}


@pytest.mark.parametrize(
    ("answer", "arguments"),
    [
        ([APP], ("apps",)),
        ([{"action_id": EVIL, "name": EVIL, "description": EVIL}], ("actions", "hubspot")),
        ([{"name": EVIL, "label": EVIL, "type": EVIL, "required": True}], ("params", "hubspot", "x")),
        ({**PAGE, "docs": [WORKFLOW]}, ("workflows", "list")),
        (WORKFLOW, ("workflows", "get", "w1")),
        (STRUCTURE, ("workflows", "params", "w1")),
        ({**PAGE, "docs": [RUN]}, ("executions", "list")),
        (RUN, ("executions", "get", EXECUTION)),
        ({"response": EVIL, "status": EVIL}, ("executions", "response", EXECUTION)),
        ({"message": EVIL}, ("executions", "stop", EXECUTION)),
        ({"status": "success", "id": EVIL}, ("executions", "rerun", EXECUTION)),
        ({**PAGE, "docs": [ACCOUNT]}, ("accounts", "list")),
        (ACCOUNT, ("accounts", "get", "x")),
        ([WEBHOOK], ("webhooks", "list")),
        (WEBHOOK, ("webhooks", "get", "x")),
        ({EVIL: EVIL}, ("request", "GET", "/api")),
    ],
)
def test_what_is_printed(command_line: CommandLine, answer: object, arguments: tuple[str, ...]) -> None:
    """Names, descriptions, statuses: escaped, in the table and in JSON; markup stays as it was written."""
    command_line.mock.script(Answer(200, json=answer))
    for shown in (command_line.run(*arguments, terminal=True), command_line.run(*arguments, "--json", terminal=True)):
        assert shown.code == 0, shown.err
        assert_harmless(shown.out + shown.err)
        assert "bold" in shown.out + shown.err
    piped = command_line.run(*arguments)
    assert_harmless(piped.out)
    assert EVIL in str(json.loads(piped.out)) or json.dumps(EVIL)[1:-1] in json.dumps(json.loads(piped.out))


@pytest.mark.parametrize("status", [400, 404])
def test_what_errors_say(command_line: CommandLine, status: int) -> None:
    """So is what Refold says of an error, and the id that it gives the request."""
    command_line.mock.script(Answer(status, json={"message": EVIL, "error": EVIL, "request_id": EVIL}))
    for arguments in (("apps",), ("executions", "get", "x"), ("request", "POST", "/api"), ("webhooks", "list")):
        for terminal in (False, True):
            failed = command_line.run(*arguments, terminal=terminal)
            assert failed.code == 1
            assert_harmless(failed.err)
            assert "owned" in failed.err


def test_a_status_that_is_none(command_line: CommandLine) -> None:
    """So is a status, while it is watched and where a run ends with it."""
    command_line.mock.script(Answer(200, json={"_id": EXECUTION, "status": EVIL}), route="get_execution")
    watched = command_line.wait("executions", "watch", EXECUTION, sees="bold", terminal=True)
    assert watched.code == 1
    assert "bold" in watched.out
    assert_harmless(watched.out + watched.err)


def test_what_is_asked(command_line: CommandLine) -> None:
    """So is what a question quotes."""
    command_line.environment.setenv("REFOLD_API_KEY", "pk_live")
    asked = command_line.run("executions", "stop", f"x{EVIL}", terminal=True, stdin="n\n")
    assert asked.code == 1
    assert_harmless(asked.err)
    assert not command_line.mock.requests


def test_a_suggestion(command_line: CommandLine) -> None:
    """So is what was meant."""
    known = {**PAGE, "docs": [{"_id": f"workflow_number_1{EVIL[:4]}", "name": "x"}]}
    command_line.mock.script(Answer(200, json=known), route="list_workflows")
    meant = command_line.run("workflows", "get", "workflow_number_1")
    assert "Did you mean" in meant.err
    assert_harmless(meant.err)


@pytest.mark.parametrize("number", UNSEEN)
def test_what_is_not_seen_is_spelled_out(number: int) -> None:
    """In texts as Python spells it, in JSON so that the value stays."""
    character = chr(number)
    assert plain(f"a{character}b") == "a" + character.encode("unicode_escape").decode() + "b"
    shown = escaped_json(json.dumps(character, ensure_ascii=False))
    assert character not in shown
    assert json.loads(shown) == character
