"""The parts of a job that several processes share: claiming them, and what a claimed part is."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import Any, Final, TypeVar

from refold_async.config.validation import check_whole_number
from refold_async.errors import ConfigurationError, JournalError
from refold_async.journal.reading import sending_nothing
from refold_async.journal.store import PartClaim, PartedStore, PartsLeft, RunOpener
from refold_async.runtime.cancellation import result_despite_cancellation, wait_despite_cancellation
from refold_async.runtime.worker_thread import WorkerThread

__all__ = ["JournalPart", "check_claimable", "check_parts", "claim_parts", "note_ended", "opener_of"]

T = TypeVar("T")

_MOST_PARTS: Final = 100_000
_POLL: Final = (0.1, 2.0)  # seconds between two looks for a part whose worker has died: the first, and the longest


class JournalPart:
    """A part of a job that your process has claimed. `Journal.claim()` and `PostgresJournal.claim()` yield it.

    Pass it as `journal=` to a fan-out over the items of this part, and no others. Which items are in which part is for
    you to decide, in the same way in every run: by a hash of the account id, by a file, by a range of ids.

    Attributes:
        number: The number of the part, from 0.
        parts: How many parts the job has.
        job: The name of the job.
        results: Whether to record what the calls return as well.
    """

    __slots__ = ("_claim", "_ended", "_state", "_thread", "job", "number", "parts", "results")

    def __init__(self, claim: PartClaim, thread: WorkerThread, job: str, parts: int, *, results: bool) -> None:
        self.number = claim.number
        self.parts = parts
        self.job = job
        self.results = results
        self._claim = claim
        self._thread = thread
        self._ended = False  # whether a fan-out took all items to their end
        self._state = "claimed"

    def __repr__(self) -> str:
        return f"<JournalPart {self.number} of {self.parts}, job {self.job!r}, {self._state}>"

    async def close(self) -> None:
        """Record that all items of the part have ended, so that no worker gets the part again.

        Call it after the fan-out over its items. Items that failed, or that are unknown, have ended too: to run them
        again, do so before you close the part.

        Raises:
            JournalError: No fan-out has taken the items of the part to their end since you claimed it; or the part is
                no longer yours; or that cannot be recorded.
        """
        with sending_nothing():
            if self._state == "closed":
                return
            if self._state != "claimed":
                raise JournalError(f"{_named(self)} was given back: close it before you ask for the next part.")
            if not self._ended:
                raise JournalError(
                    f"{_named(self)} cannot be closed: no fan-out has taken its items to their end. Iterate over a "
                    "fan-out with journal=part until its iteration ends, and leave its `async with`."
                )
            await result_despite_cancellation(self._thread.call(self._claim.close))
            self._state = "closed"

    async def _give_back(self) -> bool:
        """Let others claim the part, unless it is closed. Return whether it was not."""
        if self._state != "claimed":
            return False
        self._state = "being given back"
        releasing = self._thread.call(self._claim.release)
        try:
            await wait_despite_cancellation(releasing)
        finally:
            self._state = "given back"
        return True


def _named(part: JournalPart) -> str:
    return f"Part {part.number} of the job {part.job!r}"


def opener_of(part: JournalPart) -> RunOpener:
    """Return what begins runs of a part."""
    return part._claim  # pyright: ignore[reportPrivateUsage]


def note_ended(part: JournalPart) -> None:
    """Note that a fan-out has taken all items of a part to their end."""
    part._ended = True  # pyright: ignore[reportPrivateUsage]


def check_parts(name: str, value: Any) -> int | None:
    """Return a number of parts, or None; `name` is the argument's, for messages.

    Raises:
        ConfigurationError: It is not one.
    """
    return None if value is None else check_whole_number(name, value, at_least=1, at_most=_MOST_PARTS)


def check_claimable(journal: str, job: str | None, parts: int | None, *, such_as: int) -> tuple[str, int]:
    """Return the name of a journal's job and how many parts it has; `such_as` is an example of that, for messages.

    Raises:
        ConfigurationError: The journal, of the class with this name, has no job or no parts.
    """
    if job is None or parts is None:
        missing = f"parts={such_as}" if job is not None else f"job='june sync', parts={such_as}"
        raise ConfigurationError(
            f"To claim parts of a job, name it and say how many it has: {journal}(..., {missing})."
        )
    return job, parts


async def claim_parts(store: PartedStore, job: str, parts: int, *, results: bool) -> AsyncGenerator[JournalPart, None]:
    """Yield parts of a job, each claimed until it is closed or the next is asked for.

    Args:
        store: Where the job is kept.
        job: The job's name.
        parts: How many parts it has.
        results: Whether to record what the calls return.

    Raises:
        JournalError: The store cannot be used, the job has another number of parts, or only parts are left that were
            yielded here and not closed.
    """
    thread = WorkerThread("refold_async journal parts")
    given_back: set[int] = set()
    pause = _POLL[0]
    try:
        while True:
            with sending_nothing():
                claimed = await _claim(thread, partial(store.claim, job, parts, given_back))
                if isinstance(claimed, PartsLeft) and claimed.open and claimed.open <= given_back and not claimed.held:
                    raise JournalError(
                        f"Parts of the job {job!r} are not closed: {_listed(claimed.open)}. Call `await part.close()` "
                        "after the fan-out over a part's items; until then, a later run works on them again."
                    )
            if isinstance(claimed, PartsLeft):
                if not claimed.open:
                    return
                await asyncio.sleep(pause)
                pause = min(2 * pause, _POLL[1])
                continue
            pause = _POLL[0]
            part = JournalPart(claimed, thread, job, parts, results=results)
            try:
                yield part
            finally:
                if await part._give_back():  # pyright: ignore[reportPrivateUsage]
                    given_back.add(part.number)
    finally:
        await wait_despite_cancellation(thread.call(store.close))
        thread.end()


async def _claim(thread: WorkerThread, claim: Callable[[], PartClaim | PartsLeft]) -> PartClaim | PartsLeft:
    """Claim a part. A cancelled call leaves nothing claimed."""
    claiming = thread.call(claim)
    try:
        await wait_despite_cancellation(claiming)
    except asyncio.CancelledError:
        if claiming.exception() is None and not isinstance(claimed := claiming.result(), PartsLeft):
            await wait_despite_cancellation(thread.call(claimed.release))
        raise
    return claiming.result()


def _listed(numbers: frozenset[int]) -> str:
    some = sorted(numbers)[:10]
    return ", ".join(map(str, some)) + (f" and {len(numbers) - len(some)} more" if len(numbers) > len(some) else "")
