"""The invariants: what the client said of each call, held against what the server knows."""

from collections.abc import Iterator
from typing import Final

from .ledger import CallRecord, Ledger
from .statuses import NOT_RUN
from .workload import TIMEOUT

__all__ = ["judge"]

_MARGIN: Final = 5.0
"""Seconds beyond its limit after which a call counts as late: enough for any machine that is busy with other things."""


def judge(ledger: Ledger, *, all_arrive: bool) -> None:
    """Note all violations of a round that show when a call is held against the truth.

    Args:
        ledger: What happened.
        all_arrive: Whether every attempt reaches the server: no idle connection is closed.
    """
    for record in ledger.calls.values():
        for invariant, what in _check(record, all_arrive=all_arrive):
            ledger.violate(f"{invariant}: {what}", _cause(ledger, record), record.story())


def _cause(ledger: Ledger, record: CallRecord) -> str:
    """Return the fault or the stray that a violation comes of, as far as can be told."""
    for mark in record.marks - {record.mark}:
        return ledger.sent_unasked.get(mark, "the answer again")
    causes = record.spoilt or record.faults
    return causes[-1] if causes else ""


def _check(record: CallRecord, *, all_arrive: bool) -> Iterator[tuple[str, str]]:
    if record.ended == "never":
        if record.seen:
            yield "never ended", "a call has no outcome"
        return
    others = record.marks - {record.mark}
    if others:
        yield "mixed up", f"an answer that is not its own as {'the result' if record.ended == 'ok' else 'an error'}"
    elif record.ended == "ok" and not record.marks:
        yield "mixed up", "a result that is nobody's"
    yield from _check_effect(record)
    if record.attempts is not None:
        # Where none of its requests can have ended before the server saw it, or the client its answer.
        undisturbed = (
            record.ended not in ("unfinished", "APITimeoutError")
            and record.elapsed < TIMEOUT.attempt
            and not record.client_closed
        )
        yield from _check_attempts(record, record.attempts, undisturbed=undisturbed, all_arrive=all_arrive)
    if record.limit is not None and record.elapsed > record.limit + _MARGIN:
        yield "late", f"more than {_MARGIN:g} s after the deadline"


def _check_effect(record: CallRecord) -> Iterator[tuple[str, str]]:
    if record.kind == "read":
        if record.effect not in (None, "none"):
            yield "wrong effect", f"a read with effect {record.effect}"
        return
    if record.kind == "write" and record.ran > 1:
        yield "ran twice", "a write that nobody vouched for"
    if record.ended == "ok" and not record.ran:
        yield "wrong effect", "a success that did not run"
    if record.effect == "none" and record.ran:
        yield "wrong effect", "none, and it ran"
    if record.effect == "done" and not record.ran:
        yield "wrong effect", "done, and it did not run"
    if record.ended == "cancelled" and record.ran and not record.noted:
        yield "wrong effect", "cancelled without a word, and it ran"


def _check_attempts(
    record: CallRecord, attempts: int, *, undisturbed: bool, all_arrive: bool
) -> Iterator[tuple[str, str]]:
    if record.seen > attempts:
        yield "attempts", "fewer than the server saw"
    if not undisturbed:
        return
    if record.seen < attempts and all_arrive:
        yield "attempts", "more than the server saw"
    if record.seen != attempts or not record.told or record.ended in ("ok", "ReconnectRequiredError"):
        return
    if record.told[-1] is not None and record.status != record.told[-1]:
        yield "status lost", "an error status told as something else"
    certain = all(status in NOT_RUN for status in record.told) and record.operation != "run_workflow"
    if certain and record.effect == "unknown":
        yield "wrong effect", "unknown, though every answer said that it did not run"
