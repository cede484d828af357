"""Applications and the state of their connections."""

import pytest

from refold_async.testing import MockRefold
from refold_async.testing.protocol.organisation import ORGANISATION_ID
from support.mock_caller import APPLICATION, LINKED_ACCOUNT, MockCaller


@pytest.mark.parametrize(
    ("change", "connected", "reauth_required", "statuses"),
    [
        ("connect", True, False, ["active"]),
        ("expire", True, True, ["expired"]),
        ("disconnect", None, False, None),
    ],
)
async def test_three_states(
    caller: MockCaller,
    mock: MockRefold,
    change: str,
    connected: bool | None,
    reauth_required: bool,
    statuses: list[str] | None,
) -> None:
    """An app is connected, to be reconnected, or to be connected: for this account alone."""
    getattr(mock.account("user_1"), change)("hubspot")
    response = await caller.get(f"{APPLICATION}/hubspot")
    assert response.status == 200
    assert (response.json.get("connected"), response.json["reauth_required"]) == (connected, reauth_required)
    accounts = response.json.get("connected_accounts")
    assert (accounts and [account["status"] for account in accounts]) == statuses
    mock.account("user_1").disconnect("hubspot")
    mock.account("user_1").expire("hubspot")  # which it can be only if it is there
    assert (await caller.get(f"{APPLICATION}/hubspot")).json["connected_accounts"][0]["status"] == "expired"
    other = (await caller.get(f"{APPLICATION}/hubspot", account="user_2")).json
    assert (other["connected"], other["reauth_required"]) == (True, False)


async def test_lists_applications(caller: MockCaller, mock: MockRefold) -> None:
    """All apps are listed and can be filtered."""
    mock.catalogue.add_app("billing", auth_type="keybased", tags=["Finance", "CRM"], ecosystem=True)

    async def slugs(query: str) -> list[str]:
        return [app["slug"] for app in (await caller.get(f"{APPLICATION}?{query}")).json]

    assert await slugs("") == ["hubspot", "slack", "billing"]
    assert await slugs("slug=slack") == ["slack"]
    assert await slugs("auth_type=keybased") == ["billing"]
    assert await slugs("ecosystem=true") == ["billing"]
    assert await slugs("ecosystem=false") == ["hubspot", "slack"]
    assert await slugs("tags=CRM") == ["hubspot", "billing"]
    assert await slugs("tags=Finance,Communication") == ["slack", "billing"]


async def test_one_application(caller: MockCaller) -> None:
    """An app is shown with its ids, how to connect it, and its connected account."""
    app = (await caller.get(f"{APPLICATION}/slack")).json
    (connected,) = app.pop("connected_accounts")
    assert app == {
        "_id": app["app_id"],
        "app_id": app["app_id"],
        "name": "Slack",
        "slug": "slack",
        "icon": "https://icons.example.com/slack.png",
        "description": "Messages in channels.",
        "type": "slack",
        "kind": "native",
        "auth_type": "oauth2",
        "auth_type_options": {"oauth2": []},
        "auth_input_map": [],
        "tags": ["Communication"],
        "ecosystem": False,
        "connected": True,
        "reauth_required": False,
    }
    assert connected == {
        "identifier": "user_1",
        "connectedAt": "2026-06-21T10:04:11.000Z",
        "status": "active",
        "auth_type": "oauth2",
        "connection_id": connected["connection_id"],
        "defaultCredentials": False,
    }
    assert len(app["app_id"]) == len(connected["connection_id"]) == 24


async def test_app_with_a_key(caller: MockCaller, mock: MockRefold) -> None:
    """An app that is connected with a key tells what it asks for."""
    mock.catalogue.add_app("billing", auth_type="keybased", description="Invoices.")
    app = (await caller.get(f"{APPLICATION}/billing")).json
    assert [field["name"] for field in app["auth_input_map"]] == ["api_key"]
    assert app["auth_type_options"] == {"keybased": app["auth_input_map"], "oauth2": []}
    assert app["description"] == "Invoices."
    tenant = {"name": "tenant", "label": "Tenant", "required": True, "type": "text"}
    mock.catalogue.add_app("ledger", auth_type="keybased", auth_fields=[tenant])
    assert (await caller.get(f"{APPLICATION}/ledger")).json["auth_input_map"] == [tenant]


