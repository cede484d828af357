"""Outcomes as rows: what each column contains, and choosing outcomes by their status."""

from collections.abc import Collection, Iterable
from typing import Any, Final, TypeVar, get_args

from refold_async.errors import ConfigurationError, RefoldError
from refold_async.jobs.outcomes import Outcome, Status
from refold_async.runtime.foreign_errors import safe_str

__all__ = ["COLUMNS", "message_of", "row_of", "with_status"]

Item = TypeVar("Item")
T = TypeVar("T")

COLUMNS: Final = (
    *("index", "linked_account_id", "item", "status", "effect", "error", "message"),
    *("attempts", "elapsed", "recorded", "request_id", "reconciled"),
)
"""The names of the columns."""
_STATUSES: Final[tuple[Status, ...]] = get_args(Status)


def row_of(outcome: Outcome[Any, Any]) -> dict[str, Any]:
    """Return the values of the columns for an outcome."""
    error = outcome.error
    return {
        "index": outcome.index,
        "linked_account_id": outcome.linked_account_id,
        "item": outcome.item,
        "status": outcome.status,
        "effect": outcome.effect,
        "error": outcome.error_name,
        "message": None if error is None else message_of(error),
        "attempts": outcome.attempts,
        "elapsed": None if outcome.recorded else outcome.elapsed,
        "recorded": outcome.recorded,
        "request_id": error.request_id if isinstance(error, RefoldError) else None,
        "reconciled": outcome.reconciled,
    }


def message_of(error: BaseException) -> str:
    """Return an error's message; of an error of this library without its call, which has columns of its own."""
    return error.message if isinstance(error, RefoldError) else safe_str(error)


def with_status(
    outcomes: Collection[Outcome[Item, T]], status: Status | Collection[Status] | None
) -> Iterable[Outcome[Item, T]]:
    """Return the outcomes that have a status, or one of several statuses; all outcomes for None.

    Raises:
        ConfigurationError: There is no such status.
    """
    if status is None:
        return outcomes
    several = isinstance(status, Iterable) and not isinstance(status, str)  # whatever the types say
    wanted: tuple[Any, ...] = tuple(status) if several else (status,)
    for one in wanted:
        if one not in _STATUSES:
            raise ConfigurationError(f"status must be one of {', '.join(map(repr, _STATUSES))}, got {one!r}.")
    return [outcome for outcome in outcomes if outcome.status in wanted]
