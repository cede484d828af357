"""How far a list that comes in pages has been read: which elements are new, and where it ends, even if it changes."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from refold_async.errors import APIResponseValidationError
from refold_async.models.pages import Page

__all__ = ["WINDOW", "ListReading"]

T = TypeVar("T")

WINDOW: Final = 10_000
"""Among how many of the latest elements a repeated one is recognised."""
_PAGES_OF_REPEATS: Final = 3
"""How many pages in a row may contain nothing new while the list does not grow."""
_MOST_PAGES: Final = 1000
"""How many pages are fetched, in addition to ten times the number of pages at the start."""


class ListReading(Generic[T]):
    """The state of reading one list.

    It always ends: with the last page, with an empty page, after several pages with nothing new, or after ten times the
    number of pages at the start plus a thousand.
    """

    def __init__(self, subject: str, key: Callable[[T], object]) -> None:
        """Begin before the first page.

        Args:
            subject: The name of the list, for messages.
            key: Returns the key by which a repeated element is recognised; None if it cannot be recognised.
        """
        self._subject = subject
        self._key = key
        self._recent: OrderedDict[object, None] = OrderedDict()
        self._page: Page[T] | None = None
        self._most_pages = 0
        self._repeats = 0
        self._seen = 0
        self._total = 0
        self._number = 0
        self._ends_early = False

    def take(self, page: Page[T]) -> list[T]:
        """Take the next page into account, and return its elements that are new."""
        fresh = [doc for doc in page.docs if self._is_new(self._key(doc))]
        self._number += 1
        self._seen += len(fresh)
        grown, self._total = page.total_docs is not None and page.total_docs > self._total, page.total_docs or 0
        self._repeats = 0 if (fresh and not self._is_repeated(page)) or grown else self._repeats + 1
        self._page = page
        self._most_pages = self._most_pages or 10 * (page.total_pages or _MOST_PAGES) + _MOST_PAGES
        goes_on = page.docs and self._repeats < _PAGES_OF_REPEATS and self._number < self._most_pages
        self._ends_early = page.has_next_page and not goes_on
        self.next = self._number + 1 if page.has_next_page and goes_on else None
        return fresh

    next: int | None = None
    """The number of the page to fetch next. None after the last."""

    def check_end(self) -> None:
        """Raise if the list ended before its last page, with fewer elements than it says it has."""
        if self._ends_early and self._seen < self._total:
            error = APIResponseValidationError(
                f"{self._subject[:1].upper()}{self._subject[1:]} does not end as it should: page {self._number:,} "
                f"names a next page, but only {self._seen:,} of {self._total:,} elements arrived."
            )
            error.effect = "none"
            raise error

    def _is_repeated(self, page: Page[T]) -> bool:
        """Return whether the server seems to have sent the page before once more, whatever number was asked for.

        This ends lists whose elements have no key. A page with a number of its own, or with the number of all elements,
        may well have the elements of the page before.
        """
        before = self._page
        if before is None or page.page != before.page or (page.page is None and page.total_docs is not None):
            return False
        return page.docs == before.docs

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
