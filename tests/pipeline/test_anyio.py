"""Inside cancelled scopes of anyio, which cancel again in every turn of the loop until their tasks have left."""

import asyncio
import logging
import selectors
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
from starlette.responses import StreamingResponse

from refold_async import AccountScope, AsyncRefold, ClientClosedError, FanOut, Journal, Progress
from refold_async.jobs.progress_reporter import INTERVAL
from refold_async.testing import MockRefold, Silence
from support.retry_policies import IMPATIENT
from support.waiting import until

IDS: Final = [f"user_{number}" for number in range(4)]


class Work:
    """Calls that end when the test lets them."""

    def __init__(self) -> None:
        self.begun = 0
        self._all_begun = asyncio.Event()
        self.ended: list[str] = []
        self.may_end = asyncio.Event()

    async def __call__(self, scope: AccountScope, item: str) -> str:
        """Wait to be let go."""
        self.begun += 1
        if self.begun == len(IDS):
            self._all_begun.set()
        await self.may_end.wait()
        self.ended.append(item)
        return item

    async def all_begun(self) -> None:
        """Wait until all items are in flight. All who wait for that hear of it in the same turn of the loop."""
        async with asyncio.timeout(30):
            await self._all_begun.wait()


async def iterate(fan_out: FanOut[str, Any]) -> None:
    """Read all outcomes."""
    async with fan_out:
        async for _ in fan_out:
            pass


async def collect(fan_out: FanOut[str, Any]) -> None:
    """Await the report."""
    await fan_out.collect()


Use = Callable[[FanOut[str, Any]], Awaitable[None]]
Leave = Callable[[Use, FanOut[str, Any], Work], Awaitable[None]]


async def a_scope_that_is_cancelled(use: Use, fan_out: FanOut[str, Any], work: Work) -> None:
    """As a program does that no longer wants the result."""
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as others:

            async def cancel() -> None:
                await work.all_begun()
                scope.cancel()

            others.start_soon(cancel)
            await use(fan_out)
    assert scope.cancelled_caught


async def move_on_after(use: Use, fan_out: FanOut[str, Any], work: Work) -> None:
    """A limit of time that is reached."""
    with anyio.move_on_after(60) as scope:
        begun = asyncio.ensure_future(work.all_begun())
        begun.add_done_callback(lambda _: setattr(scope, "deadline", asyncio.get_running_loop().time()))
        await use(fan_out)
    assert scope.cancelled_caught


async def fail_after(use: Use, fan_out: FanOut[str, Any], work: Work) -> None:
    """A limit of time that is an error to reach."""
    begun = asyncio.ensure_future(work.all_begun())
    try:
        with anyio.fail_after(60) as scope:
            begun.add_done_callback(lambda _: setattr(scope, "deadline", asyncio.get_running_loop().time()))
            await use(fan_out)
    except TimeoutError:
        return
    pytest.fail("no TimeoutError")


async def a_request_whose_client_hangs_up(use: Use, fan_out: FanOut[str, Any], work: Work) -> None:
    """As Starlette serves one: the handler beside a task that hears of the disconnection, in one task group."""
    async with anyio.create_task_group() as group:

        async def handle() -> None:
            await use(fan_out)

        async def listen_for_disconnect() -> None:
            await work.all_begun()
            group.cancel_scope.cancel()

        group.start_soon(listen_for_disconnect)
        group.start_soon(handle)


WAYS: Final[list[Leave]] = [a_scope_that_is_cancelled, move_on_after, fail_after, a_request_whose_client_hangs_up]


@pytest.mark.parametrize("use", [iterate, collect], ids=lambda use: use.__name__)
@pytest.mark.parametrize("leave", WAYS, ids=lambda leave: leave.__name__)
async def test_items_in_flight_get_their_grace(refold: AsyncRefold, leave: Leave, use: Use) -> None:
    """As with `asyncio.timeout`: what is in flight ends by itself, though the scope was cancelled."""
    work = Work()
    fan_out = refold.fan_out(IDS, work, grace=60)
    leaving = asyncio.ensure_future(leave(use, fan_out, work))
    await work.all_begun()
    for _ in range(50):
        await asyncio.sleep(0)
    assert not leaving.done()
    assert not work.ended
    work.may_end.set()
    await leaving
    assert sorted(work.ended) == IDS
    assert not fan_out.unfinished
    assert sorted(outcome.item for outcome in fan_out.unread) == IDS


