"""One look for a write: the caller's function, within a time, whatever it returns or raises."""

import asyncio
from typing import Any, Final

from refold_async.errors import RefoldError
from refold_async.pipeline.item_context import ItemContext, current_item
from refold_async.pipeline.reconciling.reconcile import CANNOT_TELL, NOT_DONE, Done, Finding, Reconcile, UnknownWrite
from refold_async.pipeline.reconciling.steps import Found
from refold_async.runtime.foreign_errors import EXITS, error_name, safe_repr, safe_str

__all__ = ["found_by", "look_for", "note"]

_SOONEST: Final = 1.0
"""Seconds between two checks whether a look, which waits for a permit, takes too long."""


def note(error: RefoldError, text: str) -> None:
    """Add a note about looking for a write to the error of the write."""
    error.add_note(f"reconcile=: {text}")


def found_by(finding: Finding) -> Found:
    """Return what a look found."""
    if isinstance(finding, Done):
        return Found.DONE
    return Found.NOT_DONE if finding is NOT_DONE else Found.CANNOT_TELL


async def look_for(
    write: UnknownWrite, reconcile: Reconcile, scope: Any, seconds: float, item: ItemContext | None
) -> Finding:
    """Look for a write once. If that does not show whether it ran, add a note to the error of the write.

    Args:
        write: The write.
        reconcile: How to look.
        scope: The scope of its linked account.
        seconds: How long the look may take. For an item, waiting for permits does not count.
        item: The item of the write, or None for a call outside fan-outs.

    Returns:
        What the look returned, or `CANNOT_TELL`.
    """
    # A look is no request of the item: it is not recorded in its journal, and keeps none of its slots.
    looking = (
        None if item is None else ItemContext(job=item.job, index=item.index, max_refusal_wait=item.max_refusal_wait)
    )
    token = current_item.set(looking)
    task = asyncio.current_task()
    cancellations = 0 if task is None else task.cancelling()
    try:
        async with _Limit(seconds, looking):
            finding: Any = await reconcile.look(scope, write)
    except EXITS:
        raise
    except asyncio.CancelledError as error:
        if task is None or task.cancelling() > cancellations:
            raise
        note(write.error, f"the look raised {safe_repr(error)}, so whether it ran is not known.")
        return CANNOT_TELL
    except BaseException as error:  # noqa: BLE001 - whatever the caller's function raises, the write stays unknown
        note(
            write.error, f"the look raised {error_name(type(error))}, so whether it ran is not known: {safe_str(error)}"
        )
        return CANNOT_TELL
    finally:
        current_item.reset(token)
    if isinstance(finding, Finding):
        if found_by(finding) is Found.CANNOT_TELL:
            note(write.error, "the look did not show whether it ran.")
        return finding
    missing = " Is there a `return` missing?" if finding is None else ""
    note(
        write.error,
        f"the look returned {safe_repr(finding)}, so whether it ran is not known: it must return Done(data), NOT_DONE "
        f"or CANNOT_TELL.{missing}",
    )
    return CANNOT_TELL


class _Limit:
    """Ends its block with a TimeoutError after some seconds, not counting those in which requests wait for permits."""

    def __init__(self, seconds: float, looking: ItemContext | None) -> None:
        self._seconds = seconds
        self._looking = looking
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._timeout = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()
        self._began = self._loop.time()
        self._check()

    async def __aexit__(self, *raised: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
        try:
            await self._timeout.__aexit__(*raised)
        except TimeoutError:
            raise TimeoutError(f"it took longer than {self._seconds:.3g} seconds") from None

    def _check(self) -> None:
        looking, now = self._looking, self._loop.time()
        left = self._seconds - (now - self._began - (0.0 if looking is None else looking.waited))
        if looking is not None and looking.waits:
            left = max(left, _SOONEST)
        if left <= 0:
            self._timeout.reschedule(now)
        elif left < float("inf"):
            self._timer = self._loop.call_at(now + left, self._check)
