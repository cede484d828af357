"""Waits that a cancellation must not cut short, such as that for the end of a fan-out."""

import asyncio
import contextlib
import sys
from contextlib import AbstractContextManager
from typing import Any

__all__ = ["shielded_from_anyio", "wait_despite_cancellation"]


def shielded_from_anyio() -> AbstractContextManager[object]:
    """Return a context in which a cancelled scope of anyio cancels nothing.

    Such a scope cancels its tasks again in every turn of the loop until they have left it: no wait would last longer
    than that, and repeating them would keep the processor busy. A cancellation by asyncio comes once, and still comes.
    """
    anyio: Any = sys.modules.get("anyio")  # who has a scope of it has loaded it
    if anyio is not None:
        with contextlib.suppress(Exception):  # not there yet, or of another loop than asyncio's
            return anyio.CancelScope(shield=True)  # type: ignore[no-any-return]
    return contextlib.nullcontext()


async def wait_despite_cancellation(future: "asyncio.Future[Any]") -> None:
    """Wait until `future` is done, however often that is cancelled; pass a cancellation on afterwards."""
    cancelled: asyncio.CancelledError | None = None
    if future.done():
        return
    with shielded_from_anyio():
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError as again:
                cancelled = again
    if cancelled is not None:
        raise cancelled