@pytest.mark.parametrize("leave", WAYS, ids=lambda leave: leave.__name__)
async def test_the_grace_ends(refold: AsyncRefold, leave: Leave) -> None:
    """What does not end within it is cancelled and told."""
    work = Work()
    fan_out = refold.fan_out(IDS, work, grace=0.05)
    await leave(collect, fan_out, work)
    assert not work.ended
    assert sorted(unfinished.item for unfinished in fan_out.unfinished) == IDS


async def test_a_cancellation_by_asyncio_still_cuts_the_grace_short(refold: AsyncRefold) -> None:
    """Whoever loads anyio, and has no scope that is cancelled, can leave at once as before."""
    work = Work()
    fan_out = refold.fan_out(IDS, work, grace=60)
    task = asyncio.create_task(fan_out.collect())
    await work.all_begun()
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0.01)
    await asyncio.wait([task], timeout=30)
    assert task.cancelled()
    assert len(fan_out.unfinished) == len(IDS)


class CountingSelector(selectors.DefaultSelector):
    """A selector that counts the turns of its loop."""

    turns = 0

    def select(self, timeout: float | None = None) -> Any:
        """Wait for what happens next."""
        self.turns += 1
        return super().select(timeout)


def test_waiting_out_the_grace_costs_nothing() -> None:
    """The loop sleeps meanwhile, where being cancelled again and again would keep it busy."""
    selector = CountingSelector()
    turns: list[int] = []

    async def story() -> None:
        async with AsyncRefold("tk_test", base_url="http://127.0.0.1:1") as refold:
            work = Work()

            async def leave() -> None:
                with anyio.CancelScope() as scope:
                    begun = asyncio.ensure_future(work.all_begun())
                    begun.add_done_callback(lambda _: scope.cancel())
                    await refold.fan_out(IDS, work, grace=60).collect()

            leaving = asyncio.ensure_future(leave())
            await work.all_begun()
            await asyncio.sleep(0.05)
            before = selector.turns
            await asyncio.sleep(0.2)
            turns.append(selector.turns - before)
            work.may_end.set()
            await leaving

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(story())
    assert turns[0] < 20


async def test_what_ends_within_the_grace_is_recorded_and_told(
    refold: AsyncRefold, mock: MockRefold, tmp_path: Path
) -> None:
    """The journal has every outcome, is given back, and the last that an async `progress=` hears is the end."""
    work = Work()
    told: list[Progress] = []

    async def progress(progress: Progress) -> None:
        await asyncio.sleep(0.001)
        told.append(progress)

    journal = Journal(tmp_path / "job.sqlite", job="sync")
    fan_out = refold.fan_out(IDS, work, grace=60, journal=journal, progress=progress)
    leaving = asyncio.ensure_future(a_scope_that_is_cancelled(collect, fan_out, work))
    await work.all_begun()
    await asyncio.sleep(0.01)
    work.may_end.set()
    await leaving
    assert [entry.status for entry in Journal(journal.path).entries()] == ["ok"] * len(IDS)
    assert (told[-1].done, told[-1].in_flight, told[-1].time_left) == (len(IDS), 0, 0.0)
    reports = len(told)
    await asyncio.sleep(2 * INTERVAL)
    assert len(told) == reports
    again = await refold.fan_out(IDS, work, journal=journal).collect()
    assert all(outcome.recorded for outcome in again.outcomes)


async def test_opening_a_journal_in_a_cancelled_scope(refold: AsyncRefold, tmp_path: Path) -> None:
    """It is given back, and the next run can have it."""
    work = Work()
    work.may_end.set()
    journal = Journal(tmp_path / "job.sqlite", job="sync")
    with anyio.CancelScope() as scope:
        scope.cancel()
        await refold.fan_out(IDS, work, journal=journal).collect()
    assert scope.cancelled_caught
    report = await refold.fan_out(IDS, work, journal=journal).collect()
    assert report.counts["ok"] == len(IDS)


