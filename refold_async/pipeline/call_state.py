"""The state of one call, which the steps of the pipeline share."""

import asyncio
from typing import TYPE_CHECKING

from refold_async.config.settings import Timeout
from refold_async.errors import RefoldError
from refold_async.faults import Effect
from refold_async.limits.permits import Permit
from refold_async.pipeline.item_context import ItemContext
from refold_async.protocol.endpoints import Request
from refold_async.retry_table import RULES
from refold_async.transport.deadlines import Deadlines
from refold_async.transport.request_body import Body

if TYPE_CHECKING:
    from refold_async.pipeline.call_events import Observation

__all__ = ["CallState"]


class CallState:
    """The state of one call."""

    __slots__ = (
        "attempts",
        "began",
        "body",
        "deadline",
        "deadlines",
        "delay",
        "effect",
        "item",
        "linked_account_id",
        "observation",
        "permit",
        "refusal",
        "refusals",
        "renewed",
        "request",
        "sent",
        "timeout",
    )

    permit: Permit
    """The permit of the current attempt."""

    def __init__(
        self,
        request: Request,
        linked_account_id: str | None,
        timeout: Timeout,
        deadlines: Deadlines,
        began: float,
        deadline: float,
        item: ItemContext | None,
    ) -> None:
        self.request = request
        self.linked_account_id = linked_account_id
        self.timeout = timeout
        self.deadlines = deadlines
        self.began = began
        self.deadline = deadline
        self.item = item
        self.attempts = 0
        self.refusals = 0
        """How many attempts do not count against the retry policy, because they were refused."""
        self.effect: Effect = "none"
        self.body: Body | None = None
        self.sent = False
        """Whether the current attempt began: whether it left the client's own queue."""
        self.delay = 0.0
        """The least number of seconds to wait before the next permit."""
        self.refusal: RefoldError | None = None
        """The error that refused an item of a fan-out, while the item waits for its retry."""
        self.renewed = False
        """Whether it was already retried because its credentials were refused."""
        self.observation: Observation | None = None
        """What is collected about it for observers. None until somebody observes it."""

    def effect_of(self, error: RefoldError) -> Effect:
        """Return the effect of an attempt that ended with this error."""
        return "none" if error.fault is None or self.request.kind == "read" else RULES[error.fault].effect

    @property
    def effect_if_abandoned(self) -> Effect:
        """The effect of the current attempt if nobody waits for its response any longer."""
        begun = self.body is not None and self.body.begun and self.request.kind != "read"
        return "unknown" if begun else "none"

    def note(self, effect: Effect) -> None:
        """Record the effect of an attempt: if an earlier attempt may have run, a later one does not change that."""
        self.body = None
        if self.effect == "none" or effect == "done":
            self.effect = effect

    def note_abandonment(self, reason: BaseException) -> None:
        """Record that nobody waits for the call any longer.

        If a write had already left, add a note about it to a cancellation.
        """
        if self.effect == "none":
            self.effect = self.effect_if_abandoned
        if self.effect != "none" and isinstance(reason, asyncio.CancelledError):
            from refold_async.pipeline.call_events import CANCELLED, named_call

            target = self.request.target
            name = named_call(target.method, target.shown_path, self.linked_account_id)
            reason.add_note(CANCELLED % (name, self.attempts))
