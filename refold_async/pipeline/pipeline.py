"""When to try again: one call from the first attempt to its result or its error. The only module that knows backoff."""

import asyncio
import contextlib
import copy
import math
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import attrs

from refold_async.config.secret import Secret
from refold_async.config.settings import RetryPolicy, Timeout
from refold_async.errors import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    ClientClosedError,
    RateLimitError,
    RefoldError,
)
from refold_async.faults import Effect, Fault, Kind
from refold_async.limits.outside_limiter import LimiterError
from refold_async.limits.permits import KeptWaitingError, Permit
from refold_async.limits.scheduler import RequestScheduler
from refold_async.pipeline.item_context import ItemContext, current_item
from refold_async.pipeline.large_responses import LARGE, LargeResponses
from refold_async.protocol.endpoints import Request
from refold_async.protocol.responses import Parser, Response
from refold_async.retry_table import RULES
from refold_async.runtime.log import logger
from refold_async.transport.deadlines import Deadline, Deadlines
from refold_async.transport.request_body import Body
from refold_async.transport.transport import Transport

if TYPE_CHECKING:
    from refold_async.limits.lanes import Lane
    from refold_async.limits.slot_holders import SlotPool

__all__ = ["Credentials", "Pipeline", "retry_delay", "should_retry"]

T = TypeVar("T")

_REFUSALS_THAT_COUNT: Final = 30
"""How many refusals in a row make an item of a fan-out wait longer each time."""


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
    jitter: Callable[[float], float] | None = None,
) -> float | None:
    """Return the seconds to wait after attempt number `attempts`, or None where that is too long to wait."""
    import backoff  # loaded by the first failure

    jitter = jitter or backoff.full_jitter
    waits = backoff.expo(factor=policy.initial_delay, max_value=policy.max_delay)
    next(waits)  # backoff's generators start with an empty step
    wait = 0.0
    for _ in range(attempts):
        wait = next(waits)
    if retry_after is None:
        return jitter(wait)
    return None if retry_after > policy.max_retry_after else retry_after + jitter(wait)


class Credentials(Protocol):
    """What authenticates the calls of an account where that changes: a token that is fetched, and renewed."""

    def at_hand(self) -> Mapping[str, str] | None:
        """Return the headers, or None where they are to be fetched."""
        ...

    async def fetch(self) -> Mapping[str, str]:
        """Return new headers."""
        ...

    def refused(self, headers: Mapping[str, str]) -> None:
        """Note that Refold refused these headers."""
        ...


