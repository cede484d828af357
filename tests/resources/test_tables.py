"""Persistent tables: their life in the mock, what is refused before it is sent, and what is retried."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from refold_async import (
    AccountScope,
    APIConnectionError,
    APIResponseValidationError,
    AsyncRefold,
    BadRequestError,
    ConfigurationError,
    Confirmation,
    NotFoundError,
    ParameterError,
)
from refold_async.testing import Answer, MockRefold, Reset

JANE: Final = {"email": "jane@example.com", "stage": "new"}
JOHN: Final = {"email": "john@example.com", "stage": "qualified"}
TWENTY: Final = [f"column {number}" for number in range(20)]


async def leads_of(account: AccountScope) -> str:
    """Create a table with two columns, and return its id."""
    return (await account.tables.create("leads", ["email", "stage"])).table_id


async def values_of(account: AccountScope, table_id: str) -> list[dict[str, Any]]:
    """Return the records of a table without their ids."""
    records = [dict(record) async for record in account.tables.list_records(table_id)]
    assert all(record.pop("record_id") for record in records)
    return records


async def test_life_of_a_table(account: AccountScope) -> None:
    """It is created once, listed with how many records it has, put into a group, and deleted."""
    created = await account.tables.create("leads", ["email", "stage"])
    assert created.already_exists is None
    again = await account.tables.create("leads", ["other"])
    assert (again.table_id, again.already_exists) == (created.table_id, True)
    await account.tables.add_records(created.table_id, [JANE, JOHN])
    assert await account.tables.edit_group([created.table_id, "no-such-table"], "sales") == Confirmation()
    (table,) = await account.tables.list(name="^lea").collect()
    assert (table.table_id, table.name, table.record_count, table.group) == (created.table_id, "leads", 2, "sales")
    assert (table.table_type, table.is_deleted, table.linked_account_id) == ("persistent", False, "user_12345")
    assert await account.tables.list(name="deals").collect() == []
    for nothing in (None, ""):
        await account.tables.edit_group([created.table_id], nothing)
        assert (await account.tables.list().collect())[0].group is None
    assert await account.tables.delete(created.table_id) is True
    assert await account.tables.list().collect() == []
    with pytest.raises(NotFoundError, match=rf"table '{created.table_id}'.*tables\.list\(\) gives all its tables"):
        await account.tables.delete(created.table_id)
    assert (await account.tables.create("leads", ["email"])).table_id != created.table_id


async def test_records(account: AccountScope) -> None:
    """They are added without unknown columns, listed in pages that also have the columns, and deleted."""
    table_id = await leads_of(account)
    added = await account.tables.add_records(table_id, {**JANE, "unknown": 1})
    assert [{**JANE, "record_id": added.records[0]["record_id"]}] == added.records
    await account.tables.add_records(table_id, [JOHN] * 4)
    pages = [page async for page in account.tables.list_records(table_id, page_size=2).pages()]
    assert [(page.name, page.columns, len(page.docs)) for page in pages] == [
        ("leads", ["email", "stage"], count) for count in (2, 2, 1)
    ]
    assert (pages[0].total_docs, pages[0].total_pages) == (5, 3)
    assert await values_of(account, table_id) == [JANE, *[JOHN] * 4]
    assert await account.tables.delete_record(table_id, added.records[0]["record_id"]) == added.records[0]
    assert await values_of(account, table_id) == [JOHN] * 4
    with pytest.raises(NotFoundError, match="Record not found"):
        await account.tables.delete_record(table_id, added.records[0]["record_id"])


async def test_records_that_come_twice(mock: MockRefold, account: AccountScope) -> None:
    """A record that moved to a later page comes once; one without an id, or with a strange one, comes as it is."""
    one, strange, nameless = {"record_id": "1"}, {"record_id": [2]}, {"email": "jane@example.com"}
    mock.script(Answer(200, json={"docs": [one, strange, nameless], "hasNextPage": True}), calls=1)
    mock.script(Answer(200, json={"docs": [one, strange, nameless], "hasNextPage": False}), calls=2)
    assert await account.tables.list_records("t").collect() == [one, strange, nameless, strange, nameless]


async def test_pages_without_columns(mock: MockRefold, account: AccountScope) -> None:
    """What a page should have and has not is None, whatever is there instead."""
    mock.script(Answer(200, json={"docs": [], "columns": "email", "name": 5, "hasNextPage": False}))
    (page,) = [page async for page in account.tables.list_records("t").pages()]
    assert (page.columns, page.name) == (None, None)


async def test_columns(account: AccountScope) -> None:
    """They are added, removed and renamed in the table and its records, in chains too."""
    table_id = await leads_of(account)
    await account.tables.add_records(table_id, JANE)
    assert await account.tables.add_columns(table_id, ["score"]) == ["email", "stage", "score"]
    await account.tables.add_records(table_id, {"score": 7})
    assert await account.tables.rename_columns(table_id, {"email": "stage", "stage": "step"}) == [
        "stage",
        "step",
        "score",
    ]
    assert await values_of(account, table_id) == [{"stage": "jane@example.com", "step": "new"}, {"score": 7}]
    assert await account.tables.rename_columns(table_id, {"stage": "step", "step": "stage"}) == [
        "step",
        "stage",
        "score",
    ]
    assert await account.tables.remove_columns(table_id, ["score", "stage"]) == ["step"]
    assert await values_of(account, table_id) == [{"step": "jane@example.com"}, {}]


async def test_search(account: AccountScope) -> None:
    """Values are patterns, all of which must match."""
    table_id = await leads_of(account)
    await account.tables.add_records(table_id, [JANE, JOHN, {"email": 7}])
    found = await account.tables.search_records(table_id, {"email": "^j.*@example[.]com$", "stage": "qual"})
    assert [record["email"] for record in found] == ["john@example.com"]
    assert [record["email"] async for record in account.tables.search_records(table_id, {"email": 7})] == [7]
    assert len(await account.tables.search_records(table_id, {})) == 3
    assert await account.tables.search_records(table_id, {"nowhere": "."}) == []


async def test_limits_of_a_table(account: AccountScope) -> None:
    """Refold has the last word on what a table may hold."""
    table_id = (await account.tables.create("wide", TWENTY)).table_id
    refused: list[Callable[[], Awaitable[object]]] = [
        lambda: account.tables.add_columns(table_id, ["one more"]),
        lambda: account.tables.remove_columns(table_id, TWENTY),
        lambda: account.tables.remove_columns(table_id, ["nowhere"]),
        lambda: account.tables.rename_columns(table_id, {"column 1": "column 2"}),
        lambda: account.tables.search_records(table_id, {"column 1": "("}),
    ]
    for call in refused:
        with pytest.raises(BadRequestError):
            await call()
    await account.tables.add_records(table_id, [{"column 1": number} for number in range(10_000)])
    with pytest.raises(BadRequestError, match="at most 10000 records"):
        await account.tables.add_records(table_id, JANE)
    assert len(await account.tables.list_records(table_id).collect(limit=150)) == 150


async def test_tables_of_other_accounts(refold: AsyncRefold, account: AccountScope) -> None:
    """Nobody sees them."""
    table_id = await leads_of(account)
    other = refold.account("somebody_else")
    assert await other.tables.list().collect() == []
    assert (await other.tables.create("leads", ["email"])).already_exists is None
    with pytest.raises(NotFoundError):
        await other.tables.list_records(table_id).collect()
    await other.tables.edit_group([table_id], "theirs")
    assert (await account.tables.list().collect())[0].group is None


WRONG: Final[dict[str, tuple[Callable[[AccountScope], Awaitable[object]], str]]] = {
    "no columns": (lambda account: account.tables.create("t", []), "columns is too short"),
    "21 columns": (lambda account: account.tables.create("t", [*TWENTY, "u"]), "columns is too long.* 20 or fewer"),
    "a column twice": (lambda account: account.tables.create("t", ["a", "b", "a"]), "columns contains 'a' twice"),
    "a text": (lambda account: account.tables.create("t", "email"), "columns must be a list, not str"),
    "a column that is none": (lambda account: account.tables.add_columns("t", ["a", ""]), r"columns\[1\] is empty"),
    "no name": (lambda account: account.tables.create("", ["a"]), "^name is empty"),
    "no pattern": (lambda account: account.tables.list(name="").collect(), "name is empty"),
    "nothing to add": (lambda account: account.tables.add_records("t", []), "data is too short"),
    "too much to add": (
        lambda account: account.tables.add_records("t", [JANE] * 10_001),
        "data is too long: pass a list of 10,000 or fewer, not 10,001",
    ),
    "a text as records": (lambda account: account.tables.add_records("t", "x"), "data must be a record, .* or a list"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    "no record": (lambda account: account.tables.add_records("t", [5]), r"data\[0\] must be a mapping"),  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
    "nothing to remove": (lambda account: account.tables.remove_columns("t", []), "columns is too short"),
    "nothing to rename": (
        lambda account: account.tables.rename_columns("t", {}),
        "renames is empty: pass the new names",
    ),
    "one name for two": (
        lambda account: account.tables.rename_columns("t", {"a": "c", "b": "c"}),
        "renames contains 'c' twice",
    ),
    "None to search for": (
        lambda account: account.tables.search_records("t", {"a": None}),
        r"filters\['a'\] is None: leave",
    ),
    "no tables": (lambda account: account.tables.edit_group([], "g"), "table_ids is too short"),
    "no text for a group": (lambda account: account.tables.edit_group(["t"], 5), "group must be a str"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    "no id": (lambda account: account.tables.delete(".."), "table_id is '..'"),
}


@pytest.mark.parametrize(("call", "message"), WRONG.values(), ids=WRONG)
async def test_wrong_arguments(
    mock: MockRefold, account: AccountScope, call: Callable[[AccountScope], Awaitable[object]], message: str
) -> None:
    """They are named, and nothing is sent."""
    with pytest.raises(ConfigurationError, match=message):
        await call(account)
    assert not mock.requests


async def test_values_that_are_not_json(mock: MockRefold, account: AccountScope) -> None:
    """Their place is named, and nothing is sent."""
    with pytest.raises(ParameterError, match=r"data\[1\]\.score cannot be sent as JSON"):
        await account.tables.add_records("t", [JANE, {"score": float("nan")}])
    assert not mock.requests


async def test_lost_responses(mock: MockRefold, account: AccountScope) -> None:
    """Creating a table is repeated, since it is then found; adding records to it never is."""
    mock.script(Reset("after"), calls=1)
    created = await account.tables.create("leads", ["email"])
    assert (created.already_exists, created.meta.attempts) == (True, 2)
    mock.script(Reset("after"), calls=1)
    with pytest.raises(APIConnectionError) as caught:
        await account.tables.add_records(created.table_id, {"email": "jane@example.com"})
    assert (caught.value.attempts, caught.value.effect) == (1, "unknown")
    assert len(await account.tables.list_records(created.table_id).collect()) == 1


async def test_responses_that_say_little(mock: MockRefold, account: AccountScope) -> None:
    """A deletion is confirmed by its status; where columns should be and are not, it is an error."""
    mock.script(Answer(200, body=b""))
    assert await account.tables.delete("t") is None
    assert await account.tables.delete_record("t", "r") is None
    mock.clear()
    mock.script(Answer(200, json={}))
    with pytest.raises(APIResponseValidationError) as caught:
        await account.tables.add_columns("t", ["a"])
    assert caught.value.effect == "unknown"
