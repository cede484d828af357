"""How long a call may take: total, attempt and connect, held to within a tenth of a second."""

import asyncio
import math
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from weakref import WeakSet

import pytest

from refold_async import APIConnectionError, APITimeoutError, AsyncRefold, RateLimit, RefoldError, RetryPolicy, Timeout
from refold_async.testing import Answer, Drip, MockRefold, Silence
from refold_async.transport.deadlines import Deadline, Deadlines
from support.retry_policies import IMPATIENT
from support.stopwatch import stopwatch
from support.virtual_time import run

TOLERANCE = 0.1


async def assert_fails_in_time(call: Callable[[], Awaitable[object]], least: float, most: float) -> None:
    """Check that a call fails never before `least` seconds, and within a tolerance of `most`.

    While the machine is busy with other things the event loop stands still, which no deadline can help.
    """
    async with stopwatch() as watch:
        with pytest.raises(RefoldError):
            await call()
    assert watch.taken >= least
    assert watch.moving < most + TOLERANCE


@pytest.mark.parametrize("trouble", [Silence(), Drip(0.01), Answer(503, retry_after=0.07)])
async def test_total(mock: MockRefold, trouble: Silence | Drip | Answer) -> None:
    """`total` ends a call with all its attempts and pauses in time."""
    mock.script(trouble)
    policy = RetryPolicy(max_retries=1000, initial_delay=0.01, max_delay=0.01)
    async with AsyncRefold(
        "tk_test", base_url=mock.base_url, retry=policy, timeout=Timeout(total=0.3, attempt=0.2)
    ) as refold:
        # A pause that would end after the deadline is not begun.
        await assert_fails_in_time(lambda: refold.account("user_12345").list_actions("hubspot"), 0.1, 0.3)


async def test_attempt(mock: MockRefold) -> None:
    """`attempt` ends each attempt in time."""
    mock.script(Silence())
    async with AsyncRefold(
        "tk_test", base_url=mock.base_url, retry=RetryPolicy(max_retries=0), timeout=Timeout(attempt=0.2)
    ) as refold:
        await assert_fails_in_time(lambda: refold.account("user_12345").list_actions("hubspot"), 0.2, 0.2)


async def test_an_answer_that_stalls(mock: MockRefold) -> None:
    """Where a part of it came, the error says how much, and how to wait longer; else that nothing came."""
    mock.script(Drip(0.05), calls=1)
    mock.script(Silence(), calls=2)
    async with AsyncRefold(
        "tk_test", base_url=mock.base_url, retry=RetryPolicy(max_retries=0), timeout=Timeout(attempt=0.2)
    ) as refold:
        account = refold.account("user_12345")
        with pytest.raises(
            APITimeoutError, match=r"was not complete within 0\.2 seconds \(Timeout\.attempt\): \d+ bytes had arrived"
        ) as caught:
            await account.request("GET", "/api/v2/public/workflow", into=bytes)
        assert "larger timeout=" in str(caught.value)
        with pytest.raises(
            APITimeoutError, match=r"got no response within 0\.2 seconds \(Timeout\.attempt\)"
        ) as caught:
            await account.request("GET", "/api/v2/public/workflow", into=bytes)
        assert "larger timeout=" not in str(caught.value)


