"""Dividing a list into the pages of Refold's responses."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from refold_async.testing.protocol.replies import Refused

__all__ = ["LARGEST_LIMIT", "page_number_and_limit", "paginate", "short_page"]

LARGEST_LIMIT: Final = 100
_DEFAULT_LIMIT: Final = 10


def page_number_and_limit(query: Mapping[str, str], *, default_limit: int = _DEFAULT_LIMIT) -> tuple[int, int]:
    """Read `page` and `limit` from a query string.

    Args:
        query: The decoded query string. A limit above `LARGEST_LIMIT` is reduced to it.
        default_limit: The limit of a query that has none.

    Raises:
        Refused: One of them is not a whole number, or is below 1.
    """
    return _positive(query, "page", 1), min(_positive(query, "limit", default_limit), LARGEST_LIMIT)


def paginate(items: Sequence[Any], page: int, limit: int) -> dict[str, Any]:
    """Make the page object for one page of `items`.

    Args:
        items: All items, in order.
        page: The page number, from 1. A page past the end is empty.
        limit: Items per page.
    """
    start = (page - 1) * limit
    total_pages = max(1, -(-len(items) // limit))
    return {
        "docs": list(items[start : start + limit]),
        "totalDocs": len(items),
        "limit": limit,
        "page": page,
        "totalPages": total_pages,
        "hasNextPage": page < total_pages,
        "hasPrevPage": page > 1,
        "nextPage": page + 1 if page < total_pages else None,
        "prevPage": page - 1 if page > 1 else None,
        "pagingCounter": start + 1,
    }


def short_page(items: Sequence[Any], page: int, limit: int) -> dict[str, Any]:
    """Make the shorter page object that tables have: a page of an empty one says that there are no pages.

    Args:
        items: All items, in order.
        page: The page number, from 1. A page past the end is empty.
        limit: Items per page.
    """
    names = ("docs", "page", "limit", "totalDocs", "hasNextPage")
    document = paginate(items, page, limit)
    return {**{name: document[name] for name in names}, "totalPages": -(-len(items) // limit)}


def _positive(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise Refused(400, f"'{name}' must be a positive whole number", "VALIDATION_ERROR")
    return number
