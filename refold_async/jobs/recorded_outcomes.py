"""Outcomes of earlier runs, made from what the journal contains."""

import ast
import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

from refold_async.errors import RecordedError, RefoldError
from refold_async.jobs.items import TakenItem
from refold_async.jobs.outcomes import Failed, Ok, Outcome, Unknown
from refold_async.journal.entries import JournalEntry

__all__ = ["recorded_error", "recorded_outcome"]

Item = TypeVar("Item")
T = TypeVar("T")

# What `RefoldError.__str__` appends to the message of a call's error.
_CALL: Final = re.compile(
    r" \[(?P<method>[A-Z]+) (?P<url>\S+?)(?:, linked account (?P<account>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"))?, "
    r"(?P<attempts>\d+) attempts?, effect: (?:none|done|unknown)(?:, request id (?P<request_id>[^][]+))?\]\Z",
    re.DOTALL,
)


def recorded_outcome(entry: JournalEntry, taken: TakenItem[Item], restore: Callable[[Any], T]) -> Outcome[Item, T]:
    """Return the outcome that an earlier run recorded for an item.

    Args:
        entry: The journal's entry for it.
        taken: The item.
        restore: Turns a recorded result back into what the call returns; raises `RefoldError` if it no longer fits.
    """
    told: dict[str, Any] = {
        "item": taken.item,
        "linked_account_id": taken.linked_account_id,
        "index": taken.index,
        "attempts": entry.attempts,
        "recorded": True,
        "reconciled": entry.reconciled,
    }
    if entry.status == "ok":
        try:
            value: Any = None if entry.result is None else restore(entry.result)
        except RefoldError as misfit:
            misfit.effect = "done"
            return Failed(error=misfit, effect="done", **told)
        return Ok(value=value, **told)
    if entry.status == "failed":
        return Failed(error=recorded_error(entry), effect=entry.effect or "unknown", **told)
    return Unknown(error=recorded_error(entry), **told)


def recorded_error(entry: JournalEntry) -> RecordedError:
    """Return the error that a journal recorded for an item that did not succeed, with the details of its call."""
    text = entry.error or "The item was in flight when the job's process ended, and may have run."
    call = _CALL.search(text)
    account: str | None = None
    if call is not None and call["account"] is not None:
        try:
            account = ast.literal_eval(call["account"])
        except (SyntaxError, ValueError):  # it only looks like the details of a call
            call = None
    error = RecordedError(text if call is None else text[: call.start()], error_type=entry.error_type)
    error.effect = entry.effect or "unknown"
    error.attempts = entry.attempts
    error.sent_at = entry.started_at
    error.linked_account_id = entry.linked_account_id
    if call is not None:
        error.method, error.url = call["method"], call["url"]
        error.attempts = int(call["attempts"])
        error.request_id = call["request_id"]
        error.linked_account_id = account
    return error
