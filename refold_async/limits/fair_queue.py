"""Who goes next: single calls before the calls of jobs, which keep a share of one turn in four."""

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

import attrs

from refold_async.pipeline.item_context import ItemContext

if TYPE_CHECKING:
    from refold_async.limits.account_limits import AccountLimit

__all__ = ["FairQueue", "Permit", "Waiter", "Waiting"]

_SINGLES_BEFORE_A_JOB: Final = 3


@attrs.define(eq=False, repr=False)
class Permit:
    """One attempt on its way through the door."""

    account: str | None
    """What its linked account is known by, or None if it is for the organisation."""
    item: ItemContext | None = None
    """The item of a fan-out that it is for, or None if it is a single call's."""
    sent_at: float = 0.0
    """When it was let in, by the loop's clock."""
    gate: "AccountLimit | None" = None
    """Its account's own limits, if there are any."""
    refused: bool = False
    """Whether it is another try of a request that was refused."""

    @property
    def in_bulk(self) -> bool:
        """Whether it is part of a job."""
        return self.item is not None


@attrs.define(eq=False, repr=False)
class Waiter:
    """An attempt that waits to be let in."""

    visit: Permit
    admitted: asyncio.Future[None]
    was_aside: bool = False
    """Whether it has given others precedence before."""
    pauses_before: float = 0.0
    """For how many seconds its account had been refused when it stepped aside."""
    patience: asyncio.TimerHandle | None = None
    """Looks whether its account's refusals have kept it waiting for too long."""

    @property
    def in_bulk(self) -> bool:
        """Whether it is part of a job."""
        return self.visit.in_bulk


class Waiting(Protocol):
    """What stands in a line."""

    @property
    def in_bulk(self) -> bool:
        """Whether it is part of a job."""
        ...


Entry = TypeVar("Entry", bound=Waiting)


class FairQueue(Generic[Entry]):
    """Those who wait, in the order in which they go."""

    def __init__(self) -> None:
        self._singles: OrderedDict[Entry, None] = OrderedDict()
        self._jobs: OrderedDict[Entry, None] = OrderedDict()
        self._singles_in_a_row = 0

    def __len__(self) -> int:
        return len(self._singles) + len(self._jobs)

    def __bool__(self) -> bool:
        return bool(self._singles or self._jobs)

    @property
    def has_interactive(self) -> bool:
        """Whether a single call waits."""
        return bool(self._singles)

    def add(self, entry: Entry, *, first: bool = False) -> None:
        """Have one wait, behind or before all others of its kind."""
        queue = self._jobs if entry.in_bulk else self._singles
        queue[entry] = None
        if first:
            queue.move_to_end(entry, last=False)

    def remove(self, entry: Entry) -> None:
        """Have one wait no longer, if it did."""
        (self._jobs if entry.in_bulk else self._singles).pop(entry, None)

    def head(self) -> Entry | None:
        """Return who is next."""
        single_goes = self._singles and not (self._jobs and self._singles_in_a_row >= _SINGLES_BEFORE_A_JOB)
        return next(iter(self._singles if single_goes else self._jobs), None)

    def take(self, entry: Entry) -> None:
        """Note that the head went, which makes it the others' turn before long."""
        self.remove(entry)
        self._singles_in_a_row = 0 if entry.in_bulk or not self._jobs else self._singles_in_a_row + 1
