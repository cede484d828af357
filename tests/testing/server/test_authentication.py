"""API keys, linked accounts and session tokens."""

import asyncio
from typing import Any, get_args

import aiohttp
import pytest

from refold_async.testing import ROUTES, SAMPLE_WORKFLOW_ID, MockRefold, Route, RouteName
from refold_async.testing.protocol.organisation import ORGANISATION_ID
from support.mock_caller import (
    EXECUTION,
    LINKED_ACCOUNT,
    SESSION_TOKEN,
    WORKFLOW,
    MockCaller,
    create_contact_request,
    exchange_bytes,
)

ACCOUNT_LEVEL = [route for route in ROUTES if route.access in ("linked account", "linked account by key")]
BY_KEY_ALONE = [route for route in ROUTES if route.access in ("organisation", "linked account by key")]
WITHOUT_CREDENTIALS = {
    "session token": {"error": "INVALID_TOKEN", "message": "Invalid token"},
    "private workflow": {"error_code": "AUTH_SERVICE_ERROR", "message": "Authorization Token Missing"},
}
"""What is said to who has none, where that is not what most routes say."""
INVALID_CREDENTIALS = {"error": "SERVER_ERROR", "message": "Invalid Credentials"}
UNAUTHORIZED = {"status_code": 401, "http_error_type": "UNAUTHORIZED"}


def by_name(route: Route) -> str:
    """The name a parametrised test shows."""
    return route.name


def test_the_table_holds_every_route_name_once() -> None:
    """The names a script may use and the rows of the table are the same."""
    assert sorted(route.name for route in ROUTES) == sorted(get_args(RouteName))
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.access != "anybody"], ids=by_name)
async def test_without_credentials_every_route_is_401(caller: MockCaller, route: Route) -> None:
    """No key and no token is 401, in the documented words."""
    response = await caller.send(route.method, route.path, key=None, account=None)
    assert response.status == 401
    assert response.json == UNAUTHORIZED | WITHOUT_CREDENTIALS.get(route.access, INVALID_CREDENTIALS)


@pytest.mark.parametrize("route", ACCOUNT_LEVEL, ids=by_name)
async def test_account_level_without_linked_account_is_400(caller: MockCaller, route: Route) -> None:
    """A key alone does not say whose connection to use."""
    response = await caller.send(route.method, route.path, account=None)
    assert response.status == 400
    assert response.json["error"] == "INVALID_LINKED_ACCOUNT_ID"


@pytest.mark.parametrize("route", BY_KEY_ALONE, ids=by_name)
async def test_what_needs_the_key_is_401_with_a_session_token(
    caller: MockCaller, mock: MockRefold, route: Route
) -> None:
    """It cannot act for the organisation, nor do all for its linked account; beside a key it is ignored."""
    token = mock.session_token("user_1")
    response = await caller.send(route.method, route.path, token=token)
    assert (response.status, response.json) == (401, UNAUTHORIZED | INVALID_CREDENTIALS)
    headers = {"x-api-key": "tk", "linked_account_id": "user_2"}
    response = await caller.send(route.method, route.path, token=token, headers=headers)
    assert response.status != 401
    if route.access == "linked account by key":
        assert mock.requests[-1].linked_account_id == "user_2"


async def test_who_may_change_private_workflows(caller: MockCaller, mock: MockRefold) -> None:
    """To publish and delete takes a session token, or a key with the name of its environment."""
    calls: list[tuple[str, str, Any]] = [
        ("PUT", f"{WORKFLOW}/{SAMPLE_WORKFLOW_ID}/publish", {"published": False}),
        ("DELETE", f"{WORKFLOW}/{SAMPLE_WORKFLOW_ID}", None),
    ]
    for method, path, body in calls:
        for headers in ({}, {"environment": ""}, {"environment": "staging"}):
            response = await caller.send(method, path, json=body, headers=headers)
            assert response.json == UNAUTHORIZED | WITHOUT_CREDENTIALS["private workflow"]
        assert (await caller.send(method, path, json=body, token="unknown")).json["error"] == "INVALID_TOKEN"
        for account, environment in (("user_1", "test"), ("user_2", "production")):
            headers = {"environment": environment}
            assert (await caller.send(method, path, json=body, headers=headers, account=account)).status == 200
        assert (await caller.send(method, path, json=body, token=mock.session_token("user_3"))).status == 200
        response = await caller.send(method, path, json=body, headers={"environment": "test"}, account=None)
        assert (response.status, response.json["error"]) == (400, "INVALID_LINKED_ACCOUNT_ID")


