"""What lists are beside iterators: their first members, all of them, and those that Refold sends whole."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

import pytest

from refold_async import AccountScope, AsyncRefold, ConfigurationError, Listing, NotFoundError, Page
from refold_async.testing import Answer, MockRefold, Silence
from support.waiting import until


@pytest.fixture
def customers(mock: MockRefold) -> list[str]:
    """Ten linked accounts, of which those of an odd number are not connected to HubSpot."""
    names = [f"user_{number}" for number in range(10)]
    for number, name in enumerate(names):
        account = mock.account(name)
        if number % 2:
            account.disconnect("hubspot")
    return names


def asked_for(mock: MockRefold) -> list[str]:
    """Return the pages that were asked for."""
    return [request.query["page"] for request in mock.requests_to("list_linked_accounts")]


async def ids(listing: Listing[Any], limit: int | None = None) -> list[str]:
    """Collect the ids of linked accounts."""
    return [account.linked_account_id for account in await listing.collect(limit=limit)]


async def test_first(mock: MockRefold, refold: AsyncRefold, customers: list[str]) -> None:
    """The first comes with one page, whatever is behind it, and each time anew."""
    listing = refold.linked_accounts.list(page_size=2)
    for _ in range(2):
        mock.clear()
        first = await listing.first()
        assert first is not None
        assert first.linked_account_id == customers[0]
        assert asked_for(mock) == ["1"]
    assert [account.linked_account_id async for account in listing] == customers


async def test_first_of_those_that_are_kept(mock: MockRefold, refold: AsyncRefold, customers: list[str]) -> None:
    """Pages are fetched until one has a member that is kept; of none, all are, and the first is None."""
    for customer in customers[:5]:
        mock.account(customer).disconnect("hubspot")
    first = await refold.linked_accounts.list(page_size=2, connected_to="hubspot").first()
    assert first is not None
    assert first.linked_account_id == customers[6]
    assert asked_for(mock) == ["1", "2", "3", "4"]
    for customer in customers:
        mock.account(customer).disconnect("hubspot")
    assert await refold.linked_accounts.list(page_size=2, connected_to="hubspot").first() is None


async def test_first_of_nothing(account: AccountScope) -> None:
    """An empty list has no first member."""
    assert await account.executions.list().first() is None
    assert await account.executions.list().collect() == []


@pytest.mark.parametrize(
    ("limit", "pages"),
    [(0, []), (1, ["1"]), (4, ["1"]), (5, ["1", "2"]), (8, ["1", "2"]), (9, ["1", "2", "3"]), (10, ["1", "2", "3"])],
)
async def test_collect(
    mock: MockRefold, refold: AsyncRefold, customers: list[str], limit: int, pages: list[str]
) -> None:
    """At most so many come, and no page is asked for that they do not need."""
    assert await ids(refold.linked_accounts.list(page_size=4), limit) == customers[:limit]
    assert asked_for(mock) == pages


@pytest.mark.parametrize("limit", [None, 11, 10**12])
async def test_collect_all(refold: AsyncRefold, customers: list[str], limit: int | None) -> None:
    """Without a limit, or with one beyond the end, all come."""
    assert await ids(refold.linked_accounts.list(page_size=3), limit) == customers


async def test_collect_those_that_are_kept(mock: MockRefold, refold: AsyncRefold, customers: list[str]) -> None:
    """The limit counts what is kept."""
    connected = refold.linked_accounts.list(page_size=4, connected_to="hubspot")
    assert await ids(connected, 3) == customers[:5:2]
    assert asked_for(mock) == ["1", "2"]
    assert await ids(connected) == customers[::2]


async def test_collect_begins_anew(refold: AsyncRefold, customers: list[str]) -> None:
    """It has nothing to do with how far the list was read, and the other way round."""
    listing = refold.linked_accounts.list(page_size=3)
    assert (await anext(listing)).linked_account_id == customers[0]
    assert await ids(listing) == customers
    assert [account.linked_account_id async for account in listing] == customers[1:]
    assert [account async for account in listing] == []
    assert await ids(listing, 2) == customers[:2]


@pytest.mark.parametrize("limit", [-1, True, 1.0, "5"])
async def test_limits_that_make_no_sense(mock: MockRefold, refold: AsyncRefold, limit: Any) -> None:
    """A limit that is no count is told before anything is sent."""
    with pytest.raises(ConfigurationError, match="limit must be"):
        await refold.linked_accounts.list().collect(limit=limit)
    assert mock.request_count == 0


async def test_cancelled_while_a_page_is_on_its_way(
    mock: MockRefold, refold: AsyncRefold, customers: list[str]
) -> None:
    """Whoever stops waiting leaves no page on its way, be it the first or one that was fetched ahead."""
    for silent in (1, 2):
        mock.clear()
        mock.script(Silence(), route="list_linked_accounts", calls=silent)
        collecting = asyncio.create_task(ids(refold.linked_accounts.list(page_size=4)))
        await until(lambda silent=silent: len(mock.requests) == silent)  # type: ignore[misc]
        collecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await collecting
        await until(lambda: not mock.in_flight)


# Lists that Refold sends whole


async def test_awaited(mock: MockRefold, account: AccountScope) -> None:
    """Awaited, such a list is a plain one; it can be awaited, or read in any other way, again."""
    actions = account.list_actions("hubspot")
    plain = await actions
    assert type(plain) is list
    assert [action.action_id for action in plain[:2]] == ["httprequest", "get_contact"]
    assert await actions == plain == [action async for action in actions] == await actions.collect()
    assert (await actions.first(), await actions.collect(limit=2)) == (plain[0], plain[:2])
    (page,) = [page async for page in actions.pages()]
    assert type(page) is Page
    assert (page.docs, page.has_next_page) == (plain, False)
    assert page.request_id == page.docs[0].request_id == mock.requests[-1].request_id
    assert {request.route for request in mock.requests} == {"list_actions"}
    assert len(mock.requests) == 7


async def test_all_lists_that_come_whole(account: AccountScope) -> None:
    """Each of them can be awaited and iterated over."""
    for listing in (account.applications.list(), account.workflows.list_enabled(), account.list_actions("slack")):
        plain = await listing
        assert plain
        assert [member async for member in listing] == plain


async def test_repeated_members(mock: MockRefold, account: AccountScope) -> None:
    """What comes whole is given as it came, however it is read."""
    mock.script(Answer(200, json={"docs": [{"slug": "a", "name": "a"}] * 2, "hasNextPage": True}))
    assert [app.slug for app in await account.applications.list()] == ["a", "a"]
    assert [app.slug async for app in account.applications.list()] == ["a", "a"]
    assert len(mock.requests) == 2


async def test_as_tasks(mock: MockRefold, account: AccountScope) -> None:
    """Whatever takes a coroutine takes such a list."""
    expected = await account.list_actions("hubspot")
    listing = account.list_actions("hubspot")
    assert isinstance(listing, Coroutine)
    assert isinstance(listing, AsyncGenerator)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(listing), group.create_task(account.list_actions("hubspot"))]
    assert [await task for task in tasks] == [expected, expected]
    both = await asyncio.gather(account.list_actions("hubspot"), account.list_actions("hubspot"))
    assert list(both) == [expected] * 2
    assert await asyncio.wait_for(account.list_actions("hubspot"), 60) == expected
    assert await asyncio.ensure_future(account.list_actions("hubspot")) == expected
    mock.script(Silence())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(account.list_actions("hubspot"), 0.05)
    for begun in (False, True):
        task = asyncio.create_task(account.list_actions("hubspot"))
        if begun:
            await until(lambda: mock.in_flight)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: not mock.in_flight)


async def test_awaited_again(mock: MockRefold, account: AccountScope) -> None:
    """Each await calls anew, whatever came of the one before and however it is awaited, on every Python."""
    listing = account.list_actions("hubspot")
    for trouble, error in ((Answer(404), NotFoundError), (Silence(), TimeoutError)):
        mock.script(trouble, calls=1)
        with pytest.raises(error):
            await asyncio.wait_for(listing, 0.2)
    expected = await listing
    assert await asyncio.wait_for(listing, 60) == expected
    task = asyncio.create_task(listing)
    assert "AwaitableListing" in repr(task)
    assert await task == expected
    assert len(mock.requests) == 5


async def test_a_coroutine_that_is_never_run(account: AccountScope) -> None:
    """One that is closed before it began, or never touched, complains of nothing."""
    listing = account.list_actions("hubspot")
    listing.close()
    account.list_actions("hubspot")
    sent = account.list_actions("hubspot")
    with pytest.raises(LookupError):
        sent.throw(LookupError())
    sent.close()


async def test_errors(mock: MockRefold, account: AccountScope) -> None:
    """The call's error comes out, however the list is read."""
    with pytest.raises(NotFoundError):
        await account.list_actions("no_app")
    with pytest.raises(NotFoundError):
        await account.list_actions("no_app").first()
    with pytest.raises(NotFoundError):
        _ = [action async for action in account.list_actions("no_app")]
    with pytest.raises(ConfigurationError, match="slug"):
        await account.list_actions("")
    assert len(mock.requests) == 3
