"""What a fan-out asks of the client that it belongs to: it knows neither linked accounts nor who may send when."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import attrs

from refold_async.jobs.slots import Slots

if TYPE_CHECKING:
    from refold_async.limits.lanes import Lane

__all__ = ["AnyScope", "ClientInterface", "Scope"]

Item = TypeVar("Item")
AnyScope = TypeVar("AnyScope", bound="Scope")


class Scope(Protocol):
    """What calls for one linked account are made on."""

    @property
    def linked_account_id(self) -> str | None:
        """The linked account; None where a session token stands for it."""
        ...


@attrs.frozen(kw_only=True, eq=False)
class ClientInterface(Generic[Item, AnyScope]):
    """What a fan-out asks of its client."""

    scope_of: Callable[[Item], AnyScope]
    """Tells the scope of an item's linked account."""
    lane_of: "Callable[[AnyScope, Slots], Lane | None]"
    """Tells where items of that account wait, or None where nothing limits it."""
    limits_accounts: Callable[[], bool]
    """Tells whether anything limits any account."""
    refuses_all: Callable[[], bool]
    """Tells whether requests of all accounts are being refused."""
    is_closed: Callable[[], bool]
    """Tells whether the client was closed."""