async def test_only_the_keys_given_are_accepted(session: aiohttp.ClientSession) -> None:
    """With `api_keys`, any other key is 401."""
    async with MockRefold(api_keys=["tk_right"]) as mock:
        caller = MockCaller(session, mock)
        assert (await caller.execute("hubspot", "get_contact", key="tk_right")).status == 200
        response = await caller.execute("hubspot", "get_contact", key="tk_wrong")
        assert (response.status, response.json["message"]) == (401, "Invalid Credentials")
    with pytest.raises(TypeError, match="collection of keys"):
        MockRefold(api_keys="tk_right")


@pytest.mark.parametrize(
    "linked_account_id", ["jane+test@example.com", "a/b c", "Jörg Müller", "会社-✓", "%2F%20", "a?b#c", "x" * 2000]
)
async def test_linked_account_ids_arrive_as_they_are(
    caller: MockCaller, mock: MockRefold, linked_account_id: str
) -> None:
    """Any id goes through header and session token unharmed and names one and the same account."""
    await caller.data("hubspot", "create_contact", {"email": "a@b.c"}, account=linked_account_id)
    response = await caller.post(SESSION_TOKEN, json={"linked_account_id": linked_account_id})
    token = response.json["token"]
    found = await caller.execute("hubspot", "search_contacts", {"query": "a@b.c"}, token=token)
    assert found.json["data"]["total"] == 1
    assert [request.linked_account_id for request in mock.requests] == [linked_account_id, "user_1", linked_account_id]


async def test_linked_account_id_that_is_not_utf8(mock: MockRefold) -> None:
    """Bytes that are no UTF-8 name nobody."""
    request = create_contact_request().replace(b"user_1", b"J\xf6rg\r\nConnection: close")
    response, _ = await exchange_bytes(mock, request)
    assert response.startswith(b"HTTP/1.1 400 ")
    assert b"linked_account_id is not UTF-8" in response


async def test_session_token_replaces_key_and_linked_account(caller: MockCaller, mock: MockRefold) -> None:
    """With a token, the headers of the other kind do not count."""
    headers = {"x-api-key": "tk", "linked_account_id": "user_2"}
    response = await caller.execute(
        "hubspot", "create_contact", {"email": "a@b.c"}, token=mock.session_token("user_1"), headers=headers
    )
    assert response.status == 200
    assert mock.requests[0].linked_account_id == "user_1"
    assert "contacts" in mock.account("user_1").store("hubspot")
    assert "contacts" not in mock.account("user_2").store("hubspot")


@pytest.mark.parametrize("authorization", ["Bearer unknown", "Bearer ", "Bearer", "Basic abc", ""])
async def test_malformed_or_unknown_token(caller: MockCaller, authorization: str) -> None:
    """A token nobody handed out is 401, even beside a good key."""
    response = await caller.execute("hubspot", "get_contact", headers={"Authorization": authorization})
    assert response.json == UNAUTHORIZED | {"error": "INVALID_TOKEN", "message": "Invalid token"}


async def test_expired_token(caller: MockCaller, mock: MockRefold) -> None:
    """A token whose time is over is 401."""
    response = await caller.execute("hubspot", "get_contact", token=mock.session_token("user_1", expires_in=0))
    assert response.status == 401
    assert mock.requests[0].linked_account_id == "user_1"


async def test_revoked_token(caller: MockCaller) -> None:
    """A token works until it is revoked; others of the account go on working."""
    first, second = [
        (await caller.post(f"{SESSION_TOKEN}?force_refresh=true", json={"linked_account_id": "user_1"})).json["token"]
        for _ in range(2)
    ]
    assert (await caller.get(EXECUTION, token=first)).status == 200
    response = await caller.post(f"{SESSION_TOKEN}/revoke", token=first)
    assert (response.status, response.json) == (200, {"success": True, "revoked_count": 1})
    assert (await caller.get(EXECUTION, token=first)).status == 401
    assert (await caller.post(f"{SESSION_TOKEN}/revoke", token=first)).status == 401
    assert (await caller.get(EXECUTION, token=second)).status == 200


async def test_revoking_asks_for_the_token(caller: MockCaller) -> None:
    """An API key does not say which token to revoke."""
    response = await caller.post(f"{SESSION_TOKEN}/revoke")
    assert (response.status, response.json["message"]) == (401, "Invalid token")


