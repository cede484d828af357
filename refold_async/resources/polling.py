"""Looking at something again and again until it is as it should be: with pauses that grow and are random, in time."""

import asyncio
import math
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import Final, TypeVar

import attrs

from refold_async.config.settings import Timeout
from refold_async.config.validation import check_positive, check_seconds
from refold_async.errors import APIConnectionError, RefoldError
from refold_async.faults import Fault
from refold_async.models.model import Result
from refold_async.retry_table import RULES

__all__ = ["LOOK", "looks", "tell_of_looks"]

T = TypeVar("T")

LOOK: Final = Timeout(total=30, attempt=10, connect=10)
"""What a look may take: Refold leaves some unanswered, such as those at executions of unknown ids."""

_LAST_LOOK: Final = 1.0
"""How long before the end of a wait to look for the last time, in seconds, rather than to sleep through it."""
_GROWTH: Final = 1.5
_LONGEST_PAUSE: Final = 15.0


async def looks(
    look: Callable[[Timeout], Awaitable[T]],
    *,
    done: Callable[[T], bool],
    too_late: Callable[[T | None, int], RefoldError],
    timeout: float,
    poll_interval: float,
    pause: Callable[[float], Awaitable[object]],
) -> AsyncGenerator[tuple[T, int], None]:
    """Give what is seen, and how many looks it took so far, until it is done. A look that fails is followed by another.

    Args:
        look: Looks, within limits of time.
        done: Tells of what is seen whether it is the last.
        too_late: Makes the error for a wait whose time is up, of what was seen last, in so many looks.
        timeout: Seconds in all; `math.inf` for ever.
        poll_interval: Seconds of the first pause; later ones grow to 15 seconds.
        pause: Waits so many seconds.

    Raises:
        RefoldError: What `too_late` makes, or what a look raised that another would raise too.
    """
    now = asyncio.get_running_loop().time
    deadline = now() + check_positive("timeout", timeout)
    seen: T | None = None
    problem: RefoldError | None = None
    for count, seconds in enumerate(_pauses(check_seconds("poll_interval", poll_interval))):
        if (left := deadline - now()) <= 0:
            raise too_late(seen, count) from problem
        limits = attrs.evolve(LOOK, total=min(LOOK.total, left))
        try:
            # In a fan-out the call by itself would wait for its turn as long as that takes.
            async with asyncio.timeout_at(None if deadline == math.inf else deadline):
                seen = await look(limits)
        except RefoldError as failure:
            if not _may_pass(failure):
                raise
            problem = failure
        except TimeoutError:
            pass
        else:
            problem = None
            yield seen, count + 1
            if done(seen):
                return
        left = max(0.0, deadline - now())
        await pause(min(seconds, left - _LAST_LOOK if left > _LAST_LOOK else left))


def tell_of_looks(error: RefoldError, seen: Result | None, count: int) -> None:
    """Have the error of a wait tell how many looks there were, and of the call of the last that was answered."""
    error.attempts = count
    if seen is not None:
        error.meta, error.request_id = seen.meta, seen.request_id


def _pauses(first: float) -> Iterator[float]:
    """Give the pauses between looks, in seconds: random ones, that grow."""
    longest = first
    while True:
        yield random.uniform(longest / 2, longest)  # noqa: S311 - no secret
        longest = max(first, min(longest * _GROWTH, _LONGEST_PAUSE))


def _may_pass(error: RefoldError) -> bool:
    """Tell whether another look may go better: where a read is tried again, and where there was no time for it.

    So may a response that cannot be read, such as the page of a gateway.
    """
    if error.fault is None:
        return isinstance(error, APIConnectionError)
    return error.fault is Fault.UNREADABLE or RULES[error.fault].read
