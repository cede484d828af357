"""What limits know of bulk work: what holds a slot while its permits wait, and the slots. Protocols alone."""

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
        """Return the item that was parked before all others."""
        ...

    def changed(self) -> None:
        """Have others go on, if they may now."""
        ...


class SlotPool(Protocol):
    """The slots of a fan-out."""

    def take_next(self, then: Callable[[], object]) -> bool:
        """Take a slot before all new items. Where there is none, call `then` once one was taken.

        Returns:
            Whether a slot was taken.
        """
        ...

    def take_in_any_case(self) -> None:
        """Take a slot that there may not be: the next to come free is none, then."""
        ...

    def free(self) -> None:
        """Give a slot back."""
        ...

    def lend(self) -> bool:
        """Give back the slot of an item that is parked, unless too many are; return whether that was done."""
        ...

    def note_resumed(self) -> None:
        """Note that an item which had lent its slot has one again."""
        ...

    def note_parked(self, lane: ParkedItems) -> None:
        """Count an item that was parked before it began."""
        ...

    def note_unparked(self, lane: ParkedItems) -> None:
        """Count an item that is parked no longer."""
        ...


class Approached(Protocol):
    """What an item that has begun is on its way to."""

    @property
    def limit(self) -> AccountLimit:
        """The limit of its account."""
        ...


class SlotHolder(Protocol):
    """An item of bulk work, as far as its permits concern it: it holds a slot, and lends it while they wait."""

    parked_for: Pause | None
    """The pauses of the linked account that a permit of it is parked for."""
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
        """Whether its slot is lent to another."""
        ...

    @property
    def approaching(self) -> Approached | None:
        """What is to hear of its first request."""
        ...

    @property
    def refusal_wait_left(self) -> float:
        """Seconds for which refusals may still keep it waiting; infinite where nothing limits that."""
        ...

    def note_refusal_wait(self, seconds: float, until: float) -> None:
        """Count for how long refusals kept one of its permits waiting."""
        ...

    def park(self) -> None:
        """Lend its slot to another, if it can."""
        ...

    def resume(self) -> None:
        """Go on, with a slot that was taken for it."""
        ...

    def give_up_waiting(self) -> None:
        """Take a slot in any case, if it had lent its own: a permit of it is waited for no longer."""
        ...

    def arrive(self) -> None:
        """Note that a request of it is where it leaves, or waits for an account."""
        ...
