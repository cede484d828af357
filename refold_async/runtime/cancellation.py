"""Waits that a cancellation must not cut short, such as the wait for the end of a fan-out."""

import asyncio
import contextlib
import sys
from contextlib import AbstractContextManager
from typing import Any, TypeVar

__all__ = ["result_despite_cancellation", "shielded_from_anyio", "wait_despite_cancellation"]

T = TypeVar("T")


def shielded_from_anyio() -> AbstractContextManager[object]:
    """Return a context in which a cancelled anyio scope cancels nothing.

    Such a scope cancels its tasks on every turn of the event loop until they have left it. No wait would last longer
    than one turn, and repeating the wait would keep the processor busy. A cancellation by asyncio comes only once, and
    it still comes through.
    """
    anyio: Any = sys.modules.get("anyio")  # whatever uses an anyio scope has loaded anyio
    if anyio is not None:
        with contextlib.suppress(Exception):  # anyio is not fully loaded yet, or runs another loop than asyncio's
            return anyio.CancelScope(shield=True)  # type: ignore[no-any-return]
    return contextlib.nullcontext()


async def wait_despite_cancellation(future: "asyncio.Future[Any]") -> None:
    """Wait until `future` is done, even if this wait is cancelled; raise the cancellation afterwards."""
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


async def result_despite_cancellation(future: "asyncio.Future[T]") -> T:
    """Wait for the result of `future` as `wait_despite_cancellation` does, and return it or raise its exception."""
    await wait_despite_cancellation(future)
    return future.result()