class Pipeline:
    """Sends calls: each through the door, onto the wire, to the reader, and again where the table says so."""

    def __init__(
        self,
        transport: Transport,
        admission: RequestScheduler,
        policy: RetryPolicy,
        timeout: Timeout,
        synchronous_timeout: Timeout,
        secrets: list[str],
    ) -> None:
        self._own_secrets = secrets
        self.transport = transport
        self.timeout = timeout
        self.synchronous_timeout = synchronous_timeout
        self._scheduler = admission
        self._policy = policy
        self._large_responses = LargeResponses()

    def lane(self, account: str | None, slots: "SlotPool") -> "Lane | None":
        """Return where the items of a fan-out wait for an account, or None if nothing limits that."""
        return self._scheduler.lane(account, slots, asyncio.get_running_loop().time())

    async def send(
        self,
        request: Request,
        parse: Parser[T],
        account_headers: Mapping[str, str],
        linked_account_id: str | None,
        timeout: Timeout,
        credentials: Credentials | None = None,
    ) -> T:
        """Send `request` for an account and return what `parse` makes of the answer.

        Args:
            request: What to send.
            parse: Makes the answer into a value, or raises the error it stands for.
            account_headers: The headers that authenticate and name the account.
            linked_account_id: For errors and logs.
            timeout: The limits in force.
            credentials: Gives further headers that authenticate, new ones where Refold refuses those it gave.

        Raises:
            RefoldError: The last attempt's error; its `effect` accounts for all attempts.
            ConfigurationError: The client is used after a fork or in another event loop.
            ClientClosedError: The client is closed.
        """
        try:
            deadlines = self.transport.check_usable()
        except RefoldError as refusal:
            self.annotate(refusal, request, linked_account_id)
            raise
        progress = CallState(
            request, linked_account_id, timeout, deadlines, deadlines.now() + timeout.total, current_item.get()
        )
        headers = {**account_headers, **request.headers} if request.headers else account_headers
        response: Response | None = None
        try:
            while True:
                if credentials is not None:
                    headers = {**await self._authenticate(progress, credentials), **request.headers}
                try:
                    response = await self._attempt(progress, headers)
                    if len(response.body) < LARGE or response.status >= 300:
                        value = self._read(response, request, parse, headers)
                    else:
                        value = await self._read_large(progress, response, parse, headers)
                except RefoldError as failure:
                    error = failure
                else:
                    self._note_success(progress)
                    return value
                self._note_failure(progress, error)
                if response is None:
                    self._redact(error, headers, None)
                response = None
                if credentials is not None and self._may_renew(progress, error):
                    credentials.refused(headers)
                    continue
                delay = self._delay_before_next(progress, error)
                if delay is None or not await self._pause(progress, error, delay):
                    self._annotate_failure(progress, error)
                    try:
                        # Frames below hold the answer, and this one would hold the error that holds this one.
                        raise error.with_traceback(None)
                    finally:
                        del error
        except asyncio.CancelledError as cancelled:
            progress.tell_of_cancellation(cancelled)
            raise

    def _read(self, response: Response, request: Request, parse: Parser[T], headers: Mapping[str, str]) -> T:
        """Return what `parse` makes of an answer, or raise the error it stands for, without the secrets it quotes."""
        try:
            return parse(response, request)
        except RefoldError as failure:
            error = failure
        self._redact(error, headers, response)
        raise error

    async def _read_large(
        self, progress: "CallState", response: Response, parse: Parser[T], headers: Mapping[str, str]
    ) -> T:
        """Read a large answer beside the loop, within the time the call has.

        Raises:
            RefoldError: What the answer stands for.
            APITimeoutError: The time was up before it was read: what it would have told is not known.
            APIConnectionError: The client was closed meanwhile.
        """
        deadlines, request = progress.deadlines, progress.request
        error: RefoldError
        try:
            with Deadline(deadlines, progress.deadline):
                return await self._large_responses.read(
                    len(response.body), self._read, response, request, parse, headers
                )
        except TimeoutError as expired:
            if isinstance(expired, RefoldError):
                raise
        told = (
            f"The answer about {request.target.subject} came, {len(response.body):,} bytes, and was not yet read when "
        )
        if deadlines.closed:
            error = APIConnectionError(f"{told}the client was closed.")
        else:
            error = APITimeoutError(f"{told}the time was up (timeout total={progress.timeout.total:g}).")
        error.fault = Fault.UNREADABLE
        raise error

    async def _authenticate(self, progress: "CallState", credentials: Credentials) -> Mapping[str, str]:
        """Return the headers that authenticate, waiting for them within the time the call has."""
        if (headers := credentials.at_hand()) is not None:
            return headers
        progress.sent = False
        problem: RefoldError
        try:
            with self._waiting(progress):
                return await credentials.fetch()
        except RefoldError as failure:
            problem = copy.copy(failure)  # each who waits raises one of its own
            problem.__cause__ = failure.__cause__
        except TimeoutError:
            problem = APITimeoutError("Waited in vain for a session token; the time was up (timeout total=).")
        if progress.deadlines.closed:
            problem = ClientClosedError("The client was closed while the call waited for a session token.")
        self._annotate_failure(progress, problem)
        raise problem

    @staticmethod
    def _may_renew(progress: "CallState", error: RefoldError) -> bool:
        """Tell whether to send once more with other credentials: refused at the door, even a write did nothing.

        But that a synchronous workflow set the status cannot be ruled out.
        """
        if not isinstance(error, AuthenticationError) or progress.renewed or progress.request.synchronous:
            return False
        progress.renewed = True
        return True

    @contextlib.contextmanager
    def _waiting(self, progress: "CallState", item_until: float = math.inf) -> Generator[Deadline]:
        """Limit a wait before an attempt to the time of the call; a job's waits until `item_until`."""
        deadlines, item = progress.deadlines, progress.item
        began = deadlines.now()
        limit = Deadline(deadlines, progress.deadline if item is None else item_until)
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
                progress.deadline += deadlines.now() - began

    async def _attempt(self, progress: "CallState", headers: Mapping[str, str]) -> Response:
        """Go through the door and make one attempt."""
        request = progress.request
        item = progress.item
        permit = progress.permit = Permit(
            progress.linked_account_id or headers.get("Authorization"), "interactive" if item is None else "bulk", item
        )
        permit.refused = progress.refusal is not None
        progress.sent = False
        if item is not None and item.must_not_begin:
            raise asyncio.CancelledError("the fan-out was stopped")
        delay, progress.delay = progress.delay, 0.0
        if delay or not self._scheduler.try_acquire(permit, progress.deadlines.now()):
            await self._wait_for_permit(progress, permit, delay)
        progress.refusal = None
        status: int | None = None
        try:
            if item is not None:
                await item.before_sending(write=request.kind == "write")
            progress.sent = True
            progress.attempts += 1
            body = progress.body = (
                Body(request.body or b"") if request.kind != "read" or request.body is not None else None
            )
            response = await self.transport.attempt(
                request, headers, body, progress.timeout, progress.deadlines, progress.deadline
            )
            status = response.status
            return response
        finally:
            self._scheduler.release(permit)
            if progress.sent:
                logger.debug("%s: attempt %d: %s", progress, progress.attempts, status or "no answer")

    async def _wait_for_permit(self, progress: "CallState", permit: Permit, delay: float) -> None:
        """Wait for `delay` seconds and the rate limit, and take a connection, within the time the call has.

        Raises:
            APITimeoutError: The time is over, or will be before Refold wants to hear from us again.
            ClientClosedError: The client was closed meanwhile.
            APIConnectionError: The limiter raised.
            RateLimitError: Refusals have kept an item waiting for as long as its fan-out allows.
        """
        deadlines = progress.deadlines
        began = deadlines.now()
        item = progress.item
        item_until = math.inf
        if item is not None and permit.refused:
            item.refused += 1
            item_until = began + item.refusal_wait_left
        pause = self._scheduler.pause(began, permit.account)
        if progress.item is None and pause > progress.deadline - began:
            raise self._paused(pause)
        limiter_error: LimiterError | None
        try:
            with self._waiting(progress, item_until):
                await self._scheduler.acquire(permit, delay)
            return
        except LimiterError as raised:
            limiter_error = raised
        except (TimeoutError, KeptWaitingError):
            limiter_error = None
        finally:
            if item is not None and permit.refused:
                item.refused -= 1
                item.note_refusal_wait(deadlines.now() - began, deadlines.now())
        waited = deadlines.now() - began
        if limiter_error is not None:
            raise APIConnectionError(str(limiter_error)) from limiter_error.__cause__
        if deadlines.closed:
            raise ClientClosedError("The client was closed while the call waited to be sent.")
        if item is not None:
            raise self._kept_waiting(progress, item, permit)
        if (pause := self._scheduler.pause(deadlines.now(), permit.account)) > 0:
            raise self._paused(pause)
        raise APITimeoutError(
            f"Waited {waited:.3g} seconds in vain for the rate limit, the limits of its linked account, or one of the "
            f"{self.transport.connections} connections (max_connections=); the time was up (timeout total=)."
        )

    @staticmethod
    def _paused(pause: float) -> APITimeoutError:
        error = APITimeoutError(
            f"Calls were refused (HTTP 429), and this one would have to wait for another {pause:.3g} seconds "
            "(Retry-After), which is longer than it may take (timeout total=)."
        )
        error.retry_after = pause
        return error

    def _kept_waiting(self, progress: "CallState", item: ItemContext, permit: Permit) -> RefoldError:
        """Return the error of an item that refusals have kept waiting for too long: the last of them, if it was one."""
        error, progress.refusal = progress.refusal, None
        if error is None:
            error = RateLimitError("Calls for its linked account are refused (HTTP 429).", status_code=429)
            error.fault = Fault.RATE_LIMITED
            error.retry_after = self._scheduler.pause(progress.deadlines.now(), permit.account)
        return _with_addition(
            error, f"Refusals kept it waiting for the {item.max_refusal_wait:g} seconds that max_refusal_wait= allows."
        )

    def _note_success(self, progress: "CallState") -> None:
        self._scheduler.report(progress.permit, None, None, progress.deadlines.now())
        if progress.item is not None and progress.request.kind == "read":
            progress.item.after_sending_in_vain(write=False)

    def _note_failure(self, progress: "CallState", error: RefoldError) -> None:
        """Note what became of the attempt, for the call, the item it is for, and the door."""
        if not progress.sent:
            return
        kind = progress.request.kind
        effect: Effect = "none" if error.fault is None or kind == "read" else RULES[error.fault].effect
        progress.note(effect)
        if progress.item is not None and effect == "none":
            progress.item.after_sending_in_vain(write=kind == "write")
        if error.fault is not None:
            self._scheduler.report(progress.permit, error.fault, error.retry_after, progress.deadlines.now())

    def _delay_before_next(self, progress: "CallState", error: RefoldError) -> float | None:
        """Return the seconds to wait before the next attempt, or None to give up."""
        fault = error.fault
        if (
            fault is None
            or not progress.sent
            or self.transport.closed
            or not should_retry(self._policy, progress.request.kind, fault)
        ):
            return None
        now = progress.deadlines.now()
        if progress.item is not None and fault is Fault.RATE_LIMITED:
            return self._delay_of_item(progress, progress.item, error, now)
        attempts = progress.attempts - progress.refusals
        if attempts > self._policy.max_retries:
            return None
        delay = retry_delay(self._policy, attempts, error.retry_after)
        return None if delay is None or now + delay >= progress.deadline else delay

    def _delay_of_item(self, progress: "CallState", item: ItemContext, error: RefoldError, now: float) -> float | None:
        """Have an item that was refused take its turn again, however often, within the time it may be kept waiting."""
        progress.refusals += 1
        waited = now - progress.permit.sent_at
        progress.deadline += waited
        item.note_refusal_wait(waited, now)
        asked = error.retry_after or 0.0
        if asked >= item.refusal_wait_left:
            told = f"It asks to wait for {asked:g} seconds (Retry-After)" if asked else "Refusals have kept it waiting"
            _with_addition(error, f"{told}, longer than max_refusal_wait={item.max_refusal_wait:g} allows.")
            return None
        progress.refusal = error.with_traceback(None)
        # The door knows how long to wait, unless it is this call that is refused again and again.
        return asked + (retry_delay(self._policy, min(progress.refusals - 1, _REFUSALS_THAT_COUNT), None) or 0.0)

    async def _pause(self, progress: "CallState", error: RefoldError, delay: float) -> bool:
        """Wait before the next attempt; return False if the client is closed meanwhile."""
        status = getattr(error, "status_code", None)
        what = type(error).__name__ if status is None else f"HTTP {status}"
        logger.info("%s: attempt %d: %s; again in %.2f s", progress, progress.attempts, what, delay)
        if progress.item is not None and error.fault is Fault.RATE_LIMITED:
            progress.delay = delay  # at the door, where others have its place meanwhile
            return True
        return await self.pause(delay)

    async def pause(self, seconds: float) -> bool:
        """Wait; return False at once if the client is, or meanwhile gets, closed."""
        try:
            with Deadline(self.transport.check_usable(), math.inf):
                await asyncio.sleep(seconds)
        except (TimeoutError, ClientClosedError):
            return False
        return True

    def _secrets(self, headers: Mapping[str, str]) -> list[str]:
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        return [Secret(token), *self._own_secrets] if token else self._own_secrets

    def _redact(self, error: RefoldError, headers: Mapping[str, str], response: Response | None) -> None:
        """Take out of an error what its answer quotes of the secrets that were sent."""
        from refold_async.protocol.redaction import quotes, redact_error

        secrets = self._secrets(headers)
        if secrets:
            # What was made of a large body is looked through only where the body itself holds one.
            redact_error(error, secrets, thoroughly=response is not None and quotes(response.body, secrets))

    def annotate(self, error: RefoldError, request: Request, linked_account_id: str | None) -> None:
        """Fill in what an error is about."""
        error.method = request.target.method
        error.url = self.transport.base_url + request.target.path
        error.linked_account_id = linked_account_id

    def annotate_and_redact(
        self, error: RefoldError, request: Request, linked_account_id: str | None, headers: Mapping[str, str]
    ) -> None:
        """Fill in what an error is about that was made of answers read before, and take the secrets out of it."""
        from refold_async.protocol.redaction import redact_error

        redact_error(error, self._secrets(headers), thoroughly=True)
        self.annotate(error, request, linked_account_id)

    def _annotate_failure(self, progress: "CallState", error: RefoldError) -> None:
        """Fill in what every error carries."""
        self.annotate(error, progress.request, progress.linked_account_id)
        error.effect = progress.effect
        error.attempts = progress.attempts
        message = error.message
        if (
            progress.effect == "unknown"
            and progress.request.kind == "write"
            and error.fault is not Fault.WORKFLOW_ERRORED
        ):
            message += " It may have run all the same: look in the app before you send it again."
        # An answer may hold half of a surrogate pair, which could not be printed.
        message = message.encode(errors="backslashreplace").decode()
        error.args = (message, *error.args[1:])


