"""Lists that come in pages: parsing a page, and iterating over all of a list while it may change."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Mapping
from typing import Any, Final, Generic, TypeVar, cast

import attrs

from refold_async.config.validation import check_whole_number
from refold_async.errors import APIResponseValidationError
from refold_async.models.pages import Page
from refold_async.protocol.endpoints import Request
from refold_async.protocol.parsers import parse_docs, parse_json
from refold_async.protocol.responses import Parser, Response, fields_of, request_id_of

__all__ = ["AwaitableListing", "Listing", "paginate", "parse_only_page", "parse_page"]

T = TypeVar("T")

WINDOW: Final = 10_000
"""Among how many of the latest a repeat is recognised."""
_PAGES_OF_REPEATS: Final = 3
"""How many pages in a row may bring nothing new, although the list has not grown meanwhile."""
_MOST_PAGES: Final = 1000
"""How many pages are fetched, beyond ten times as many as there were at first."""


_NUMBERS: Final[Mapping[str, str]] = {
    "page": "page",
    "limit": "limit",
    "total_docs": "totalDocs",
    "total_pages": "totalPages",
    "next_page": "nextPage",
    "prev_page": "prevPage",
    "paging_counter": "pagingCounter",
}
"""What Refold calls the numbers of a page."""


def parse_page(model: type[T]) -> Parser[Page[T]]:
    """Return the parser of a page of a list."""

    def parse(response: Response, request: Request) -> Page[T]:
        value = parse_json(response, request)
        docs = parse_docs(value, model, response, request)
        fields = fields_of(value)
        numbers = {name: _whole_number(fields.get(given)) for name, given in _NUMBERS.items()}
        has_next, has_previous, schema = (fields.get(name) for name in ("hasNextPage", "hasPrevPage", "schema"))
        if not isinstance(has_next, bool):
            has_next = _has_next(fields, numbers, len(docs))
        return Page(
            docs,
            has_next,
            **numbers,
            has_prev_page=has_previous if isinstance(has_previous, bool) else None,
            schema=cast("dict[str, Any]", schema) if isinstance(schema, dict) else None,
            raw=fields,
            meta=response.meta(request_id_of(response.headers, fields)),
        )

    return parse


def _has_next(fields: Mapping[str, Any], numbers: Mapping[str, int | None], docs: int) -> bool:
    """Tell whether there is a next page where no flag tells: rather ask for one too many than leave some out."""
    number, size, total, pages = (numbers[name] for name in ("page", "limit", "total_docs", "total_pages"))
    told: list[bool] = []
    if fields.get("hasNextPage") is not None:
        told.append(str(fields["hasNextPage"]).lower() in {"true", "1"})
    if "nextPage" in fields:
        told.append(fields["nextPage"] is not None)
    if number is not None and pages is not None:
        told.append(number < pages)
    if number is not None and size is not None and total is not None:
        told.append(number * size < total)
    # Without the envelope of a page a list is whole; and a page that tells nothing is the last if it is not full.
    return any(told) if told or not fields else docs > 0 and (size is None or docs >= size)


def parse_only_page(parse: Parser[list[T]]) -> Parser[Page[T]]:
    """Return the parser of the page that a list which comes whole is; `parse` parses the list."""

    def parse_as_page(response: Response, request: Request) -> Page[T]:
        return Page(parse(response, request), meta=response.meta(request_id_of(response.headers, {})))

    return parse_as_page


def _whole_number(value: Any) -> int | None:
    """Return a whole number that may have come as a string, or as a float."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and len(value) <= 15 and value.isdecimal():
        return int(value)
    return value if type(value) is int else None


