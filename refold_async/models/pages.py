"""One page of a list that comes in pages, as Refold answers it."""

from typing import Any, Generic, TypeVar

import attrs

from refold_async.models.model import Result

__all__ = ["Page"]

T = TypeVar("T")


@attrs.frozen(eq=False, repr=False)
class Page(Result, Generic[T]):
    """One page of a list, as `.pages()` of a list gives it. What Refold does not tell is None."""

    docs: list[T]
    """What is on it; of a list that leaves some out, what it keeps."""
    has_next_page: bool = False
    """Whether another follows."""
    total_docs: int | None = None
    """How many the list has in all."""
    total_pages: int | None = None
    """How many pages it has."""
    page: int | None = None
    """The number of this one; the first is 1."""
    limit: int | None = None
    """How many a page has at most."""
    has_prev_page: bool | None = None
    """Whether another comes before."""
    next_page: int | None = None
    """The number of the next one."""
    prev_page: int | None = None
    """The number of the one before."""
    paging_counter: int | None = None
    """The place of its first member in the whole list; that of the list's first is 1."""
    schema: dict[str, Any] | None = None
    """Of workflows: the JSON Schema of the payloads of all on it."""
