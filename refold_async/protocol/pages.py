"""Lists that come in pages: parsing one page, and iterating over a whole list that may change in the meantime."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Mapping
from typing import Any, Final, TypeVar, cast

import attrs

from refold_async.config.validation import check_whole_number
from refold_async.models.pages import Page
from refold_async.protocol.endpoints import Request
from refold_async.protocol.list_reading import ListReading
from refold_async.protocol.parsers import parse_docs, parse_json
from refold_async.protocol.responses import Parser, Response, fields_of, request_id_of

__all__ = ["AwaitableListing", "Listing", "paginate", "parse_only_page", "parse_page"]

T = TypeVar("T")

_NUMBERS: Final[Mapping[str, str]] = {
    "page": "page",
    "limit": "limit",
    "total_docs": "totalDocs",
    "total_pages": "totalPages",
    "next_page": "nextPage",
    "prev_page": "prevPage",
    "paging_counter": "pagingCounter",
}
"""The names of a page's numbers in Refold's JSON."""


def parse_page(model: type[T]) -> Parser[Page[T]]:
    """Return the parser of one page of a list."""

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
            columns=_texts(fields.get("columns", fields.get("headers"))),
            name=name if isinstance(name := fields.get("name"), str) else None,
            raw=fields,
            meta=response.meta(request_id_of(response.headers, fields)),
        )

    return parse


def _has_next(fields: Mapping[str, Any], numbers: Mapping[str, int | None], docs: int) -> bool:
    """Return whether there is a next page if no flag says so. A request too many is better than missing elements."""
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
    # Without the envelope of a page, the list is complete. A page with no information is the last if it is not full.
    return any(told) if told or not fields else docs > 0 and (size is None or docs >= size)


def parse_only_page(parse: Parser[list[T]]) -> Parser[Page[T]]:
    """Return the parser of a list that comes complete, as one page; `parse` parses the list."""

    def parse_as_page(response: Response, request: Request) -> Page[T]:
        return Page(parse(response, request), meta=response.meta(request_id_of(response.headers, {})))

    return parse_as_page


def _texts(value: Any) -> list[str] | None:
    """Return the texts of a list; None if there is none."""
    return [one for one in cast("list[object]", value) if isinstance(one, str)] if isinstance(value, list) else None


def _whole_number(value: Any) -> int | None:
    """Return a whole number that may have arrived as a string or as a float."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and len(value) <= 15 and value.isdecimal():
        return int(value)
    return value if type(value) is int else None


