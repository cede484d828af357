"""Where one call stands: what the steps of the pipeline tell each other."""

import asyncio
from typing import TYPE_CHECKING

import attrs

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


@attrs.define(eq=False, repr=False)
class CallState:
    """Where one call stands."""

    request: Request
    linked_account_id: str | None
    timeout: Timeout
    deadlines: Deadlines
    began: float
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
    """Seconds to wait for the next permit at least."""
    refusal: RefoldError | None = None
    """Of an item that was refused: what with, while it waits for another try."""
    renewed: bool = False
    """Whether it was sent again because its credentials were refused."""
    observation: "Observation | None" = None
    """What is noted of it for observers, once somebody observes it."""

    def effect_of(self, error: RefoldError) -> Effect:
        """Return what became of an attempt that ended with an error."""
        return "none" if error.fault is None or self.request.kind == "read" else RULES[error.fault].effect

    @property
    def effect_if_abandoned(self) -> Effect:
        """What became of the present attempt, if nobody waits for its response any longer."""
        begun = self.body is not None and self.body.begun and self.request.kind != "read"
        return "unknown" if begun else "none"

    def note(self, effect: Effect) -> None:
        """Add what became of the attempt: one that may have run is not undone by a later one that did not."""
        self.body = None
        if self.effect == "none" or effect == "done":
            self.effect = effect

    def note_abandonment(self, reason: BaseException) -> None:
        """Add that nobody waits for the call any longer; a cancellation tells so of a write that had left."""
        if self.effect == "none":
            self.effect = self.effect_if_abandoned
        if self.effect != "none" and isinstance(reason, asyncio.CancelledError):
            from refold_async.pipeline.call_events import CANCELLED, named_call

            target = self.request.target
            name = named_call(target.method, target.path, self.linked_account_id)
            reason.add_note(CANCELLED % (name, self.attempts))