class _Reading(Generic[T]):
    """How far a list was read, whatever it does meanwhile; tells what has not come before, and where it ends.

    It always ends: with the last page, with one that is empty, once pages bring nothing new, or when there are more
    than ten times the pages there were at first, and a thousand.
    """

    def __init__(self, subject: str, key: Callable[[T], object]) -> None:
        self._subject = subject
        self._key = key
        self._recent: OrderedDict[object, None] = OrderedDict()
        self._most_pages = 0
        self._repeats = 0
        self._seen = 0
        self._total = 0
        self._number = 0
        self._ends_early = False

    def take(self, page: Page[T]) -> list[T]:
        """Take the next page into account, and return what of it has not come before."""
        fresh = [doc for doc in page.docs if self._is_new(self._key(doc))]
        self._number += 1
        self._seen += len(fresh)
        grown, self._total = page.total_docs is not None and page.total_docs > self._total, page.total_docs or 0
        self._repeats = 0 if fresh or grown else self._repeats + 1
        self._most_pages = self._most_pages or 10 * (page.total_pages or _MOST_PAGES) + _MOST_PAGES
        goes_on = page.docs and self._repeats < _PAGES_OF_REPEATS and self._number < self._most_pages
        self._ends_early = page.has_next_page and not goes_on
        self.next = self._number + 1 if page.has_next_page and goes_on else None
        return fresh

    next: int | None = None
    """The number of the page to fetch next; None after the last."""

    def check_end(self) -> None:
        """Tell of a list that ends otherwise than with its last page, and has not brought all that it says it has."""
        if self._ends_early and self._seen < self._total:
            raise APIResponseValidationError(
                f"{self._subject[:1].upper()}{self._subject[1:]} does not end as it should: page {self._number:,} "
                f"names a next one, and {self._seen:,} of {self._total:,} have come."
            )

    def _is_new(self, key: object) -> bool:
        if key is None:
            return True
        if key in self._recent:
            self._recent.move_to_end(key)
            return False
        self._recent[key] = None
        if len(self._recent) > WINDOW:
            self._recent.popitem(last=False)
        return True


class Listing(AsyncGenerator[T, None]):
    """A list that comes in pages, fetched when they are needed.

    ```python
    async for account in refold.linked_accounts.list(): ...
    first = await account.executions.list().first()
    some = await account.executions.list().collect(limit=20)
    async for page in refold.linked_accounts.list().pages(): ...
    ```

    An async generator, so leave `async for` early with `break` or `await ....aclose()`; one whose `anext()` was
    cancelled has ended. `first()`, `collect()` and `pages()` begin anew, however far the list itself was read.
    """

    __slots__ = ("_docs", "_fetch", "_keep", "_key", "_subject")

    def __init__(
        self,
        fetch: Callable[[int], Awaitable[Page[T]]],
        subject: str,
        *,
        key: Callable[[T], object],
        keep: Callable[[T], bool | Awaitable[bool]],
    ) -> None:
        self._fetch = fetch
        self._subject = subject
        self._key = key
        self._keep = keep
        self._docs = paginate(fetch, subject, key=key, keep=keep)

    async def first(self) -> T | None:
        """Return the first member, or None where there is none. Fetches no page behind it.

        Raises:
            RefoldError: What the call that fetches a page raised.
        """
        found = await self.collect(limit=1)
        return found[0] if found else None

    async def collect(self, *, limit: int | None = None) -> list[T]:
        """Return the members as a list.

        Args:
            limit: How many at most; by default all, in memory at once. Pages behind those are not fetched; how many a
                page has, `page_size` says.

        Raises:
            APIResponseValidationError: The pages end before they have brought all members that Refold says there are.
            RefoldError: What a call that fetches a page raised; to keep what came before it, use `async for`.
        """
        if limit is not None and check_whole_number("limit", limit, at_least=0) == 0:
            return []
        return await self._read(limit)

    async def _read(self, limit: int | None) -> list[T]:
        docs = paginate(self._fetch, self._subject, key=self._key, keep=self._keep, limit=limit)
        return [doc async for doc in docs]

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        """Iterate over the pages, from the first, each fetched when it is asked for.

        It has nothing to do with how far the list itself was read, and ends as that does; but a page is given as it
        came, with what may have been on an earlier one.

        Yields:
            The pages, with what Refold says of the list: `total_docs`, `total_pages`, … Of a list that leaves some out,
            such as `linked_accounts.list(connected_to=...)`, `docs` are those that it keeps, while `total_docs` counts
            all. For progress take `page / total_pages`: `total_docs` may also be 0, or None where Refold does not tell.
        """
        reading = _Reading(self._subject, self._key)
        number: int | None = 1
        while number is not None:
            page = await self._fetch(number)
            reading.take(page)
            docs = [doc for doc in page.docs if await self._keeps(doc)]
            yield page if len(docs) == len(page.docs) else attrs.evolve(page, docs=docs)
            number = reading.next
        reading.check_end()

    async def _keeps(self, doc: T) -> bool:
        kept = self._keep(doc)
        return kept if isinstance(kept, bool) else await kept

    def __anext__(self) -> Coroutine[Any, Any, T]:
        return self._docs.__anext__()

    def asend(self, value: None) -> Coroutine[Any, Any, T]:
        """Return the next member; see `async for`."""
        return self._docs.asend(value)

    def athrow(self, *error: Any) -> Coroutine[Any, Any, T]:
        """Raise an error where the list waits to be read."""
        return self._docs.athrow(*error)

    def aclose(self) -> Coroutine[Any, Any, None]:
        """Read no further, and call off the page that is on its way."""
        return self._docs.aclose()


