"""One call across many linked accounts, a bounded number at a time."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from refold_async.config.validation import check_positive, check_whole_number
from refold_async.errors import ConfigurationError, RefoldError
from refold_async.jobs.client_interface import AnyScope, ClientInterface
from refold_async.jobs.feeding import STEPS_BEFORE_A_TURN, Feeder
from refold_async.jobs.item_tasks import ItemTasks
from refold_async.jobs.items import count_of
from refold_async.jobs.outcome_queue import OutcomeQueue
from refold_async.jobs.outcomes import Outcome, Unfinished, pack_error
from refold_async.jobs.progress import Counts
from refold_async.jobs.progress_reporter import ProgressReporter
from refold_async.jobs.recorder import Recorder
from refold_async.jobs.report import FanOutReport
from refold_async.jobs.slots import Slots
from refold_async.jobs.stopping import Stopper
from refold_async.models.model import Result
from refold_async.models.response_meta import pack
from refold_async.pipeline.item_context import current_item
from refold_async.runtime.cancellation import shielded_from_anyio
from refold_async.runtime.foreign_errors import safe_repr
from refold_async.runtime.log import logger

if TYPE_CHECKING:
    from refold_async.jobs.packed_errors import ErrorPacker

__all__ = ["FanOut"]

Item = TypeVar("Item")
T = TypeVar("T")


class FanOut(Generic[Item, T]):
    """One call for many items, running. Made by `AsyncRefold.fan_out()` and `fan_out_action()`; use it once.

    Either iterate over it inside `async with`, to get each outcome as soon as there is one, or await `collect()`.

    Leaving the block, also by an exception or a cancellation, stops the fan-out: it takes no more items, gives those in
    flight `grace` seconds to end and then cancels them. Items that have not sent anything yet do not begin. An async
    generator given as `items` is closed.

    Attributes:
        unfinished: After leaving: items that were taken but have no outcome. They did not end within `grace`, or did
            not begin, for example because they waited for their linked accounts.
        unread: After leaving: outcomes that nobody had read.
    """

    def __init__(
        self,
        items: Iterable[Item] | AsyncIterable[Item],
        call: Callable[[AnyScope, Item], Awaitable[T]],
        client: ClientInterface[Item, AnyScope],
        recorder: Recorder[Item, T],
        options: Mapping[str, Any],
    ) -> None:
        if not isinstance(items, Iterable | AsyncIterable) or isinstance(items, str | bytes):
            raise ConfigurationError(f"items must be an iterable or async iterable, not {type(items).__name__}.")
        if not callable(call):
            raise ConfigurationError("call must be a function of a scope and an item.")
        self._client: ClientInterface[Item, Any] = client
        self._items = items
        self._recorder = recorder
        self._stopper: Stopper[Item] = Stopper(
            grace=options["grace"], job_timeout=options["job_timeout"], stop_after=options["stop_after"]
        )
        # An item takes a slot and gives it back when its outcome is read: so a slow reader slows the work.
        self._slots = Slots(check_whole_number("concurrency", options["concurrency"], at_least=1))
        self._queue: OutcomeQueue[Item, T] = OutcomeQueue(self._stopper.note_failure)
        self._item_tasks: ItemTasks[Item, T] = ItemTasks(
            call,
            client,
            self._slots,
            deliver=self._queue.put,
            stop=self._stopper.stop,
            on_change=self._queue.news.set,
        )
        max_refusal_wait = check_positive("max_refusal_wait", options["max_refusal_wait"])
        journal = options["journal"]
        self._feeder = Feeder(
            items,
            client,
            self._slots,
            self._item_tasks,
            self._queue.news.set,
            max_refusal_wait,
            None if journal is None else journal.job,
        )
        self._reporter: ProgressReporter | None = None
        progress = options["progress"]
        if progress is not None and progress is not False:
            self._reporter = ProgressReporter(progress, count_of(items), self._count, on_exit=self._end_program)
        self._owner: asyncio.Task[Any] | None = None
        self._reads = 0
        self._read_to_end = False
        self._entered = self._left = self._closed = self._cancelled_owner = False
        self._report: dict[int, Outcome[Item, T]] | None = None
        self.unfinished: list[Unfinished[Item]] = self._item_tasks.unfinished
        self.unread: list[Outcome[Item, T]] = self._item_tasks.unrecorded

    def __repr__(self) -> str:
        if not hasattr(self, "unread"):  # error reporters call this when the constructor raises
            return "<FanOut that could not be created>"
        if not self._entered:
            return "<FanOut, not begun: iterate over it inside `async with`, or await its collect()>"
        told = ", ".join(f"{count:,} {status}" for status, count in self._queue.ended_as.items())
        if self._closed:
            return f"<FanOut, ended: {told}>"
        return f"<FanOut, running: {told}, {len(self._item_tasks) + self._slots.parked:,} in flight>"

    async def __aenter__(self) -> Self:
        if self._entered:
            raise ConfigurationError("A fan-out can be used only once: make a new one.")
        self._entered = True
        loop = asyncio.get_running_loop()
        self._owner = asyncio.current_task()
        outer = current_item.get()
        self._item_tasks.begin(loop, await self._recorder.open(self._items))
        if self._reporter is not None:
            self._reporter.start()
        self._feeder.start(loop, outer)
        self._stopper.start(loop, self._feeder, self._item_tasks)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._left = True
        self._item_tasks.note_left()
        with shielded_from_anyio():
            await self._leave()

    async def _leave(self) -> None:
        """End everything, however often this is cancelled: nothing may keep running."""
        ended_by: BaseException | None = None
        try:
            self.stop()
            await self._stopper.wait_until_ended()
        finally:
            self._stopper.forget_timers()
            while self._item_tasks or self._slots.parked or not self._feeder.done or not self._closed:
                try:
                    self._stopper.cancel()
                    await self._stopper.wait_until_ended()
                    await self._close()
                except asyncio.CancelledError as again:
                    ended_by = ended_by or again
                except (KeyboardInterrupt, SystemExit) as error:
                    ended_by = error
            self.unread.extend(self._queue.unread)
            self._queue.unread.clear()
            if self._feeder.error is not None:
                logger.warning(
                    "items raised %s after the fan-out was left. No outcome shows it.", safe_repr(self._feeder.error)
                )
            if self._cancelled_owner and self._owner is not None:
                self._owner.uncancel()
            self._owner = None
            self._stopper.detach()
            if ended_by is not None:
                raise ended_by

    async def _close(self) -> None:
        """Record everything that is left, release the journal, and report the progress for the last time."""
        await self._item_tasks.aclose(
            self._queue.news, self._feeder.taken, all_ended=self._read_to_end and not self.unfinished
        )
        if self._reporter is not None:
            reporter, self._reporter = self._reporter, None
            await reporter.finish(max(self._stopper.grace, 1.0))
        self._closed = True

    def _end_program(self) -> None:
        """Make the task that entered the fan-out leave it, because `progress=` ends the program."""
        self.stop()
        if not self._left and self._owner is not None:
            self._cancelled_owner = True
            self._owner.cancel()

    def stop(self, *, at_once: bool = False) -> None:
        """Take no more items, give those in flight `grace` seconds to end, then end the iteration.

        Items that have not sent anything yet do not begin. Call this when the program must end, for example in a signal
        handler of the event loop. You may call it more than once.

        Args:
            at_once: Cancel the items in flight immediately, even if an earlier call of `stop()` gave them time.
                By default False.
        """
        self._stopper.stop()
        if at_once:
            self._stopper.cancel()

    def __aiter__(self) -> AsyncIterator[Outcome[Item, T]]:
        if not self._entered:
            raise ConfigurationError("Iterate over a fan-out inside `async with`, so that it stops when you leave.")
        return self

    async def __anext__(self) -> Outcome[Item, T]:
        """Return the next outcome. Outcomes come in the order in which items end.

        Raises:
            Exception: What `items` raised; raised after the outcomes of all items it gave before.
            FanOutStoppedError: `stop_after=` or `job_timeout=` stopped the fan-out; raised after the outcomes of the
                items taken before.
            ClientClosedError: The client was closed while the fan-out ran. Items that had not begun are in
                `unfinished`.
            JournalError: The journal could not be written. Outcomes that it does not have are in `unread`.
        """
        if self._left:
            raise ConfigurationError("The `async with` of this fan-out has ended: read its outcomes inside the block.")
        self._reads += 1
        if self._reads % STEPS_BEFORE_A_TURN == 0:
            await asyncio.sleep(0)
        queue = self._queue
        while not queue.unread:
            if self._feeder.done and self._item_tasks.done and not self._slots.parked:
                self._raise_error()
                self._read_to_end = not self._stopper.stopped
                raise StopAsyncIteration
            queue.news.clear()
            await queue.news.wait()
        outcome = queue.unread.popleft()
        self._slots.free()
        return outcome

    def _raise_error(self) -> None:
        """Raise, once, what ended the fan-out."""
        stopped_by = self._stopper.error
        error = stopped_by or self._feeder.error
        self._stopper.error = self._feeder.error = None
        if isinstance(error, RefoldError):
            if self._item_tasks.had_effect:
                error.effect = "unknown"  # or a program that retries what had no effect would repeat the whole job
            elif error is stopped_by:
                error.effect = "none"
        if error is not None:
            raise error

    async def collect(self) -> FanOutReport[Item, T]:
        """Run the whole fan-out and return every outcome, in the order of the input.

        If it raises an error, the outcomes until then are in `report`. The `effect` of a `RefoldError` is `"unknown"`
        if any item may have had an effect: do not repeat the whole job then.

        Returns:
            The report, with one outcome for each item.

        Raises:
            Exception: What `items` raised.
            FanOutStoppedError: `stop_after=` or `job_timeout=` stopped it.
            ClientClosedError: The client was closed while the fan-out ran.
            JournalError: The journal cannot be used or written.
            ConfigurationError: The fan-out was used before.
        """
        async with self:
            self._report = {}
            packer = None
            async for outcome in self:
                self._report[outcome.index] = outcome
                if outcome.status != "ok":
                    if packer is None:
                        packer = _error_packer()
                    pack_error(outcome, packer)
                elif isinstance(outcome.value, Result):
                    pack(outcome.value.meta)
        return self.report

    @property
    def report(self) -> FanOutReport[Item, T]:
        """The outcomes that `collect()` has gathered so far, in the order of the input."""
        outcomes = self._report or {}
        return FanOutReport(tuple(outcomes[index] for index in sorted(outcomes)))

    def _count(self) -> Counts:
        parked = self._slots.parked
        refuses_all = self._client.refuses_all()
        held_up = self._item_tasks.count_held_up(refuses_all=refuses_all)
        held_up += parked if refuses_all else self._slots.held_up
        return Counts(
            **self._queue.ended_as,
            in_flight=len(self._item_tasks) + parked,
            recorded=self._queue.recorded,
            held_up=held_up,
        )


def _error_packer() -> "ErrorPacker":
    from refold_async.jobs.packed_errors import ErrorPacker  # loaded at the first failure

    return ErrorPacker()