async def test_several_connections(caller: MockCaller, mock: MockRefold) -> None:
    """One connection that works is enough; a request may name the one it means."""
    account = mock.account("user_1")
    await caller.data("hubspot", "get_contact", headers={"connection_id": "any"})
    (first,) = account.connections("hubspot")
    await caller.data("hubspot", "get_contact", headers={"connection_id": "any"})
    first.status = "expired"
    second = account.add_connection("hubspot", connection_id="c2", identifier={"portalId": 7}, auth_type="keybased")
    app = (await caller.get(f"{APPLICATION}/hubspot")).json
    assert (app["connected"], app["reauth_required"]) == (True, False)
    shown = [(one["connection_id"], one["identifier"], one["status"]) for one in app["connected_accounts"]]
    assert shown == [(first.connection_id, "user_1", "expired"), ("c2", {"portalId": 7}, "active")]
    assert app["connected_accounts"][1]["auth_type"] == "keybased"

    async def outcome(connection_id: str) -> tuple[int, object]:
        headers = {"connection_id": connection_id}
        response = await caller.execute("hubspot", "get_contact", {}, headers=headers)
        assert mock.requests[-1].headers["connection_id"] == connection_id
        return response.status, response.json.get("http_status")

    assert await outcome("") == await outcome("c2") == (200, None)
    assert await outcome(first.connection_id) == (200, 401)
    assert await outcome("nothing") == (400, None)
    second.status = "expired"
    assert await outcome("") == (200, 401)
    account.connections("hubspot").remove(first)
    account.connect("hubspot")
    assert await outcome("c2") == (200, None)
    assert (await outcome(first.connection_id))[0] == 400


async def test_custom_app(caller: MockCaller, mock: MockRefold) -> None:
    """Its type is `custom`, whatever its slug; only its id tells it from others."""
    app_id = mock.catalogue.add_app("acme", name="Acme CRM", custom=True).app_id
    app = (await caller.get(f"{APPLICATION}/acme")).json
    assert (app["slug"], app["type"], app["kind"], app["app_id"]) == ("acme", "custom", "custom", app_id)
    integrations = (await caller.get(f"{LINKED_ACCOUNT}/user_1", account=None)).json["integrations"]
    assert [(one["type"], one["name"], one["app_id"]) for one in integrations] == [
        ("hubspot", "HubSpot", None),
        ("slack", "Slack", None),
        ("custom", "Acme CRM", app_id),
    ]


@pytest.mark.parametrize("path", [APPLICATION, f"{APPLICATION}/hubspot"])
async def test_account_in_the_query(caller: MockCaller, mock: MockRefold, path: str) -> None:
    """The linked account may be named in the query; a header is stronger."""
    mock.account("user_2").expire("hubspot")
    for account, expected in ((None, True), ("user_1", False)):
        response = await caller.get(f"{path}?linked_account_id=user_2", account=account)
        app = response.json if path.endswith("hubspot") else response.json[0]
        assert app["reauth_required"] == expected
    assert [request.linked_account_id for request in mock.requests] == ["user_2", "user_1"]
    assert (await caller.get("/api/v2/public/execution?linked_account_id=user_2", account=None)).status == 400


@pytest.mark.parametrize("query", ["", "?auth_type=keybased", "?tags=None", "?ecosystem=true"])
async def test_unknown_application(caller: MockCaller, query: str) -> None:
    """An unknown app is 404 in words of its own, as is one that a filter leaves out."""
    slug = "hubspot" if query else "no_such_app"
    response = await caller.get(f"{APPLICATION}/{slug}{query}")
    assert response.status == 404
    assert response.json == {
        "status_code": 404,
        "http_error_type": "EXTERNAL_API_ERROR",
        "error": "EXTERNAL_API_FAILURE",
        "message": f"Application with app_type '{slug}' not found for org {ORGANISATION_ID}",
    }
