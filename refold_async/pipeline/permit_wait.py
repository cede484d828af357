"""Waits for the permit of an attempt within the time of its call, and makes the errors for waits that take too long."""

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
    """Limit a wait before an attempt to the time of the call or, for a call of an item, to `item_until`."""
    deadlines, item = call.deadlines, call.item
    began = deadlines.now()
    limit = Deadline(deadlines, call.deadline if item is None else item_until)
    if item is not None:
        if item.must_not_begin:
            raise asyncio.CancelledError("the fan-out was stopped")
        # The time that the item's call may take is extended by the wait.
        item.waits += 1
    try:
        with limit:
            yield limit
    finally:
        if item is not None:
            waited = deadlines.now() - began
            item.waits -= 1
            item.waited += waited
            call.deadline += waited


async def wait_for_permit(
    scheduler: RequestScheduler, connections: int, call: CallState, permit: Permit, delay: float
) -> None:
    """Wait for `delay` seconds and for the rate limit, then take a connection, within the time that the call has.

    Args:
        scheduler: Grants the permit.
        connections: How many connections the client has, for messages.
        call: The call.
        permit: The permit that the attempt needs.
        delay: Seconds to wait before the permit is requested.

    Raises:
        APITimeoutError: The call has run out of time, or will before Refold accepts requests again.
        ClientClosedError: The client was closed during the wait.
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
        raise _paused(call, pause)
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
        raise _paused(call, pause)
    trouble = f" {scheduler.trouble}" if scheduler.trouble else ""
    raise APITimeoutError(
        f"The call for {call.request.target.subject} waited {waited:.3g} seconds for the rate limit, for the limits of "
        f"its linked account, or for one of the {connections} connections (max_connections=), until its "
        f"{call.timeout.total:g} seconds were over (Timeout.total).{trouble}"
    )


def _paused(call: CallState, pause: float) -> APITimeoutError:
    error = APITimeoutError(
        f"Refold refuses calls for now (HTTP 429). The call for {call.request.target.subject} would have to wait "
        f"another {pause:.3g} seconds, longer than Timeout.total={call.timeout.total:g} allows."
    )
    error.retry_after = pause
    return error


def _kept_waiting(scheduler: RequestScheduler, call: CallState, item: ItemContext, permit: Permit) -> RefoldError:
    """Return the error for an item that refusals kept waiting for too long: its own last refusal, if it had one."""
    from refold_async.pipeline.error_details import add_to_message

    error, call.refusal = call.refusal, None
    if error is None:
        error = RateLimitError("Calls for its linked account are refused (HTTP 429).", status_code=429)
        error.fault = Fault.RATE_LIMITED
        error.retry_after = scheduler.pause(call.deadlines.now(), permit.account)
    add_to_message(
        error, f"Refusals kept it waiting for max_refusal_wait={item.max_refusal_wait:g} seconds: run it again later."
    )
    return error
