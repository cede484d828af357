"""Polling until something is as it should be: with random pauses that grow, and within a timeout."""

import asyncio
import math
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import Final, TypeVar

import attrs

from refold_async.config.settings import Timeout
from refold_async.config.validation import check_positive, check_seconds
from refold_async.errors import APIConnectionError, APITimeoutError, RefoldError
from refold_async.faults import Fault
from refold_async.models.model import Result
from refold_async.pipeline.item_context import current_item
from refold_async.retry_table import RULES

__all__ = ["LOOK", "looks", "tell_of_looks", "told_of_last_look"]

T = TypeVar("T")

LOOK: Final = Timeout(total=30, attempt=10, connect=10)
"""The time limits of one poll. Refold does not respond to some, such as those for executions with unknown ids."""

_LAST_LOOK: Final = 1.0
"""How many seconds before the end of a wait to poll for the last time, rather than sleep until the end."""
_CUT_SHORT: Final = (
    "It had no response in time. In a fan-out, the rate limit or refusals of its linked account may have kept it "
    "waiting."
)
_GROWTH: Final = 1.5
_LONGEST_PAUSE: Final = 15.0


async def looks(
    look: Callable[[Timeout], Awaitable[T]],
    *,
    done: Callable[[T], bool],
    too_late: Callable[[T | None, int, RefoldError | None], RefoldError],
    timeout: float,
    poll_interval: float,
    pause: Callable[[float], Awaitable[object]],
) -> AsyncGenerator[tuple[T, int], None]:
    """Yield the result of each poll and the number of polls so far, until it is done. After a failed poll, poll again.

    Args:
        look: Polls once, within time limits.
        done: Returns whether a result is the last.
        too_late: Makes the error for a wait whose time is up, from the last result, the number of polls, and the
            error of the last poll, if it failed.
        timeout: Seconds in total; `math.inf` for no limit.
        poll_interval: Seconds of the first pause; later pauses grow up to 15 seconds.
        pause: Waits so many seconds.

    Raises:
        RefoldError: The error that `too_late` makes, or an error of a poll that another poll would meet too.
    """
    now = asyncio.get_running_loop().time
    deadline = now() + check_positive("timeout", timeout)
    seen: T | None = None
    problem: RefoldError | None = None
    for count, seconds in enumerate(_pauses(check_seconds("poll_interval", poll_interval))):
        if (left := deadline - now()) <= 0:
            raise too_late(seen, count, problem) from problem
        limits = attrs.evolve(LOOK, total=min(LOOK.total, left))
        knows_something = seen is not None or problem is not None
        try:
            # The call limits itself, except while it waits for its turn in a fan-out.
            async with asyncio.timeout_at(None if current_item.get() is None or deadline == math.inf else deadline):
                seen = await look(limits)
        except RefoldError as failure:
            if not _may_pass(failure):
                raise
            # The end of the wait cuts the last poll short. What is known from earlier polls says more than that.
            if now() < deadline or not knows_something:
                problem = failure
        except TimeoutError:
            if not knows_something:
                problem = APITimeoutError(_CUT_SHORT)
        else:
            problem = None
            yield seen, count + 1
            if done(seen):
                return
        left = max(0.0, deadline - now())
        await pause(min(seconds, left - _LAST_LOOK if left > _LAST_LOOK else left))


def tell_of_looks(error: RefoldError, seen: Result | None, count: int) -> None:
    """Set how many polls there were on the error of a wait, and the details of the last poll with a response."""
    error.attempts = count
    if seen is not None:
        error.meta, error.request_id = seen.meta, seen.request_id


def told_of_last_look(problem: RefoldError | None) -> str:
    """Return what a message adds about the error of the last poll; empty if it did not fail."""
    return "" if problem is None else f" The last poll failed: {problem.message}"


def _pauses(first: float) -> Iterator[float]:
    """Yield the pauses between polls, in seconds: random ones, which grow."""
    longest = first
    while True:
        yield random.uniform(longest / 2, longest)  # noqa: S311 - not a secret
        longest = max(first, min(longest * _GROWTH, _LONGEST_PAUSE))


def _may_pass(error: RefoldError) -> bool:
    """Return whether another poll may succeed: if a read would be retried, or if there was no time for this one.

    A response that cannot be read, such as the page of a gateway, may also be followed by a good one.
    """
    if error.fault is None:
        return isinstance(error, APIConnectionError)
    return error.fault is Fault.UNREADABLE or RULES[error.fault].read
