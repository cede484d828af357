"""Runs a call until it has a result or an error: permit, attempt, parse, retry."""

import asyncio
import copy
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from refold_async.config.settings import (
    RetryPolicy,
    Timeout,
    check_retry_policy,
    resolve_synchronous_timeout,
    resolve_timeout,
)
from refold_async.errors import ClientClosedError, RefoldError
from refold_async.faults import Fault
from refold_async.limits.permits import Permit
from refold_async.limits.scheduler import RequestScheduler
from refold_async.pipeline.call_state import CallState
from refold_async.pipeline.item_context import current_item
from refold_async.pipeline.large_responses import LARGE, LargeResponses
from refold_async.pipeline.permit_wait import wait_for_permit
from refold_async.protocol.endpoints import Request
from refold_async.protocol.responses import SUCCESS, Parser, Response
from refold_async.runtime.log import DEBUG, INFO, logger
from refold_async.transport.deadlines import Deadline
from refold_async.transport.request_body import Body, RecordedBody
from refold_async.transport.transport import Transport

if TYPE_CHECKING:
    from refold_async.limits.lanes import Lane
    from refold_async.limits.slot_interfaces import SlotPool
    from refold_async.pipeline.credentials import Credentials
    from refold_async.pipeline.observers import CheckedObserver, Observers

__all__ = ["Pipeline"]

T = TypeVar("T")


