"""Linked accounts, seen by the organisation."""

from urllib.parse import quote

import pytest

from refold_async.testing import MockAccount, MockRefold
from refold_async.testing.protocol.organisation import ORGANISATION_ID
from support.mock_caller import LINKED_ACCOUNT, MockCaller

START = "2026-06-21T10:04:11.000Z"


async def test_create_and_get(caller: MockCaller) -> None:
    """A created account is shown with its name and its own fields; who reads it sees its integrations too."""
    body = {"linked_account_id": "jane/+@example.com", "name": "Jane", "udf": {"plan": "gold"}}
    created = await caller.post(LINKED_ACCOUNT, json=body, account=None)
    assert created.status == 200
    (field,) = created.json["udf"]
    assert created.json == {
        "_id": created.json["_id"],
        "associated_org": ORGANISATION_ID,
        "account_id": "jane/+@example.com",
        "environment": "test",
        "name": "Jane",
        "udf": [
            {"key_name": "plan", "key_value": "gold", "_id": field["_id"], "createdAt": START, "updatedAt": START},
        ],
        "is_seed": False,
        "tenant_account_id": None,
        "integrations": None,
        "createdAt": START,
        "updatedAt": START,
        "__v": 0,
    }
    read = (await caller.get(f"{LINKED_ACCOUNT}/{quote('jane/+@example.com', safe='')}", account=None)).json
    assert read == created.json | {"integrations": read["integrations"]}
    hubspot = read["integrations"][0]
    assert hubspot == {
        "_id": hubspot["_id"],
        "type": "hubspot",
        "name": "HubSpot",
        "icon": "https://icons.example.com/hubspot.png",
        "identifier": "jane/+@example.com",
        "app_id": None,
        "credentials": {},
        "authTokens": {},
        "refresh_token_expired": False,
        "reauth_required": False,
        "connections": {},
        "createdAt": START,
        "updatedAt": START,
    }
    assert len(read["_id"]) == len(field["_id"]) == len(hubspot["_id"]) == 24


async def test_creating_twice(caller: MockCaller, mock: MockRefold) -> None:
    """An account cannot be created twice; having been met in a request does not count."""
    body = {"account_id": "user_1"}
    mock.account("user_1")
    assert (await caller.post(LINKED_ACCOUNT, json=body)).status == 200
    response = await caller.post(LINKED_ACCOUNT, json=body)
    assert (response.status, response.json["message"]) == (400, "Linked account with id user_1 already exists")


async def test_upsert(caller: MockCaller) -> None:
    """An upsert creates, then changes only what it is given; it says which it was."""
    body = {"linked_account_id": "user_1", "name": "Jane", "udf": {"a": "1"}}
    first = (await caller.put(LINKED_ACCOUNT, json=body)).json
    assert (first["new_account"], first["__v"], "integrations" in first) == (True, 0, False)
    second = (await caller.put(LINKED_ACCOUNT, json={"account_id": "user_1", "udf": {"b": "2"}})).json
    assert (second["name"], second["new_account"], second["__v"]) == ("Jane", False, 1)
    assert [(field["key_name"], field["key_value"]) for field in second["udf"]] == [("a", "1"), ("b", "2")]
    assert second["_id"] == first["_id"]
    assert second["updatedAt"] > second["createdAt"] == first["updatedAt"]


async def test_upsert_of_nested_fields(caller: MockCaller) -> None:
    """What stands under `payload` goes before what stands beside it."""
    own_app = {"auth_credentials": {"key": "k"}}
    body = {"account_id": "user_1", "name": "no", "payload": {"name": "Jane", "udf": {"a": "1"}, "your_app": own_app}}
    upserted = (await caller.put(LINKED_ACCOUNT, json=body, account=None)).json
    assert (upserted["name"], upserted["udf"][0]["key_value"]) == ("Jane", "1")


