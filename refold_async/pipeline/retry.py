"""Decides whether to retry, and after how long. The only module that uses backoff. Imported at the first failure."""

from collections.abc import Callable
from typing import Final

from refold_async.config.settings import RetryPolicy
from refold_async.errors import RefoldError
from refold_async.faults import Fault, Kind
from refold_async.pipeline.call_state import CallState
from refold_async.pipeline.error_details import add_to_message
from refold_async.pipeline.item_context import ItemContext
from refold_async.retry_table import RULES

__all__ = ["delay_before_retry", "retry_delay", "should_retry"]

_REFUSALS_THAT_COUNT: Final = 30
"""After how many refusals in a row the waits of an item stop growing."""


def should_retry(policy: RetryPolicy, kind: Kind, fault: Fault) -> bool:
    """Return whether the retry table allows a retry of a call of this kind after this fault."""
    rule = RULES[fault]
    if kind == "read":
        return rule.read
    if kind == "idempotent":
        return rule.idempotent
    return rule.write and (fault is not Fault.RATE_LIMITED or policy.resend_rate_limited_writes)


def retry_delay(
    policy: RetryPolicy,
    attempts: int,
    retry_after: float | None,
    jitter: Callable[[float], float] | None = None,
) -> float | None:
    """Return the seconds to wait after attempt number `attempts`, or None if the wait would be too long."""
    import backoff  # not needed by a call that fails for good

    jitter = jitter or backoff.full_jitter
    waits = backoff.expo(factor=policy.initial_delay, max_value=policy.max_delay)
    next(waits)  # backoff's generators start with an empty step
    wait = 0.0
    for _ in range(attempts):
        wait = next(waits)
    if retry_after is None:
        return jitter(wait)
    return None if retry_after > policy.max_retry_after else retry_after + jitter(wait)


def delay_before_retry(policy: RetryPolicy, call: CallState, error: RefoldError) -> float | None:
    """Return the seconds to wait before the next attempt of a call, or None to give up."""
    fault = error.fault
    if fault is None or not call.sent or not should_retry(policy, call.request.kind, fault):
        return None
    now = call.deadlines.now()
    if call.item is not None and fault is Fault.RATE_LIMITED:
        return _delay_of_refused_item(policy, call, call.item, error, now)
    attempts = call.attempts - call.refusals
    if attempts > policy.max_retries:
        return None
    delay = retry_delay(policy, attempts, error.retry_after)
    return None if delay is None or now + delay >= call.deadline else delay


def _delay_of_refused_item(
    policy: RetryPolicy, call: CallState, item: ItemContext, error: RefoldError, now: float
) -> float | None:
    """Let a refused item wait for its next turn, any number of times, for as long as refusals may keep it waiting."""
    call.refusals += 1
    waited = now - call.permit.sent_at
    call.deadline += waited
    item.note_refusal_wait(waited, now)
    asked = error.retry_after or 0.0
    if asked >= item.refusal_wait_left:
        told = f"Refold asks to wait for {asked:g} seconds (Retry-After)" if asked else "Refusals kept it waiting"
        add_to_message(error, f"{told}, longer than max_refusal_wait={item.max_refusal_wait:g} allows.")
        return None
    call.refusal = error.with_traceback(None)
    # The scheduler knows how long to wait, unless only this call is refused repeatedly.
    return asked + (retry_delay(policy, min(call.refusals - 1, _REFUSALS_THAT_COUNT), None) or 0.0)
