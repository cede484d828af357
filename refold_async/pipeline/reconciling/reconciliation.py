"""Reconciles a write that may have run: looks for it, waits, and sends it once more if it did not run."""

import asyncio
import math
from collections.abc import Awaitable
from typing import Any, Final, Generic, Protocol, TypeVar

import attrs

from refold_async.errors import RefoldError
from refold_async.models.response_meta import Reconciled
from refold_async.pipeline.item_context import ItemContext
from refold_async.pipeline.reconciling.looking import found_by, look_for, note
from refold_async.pipeline.reconciling.reconcile import Done, Reconcile, UnknownWrite
from refold_async.pipeline.reconciling.steps import End, Found, Look, LookFrom, next_step
from refold_async.runtime.foreign_errors import error_name
from refold_async.runtime.log import logger

__all__ = ["Reconciliation", "Sender", "is_unknown_write"]

_NEVER: Final = "a look did not find it, and with settle=math.inf it is not sent once more."

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


def is_unknown_write(error: RefoldError) -> bool:
    """Return whether an error is that of a write which was sent and may have run."""
    return error.effect == "unknown" and error.fault is not None


class Sender(Protocol[T_co]):
    """What the write belongs to: a single call, or an item of a fan-out."""

    @property
    def item(self) -> ItemContext | None:
        """The item of a fan-out that the write belongs to, or None."""
        ...

    @property
    def seconds_to_look(self) -> float:
        """How long the next look may take."""
        ...

    async def wait_until(self, time: float) -> str | None:
        """Wait until a time, by the clock of the event loop. Return None, or why there is no time for that."""
        ...

    def send_again(self) -> Awaitable[T_co]:
        """Send the write once more, recorded before, and return its result."""
        ...

    def note_unknown(self, error: RefoldError) -> Awaitable[None]:
        """Note that what was sent once more may have run too."""
        ...


@attrs.define(eq=False, repr=False)
class Reconciliation(Generic[T]):
    """The reconciliation of one write."""

    reconcile: Reconcile
    """How to look for it."""
    scope: Any
    """The scope of the linked account."""
    subject: str
    """What is written, for the log."""
    write: UnknownWrite
    """The write."""
    sender: Sender[T]
    """What it belongs to."""
    sends: int
    """How often it may have been sent, over all runs."""
    over_at: float
    """The time after which what was last sent can no longer leave, by the clock of the event loop."""
    reconciled: Reconciled | None = None
    """`done`: a look found it. `sent_again`: it had not run, and was sent once more. None: it is not known yet."""

    async def run(self) -> Done | T:
        """Return what a look found, or the result of sending the write once more.

        Raises:
            RefoldError: The error of sending it once more; or, if it still may have run, the error of the write, with a
                note that says why that is not known.
        """
        try:
            result = await self._run()
        except RefoldError as error:
            if is_unknown_write(error):
                self.reconciled = None
            self._log(f"It had not run, and was sent once more, which failed ({error_name(type(error))})")
            raise
        self._log("It had not run, and was sent once more")
        return result

    async def _run(self) -> Done | T:
        loop = asyncio.get_running_loop()
        looks: list[Look] = []
        while True:
            step = next_step(looks, settle=self.reconcile.settle, sends=self.sends, over_at=self.over_at)
            if isinstance(step, LookFrom):
                never = step.time == math.inf
                reason = _NEVER if never else await self.sender.wait_until(step.time)
                if reason is not None:
                    note(self.write.error, reason)
                    raise self.write.error
                began = loop.time()
                finding = await look_for(
                    self.write, self.reconcile, self.scope, self.sender.seconds_to_look, self.sender.item
                )
                looks.append(Look(began, loop.time(), found_by(finding)))
                if isinstance(finding, Done):
                    self.reconciled = "done"
                    return finding
            elif step is End.SEND_AGAIN:
                self.reconciled = "sent_again"
                try:
                    return await self.sender.send_again()
                except RefoldError as error:
                    if not is_unknown_write(error):
                        raise
                    await self.sender.note_unknown(error)
                    self.write = attrs.evolve(self.write, error=error, last_sent_at=error.sent_at)
                self.sends += 1
                self.over_at = loop.time()
                looks.clear()
            else:
                if looks[-1].found is Found.NOT_DONE:
                    note(self.write.error, "it was sent twice, and no look found it, so it is not sent a third time.")
                raise self.write.error

    def _log(self, clear: str) -> None:
        if self.reconciled != "sent_again":
            clear = "A look found that it ran" if self.reconciled == "done" else "That is still not clear"
        account = f" for linked account {self.scope.linked_account_id!r}"
        item = "" if self.write.key is None else f", item {self.write.key!r}"
        logger.info("%s%s%s: it may have run. %s.", self.subject, account, item, clear)
