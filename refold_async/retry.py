"""When to try again: one call from the first attempt to its result or its error. The only module that knows backoff."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Final, TypeVar

import attrs
import backoff

from refold_async.admission import Admission
from refold_async.deadlines import Deadline, Deadlines
from refold_async.errors import APITimeoutError, RefoldError
from refold_async.faults import RULES, Effect, Fault, Kind
from refold_async.requests import Call
from refold_async.responses import Answer, Reader
from refold_async.settings import RetryPolicy, Timeout
from refold_async.transport import Body, Transport

__all__ = ["AttemptCount", "Sender", "attempt_count", "retry_delay", "should_retry"]

T = TypeVar("T")

logger: Final = logging.getLogger("refold_async")


@attrs.define
class AttemptCount:
    """How many attempts were made for one item of a fan-out."""

    attempts: int = 0


attempt_count: ContextVar[AttemptCount | None] = ContextVar("attempt_count", default=None)
"""Set while a fan-out works on an item."""


def should_retry(policy: RetryPolicy, kind: Kind, fault: Fault) -> bool:
    """Look up in the table whether a call of this kind is tried again after this fault."""
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
    jitter: Callable[[float], float] = backoff.full_jitter,
) -> float | None:
    """Return the seconds to wait after attempt number `attempts`, or None where that is too long to wait."""
    waits = backoff.expo(factor=policy.initial_delay, max_value=policy.max_delay)
    next(waits)  # backoff's generators start with an empty step
    wait = 0.0
    for _ in range(attempts):
        wait = next(waits)
    if retry_after is None:
        return jitter(wait)
    return None if retry_after > policy.max_retry_after else retry_after + jitter(wait)


class Sender:
    """Sends calls: each through the door, onto the wire, to the reader, and again where the table says so."""

    def __init__(
        self,
        transport: Transport,
        admission: Admission,
        policy: RetryPolicy,
        timeout: Timeout,
        secrets: tuple[str | None, ...],
    ) -> None:
        self._secrets = secrets
        self.transport = transport
        self.timeout = timeout
        self._admission = admission
        self._policy = policy

    async def send(
        self,
        call: Call,
        read: Reader[T],
        account_headers: Mapping[str, str],
        linked_account_id: str | None,
        timeout: Timeout,
    ) -> T:
        """Send `call` for an account and return what `read` makes of the answer.

        Args:
            call: What to send.
            read: Makes the answer into a value, or raises the error it stands for.
            account_headers: The headers that authenticate and name the account.
            linked_account_id: For errors and logs.
            timeout: The limits in force.

        Raises:
            RefoldError: The last attempt's error; its `effect` accounts for all attempts.
            ConfigurationError: The client is used after a fork or in another event loop.
            ClientClosedError: The client is closed.
        """
        deadlines = self.transport.check_usable()
        progress = _Progress(call, linked_account_id, timeout, deadlines, deadlines.now() + timeout.total)
        headers = {**account_headers, **call.headers} if call.headers else account_headers
        try:
            while True:
                try:
                    return read(await self._attempt(progress, headers), call)
                except RefoldError as failure:
                    error = failure
                delay = self._delay_before_next(progress, error)
                if delay is None:
                    self._complete(progress, error, headers)
                    raise error
                what = type(error).__name__
                logger.info("%s: attempt %d: %s; again in %.2f s", progress, progress.attempts, what, delay)
                await asyncio.sleep(delay)
        except asyncio.CancelledError as cancelled:
            progress.tell_of_cancellation(cancelled)
            raise

    async def _attempt(self, progress: "_Progress", headers: Mapping[str, str]) -> Answer:
        """Go through the door and make one attempt."""
        admission = self._admission
        count = attempt_count.get()
        if admission.limited or admission.crowded:
            await self._wait_at_the_door(progress, in_bulk=count is not None)
        else:
            await admission.take_connection()
        progress.attempts += 1
        if count is not None:
            count.attempts += 1
        call = progress.call
        body = progress.body = None if call.kind == "read" else Body(call.body or b"")
        status: int | None = None
        try:
            answer = await self.transport.attempt(
                call, headers, body, progress.timeout, progress.deadlines, progress.deadline
            )
            status = answer.status
            return answer
        finally:
            admission.give_back_connection()
            if logger.isEnabledFor(logging.DEBUG):
                logger.debug("%s: attempt %d: %s", progress, progress.attempts, status or "no answer")

    async def _wait_at_the_door(self, progress: "_Progress", *, in_bulk: bool) -> None:
        """Wait for the rate limit and take a connection, within the time the call has."""
        clock = progress.deadlines.now
        what = "the rate limit to let it leave"
        try:
            if in_bulk:
                # A bulk job waits for its turn as long as that takes; the item's own time stands still meanwhile.
                joined = clock()
                await self._admission.wait_for_rate()
                progress.deadline += clock() - joined
            else:
                with Deadline(progress.deadlines, progress.deadline):
                    await self._admission.wait_for_rate()
            what = f"one of the {self.transport.connections} connections (max_connections=)"
            with Deadline(progress.deadlines, progress.deadline):
                await self._admission.take_connection()
        except TimeoutError:
            pass
        else:
            return
        error = APITimeoutError(f"Waited {progress.timeout.total:g} seconds (timeout total=) in vain for {what}.")
        error.fault = Fault.NEVER_SENT
        raise error

    def _delay_before_next(self, progress: "_Progress", error: RefoldError) -> float | None:
        """Return the seconds to wait before the next attempt, or None to give up."""
        call = progress.call
        if error.fault is None:
            return None
        if call.kind != "read":
            progress.note(RULES[error.fault].effect)
        if progress.attempts > self._policy.max_retries or not should_retry(self._policy, call.kind, error.fault):
            return None
        delay = retry_delay(self._policy, progress.attempts, error.retry_after)
        if delay is None or progress.deadlines.now() + delay >= progress.deadline or self.transport.closed:
            return None
        return delay

    def _complete(self, progress: "_Progress", error: RefoldError, headers: Mapping[str, str]) -> None:
        """Fill in what every error carries."""
        error.effect = progress.effect
        error.method = progress.call.target.method
        error.url = self.transport.base_url + progress.call.target.path
        error.linked_account_id = progress.linked_account_id
        error.attempts = progress.attempts
        message = error.message
        if progress.effect == "unknown" and progress.call.kind == "write":
            message += " It may have run all the same: look in the app before you send it again."
        # A server or proxy may quote what it was sent.
        for secret in (headers.get("Authorization"), *self._secrets):
            if secret:
                message = message.replace(secret.removeprefix("Bearer "), "***")
        error.args = (message, *error.args[1:])


@attrs.define(eq=False)
class _Progress:
    """Where one call stands."""

    call: Call
    linked_account_id: str | None
    timeout: Timeout
    deadlines: Deadlines
    deadline: float
    attempts: int = 0
    effect: Effect = "none"
    body: Body | None = None

    def __str__(self) -> str:
        account = "" if self.linked_account_id is None else f" for linked account {self.linked_account_id!r}"
        return f"{self.call.target.method} {self.call.target.path.partition('?')[0]}{account}"

    def note(self, effect: Effect) -> None:
        """Add what became of one attempt: an attempt that may have run is not undone by a later one that did not."""
        if self.effect == "none" or effect == "done":
            self.effect = effect

    def tell_of_cancellation(self, cancelled: asyncio.CancelledError) -> None:
        """Leave word of a write that was cancelled after it left."""
        if self.body is not None and (self.body.begun or self.effect != "none"):
            text = f"{self}: cancelled after it was sent (attempt {self.attempts}); it may have run."
            cancelled.add_note(text)
            logger.warning(text)
