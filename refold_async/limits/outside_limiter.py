"""A limiter of the caller's own: what it has to be, and how it is asked and told."""

import asyncio
from typing import Protocol, runtime_checkable

from refold_async.runtime.foreign_errors import EXITS, safe_repr
from refold_async.runtime.log import logger

__all__ = ["Limiter", "LimiterError", "ask", "tell_throttled"]


@runtime_checkable
class Limiter(Protocol):
    """What `AsyncRefold(rate_limit=...)` takes beside a `RateLimit`: any object with this method.

    The client keeps the queue: it awaits `acquire` once for each attempt, for one at a time, and never while it has no
    connection free; then the attempt leaves at once. What `acquire` raises is the error of the call whose turn it was.

    It may also have a plain method `throttled(until: float) -> None`. That is called when Refold answers HTTP 429, with
    the time, in seconds of `time.time()`, before which nobody who shares the limit should send. The client itself does
    not ask before then. What is about one call or linked account alone is not in it: then the time is now.
    """

    async def acquire(self) -> None:
        """Return when one more request may leave. May be cancelled while it waits, and then must grant nothing."""
        ...


class LimiterError(Exception):
    """The limiter that was given raised; `__cause__` tells what."""


async def ask(limiter: Limiter) -> LimiterError | None:
    """Wait for the limiter to let one request leave; return what it raised instead."""
    task = asyncio.current_task()
    try:
        await limiter.acquire()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as cause:
        if isinstance(cause, asyncio.CancelledError) and task is not None and task.cancelling():
            raise
        error = LimiterError(f"The limiter given as rate_limit= raised {safe_repr(cause)}.")
        error.__cause__ = cause
        return error
    return None


def tell_throttled(limiter: Limiter, until: float) -> None:
    """Tell the limiter, if it wants to know, before which time nobody should send, by `time.time()`."""
    try:
        tell = getattr(limiter, "throttled", None)
        if tell is not None:
            tell(until)
    except EXITS:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it raises, the call's own outcome stands
        logger.error("The limiter given as rate_limit= failed in throttled()", exc_info=error)