class Pipeline:
    """Sends calls. Each waits for a permit, is sent and parsed, and is retried if the retry table allows it."""

    def __init__(
        self,
        transport: Transport,
        scheduler: RequestScheduler,
        policy: RetryPolicy,
        timeout: Timeout,
        synchronous_timeout: Timeout,
        secrets: list[str],
        observers: "Sequence[CheckedObserver]" = (),
    ) -> None:
        self._own_secrets = secrets
        self.transport = transport
        self.timeout = timeout
        self.synchronous_timeout = synchronous_timeout
        self._scheduler = scheduler
        self._policy = policy
        self._large_responses = LargeResponses()
        self.memory: dict[str, Any] = {}
        """What resources keep for as long as the client lives. Pipelines with other options share it."""
        self._given_observers = observers
        self._observed = bool(observers)
        """Whether anything other than the log observes the calls."""

    def with_options(self, timeout: Timeout | float | None, retry: RetryPolicy | None) -> "Pipeline":
        """Return a pipeline with the same connections and limits, and with other defaults where they are given.

        Raises:
            ConfigurationError: An option is invalid.
        """
        if self._observed:
            _ = self._observers  # created now, so that both share it: an observer's error is logged once
        derived = copy.copy(self)
        derived.timeout = resolve_timeout(timeout, self.timeout)
        derived.synchronous_timeout = resolve_synchronous_timeout(timeout, self.synchronous_timeout)
        derived._policy = self._policy if retry is None else check_retry_policy(retry)
        return derived

    def lane(self, account: str | None, slots: "SlotPool") -> "Lane | None":
        """Return the queue in which items of a fan-out wait for an account, or None if nothing limits the account."""
        return self._scheduler.lane(account, slots, asyncio.get_running_loop().time())

    async def send(
        self,
        request: Request,
        parse: Parser[T],
        account_headers: Mapping[str, str],
        linked_account_id: str | None,
        timeout: Timeout,
        credentials: "Credentials | None" = None,
    ) -> T:
        """Send `request` for an account and return what `parse` makes of the response.

        Args:
            request: What to send.
            parse: Turns the response into a value, or raises the error that it represents.
            account_headers: The headers that authenticate and identify the account.
            linked_account_id: The linked account, for errors, logs and observers.
            timeout: The timeouts that apply.
            credentials: Gives further headers that authenticate, and new ones if Refold refuses those.

        Raises:
            RefoldError: The last attempt's error; its `effect` covers all attempts.
            ConfigurationError: The client is used after a fork or in another event loop.
            ClientClosedError: The client is closed.
        """
        try:
            deadlines = self.transport.check_usable()
        except RefoldError as refusal:
            self._annotate(refusal, request, linked_account_id)
            raise
        began = deadlines.now()
        call = CallState(
            request, linked_account_id, timeout, deadlines, began, began + timeout.total, current_item.get()
        )
        try:
            if self._observed:
                self._observers.call_started(call)
                request = call.request
            headers = {**account_headers, **request.headers} if request.headers else account_headers
            while True:
                try:
                    if credentials is not None:
                        headers = {**await credentials.authenticate(call), **request.headers}
                    value = await self._attempt(call, headers, parse)
                    break
                except RefoldError as failure:
                    error = failure
                if credentials is not None and credentials.renew(call, headers, error):
                    continue
                if not await self._wait_for_retry(call, error):
                    self._annotate_failure(call, error)
                    try:
                        # Lower frames hold the response, and this one would hold the error that holds this frame.
                        raise error.with_traceback(None)
                    finally:
                        del error
        except BaseException as reason:
            self._end(call, reason)
            raise
        if call.observation is not None:
            self._observers.call_ended(call, None)
        return value

    async def _attempt(self, call: CallState, headers: Mapping[str, str], parse: Parser[T]) -> T:
        """Wait for a permit, send the request once, and return what `parse` makes of the response."""
        request, item, deadlines = call.request, call.item, call.deadlines
        permit = call.permit = Permit(
            call.linked_account_id or headers.get("Authorization"), "interactive" if item is None else "bulk", item
        )
        permit.refused = call.refusal is not None
        call.sent = False
        observation = call.observation
        response: Response | None = None
        try:
            if item is not None and item.must_not_begin:
                raise asyncio.CancelledError("the fan-out was stopped")
            delay, call.delay = call.delay, 0.0
            if delay or not self._scheduler.try_acquire(permit, deadlines.now()):
                await wait_for_permit(self._scheduler, self.transport.connections, call, permit, delay)
            call.refusal = None
            try:
                leaves_before = None
                if item is not None:
                    leaves_before = await item.before_sending(write=request.kind == "write")
                call.sent = True
                call.attempts += 1
                body = None
                if request.kind != "read" or request.body is not None:
                    content = request.body or b""
                    body = Body(content) if leaves_before is None else RecordedBody(content, leaves_before)
                call.body = body
                if observation is not None:
                    observation.left_at = deadlines.now()
                response = await self.transport.attempt(request, headers, body, call.timeout, deadlines, call.deadline)
            finally:
                if observation is not None:
                    observation.returned_at = deadlines.now()
                self._scheduler.release(permit)
            response.attempts = call.attempts
            response.secrets = self._secrets(headers) if "Authorization" in headers else self._own_secrets
            if request.secrets:
                response.secrets = [*request.secrets, *response.secrets]
            now = deadlines.now()
            response.elapsed = now - call.began
            if len(response.body) < LARGE or response.status not in SUCCESS:
                value = self._parse(response, request, parse)
            else:
                value = await self._parse_large(call, response, parse)
                now = deadlines.now()
        except BaseException as reason:
            self._note_failure(call, headers, response, reason)
            raise
        if self._observed or logger.enabled(INFO if item is None else DEBUG):
            self._observers.attempt_ended(call, response, None)
        self._scheduler.report(permit, None, None, now)
        if item is not None and request.kind == "read":
            item.note_without_effect(write=False)
        return value

    def _parse(self, response: Response, request: Request, parse: Parser[T]) -> T:
        """Return what `parse` makes of a response, or raise its error, without the secrets that the response quotes."""
        try:
            return parse(response, request)
        except RefoldError as failure:
            error = failure
        self._redact(error, response.secrets, response)
        raise error

    async def _parse_large(self, call: CallState, response: Response, parse: Parser[T]) -> T:
        """Parse a large response outside the event loop, within the time that the call has.

        Raises:
            RefoldError: The error that the response represents.
            APITimeoutError: The time was up before it was parsed, so its content is unknown.
            APIConnectionError: The client was closed in the meantime.
        """
        try:
            with Deadline(call.deadlines, call.deadline):
                return await self._large_responses.parse(len(response.body), self._parse, response, call.request, parse)
        except TimeoutError as expired:
            if isinstance(expired, RefoldError):
                raise
        from refold_async.pipeline.error_details import not_read_in_time

        error = not_read_in_time(call, response)
        self._redact(error, response.secrets, None)
        raise error

    def _note_failure(
        self, call: CallState, headers: Mapping[str, str], response: Response | None, reason: BaseException
    ) -> None:
        """Record the effect of an attempt that failed: for observers, the call, its item, and the scheduler."""
        if isinstance(reason, RefoldError):
            # First, because it is the context of what observers and log filters raise. Lower frames hold the response.
            reason.__traceback__ = None
            if response is None:
                self._redact(reason, self._secrets(headers), None)
        if call.sent and (self._observed or logger.enabled(INFO)):
            self._observers.attempt_ended(call, response, reason)
        if call.sent and call.item is not None and call.body is not None and not call.body.begun:
            call.item.note_no_connection()
        if not call.sent or not isinstance(reason, RefoldError):
            return
        effect = call.effect_of(reason)
        call.note(effect)
        if call.item is not None and effect == "none":
            call.item.note_without_effect(write=call.request.kind == "write")
        if reason.fault is not None:
            self._scheduler.report(call.permit, reason.fault, reason.retry_after, call.deadlines.now())

    async def _wait_for_retry(self, call: CallState, error: RefoldError) -> bool:
        """Wait until it is time for the next attempt. Return False if there is none."""
        if self.transport.closed:
            return False
        from refold_async.pipeline.retry import delay_before_retry

        delay = delay_before_retry(self._policy, call, error)
        if delay is None:
            return False
        if self._observed or logger.enabled(INFO):
            self._observers.call_retried(call, delay)
        if call.item is not None and error.fault is Fault.RATE_LIMITED:
            call.delay = delay  # it waits together with the permit, so that others can use its slot
            return True
        return await self.pause(delay)

    async def pause(self, seconds: float) -> bool:
        """Wait. Return False immediately if the client is closed, or as soon as it gets closed."""
        try:
            with Deadline(self.transport.check_usable(), math.inf):
                await asyncio.sleep(seconds)
        except (TimeoutError, ClientClosedError):
            return False
        return True

    def _end(self, call: CallState, reason: BaseException) -> None:
        """Record that a call has ended, and why, for its caller and for observers."""
        if not isinstance(reason, RefoldError):
            call.note_abandonment(reason)
        cancelled_late = call.effect != "none" and isinstance(reason, asyncio.CancelledError)
        if self._observed or cancelled_late or logger.enabled(INFO):
            self._observers.call_ended(call, reason)

    @cached_property
    def _observers(self) -> "Observers":
        """The observers of the calls, including the log."""
        from refold_async.pipeline.observers import Observers

        return Observers(self._given_observers, self.transport.base_url)

    def _redact(self, error: RefoldError, secrets: Sequence[str], response: Response | None) -> None:
        from refold_async.pipeline.error_details import redact

        redact(error, secrets, response)

    def _secrets(self, headers: Mapping[str, str]) -> Sequence[str]:
        """Return the secrets that a response to a request with these headers could quote."""
        from refold_async.pipeline.error_details import secrets_sent

        return secrets_sent(headers, self._own_secrets)

    def _annotate(self, error: RefoldError, request: Request, linked_account_id: str | None) -> None:
        from refold_async.pipeline.error_details import annotate

        annotate(error, request, self.transport.base_url, linked_account_id)

    def _annotate_failure(self, call: CallState, error: RefoldError) -> None:
        from refold_async.pipeline.error_details import annotate_failure

        annotate_failure(error, call, self.transport.base_url)

    def annotate_and_redact(
        self, error: RefoldError, request: Request, linked_account_id: str | None, headers: Mapping[str, str]
    ) -> None:
        """Add the request to an error that was made from earlier responses, and remove the secrets from the error."""
        from refold_async.protocol.redaction import redact_error

        redact_error(error, self._secrets(headers), thoroughly=True)
        self._annotate(error, request, linked_account_id)