async def test_upsert_with_a_session_token(caller: MockCaller, mock: MockRefold) -> None:
    """A token names the account, whatever the body says, and reads that account alone."""
    token = mock.session_token("user_1")
    for body in ({"name": "Jane"}, {"account_id": "user_2", "name": "Jane"}):
        upserted = await caller.put(LINKED_ACCOUNT, json=body, token=token)
        assert (upserted.json["account_id"], upserted.json["name"]) == ("user_1", "Jane")
    assert (await caller.get(f"{LINKED_ACCOUNT}/user_1", token=token)).json["name"] == "Jane"
    mock.account("user_2")
    assert (await caller.get(f"{LINKED_ACCOUNT}/user_2", token=token)).status == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "INVALID_LINKED_ACCOUNT_ID"),
        ({"linked_account_id": ""}, "INVALID_LINKED_ACCOUNT_ID"),
        ({"account_id": 7}, "INVALID_LINKED_ACCOUNT_ID"),
        ({"linked_account_id": "a", "udf": [1]}, "VALIDATION_ERROR"),
        ({"linked_account_id": "a", "udf": {"seats": 3}}, "VALIDATION_ERROR"),
        ({"linked_account_id": "a", "udf": {"seats": None}}, "VALIDATION_ERROR"),
        ({"linked_account_id": "a", "name": 7}, "VALIDATION_ERROR"),
        ({"linked_account_id": "a", "your_app": {"auth_credentials": {"key": 7}}}, "VALIDATION_ERROR"),
        ({"linked_account_id": "a", "your_app": "x"}, "VALIDATION_ERROR"),
        (["user_1"], "VALIDATION_ERROR"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_body_that_makes_no_account(
    caller: MockCaller, mock: MockRefold, method: str, body: object, code: str
) -> None:
    """A body without a usable id or fields is 400, and makes nothing."""
    response = await caller.send(method, LINKED_ACCOUNT, json=body)
    assert (response.status, response.json["error"]) == (400, code)
    assert not mock.account("a").created


async def test_body_without_an_id(caller: MockCaller) -> None:
    """It is refused in the documented words."""
    assert (await caller.post(LINKED_ACCOUNT, json={"name": "Jane"})).json == {
        "status_code": 400,
        "http_error_type": "BAD_REQUEST",
        "error": "INVALID_LINKED_ACCOUNT_ID",
        "message": "linked_account_id required",
    }
    nested = {"linked_account_id": "a", "payload": ["name"]}
    assert (await caller.put(LINKED_ACCOUNT, json=nested)).json["error"] == "VALIDATION_ERROR"


async def test_list(caller: MockCaller, mock: MockRefold) -> None:
    """The accounts met so far come in pages, and show what has to be reconnected."""
    for number in range(3):
        mock.account(f"user_{number}")
    mock.account("user_2").expire("hubspot")
    mock.account("user_2").disconnect("slack")
    page = (await caller.get(f"{LINKED_ACCOUNT}?page=2&limit=2", account=None)).json
    assert (page["totalDocs"], page["totalPages"]) == (3, 2)
    assert [account["account_id"] for account in page["docs"]] == ["user_2"]
    shown = [(one["type"], one["reauth_required"]) for one in page["docs"][0]["integrations"]]
    assert shown == [("hubspot", True)]
    mock.account("user_2").connections("hubspot")[0].refresh_token_expired = True
    page = (await caller.get(f"{LINKED_ACCOUNT}?page=2&limit=2", account=None)).json
    assert page["docs"][0]["integrations"][0]["refresh_token_expired"] is True
    mock.account("user_2").connect("hubspot")
    (hubspot,) = (await caller.get(f"{LINKED_ACCOUNT}/user_2", account=None)).json["integrations"]
    assert (hubspot["reauth_required"], hubspot["refresh_token_expired"]) == (False, False)


async def test_pages_shift_under_a_reader(caller: MockCaller, mock: MockRefold) -> None:
    """A page is cut from what there is when it is asked for: who pages on misses one after a deletion."""

    async def page(number: int) -> list[str]:
        response = await caller.get(f"{LINKED_ACCOUNT}?page={number}&limit=2", account=None)
        return [account["account_id"] for account in response.json["docs"]]

    for number in range(5):
        mock.account(f"user_{number}")
    assert await page(1) == ["user_0", "user_1"]
    await caller.delete(f"{LINKED_ACCOUNT}/user_0", account=None)
    assert await page(2) == ["user_3", "user_4"]
    await caller.post(LINKED_ACCOUNT, json={"linked_account_id": "user_0"}, account=None)
    assert await page(3) == ["user_0"]


async def test_a_hundred_thousand_accounts(
    caller: MockCaller, mock: MockRefold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many accounts, no more are put into words than a page shows."""
    for number in range(100_000):
        mock.account(f"user_{number}")
    described = list[str]()
    document = MockAccount.document

    def describe(account: MockAccount) -> dict[str, object]:
        described.append(account.linked_account_id)
        return document(account)

    monkeypatch.setattr(MockAccount, "document", describe)
    page = (await caller.get(f"{LINKED_ACCOUNT}?page=1000&limit=100", account=None)).json
    assert (page["totalDocs"], page["hasNextPage"]) == (100_000, False)
    assert page["docs"][-1]["account_id"] == "user_99999"
    assert len(described) == 100


async def test_delete(caller: MockCaller) -> None:
    """A deleted account is gone with all that was written for it."""
    await caller.data("hubspot", "create_contact", {"email": "a@b.c"})
    response = await caller.send("DELETE", f"{LINKED_ACCOUNT}/user_1", account=None)
    assert (response.status, response.json) == (200, {"message": "User deleted successfully"})
    assert (await caller.get(LINKED_ACCOUNT, account=None)).json["docs"] == []
    assert (await caller.data("hubspot", "search_contacts", {"query": "a@b.c"}))["total"] == 0


async def test_state_of_an_account(mock: MockRefold) -> None:
    """An account is the same each time, and its state is its own."""
    first, second = mock.account("user_1"), mock.account("user_2")
    second.store("hubspot")["a"] = 1
    assert mock.account("user_2").store("hubspot") == {"a": 1}
    assert first.store("hubspot") == second.store("slack") == {}
