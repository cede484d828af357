"""An app in which every note has a mark of whoever wrote it, with an index of the marks that may be late."""

import asyncio
import contextlib
import time
from collections import Counter
from typing import Any, Final

import attrs

from refold_async import NOT_DONE, AccountScope, Done, Finding, UnknownWrite
from refold_async.testing import ActionContext, MockRefold

__all__ = ["Looks", "MarkedNotes", "find_note", "note_of"]

SLUG: Final = "notes"
_LONGEST_WAIT: Final = 10.0


class MarkedNotes:
    """The app, in a mock: `create_note` writes a note, and `find_notes` finds the notes with a mark."""

    def __init__(
        self, mock: MockRefold, *, index_delay: float = 0.0, write_delay: float = 0.0, together: int = 1
    ) -> None:
        """Add the app.

        Args:
            mock: The mock.
            index_delay: Seconds until a note is found.
            write_delay: Seconds that writing a note takes, even if nobody waits for it.
            together: How many notes must be written at the same time, for once, before any of them is done. The app
                waits ten seconds for them.
        """
        self._together = together
        self._met = asyncio.Event()
        self._index_delay = index_delay
        self._write_delay = write_delay
        self._written: list[tuple[str, str, float]] = []
        self._at_once = 0
        self.most_at_once = 0
        """How many notes were written at the same time, at most."""
        mock.catalogue.add_app(SLUG)
        mock.catalogue.action(SLUG, "create_note", parameters=[{"name": "mark"}, {"name": "text"}])(self.create)
        mock.catalogue.action(SLUG, "find_notes", parameters=[{"name": "mark"}])(self._find)

    async def create(self, context: ActionContext, parameters: dict[str, Any]) -> Any:
        """Write a note."""
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        if self._at_once >= self._together:
            self._met.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_WAIT):
                await self._met.wait()
        await asyncio.sleep(self._write_delay)
        self._at_once -= 1
        self._written.append((context.linked_account_id, parameters["mark"], time.monotonic()))
        return {"id": f"note {len(self._written)}", "mark": parameters["mark"]}

    async def _find(self, context: ActionContext, parameters: dict[str, Any]) -> Any:
        found = [
            {"id": f"note {number}", "mark": mark}
            for number, (account, mark, at) in enumerate(self._written, 1)
            if (account, mark) == (context.linked_account_id, parameters["mark"])
            and time.monotonic() - at >= self._index_delay
        ]
        return {"notes": found}

    @property
    def marks(self) -> Counter[str]:
        """How many notes there are with each mark."""
        return Counter(mark for _, mark, _ in self._written)


def note_of(mark: object) -> dict[str, str]:
    """Return the parameters that write a note."""
    return {"mark": str(mark), "text": "Hello"}


async def find_note(scope: AccountScope, write: UnknownWrite) -> Finding:
    """Look for the note of a write."""
    found = await scope.execute_action(SLUG, "find_notes", {"mark": write.parameters["mark"]}, idempotent=True)
    notes = found.data["notes"]
    return Done(notes[0]) if notes else NOT_DONE


@attrs.define
class Looks:
    """A look that records the writes it looks for, and finds what it is told to, one after the other."""

    findings: list[Any] = attrs.field(factory=list[Any])
    """What it returns, or raises if that is an exception; the last one again and again. Nothing: it looks for notes."""
    writes: list[UnknownWrite] = attrs.field(factory=list[UnknownWrite])
    times: list[float] = attrs.field(factory=list[float])

    async def __call__(self, scope: AccountScope, write: UnknownWrite) -> Any:
        """Look."""
        self.writes.append(write)
        self.times.append(time.monotonic())
        if not self.findings:
            return await find_note(scope, write)
        found = self.findings[min(len(self.writes), len(self.findings)) - 1]
        if isinstance(found, BaseException):
            raise found
        return found
