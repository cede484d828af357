"""Datastores of configs: what a test put there is listed and found, and what is refused before anything is sent."""

from typing import Any, Final

import pytest

from refold_async import AccountScope, AsyncRefold, BadRequestError, ConfigurationError, NotFoundError
from refold_async.testing import Answer, MockRefold

CONTACTS: Final[list[dict[str, Any]]] = [
    {"id": "rec_001", "email": "jane@example.com", "stage": "qualified", "deals": 12},
    {"id": "rec_002", "email": "john@example.com", "stage": "new"},
]


async def test_records(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> None:
    """They are those of one config of one account."""
    with pytest.raises(NotFoundError, match=r"Config not found.*configs\.list\(slug\)"):
        await account.datastores.list("hubspot")
    mock.account("user_12345").config("hubspot").datastores["contacts"] = CONTACTS
    mock.account("user_12345").config("hubspot", "eu").datastores["leads"] = []
    assert await account.datastores.list("hubspot") == ["contacts"]
    assert await account.datastores.list("hubspot", config_id="eu") == ["leads"]
    assert await account.datastores.list_records("hubspot", "contacts") == CONTACTS
    assert [record["id"] async for record in account.datastores.list_records("hubspot", "contacts")] == [
        "rec_001",
        "rec_002",
    ]
    with pytest.raises(NotFoundError, match=r"Datastore not found.*datastores\.list\(slug\)"):
        await account.datastores.list_records("hubspot", "contacts", config_id="eu")
    with pytest.raises(NotFoundError):
        await refold.account("user_2").datastores.list("hubspot")


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [1, 2]),
        ({"email": "EXAMPLE"}, [1, 2]),
        ({"email": "example", "stage": "^new$"}, [2]),
        ({"deals": "1"}, [1]),
        ({"email": "jane", "stage": "new"}, []),
        ({"no_such": ""}, []),
    ],
    ids=str,
)
async def test_searches(mock: MockRefold, account: AccountScope, filters: dict[str, str], found: list[int]) -> None:
    """All filters must match, each in a part of its field, in upper or lower case."""
    mock.account("user_12345").config("hubspot").datastores["contacts"] = CONTACTS
    records = await account.datastores.search_records("hubspot", "contacts", filters)
    assert [record["id"] for record in records] == [f"rec_00{number}" for number in found]
    assert mock.requests[-1].json == filters


async def test_a_search_is_retried(mock: MockRefold, account: AccountScope) -> None:
    """It changes nothing."""
    mock.account("user_12345").config("hubspot").datastores["contacts"] = CONTACTS
    mock.script(Answer(503), calls=1)
    assert len(await account.datastores.search_records("hubspot", "contacts", {"stage": "new"})) == 1
    with pytest.raises(BadRequestError, match="Invalid regular expression"):
        await account.datastores.search_records("hubspot", "contacts", {"stage": "("})


async def test_arguments_that_are_wrong(mock: MockRefold, account: AccountScope) -> None:
    """The error names the argument, and nothing is sent: without its filter, a search would find every record."""
    datastores: Any = account.datastores
    wrong: dict[str, Any] = {
        "slug is empty": lambda: datastores.list(""),
        "config_id is empty": lambda: datastores.list("hubspot", config_id=""),
        "datastore_name is empty": lambda: datastores.list_records("hubspot", ""),
        "filters must be a mapping": lambda: datastores.search_records("hubspot", "contacts", ["new"]),
        r"filters\['stage'\] must be": lambda: datastores.search_records("hubspot", "contacts", {"stage": None}),
        r"filters\['deals'\] must be": lambda: datastores.search_records("hubspot", "contacts", {"deals": 12}),
    }
    for message, call in wrong.items():
        with pytest.raises(ConfigurationError, match=message):
            await call()
    assert not mock.requests
