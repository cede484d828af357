"""Waiting for what nobody tells, and not for ever."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import Callable
from typing import Final

__all__ = ["until"]

_LONGEST: Final = 60.0
_BETWEEN_LOOKS: Final = 0.002
"""Seconds: before a test fails, and between two looks."""


async def until(condition: Callable[[], object], process: Process | None = None) -> None:
    """Wait until a condition holds; fail at once if a program ends that was to bring it about."""
    async with asyncio.timeout(_LONGEST):
        while not condition():
            assert process is None or process.returncode is None, await process.communicate()
            await asyncio.sleep(_BETWEEN_LOOKS)