async def test_an_async_source_is_closed(refold: AsyncRefold) -> None:
    """A generator given as items runs its `finally`, awaits included."""
    work = Work()
    closed: list[str] = []

    async def items() -> AsyncIterator[str]:
        try:
            for item in IDS:
                yield item
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            closed.append("items")

    work.may_end.set()
    fan_out = refold.fan_out(items(), work, grace=60)
    await a_scope_that_is_cancelled(iterate, fan_out, work)
    assert closed == ["items"]


class SlowLimiter:
    """A limiter that never grants, and takes a moment to heed its cancellation."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.cancelled = False

    async def acquire(self) -> None:
        """Wait."""
        self.asked.set()
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.001)
            self.cancelled = True


async def test_closing_the_client_in_a_cancelled_scope(mock: MockRefold) -> None:
    """Connections are closed, the limiter is asked no more, and whoever waits hears of it."""
    limiter = SlowLimiter()
    refold = AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=limiter)
    other = AsyncRefold("tk_test", base_url=mock.base_url)
    await other.account("user_1").list_actions("hubspot")
    waiting = asyncio.create_task(refold.account("user_1").list_actions("hubspot"))
    await limiter.asked.wait()
    with anyio.CancelScope() as scope:
        async with other, refold:
            scope.cancel()
            await asyncio.sleep(60)
    assert scope.cancelled_caught
    assert refold.closed
    assert limiter.cancelled
    with pytest.raises(ClientClosedError):
        await waiting
    await until(lambda: mock.connections_open == 0)


async def test_a_write_in_a_cancelled_scope(mock: MockRefold, caplog: pytest.LogCaptureFixture) -> None:
    """It ends at once, is sent once, and leaves word that it may have run."""
    mock.script(Silence(), calls=1)
    noted: list[str] = []
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT) as refold:
        with anyio.CancelScope() as scope:
            hears = asyncio.ensure_future(until(lambda: len(mock.requests) == 1))
            hears.add_done_callback(lambda _: scope.cancel())
            try:
                await refold.account("user_1").execute_action("hubspot", "create_contact", idempotent=True)
            except asyncio.CancelledError as cancelled:
                noted = cancelled.__notes__
                raise
        assert scope.cancelled_caught
        assert await refold.account("user_1").list_actions("hubspot")
    assert ["may have run" in note for note in noted] == [True]
    assert [record.levelno for record in caplog.records if "may have run" in record.message] == [logging.WARNING]
    assert len(mock.requests) == 2


async def test_a_read_with_a_limit_of_time(mock: MockRefold) -> None:
    """It is a TimeoutError of the scope's, and the client goes on working."""
    mock.script(Silence(), calls=1)
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT) as refold:
        with pytest.raises(TimeoutError), anyio.fail_after(0.05):
            await refold.account("user_1").list_actions("hubspot")
        assert await refold.account("user_1").list_actions("hubspot")


async def test_a_stream_of_starlette_whose_reader_hangs_up(
    refold: AsyncRefold, mock: MockRefold, caplog: pytest.LogCaptureFixture
) -> None:
    """Starlette cancels what makes the stream. The write in flight leaves word, and the client goes on working."""
    mock.script(Silence(), action_id="create_contact")
    ended: list[str] = []

    async def rows() -> AsyncIterator[str]:
        yield "begun\n"
        try:
            await refold.account("user_1").execute_action("hubspot", "create_contact", {"email": "jane@example.com"})
        finally:
            ended.append("rows")

    async def receive() -> dict[str, Any]:
        await until(lambda: mock.in_flight == 1)
        return {"type": "http.disconnect"}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await StreamingResponse(rows())({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert ended == ["rows"]
    assert [record.levelno for record in caplog.records if "may have run" in record.message] == [logging.WARNING]
    assert await refold.account("user_1").list_actions("hubspot")
    assert len(mock.requests_to(action_id="create_contact")) == 1
    await until(lambda: mock.in_flight == 0)
