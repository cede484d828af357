"""Linked accounts, seen by the organisation."""

from urllib.parse import quote

import pytest

from refold_async.testing import MockAccount, MockRefold
from support.mock_caller import LINKED_ACCOUNT, MockCaller


async def test_create_and_get(caller: MockCaller) -> None:
    """A created account is shown with its name, its own fields and its integrations."""
    body = {"linked_account_id": "jane/+@example.com", "name": "Jane", "udf": {"plan": "gold"}}
    created = await caller.post(LINKED_ACCOUNT, json=body, account=None)
    assert created.status == 200
    assert created.json["account_id"] == "jane/+@example.com"
    assert created.json["name"] == "Jane"
    assert created.json["udf"] == [{"key_name": "plan", "key_value": "gold"}]
    assert [app["type"] for app in created.json["integrations"]] == ["hubspot", "slack"]
    response = await caller.get(f"{LINKED_ACCOUNT}/{quote('jane/+@example.com', safe='')}", account=None)
    assert response.json == created.json


async def test_creating_twice(caller: MockCaller, mock: MockRefold) -> None:
    """An account cannot be created twice; having been met in a request does not count."""
    body = {"linked_account_id": "user_1"}
    mock.account("user_1")
    assert (await caller.post(LINKED_ACCOUNT, json=body)).status == 200
    response = await caller.post(LINKED_ACCOUNT, json=body)
    assert (response.status, response.json["message"]) == (400, "Linked account with id user_1 already exists")


async def test_upsert(caller: MockCaller) -> None:
    """An upsert creates, then changes only what it is given."""
    body = {"linked_account_id": "user_1", "name": "Jane", "udf": {"a": 1}}
    first = await caller.send("PUT", LINKED_ACCOUNT, json=body)
    assert first.status == 200
    second = await caller.send("PUT", LINKED_ACCOUNT, json={"linked_account_id": "user_1", "udf": {"b": 2}})
    assert second.json["name"] == "Jane"
    assert second.json["udf"] == [{"key_name": "a", "key_value": 1}, {"key_name": "b", "key_value": 2}]
    assert second.json["_id"] == first.json["_id"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "INVALID_LINKED_ACCOUNT_ID"),
        ({"linked_account_id": ""}, "INVALID_LINKED_ACCOUNT_ID"),
        ({"linked_account_id": 7}, "INVALID_LINKED_ACCOUNT_ID"),
        ({"linked_account_id": "a", "udf": [1]}, "VALIDATION_ERROR"),
        (["user_1"], "VALIDATION_ERROR"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_body_that_makes_no_account(caller: MockCaller, method: str, body: object, code: str) -> None:
    """A body without a usable id or fields is 400."""
    response = await caller.send(method, LINKED_ACCOUNT, json=body)
    assert (response.status, response.json["error_code"]) == (400, code)


async def test_list(caller: MockCaller, mock: MockRefold) -> None:
    """The accounts met so far come in pages, and show what has to be reconnected."""
    for number in range(3):
        mock.account(f"user_{number}")
    mock.account("user_2").expire("hubspot")
    mock.account("user_2").disconnect("slack")
    page = (await caller.get(f"{LINKED_ACCOUNT}?page=2&limit=2", account=None)).json
    assert (page["totalDocs"], page["totalPages"]) == (3, 2)
    assert [account["account_id"] for account in page["docs"]] == ["user_2"]
    assert page["docs"][0]["integrations"] == [{"type": "hubspot", "name": "HubSpot", "reauth_required": True}]


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
