"""A single call whose write is reconciled if it may have run, within the time that the call has."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import attrs

from refold_async.codec import json_codec
from refold_async.config.settings import Timeout
from refold_async.errors import ConfigurationError, RefoldError
from refold_async.models.results import ActionResult
from refold_async.pipeline.call_events import named_call
from refold_async.pipeline.item_context import current_item
from refold_async.pipeline.reconciling.found_results import found_result, with_meta
from refold_async.pipeline.reconciling.reconcile import Done, Reconcile, UnknownWrite, check_reconcile
from refold_async.pipeline.reconciling.reconciliation import Reconciliation, is_unknown_write
from refold_async.protocol.action_results import parse_action_result
from refold_async.protocol.endpoints import Request
from refold_async.resources.resource import Send
from refold_async.runtime.log import logger

__all__ = ["ReconciledCall"]

_CANCELLED: Final = "%s: cancelled while it was not clear whether it ran (attempt %d). Check before you retry it."


class ReconciledCall:
    """A call of `execute_action` with `reconcile=`.

    Attributes:
        item: The item of a fan-out that the call is made for, or None.
    """

    def __init__(
        self,
        scope: Any,
        send: Send,
        pause: Callable[[float], Awaitable[bool]],
        request: Request,
        limits: Timeout,
    ) -> None:
        """Prepare the call.

        Args:
            scope: The scope of the linked account.
            send: Sends a request of the scope.
            pause: Waits for some seconds; returns False if the client is closed.
            request: The request.
            limits: The time limits of the call. `total` covers the looks too.
        """
        self._scope = scope
        self._send = send
        self._pause = pause
        self._request = request
        self._limits = limits
        self._now = asyncio.get_running_loop().time
        self._began = self._now()
        self.item = current_item.get()
        self._waited_before = 0.0 if self.item is None else self.item.waited
        self._attempts = 0

    async def run(self, reconcile: Reconcile, into: Any, save_to: object) -> ActionResult[Any]:
        """Send the request, and reconcile it if it may have run.

        Args:
            reconcile: How to look for it.
            into: The type to convert `data` into.
            save_to: What the caller passed as `save_to=`; must be None.

        Raises:
            ConfigurationError: `reconcile` is not a `Reconcile`, or the call cannot have one.
            RefoldError: The error of the call.
        """
        check_reconcile(reconcile, idempotent=self._request.kind == "idempotent")
        if save_to is not None:
            raise ConfigurationError(
                "reconcile= cannot be combined with save_to=: a look cannot return the file. Leave one of them out."
            )
        self._parse = parse_action_result(into)
        try:
            return await self._send(self._request, self._parse, self._limits)
        except RefoldError as failure:
            if not is_unknown_write(failure):
                raise
            error = failure
        self._attempts = error.attempts
        write = UnknownWrite(
            key=None,
            item=None,
            parameters=json_codec.decode(self._request.body or b"{}"),
            first_started_at=error.sent_at,
            last_sent_at=error.sent_at,
            error=error,
        )
        reconciliation = Reconciliation(
            reconcile, self._scope, self._request.target.subject, write, self, sends=1, over_at=self._now()
        )
        try:
            result = await reconciliation.run()
            if isinstance(result, Done):
                result = found_result(result.data, self._request, self._parse)
        except asyncio.CancelledError as cancelled:
            target = self._request.target
            name = named_call(target.method, target.path, self._scope.linked_account_id)
            cancelled.add_note(_CANCELLED % (name, self._attempts))
            logger.warning(_CANCELLED, name, self._attempts)
            raise
        except RefoldError as failure:
            failure.attempts = self._attempts
            failure.meta = attrs.evolve(failure.meta, attempts=self._attempts, elapsed=self._now() - self._began)
            raise
        return with_meta(result, reconciliation.reconciled, attempts=self._attempts, elapsed=self._now() - self._began)

    @property
    def seconds_to_look(self) -> float:
        """How long the next look may take: for as long as the call has time."""
        waited = 0.0 if self.item is None else self.item.waited - self._waited_before
        return self._began + self._limits.total + waited - self._now()

    async def wait_until(self, time: float) -> str | None:
        """Wait until a time, by the clock of the event loop. Return None, or why there is no time for that."""
        pause = max(0.0, time - self._now())
        if self.seconds_to_look <= pause:
            return (
                f"the time of the call was too short to find out whether it ran ({self._limits.total:g} seconds, "
                "Timeout.total)."
            )
        if pause and not await self._pause(pause):
            return "the client was closed before it was clear whether it ran."
        return None

    async def send_again(self) -> ActionResult[Any]:
        """Send the write once more, and return its result."""
        limits = self._limits.with_total(max(self.seconds_to_look, 0.001))
        try:
            result = await self._send(self._request, self._parse, limits)
        except RefoldError as error:
            self._attempts += error.attempts
            raise
        self._attempts += result.meta.attempts
        return result

    async def note_unknown(self, error: RefoldError) -> None:
        """Do nothing: the call itself reports its error."""