async def test_session_token_is_reused_until_forced(caller: MockCaller) -> None:
    """The same token comes back until `force_refresh=true`, which leaves the old one valid."""

    async def create(query: str = "") -> dict[str, object]:
        response = await caller.post(SESSION_TOKEN + query, json={"linked_account_id": "user_1"}, account=None)
        assert response.status == 200
        created: dict[str, object] = response.json
        return created

    first = await create()
    assert first.keys() == {"token", "refresh_token", "expires_in", "refresh_expires_in"}
    assert 604790 <= int(str(first["expires_in"])) <= 604800
    assert (await create())["token"] == first["token"]
    assert (await create("?force_refresh=false"))["token"] == first["token"]
    forced = await create("?force_refresh=true")
    assert forced["token"] != first["token"]
    assert (await create())["token"] == forced["token"]
    assert (await caller.get(EXECUTION, token=str(first["token"]))).status == 200


async def test_expired_token_is_not_handed_out_again(caller: MockCaller, mock: MockRefold) -> None:
    """A token that has expired is replaced by a new one."""
    expired = mock.session_token("user_1", expires_in=0)
    response = await caller.post(SESSION_TOKEN, json={"linked_account_id": "user_1"})
    assert response.json["token"] != expired


async def test_session_tokens_of_a_short_life(session: aiohttp.ClientSession) -> None:
    """With `session_token_seconds`, tokens expire that soon, and say so to the millisecond."""
    async with MockRefold(session_token_seconds=0.3) as mock:
        caller = MockCaller(session, mock)
        created = (await caller.post(SESSION_TOKEN, json={"linked_account_id": "user_1"})).json
        assert 0 <= created["expires_in"] <= 0.3
        async with asyncio.timeout(30):
            while (await caller.get(EXECUTION, token=created["token"])).status == 200:
                pass
        response = await caller.get(EXECUTION, token=created["token"])
        assert (response.status, response.json["message"]) == (401, "Invalid token")
        again = (await caller.post(SESSION_TOKEN, json={"linked_account_id": "user_1"})).json
        assert again["token"] != created["token"]
    async with MockRefold(session_token_seconds=3600) as mock:
        caller = MockCaller(session, mock)
        created = (await caller.post(SESSION_TOKEN, json={"linked_account_id": "user_1"})).json
        assert isinstance(created["expires_in"], int)
        assert 3500 < created["expires_in"] <= 3600
        assert (await caller.get(EXECUTION, token=mock.session_token("user_1"))).status == 200
    for seconds in (0, -1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="session_token_seconds must be"):
            MockRefold(session_token_seconds=seconds)


@pytest.mark.parametrize("body", [{}, {"linked_account_id": ""}, {"linked_account_id": 5}, {"linked_account_id": None}])
async def test_session_token_needs_a_linked_account(caller: MockCaller, body: dict[str, object]) -> None:
    """A token for nobody is 400."""
    response = await caller.post(SESSION_TOKEN, json=body)
    assert response.json == {
        "status_code": 400,
        "http_error_type": "BAD_REQUEST",
        "error": "SERVER_ERROR",
        "message": "linked_account_id is required",
    }


async def test_known_accounts_only(session: aiohttp.ClientSession) -> None:
    """With `known_accounts_only`, an account must have been created before anything is done for it."""
    async with MockRefold(known_accounts_only=True) as mock:
        caller = MockCaller(session, mock)
        response = await caller.execute("hubspot", "get_contact")
        assert (response.status, response.json["error"]) == (400, "INVALID_LINKED_ACCOUNT_ID")
        body = {"linked_account_id": "user_1"}
        response = await caller.post(SESSION_TOKEN, json=body)
        assert response.json == {
            "status_code": 400,
            "http_error_type": "BAD_REQUEST",
            "error": "INVALID_LINKED_ACCOUNT_ID",
            "message": "No linked account found for account id : user_1 in environment test",
        }
        response = await caller.get(f"{LINKED_ACCOUNT}/user_1")
        assert response.json == {
            "status_code": 404,
            "http_error_type": "NOT_FOUND",
            "error": "SERVER_ERROR",
            "message": f"Linked Account with account id user_1 for org {ORGANISATION_ID} in environment test not found",
        }
        assert (await caller.post(LINKED_ACCOUNT, json=body)).status == 200
        await caller.data("hubspot", "get_contact")
        token = mock.session_token("user_2")
        await caller.data("hubspot", "get_contact", account="user_2")
        assert (await caller.send("DELETE", f"{LINKED_ACCOUNT}/user_2")).status == 200
        assert (await caller.execute("hubspot", "get_contact", token=token)).status == 401
