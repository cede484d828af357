"""What a fan-out needs from a recorder, and the recorder of fan-outs without a journal, which records nothing."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar

from refold_async.errors import JournalError
from refold_async.jobs.items import TakenItem
from refold_async.jobs.outcomes import Outcome

__all__ = ["NullRecorder", "NullRun", "Recorder", "Run"]

Item = TypeVar("Item")
T = TypeVar("T")


class Run(Protocol[Item, T]):
    """One run of a job whose items are recorded. The methods that are called for each item return immediately."""

    @property
    def error(self) -> JournalError | None:
        """Why nothing can be recorded any more, or None."""
        ...

    def look_up(self, taken: TakenItem[Item]) -> Awaitable[Outcome[Item, T] | None] | None:
        """Look up what an earlier run recorded for an item.

        Returns:
            None if there is nothing to wait for and the item must be called. Otherwise an awaitable: of the recorded
            outcome, or of None if the item must be called; then it is recorded from now on.
        """
        ...

    def is_looking_up(self, taken: TakenItem[Item]) -> bool:
        """Return whether the search for an item is still running, which decides whether to call it."""
        ...

    def may_have_run_before(self, taken: TakenItem[Item]) -> bool:
        """Return whether an item may have run in an earlier run, whatever happens in this one."""
        ...

    def record_outcome(
        self,
        taken: TakenItem[Item],
        outcome: Outcome[Item, T],
        then: Callable[[Outcome[Item, T], JournalError | None], object],
    ) -> bool:
        """Record an outcome.

        Args:
            taken: The item.
            outcome: How it ended.
            then: Called with the outcome and None once that is committed, or with the outcome and the error once it is
                certain that it will not be.

        Returns:
            Whether the outcome is being recorded; if not, `then` is never called. If the item failed before it had a
            key, only the number of such items is recorded.
        """
        ...

    def record_unfinished(self, taken: TakenItem[Item]) -> None:
        """Record an item without an outcome: it did not run, or it may have run if a request was sent."""
        ...

    async def aclose(self, taken: int, *, all_ended: bool) -> None:
        """Commit what is pending and end the run.

        Args:
            taken: How many items were taken from their source.
            all_ended: Whether those were all, and each has an outcome that was read.
        """
        ...


class Recorder(Protocol[Item, T]):
    """Where and how a job is recorded."""

    async def open(self, items: object) -> Run[Item, T]:
        """Begin a run of these items, and record how many there are if they have a length.

        Raises:
            ConfigurationError: The journal has no job name.
            JournalError: The journal is in use, belongs to another job, is not a journal, or cannot be written.
        """
        ...


class NullRun(Generic[Item, T]):
    """A run that records nothing."""

    error: JournalError | None = None

    def look_up(self, taken: TakenItem[Item]) -> None:
        """Return None: the item must be called."""

    def is_looking_up(self, taken: TakenItem[Item]) -> bool:
        """Return False: nothing is ever looked up."""
        return False

    def may_have_run_before(self, taken: TakenItem[Item]) -> bool:
        """Return False: nothing is known about earlier runs."""
        return False

    def record_outcome(self, taken: TakenItem[Item], outcome: Outcome[Item, T], then: Any) -> bool:
        """Return False: the outcome is not recorded."""
        return False

    def record_unfinished(self, taken: TakenItem[Item]) -> None:
        """Do nothing."""

    async def aclose(self, taken: int, *, all_ended: bool) -> None:
        """Do nothing."""


class NullRecorder(Generic[Item, T]):
    """The recorder of a fan-out without a journal."""

    async def open(self, items: object) -> Run[Item, T]:
        """Begin a run that records nothing."""
        return NullRun()
