"""`refold webhooks`."""

import json
from pathlib import Path

from refold_async import webhooks
from refold_async.testing import connection_event
from support.command_line import CommandLine


def test_subscriptions(command_line: CommandLine) -> None:
    """They are made, listed, shown and deleted."""
    made = json.loads(
        command_line.run(
            "webhooks", "create", "https://example.com/hook", "Workflow Errored", "--description", "for sales"
        ).out
    )
    shown = command_line.run("webhooks", "get", made["_id"], terminal=True)
    assert shown.out.splitlines()[1:3] == [
        "URL          https://example.com/hook",
        "EVENTS       Workflow Errored",
    ]
    assert made["_id"] in command_line.run("webhooks", "list", terminal=True).out
    assert shown.out.splitlines()[-1] == "DESCRIPTION  for sales"
    unknown = command_line.run("webhooks", "delete", f"{made['_id'][:-1]}f")
    assert (unknown.code, unknown.out) == (1, "")
    assert f"Did you mean '{made['_id']}'?" in unknown.err
    assert json.loads(command_line.run("webhooks", "delete", made["_id"]).out) == []
    assert command_line.run("webhooks", "list").out == "[]\n"


def test_what_is_refused(command_line: CommandLine) -> None:
    """Nothing is made without events or for unknown ones, nor with a production key unasked."""
    misspelled = command_line.run("webhooks", "create", "https://example.com/hook", "Workflow Errord")
    assert (misspelled.code, misspelled.out) == (1, "")
    assert "Did you mean 'Workflow Errored'?" in misspelled.err
    assert '"Workflow Timed Out"' in command_line.run("webhooks", "create", "https://example.com/hook", "x").err
    command_line.mock.clear()
    assert "Name the events" in command_line.run("webhooks", "create", "https://example.com/hook").err
    command_line.environment.setenv("REFOLD_API_KEY", "pk_live")
    for write in (("create", "https://example.com/hook", "Workflow Errored"), ("delete", "x")):
        refused = command_line.run("webhooks", *write)
        assert (refused.code, refused.out) == (2, "")
        assert "Pass --yes to confirm. Nothing was sent." in refused.err
    assert not command_line.mock.requests


def test_signatures(command_line: CommandLine, tmp_path: Path) -> None:
    """What is signed is the body as it lies in the file, or comes on stdin; what was signed otherwise fails."""
    event = connection_event("Connection Expired", linked_account_id="user_1", slug="hubspot")
    body = json.dumps(event, indent=1) + "\n"
    (tmp_path / "body").write_text(body)
    signed = command_line.run("webhooks", "sign", str(tmp_path / "body"))
    assert (signed.code, signed.out.strip()) == (0, webhooks.sign(body.encode(), "tk_test"))
    assert command_line.run("webhooks", "sign", "-", stdin=body).out == signed.out
    verified = command_line.run("webhooks", "verify", "-", "--signature", signed.out.strip(), stdin=body)
    assert (verified.code, json.loads(verified.out)) == (0, event)
    other = command_line.run("webhooks", "verify", "-", "--signature", signed.out.strip(), stdin=f"{body} ")
    assert (other.code, other.out) == (1, "")
    assert "not signed with this API key" in other.err
    assert command_line.run("webhooks", "sign", "/no/such/file").code == 2
    assert not command_line.mock.requests
