"""Cancellation at every moment leaves nothing behind."""

import asyncio
import random

import pytest

from refold_async import AsyncRefold, RateLimit
from refold_async.testing import Delay, MockRefold

CALLS = 10_000
CONCURRENCY = 200


async def test_ten_thousand_calls_of_which_many_are_cancelled() -> None:
    """After 10,000 calls, over a fifth cancelled once the server had read them, the client is as good as new."""
    loop = asyncio.get_running_loop()
    loop.set_debug(False)  # 10,000 recorded stacks would be most of the work
    chance = random.Random(20261121)
    async with MockRefold(record=False) as mock, AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        slow = mock.script(Delay(0.5), linked_account_id="slow")
        permits = asyncio.Semaphore(CONCURRENCY)

        async def call(number: int) -> str:
            async with permits:
                if number % 2:
                    await refold.account("quick").execute_action("hubspot", "get_contact")
                    return "done"
                task = asyncio.create_task(refold.account("slow").execute_action("hubspot", "get_contact"))
                # Some are cancelled while they wait for a connection or are being sent, most while the server works.
                await asyncio.sleep(chance.choice([0, 0.001, 0.05, 0.1, 0.15]))
                task.cancel()
                await asyncio.wait([task])
                return "cancelled" if task.cancelled() else "done"

        ends = await asyncio.gather(*map(call, range(CALLS)))
        assert ends.count("cancelled") == CALLS // 2
        assert slow.matched >= CALLS // 5
        assert mock.request_count == CALLS // 2 + slow.matched
        slow.remove()
        await asyncio.sleep(0.6)  # the server's handlers go on after the client hung up

        # Full speed: the next calls all run side by side, on as many connections as ever, none of them lost.
        gate = mock.script(Delay(0.2))
        began = loop.time()
        await asyncio.gather(*(refold.account("quick").list_actions("hubspot") for _ in range(200)))
        assert loop.time() - began < 5 * 0.2
        assert gate.matched == 200
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
        assert await account.list_actions("hubspot", timeout=5)
        assert await account.list_actions("hubspot", timeout=5)