class AwaitableListing(Listing[T], Coroutine[Any, Any, list[T]]):
    """A list that Refold sends whole, by one call: awaited, it is a plain `list`; else it is read as any other.

    ```python
    actions = await account.list_actions("hubspot")
    async for action in account.list_actions("hubspot"): ...
    ```

    It is a coroutine too, so that `asyncio.create_task()` takes it, and can be awaited again, which calls again.
    """

    __name__ = "AwaitableListing"  # asyncio shows it of tasks
    __slots__ = ("_coroutine",)

    def __init__(self, fetch: Callable[[], Awaitable[Page[T]]]) -> None:
        super().__init__(lambda _: fetch(), "the list", key=lambda _: None, keep=lambda _: True)
        self._coroutine: Coroutine[Any, Any, list[T]] | None = None

    async def _read(self, limit: int | None) -> list[T]:
        page = await self._fetch(1)
        return page.docs[:limit]

    def __await__(self) -> Generator[Any, Any, list[T]]:
        return self._read(None).__await__()

    def send(self, value: Any) -> Any:
        """Go on, as a task of it does."""
        return self._step("send", value)

    def throw(self, *error: Any) -> Any:
        """Raise an error where it waits."""
        return self._step("throw", *error)

    def close(self) -> None:
        """Call off the call that `send` began."""
        coroutine, self._coroutine = self._coroutine, None
        if coroutine is not None:
            coroutine.close()

    def _step(self, way: str, *values: Any) -> Any:
        if self._coroutine is None:
            self._coroutine = self._read(None)
        try:
            return getattr(self._coroutine, way)(*values)
        except BaseException:  # by which it ends, also with a result: the next task begins anew
            self._coroutine = None
            raise


async def paginate(
    fetch: Callable[[int], Awaitable[Page[T]]],
    subject: str,
    *,
    key: Callable[[T], object],
    keep: Callable[[T], bool | Awaitable[bool]],
    limit: int | None = None,
) -> AsyncGenerator[T, None]:
    """Iterate over all of a list, fetching the next page while the present one is read.

    What is created meanwhile may come or not, what moves to a later page comes once, and what moves to an earlier one,
    because something before it was deleted, can be missed.

    Args:
        fetch: Fetches a page by its number, from 1.
        subject: What the list is, for messages.
        key: Tells what a repeat is known by; None is never one.
        keep: Tells what to pass on, at once or when it was awaited.
        limit: How many to pass on; None is all. No page is fetched before it is known to be needed for them.

    Raises:
        APIResponseValidationError: It ended otherwise than with the last page, and has not brought all that Refold
            says there is.
        RefoldError: What `fetch` raised.
    """
    reading = _Reading(subject, key)
    number: int | None = 1
    given = 0
    fetching: asyncio.Task[Page[T]] | None = None
    try:
        while number is not None:
            page = await (fetching or fetch(number))
            fetching = None
            fresh = reading.take(page)
            number = reading.next
            if number is not None and (limit is None or given + len(fresh) < limit):
                fetching = asyncio.create_task(_begin(fetch, number))
            for doc in fresh:
                kept = keep(doc)
                if kept is True or (kept is not False and await kept):
                    yield doc
                    given += 1
                    if given == limit:
                        return
        reading.check_end()
    finally:
        if fetching is not None:
            fetching.cancel()
            await asyncio.wait([fetching])
            if not fetching.cancelled():
                fetching.exception()  # it ended before it could be cancelled, and nobody is left to be told


async def _begin(fetch: Callable[[int], Awaitable[Page[T]]], number: int) -> Page[T]:
    return await fetch(number)
