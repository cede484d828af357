"""Iterating over lists that come in pages: with pages by hand, and through the linked accounts of the mock."""

import asyncio
import gc
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest

from refold_async import (
    AccountScope,
    APIResponseValidationError,
    APIStatusError,
    AsyncRefold,
    Journal,
    LinkedAccount,
    NotFoundError,
    Page,
    PermissionDeniedError,
    ReconnectRequiredError,
)
from refold_async.protocol.list_reading import WINDOW
from refold_async.protocol.pages import paginate
from refold_async.testing import Answer, MockRefold, Silence
from support import virtual_time
from support.waiting import until

PageOf = Callable[[int], Page[int]]


class Book:
    """Pages by number, fetched in a turn of the loop each; tells which were asked for, and which came."""

    def __init__(self, page: PageOf) -> None:
        self._page = page
        self.asked: list[int] = []
        self.came: list[int] = []

    async def fetch(self, number: int) -> Page[int]:
        """Fetch a page."""
        self.asked.append(number)
        await asyncio.sleep(0.01)
        self.came.append(number)
        return self._page(number)

    def paginate(
        self, keep: Callable[[int], bool] = lambda _: True, key: Callable[[int], object] = lambda doc: doc
    ) -> AsyncGenerator[int, None]:
        """Iterate over them."""
        return paginate(self.fetch, "the numbers", key=key, keep=keep)


