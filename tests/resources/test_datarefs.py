"""Datarefs: their life in the mock, their records as a table, and what is refused before it is sent."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from refold_async import (
    AccountScope,
    APIConnectionError,
    AsyncRefold,
    BadRequestError,
    ConfigurationError,
    Confirmation,
    DatarefDeletion,
    NotFoundError,
)
from refold_async.testing import Answer, MockRefold, Reset

ACCOUNT: Final = "user_12345"
NEW: Final[dict[str, Any]] = {"email": "jane@example.com", "stage": "new"}
QUALIFIED: Final[dict[str, Any]] = {"email": "jane@example.com", "score": 7}


async def test_life_of_a_dataref(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> None:
    """It is created once, listed without its records, put into a group, cleared and deleted."""
    created = await account.datarefs.create("contacts")
    assert (created.name, created.linked_account_id, created.data) == ("contacts", ACCOUNT, {})
    with pytest.raises(BadRequestError, match="already exists"):
        await account.datarefs.create("contacts")
    mock.account(ACCOUNT).dataref("contacts")["1"] = [NEW]
    assert await account.datarefs.edit_group(["contacts", "nothing"], "sales") == Confirmation()
    (listed,) = await refold.datarefs.list().collect()
    assert (listed.dataref_id, listed.group, listed.data) == (created.dataref_id, "sales", None)
    for nothing in (None, ""):
        await account.datarefs.edit_group(["contacts"], nothing)
        assert (await refold.datarefs.list().collect())[0].group is None
    assert await account.datarefs.list_rows("contacts").collect() == [{"record_id": "1", **NEW}]
    assert (await account.datarefs.clear_records("contacts")).data == {}
    assert await account.datarefs.list_rows("contacts").collect() == []
    assert await account.datarefs.delete("contacts") == DatarefDeletion(acknowledged=True, deleted_count=1)
    assert await refold.datarefs.list().collect() == []
    missing: list[Callable[[], Awaitable[object]]] = [
        lambda: account.datarefs.delete("contacts"),
        lambda: account.datarefs.clear_records("contacts"),
        lambda: account.datarefs.list_rows("contacts").collect(),
    ]
    for call in missing:
        with pytest.raises(NotFoundError, match=r"dataref 'contacts'.*refold\.datarefs\.list\(\) gives"):
            await call()


async def test_rows(mock: MockRefold, account: AccountScope) -> None:
    """All rows of a record come, even equal ones, with the columns; pages count records."""
    mock.account(ACCOUNT).dataref("contacts").update({"1": [NEW, NEW, QUALIFIED], "2": [NEW], "3": [QUALIFIED]})
    pages = [page async for page in account.datarefs.list_rows("contacts", page_size=2).pages()]
    assert [[row["record_id"] for row in page.docs] for page in pages] == [["1", "1", "1", "2"], ["3"]]
    assert [page.columns for page in pages] == [["record_id", "email", "stage", "score"]] * 2
    assert (pages[0].total_docs, pages[0].total_pages) == (3, 2)
    rows = [row async for row in account.datarefs.list_rows("contacts", page_size=2)]
    assert rows == [row for page in pages for row in page.docs]
    assert [row.get("score") for row in rows] == [None, None, 7, None, 7]


async def test_pages_without_columns(mock: MockRefold, account: AccountScope) -> None:
    """Rows come whatever else a page lacks."""
    mock.script(Answer(200, json={"rows": [NEW, NEW], "headers": None, "hasNextPage": False}))
    (page,) = [page async for page in account.datarefs.list_rows("contacts").pages()]
    assert (page.docs, page.columns) == ([NEW, NEW], None)


async def test_lists(refold: AsyncRefold, account: AccountScope) -> None:
    """The list is the whole organisation's, or one linked account's; `unique` shows each name once."""
    other = refold.account("somebody_else")
    for scope, names in ((account, ("contacts", "deals")), (other, ("contacts",))):
        for name in names:
            await scope.datarefs.create(name)

    async def listed(**options: Any) -> list[tuple[str | None, str | None]]:
        return [(each.linked_account_id, each.name) async for each in refold.datarefs.list(page_size=1, **options)]

    whole = [(ACCOUNT, "contacts"), (ACCOUNT, "deals"), ("somebody_else", "contacts")]
    assert await listed() == await listed(unique=False) == whole
    assert await listed(unique=True) == whole[:2]
    assert await listed(linked_account_id="somebody_else") == whole[2:]
    assert await listed(linked_account_id="nobody") == []


async def test_datarefs_of_other_accounts(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> None:
    """The same name is another dataref."""
    mock.account(ACCOUNT).dataref("contacts")["1"] = [NEW]
    other = refold.account("somebody_else")
    with pytest.raises(NotFoundError):
        await other.datarefs.clear_records("contacts")
    await other.datarefs.create("contacts")
    await other.datarefs.delete("contacts")
    assert len(await account.datarefs.list_rows("contacts").collect()) == 1


WRONG: Final[dict[str, tuple[Callable[[AsyncRefold], Awaitable[object]], str]]] = {
    "no name": (lambda refold: refold.account(ACCOUNT).datarefs.create(""), "ref_name is empty"),
    "no name to read": (lambda refold: refold.account(ACCOUNT).datarefs.list_rows("").collect(), "ref_name is empty"),
    "no size": (
        lambda refold: refold.account(ACCOUNT).datarefs.list_rows("contacts", page_size=0).collect(),
        "page_size",
    ),
    "no names": (lambda refold: refold.account(ACCOUNT).datarefs.edit_group([], "g"), "ref_names is too short"),
    "a text": (lambda refold: refold.account(ACCOUNT).datarefs.edit_group("contacts", "g"), "must be a list, not str"),
    "no account": (lambda refold: refold.datarefs.list(linked_account_id="").collect(), "linked_account_id is empty"),
    "no flag": (lambda refold: refold.datarefs.list(unique=1).collect(), "unique must be True or False"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
}


@pytest.mark.parametrize(("call", "message"), WRONG.values(), ids=WRONG)
async def test_wrong_arguments(
    mock: MockRefold, refold: AsyncRefold, call: Callable[[AsyncRefold], Awaitable[object]], message: str
) -> None:
    """They are named, and nothing is sent."""
    with pytest.raises(ConfigurationError, match=message):
        await call(refold)
    assert not mock.requests


async def test_lost_responses(mock: MockRefold, account: AccountScope) -> None:
    """Records are not cleared twice: a workflow may have written new ones."""
    mock.account(ACCOUNT).dataref("contacts")["1"] = [NEW]
    mock.script(Reset("after"), calls=1)
    with pytest.raises(APIConnectionError) as caught:
        await account.datarefs.clear_records("contacts")
    assert (caught.value.attempts, caught.value.effect) == (1, "unknown")
