"""The interfaces of bulk work, as limits need them: its slots, and what holds a slot. Only protocols."""

from collections.abc import Callable
from typing import Any, Protocol

from refold_async.limits.account_limits import AccountLimit
from refold_async.limits.pauses import Pause

__all__ = ["Approached", "ParkedItems", "SlotHolder", "SlotPool"]


class ParkedItems(Protocol):
    """Items of one account that have not begun."""

    @property
    def parked(self) -> int:
        """How many there are."""
        ...

    @property
    def held_up(self) -> int:
        """How many of them wait because requests of their account were refused."""
        ...

    def unpark(self) -> Any:
        """Return the item that has been parked for the longest time."""
        ...

    def changed(self) -> None:
        """Let others continue, if they may now."""
        ...


class SlotPool(Protocol):
    """The slots of a fan-out."""

    def take_next(self, then: Callable[[], object]) -> bool:
        """Take a slot before all new items. If none is free, call `then` once one was taken.

        Returns:
            Whether a slot was taken.
        """
        ...

    def take_in_any_case(self) -> None:
        """Take a slot even if none is free. The next slot that becomes free is then used up."""
        ...

    def free(self) -> None:
        """Return a slot to the pool."""
        ...

    def lend(self) -> bool:
        """Return the slot of a parked item to the pool, unless too many are parked; return whether that was done."""
        ...

    def note_resumed(self) -> None:
        """Note that an item that had lent its slot has one again."""
        ...

    def note_parked(self, lane: ParkedItems) -> None:
        """Count an item that was parked before it began."""
        ...

    def note_unparked(self, lane: ParkedItems) -> None:
        """Count an item that is no longer parked."""
        ...


class Approached(Protocol):
    """What an item that has begun is on its way to."""

    @property
    def limit(self) -> AccountLimit:
        """The limit of its account."""
        ...


class SlotHolder(Protocol):
    """An item of bulk work, as its permits need it. It holds a slot, and lends the slot while they wait."""

    parked_for: Pause | None
    """The pauses of the linked account for which one of its permits is parked."""
    pauses_before: float
    """For how many seconds its account had been refused when it was parked, before it began."""
    on_resume: tuple[Callable[[], object], ...]
    """What to call when it has a slot again."""

    @property
    def slots(self) -> SlotPool | None:
        """The slots of its fan-out."""
        ...

    @property
    def has_lent(self) -> bool:
        """Whether its slot is lent to another item."""
        ...

    @property
    def approaching(self) -> Approached | None:
        """What must be notified of its first request."""
        ...

    @property
    def refusal_wait_left(self) -> float:
        """Seconds that refusals may still keep it waiting; infinite if nothing limits that."""
        ...

    def note_refusal_wait(self, seconds: float, until: float) -> None:
        """Count how long refusals kept one of its permits waiting."""
        ...

    def park(self) -> None:
        """Lend its slot to another item, if it can."""
        ...

    def resume(self) -> None:
        """Continue with the slot that it just got."""
        ...

    def give_up_waiting(self) -> None:
        """Take a slot, even if none is free, if it had lent its own: one of its permits is no longer waited for."""
        ...

    def arrive(self) -> None:
        """Note that a request of it is about to be sent, or waits for an account."""
        ...
