"""An item of a fan-out, from the moment it is taken until its outcome is recorded."""

from collections.abc import Callable, Sized
from contextvars import Context
from typing import Generic, TypeVar

from refold_async.jobs.client_interface import Scope
from refold_async.limits.slot_interfaces import SlotPool
from refold_async.models.response_meta import Reconciled
from refold_async.pipeline.item_context import ItemContext

__all__ = ["TakenItem", "count_of"]

Item = TypeVar("Item")


class TakenItem(ItemContext, Generic[Item]):
    """An item that a fan-out has taken."""

    __slots__ = (
        "attempts_before",
        "cancelled",
        "context",
        "item",
        "linked_account_id",
        "on_stop",
        "reconciled",
        "scope",
        "taken_at",
    )

    def __init__(
        self,
        item: Item,
        taken_at: float,
        *,
        outer: ItemContext | None,
        job: str | None,
        index: int,
        slots: SlotPool,
        max_refusal_wait: float,
    ) -> None:
        super().__init__(outer=outer, job=job, index=index, slots=slots, max_refusal_wait=max_refusal_wait)
        self.waits = 1
        self.item = item
        """The item as the source gave it."""
        self.taken_at = taken_at
        """When it was taken, by `time.perf_counter()`."""
        self.linked_account_id: str | None = None
        """Its linked account, or None if the item does not name one."""
        self.cancelled = False
        """Whether the fan-out itself cancelled it."""
        self.scope: Scope | None = None
        """The scope of its account, if it was found before the item began."""
        self.context: Context | None = None
        """The context to run the item in, if it may begin later than it was taken."""
        self.attempts_before = 0
        """How many attempts earlier runs made to write what this run looks for."""
        self.reconciled: Reconciled | None = None
        """What became clear about its write, if that may have run."""
        self.on_stop: Callable[[], object] | None = None
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
