"""Links that connect apps, the pages they lead to, and disconnecting."""

import re
from typing import Any

import pytest

from refold_async.testing import MockRefold
from support.mock_caller import ACTIVE_ACCOUNT, APPLICATION, CONNECT_URL, INTEGRATION, MockCaller, ReceivedResponse


async def connect_page(caller: MockCaller, account: str = "user_1", query: str = "", **properties: Any) -> str:
    """Return the path of a page that connects apps."""
    token = caller.mock.session_token(account)
    response = await caller.post(f"{CONNECT_URL}?linked_account_id={account}{query}", json=properties, token=token)
    return path_of(caller, response.json["hosted_url"])


def path_of(caller: MockCaller, url: str) -> str:
    """Return the path and the query of a link to the mock."""
    assert url.startswith(f"{caller.mock.base_url}/")
    return url.removeprefix(caller.mock.base_url)


async def visit(caller: MockCaller, path: str, method: str = "GET") -> ReceivedResponse:
    """Open a page as a browser does: without a key."""
    response = await caller.send(method, path, key=None, account=None)
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    return response


def items(page: ReceivedResponse) -> dict[str, str]:
    """Return what the page says of each app, without its tags."""
    found = re.findall(r'<li id="([^"]*)">(.*?)</li>', page.body.decode())
    return {slug: " ".join(re.sub(r"<[^>]*>", " ", text).split()) for slug, text in found}


def buttons(page: ReceivedResponse) -> dict[str, str]:
    """Return where the button of each app leads."""
    return {
        slug: action
        for action, slug in re.findall(r'action="([^"]*)">.*?<button name="app" value="([^"]*)"', page.body.decode())
    }


async def test_the_page_connects(caller: MockCaller, mock: MockRefold) -> None:
    """It has a button for each app that is to be connected or reconnected; the button does it, for this account."""
    mock.catalogue.add_app("billing", auth_type="keybased")
    for account in ("user_1", "user_2"):
        mock.account(account).expire("hubspot")
        mock.account(account).disconnect("billing")
    page = await visit(caller, path := await connect_page(caller))
    assert items(page) == {
        "hubspot": "HubSpot Expired Reconnect",
        "slack": "Slack Connected",
        "billing": "Billing API key Connect",
    }
    assert buttons(page) == {"hubspot": f"{path}/hubspot", "billing": f"{path}/billing"}
    for action in buttons(page).values():
        page = await visit(caller, action, "POST")  # which leads back to the page
    assert set(items(page).values()) == {"HubSpot Connected", "Slack Connected", "Billing Connected"}
    assert (await caller.get(f"{APPLICATION}/billing")).json["connected"] is True
    assert mock.account("user_2").connection("billing") == "disconnected"
    assert mock.requests[-2].route == "show_connect_page"


async def test_properties_and_config(caller: MockCaller) -> None:
    """The page leads back to where its maker says, if that is a page; the link carries the config."""
    path = await connect_page(caller, query="&config_id=c%201", redirect_url="https://example.com/?a=1&b=2")
    assert path.endswith("?config_id=c+1")
    page = (await visit(caller, path)).body.decode()
    assert 'href="https://example.com/?a=1&amp;b=2"' in page
    for other in ("javascript:alert(1)", 5, None, ""):
        page = (await visit(caller, await connect_page(caller, redirect_url=other))).body.decode()
        assert "href" not in page


async def test_pages_show_names_as_they_are(caller: MockCaller, mock: MockRefold) -> None:
    """Whatever is in ids and names is text there, and works."""
    mock.catalogue.add_app("a&b", name="<b>A</b>")
    for action in ("expire", "disconnect"):
        account = "user <1>"
        getattr(mock.account(account), action)("a&b")
        page = await visit(caller, await connect_page(caller, account))
        assert b"<b>" not in page.body
        assert b"user &lt;1&gt;" in page.body
        await visit(caller, buttons(page)["a&amp;b"].replace("&amp;", "&"), "POST")
        assert mock.account(account).connection("a&b") == "connected"


async def test_the_page_of_an_app(caller: MockCaller, mock: MockRefold) -> None:
    """Its button allows the connection: of the account that the link was made for, to the app it was made for."""
    mock.account("user_1").disconnect("hubspot")
    mock.account("user_1").disconnect("slack")
    link = path_of(caller, (await caller.get(f"{INTEGRATION}/oauth-url/hubspot?shop=a%20b")).json["auth_url"])
    assert "shop=a+b" in link
    page = await visit(caller, link)
    assert "HubSpot for user_1" in page.body.decode()
    assert mock.account("user_1").connection("hubspot") == "disconnected"
    action = buttons(page)["hubspot"]
    assert (await visit(caller, action.replace("/hubspot/", "/slack/"), "POST")).status == 404
    assert "HubSpot is connected" in (await visit(caller, action, "POST")).body.decode()
    assert [mock.account("user_1").connection(slug) for slug in ("hubspot", "slack")] == ["connected", "disconnected"]


