"""Lists that come in pages: parsing a page, and iterating over all of a list while it may change."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final, Generic, TypeVar, cast

import attrs

from refold_async.errors import APIResponseValidationError
from refold_async.protocol.endpoints import Request
from refold_async.protocol.parsers import parse_docs, parse_json
from refold_async.protocol.responses import Parser, Response, fields_of

__all__ = ["Page", "paginate", "parse_page"]

T = TypeVar("T")

WINDOW: Final = 10_000
"""Among how many of the latest a repeat is recognised."""
_PAGES_OF_REPEATS: Final = 3
"""How many pages in a row may bring nothing new, although the list has not grown meanwhile."""
_MOST_PAGES: Final = 1000
"""How many pages are fetched, beyond ten times as many as there were at first."""


@attrs.frozen(eq=False, repr=False)
class Page(Generic[T]):
    """One page of a list."""

    docs: list[T]
    has_next: bool
    total: int | None
    """How many there are in all, where the response tells."""
    pages: int | None
    """How many pages there are, where the response tells."""


_ENVELOPE: Final = ("page", "limit", "totalDocs", "totalPages")


def parse_page(model: type[T]) -> Parser[Page[T]]:
    """Return the parser of a page of a list."""

    def parse(response: Response, request: Request) -> Page[T]:
        value = parse_json(response, request)
        docs = parse_docs(value, model, response, request)
        fields = fields_of(value)
        number, size, total, pages = (_whole_number(fields.get(name)) for name in _ENVELOPE)
        has_next = fields.get("hasNextPage")
        if not isinstance(has_next, bool):
            # Told otherwise: rather ask for a page too many than leave some out.
            told = [
                str(has_next).lower() == "true",
                fields.get("nextPage") is not None,
                None not in (number, pages) and cast("int", number) < cast("int", pages),
                None not in (number, size, total) and cast("int", number) * cast("int", size) < cast("int", total),
            ]
            has_next = any(told)
        return Page(docs, has_next, total, pages)

    return parse


def _whole_number(value: Any) -> int | None:
    """Return a whole number that may have come as a string."""
    if isinstance(value, str) and len(value) <= 15 and value.isdecimal():
        return int(value)
    return value if type(value) is int else None


async def paginate(
    fetch: Callable[[int], Awaitable[Page[T]]],
    subject: str,
    *,
    key: Callable[[T], object],
    keep: Callable[[T], bool],
) -> AsyncGenerator[T, None]:
    """Iterate over all of a list, fetching the next page while the present one is read.

    What is created meanwhile may come or not, what moves to a later page comes once, and what moves to an earlier one,
    because something before it was deleted, can be missed. The iteration always ends: with the last page, with one
    that is empty, once pages bring nothing new, or when there are more than ten times the pages there were at first,
    and a thousand.

    Args:
        fetch: Fetches a page by its number, from 1.
        subject: What the list is, for messages.
        key: Tells what a repeat is known by; None is never one.
        keep: Tells what to pass on.

    Raises:
        APIResponseValidationError: It ended otherwise than with the last page, and has not brought all that Refold
            says there is.
        RefoldError: What `fetch` raised.
    """
    recent: OrderedDict[object, None] = OrderedDict()
    most_pages = 0
    repeats = 0
    seen = 0
    number = 1
    total = 0
    fetching: asyncio.Task[Page[T]] | None = asyncio.create_task(_begin(fetch, number))
    try:
        while fetching is not None:
            page = await fetching
            fetching = None
            fresh = [doc for doc in page.docs if _is_new(key(doc), recent)]
            seen += len(fresh)
            grown, total = page.total is not None and page.total > total, page.total or 0
            repeats = 0 if fresh or grown else repeats + 1
            most_pages = most_pages or 10 * (page.pages or _MOST_PAGES) + _MOST_PAGES
            goes_on = page.docs and repeats < _PAGES_OF_REPEATS and number < most_pages
            if page.has_next and goes_on:
                number += 1
                fetching = asyncio.create_task(_begin(fetch, number))
            for doc in fresh:
                if keep(doc):
                    yield doc
            if page.has_next and not goes_on and page.total is not None and seen < page.total:
                raise APIResponseValidationError(
                    f"{subject[:1].upper()}{subject[1:]} does not end as it should: page {number:,} names a next one, "
                    f"and {seen:,} of {page.total:,} have come."
                )
    finally:
        if fetching is not None:
            fetching.cancel()
            await asyncio.wait([fetching])
            if not fetching.cancelled():
                fetching.exception()  # it ended before it could be cancelled, and nobody is left to be told


async def _begin(fetch: Callable[[int], Awaitable[Page[T]]], number: int) -> Page[T]:
    return await fetch(number)


def _is_new(key: object, recent: OrderedDict[object, None]) -> bool:
    if key is None:
        return True
    if key in recent:
        recent.move_to_end(key)
        return False
    recent[key] = None
    if len(recent) > WINDOW:
        recent.popitem(last=False)
    return True
