"""`refold accounts` and `refold connect`."""

import json
import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest

from refold_async.testing import Answer, MockRefold
from support.command_line import CommandLine, served_by_thread


def test_accounts(command_line: CommandLine) -> None:
    """They are listed and shown, with what they have connected."""
    for account in ("user_1", "user_2"):
        command_line.mock.account(account)
    command_line.mock.account("user_2").expire("slack")
    table = command_line.run("accounts", "list", terminal=True)
    assert (table.code, table.err) == (0, "")
    assert "hubspot, slack (reconnect)" in table.out
    listed = json.loads(command_line.run("accounts", "list", "--connected-to", "slack").out)
    assert [account["account_id"] for account in listed] == ["user_1"]
    shown = command_line.run("accounts", "get", "user_2", terminal=True)
    assert ["ACCOUNT", "user_2"] in [line.split() for line in shown.out.splitlines()]
    assert json.loads(command_line.run("accounts", "get", "user_2").out)["account_id"] == "user_2"
    # It is the organisation that has accounts: these calls are for none of them.
    assert {request.linked_account_id for request in command_line.mock.requests_to("list_linked_accounts")} == {None}


def test_making_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a call for an account that is not there says to do first, does it; with a production key it is asked."""
    with served_by_thread(MockRefold(known_accounts_only=True)) as mock:
        command_line = CommandLine(mock, monkeypatch)
        missing = command_line.run("apps", "-a", "acme")
        assert (missing.code, missing.out) == (1, "")
        assert "Create it first: `refold accounts upsert ACCOUNT`." in missing.err
        made = command_line.run("accounts", "upsert", "acme", "--name", "Acme")
        assert (made.code, json.loads(made.out)["account_id"]) == (0, "acme")
        assert command_line.run("apps", "-a", "acme").code == 0
        command_line.environment.setenv("REFOLD_API_KEY", "pk_live")
        assert command_line.run("accounts", "upsert", "other").code == 2
        assert len(mock.requests_to("upsert_linked_account")) == 1


def test_an_unknown_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error tells which was meant."""
    with served_by_thread(MockRefold(known_accounts_only=True)) as mock:
        mock.account("customer_4711")
        unknown = CommandLine(mock, monkeypatch).run("accounts", "get", "custmer_4711")
    assert (unknown.code, unknown.out) == (1, "")
    assert "Did you mean 'customer_4711'?" in unknown.err
    assert "`refold accounts list` lists all ids." in unknown.err


@pytest.mark.parametrize("given", [(), ("-a", "")])
def test_no_account(command_line: CommandLine, given: tuple[str, ...]) -> None:
    """Where none is named, both ways to name one are."""
    command_line.environment.delenv("REFOLD_LINKED_ACCOUNT_ID")
    for command in (("apps",), ("workflows", "list"), ("connect", "hubspot"), ("executions", "get", "x")):
        refused = command_line.run(*command, *given)
        assert (refused.code, refused.out) == (2, "")
        assert "--account (-a)" in refused.err
        assert "REFOLD_LINKED_ACCOUNT_ID" in refused.err
    command_line.environment.setenv("REFOLD_LINKED_ACCOUNT_ID", "")
    assert "--account (-a)" in command_line.run("apps").err
    assert not command_line.mock.requests


def test_connect(command_line: CommandLine) -> None:
    """The link alone goes to stdout; a terminal is told what to do with it."""
    command_line.mock.account("user_1").disconnect("hubspot")
    piped = command_line.run("connect", "hubspot")
    assert (piped.code, piped.err) == (0, "")
    assert piped.out.startswith(f"{command_line.mock.base_url}/connect/")
    shown = command_line.run("connect", "hubspot", terminal=True)
    assert shown.out.startswith(f"{command_line.mock.base_url}/connect/")
    assert "send this link to user_1" in shown.err
    assert "already connected" not in shown.err
    assert json.loads(command_line.run("connect", "hubspot", "--json").out).keys() >= {"hosted_url"}
    assert "/oauth/hubspot/authorize" in command_line.run("connect", "hubspot", "--oauth").out
    unknown = command_line.run("connect", "hubspt")
    assert (unknown.code, unknown.out) == (1, "")
    assert "Did you mean 'hubspot'?" in unknown.err


def test_fields_of_an_oauth_page(command_line: CommandLine) -> None:
    """What an app needs first is sent to its page; the errors name what Refold lists for the app."""
    fields = [{"name": "shop", "label": "Shop", "type": "text", "required": True}]
    command_line.mock.catalogue.add_app("shop_app", auth_fields=fields)
    connect = ("connect", "shop_app", "--oauth")
    made = command_line.run(*connect, "shop=ada's shop")
    assert (made.code, made.err) == (0, "")
    assert command_line.mock.requests_to("get_oauth_url")[0].query == {"shop": "ada's shop"}
    assert parse_qs(urlsplit(made.out.strip()).query)["shop"] == ["ada's shop"]
    command_line.mock.script(Answer(400, json={"message": "shop is missing"}), route="get_oauth_url", calls=1)
    for given, code, says in (
        ((), 1, "shop is missing. Fields that shop_app may need: shop=VALUE."),
        (("shpo=x",), 2, "shop_app has no field 'shpo' (did you mean 'shop'?), only shop. No link was made."),
        (("--shop=x",), 2, "Parameters are written without dashes: shop=VALUE."),
    ):
        refused = command_line.run(*connect, *given)
        assert (refused.code, refused.out) == (code, "")
        assert says in refused.err
    assert len(command_line.mock.requests_to("get_oauth_url")) == 2
    without = command_line.run("connect", "shop_app", "shop=x")
    assert (without.code, without.out) == (2, "")
    assert "leave out shop=, or pass --oauth." in without.err
    # Apps whose fields Refold does not list take any.
    assert "shop=x" in command_line.run("connect", "hubspot", "--oauth", "shop=x").out


def test_waiting_for_the_customer(command_line: CommandLine) -> None:
    """`--wait` ends once the app is connected, or when the time is up."""
    command_line.mock.account("user_1").disconnect("hubspot")
    link = command_line.run("connect", "hubspot").out.strip()
    waited = command_line.wait("connect", "hubspot", "--wait", sees="it was not connected")
    assert waited.code == 1
    assert "it was not connected" in waited.err
    assert "`refold connect SLUG --wait` waits again." in waited.err
    with urllib.request.urlopen(f"{link}/hubspot", data=b"") as page:
        assert page.status == 200
    connected = command_line.run("connect", "hubspot", "--wait")
    assert connected.code == 0
    assert connected.err.endswith("hubspot is connected.\n")