def pages_of(docs: list[int], size: int) -> PageOf:
    """Return the pages of a list, as Refold cuts it."""

    def page(number: int) -> Page[int]:
        count = max(1, -(-len(docs) // size))
        return Page(docs[(number - 1) * size : number * size], number < count, len(docs), count)

    return page


def endless(docs: Callable[[int], list[int]], total: int | None = None, pages: int | None = None) -> PageOf:
    """Return pages that each name a next one."""
    return lambda number: Page(docs(number), True, total, pages)


async def collect(pages: AsyncGenerator[int, None], found: list[int] | None = None) -> list[int]:
    """Read it to its end; what came before an error is in `found`."""
    found = [] if found is None else found
    async for doc in pages:
        found.append(doc)
    return found


async def alone() -> bool:
    """Tell whether there is no other task, once those that are ending have ended."""
    gc.collect()
    for _ in range(5):
        await asyncio.sleep(0)
    return asyncio.all_tasks() == {asyncio.current_task()}


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run a test in virtual time; a task that is left, or an error that nobody was told, fails it."""

    async def watched() -> None:
        complaints: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        await main()
        assert await alone()
        assert not complaints

    virtual_time.run(watched())


@pytest.mark.parametrize("size", [1, 3, 10, 11])
def test_every_doc_in_order(size: int) -> None:
    """All docs come, each once and in order, by as many fetches as there are pages."""

    async def main() -> None:
        book = Book(pages_of(list(range(10)), size))
        assert await collect(book.paginate()) == list(range(10))
        assert book.asked == list(range(1, -(-10 // size) + 1))

    run(main)


def test_nothing() -> None:
    """An empty list is one page."""

    async def main() -> None:
        book = Book(pages_of([], 5))
        assert await collect(book.paginate()) == []
        assert book.asked == [1]

    run(main)


def test_nothing_is_fetched_before_it_is_read() -> None:
    """An iteration that is never begun fetches nothing."""

    async def main() -> None:
        book = Book(pages_of([1, 2], 1))
        iterating = book.paginate()
        await asyncio.sleep(1)
        assert book.asked == []
        await iterating.aclose()

    run(main)


def test_the_next_page_is_fetched_while_this_one_is_read() -> None:
    """While a page is read the next one is fetched, and only that."""

    async def main() -> None:
        book = Book(pages_of(list(range(6)), 2))
        iterating = book.paginate()
        for doc in range(6):
            assert await anext(iterating) == doc
            await asyncio.sleep(1)
            assert book.came == list(range(1, min(doc // 2 + 2, 3) + 1))
        assert await collect(iterating) == []
        assert book.asked == [1, 2, 3]

    run(main)


def test_a_page_begins_before_the_reader_pauses() -> None:
    """The fetch of the next page begins at the reader's first pause, after the first doc."""

    async def main() -> None:
        book = Book(pages_of([1, 2, 3], 2))
        iterating = book.paginate()
        assert await anext(iterating) == 1
        await asyncio.sleep(0)
        assert book.asked == [1, 2]
        await iterating.aclose()

    run(main)


def test_docs_that_are_left_out() -> None:
    """What is not to be kept does not come, and pages without any of the others are passed over."""

    async def main() -> None:
        book = Book(pages_of(list(range(100)), 10))
        assert await collect(book.paginate(keep=lambda doc: doc in {3, 77})) == [3, 77]
        assert book.asked == list(range(1, 11))

    run(main)


def test_docs_without_a_key() -> None:
    """Docs that nothing tells apart all come."""

    async def main() -> None:
        book = Book(pages_of([1] * 5, 2))
        assert await collect(book.paginate(key=lambda _: None)) == [1] * 5

    run(main)


# It always ends


@pytest.mark.parametrize("total", [None, 2])
def test_a_page_number_that_is_ignored(total: int | None) -> None:
    """A list that answers every number with its first page ends after three pages of repeats."""

    async def main() -> None:
        book = Book(endless(lambda _: [1, 2], total))
        assert await collect(book.paginate()) == [1, 2]
        assert book.asked == [1, 2, 3, 4]

    run(main)


@pytest.mark.parametrize("number", [None, 1])
def test_a_page_number_that_is_ignored_by_docs_without_a_key(number: int | None) -> None:
    """They come each time, because they could be others; but the list ends after three pages like the one before."""

    async def main() -> None:
        book = Book(lambda _: Page([1, 1], True, page=number))
        assert await collect(book.paginate(key=lambda _: None)) == 4 * [1, 1]
        assert book.asked == [1, 2, 3, 4]

    run(main)


def test_pages_with_equal_docs_without_a_key() -> None:
    """Pages that tell their numbers are different pages."""

    async def main() -> None:
        book = Book(lambda number: Page([1, 1], number < 9, page=number))
        assert await collect(book.paginate(key=lambda _: None)) == [1] * 18

    run(main)


def test_a_list_that_does_not_bring_what_it_says() -> None:
    """Where fewer came than the list says it holds, that is an error, after those that came."""

    async def main() -> None:
        book, found = Book(endless(lambda _: [1, 2], 1500)), list[int]()
        with pytest.raises(APIResponseValidationError, match=r"The numbers.*page 4.*2 of 1,500") as caught:
            await collect(book.paginate(), found)
        assert found == [1, 2]
        assert (caught.value.effect, caught.value.attempts) == ("none", 0)

    run(main)


def test_an_empty_page_that_names_a_next_one() -> None:
    """An empty page is the last."""

    async def main() -> None:
        book = Book(endless(lambda number: [number] if number <= 5 else []))
        assert await collect(book.paginate()) == [1, 2, 3, 4, 5]
        assert book.asked == [1, 2, 3, 4, 5, 6]

    run(main)


def test_two_pages_by_turns() -> None:
    """Pages that come round and round end."""

    async def main() -> None:
        book = Book(endless(lambda number: [number % 2]))
        assert await collect(book.paginate()) == [1, 0]
        assert len(book.asked) == 5

    run(main)


def test_some_pages_of_repeats_in_between() -> None:
    """Two pages that bring nothing new, as after many insertions in front, do not end it."""

    async def main() -> None:
        book = Book(lambda number: Page([[1, 2], [1, 2], [2], [3], [3], [3], [4]][number - 1], number < 7, 4, 7))
        assert await collect(book.paginate()) == [1, 2, 3, 4]

    run(main)


def test_a_list_that_grows_faster_than_it_is_read() -> None:
    """Where each page brings new docs and the total grows with it, it ends all the same."""

    async def main() -> None:
        def page(number: int) -> Page[int]:
            return Page([number], True, number + 10, number + 10)

        book = Book(page)
        with pytest.raises(APIResponseValidationError, match="does not end as it should") as caught:
            await collect(book.paginate())
        assert caught.value.effect == "none"
        assert len(book.asked) == 10 * 11 + 1000

    run(main)


def test_a_list_that_grows_and_ends() -> None:
    """What is added while the list is read comes, up to twice the list and some."""

    async def main() -> None:
        def page(number: int) -> Page[int]:
            return Page([number], number < 100, 10, 1)

        book = Book(page)
        assert await collect(book.paginate()) == list(range(1, 101))

    run(main)


def test_fewer_than_were_said_on_the_last_page() -> None:
    """A list from which something was deleted meanwhile ends with its last page, without an error."""

    async def main() -> None:
        book = Book(lambda number: Page([number], number < 3, 5, 3))
        assert await collect(book.paginate()) == [1, 2, 3]

    run(main)


# Repeats


def test_repeats_come_once() -> None:
    """What insertions moved to the next page comes once."""

    async def main() -> None:
        book = Book(lambda number: Page([[1, 2, 3], [3, 4, 5], [4, 5, 6]][number - 1], number < 3, 6, 3))
        assert await collect(book.paginate()) == [1, 2, 3, 4, 5, 6]

    run(main)


def test_the_window_is_bounded() -> None:
    """What came within the last ten thousand is known again; what came before that comes once more."""

    async def main() -> None:
        size = 1000

        def page(number: int) -> Page[int]:
            if number <= WINDOW // size:
                return Page(list(range((number - 1) * size, number * size)), True, None, None)
            # All of those are known still; one more, and the oldest is not.
            last = {11: [0, WINDOW - 1], 12: [WINDOW], 13: [1, 0]}
            return Page(last[number], number < 13, None, None)

        found = await collect(Book(page).paginate())
        assert found == [*range(WINDOW), WINDOW, 1]

    run(main)


# Leaving early


def test_leaving_by_break() -> None:
    """Whoever breaks off leaves nothing behind, and the page that was on its way is called off."""

    async def main() -> None:
        book = Book(pages_of(list(range(10)), 2))
        async for doc in book.paginate():
            if doc == 2:
                break
        await asyncio.sleep(1)
        assert (book.asked[:2], book.came) == ([1, 2], [1, 2])
        assert len(book.asked) <= 3

    run(main)


@pytest.mark.parametrize("pause", [None, 0.0, 0.005, 1.0])
def test_leaving_by_aclose(pause: float | None) -> None:
    """Closing it ends the fetch that is under way before it returns, however far that is."""

    async def main() -> None:
        book = Book(pages_of(list(range(10)), 2))
        iterating = book.paginate()
        assert await anext(iterating) == 0
        if pause is not None:
            await asyncio.sleep(pause)
        await iterating.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert await collect(iterating) == []

    run(main)


@pytest.mark.parametrize("pause", [0.0, 0.005, 0.015, 0.025])
def test_leaving_by_cancellation(pause: float) -> None:
    """A reader that is cancelled, while it waits for a page or between, leaves nothing behind."""

    async def main() -> None:
        book = Book(pages_of(list(range(10)), 1))
        task = asyncio.create_task(collect(book.paginate()))
        await asyncio.sleep(pause)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        came = len(book.came)
        await asyncio.sleep(1)
        assert len(book.came) == came

    run(main)


# Errors


def failing(at: int) -> PageOf:
    """Return pages of two, of which one fails."""

    def page(number: int) -> Page[int]:
        if number == at:
            raise NotFoundError("gone", status_code=404)
        return Page([2 * number, 2 * number + 1], True, None, None)

    return page


@pytest.mark.parametrize("at", [1, 2, 3])
def test_an_error_comes_after_the_docs_before_it(at: int) -> None:
    """A page that fails does so after all docs of the pages before it, and ends the iteration."""

    async def main() -> None:
        book, found = Book(failing(at)), list[int]()
        iterating = book.paginate()
        with pytest.raises(NotFoundError, match="gone"):
            await collect(iterating, found)
        assert found == list(range(2, 2 * at))
        assert await collect(iterating) == []
        assert book.asked == list(range(1, at + 1))

    run(main)


@pytest.mark.parametrize("way", ["aclose", "break", "cancel"])
def test_an_error_that_nobody_waits_for(way: str) -> None:
    """The failure of a page fetched ahead is not told to a reader that leaves before it, nor to the loop."""

    async def main() -> None:
        book = Book(failing(2))

        async def read_one() -> None:
            iterating = book.paginate()
            async for _ in iterating:
                await asyncio.sleep(1)  # the next page has failed by now
                assert book.came == [1, 2]
                if way == "cancel":
                    await asyncio.sleep(1000)
                break
            if way == "aclose":
                await iterating.aclose()

        task = asyncio.create_task(read_one())
        await asyncio.sleep(5)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() == (way == "cancel")

    run(main)


def test_a_page_that_fails_while_it_is_called_off() -> None:
    """A fetch that answers its cancellation with another error tells that to nobody."""

    async def main() -> None:
        book = Book(pages_of([1, 2, 3], 1))

        async def fetch(number: int) -> Page[int]:
            try:
                return await book.fetch(number)
            except asyncio.CancelledError:
                raise NotFoundError("gone", status_code=404) from None

        iterating = paginate(fetch, "the numbers", key=lambda doc: doc, keep=lambda _: True)
        assert await anext(iterating) == 1
        await asyncio.sleep(0.005)
        await iterating.aclose()
        assert (book.asked, book.came) == ([1, 2], [1])

    run(main)


# Through the mock

CUSTOMERS: Final = [f"customer_{number:03}" for number in range(250)]


@pytest.fixture
def customers(mock: MockRefold) -> list[str]:
    """250 linked accounts."""
    for customer in CUSTOMERS:
        mock.account(customer)
    return CUSTOMERS


async def test_all_accounts(mock: MockRefold, refold: AsyncRefold, customers: list[str]) -> None:
    """250 accounts come in three pages, in order and typed."""
    found = [account async for account in refold.linked_accounts.list()]
    assert [account.linked_account_id for account in found] == customers
    assert all(type(account) is LinkedAccount for account in found)
    assert [dict(request.query) for request in mock.requests] == [
        {"page": page, "limit": "100"} for page in ("1", "2", "3")
    ]


async def test_larger_pages_than_refold_gives(mock: MockRefold, refold: AsyncRefold, customers: list[str]) -> None:
    """Refold may give fewer at once than are asked for."""
    found = [account.linked_account_id async for account in refold.linked_accounts.list(page_size=1000)]
    assert found == customers
    assert len(mock.requests) == 3


async def test_accounts_that_come_and_go(refold: AsyncRefold, customers: list[str]) -> None:
    """While accounts are made and deleted, the others come at most once; as many as were deleted can be missed."""
    found: list[str] = []
    async for account in refold.linked_accounts.list(page_size=25):
        found.append(account.linked_account_id)
        if len(found) in {30, 60}:
            await refold.linked_accounts.delete(customers[len(found) - 30])
            await refold.linked_accounts.create(f"new_{len(found)}")
    assert len(found) == len(set(found))
    assert len(set(customers) - set(found)) <= 2
    assert set(found) >= {"new_30", "new_60"}


async def test_runs_that_begin_while_they_are_listed(mock: MockRefold, account: AccountScope) -> None:
    """Newest first, new runs move the others to later pages; each comes once."""
    mock.hold_executions()
    for _ in range(20):
        await account.execute_workflow("workflow_id", slug="hubspot")
    before = [execution.execution_id async for execution in account.executions.list()]
    found: list[str] = []
    async for execution in account.executions.list(page_size=4):
        found.append(execution.execution_id)
        if len(found) % 4 == 1:
            await account.execute_workflow("workflow_id", slug="hubspot")
    assert found == before
    mock.release_executions()


async def test_only_accounts_that_can_be_acted_for(mock: MockRefold, refold: AsyncRefold, customers: list[str]) -> None:
    """Accounts that have not connected the app, or have to reconnect it, are left out."""
    for number, customer in enumerate(customers):
        if number % 3 == 1:
            mock.account(customer).disconnect("hubspot")
        if number % 3 == 2:
            mock.account(customer).expire("hubspot")
        mock.account(customer).disconnect("slack")
    listing = refold.linked_accounts.list
    assert [one.linked_account_id async for one in listing(connected_to="hubspot")] == customers[::3]
    assert [one async for one in listing(connected_to="slack")] == []
    assert (len(mock.requests_to("list_linked_accounts")), len(mock.requests_to("get_application"))) == (6, 2)
    with pytest.raises(NotFoundError, match="app 'no_app'"):
        [one async for one in listing(connected_to="no_app")]
    assert len(mock.requests_to("get_application")) == 3


async def test_an_error_in_the_middle_of_the_accounts(
    mock: MockRefold, refold: AsyncRefold, customers: list[str]
) -> None:
    """A page that fails for good is told after the accounts before it, with the call it was."""
    mock.script(Answer(500), calls=range(2, 100))
    iterating = refold.linked_accounts.list()
    found = [(await anext(iterating)).linked_account_id for _ in range(100)]
    assert found == customers[:100]
    with pytest.raises(APIStatusError, match="the list of linked accounts") as caught:
        await anext(iterating)
    assert str(caught.value.url).endswith("/api/v2/public/linked-account?page=2&limit=100")
    assert (caught.value.attempts, caught.value.effect) == (3, "none")


async def test_leaving_while_a_page_is_on_its_way(mock: MockRefold, refold: AsyncRefold, customers: list[str]) -> None:
    """A page that never comes does not keep a reader that leaves."""
    mock.script(Silence(), calls=2)
    iterating = refold.linked_accounts.list()
    async with asyncio.timeout(30):  # half of an attempt
        first = await anext(iterating)
        await until(lambda: mock.in_flight)
        await iterating.aclose()
        await until(lambda: not mock.in_flight)
    assert first.linked_account_id == customers[0]


# As the items of a fan-out


async def test_accounts_as_items_of_a_fan_out(refold: AsyncRefold, customers: list[str]) -> None:
    """A list of accounts goes into a fan-out as it is; each call is for its account."""

    async def tell(scope: AccountScope, account: LinkedAccount) -> str:
        await scope.list_actions("hubspot")
        assert scope.linked_account_id == account.linked_account_id
        return account.linked_account_id

    report = await refold.fan_out(refold.linked_accounts.list(page_size=100), tell, concurrency=20).collect()
    assert [outcome.value for outcome in report.outcomes] == customers
    assert all(outcome.linked_account_id == outcome.item.linked_account_id for outcome in report.outcomes)
    assert {outcome.attempts for outcome in report.outcomes} == {1}


async def test_accounts_as_items_of_an_action(mock: MockRefold, refold: AsyncRefold, customers: list[str]) -> None:
    """One action for every account, the accounts being fetched as they can be worked on."""
    job = refold.fan_out_action(
        refold.linked_accounts.list(),
        "hubspot",
        "create_contact",
        lambda account: {"email": f"{account.linked_account_id}@example.com"},
        concurrency=30,
    )
    report = await job.collect()
    assert report.counts == {"ok": 250, "failed": 0, "unknown": 0}
    sent = {request.linked_account_id: request.json["email"] for request in mock.requests_to("execute_action")}
    assert sent == {customer: f"{customer}@example.com" for customer in customers}


async def test_a_slow_fan_out_slows_the_iteration(mock: MockRefold, refold: AsyncRefold, customers: list[str]) -> None:
    """Pages are fetched no faster than their accounts are worked on, but for one ahead."""
    enough = asyncio.Event()

    async def wait(scope: AccountScope, account: LinkedAccount) -> None:
        await enough.wait()

    assert len(customers) == 250
    async with refold.fan_out(refold.linked_accounts.list(page_size=10), wait, concurrency=15) as outcomes:
        await until(lambda: len(mock.requests) >= 3)
        await asyncio.sleep(0.05)
        assert [request.query["page"] for request in mock.requests] == ["1", "2", "3"]
        enough.set()
        assert len([outcome async for outcome in outcomes]) == 250


async def test_leaving_a_fan_out_ends_the_iteration(
    mock: MockRefold, refold: AsyncRefold, customers: list[str]
) -> None:
    """A fan-out that is left early closes the list it reads, and calls off the page on its way."""
    assert len(customers) == 250
    mock.script(Silence(), route="list_linked_accounts", calls=2)
    iterating = refold.linked_accounts.list()
    async with refold.fan_out_action(iterating, "hubspot", "get_contact", concurrency=5) as outcomes:
        async for outcome in outcomes:
            assert outcome.status == "ok"
            await until(lambda: len(mock.requests_to("list_linked_accounts")) >= 2)
            break
    assert [one async for one in iterating] == []
    await until(lambda: not mock.in_flight)


async def test_a_list_that_fails_in_a_fan_out(mock: MockRefold, refold: AsyncRefold, customers: list[str]) -> None:
    """The error of a page comes out of the fan-out, after the outcomes of all accounts before it."""
    mock.script(Answer(500), route="list_linked_accounts", calls=range(2, 100))
    job = refold.fan_out_action(refold.linked_accounts.list(), "hubspot", "get_contact")
    with pytest.raises(APIStatusError, match="the list of linked accounts"):
        await job.collect()
    assert [outcome.linked_account_id for outcome in job.report.ok] == customers[:100]


# Accounts that are not connected


@pytest.fixture
def three(mock: MockRefold) -> list[str]:
    """A connected account, one that has to connect, and one that has to reconnect."""
    mock.account("connected")
    mock.account("disconnected").disconnect("hubspot")
    mock.account("expired").expire("hubspot")
    return ["connected", "disconnected", "expired"]


async def test_skipping_accounts_of_a_list(mock: MockRefold, refold: AsyncRefold, three: list[str]) -> None:
    """Accounts tell by themselves that they are not connected, once the app is known; nothing is executed for them."""
    job = refold.fan_out_action(refold.linked_accounts.list(), "hubspot", "get_contact", skip_disconnected=True)
    report = await job.collect()
    assert [outcome.linked_account_id for outcome in report.outcomes] == three
    assert [outcome.status for outcome in report.outcomes] == ["ok", "failed", "failed"]
    assert [outcome.attempts for outcome in report.outcomes] == [1, 1, 0]
    for outcome, said in zip(report.failed, ("has not connected", "no longer has working credentials"), strict=True):
        assert isinstance(outcome.error, ReconnectRequiredError)
        assert said in str(outcome.error)
        assert "'hubspot'" in str(outcome.error)
        assert outcome.error.effect == "none"
    assert [(request.route, request.linked_account_id) for request in mock.requests[:1]] == [
        ("list_linked_accounts", None)
    ]
    assert sorted((str(request.route), request.linked_account_id) for request in mock.requests[1:]) == [
        ("execute_action", "connected"),
        ("get_application", "disconnected"),
    ]


async def test_skipping_ids(mock: MockRefold, refold: AsyncRefold, three: list[str]) -> None:
    """Of ids, Refold is asked once each; nothing is executed for those that are not connected."""
    report = await refold.fan_out_action(
        three, "hubspot", "create_contact", {"email": "a@b.c"}, skip_disconnected=True
    ).collect()
    assert [outcome.status for outcome in report.outcomes] == ["ok", "failed", "failed"]
    assert [outcome.attempts for outcome in report.outcomes] == [2, 1, 1]
    for outcome in report.failed:
        assert isinstance(outcome.error, ReconnectRequiredError)
        assert (outcome.error.effect, outcome.error.linked_account_id) == ("none", outcome.linked_account_id)
    assert sorted(str(request.linked_account_id) for request in mock.requests_to("get_application")) == three
    assert [request.linked_account_id for request in mock.requests_to("execute_action")] == ["connected"]


async def test_skipping_asks_of_accounts_that_do_not_tell(
    mock: MockRefold, refold: AsyncRefold, three: list[str]
) -> None:
    """An account without its apps, and a scope by session token, are asked for too."""
    token = refold.account_from_session_token(mock.session_token("expired"), linked_account_id="expired")
    for item in (LinkedAccount("disconnected"), token):
        mock.clear()
        report = await refold.fan_out_action([item], "hubspot", "get_contact", skip_disconnected=True).collect()
        assert isinstance(report.failed[0].error, ReconnectRequiredError)
        assert [request.route for request in mock.requests] == ["get_application"]


async def test_without_skipping(mock: MockRefold, refold: AsyncRefold, three: list[str]) -> None:
    """By default every account's action is executed, and Refold or the app tells."""
    report = await refold.fan_out_action(refold.linked_accounts.list(), "hubspot", "get_contact").collect()
    assert [outcome.status for outcome in report.outcomes] == ["ok", "failed", "failed"]
    assert all(isinstance(outcome.error, ReconnectRequiredError) for outcome in report.failed)
    assert len(mock.requests_to("execute_action")) == 3


async def test_skipping_an_app_that_is_not_there(mock: MockRefold, refold: AsyncRefold) -> None:
    """What keeps Refold from telling is the item's error, and nothing is executed."""
    report = await refold.fan_out_action(["a"], "no_app", "get_contact", skip_disconnected=True).collect()
    assert isinstance(report.failed[0].error, NotFoundError)
    assert not mock.requests_to("execute_action")


@pytest.mark.parametrize("listed", [True, False])
async def test_a_journaled_job_that_skips(
    mock: MockRefold, refold: AsyncRefold, three: list[str], tmp_path: Path, listed: bool
) -> None:
    """Accounts that were skipped are called in a later run with `retry_failed=True`, once they have reconnected."""
    journal = Journal(tmp_path / "job.sqlite", job="june")

    async def run_again(*, retry_failed: bool) -> dict[str | None, tuple[str, bool]]:
        items: Any = refold.linked_accounts.list() if listed else three
        mock.clear()
        report = await refold.fan_out_action(
            items,
            "hubspot",
            "create_contact",
            {"email": "a@b.c"},
            skip_disconnected=True,
            journal=journal,
            retry_failed=retry_failed,
        ).collect()
        return {outcome.linked_account_id: (outcome.status, outcome.recorded) for outcome in report.outcomes}

    failed = {"disconnected": ("failed", False), "expired": ("failed", False)}
    assert await run_again(retry_failed=False) == {"connected": ("ok", False), **failed}
    assert {entry.key: (entry.effect, entry.error_type) for entry in journal.entries(status="failed")} == {
        "disconnected": ("none", "ReconnectRequiredError"),
        "expired": ("none", "ReconnectRequiredError"),
    }
    mock.account("disconnected").connect("hubspot")
    recorded = {"connected": ("ok", True), "disconnected": ("failed", True), "expired": ("failed", True)}
    assert await run_again(retry_failed=False) == recorded
    assert not mock.requests_to("execute_action")
    assert await run_again(retry_failed=True) == {
        "connected": ("ok", True),
        "disconnected": ("ok", False),
        "expired": ("failed", False),
    }
    assert [request.linked_account_id for request in mock.requests_to("execute_action")] == ["disconnected"]
    mock.account("expired").connect("hubspot")
    assert (await run_again(retry_failed=True))["expired"] == ("ok", False)


async def test_skipped_accounts_are_named(refold: AsyncRefold, mock: MockRefold, three: list[str]) -> None:
    """The error of an account that tells by itself says whose it is; where `account=` leads elsewhere, it is asked."""
    accounts = [account async for account in refold.linked_accounts.list()]
    job = refold.fan_out_action(accounts, "hubspot", "get_contact", skip_disconnected=True, idempotent=True)
    failed = (await job.collect()).failed
    assert failed
    for outcome in failed:
        assert isinstance(outcome.error, ReconnectRequiredError)
        assert outcome.error.linked_account_id == outcome.item.linked_account_id == outcome.linked_account_id
    mock.clear()
    elsewhere = refold.fan_out_action(
        accounts, "hubspot", "get_contact", account=lambda _: "user_elsewhere", skip_disconnected=True, idempotent=True
    )
    assert (await elsewhere.collect()).counts["ok"] == len(accounts)
    assert len(mock.requests_to("get_application", "user_elsewhere")) == len(accounts)


async def test_one_odd_account_spoils_no_list(mock: MockRefold, refold: AsyncRefold) -> None:
    """What a document has in an odd form is None, and in `raw`; but what decisions hang on must be readable."""
    docs: list[dict[str, Any]] = [
        {"account_id": "user_1", "name": ["Ada"], "createdAt": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"},
        {"account_id": "user_2", "name": "Ada", "createdAt": "2026-06-21T10:04:11.000Z"},
    ]
    mock.script(Answer(200, json={"docs": docs, "hasNextPage": False}))
    first, second = [account async for account in refold.linked_accounts.list()]
    assert (first.name, first.created_at, first.raw) == (None, None, docs[0])
    assert second.name == "Ada"
    docs[0]["integrations"] = [{"type": "hubspot", "reauth_required": "yes"}]
    mock.clear()
    mock.script(Answer(200, json={"docs": docs, "hasNextPage": False}))
    with pytest.raises(APIResponseValidationError, match="reauth_required"):
        await anext(refold.linked_accounts.list())


def test_the_last_docs_come_before_the_error() -> None:
    """A list that is given up has brought all that it fetched."""

    async def main() -> None:
        book, found = Book(lambda number: Page([number], True, number + 1000, 1)), list[int]()
        with pytest.raises(APIResponseValidationError, match="1,010 of 2,010"):
            await collect(book.paginate(), found)
        assert found == list(range(1, 1011))

    run(main)


def test_an_empty_page_too_early() -> None:
    """An empty page that names a next one, before all has come that there is, is told."""

    async def main() -> None:
        book, found = Book(lambda number: Page([1, 2] if number == 1 else [], True, 1500, 15)), list[int]()
        with pytest.raises(APIResponseValidationError, match=r"2 of 1,500"):
            await collect(book.paginate(), found)
        assert found == [1, 2]

    run(main)


@pytest.mark.parametrize(
    "envelope",
    [
        {"page": "{page}", "totalPages": "5"},
        {"hasNextPage": "true"},
        {"nextPage": 2, "totalDocs": 50},
        {"totalDocs": 50, "limit": 10, "page": "{page}"},
    ],
    ids=str,
)
async def test_envelopes_that_differ_from_the_documents(
    mock: MockRefold, refold: AsyncRefold, envelope: dict[str, Any]
) -> None:
    """However a page says that there is another, it is asked for."""
    for page in range(1, 6):
        docs = [{"account_id": f"user_{page}_{number}"} for number in range(10)]
        told: dict[str, Any] = {name: page if value == "{page}" else value for name, value in envelope.items()}
        if page == 5:
            told |= {"hasNextPage": False}
        mock.script(Answer(200, json={"docs": docs, **told}), calls=page)
    assert len([account async for account in refold.linked_accounts.list(page_size=10)]) == 50
    mock.clear()
    mock.script(Answer(200, json={"docs": None}))
    assert [account async for account in refold.linked_accounts.list()] == []


def test_a_list_that_grows_at_its_front() -> None:
    """Pages of nothing new, because others came in before, are no end."""

    async def main() -> None:
        grown = 0

        def page(number: int) -> Page[int]:
            nonlocal grown
            grown += 0 if number == 1 else 8
            newest_first = list(range(99 + grown, -1, -1))
            docs = newest_first[(number - 1) * 2 : number * 2]
            return Page(docs, bool(docs), len(newest_first), len(newest_first) // 2)

        found = await collect(paginate(Book(page).fetch, "the runs", key=lambda doc: doc, keep=lambda _: True))
        assert len(found) == len(set(found))

    with pytest.raises(APIResponseValidationError):  # it grows for ever, and faster than it is read
        run(main)


async def test_accounts_that_do_not_tell_are_kept(mock: MockRefold, refold: AsyncRefold) -> None:
    """Where Refold leaves out what an account has connected, the account is not left out."""
    docs: list[dict[str, Any]] = [{"_id": None, "account_id": 7}, {"account_id": "user_2", "integrations": []}]
    mock.script(Answer(200, json={"docs": docs, "hasNextPage": False}), calls=1)
    found = [account.linked_account_id async for account in refold.linked_accounts.list(connected_to="hubspot")]
    assert found == ["7"]


# The pages themselves


ENVELOPE: Final[dict[str, Any]] = {
    "totalDocs": 5,
    "limit": 2,
    "page": 2,
    "totalPages": 3,
    "hasNextPage": True,
    "hasPrevPage": True,
    "nextPage": 3,
    "prevPage": 1,
    "pagingCounter": 3,
    "schema": {"type": "object"},
    "request_id": "req_1",
}


async def test_everything_a_page_tells(mock: MockRefold, account: AccountScope) -> None:
    """Each field of the envelope is an attribute, `raw` has the page as it came, and all tell the request's id."""
    body = {"docs": [{"_id": "a"}, {"_id": "b"}], **ENVELOPE}
    mock.script(Answer(200, json=body))
    page = await anext(account.workflows.list(page_size=2).pages())
    assert type(page) is Page
    assert [workflow.workflow_id for workflow in page.docs] == ["a", "b"]
    assert (page.total_docs, page.limit, page.page, page.total_pages, page.paging_counter) == (5, 2, 2, 3, 3)
    assert (page.has_next_page, page.has_prev_page, page.next_page, page.prev_page) == (True, True, 3, 1)
    assert (page.schema, page.raw) == ({"type": "object"}, body)
    assert {page.request_id, *(workflow.request_id for workflow in page.docs)} == {"req_1"}


async def test_a_page_that_tells_nothing(mock: MockRefold, refold: AsyncRefold) -> None:
    """A list that Refold gives whole is one page."""
    mock.script(Answer(200, json=[{"_id": "a"}, {"_id": "b"}]))
    (page,) = [page async for page in refold.webhooks.list().pages()]
    assert [webhook.webhook_id for webhook in page.docs] == ["a", "b"]
    assert (page.has_next_page, page.total_docs, page.page, page.schema, page.raw) == (False, None, None, None, {})
    assert mock.requests[0].query == {}


async def test_pages_of_a_list(mock: MockRefold, refold: AsyncRefold, customers: list[str]) -> None:
    """The pages come from the first to the last, however far the list was read, and each when it is asked for."""
    for number, customer in enumerate(customers):
        if number % 2:
            mock.account(customer).disconnect("hubspot")
    listing = refold.linked_accounts.list(page_size=100, connected_to="hubspot")
    assert [(await anext(listing)).linked_account_id for _ in range(3)] == customers[:6:2]
    await until(lambda: len(mock.requests_to("list_linked_accounts")) == 2)
    await listing.aclose()
    mock.clear()
    seen: list[str] = []
    async for page in listing.pages():
        assert len(mock.requests_to("list_linked_accounts")) == page.page
        assert (page.total_docs, page.total_pages) == (250, 3)
        seen += [account.linked_account_id for account in page.docs]
    assert seen == customers[::2]
    assert [one async for one in listing] == []


async def test_pages_always_end(mock: MockRefold, account: AccountScope) -> None:
    """Pages that name a next one for ever, and bring nothing new, are given up as the list itself is."""
    mock.script(Answer(200, json={"docs": [{"_id": "a"}], "totalDocs": 9, "hasNextPage": True}))
    pages = account.executions.list().pages()
    for _ in range(4):
        assert [execution.execution_id for execution in (await anext(pages)).docs] == ["a"]
    with pytest.raises(APIResponseValidationError, match="1 of 9"):
        await anext(pages)
    assert len(mock.requests) == 4


async def test_lists_are_async_generators(refold: AsyncRefold, customers: list[str]) -> None:
    """They can be closed before and after they were read, and an error thrown into one comes out of it."""
    listing = refold.linked_accounts.list()
    assert isinstance(listing, AsyncGenerator)
    assert (await listing.asend(None)).linked_account_id == customers[0]
    with pytest.raises(LookupError):
        await listing.athrow(LookupError())
    with pytest.raises(StopAsyncIteration):
        await anext(listing)
    unread = refold.linked_accounts.list()
    await unread.aclose()
    assert [one async for one in unread] == []


@pytest.mark.parametrize(
    ("fields", "requests"),
    [
        ({}, 4),
        ({"page": 1, "limit": 2}, 4),
        ({"hasNextPage": None, "limit": "2"}, 4),
        ({"limit": 2.0, "page": 1.0, "totalDocs": 5.0}, 4),
        ({"limit": 3}, 1),
        ({"hasNextPage": 1}, 4),
        ({"hasNextPage": 0}, 1),
        ({"nextPage": None}, 1),
        ({"page": 1, "totalPages": 1}, 1),
    ],
    ids=repr,
)
async def test_envelopes_that_tell_little(
    mock: MockRefold, refold: AsyncRefold, fields: dict[str, Any], requests: int
) -> None:
    """Where nothing tells whether a full page is the last, the next one is asked for: accounts must not be left out."""
    docs = [[{"account_id": f"{number}"} for number in numbers] for numbers in ((1, 2), (3, 4), (5, 6), ())]
    for number, page in enumerate(docs, start=1):
        mock.script(Answer(200, json={"docs": page, **fields}), route="list_linked_accounts", calls=[number])
    accounts = [account.linked_account_id async for account in refold.linked_accounts.list()]
    assert accounts == [f"{number}" for number in range(1, 7 if requests == 4 else 3)]
    assert len(mock.requests) == requests


async def test_pages_whose_accounts_cannot_be_told(mock: MockRefold, refold: AsyncRefold) -> None:
    """Where asking about one account fails, none of the others was asked for nothing."""
    integrations = [{"type": "custom", "app_id": "1"}]
    docs = [{"account_id": f"{number}", "integrations": integrations} for number in range(9)]
    mock.script(Answer(200, json={"docs": docs, "hasNextPage": False}), route="list_linked_accounts")
    mock.script(Answer(403), route="get_application")
    with pytest.raises(PermissionDeniedError):
        async for _ in refold.linked_accounts.list(connected_to="acme").pages():
            pass
    assert len(mock.requests_to("get_application")) == 1
