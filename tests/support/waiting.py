"""Waits for a condition, with a time limit."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import Callable

__all__ = ["until"]


async def until(condition: Callable[[], object], process: Process | None = None, *, within: float = 30.0) -> None:
    """Wait until a condition is true; fail immediately if a program ends that should make it true.

    Args:
        condition: The condition.
        process: The program.
        within: Seconds until the test fails. By default half of the time limit of an attempt, so that
            no test passes only because an attempt timed out.
    """
    async with asyncio.timeout(within):
        while not condition():
            assert process is None or process.returncode is None, await process.communicate()
            await asyncio.sleep(0.002)
