"""Applications and the state of their connections."""

import pytest

from refold_async.testing import MockRefold
from support.mock_caller import APPLICATION, MockCaller


@pytest.mark.parametrize(
    ("change", "connected", "reauth_required", "statuses"),
    [
        ("connect", True, False, ["active"]),
        ("expire", True, True, ["expired"]),
        ("disconnect", False, False, []),
    ],
)
async def test_three_states(
    caller: MockCaller, mock: MockRefold, change: str, connected: bool, reauth_required: bool, statuses: list[str]
) -> None:
    """An app is connected, to be reconnected, or to be connected: for this account alone."""
    getattr(mock.account("user_1"), change)("hubspot")
    response = await caller.get(f"{APPLICATION}/hubspot")
    assert response.status == 200
    assert (response.json["connected"], response.json["reauth_required"]) == (connected, reauth_required)
    assert [account["status"] for account in response.json["connected_accounts"]] == statuses
    other = (await caller.get(f"{APPLICATION}/hubspot", account="user_2")).json
    assert (other["connected"], other["reauth_required"]) == (True, False)


async def test_lists_applications(caller: MockCaller, mock: MockRefold) -> None:
    """All apps are listed and can be filtered."""
    mock.catalogue.add_app("billing", auth_type="keybased", tags=["Finance", "CRM"])

    async def slugs(query: str) -> list[str]:
        return [app["slug"] for app in (await caller.get(f"{APPLICATION}?{query}")).json]

    assert await slugs("") == ["hubspot", "slack", "billing"]
    assert await slugs("slug=slack") == ["slack"]
    assert await slugs("auth_type=keybased") == ["billing"]
    assert await slugs("tags=CRM") == ["hubspot", "billing"]
    assert await slugs("tags=Finance,Communication") == ["slack", "billing"]


async def test_one_application(caller: MockCaller) -> None:
    """An app is shown with its ids and its connected account."""
    app = (await caller.get(f"{APPLICATION}/slack")).json
    assert (app["name"], app["slug"], app["type"], app["auth_type"]) == ("Slack", "slack", "slack", "oauth2")
    assert app["connected_accounts"][0]["identifier"] == "user_1"


async def test_unknown_application(caller: MockCaller) -> None:
    """An unknown app is 404."""
    response = await caller.get(f"{APPLICATION}/no_such_app")
    assert (response.status, response.json["message"]) == (404, "Application app_type 'no_such_app' not found")
