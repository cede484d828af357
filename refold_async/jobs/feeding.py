"""Taking items from their source when there is room, and parking those whose linked accounts must wait."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from refold_async.jobs.client_interface import ClientInterface
from refold_async.jobs.item_tasks import ItemTasks
from refold_async.jobs.items import TakenItem
from refold_async.jobs.slots import Slots
from refold_async.pipeline.item_context import ItemContext

if TYPE_CHECKING:
    from refold_async.limits.lanes import Lane

__all__ = ["STEPS_BEFORE_A_TURN", "Feeder"]

Item = TypeVar("Item")

STEPS_BEFORE_A_TURN: Final = 100
"""After how many items taken, or outcomes read, other tasks of the event loop get a turn."""


class Feeder(Generic[Item]):
    """Takes the items of a fan-out."""

    def __init__(
        self,
        items: Iterable[Item] | AsyncIterable[Item],
        client: ClientInterface[Item, Any],
        slots: Slots,
        item_tasks: ItemTasks[Item, Any],
        on_change: Callable[[], object],
        max_refusal_wait: float,
        job: str | None = None,
    ) -> None:
        """Take nothing yet.

        Args:
            items: The source.
            client: What the fan-out needs from the client.
            slots: The slots of the fan-out. An item is taken only when one is free.
            item_tasks: Where items begin.
            on_change: Called when the source has ended, or when the last parked item is gone.
            max_refusal_wait: Seconds that an item may wait because of refusals.
            job: The name of the job that the items belong to, if it has one.
        """
        self._items = items
        self._client = client
        self._slots = slots
        self._item_tasks = item_tasks
        self._on_change = on_change
        self._max_refusal_wait = max_refusal_wait
        self._job = job
        self._loop: asyncio.AbstractEventLoop
        self._task: asyncio.Task[None] | None = None
        self._outer: ItemContext | None = None
        self.taken = 0
        """How many items were taken from the source."""
        self._stopped = False
        self.error: BaseException | None = None
        """What the source raised."""

    @property
    def done(self) -> bool:
        """Whether no more items will be taken."""
        return self._task is None or self._task.done()

    def start(self, loop: asyncio.AbstractEventLoop, outer: ItemContext | None) -> None:
        """Begin to take items; `outer` is the item that this fan-out runs inside, if there is one."""
        self._loop = loop
        self._outer = outer
        self._task = loop.create_task(self._feed(), name="refold_async fan-out")
        self._task.add_done_callback(self._source_ended)

    def stop(self) -> None:
        """Take no more items, and begin none of those that are parked."""
        self._stopped = True
        self.cancel()
        self._leave_parked()

    def cancel(self) -> None:
        """Cancel the taking of items; again if the source swallowed a cancellation."""
        if self._task is not None and not self._task.done():
            self._task.cancel()

    async def wait_until_ended(self) -> None:
        """Wait until the source has ended and every parked item is accounted for."""
        if self._task is not None and not self._task.done():
            await asyncio.wait([self._task])
        items: Any = self._items
        if isinstance(items, AsyncGenerator):
            await items.aclose()
        while self._slots.parked:  # noqa: ASYNC110 - a few turns of the loop, see `_leave_parked`
            await asyncio.sleep(0)

    async def _feed(self) -> None:
        # The slot comes before the item: an item that cannot be worked on yet stays with its source.
        await self._slots.wait()
        if isinstance(self._items, AsyncIterable):
            async for item in self._items:
                if not await self._take(item):
                    return
        else:
            for item in self._items:
                if not await self._take(item):
                    return

    async def _take(self, item: Item) -> bool:
        """Start or park an item, and wait for a slot for the next; return False if it came after the stop."""
        taken = TakenItem(
            item,
            time.perf_counter(),
            outer=self._outer,
            job=self._job,
            index=self.taken,
            slots=self._slots,
            max_refusal_wait=self._max_refusal_wait,
        )
        self.taken += 1
        if self._stopped:  # the source ignored its cancellation, or stopped its own fan-out
            self._item_tasks.leave_unfinished(taken)
            return False
        try:
            if not self._slots.available:  # parked items took all slots while we waited for the source
                await self._slots.wait()
        except asyncio.CancelledError:
            self._item_tasks.leave_unfinished(taken)
            raise
        lane = self._lane_of(taken) if self._client.limits_accounts() else None
        if lane is not None and not lane.is_open(now := self._loop.time()):
            lane.park(taken, self._start_parked, now)
        else:
            self._slots.take_in_any_case()
            self._item_tasks.start(taken, lane)
        if self.taken % STEPS_BEFORE_A_TURN == 0:
            await asyncio.sleep(0)
        if not self._slots.available:
            await self._slots.wait()
        return True

    def _lane_of(self, taken: TakenItem[Item]) -> "Lane | None":
        """Return where items of the same account wait, or None if it has no limit or cannot be found."""
        taken.context = copy_context()
        try:
            scope = taken.scope = taken.context.run(self._client.scope_of, taken.item)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # noqa: BLE001 - the item's own task raises it again, and it becomes the item's outcome
            return None
        taken.linked_account_id = scope.linked_account_id
        return self._client.lane_of(scope, self._slots)

    def _start_parked(self, taken: Any, lane: "Lane") -> None:
        if self._loop.is_closed():  # for example if a program closes the loop half way and continues
            return
        if self._stopped:
            self._slots.free()
            self._item_tasks.leave_unfinished(taken)
            self._on_change()
        else:
            self._item_tasks.start(taken, lane)

    def _leave_parked(self) -> None:
        """Account for the items that will not begin, in portions, so that other tasks get a turn."""
        for _ in range(min(self._slots.parked, 10 * STEPS_BEFORE_A_TURN)):
            self._item_tasks.leave_unfinished(self._slots.unpark())
        if self._slots.parked:
            self._loop.call_soon(self._leave_parked)
        else:
            self._on_change()  # there may be nothing left to wait for

    def _source_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self.error = task.exception()
        elif not self._stopped:
            self.error = RuntimeError("items cancelled itself: the items that it had not given yet are lost")
        self._on_change()
