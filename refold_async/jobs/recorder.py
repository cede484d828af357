"""The recorder of a fan-out: what is asked of one, and the one that records nothing, where there is no journal."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar

from refold_async.errors import JournalError
from refold_async.jobs.items import TakenItem
from refold_async.jobs.outcomes import Outcome

__all__ = ["NullRecorder", "NullRun", "Recorder", "Run"]

Item = TypeVar("Item")
T = TypeVar("T")


class Run(Protocol[Item, T]):
    """One run of a job, whose items are recorded. What it is called for with each item returns at once."""

    @property
    def error(self) -> JournalError | None:
        """Why nothing can be recorded any more, or None."""
        ...

    def look_up(self, taken: TakenItem[Item]) -> Awaitable[Outcome[Item, T] | None] | None:
        """Look up what an earlier run recorded of an item.

        Returns:
            None where there is nothing to wait for: the item is to be called. Else an awaitable of the recorded
            outcome, or of None if the item is to be called, and is recorded from then on.
        """
        ...

    def is_looking_up(self, taken: TakenItem[Item]) -> bool:
        """Tell whether it is still open if an item, which was looked up, is to be called."""
        ...

    def may_have_run_before(self, taken: TakenItem[Item]) -> bool:
        """Tell whether an item may have run in an earlier run, whatever becomes of it in this one."""
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
            outcome: What became of it.
            then: Called once that is committed, with the outcome and None, or once it is known that it will not be,
                with the reason.

        Returns:
            Whether it is being recorded; where it is not, `then` is never called. Of an item that failed before it was
            known how to record it, no more is recorded than that there was one.
        """
        ...

    def record_unfinished(self, taken: TakenItem[Item]) -> None:
        """Record of an item without an outcome that it did not run, or that it may have, where a request left."""
        ...

    async def aclose(self, taken: int) -> None:
        """Commit what is pending and end the run, which took so many items from their source."""
        ...


class Recorder(Protocol[Item, T]):
    """Where and how a job is recorded."""

    async def open(self, items: object) -> Run[Item, T]:
        """Begin a run of these items, whose number is recorded where they have a length.

        Raises:
            ConfigurationError: The journal names no job.
            JournalError: It is in use, another job's, no journal, or cannot be written.
        """
        ...


class NullRun(Generic[Item, T]):
    """A run of which nothing is recorded."""

    error: JournalError | None = None

    def look_up(self, taken: TakenItem[Item]) -> None:
        """Tell that the item is to be called."""

    def is_looking_up(self, taken: TakenItem[Item]) -> bool:
        """Tell that it is not."""
        return False

    def may_have_run_before(self, taken: TakenItem[Item]) -> bool:
        """Tell that nothing is known of that."""
        return False

    def record_outcome(self, taken: TakenItem[Item], outcome: Outcome[Item, T], then: Any) -> bool:
        """Tell that it is not recorded."""
        return False

    def record_unfinished(self, taken: TakenItem[Item]) -> None:
        """Do nothing."""

    async def aclose(self, taken: int) -> None:
        """Do nothing."""


class NullRecorder(Generic[Item, T]):
    """The recorder of a fan-out without a journal."""

    async def open(self, items: object) -> Run[Item, T]:
        """Begin a run of which nothing is recorded."""
        return NullRun()
