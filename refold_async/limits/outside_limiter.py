"""The caller's own limiter: its interface, and how it is called."""

import asyncio
from typing import Protocol, runtime_checkable

from refold_async.runtime.foreign_errors import EXITS, safe_repr
from refold_async.runtime.log import logger

__all__ = ["Limiter", "LimiterError", "ask", "tell_throttled"]


@runtime_checkable
class Limiter(Protocol):
    """The interface of a limiter for `AsyncRefold(rate_limit=...)`, which also accepts a `RateLimit`.

    A limiter is any object with the async method `acquire`. The client keeps the queue of calls: it awaits `acquire`
    once for each attempt, for one attempt at a time, and only while it has a free connection. When `acquire` returns,
    the attempt is sent immediately. If `acquire` raises, the call whose turn it was fails with `APIConnectionError`,
    whose cause is that exception.

    A limiter may also have a plain method `throttled(until: float) -> None`. The client calls it when Refold returns
    HTTP 429. `until` is a time in seconds, as `time.time()` returns it: nobody who shares the limit should send before
    then, and the client itself does not call `acquire` before then. If the refusal concerns only one call or one linked
    account, `until` is the current time.
    """

    async def acquire(self) -> None:
        """Return when one more request may be sent.

        The wait may be cancelled. `acquire` must then grant nothing.
        """
        ...


class LimiterError(Exception):
    """The caller's limiter raised an exception, which is `__cause__`."""


async def ask(limiter: Limiter) -> LimiterError | None:
    """Wait until the limiter allows one request. Return the error if the limiter raised."""
    task = asyncio.current_task()
    try:
        await limiter.acquire()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as cause:
        if isinstance(cause, asyncio.CancelledError) and task is not None and task.cancelling():
            raise
        error = LimiterError(f"The limiter passed as rate_limit= raised {safe_repr(cause)}.")
        error.__cause__ = cause
        return error
    return None


def tell_throttled(limiter: Limiter, until: float) -> None:
    """Notify the limiter, if it has `throttled`, until when nobody should send, by `time.time()`."""
    try:
        tell = getattr(limiter, "throttled", None)
        if tell is not None:
            tell(until)
    except EXITS:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it raises, the outcome of the call stays the same
        logger.error("The limiter passed as rate_limit= failed in throttled(). No call is affected.", exc_info=error)
