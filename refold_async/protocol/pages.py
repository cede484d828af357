"""Walking through a list that comes in pages, and that may change meanwhile."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final, TypeVar

from refold_async.errors import APIResponseValidationError
from refold_async.protocol.responses import Page

__all__ = ["paginate"]

T = TypeVar("T")

WINDOW: Final = 10_000
"""Among how many of those met last a repeat is recognised."""
_PAGES_OF_REPEATS: Final = 3
"""How many pages in a row may bring nothing new, although the list has not grown meanwhile."""
_MOST_PAGES: Final = 1000
"""How many pages are read, beyond ten times as many as there were at first."""


async def paginate(
    fetch: Callable[[int], Awaitable[Page[T]]],
    subject: str,
    *,
    key: Callable[[T], object],
    keep: Callable[[T], bool],
) -> AsyncGenerator[T, None]:
    """Iterate over all of a list, fetching the next page while the present one is read.

    What is created while the walk goes on may be met or not, what moves to a later page is met once, and what moves
    to an earlier one, because something before it was deleted, can be missed. The walk always ends: with the last
    page, with one that is empty, once pages bring nothing new, or when there are more than ten times the pages there
    were at first, and a thousand.

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
    met = 0
    number = 1
    total = 0
    fetching: asyncio.Task[Page[T]] | None = asyncio.create_task(_begin(fetch, number))
    try:
        while fetching is not None:
            page = await fetching
            fetching = None
            fresh = [doc for doc in page.docs if _is_new(key(doc), recent)]
            met += len(fresh)
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
            if page.has_next and not goes_on and page.total is not None and met < page.total:
                raise APIResponseValidationError(
                    f"{subject[:1].upper()}{subject[1:]} does not end as it should: page {number:,} names a next one, "
                    f"and {met:,} of {page.total:,} have come."
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
