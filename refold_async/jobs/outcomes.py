"""What became of the items of a fan-out."""

from typing import Generic, Literal, TypeVar

import attrs

from refold_async.errors import RefoldError

__all__ = ["FanOutReport", "Outcome", "Status", "Unfinished"]

Item = TypeVar("Item")
T = TypeVar("T")
Status = Literal["ok", "failed", "unknown"]

_MOST_ERRORS_RAISED = 100


# Not frozen: attrs takes twice as long to make a frozen one, which every item of a job would pay for.
@attrs.define(kw_only=True)
class Outcome(Generic[Item, T]):
    """What became of one item."""

    item: Item
    """The item."""
    linked_account_id: str | None
    """Its linked account, or None where the item does not tell or a session token stands for it."""
    index: int
    """Its place in the input, from 0."""
    status: Status
    """`ok`; `failed`: `error` tells why; `unknown`: it may or may not have happened."""
    value: T | None = None
    """What the call returned, where the status is `ok`."""
    error: BaseException | None = None
    """What the call raised, where the status is not `ok`."""
    attempts: int = 0
    """How many requests were handed to the network for it."""
    elapsed: float = 0.0
    """Seconds from when it was taken to when it ended."""
    recorded: bool = False
    """Whether it is what the job's journal has of an earlier run; nothing was called now."""

    @property
    def throttled(self) -> bool:
        """Whether it did not succeed because calls came too fast, for Refold or for the app."""
        return isinstance(self.error, RefoldError) and self.error.throttled


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


@attrs.frozen(repr=False)
class FanOutReport(Generic[Item, T]):
    """All outcomes of a fan-out, in the order of the input."""

    outcomes: tuple[Outcome[Item, T], ...]
    """The outcomes."""

    @property
    def ok(self) -> list[Outcome[Item, T]]:
        """The outcomes of items that succeeded."""
        return self._with_status("ok")

    @property
    def failed(self) -> list[Outcome[Item, T]]:
        """The outcomes of items that failed."""
        return self._with_status("failed")

    @property
    def unknown(self) -> list[Outcome[Item, T]]:
        """The outcomes of items that may or may not have happened."""
        return self._with_status("unknown")

    @property
    def counts(self) -> dict[Status, int]:
        """How many items ended each way."""
        return {"ok": len(self.ok), "failed": len(self.failed), "unknown": len(self.unknown)}

    def _with_status(self, status: Status) -> list[Outcome[Item, T]]:
        return [outcome for outcome in self.outcomes if outcome.status == status]

    def __len__(self) -> int:
        return len(self.outcomes)

    def __repr__(self) -> str:
        told = ", ".join(f"{count} {status}" for status, count in self.counts.items())
        return f"<FanOutReport {len(self)} items: {told}>"

    def raise_for_errors(self) -> None:
        """Raise the errors of all items that did not succeed, together; return if there are none.

        Raises:
            ExceptionGroup: Holds the first 100 errors; its message tells how many there are in all.
        """
        errors = [outcome.error for outcome in self.outcomes if outcome.error is not None]
        if not errors:
            return
        held = [_as_exception(error) for error in errors[:_MOST_ERRORS_RAISED]]
        extent = "" if len(held) == len(errors) else f"; the first {len(held)} are here"
        raise ExceptionGroup(
            f"{len(errors)} of {len(self.outcomes)} items did not succeed "
            f"({len(self.failed)} failed, {len(self.unknown)} unknown){extent}",
            held,
        )


def _as_exception(error: BaseException) -> Exception:
    """Return an error that a plain ExceptionGroup can hold: a call may raise what is no Exception, and be cancelled."""
    if isinstance(error, Exception):
        return error
    wrapper = RefoldError(f"The call ended with {error!r}.")
    wrapper.__cause__ = error
    return wrapper
