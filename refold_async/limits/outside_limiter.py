"""The caller's own limiter: its interface, and how it is called."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Any, Protocol, cast, runtime_checkable

from refold_async.errors import ConfigurationError
from refold_async.limits.account_limits import MakeBucket
from refold_async.limits.fair_queue import Priority
from refold_async.runtime.foreign_errors import EXITS, safe_repr
from refold_async.runtime.log import logger

__all__ = ["Acquire", "Limiter", "LimiterError", "SharedLimit", "acquire_of", "ask", "tell_throttled", "trouble_of"]

Acquire = Callable[[Priority, int], Awaitable[None]]
"""Asks a limiter for one request of a priority, while that many of the priority wait."""


@runtime_checkable
class Limiter(Protocol):
    """The interface of a limiter for `AsyncRefold(rate_limit=...)`, which also accepts a `RateLimit`.

    A limiter is any object with the async method `acquire`. The client keeps the queue of calls: it awaits `acquire`
    once for each attempt, for one attempt at a time, and only while it has a free connection. When `acquire` returns,
    the attempt is sent immediately. If `acquire` raises, the call whose turn it was fails with `APIConnectionError`,
    whose cause is that exception.

    `acquire` may take two keyword arguments:

    - `priority` is `"interactive"`, or `"bulk"` for the requests of a fan-out. If an interactive request comes while
      `acquire` waits for a bulk one, that is cancelled, and `acquire` is called for the interactive request.
    - `waiting` is how many requests of this priority could be sent now, with this one. If another interactive request
      comes, the client cancels `acquire` and makes a new call with the new number, which must continue that wait.

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


@runtime_checkable
class SharedLimit(Protocol):
    """A limit that organisations do not share, such as `RedisRateLimit`."""

    def limiter_for(self, organisation: str) -> Limiter:
        """Return the limiter of the clients of an organisation.

        Args:
            organisation: The base URL and a fingerprint of the API key.
        """
        ...

    def account_buckets_for(self, organisation: str) -> MakeBucket:
        """Return what makes the buckets of the linked accounts of an organisation.

        Args:
            organisation: The base URL and a fingerprint of the API key.
        """
        ...


class LimiterError(Exception):
    """A limiter cannot allow a request, for the reason in `__cause__`, if there is one."""


def acquire_of(limiter: Limiter) -> tuple[Acquire, Collection[str]]:
    """Return how to ask a limiter, and the names of the arguments that it takes."""
    acquire: Any = limiter.acquire
    accepted: Collection[str] = ()
    with suppress(TypeError, ValueError):
        accepted = inspect.signature(acquire).parameters
    names = [name for name in ("priority", "waiting") if name in accepted]
    if not names:
        return lambda _priority, _waiting: acquire(), names

    def ask_for(priority: Priority, waiting: int) -> Awaitable[None]:
        given = {"priority": priority, "waiting": waiting}
        return cast("Awaitable[None]", acquire(**{name: given[name] for name in names}))

    return ask_for, names


async def ask(acquire: Acquire, priority: Priority, waiting: int) -> LimiterError | ConfigurationError | None:
    """Wait until the limiter allows one request. Return the error if it does not."""
    task = asyncio.current_task()
    try:
        await acquire(priority, waiting)
    except (KeyboardInterrupt, SystemExit):
        raise
    except (LimiterError, ConfigurationError) as error:  # from a limiter of this package
        return error
    except BaseException as cause:
        if isinstance(cause, asyncio.CancelledError) and task is not None and task.cancelling():
            raise
        raised = LimiterError(f"The limiter passed as rate_limit= raised {safe_repr(cause)}.")
        raised.__cause__ = cause
        return raised
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


def trouble_of(limiter: Limiter | None) -> str | None:
    """Return why a limiter of this package lets nobody send for now, or None if that is not known."""
    trouble = None
    with suppress(Exception):  # a limiter of the caller's may have anything of this name
        trouble = getattr(limiter, "trouble", None)
    return trouble if isinstance(trouble, str) else None
