"""Waiting for a run to end: what a wait without success says, and what a run gave back.

A status that nobody here knows may be an end: it is told in the log, and in the error, rather than waited for silently.
"""

import asyncio
from collections.abc import Awaitable
from typing import Protocol

import attrs

from refold_async.config.settings import Timeout
from refold_async.errors import (
    APIStatusError,
    ExecutionTimeoutError,
    NotFoundError,
    RefoldError,
    WorkflowFailedError,
)
from refold_async.faults import Fault
from refold_async.models.executions import FINAL, GOING_ON, Execution, ExecutionResponse
from refold_async.resources.polling import LOOK, tell_of_looks
from refold_async.retry_table import RULES
from refold_async.runtime.log import logger

__all__ = ["FetchResponse", "UnknownStatuses", "failure", "too_late", "with_return_value"]


def _is_unknown(status: str | None) -> bool:
    return (status or "").upper() not in FINAL | GOING_ON


def _account_of(execution: Execution) -> str:
    """Return what the log says of whom a run is for; not all tell."""
    account = execution.linked_account_id
    return "" if account is None else f" (linked account {account!r})"


class UnknownStatuses:
    """Warns of a status that is not known once it no longer changes, once for each word of a wait."""

    def __init__(self) -> None:
        self._last: tuple[str | None, float | None] | None = None
        self._told: set[str | None] = set()

    def see(self, execution: Execution) -> None:
        """Take a look at a run into account."""
        seen = execution.status, execution.completion_percentage
        unchanged, self._last = seen == self._last, seen
        if unchanged and execution.status not in self._told and _is_unknown(execution.status):
            self._told.add(execution.status)
            logger.warning(
                "Execution %s%s stays at status %r, which this version of refold_async does not know: it may have "
                "ended. The wait goes on until its timeout.",
                execution.execution_id,
                _account_of(execution),
                execution.status,
            )


def failure(execution: Execution, looks: int) -> WorkflowFailedError:
    """Return the error for a run that ended otherwise than well, after so many looks at it."""
    from refold_async.codec.excerpts import shortened
    from refold_async.protocol.execution_errors import said_by_app

    nodes = "".join(
        f"; node {node.node_name or node.node_id!r} ({node.node_id}) {node.node_status}"
        + (f": {shortened(said, 300)}" if (said := said_by_app(node.latest_output)) else "")
        for node in execution.failed_nodes[:5]
    )
    duplicate = (execution.status or "").upper() == "DUPLICATE"
    became = "Refold took it for a repeat and ran nothing" if duplicate else "Nodes before may have run"
    workflow = execution.associated_workflow
    named = None if workflow is None else workflow.name or workflow.id
    run = "Execution" if named is None else f"Workflow {named!r} did not complete: execution"
    error = WorkflowFailedError(
        f"{run} {execution.execution_id} ended as {execution.status}{nodes}. {became}.",
        execution=execution,
    )
    error.fault = Fault.WORKFLOW_DUPLICATE if duplicate else Fault.WORKFLOW_ERRORED
    error.effect = RULES[error.fault].effect
    tell_of_looks(error, execution, looks)
    return error


def too_late(execution_id: str, execution: Execution | None, looks: int) -> ExecutionTimeoutError:
    """Return the error for a run that has not ended in time; `execution` is how it was last seen, in so many looks."""
    advice = "It may go on: wait again, by executions.wait()."
    known = execution is None or not _is_unknown(execution.status)
    if execution is None:
        seen = "nothing could be learned of it; check its id, for Refold leaves questions about unknown ones unanswered"
    else:
        seen = f"last seen {execution.status}"
        seen += "" if execution.completion_percentage is None else f" at {execution.completion_percentage:g} %"
        if not known:
            advice = (
                "This version of refold_async does not know that status: the run may go on, or may have ended. See "
                "the Refold Console, and look for a newer version."
            )
    error = ExecutionTimeoutError(
        f"Execution {execution_id} has not ended in time, as far as was seen: {seen}. {advice}",
        execution_id=execution_id,
        execution=execution,
        status_known=known,
    )
    error.effect = "unknown"
    tell_of_looks(error, execution, looks)
    return error


class FetchResponse(Protocol):
    """Fetches what a run gave back."""

    def __call__(self, execution_id: str, *, timeout: Timeout) -> Awaitable[ExecutionResponse]:
        """Fetch it."""
        ...


async def with_return_value(execution: Execution, fetch: FetchResponse) -> Execution:
    """Return a run that has completed, with what it gave back; None where there is nothing.

    Raises:
        RefoldError: That could not be fetched. The run is done all the same: the error's effect and a note tell.
    """
    try:
        answer = await fetch(execution.execution_id, timeout=LOOK)
    except (RefoldError, asyncio.CancelledError) as error:
        if isinstance(error, NotFoundError) or (isinstance(error, APIStatusError) and error.status_code == 501):
            return execution
        note = (
            f"Execution {execution.execution_id} has completed; only its return value was not fetched: "
            f"executions.response({execution.execution_id!r}) gives it."
        )
        logger.warning("%s%s", note, _account_of(execution))
        error.add_note(note)
        if isinstance(error, RefoldError):
            error.effect = "done"
        raise
    return attrs.evolve(execution, return_value=answer.response)
