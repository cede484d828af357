"""An item of a fan-out, from the moment it is taken until its outcome is recorded."""

from collections.abc import Callable, Sized
from contextvars import Context
from typing import Generic, TypeVar

import attrs

from refold_async.jobs.client_interface import Scope
from refold_async.models.response_meta import Reconciled
from refold_async.pipeline.item_context import ItemContext

__all__ = ["TakenItem", "count_of"]

Item = TypeVar("Item")


@attrs.define(eq=False, repr=False)
class TakenItem(ItemContext, Generic[Item]):
    """An item that a fan-out has taken."""

    item: Item = attrs.field(kw_only=True)
    """The item as the source gave it."""
    taken_at: float = attrs.field(kw_only=True)
    """When it was taken, by `time.perf_counter()`."""
    linked_account_id: str | None = None
    """Its linked account, or None if the item does not name one."""
    cancelled: bool = False
    """Whether the fan-out itself cancelled it."""
    scope: Scope | None = None
    """The scope of its account, if it was found before the item began."""
    context: Context | None = None
    """The context to run the item in, if it may begin later than it was taken."""
    attempts_before: int = 0
    """How many attempts earlier runs made to write what this run looks for."""
    reconciled: Reconciled | None = None
    """What became clear about its write, if that may have run."""
    on_stop: Callable[[], object] | None = None
    """What to call if the fan-out is stopped while the item waits to find out what became of its write."""

    @property
    def all_attempts(self) -> int:
        """How many attempts were made for it."""
        return self.attempts + self.attempts_before


def count_of(items: object) -> int | None:
    """Return how many items a source has, or None if it does not say, such as a progress bar around a generator."""
    if not isinstance(items, Sized):
        return None
    try:
        return len(items)
    except Exception:  # noqa: BLE001 - whatever it is, the items can still be taken
        return None
