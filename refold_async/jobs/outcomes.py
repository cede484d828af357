"""How the items of a fan-out ended."""

# pyright: reportIncompatibleMethodOverride=false
# (what all outcomes have is declared as properties, only for type checkers)

from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Literal, TypeVar

import attrs

from refold_async.errors import RecordedError, RefoldError
from refold_async.faults import Effect
from refold_async.models.response_meta import Reconciled
from refold_async.runtime.foreign_errors import error_name

if TYPE_CHECKING:
    from refold_async.jobs.packed_errors import ErrorPacker, PackedError

__all__ = ["Failed", "Ok", "Outcome", "Status", "Unfinished", "Unknown", "name_of_error", "pack_error"]

Item = TypeVar("Item")
T = TypeVar("T")
Item_co = TypeVar("Item_co", covariant=True)
T_co = TypeVar("T_co", covariant=True)
Status = Literal["ok", "failed", "unknown"]


# Not frozen: attrs takes twice as long to make a frozen object, and every item of a job would pay for that. Values that
# are the same for a whole class take no space in each object.
@attrs.define(kw_only=True, match_args=False)
class _EndedItem(Generic[Item_co]):
    """What every item that has ended has."""

    item: Item_co
    """The item."""
    linked_account_id: str | None
    """Its linked account, or None if the item does not name one or the call uses a session token instead."""
    index: int
    """Its position in the input, from 0."""
    attempts: int = 0
    """How many attempts were made for it, over all its requests."""
    elapsed: float = 0.0
    """Seconds from when the item was taken until it ended."""
    recorded: bool = False
    """True if this outcome comes from the job's journal, recorded by an earlier run: this run called nothing."""
    reconciled: Reconciled | None = None
    """With `reconcile=`, for a write that may have run: `"done"`, a look found that it ran; `"sent_again"`, it had not
    run and was sent once more. None if nothing was unclear, or if it still is."""

    if TYPE_CHECKING:  # mypy treats `[*report.failed, *report.unknown]` as a list of the base class of both

        @property
        def status(self) -> Status: ...
        @property
        def effect(self) -> Effect: ...
        @property
        def error(self) -> BaseException | None: ...
        @property
        def error_name(self) -> str | None: ...


@attrs.define(kw_only=True, match_args=False)
class Ok(_EndedItem[Item_co], Generic[Item_co, T_co]):
    """An item that succeeded."""

    __match_args__ = ("value",)

    status: ClassVar[Literal["ok"]] = "ok"
    """How the item ended."""
    effect: ClassVar[Literal["done"]] = "done"
    """What became of the action: it ran. Always `"done"`."""
    error: ClassVar[None] = None
    """Always None: the item has no error."""
    error_name: ClassVar[None] = None
    """Always None: the item has no error."""
    throttled: ClassVar[Literal[False]] = False
    """Always False: the item was not stopped by a rate limit."""
    value: T_co
    """What the call returned; None if it is `recorded` and the journal has no results."""


class _ErrorSlot:
    """The slot of an outcome for its error, which may contain a packed one: all who read it get the error."""

    def __init__(self, slot: Any) -> None:
        self._slot = slot

    def known_kind(self, outcome: "_EndedWithError[Any]") -> type[RefoldError] | None:
        """Return the class of a packed error; None if it is not packed, or is a `RecordedError`."""
        error: BaseException | PackedError = self._slot.__get__(outcome)
        return None if isinstance(error, BaseException) or error.kind is RecordedError else error.kind

    def __get__(self, outcome: "_EndedWithError[Any] | None", kind: type | None = None) -> Any:
        if outcome is None:
            return self
        error: BaseException | PackedError = self._slot.__get__(outcome)
        return error if isinstance(error, BaseException) else error.build()

    def __set__(self, outcome: "_EndedWithError[Any]", error: "BaseException | PackedError") -> None:
        self._slot.__set__(outcome, error)


@attrs.define(kw_only=True, match_args=False)
class _EndedWithError(_EndedItem[Item_co]):
    """What every item that did not succeed has."""

    __match_args__ = ("error",)

    value: ClassVar[None] = None
    """Always None: the item has no result."""
    error: BaseException
    """What the call raised; a `RecordedError` if an earlier run raised it.

    A report builds most of its errors when you read them: if you change one, keep the error, not only the outcome.
    """

    @property
    def error_name(self) -> str:
        """The name of the error's class, such as `NotFoundError`.

        If an earlier run recorded the outcome, the recorded name, or `interrupted` for an item that was in flight when
        that run ended.
        """
        kind = _error_slot.known_kind(self)
        return name_of_error(self.error) if kind is None else error_name(kind)

    @property
    def throttled(self) -> bool:
        """Whether it did not succeed because requests came too fast for Refold or for the app."""
        error = self.error
        return isinstance(error, RefoldError) and error.throttled

    def matches(self, *kinds: type[BaseException]) -> bool:
        """Return whether its error is of one of these classes, as `except` would decide.

        If the outcome is `recorded`, that is the class of the original error.

        Args:
            *kinds: Classes of errors, of this library or others.
        """
        if (kind := _error_slot.known_kind(self)) is not None:
            return issubclass(kind, kinds)
        error = self.error
        return error.matches(*kinds) if isinstance(error, RefoldError) else isinstance(error, kinds)


_error_slot: Final = _ErrorSlot(vars(_EndedWithError)["error"])
_EndedWithError.error = _error_slot  # type: ignore[assignment, misc]  # so nobody else sees that an error may be packed


@attrs.define(kw_only=True, match_args=False)
class Failed(_EndedWithError[Item_co]):
    """An item that failed; `error` says why."""

    status: ClassVar[Literal["failed"]] = "failed"
    """How the item ended."""
    effect: Effect
    """What became of everything the item's call did: `"none"`, nothing happened; `"done"`, it ran; `"unknown"`,
    something may have happened."""


@attrs.define(kw_only=True, match_args=False)
class Unknown(_EndedWithError[Item_co]):
    """An item that may or may not have happened; `error` says why that is unknown."""

    status: ClassVar[Literal["unknown"]] = "unknown"
    """How the item ended."""
    effect: ClassVar[Literal["unknown"]] = "unknown"
    """What became of the action: it may have run. Always `"unknown"`."""


Outcome = Ok[Item, T] | Failed[Item] | Unknown[Item]
"""How one item ended: `Ok`, `Failed` or `Unknown`. Use `status`, `match` or `isinstance()` to see which."""


@attrs.frozen(kw_only=True)
class Unfinished(Generic[Item]):
    """An item that was taken but had no outcome when the fan-out was left and its `grace` was over."""

    item: Item
    """The item."""
    linked_account_id: str | None
    """Its linked account, or None if the item does not name one."""
    index: int
    """Its position in the input, from 0."""
    attempts: int
    """How many requests were sent for it."""
    effect: Literal["none", "unknown"]
    """What became of everything the item's call did: `"none"`, nothing happened, for example because all its requests
    were refused; `"unknown"`, something may have happened."""


def pack_error(outcome: Failed[Any] | Unknown[Any], packer: "ErrorPacker") -> None:
    """Keep the error of an outcome in less memory."""
    _error_slot.__set__(outcome, packer.pack(outcome.error))


def name_of_error(error: BaseException) -> str:
    """Return the name of an error's class; for an error that an earlier run recorded, the recorded name.

    An item that was in flight when its run ended has no recorded error: its name is `interrupted`.
    """
    if isinstance(error, RecordedError):
        return error.error_type or "interrupted"
    return error_name(type(error))
