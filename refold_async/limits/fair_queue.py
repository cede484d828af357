"""The order of requests: interactive ones first, while bulk work keeps one turn in four."""

from collections import OrderedDict
from typing import Final, Generic, Literal, Protocol, TypeVar

__all__ = ["FairQueue", "Priority", "Queued"]

_INTERACTIVE_BEFORE_BULK: Final = 3

Priority = Literal["interactive", "bulk"]
"""Somebody waits for the result of an interactive request. Bulk work only has to be done in the end."""


class Queued(Protocol):
    """An entry of a queue."""

    @property
    def priority(self) -> Priority:
        """The priority of the entry."""
        ...


Entry = TypeVar("Entry", bound=Queued)


class FairQueue(Generic[Entry]):
    """Entries that wait, in the order of their turns."""

    def __init__(self) -> None:
        self._interactive: OrderedDict[Entry, None] = OrderedDict()
        self._bulk: OrderedDict[Entry, None] = OrderedDict()
        self._interactive_in_a_row = 0

    def __len__(self) -> int:
        return len(self._interactive) + len(self._bulk)

    def __bool__(self) -> bool:
        return bool(self._interactive or self._bulk)

    @property
    def has_interactive(self) -> bool:
        """Whether an interactive request waits."""
        return bool(self._interactive)

    def count(self, priority: Priority) -> int:
        """Return how many entries of a priority wait."""
        return len(self._bulk if priority == "bulk" else self._interactive)

    def add(self, entry: Entry, *, first: bool = False) -> None:
        """Add an entry, behind or before all others of its priority."""
        queue = self._bulk if entry.priority == "bulk" else self._interactive
        queue[entry] = None
        if first:
            queue.move_to_end(entry, last=False)

    def remove(self, entry: Entry) -> None:
        """Remove an entry, if it is there."""
        (self._bulk if entry.priority == "bulk" else self._interactive).pop(entry, None)

    def head(self) -> Entry | None:
        """Return the entry whose turn is next."""
        bulk_goes = self._bulk and self._interactive_in_a_row >= _INTERACTIVE_BEFORE_BULK
        return next(iter(self._interactive if self._interactive and not bulk_goes else self._bulk), None)

    def take(self, entry: Entry) -> None:
        """Remove the head, which had its turn, and count it for the share of bulk work."""
        self.remove(entry)
        count_anew = entry.priority == "bulk" or not self._bulk
        self._interactive_in_a_row = 0 if count_anew else self._interactive_in_a_row + 1
