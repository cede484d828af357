"""One page of a list that Refold returns in pages."""

from typing import Any, Generic, TypeVar

import attrs

from refold_async.models.model import Result

__all__ = ["Page"]

T = TypeVar("T")


@attrs.frozen(eq=False, repr=False)
class Page(Result, Generic[T]):
    """One page of a list, as `.pages()` of the list yields it. Fields that Refold does not send are None."""

    docs: list[T]
    """The elements of the page. If the list is filtered, only those that pass the filter."""
    has_next_page: bool = False
    """Whether there is a next page."""
    total_docs: int | None = None
    """How many elements the whole list has."""
    total_pages: int | None = None
    """How many pages the list has."""
    page: int | None = None
    """The number of this page; the first is 1."""
    limit: int | None = None
    """How many elements a page has at most."""
    has_prev_page: bool | None = None
    """Whether there is a previous page."""
    next_page: int | None = None
    """The number of the next page."""
    prev_page: int | None = None
    """The number of the previous page."""
    paging_counter: int | None = None
    """The position of the first element of this page in the whole list; positions start at 1."""
    schema: dict[str, Any] | None = None
    """For workflows: the JSON Schema of the payloads of all workflows on the page."""
    columns: list[str] | None = None
    """For records of a table, or of a dataref as a table: the names of its columns."""
    name: str | None = None
    """For records of a table: its name."""
