"""Reconciling the items of a fan-out whose writes may have run, in this run or in an earlier one."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, TypeVar, cast

import attrs

from refold_async.codec import json_codec
from refold_async.errors import ClientClosedError, RefoldError
from refold_async.jobs.entry_recorder import EntryRecorder
from refold_async.jobs.items import TakenItem
from refold_async.jobs.recorded_outcomes import recorded_error
from refold_async.jobs.slots import Slots
from refold_async.models.results import ActionResult
from refold_async.pipeline.item_context import current_item
from refold_async.pipeline.reconciling.found_results import found_result, with_meta
from refold_async.pipeline.reconciling.reconcile import Done, Reconcile, UnknownWrite
from refold_async.pipeline.reconciling.reconciliation import Reconciliation, is_unknown_write
from refold_async.protocol.endpoints import Request
from refold_async.protocol.responses import Parser
from refold_async.transport.deadlines import Deadline, Deadlines

__all__ = ["ReconcilingCall"]

Item = TypeVar("Item")

_STOPPED: Final = "the fan-out was stopped before it was clear whether it ran."
_CLOSED: Final = "the client was closed before it was clear whether it ran."


@attrs.frozen(eq=False)
class ReconcilingCall(Generic[Item]):
    """The call of every item of a fan-out of actions with `reconcile=`."""

    reconcile: Reconcile
    """How to look for the writes."""
    request_of: Callable[[Item], Request]
    """Returns the request of an item. It is called once for an item, so that what is sent once more is the same."""
    send: Callable[[Any, Item, Request], Awaitable[ActionResult[Any]]]
    """Sends the request of an item in the scope of its account."""
    parse: Parser[ActionResult[Any]]
    """The parser of the responses."""
    key: Callable[[Item], str] | None
    """Returns the key of an item; None: the key is its linked account id."""
    seconds_to_look: Callable[[Any], float]
    """Returns how long a look in a scope may take."""
    deadlines: Callable[[], Deadlines]
    """Returns the deadlines of the client; raises an error if it is closed."""

    async def __call__(self, scope: Any, item: Item) -> ActionResult[Any]:
        """Send the request of an item, unless an earlier run may have done so, and reconcile it if it may have run."""
        taken = cast("TakenItem[Item]", current_item.get())
        recorder = taken.recorder if isinstance(taken.recorder, EntryRecorder) else None
        if recorder is not None:
            key: str | None = recorder.key
        else:
            key = scope.linked_account_id if self.key is None else self.key(item)
        request = self.request_of(item)
        write = _ItemWrite(self, scope, taken, recorder, request)
        earlier = None if recorder is None else recorder.earlier
        if earlier is None:
            try:
                return await self.send(scope, item, request)
            except RefoldError as failure:
                if not is_unknown_write(failure):
                    raise
                error = failure
            first_started_at = last_sent_at = error.sent_at
            over_at = asyncio.get_running_loop().time()
        else:
            error, over_at = recorded_error(earlier.entry), earlier.over_at
            first_started_at, last_sent_at = earlier.entry.first_started_at, earlier.entry.started_at
            taken.attempts_before = earlier.entry.attempts
        reconciliation = Reconciliation(
            self.reconcile,
            scope,
            request.target.subject,
            UnknownWrite(
                key=key,
                item=item,
                parameters=json_codec.decode(request.body or b"{}"),
                first_started_at=first_started_at,
                last_sent_at=last_sent_at,
                error=error,
            ),
            write,
            sends=1 if recorder is None else max(recorder.sends, 1),
            over_at=over_at,
        )
        try:
            if earlier is None:
                await write.note_unknown(error)
            else:
                write.leave_slot()
            result = await reconciliation.run()
        finally:
            write.take_slot_in_any_case()
            taken.reconciled = reconciliation.reconciled
        if isinstance(result, Done):
            result = found_result(result.data, request, self.parse)
        elapsed = time.perf_counter() - taken.taken_at
        return with_meta(result, taken.reconciled, attempts=taken.all_attempts, elapsed=elapsed)


class _ItemWrite:
    """The write of an item that may have run. While that is not clear, the item has no slot."""

    def __init__(
        self,
        call: ReconcilingCall[Any],
        scope: Any,
        taken: TakenItem[Any],
        recorder: EntryRecorder | None,
        request: Request,
    ) -> None:
        self._call = call
        self._scope = scope
        self.item = taken
        self._recorder = recorder
        self._request = request
        self._slots = cast("Slots", taken.slots)
        self._has_slot = True

    @property
    def seconds_to_look(self) -> float:
        """How long the next look may take."""
        return self._call.seconds_to_look(self._scope)

    async def wait_until(self, time: float) -> str | None:
        """Wait until a time, by the clock of the event loop. Return None, or why there is no time for that."""
        item = self.item
        if item.stop_requested:
            return _STOPPED
        seconds = time - asyncio.get_running_loop().time()
        if seconds <= 0:
            return None
        try:
            with Deadline(self._call.deadlines(), math.inf) as wait:
                item.on_stop = wait.expire
                await asyncio.sleep(seconds)
        except (TimeoutError, ClientClosedError):
            return _STOPPED if item.stop_requested else _CLOSED
        finally:
            item.on_stop = None
        return None

    async def send_again(self) -> ActionResult[Any]:
        """Send the write once more, recorded before, and return its result."""
        item = self.item
        # What was sent before did not run. If the fan-out is stopped now, the item ends before it is sent again.
        item.without_effect, item.writes_without_effect = item.attempts, item.writes
        item.waits += 1
        try:
            await self._slots.take_before_others()
        finally:
            item.waits -= 1
        self._has_slot = True
        self._slots.note_settling(-1)
        return await self._call.send(self._scope, item.item, self._request)

    async def note_unknown(self, error: RefoldError) -> None:
        """Record that what was sent may have run, and give the slot of the item to another."""
        # First: of a process that dies, only items that have a slot are found in flight.
        if self._recorder is not None:
            await self._recorder.record_unknown(error, self.item.all_attempts)
        self.leave_slot()

    def leave_slot(self) -> None:
        """Give the slot of the item to another."""
        self._has_slot = False
        self._slots.note_settling(1)
        self._slots.free()

    def take_slot_in_any_case(self) -> None:
        """Take a slot for the outcome, which gives it back when it is read."""
        if not self._has_slot:
            self._has_slot = True
            self._slots.note_settling(-1)
            self._slots.take_in_any_case()
