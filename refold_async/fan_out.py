"""One call across many linked accounts, a bounded number at a time."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar

import attrs

from refold_async.account import AccountScope
from refold_async.errors import ConfigurationError, RefoldError
from refold_async.retry import AttemptCount, attempt_count
from refold_async.validation import check_whole_number

__all__ = ["FanOut", "FanOutReport", "Outcome", "Unfinished"]

Item = TypeVar("Item")
T = TypeVar("T")
Status = Literal["ok", "failed", "unknown"]

_MOST_ERRORS_RAISED = 100

logger = logging.getLogger("refold_async")


@attrs.frozen(kw_only=True)
class Outcome(Generic[Item, T]):
    """What became of one item."""

    item: Item
    """The item."""
    linked_account_id: str | None
    """Its linked account, or None where the item does not tell or a session token stands for it."""
    index: int
    """Its place in the input, from 0."""
    status: Status
    """`ok`; `failed`: `error` tells why; `unknown`: it may or may not have happened."""
    value: T | None = None
    """What the call returned, where the status is `ok`."""
    error: BaseException | None = None
    """What the call raised, where the status is not `ok`."""
    attempts: int = 0
    """How many requests were handed to the network for it."""
    elapsed: float = 0.0
    """Seconds from when it was taken to when it ended."""


@attrs.frozen(kw_only=True)
class Unfinished(Generic[Item]):
    """An item that was taken and had not ended when the fan-out was left and its `grace` was over."""

    item: Item
    """The item."""
    linked_account_id: str | None
    """Its linked account, or None where the item does not tell."""
    index: int
    """Its place in the input, from 0."""
    attempts: int
    """How many requests were handed to the network for it: where there was one, it may have happened."""


@attrs.frozen(repr=False)
class FanOutReport(Generic[Item, T]):
    """All outcomes of a fan-out, in the order of the input."""

    outcomes: tuple[Outcome[Item, T], ...]
    """The outcomes."""

    @property
    def ok(self) -> list[Outcome[Item, T]]:
        """The outcomes of items that succeeded."""
        return self._with_status("ok")

    @property
    def failed(self) -> list[Outcome[Item, T]]:
        """The outcomes of items that failed."""
        return self._with_status("failed")

    @property
    def unknown(self) -> list[Outcome[Item, T]]:
        """The outcomes of items that may or may not have happened."""
        return self._with_status("unknown")

    @property
    def counts(self) -> dict[Status, int]:
        """How many items ended each way."""
        return {"ok": len(self.ok), "failed": len(self.failed), "unknown": len(self.unknown)}

    def _with_status(self, status: Status) -> list[Outcome[Item, T]]:
        return [outcome for outcome in self.outcomes if outcome.status == status]

    def __len__(self) -> int:
        return len(self.outcomes)

    def __repr__(self) -> str:
        told = ", ".join(f"{count} {status}" for status, count in self.counts.items())
        return f"<FanOutReport {len(self)} items: {told}>"

    def raise_for_errors(self) -> None:
        """Raise the errors of all items that did not succeed, together; return if there are none.

        Raises:
            ExceptionGroup: Holds the first 100 errors; its message tells how many there are in all.
        """
        errors = [outcome.error for outcome in self.outcomes if outcome.error is not None]
        if not errors:
            return
        held = [_as_exception(error) for error in errors[:_MOST_ERRORS_RAISED]]
        extent = "" if len(held) == len(errors) else f"; the first {len(held)} are here"
        raise ExceptionGroup(
            f"{len(errors)} of {len(self.outcomes)} items did not succeed "
            f"({len(self.failed)} failed, {len(self.unknown)} unknown){extent}",
            held,
        )


@attrs.define(eq=False)
class _Started(Generic[Item]):
    """An item that was taken, until it ends."""

    item: Item
    index: int
    linked_account_id: str | None = None
    count: AttemptCount = attrs.field(factory=lambda: AttemptCount(outer=attempt_count.get()))
    began: float = attrs.field(factory=time.perf_counter)
    stopped: bool = False
    """Whether the fan-out itself cancelled it."""

    @property
    def place(self) -> dict[str, Any]:
        """What outcomes and unfinished items tell alike."""
        return {"item": self.item, "linked_account_id": self.linked_account_id, "index": self.index}


class FanOut(Generic[Item, T]):
    """A fan-out under way. Made by `AsyncRefold.fan_out()` and `fan_out_action()`; works once.

    Either iterate it inside `async with`, and get outcomes in the order they come; or await `collect()`.

    Leaving the block, by whatever way, a cancellation included, stops taking items, gives those in flight `grace`
    seconds to end and cancels the rest. An async generator given as `items` is closed then.

    Attributes:
        unfinished: After leaving: items that were taken and did not end within `grace`.
        unread: After leaving: outcomes that nobody had read.
    """

    def __init__(
        self,
        items: Iterable[Item] | AsyncIterable[Item],
        call: Callable[[AccountScope, Item], Awaitable[T]],
        open_scope: Callable[[str], AccountScope],
        *,
        account: Callable[[Item], str | AccountScope] | None,
        concurrency: int,
        grace: float,
    ) -> None:
        if not isinstance(items, Iterable | AsyncIterable) or isinstance(items, str | bytes):
            raise ConfigurationError(f"items must be an iterable or async iterable, not {type(items).__name__}.")
        if not callable(call):
            raise ConfigurationError("call must be a function of a scope and an item.")
        if account is not None and not callable(account):
            raise ConfigurationError("account must be a function that returns an item's linked account id or scope.")
        if not isinstance(grace, int | float) or isinstance(grace, bool) or not grace >= 0:
            raise ConfigurationError(f"grace must be a number of seconds, 0 or more, got {grace!r}.")
        self._items = items
        self._call = call
        self._open_scope = open_scope
        self._account = account
        self._grace = grace
        # A permit is taken with an item and given back when its outcome is read: so a slow reader slows the work.
        self._permits = asyncio.Semaphore(check_whole_number("concurrency", concurrency, at_least=1))
        self._tasks: dict[asyncio.Task[None], _Started[Item]] = {}
        self._ended: deque[Outcome[Item, T]] = deque()
        self._news = asyncio.Event()
        self._feeder: asyncio.Task[None] | None = None
        self._source_error: BaseException | None = None
        self._entered = False
        self._left = False
        self._report: dict[int, Outcome[Item, T]] | None = None
        self.unfinished: list[Unfinished[Item]] = []
        self.unread: list[Outcome[Item, T]] = []

    async def __aenter__(self) -> Self:
        if self._entered:
            raise ConfigurationError("A fan-out works once: make a new one.")
        self._entered = True
        self._feeder = asyncio.create_task(self._feed(), name="refold_async fan-out")
        self._feeder.add_done_callback(self._source_ended)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._left = True
        try:
            await self._stop(self._grace)
        finally:
            # However often this wait is cancelled: nothing may run on all the same.
            cancelled: asyncio.CancelledError | None = None
            while self._tasks or not self._source_done:
                try:
                    await self._stop(0)
                except asyncio.CancelledError as again:
                    cancelled = again
            self.unread.extend(self._ended)
            self._ended.clear()
            if self._source_error is not None:
                logger.warning("items raised %r, which nobody read", self._source_error)
            if cancelled is not None:
                raise cancelled

    def __aiter__(self) -> AsyncIterator[Outcome[Item, T]]:
        if not self._entered:
            raise ConfigurationError("Iterate a fan-out inside `async with`, so that it stops when you leave.")
        return self

    async def __anext__(self) -> Outcome[Item, T]:
        """Return the next outcome, in the order they come.

        Raises:
            Exception: What `items` raised, after the outcomes of all items it gave before.
        """
        if self._left:
            raise ConfigurationError("The fan-out was left; outcomes can be read inside its `async with` only.")
        while not self._ended:
            if self._source_done and not self._tasks:
                error, self._source_error = self._source_error, None
                if error is not None:
                    raise error
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        self._permits.release()
        return self._ended.popleft()

    @property
    def _source_done(self) -> bool:
        return self._feeder is None or self._feeder.done()

    async def collect(self) -> FanOutReport[Item, T]:
        """Run it all and return every outcome, in the order of the input.

        Raises:
            Exception: What `items` raised. The outcomes of the items it gave before are in `report`.
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
        """Take items as they can be worked on, and start a task for each."""
        # The permit comes before the item: an item that could not be worked on yet stays with its source.
        await self._permits.acquire()
        if isinstance(self._items, AsyncIterable):
            index = 0
            async for item in self._items:
                if self._left:  # the source did not let itself be cancelled
                    return
                self._start(item, index)
                index += 1
                await self._permits.acquire()
        else:
            for index, item in enumerate(self._items):
                self._start(item, index)
                await self._permits.acquire()

    def _start(self, item: Item, index: int) -> None:
        started = _Started(item, index)
        task = asyncio.create_task(self._work(started), name=f"refold_async fan-out item {index}")
        self._tasks[task] = started
        task.add_done_callback(self._item_ended)

    async def _work(self, started: _Started[Item]) -> None:
        """Run the call for one item and keep its outcome. One item's failure stays its own."""
        attempt_count.set(started.count)
        try:
            scope = self._scope_of(started.item)
            started.linked_account_id = scope.linked_account_id
            value = await self._call(scope, started.item)
        except (KeyboardInterrupt, SystemExit, asyncio.CancelledError):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever else an item's call raises is that item's outcome
            unclear = isinstance(error, RefoldError) and error.effect == "unknown"
            self._end(started, "unknown" if unclear else "failed", error=error)
        else:
            self._end(started, "ok", value=value)

    def _end(
        self, started: _Started[Item], status: Status, *, value: T | None = None, error: BaseException | None = None
    ) -> None:
        elapsed = time.perf_counter() - started.began
        attempts = started.count.attempts
        self._ended.append(
            Outcome(**started.place, status=status, value=value, error=error, attempts=attempts, elapsed=elapsed)
        )

    def _scope_of(self, item: Item) -> AccountScope:
        account: Any = item if self._account is None else self._account(item)
        if isinstance(account, AccountScope):
            return account
        if isinstance(account, str):
            return self._open_scope(account)
        if self._account is None:
            raise ConfigurationError(
                f"An item of type {type(item).__name__} does not tell its linked account: pass account=, a function "
                "that returns an item's linked account id or scope."
            )
        raise ConfigurationError(f"account= returned {type(account).__name__}, not a linked account id or a scope.")

    def _source_ended(self, feeder: asyncio.Task[None]) -> None:
        if not feeder.cancelled():
            self._source_error = feeder.exception()
        elif not self._left:
            self._source_error = RuntimeError("items was cancelled from within; what it would still have given is lost")
        self._news.set()

    def _item_ended(self, task: asyncio.Task[None]) -> None:
        started = self._tasks.pop(task)
        try:
            task.result()
        except asyncio.CancelledError as cancelled:
            if started.stopped:
                self.unfinished.append(Unfinished(**started.place, attempts=started.count.attempts))
            else:
                # The call cancelled itself, or somebody cancelled its task; nobody stopped the fan-out.
                self._end(started, "unknown" if started.count.attempts else "failed", error=cancelled)
        except BaseException:  # noqa: BLE001 - KeyboardInterrupt or SystemExit, which the loop raises by itself
            self.unfinished.append(Unfinished(**started.place, attempts=started.count.attempts))
        self._news.set()

    async def _stop(self, grace: float) -> None:
        """Take no more items, wait `grace` seconds for those in flight, cancel the rest and list it."""
        if self._feeder is not None and not self._feeder.done():
            self._feeder.cancel()
            await asyncio.wait([self._feeder])
        items: Any = self._items
        if isinstance(items, AsyncGenerator):
            await items.aclose()
        if self._tasks and grace > 0:
            await asyncio.wait(self._tasks, timeout=grace)
        for task, started in self._tasks.items():
            if not started.stopped:  # once is enough: a second time would interrupt its cleaning up
                started.stopped = True
                task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


def _as_exception(error: BaseException) -> Exception:
    """Return an error that a plain ExceptionGroup can hold: a call may raise what is no Exception, and be cancelled."""
    if isinstance(error, Exception):
        return error
    wrapper = RefoldError(f"The call ended with {error!r}.")
    wrapper.__cause__ = error
    return wrapper
