"""What became of the items of a fan-out."""

# pyright: reportIncompatibleMethodOverride=false
# (what all outcomes have is declared as properties, for type checkers alone)

from typing import TYPE_CHECKING, ClassVar, Generic, Literal, TypeVar

import attrs

from refold_async.errors import RecordedError, RefoldError
from refold_async.faults import Effect
from refold_async.runtime.foreign_errors import error_name

__all__ = ["Failed", "Ok", "Outcome", "Status", "Unfinished", "Unknown", "name_of_error"]

Item = TypeVar("Item")
T = TypeVar("T")
Item_co = TypeVar("Item_co", covariant=True)
T_co = TypeVar("T_co", covariant=True)
Status = Literal["ok", "failed", "unknown"]


# Not frozen: attrs takes twice as long to make a frozen one, which every item of a job would pay for. What is the same
# for all of a class takes no room in each.
@attrs.define(kw_only=True, match_args=False)
class _EndedItem(Generic[Item_co]):
    """What is told of every item that has ended."""

    item: Item_co
    """The item."""
    linked_account_id: str | None
    """Its linked account, or None where the item does not tell or a session token stands for it."""
    index: int
    """Its place in the input, from 0."""
    attempts: int = 0
    """How many requests were handed to the network for it."""
    elapsed: float = 0.0
    """Seconds from when it was taken to when it ended."""
    recorded: bool = False
    """Whether it is what the job's journal has of an earlier run; nothing was called now."""

    if TYPE_CHECKING:  # mypy takes `[*report.failed, *report.unknown]` for a list of what both are derived from

        @property
        def status(self) -> Status: ...
        @property
        def effect(self) -> Effect: ...
        @property
        def error(self) -> BaseException | None: ...


@attrs.define(kw_only=True, match_args=False)
class Ok(_EndedItem[Item_co], Generic[Item_co, T_co]):
    """An item that succeeded."""

    __match_args__ = ("value",)

    status: ClassVar[Literal["ok"]] = "ok"
    """How the item ended."""
    effect: ClassVar[Literal["done"]] = "done"
    """What became of the action: it ran."""
    error: ClassVar[None] = None
    """There is none."""
    throttled: ClassVar[Literal[False]] = False
    """Whether it did not succeed because calls came too fast."""
    value: T_co
    """What the call returned; None where it is `recorded` and the journal holds no results."""


@attrs.define(kw_only=True, match_args=False)
class _EndedWithError(_EndedItem[Item_co]):
    """What is told of every item that did not succeed."""

    __match_args__ = ("error",)

    value: ClassVar[None] = None
    """There is none."""
    error: BaseException
    """What the call raised; a `RecordedError` where an earlier run did."""

    @property
    def throttled(self) -> bool:
        """Whether it did not succeed because calls came too fast, for Refold or for the app."""
        return isinstance(self.error, RefoldError) and self.error.throttled

    def matches(self, *kinds: type[BaseException]) -> bool:
        """Tell whether its error is of one of these classes; where it is `recorded`, whether the error of then was."""
        error = self.error
        return error.matches(*kinds) if isinstance(error, RefoldError) else isinstance(error, kinds)


@attrs.define(kw_only=True, match_args=False)
class Failed(_EndedWithError[Item_co]):
    """An item that failed: `error` tells why."""

    status: ClassVar[Literal["failed"]] = "failed"
    """How the item ended."""
    effect: Effect
    """What became of the action, of all that the item's call did before it failed too: `"none"`, nothing happened;
    `"done"`, it ran; `"unknown"`, something may have happened."""


@attrs.define(kw_only=True, match_args=False)
class Unknown(_EndedWithError[Item_co]):
    """An item that may or may not have happened: `error` tells why that is unknown."""

    status: ClassVar[Literal["unknown"]] = "unknown"
    """How the item ended."""
    effect: ClassVar[Literal["unknown"]] = "unknown"
    """What became of the action: it may have run."""


Outcome = Ok[Item, T] | Failed[Item] | Unknown[Item]
"""What became of one item: `status`, `match` and `isinstance()` tell which of the three it is."""


@attrs.frozen(kw_only=True)
class Unfinished(Generic[Item]):
    """An item that was taken and had not ended when the fan-out was left and its `grace` was over."""

    item: Item
    """The item."""
    linked_account_id: str | None
    """Its linked account, or None where the item does not tell."""
    index: int
    """Its place in the input, from 0."""
    attempts: int
    """How many requests were handed to the network for it: where there was one, it may have happened."""


def name_of_error(error: BaseException) -> str:
    """Return the name of an error's class; where an earlier run recorded it, of the class it had then.

    An item that was in flight when its run ended had no error: it is `interrupted`.
    """
    if isinstance(error, RecordedError):
        return error.error_type or "interrupted"
    return error_name(type(error))
