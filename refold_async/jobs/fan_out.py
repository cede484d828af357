"""One call across many linked accounts, a bounded number at a time."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sized
from contextvars import Context, copy_context
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

import attrs

from refold_async.config.validation import check_positive, check_whole_number
from refold_async.errors import (
    APIConnectionError,
    ClientClosedError,
    ConfigurationError,
    FanOutStoppedError,
    JournalError,
    RefoldError,
)
from refold_async.jobs.outcomes import FanOutReport, Outcome, Status, Unfinished
from refold_async.jobs.progress import Counts
from refold_async.jobs.progress_reporter import ProgressReporter
from refold_async.jobs.recording import Recorder, Run
from refold_async.jobs.slots import Slots
from refold_async.pipeline.item_context import ItemContext, current_item
from refold_async.runtime.cancellation import shielded_from_anyio
from refold_async.runtime.foreign_errors import said, shown
from refold_async.runtime.log import logger

if TYPE_CHECKING:
    from refold_async.limits.lanes import Lane

__all__ = ["ClientHooks", "FanOut", "Scope"]

Item = TypeVar("Item")
T = TypeVar("T")
AnyScope = TypeVar("AnyScope", bound="Scope")

_STEPS_BEFORE_A_TURN = 100
"""How many items are taken, or outcomes read, before others have a turn in any case."""
_FOR_EVER = 1e8
"""Seconds that no job lasts, and no event loop has to set a timer for."""
_ENOUGH_FOR_A_SHARE = 20
"""How many items must have ended for their share of failures to mean something."""


class Scope(Protocol):
    """What calls for one linked account are made on."""

    @property
    def linked_account_id(self) -> str | None:
        """The linked account; None where a session token stands for it."""
        ...


@attrs.frozen(kw_only=True, eq=False)
class ClientHooks(Generic[Item, AnyScope]):
    """What a fan-out asks of the client that it belongs to."""

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


@attrs.define(eq=False, repr=False)
class _Started(ItemContext, Generic[Item]):
    """An item that was taken, until it ends."""

    item: Item = attrs.field(kw_only=True)
    index: int = attrs.field(kw_only=True)
    began: float = attrs.field(kw_only=True)
    linked_account_id: str | None = None
    stopped: bool = False
    """Whether the fan-out itself cancelled it."""
    scope: Scope | None = None
    """The scope of its account, if that was looked at before it began."""
    context: Context | None = None
    """The context it is to begin in, if it may begin later than it was taken."""

    @property
    def place(self) -> dict[str, Any]:
        """What outcomes and unfinished items tell alike."""
        return {"item": self.item, "linked_account_id": self.linked_account_id, "index": self.index}


class FanOut(Generic[Item, T]):
    """A fan-out under way. Made by `AsyncRefold.fan_out()` and `fan_out_action()`; works once.

    Either iterate it inside `async with`, and get outcomes in the order they come; or await `collect()`.

    Leaving the block, by whatever way, a cancellation included, stops taking items, gives those in flight `grace`
    seconds to end and cancels the rest; items that have not sent anything yet are not begun. An async generator given
    as `items` is closed then.

    Attributes:
        unfinished: After leaving: items that were taken and did not end within `grace`, or did not begin, such as those
            that waited for their accounts.
        unread: After leaving: outcomes that nobody had read.
    """

    def __init__(
        self,
        items: Iterable[Item] | AsyncIterable[Item],
        call: Callable[[AnyScope, Item], Awaitable[T]],
        client: ClientHooks[Item, AnyScope],
        recorder: Recorder[Item, T],
        options: Mapping[str, Any],
    ) -> None:
        if not isinstance(items, Iterable | AsyncIterable) or isinstance(items, str | bytes):
            raise ConfigurationError(f"items must be an iterable or async iterable, not {type(items).__name__}.")
        if not callable(call):
            raise ConfigurationError("call must be a function of a scope and an item.")
        self._items = items
        self._call: Callable[[Any, Item], Awaitable[T]] = call
        self._client: ClientHooks[Item, Any] = client
        self._grace = _check_seconds("grace", options["grace"])
        self._stop_after = _check_stop_after(options["stop_after"])
        self._job_timeout = _check_job_timeout(options["job_timeout"])
        self._max_refusal_wait = check_positive("max_refusal_wait", options["max_refusal_wait"])
        self._recorder = recorder
        self._run: Run[Item, T]
        self._reporter: ProgressReporter | None = None
        progress = options["progress"]
        if progress is not None and progress is not False:
            total = len(items) if isinstance(items, Sized) else None
            self._reporter = ProgressReporter(progress, total, self._count, on_exit=self._end_program)
        # A place is taken with an item and given back when its outcome is read: so a slow reader slows the work.
        self._places = Slots(check_whole_number("concurrency", options["concurrency"], at_least=1))
        self._loop: asyncio.AbstractEventLoop
        self._owner: asyncio.Task[Any] | None = None
        self._outer: ItemContext | None = None
        self._tasks: dict[asyncio.Task[None], _Started[Item]] = {}
        self._recording = 0  # outcomes that the journal has not committed yet
        self._ended: deque[Outcome[Item, T]] = deque()
        self._ended_as: dict[Status, int] = {"ok": 0, "failed": 0, "unknown": 0}
        self._recorded = 0  # of those, by an earlier run
        self._failures = 0  # of those, in this run
        self._taken = 0
        self._reads = 0
        self._news = asyncio.Event()
        self._feeder: asyncio.Task[None] | None = None
        self._source_error: BaseException | None = None
        self._stop_error: RefoldError | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._entered = self._stopping = self._left = self._closed = self._cancelled_owner = False
        self._report: dict[int, Outcome[Item, T]] | None = None
        self.unfinished: list[Unfinished[Item]] = []
        self.unread: list[Outcome[Item, T]] = []

    async def __aenter__(self) -> Self:
        if self._entered:
            raise ConfigurationError("A fan-out works once: make a new one.")
        self._entered = True
        self._loop = asyncio.get_running_loop()
        self._owner = asyncio.current_task()
        self._outer = current_item.get()
        self._run = await self._recorder.open()
        if self._reporter is not None:
            self._reporter.start()
        self._feeder = asyncio.create_task(self._feed(), name="refold_async fan-out")
        self._feeder.add_done_callback(self._source_ended)
        if self._stopping:
            self._feeder.cancel()
        elif self._job_timeout is not None and self._job_timeout < _FOR_EVER:
            over = FanOutStoppedError(f"The {self._job_timeout:g} seconds that job_timeout= allows were over.")
            self._timers.append(self._loop.call_later(self._job_timeout, self._stop_for, over))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._left = True
        with shielded_from_anyio():
            await self._leave()

    async def _leave(self) -> None:
        """End everything, however often this is cancelled: nothing may run on all the same."""
        ended_by: BaseException | None = None
        try:
            self.stop()
            await self._wait_for_the_rest()
        finally:
            for timer in self._timers:
                timer.cancel()
            while self._tasks or self._places.parked or not self._source_done or not self._closed:
                try:
                    self._cancel_the_rest()
                    await self._wait_for_the_rest()
                    await self._close()
                except asyncio.CancelledError as again:
                    ended_by = ended_by or again
                except (KeyboardInterrupt, SystemExit) as error:
                    ended_by = error
            self.unread.extend(self._ended)
            self._ended.clear()
            if self._source_error is not None:
                logger.warning("items raised %s, which nobody read", shown(self._source_error))
            if self._cancelled_owner and self._owner is not None:
                self._owner.uncancel()
            self._owner = None
            if ended_by is not None:
                raise ended_by

    def _end_program(self) -> None:
        """Have whoever entered leave, for `progress=` ends the program."""
        self.stop()
        if not self._left and self._owner is not None:
            self._cancelled_owner = True
            self._owner.cancel()

    def stop(self) -> None:
        """Take no more items, give those in flight `grace` seconds to end, and let the iteration end then.

        Items that have not sent anything yet are not begun. To be called where the program is to end, such as in a
        signal handler of the event loop; may be called more than once.
        """
        self._stop_for(None)

    def __aiter__(self) -> AsyncIterator[Outcome[Item, T]]:
        if not self._entered:
            raise ConfigurationError("Iterate a fan-out inside `async with`, so that it stops when you leave.")
        return self

    async def __anext__(self) -> Outcome[Item, T]:
        """Return the next outcome, in the order they come.

        Raises:
            Exception: What `items` raised, after the outcomes of all items it gave before.
            FanOutStoppedError: `stop_after=` or `job_timeout=` ended it, after the outcomes of the items taken before.
            ClientClosedError: The client was closed meanwhile; items that had not begun are in `unfinished`.
            JournalError: The journal could not be written; outcomes that it does not have are in `unread`.
        """
        if self._left:
            raise ConfigurationError("The fan-out was left; outcomes can be read inside its `async with` only.")
        self._reads += 1
        if self._reads % _STEPS_BEFORE_A_TURN == 0:
            await asyncio.sleep(0)
        while not self._ended:
            if self._source_done and not self._tasks and not self._recording and not self._places.parked:
                error, self._source_error, self._stop_error = self._stop_error or self._source_error, None, None
                if error is not None:
                    raise error
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        outcome = self._ended.popleft()
        self._places.free()
        return outcome

    @property
    def _source_done(self) -> bool:
        return self._feeder is None or self._feeder.done()

    async def collect(self) -> FanOutReport[Item, T]:
        """Run it all and return every outcome, in the order of the input.

        Raises:
            Exception: What `items` raised. The outcomes of the items it gave before are in `report`.
            FanOutStoppedError: `stop_after=` or `job_timeout=` ended it; the outcomes until then are in `report`.
            JournalError: The journal cannot be used or written.
        """
        async with self:
            self._report = {}
            async for outcome in self:
                self._report[outcome.index] = outcome
        return self.report

    @property
    def report(self) -> FanOutReport[Item, T]:
        """What `collect()` has gathered so far, in the order of the input."""
        outcomes = self._report or {}
        return FanOutReport(tuple(outcomes[index] for index in sorted(outcomes)))

    async def _feed(self) -> None:
        """Take items as they can be worked on, and start a task for each whose account has room."""
        # The place comes before the item: an item that could not be worked on yet stays with its source.
        await self._places.wait()
        if isinstance(self._items, AsyncIterable):
            async for item in self._items:
                if not await self._begin(item):
                    return
        else:
            for item in self._items:
                if not await self._begin(item):
                    return

    async def _begin(self, item: Item) -> bool:
        """Start or park an item, and wait for a place for the next; return False where it came after the stop."""
        index, self._taken = self._taken, self._taken + 1
        if self._stopping:  # the source did not let itself be cancelled, or stopped its own fan-out
            self.unfinished.append(Unfinished(item=item, linked_account_id=None, index=index, attempts=0))
            return False
        started = _Started(
            outer=self._outer,
            slots=self._places,
            waits=1,
            max_refusal_wait=self._max_refusal_wait,
            item=item,
            index=index,
            began=time.perf_counter(),
        )
        try:
            if not self._places.available:  # parked items took all places while the source was waited for
                await self._places.wait()
        except asyncio.CancelledError:
            self._leave_unfinished(started)
            raise
        lane = self._lane_of(started) if self._client.limits_accounts() else None
        if lane is not None and not lane.is_open(now := self._loop.time()):
            lane.park(started, self._start_parked, now)
        else:
            self._places.take_in_any_case()
            self._start(started, lane)
        if self._taken % _STEPS_BEFORE_A_TURN == 0:
            await asyncio.sleep(0)
        if not self._places.available:
            await self._places.wait()
        return True

    def _lane_of(self, started: _Started[Item]) -> "Lane | None":
        """Return where items of the same account wait, or None if nothing limits that or the account is not told."""
        started.context = copy_context()
        try:
            scope = started.scope = started.context.run(self._client.scope_of, started.item)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # noqa: BLE001 - it is raised again in the item's own task, and is its outcome
            return None
        started.linked_account_id = scope.linked_account_id
        return self._client.lane_of(scope, self._places)

    def _start(self, started: _Started[Item], lane: "Lane | None" = None) -> None:
        task = self._loop.create_task(
            self._work(started), name=f"refold_async fan-out item {started.index}", context=started.context
        )
        self._tasks[task] = started
        task.add_done_callback(self._item_ended)
        if lane is not None:
            lane.approaching = True
            started.approaching = lane
            self._loop.call_soon(self._look_after, started, lane)

    def _start_parked(self, started: Any, lane: "Lane") -> None:
        if self._loop.is_closed():  # as where a program goes on after an event loop that was closed half way
            return
        if self._stopping:
            self._places.free()
            self._leave_unfinished(started)
            self._news.set()
        else:
            self._start(started, lane)

    def _look_after(self, started: _Started[Item], lane: "Lane") -> None:
        """Have others of its account begin, too, where an item does something else before it calls."""
        if started.approaching is None:
            return
        at_the_door = started.waits > 0 and not self._run.is_looking_up(started)
        if at_the_door or self._places.crowded:
            lane.changed()
        else:
            started.arrive()

    async def _work(self, started: _Started[Item]) -> None:
        """Run the call for one item and keep its outcome. One item's failure stays its own."""
        current_item.set(started)
        try:
            scope = started.scope or self._client.scope_of(started.item)
            started.linked_account_id = scope.linked_account_id
            looked_up = self._run.look_up(started)
            if looked_up is not None and (recorded := await looked_up) is not None:
                self._deliver(recorded)
                return
            started.waits -= 1
            value = await self._call(scope, started.item)
        except (KeyboardInterrupt, SystemExit, asyncio.CancelledError):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever else an item's call raises is that item's outcome
            if isinstance(error, JournalError) and self._run.error is not None:
                self._stop_for(self._run.error)
                self._leave_unfinished(started)
                return
            left_unsent = isinstance(error, ClientClosedError | APIConnectionError) and started.untouched
            if left_unsent and self._client.is_closed():
                closed = ClientClosedError("The client was closed while the fan-out ran.")
                self._stop_for(error if isinstance(error, ClientClosedError) else closed)
                self._leave_unfinished(started)
                return
            unclear = isinstance(error, RefoldError) and error.effect == "unknown"
            self._end(started, "unknown" if unclear else "failed", error=error)
        else:
            self._end(started, "ok", value=value)

    def _end(
        self, started: _Started[Item], status: Status, *, value: T | None = None, error: BaseException | None = None
    ) -> None:
        """Make the outcome of an item, and deliver it once it is recorded."""
        if status == "failed" and self._run.may_have_run_before(started):
            status = "unknown"  # what failed now may have run before
        outcome: Outcome[Item, T] = Outcome(
            item=started.item,
            linked_account_id=started.linked_account_id,
            index=started.index,
            status=status,
            value=value,
            error=error,
            attempts=started.attempts,
            elapsed=time.perf_counter() - started.began,
        )
        if self._run.record_outcome(started, outcome, self._committed):
            self._recording += 1
        else:
            self._deliver(outcome)

    def _committed(self, outcome: Outcome[Item, T], error: JournalError | None) -> None:
        self._recording -= 1
        if error is None:
            self._deliver(outcome)
            return
        self.unread.append(outcome)
        if self._left:
            logger.error("The outcome of item %d was not recorded: %s", outcome.index, error)
        self._stop_for(error)
        self._news.set()

    def _deliver(self, outcome: Outcome[Item, T]) -> None:
        self._ended_as[outcome.status] += 1
        self._recorded += outcome.recorded
        self._ended.append(outcome)
        self._news.set()
        if outcome.status != "ok" and not outcome.recorded:
            self._failures += 1
            if self._stop_after is not None:
                self._stop_after_failures(self._stop_after, outcome.error)

    def _stop_after_failures(self, most: float, last: BaseException | None) -> None:
        ended = sum(self._ended_as.values()) - self._recorded
        share = self._failures / ended if ended >= _ENOUGH_FOR_A_SHARE else 0.0
        if (self._failures if isinstance(most, int) else share) >= most:
            error = FanOutStoppedError(
                f"{self._failures} of {ended} items did not succeed, which is where stop_after={most} ends it. "
                f"The last error: {'' if last is None else said(last)}"
            )
            error.__cause__ = last
            self._stop_for(error)

    def _source_ended(self, feeder: asyncio.Task[None]) -> None:
        if not feeder.cancelled():
            self._source_error = feeder.exception()
        elif not self._stopping:
            self._source_error = RuntimeError("items was cancelled from within; what it would still have given is lost")
        self._news.set()

    def _item_ended(self, task: asyncio.Task[None]) -> None:
        started = self._tasks.pop(task)
        if started.approaching is not None:
            started.arrive()
        try:
            task.result()
        except asyncio.CancelledError as cancelled:
            if started.stopped or (started.stop_requested and started.untouched):
                self._leave_unfinished(started)
            else:
                # The call cancelled itself, or somebody cancelled its task; nobody stopped the fan-out.
                self._end(started, "failed" if started.untouched else "unknown", error=cancelled)
        except BaseException:  # noqa: BLE001 - KeyboardInterrupt or SystemExit, which the loop raises by itself
            self._leave_unfinished(started)
        self._news.set()

    def _leave_unfinished(self, started: _Started[Item]) -> None:
        self.unfinished.append(Unfinished(**started.place, attempts=started.attempts))
        self._run.record_unfinished(started)

    def _stop_for(self, error: RefoldError | None) -> None:
        """Take no more items, begin none, and cancel after `grace` seconds what is still in flight."""
        self._stop_error = self._stop_error or error
        if self._stopping:
            return
        self._stopping = True
        if self._feeder is None:
            return
        self._feeder.cancel()
        self._leave_parked()
        for task, started in self._tasks.items():
            started.stop_requested = True
            if (started.waits or started.leaving) and started.untouched:
                self._cancel(task, started)
        if self._grace < _FOR_EVER:
            self._timers.append(self._loop.call_later(self._grace, self._cancel_the_rest))

    def _leave_parked(self) -> None:
        """Account for the items that will not begin, so many at a time that others have a turn."""
        for _ in range(min(self._places.parked, 10 * _STEPS_BEFORE_A_TURN)):
            self._leave_unfinished(self._places.unpark())
        if self._places.parked:
            self._loop.call_soon(self._leave_parked)
        else:
            self._news.set()  # there may be nothing left to wait for

    def _cancel_the_rest(self) -> None:
        if self._feeder is not None and not self._feeder.done():
            self._feeder.cancel()  # again: a source may swallow a cancellation
        for task, started in self._tasks.items():
            self._cancel(task, started)

    @staticmethod
    def _cancel(task: asyncio.Task[None], started: _Started[Item]) -> None:
        if not started.stopped:  # once is enough: a second time would interrupt its cleaning up
            started.stopped = True
            task.cancel()

    async def _wait_for_the_rest(self) -> None:
        if self._feeder is not None and not self._feeder.done():
            await asyncio.wait([self._feeder])
        items: Any = self._items
        if isinstance(items, AsyncGenerator):
            await items.aclose()
        while self._places.parked:  # noqa: ASYNC110 - a few turns of the loop, see `_leave_parked`
            await asyncio.sleep(0)
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _close(self) -> None:
        """Give the journal back, with all that there is to record, and tell the progress a last time."""
        await self._run.aclose()
        while self._recording:
            self._news.clear()
            await self._news.wait()
        if self._reporter is not None:
            reporter, self._reporter = self._reporter, None
            await reporter.finish(max(self._grace, 1.0))
        self._closed = True

    def _count(self) -> Counts:
        started = self._tasks.values()
        parked = self._places.parked
        all_are = self._client.refuses_all()
        held_up = sum(item.held_up or (all_are and item.waits > 0) for item in started)
        held_up += parked if all_are else self._places.held_up
        return Counts(**self._ended_as, in_flight=len(started) + parked, recorded=self._recorded, held_up=held_up)


def _check_seconds(name: str, value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not value >= 0:
        raise ConfigurationError(f"{name} must be a number of seconds, 0 or more, got {value!r}.")
    return value


def _check_job_timeout(value: Any) -> float | None:
    return None if value is None else _check_seconds("job_timeout", value)


def _check_stop_after(value: Any) -> float | None:
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if value is None or whole or (isinstance(value, float) and 0 < value <= 1):
        return value  # type: ignore[no-any-return]
    raise ConfigurationError(
        f"stop_after must be a number of failures, such as 10, or a share of them, such as 0.5; got {value!r}."
    )
