"""Waiting for an attempt's permit within the time of the call, and the errors of those who wait too long."""

import asyncio
import contextlib
import math
from collections.abc import Generator

from refold_async.errors import APIConnectionError, APITimeoutError, ClientClosedError, RateLimitError, RefoldError
from refold_async.faults import Fault
from refold_async.limits.outside_limiter import LimiterError
from refold_async.limits.permits import KeptWaitingError, Permit
from refold_async.limits.scheduler import RequestScheduler
from refold_async.pipeline.call_state import CallState
from refold_async.pipeline.item_context import ItemContext
from refold_async.transport.deadlines import Deadline

__all__ = ["wait_for_permit", "waiting"]


@contextlib.contextmanager
def waiting(call: CallState, item_until: float = math.inf) -> Generator[Deadline]:
    """Limit a wait before an attempt to the time of the call; that of an item's call, until `item_until`."""
    deadlines, item = call.deadlines, call.item
    began = deadlines.now()
    limit = Deadline(deadlines, call.deadline if item is None else item_until)
    if item is not None:
        if item.must_not_begin:
            raise asyncio.CancelledError("the fan-out was stopped")
        # The item's own time stands still meanwhile.
        item.waits += 1
    try:
        with limit:
            yield limit
    finally:
        if item is not None:
            item.waits -= 1
            call.deadline += deadlines.now() - began


async def wait_for_permit(
    scheduler: RequestScheduler, connections: int, call: CallState, permit: Permit, delay: float
) -> None:
    """Wait for `delay` seconds and the rate limit, and take a connection, within the time the call has.

    Args:
        scheduler: What gives the permit.
        connections: How many connections the client has, for messages.
        call: The call.
        permit: The permit that its attempt needs.
        delay: Seconds to wait before it asks for the permit.

    Raises:
        APITimeoutError: The time is over, or will be before Refold wants to hear from us again.
        ClientClosedError: The client was closed meanwhile.
        APIConnectionError: The limiter raised.
        RateLimitError: Refusals have kept an item waiting for as long as its fan-out allows.
    """
    deadlines = call.deadlines
    began = deadlines.now()
    item = call.item
    item_until = math.inf
    if item is not None and permit.refused:
        item.refused += 1
        item_until = began + item.refusal_wait_left
    pause = scheduler.pause(began, permit.account)
    if item is None and pause > call.deadline - began:
        raise _paused(pause)
    limiter_error: LimiterError | None
    try:
        with waiting(call, item_until):
            await scheduler.acquire(permit, delay)
        return
    except LimiterError as raised:
        limiter_error = raised
    except (TimeoutError, KeptWaitingError):
        limiter_error = None
    finally:
        now = deadlines.now()
        waited = now - began
        if call.observation is not None:
            call.observation.note_queued(waited)
        if item is not None and permit.refused:
            item.refused -= 1
            item.note_refusal_wait(waited, now)
    if limiter_error is not None:
        raise APIConnectionError(str(limiter_error)) from limiter_error.__cause__
    if deadlines.closed:
        raise ClientClosedError("The client was closed while the call waited to be sent.")
    if item is not None:
        raise _kept_waiting(scheduler, call, item, permit)
    if (pause := scheduler.pause(deadlines.now(), permit.account)) > 0:
        raise _paused(pause)
    raise APITimeoutError(
        f"Waited {waited:.3g} seconds in vain for the rate limit, the limits of its linked account, or one of the "
        f"{connections} connections (max_connections=); the time was up (timeout total=)."
    )


def _paused(pause: float) -> APITimeoutError:
    error = APITimeoutError(
        f"Calls were refused (HTTP 429), and this one would have to wait for another {pause:.3g} seconds "
        "(Retry-After), which is longer than it may take (timeout total=)."
    )
    error.retry_after = pause
    return error


def _kept_waiting(scheduler: RequestScheduler, call: CallState, item: ItemContext, permit: Permit) -> RefoldError:
    """Return the error of an item that refusals have kept waiting for too long: the last of them, if it was one."""
    from refold_async.pipeline.error_details import add_to_message

    error, call.refusal = call.refusal, None
    if error is None:
        error = RateLimitError("Calls for its linked account are refused (HTTP 429).", status_code=429)
        error.fault = Fault.RATE_LIMITED
        error.retry_after = scheduler.pause(call.deadlines.now(), permit.account)
    add_to_message(
        error, f"Refusals kept it waiting for the {item.max_refusal_wait:g} seconds that max_refusal_wait= allows."
    )
    return error
