"""Waiting for what nobody tells, and not for ever."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import Callable

__all__ = ["until"]


async def until(condition: Callable[[], object], process: Process | None = None, *, within: float = 30.0) -> None:
    """Wait until a condition holds; fail at once if a program ends that was to bring it about.

    Args:
        condition: What is to hold.
        process: The program.
        within: Seconds until the test fails. As it is, half of what an attempt of ours may take: what only comes about
            by an attempt's end is not waited for.
    """
    async with asyncio.timeout(within):
        while not condition():
            assert process is None or process.returncode is None, await process.communicate()
            await asyncio.sleep(0.002)
