"""Who goes next: interactive requests before those of bulk work, which keep a share of one turn in four."""

from collections import OrderedDict
from typing import Final, Generic, Literal, Protocol, TypeVar

__all__ = ["FairQueue", "Priority", "Queued"]

_INTERACTIVE_BEFORE_BULK: Final = 3

Priority = Literal["interactive", "bulk"]
"""Somebody waits for an interactive request; bulk work only is to get done."""


class Queued(Protocol):
    """What waits in a queue."""

    @property
    def priority(self) -> Priority:
        """Before or behind whom it goes."""
        ...


Entry = TypeVar("Entry", bound=Queued)


class FairQueue(Generic[Entry]):
    """Those who wait, in the order in which they go."""

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

    def add(self, entry: Entry, *, first: bool = False) -> None:
        """Have one wait, behind or before all others of its priority."""
        queue = self._bulk if entry.priority == "bulk" else self._interactive
        queue[entry] = None
        if first:
            queue.move_to_end(entry, last=False)

    def remove(self, entry: Entry) -> None:
        """Have one wait no longer, if it did."""
        (self._bulk if entry.priority == "bulk" else self._interactive).pop(entry, None)

    def head(self) -> Entry | None:
        """Return who is next."""
        bulk_goes = self._bulk and self._interactive_in_a_row >= _INTERACTIVE_BEFORE_BULK
        return next(iter(self._interactive if self._interactive and not bulk_goes else self._bulk), None)

    def take(self, entry: Entry) -> None:
        """Note that the head went, which makes it the others' turn before long."""
        self.remove(entry)
        count_anew = entry.priority == "bulk" or not self._bulk
        self._interactive_in_a_row = 0 if count_anew else self._interactive_in_a_row + 1
