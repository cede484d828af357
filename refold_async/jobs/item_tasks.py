"""One task for each item that has begun: it makes the call, and ends when the outcome is recorded."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from refold_async.errors import APIConnectionError, ClientClosedError, JournalError, RefoldError
from refold_async.faults import Effect
from refold_async.jobs.client_interface import ClientInterface
from refold_async.jobs.items import TakenItem
from refold_async.jobs.outcomes import Failed, Ok, Outcome, Unfinished, Unknown
from refold_async.jobs.recorder import NullRun, Run
from refold_async.jobs.slots import Slots
from refold_async.pipeline.item_context import current_item
from refold_async.runtime.log import logger

if TYPE_CHECKING:
    from refold_async.limits.lanes import Lane

__all__ = ["ItemTasks"]

Item = TypeVar("Item")
T = TypeVar("T")

_TRACEBACKS: Final = 100
"""How many failures keep the tracebacks of this library's errors. Each holds the frames of its call and all in them:
three times as much memory as the error itself, which names the call without them."""


class ItemTasks(Generic[Item, T]):
    """The items of a fan-out that have begun and not ended."""

    def __init__(
        self,
        call: Callable[[Any, Item], Awaitable[T]],
        client: ClientInterface[Item, Any],
        slots: Slots,
        *,
        deliver: Callable[[Outcome[Item, T]], object],
        stop: Callable[[RefoldError], object],
        on_change: Callable[[], object],
    ) -> None:
        """Begin with no item.

        Args:
            call: What to do for an item, given the scope of its account.
            client: What the fan-out needs from the client.
            slots: The slots of the fan-out.
            deliver: Called with each outcome, once it is recorded.
            stop: Called with the error that ends the fan-out.
            on_change: Called when an item has ended, or no longer has to be waited for.
        """
        self._call = call
        self._client = client
        self._slots = slots
        self._deliver = deliver
        self._stop = stop
        self._on_change = on_change
        self._loop: asyncio.AbstractEventLoop
        self._run: Run[Item, T] = NullRun()  # for a fan-out that is left without having been entered
        self._tasks: dict[asyncio.Task[None], TakenItem[Item]] = {}
        self._tracebacks = 0  # of failures, that are kept
        self._recording = 0  # outcomes that the journal has not committed yet
        self._is_read = True
        self.unfinished: list[Unfinished[Item]] = []
        """Items that were taken and have no outcome."""
        self.unrecorded: list[Outcome[Item, T]] = []
        """Outcomes that the journal could not take."""
        self.had_effect = False
        """Whether something was sent, in this run, that had an effect or may have had one."""

    def begin(self, loop: asyncio.AbstractEventLoop, run: Run[Item, T]) -> None:
        """Prepare for items, which `run` records."""
        self._loop = loop
        self._run = run

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def done(self) -> bool:
        """Whether all items that began have ended and are recorded."""
        return not self._tasks and not self._recording

    def count_held_up(self, *, refuses_all: bool) -> int:
        """Return how many items wait because requests were refused; `refuses_all` says that all accounts are."""
        return sum(taken.held_up or (refuses_all and taken.waits > 0) for taken in self._tasks.values())

    def start(self, taken: TakenItem[Item], lane: "Lane | None" = None) -> None:
        """Begin an item that has a slot; `lane` holds the items of its account that have not begun."""
        task = self._loop.create_task(
            self._run_item(taken), name=f"refold_async fan-out item {taken.index}", context=taken.context
        )
        self._tasks[task] = taken
        task.add_done_callback(self._item_ended)
        if lane is not None:
            lane.approaching = True
            taken.approaching = lane
            self._loop.call_soon(self._look_after, taken, lane)

    def leave_unfinished(self, taken: TakenItem[Item]) -> None:
        """Note an item that has no outcome as unfinished."""
        self.unfinished.append(
            Unfinished(
                item=taken.item,
                linked_account_id=taken.linked_account_id,
                index=taken.index,
                attempts=taken.all_attempts - taken.without_connection,
                effect="none" if taken.untouched and not self._run.may_have_run_before(taken) else "unknown",
            )
        )
        self._run.record_unfinished(taken)

    def stop(self) -> None:
        """Keep every item that has not sent its first request from sending it."""
        for task, taken in self._tasks.items():
            taken.stop_requested = True
            if (taken.waits or taken.leaving) and taken.untouched:
                self._cancel(task, taken)
            elif taken.on_stop is not None:
                taken.on_stop()

    def cancel(self) -> None:
        """Cancel all items."""
        for task, taken in self._tasks.items():
            self._cancel(task, taken)

    async def wait_until_ended(self) -> None:
        """Wait for all items to end."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def note_left(self) -> None:
        """Note that nobody reads the errors of the fan-out any more."""
        self._is_read = False

    async def aclose(self, news: asyncio.Event, taken: int, *, all_ended: bool) -> None:
        """Record everything that is left, and end the run.

        Args:
            news: Set whenever `on_change` is called.
            taken: How many items were taken from their source.
            all_ended: Whether those were all, and each has an outcome that was read.
        """
        await self._run.aclose(taken, all_ended=all_ended)
        while self._recording:
            news.clear()
            await news.wait()

    def _look_after(self, taken: TakenItem[Item], lane: "Lane") -> None:
        """Let other items of its account begin too, if this item does something else before it calls Refold."""
        if taken.approaching is None:
            return
        waits_for_permit = taken.waits > 0 and not self._run.is_looking_up(taken)
        if waits_for_permit or self._slots.crowded:
            lane.changed()
        else:
            taken.arrive()

    async def _run_item(self, taken: TakenItem[Item]) -> None:
        """Run the call for one item and keep its outcome. The failure of one item does not affect others."""
        current_item.set(taken)
        try:
            scope = taken.scope or self._client.scope_of(taken.item)
            taken.linked_account_id = scope.linked_account_id
            looked_up = self._run.look_up(taken)
            if looked_up is not None and (recorded := await looked_up) is not None:
                self._deliver(recorded)
                return
            taken.waits -= 1
            value = await self._call(scope, taken.item)
        except (KeyboardInterrupt, SystemExit, asyncio.CancelledError):
            raise
        except BaseException as error:  # noqa: BLE001 - anything else that an item's call raises is its outcome
            if isinstance(error, JournalError) and self._run.error is not None:
                self._stop(self._run.error)
                self.leave_unfinished(taken)
                return
            not_sent = isinstance(error, ClientClosedError | APIConnectionError) and taken.untouched
            if not_sent and self._client.is_closed():
                closed = ClientClosedError("The client was closed while the fan-out ran.")
                self._stop(error if isinstance(error, ClientClosedError) else closed)
                self.leave_unfinished(taken)
                return
            unclear = isinstance(error, RefoldError) and error.effect == "unknown"
            self._end_with_error(taken, error, unclear=unclear)
        else:
            self._end(
                taken,
                Ok(
                    item=taken.item,
                    linked_account_id=taken.linked_account_id,
                    index=taken.index,
                    value=value,
                    attempts=taken.all_attempts,
                    elapsed=time.perf_counter() - taken.taken_at,
                    reconciled=taken.reconciled,
                ),
            )

    def _end_with_error(self, taken: TakenItem[Item], error: BaseException, *, unclear: bool) -> None:
        """Make the outcome of an item that did not succeed; `unclear` says that it may have happened anyway."""
        outcome: Failed[Item] | Unknown[Item]
        if isinstance(error, RefoldError):
            self._tracebacks += 1
            if self._tracebacks > _TRACEBACKS:
                error.__traceback__ = None
        elapsed = time.perf_counter() - taken.taken_at
        if unclear or self._run.may_have_run_before(taken):  # what failed now may have run before
            outcome = Unknown(
                item=taken.item,
                linked_account_id=taken.linked_account_id,
                index=taken.index,
                error=error,
                attempts=taken.all_attempts,
                elapsed=elapsed,
            )
        else:
            outcome = Failed(
                item=taken.item,
                linked_account_id=taken.linked_account_id,
                index=taken.index,
                error=error,
                effect=_effect_of(taken, error),
                attempts=taken.all_attempts,
                elapsed=elapsed,
                reconciled=taken.reconciled,
            )
        self._end(taken, outcome)

    def _end(self, taken: TakenItem[Item], outcome: Outcome[Item, T]) -> None:
        """Deliver an outcome once it is recorded."""
        if self._run.record_outcome(taken, outcome, self._committed):
            self._recording += 1
        else:
            self._deliver(outcome)

    def _committed(self, outcome: Outcome[Item, T], error: JournalError | None) -> None:
        self._recording -= 1
        if error is None:
            self._deliver(outcome)
            return
        self.unrecorded.append(outcome)
        if not self._is_read:
            logger.error("The outcome of item %d was not recorded: %s", outcome.index, error)
        self._stop(error)
        self._on_change()

    def _item_ended(self, task: asyncio.Task[None]) -> None:
        taken = self._tasks.pop(task)
        self.had_effect = self.had_effect or not taken.untouched
        if taken.approaching is not None:
            taken.arrive()
        try:
            task.result()
        except asyncio.CancelledError as cancelled:
            if taken.cancelled or (taken.stop_requested and taken.untouched):
                self.leave_unfinished(taken)
            else:
                # The call cancelled itself, or other code cancelled its task; nobody stopped the fan-out.
                self._end_with_error(taken, cancelled, unclear=not taken.untouched)
        except BaseException:  # noqa: BLE001 - KeyboardInterrupt or SystemExit, which the loop itself raises
            self.leave_unfinished(taken)
        self._on_change()

    @staticmethod
    def _cancel(task: asyncio.Task[None], taken: TakenItem[Item]) -> None:
        if not taken.cancelled:  # only once: a second time would interrupt its cleaning up
            taken.cancelled = True
            task.cancel()


def _effect_of(taken: TakenItem[Any], error: BaseException) -> Effect:
    """Return the effect of everything that a failed item's call did; its error may be about the last part only."""
    if isinstance(error, RefoldError) and error.effect != "none":
        return error.effect
    return "unknown" if taken.may_have_changed else "none"