@pytest.fixture
async def full_backlog() -> AsyncIterator[str]:
    """The URL of a listener that accepts no connection: the system leaves the client waiting."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        place = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(place)
        yield f"http://127.0.0.1:{place[1]}"
        for filler in fillers:
            filler.close()


async def test_connect(full_backlog: str) -> None:
    """`connect` ends the wait for a new connection; nothing was sent, so a write is tried again."""
    async with AsyncRefold("tk_test", base_url=full_backlog, retry=IMPATIENT, timeout=Timeout(connect=0.1)) as refold:
        account = refold.account("user_12345")
        await assert_fails_in_time(
            lambda: account.execute_action("hubspot", "create_contact"), 3 * 0.1, 3 * (0.1 + TOLERANCE) - TOLERANCE
        )
        with pytest.raises(APITimeoutError, match=r"0\.1 seconds \(Timeout\.connect\)") as caught:
            await account.execute_action("hubspot", "create_contact")
    assert (caught.value.effect, caught.value.attempts) == ("none", 3)


async def test_a_number_stands_for_total(mock: MockRefold) -> None:
    """A plain number bounds the whole call, for the client and for one call of it."""
    mock.script(Silence())
    async with AsyncRefold("tk_test", base_url=mock.base_url, timeout=0.15, retry=IMPATIENT) as refold:
        account = refold.account("user_12345")
        await assert_fails_in_time(lambda: account.list_actions("hubspot"), 0.15, 0.15)
        await assert_fails_in_time(lambda: account.list_actions("hubspot", timeout=0.05), 0.05, 0.05)
        limits = Timeout(total=60, attempt=0.05)
        with pytest.raises(APITimeoutError, match=r"0\.05 seconds \(Timeout\.attempt\)"):
            await account.execute_action("hubspot", "create_contact", timeout=limits)
        with pytest.raises(APITimeoutError, match=r"0\.05 seconds \(Timeout\.total\)"):
            await account.execute_workflow("workflow_id", slug="hubspot", sync=True, timeout=0.05)
        with pytest.raises(APITimeoutError):
            await refold.request("GET", "/api/v2/public/linked-account", timeout=0.05)


async def test_total_covers_the_rate_limit(mock: MockRefold) -> None:
    """A single call gives up waiting for the rate limit at its deadline; nothing was sent."""
    async with AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=RateLimit(1, per=600), timeout=0.1) as refold:
        account = refold.account("user_12345")
        await account.list_actions("hubspot", timeout=60)
        with pytest.raises(APITimeoutError, match="rate limit") as caught:
            await account.execute_action("hubspot", "create_contact")
    assert (caught.value.effect, caught.value.attempts, len(mock.requests)) == ("none", 0, 1)


@pytest.mark.parametrize("raised", [OSError("redis is gone"), TimeoutError("redis is slow")])
async def test_a_limiter_that_raises(mock: MockRefold, raised: Exception) -> None:
    """What a limiter raises ends the call, is asked once, and is no timeout of ours."""
    asked = 0

    class Broken:
        """A limiter that cannot tell."""

        async def acquire(self) -> None:
            nonlocal asked
            asked += 1
            raise raised

    async with AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=Broken()) as refold:
        with pytest.raises(APIConnectionError, match=r"rate_limit=.*redis is") as caught:
            await refold.account("user_12345").execute_action("hubspot", "create_contact")
    assert caught.value.__cause__ is raised
    assert (caught.value.effect, caught.value.attempts, asked, len(mock.requests)) == ("none", 0, 1, 0)


async def test_in_a_fan_out_the_rate_limit_does_not_count(mock: MockRefold) -> None:
    """Items of a bulk job wait for the rate limit longer than their own total allows, and succeed."""
    limit = RateLimit(1, per=2.5)
    async with AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=limit, timeout=2) as refold:
        report = await refold.fan_out_action(["user_1", "user_2"], "hubspot", "get_contact").collect()
    assert report.counts == {"ok": 2, "failed": 0, "unknown": 0}
    assert max(outcome.elapsed for outcome in report.outcomes) > 2


async def test_no_deadline_by_asking(mock: MockRefold) -> None:
    """math.inf takes all limits away."""
    async with AsyncRefold(
        "tk_test", base_url=mock.base_url, timeout=Timeout(total=math.inf, attempt=math.inf, connect=math.inf)
    ) as refold:
        assert await refold.account("user_12345").list_actions("hubspot")


def test_one_timer_serves_deadlines_in_any_order() -> None:
    """Each block ends at its own deadline, whether it began before or after one that is due earlier."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        deadlines = Deadlines(loop)

        async def wait(seconds: float) -> float:
            began = loop.time()
            with pytest.raises(TimeoutError), Deadline(deadlines, began + seconds):
                await asyncio.sleep(60)
            return loop.time() - began

        seconds = [0.1, 0.02, 0.15, 0.02, 0.05]
        assert await asyncio.gather(*map(wait, seconds)) == pytest.approx(seconds)
        assert await wait(0.02) == pytest.approx(0.02)

    run(story())


