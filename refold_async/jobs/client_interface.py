"""What a fan-out needs from its client. The fan-out itself knows nothing about linked accounts or rate limits."""

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
    """The scope on which calls for one linked account are made."""

    @property
    def linked_account_id(self) -> str | None:
        """The linked account, or None if the scope uses a session token instead."""
        ...


@attrs.frozen(kw_only=True, eq=False)
class ClientInterface(Generic[Item, AnyScope]):
    """What a fan-out needs from its client."""

    scope_of: Callable[[Item], AnyScope]
    """Returns the scope of an item's linked account."""
    lane_of: "Callable[[AnyScope, Slots], Lane | None]"
    """Returns where items of that account wait, or None if nothing limits the account."""
    limits_accounts: Callable[[], bool]
    """Returns whether any account is limited."""
    refuses_all: Callable[[], bool]
    """Returns whether requests of all accounts are being refused."""
    is_closed: Callable[[], bool]
    """Returns whether the client was closed."""