class Listing(AsyncGenerator[T, None]):
    """A list that Refold sends in pages. Each page is fetched when it is needed.

    ```python
    async for account in refold.linked_accounts.list(): ...
    first = await account.executions.list().first()
    some = await account.executions.list().collect(limit=20)
    async for page in refold.linked_accounts.list().pages(): ...
    ```

    A listing is an async generator. To stop early, leave `async for` with `break`, or `await` its `aclose()`. It has
    ended if an `anext()` of it was cancelled. `first()`, `collect()` and `pages()` always begin with the first page,
    however far the listing itself was read.
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

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: read it with `async for`, or await its collect()>"

    async def first(self) -> T | None:
        """Return the first element, or None if the list is empty. Later pages are not fetched.

        Raises:
            RefoldError: The call that fetches a page failed.
        """
        found = await self.collect(limit=1)
        return found[0] if found else None

    async def collect(self, *, limit: int | None = None) -> list[T]:
        """Return the elements as a list.

        Args:
            limit: The maximum number of elements. By default, all elements, which are then in memory together. Pages
                that are not needed are not fetched; `page_size` of the method that lists sets how many elements a page
                has.

        Raises:
            APIResponseValidationError: The pages ended with fewer elements than Refold reports.
            RefoldError: A call that fetches a page failed. To keep the elements that arrived before it, use `async
                for`.
        """
        if limit is not None and check_whole_number("limit", limit, at_least=0) == 0:
            return []
        return await self._read(limit)

    async def _read(self, limit: int | None) -> list[T]:
        docs = paginate(self._fetch, self._subject, key=self._key, keep=self._keep, limit=limit)
        return [doc async for doc in docs]

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        """Iterate over the pages, from the first. Each page is fetched when you ask for it.

        This does not depend on how far the listing itself was read, and it ends where the listing ends. A page has all
        the elements that Refold sent with it, even if an earlier page had some of them already.

        Yields:
            The pages, with what Refold reports about the list: `total_docs`, `total_pages` and more. If a listing
                leaves out some elements, as `linked_accounts.list(connected_to=...)` does, `docs` has only the others,
                while `total_docs` counts all. To show progress, use `page / total_pages`: `total_docs` may be 0, or
                None if Refold does not report it.

        Raises:
            APIResponseValidationError: The pages ended with fewer elements than Refold reports.
            RefoldError: A call that fetches a page failed.
        """
        reading = ListReading(self._subject, self._key)
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
        """Return the next element, as `async for` does."""
        return self._docs.asend(value)

    def athrow(self, *error: Any) -> Coroutine[Any, Any, T]:
        """Raise an error in the generator, at the point where it waits to be read."""
        return self._docs.athrow(*error)

    def aclose(self) -> Coroutine[Any, Any, None]:
        """Stop reading, and cancel the fetch of a page that is in flight."""
        return self._docs.aclose()


class AwaitableListing(Listing[T], Coroutine[Any, Any, list[T]]):
    """A list that Refold sends complete, in one response. Await it to get a plain `list`, or read it as any listing.

    ```python
    actions = await account.list_actions("hubspot")
    async for action in account.list_actions("hubspot"): ...
    ```

    It is also a coroutine, so `asyncio.create_task()` accepts it. You can await it more than once; each time makes a
    new call.
    """

    __name__ = "AwaitableListing"  # asyncio shows this name for tasks
    __slots__ = ("_coroutine",)

    def __init__(self, fetch: Callable[[], Awaitable[Page[T]]]) -> None:
        super().__init__(lambda _: fetch(), "the list", key=lambda _: None, keep=lambda _: True)
        self._coroutine: Coroutine[Any, Any, list[T]] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: await it, or read it with `async for`>"

    async def _read(self, limit: int | None) -> list[T]:
        page = await self._fetch(1)
        return page.docs[:limit]

    def __await__(self) -> Generator[Any, Any, list[T]]:
        return self._read(None).__await__()

    def send(self, value: Any) -> Any:
        """Continue, as its task does."""
        return self._step("send", value)

    def throw(self, *error: Any) -> Any:
        """Raise an error in the coroutine, at the point where it waits."""
        return self._step("throw", *error)

    def close(self) -> None:
        """Cancel the call that `send` began."""
        coroutine, self._coroutine = self._coroutine, None
        if coroutine is not None:
            coroutine.close()

    def _step(self, way: str, *values: Any) -> Any:
        if self._coroutine is None:
            self._coroutine = self._read(None)
        try:
            return getattr(self._coroutine, way)(*values)
        except BaseException:  # it ends the coroutine, even with a result: the next task starts a new one
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
    """Iterate over a whole list. The next page is fetched while the current one is read.

    Elements that are created in the meantime may be missing. An element that moves to a later page comes once. One that
    moves to an earlier page, because an element before it was deleted, can be missed.

    Args:
        fetch: Fetches a page by its number, from 1.
        subject: The name of the list, for messages.
        key: Returns the key by which a repeated element is recognised; None if it cannot be recognised.
        keep: Returns whether to yield an element, directly or as an awaitable.
        limit: How many elements to yield; None means all. No page is fetched unless it is known to be needed for them.

    Raises:
        APIResponseValidationError: The list ended before its last page, with fewer elements than Refold reports.
        RefoldError: `fetch` raised it.
    """
    reading = ListReading(subject, key)
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
                fetching.exception()  # it ended before it could be cancelled; nobody is left to see its error


async def _begin(fetch: Callable[[int], Awaitable[Page[T]]], number: int) -> Page[T]:
    return await fetch(number)