def test_deadlines_close_together() -> None:
    """One that is due just after another may be met a hundredth of a second late, and no later."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        deadlines = Deadlines(loop)

        async def wait(when: float) -> float:
            with pytest.raises(TimeoutError), Deadline(deadlines, when):
                await asyncio.sleep(60)
            return loop.time() - when

        late = await asyncio.gather(*(wait(loop.time() + 0.02 + number / 1000) for number in range(50)))
        assert all(0 <= seconds < 0.011 for seconds in late)

    run(story())


async def test_a_deadline_that_is_over_already() -> None:
    """A block whose deadline is past ends at its first wait."""
    loop = asyncio.get_running_loop()
    with pytest.raises(TimeoutError), Deadline(Deadlines(loop), loop.time() - 1):
        await asyncio.sleep(60)


def test_a_cancellation_is_no_timeout() -> None:
    """A task cancelled at the very moment of its deadline is cancelled."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        deadlines = Deadlines(loop)
        when = loop.time() + 0.02

        async def wait() -> None:
            with Deadline(deadlines, when):
                await asyncio.sleep(60)

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        loop.call_at(when, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        assert loop.time() == when

    run(story())


def test_a_block_that_ends_in_time_is_left_alone() -> None:
    """What ends before its deadline is not cancelled later, and its task's cancellation count is untouched."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        deadlines = Deadlines(loop)
        with Deadline(deadlines, loop.time() + 0.02):
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    run(story())


class CountedDeadline(Deadline):
    """A deadline that counts how often all of its class are looked at."""

    looks = 0

    @property
    def when(self) -> float:
        """When its block must end."""
        CountedDeadline.looks += 1
        return self._when

    @when.setter
    def when(self, when: float) -> None:
        self._when = when


@pytest.mark.parametrize("waiting", [100, 10_000])
def test_expiring_looks_only_at_what_is_due(waiting: int) -> None:
    """However many blocks wait for later deadlines, each of them is looked at once, and not at each deadline."""

    async def story() -> int:
        loop = asyncio.get_running_loop()
        deadlines = Deadlines(loop)
        with ExitStack() as blocks:
            for number in range(waiting):
                blocks.enter_context(CountedDeadline(deadlines, loop.time() + 60 + number))
            before = CountedDeadline.looks
            for _ in range(50):
                with pytest.raises(TimeoutError), Deadline(deadlines, loop.time() + 0.02):
                    await asyncio.sleep(1)
            return CountedDeadline.looks - before

    assert run(story()) == waiting


def test_blocks_that_end_leave_nothing_behind() -> None:
    """What ends before its deadline is released at once, also if others have expired while it ran."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        deadlines = Deadlines(loop)
        alive: WeakSet[Deadline] = WeakSet()
        for _ in range(10):
            with ExitStack() as blocks:
                for _ in range(1000):
                    alive.add(blocks.enter_context(CountedDeadline(deadlines, loop.time() + 600)))
                with pytest.raises(TimeoutError), Deadline(deadlines, loop.time() + 0.02):
                    await asyncio.sleep(1)
                assert len(alive) == 1000
            del blocks
            assert not alive
        assert len(deadlines.order) <= 2 * 1000  # entries of blocks that have ended are removed

    run(story())


def test_a_deadline_that_is_moved() -> None:
    """A deadline moved to a later time ends its block then, also if it was put into order before."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        deadlines = Deadlines(loop)
        began = loop.time()

        async def wait(seconds: float) -> None:
            with pytest.raises(TimeoutError), Deadline(deadlines, began + seconds):
                await asyncio.sleep(60)

        async def wait_longer() -> float:
            deadline = Deadline(deadlines, began + 1)
            loop.call_at(began + 0.7, setattr, deadline, "when", began + 3)
            with pytest.raises(TimeoutError), deadline:
                await asyncio.sleep(60)
            return loop.time() - began

        moved, *_ = await asyncio.gather(wait_longer(), wait(0.5), wait(2))
        assert moved == pytest.approx(3)

    run(story())
