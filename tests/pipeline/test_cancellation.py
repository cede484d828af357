"""Cancellation at every moment leaves nothing behind."""

import asyncio
import random

import pytest

from refold_async import APITimeoutError, AsyncRefold, RateLimit
from refold_async.testing import ActionContext, MockRefold, Silence
from support.waiting import until

CALLS = 10_000
CONCURRENCY = 200


@pytest.mark.slow
async def test_ten_thousand_calls_of_which_many_are_cancelled() -> None:
    """After 10,000 calls, over a fifth cancelled once the server had read them, the client is as good as new."""
    asyncio.get_running_loop().set_debug(False)  # 10,000 recorded stacks would be most of the work
    chance = random.Random(20261121)
    arrived = [asyncio.Event() for _ in range(CALLS)]
    async with MockRefold(record=False) as mock, AsyncRefold("tk_test", base_url=mock.base_url) as refold:

        @mock.catalogue.action("hubspot", "hold")
        async def hold(context: ActionContext, parameters: dict[str, int]) -> None:
            arrived[parameters["number"]].set()
            await asyncio.sleep(0.2)

        account = refold.account("user_12345")
        permits = asyncio.Semaphore(CONCURRENCY)

        async def call(number: int) -> str:
            async with permits:
                if number % 2:
                    await account.execute_action("hubspot", "get_contact")
                    return "done"
                task = asyncio.create_task(account.execute_action("hubspot", "hold", {"number": number}))
                if number % 4:
                    async with asyncio.timeout(60):
                        await arrived[number].wait()  # the server has read it, and works on it
                else:
                    await asyncio.sleep(chance.choice([0, 0, 0.001, 0.01]))
                task.cancel()
                await asyncio.wait([task])
                return "cancelled" if task.cancelled() else "done"

        ends = await asyncio.gather(*map(call, range(CALLS)))
        assert ends.count("cancelled") == CALLS // 2
        assert sum(event.is_set() for event in arrived) >= CALLS // 5
        await until(lambda: not mock.in_flight)

        # Full speed: the next calls all run side by side, on as many connections as ever, none of them lost.
        running = most = met = 0
        all_are_there = asyncio.Event()

        @mock.catalogue.action("hubspot", "meet")
        async def meet(context: ActionContext, parameters: object) -> None:
            nonlocal running, most, met
            running, met = running + 1, met + 1
            most = max(most, running)
            if running == 100:
                all_are_there.set()
            await asyncio.wait_for(all_are_there.wait(), 20)
            running -= 1

        await asyncio.gather(*(account.execute_action("hubspot", "meet") for _ in range(200)))
        assert (most, met) == (100, 200)
        assert mock.connections_open == 100


@pytest.mark.parametrize("turns", range(12))
async def test_cancelled_after_any_number_of_turns(mock: MockRefold, turns: int) -> None:
    """A call cancelled after any number of turns of the loop gives back its connection and its place in the queue."""
    async with AsyncRefold(
        "tk_test", base_url=mock.base_url, max_connections=1, rate_limit=RateLimit(1000, burst=1)
    ) as refold:
        account = refold.account("user_12345")
        tasks = [asyncio.create_task(account.list_actions("hubspot")) for _ in range(3)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert await account.list_actions("hubspot", timeout=20)
        assert await account.list_actions("hubspot", timeout=20)


async def test_a_cancellation_that_is_pending_stops_the_call(mock: MockRefold, refold: AsyncRefold) -> None:
    """A task that was cancelled just before its call sends nothing."""

    async def write() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await refold.account("user_12345").execute_action("hubspot", "create_contact", {"email": "a@b.c"})

    task = asyncio.create_task(write())
    await asyncio.wait([task])
    assert task.cancelled()
    assert not mock.requests


async def test_a_call_in_a_task_that_was_cancelled_before(mock: MockRefold, refold: AsyncRefold) -> None:
    """Cleaning up after a cancellation, a task may call, and its deadlines hold."""
    mock.script(Silence(), route="list_actions")
    ends: list[object] = []

    async def work() -> None:
        account = refold.account("user_12345")
        try:
            await asyncio.sleep(60)
        finally:
            ends.append((await account.execute_action("hubspot", "get_contact")).node_status)
            try:
                await account.list_actions("hubspot", timeout=0.05)
            except APITimeoutError as error:
                ends.append(type(error))

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert ends == ["Success", APITimeoutError]