async def test_links_that_are_not_valid(caller: MockCaller, mock: MockRefold) -> None:
    """Nothing is connected by a link that nobody made, by one of the other kind, or to an app that is not there."""
    mock.account("user_1").disconnect("hubspot")
    hosted = (await connect_page(caller)).rpartition("/")[2]
    oauth = (await caller.get(f"{INTEGRATION}/oauth-url/hubspot")).json["auth_url"].rpartition("=")[2]
    for method, path in [
        ("GET", "/connect/no-such"),
        ("GET", f"/connect/{oauth}"),
        ("POST", f"/connect/{oauth}/hubspot"),
        ("POST", f"/connect/{hosted}/no_app"),
        ("GET", "/oauth/hubspot/authorize"),
        ("GET", f"/oauth/hubspot/authorize?state={hosted}"),
        ("POST", f"/oauth/hubspot/authorize?state={hosted}"),
        ("POST", f"/oauth/slack/authorize?state={oauth}"),
    ]:
        response = await visit(caller, path, method)
        assert (response.status, b"not valid" in response.body) == (404, True), path
    assert mock.account("user_1").connection("hubspot") == "disconnected"


def test_links_expire() -> None:
    """After three days."""
    from refold_async.testing.state.connect_links import ConnectLinkStore

    now = 0.0
    store = ConnectLinkStore(lambda: now)
    link = store.make(MockRefold().account("user_1"))
    now = 3 * 24 * 3600 - 1
    assert store.find_valid(link.token) is link
    now += 1
    assert store.find_valid(link.token) is None


async def test_whom_a_link_is_for(caller: MockCaller, mock: MockRefold) -> None:
    """A connect link takes a session token, and the same account in the query; the body may be any object."""
    token = mock.session_token("user_1")
    for query in ("", "?linked_account_id=user_2", "?linked_account_id="):
        response = await caller.post(CONNECT_URL + query, json={}, token=token)
        assert (response.status, response.json["error"]) == (400, "INVALID_LINKED_ACCOUNT_ID")
        response = await caller.delete(f"{INTEGRATION}/hubspot{query}")
        assert (response.status, response.json["error"]) == (400, "INVALID_LINKED_ACCOUNT_ID")
    path = f"{CONNECT_URL}?linked_account_id=user_1"
    assert (await caller.post(path, json={})).json["error"] == "INVALID_TOKEN"
    assert (await caller.post(path, json=[1], token=token)).status == 400
    assert (await caller.post(path, token=token)).status == 200
    assert (await caller.get(ACTIVE_ACCOUNT, token=token)).json["account_id"] == "user_1"
    assert mock.account("user_1").connection("hubspot") == "connected"


async def test_disconnecting(caller: MockCaller, mock: MockRefold) -> None:
    """All connections to an app are gone, or those of one kind; the account that is answered tells what is left."""
    mock.account("user_1").add_connection("hubspot", auth_type="keybased")
    path = f"{INTEGRATION}/hubspot?linked_account_id=user_1"
    assert (await caller.delete(f"{path}&auth_type=basic")).status == 404
    account = (await caller.delete(f"{path}&auth_type=oauth2")).json
    assert [one["type"] for one in account["integrations"]] == ["hubspot", "slack"]
    assert [one.auth_type for one in mock.account("user_1").connections("hubspot")] == ["keybased"]
    account = (await caller.delete(path)).json
    assert ([one["type"] for one in account["integrations"]], account["__v"]) == (["slack"], 2)
    assert (await caller.delete(path)).status == 404
    assert (await caller.execute("hubspot", "get_contact")).json.get("data") is None


@pytest.mark.parametrize(("slug", "status"), [("nowhere", 404), ("billing", 400)])
async def test_apps_without_a_page(caller: MockCaller, mock: MockRefold, slug: str, status: int) -> None:
    """An app that is not there, or that one connects by a key, has no page of its own."""
    mock.catalogue.add_app("billing", auth_type="keybased")
    response = await caller.get(f"{INTEGRATION}/oauth-url/{slug}")
    assert (response.status, "error" in response.json) == (status, True)