def _with_addition(error: RefoldError, text: str) -> RefoldError:
    """Return an error whose message says this too."""
    error.args = (f"{error.message} {text}", *error.args[1:])
    return error


@attrs.define(eq=False, repr=False)
class CallState:
    """Where one call stands."""

    request: Request
    linked_account_id: str | None
    timeout: Timeout
    deadlines: Deadlines
    deadline: float
    item: ItemContext | None
    attempts: int = 0
    refusals: int = 0
    """How many attempts do not count against the policy."""
    effect: Effect = "none"
    body: Body | None = None
    permit: Permit = attrs.field(init=False)
    sent: bool = False
    """Whether the present attempt was handed to the network."""
    delay: float = 0.0
    """Seconds to wait at the door before the next attempt."""
    refusal: RefoldError | None = None
    """Of an item that was refused: what with, while it waits for another try."""
    renewed: bool = False
    """Whether it was sent again because its credentials were refused."""

    def __str__(self) -> str:
        account = "" if self.linked_account_id is None else f" for linked account {self.linked_account_id!r}"
        return f"{self.request.target.method} {self.request.target.path.partition('?')[0]}{account}"

    def note(self, effect: Effect) -> None:
        """Add what became of the attempt: one that may have run is not undone by a later one that did not."""
        self.body = None
        if self.effect == "none" or effect == "done":
            self.effect = effect

    def tell_of_cancellation(self, cancelled: asyncio.CancelledError) -> None:
        """Leave word of a write that was cancelled after it left."""
        begun = self.body is not None and self.body.begun and self.request.kind != "read"
        if self.effect != "none" or begun:
            text = f"{self}: cancelled after it was sent (attempt {self.attempts}); it may have run."
            cancelled.add_note(text)
            logger.warning(text)
