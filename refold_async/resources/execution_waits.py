"""Waiting for an execution to end: the errors of a wait, and the return value of an execution.

An unknown status may mean that the execution has ended. The log and the error report it, so that nobody waits unaware.
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
from refold_async.resources.polling import LOOK, tell_of_looks, told_of_last_look
from refold_async.retry_table import RULES
from refold_async.runtime.log import logger

__all__ = [
    "FetchResponse",
    "UnknownStatuses",
    "failure",
    "note_connection",
    "note_start",
    "too_late",
    "with_return_value",
]


def _is_unknown(status: str | None) -> bool:
    return (status or "").upper() not in FINAL | GOING_ON


def _account_of(execution: Execution) -> str:
    """Return what the log shows of the linked account of an execution; empty if it is not known."""
    account = execution.linked_account_id
    return "" if account is None else f" (linked account {account!r})"


class UnknownStatuses:
    """Warn about an unknown status that no longer changes, once for each status during a wait."""

    def __init__(self) -> None:
        self._last: tuple[str | None, float | None] | None = None
        self._told: set[str | None] = set()

    def see(self, execution: Execution) -> None:
        """Consider one poll of an execution."""
        seen = execution.status, execution.completion_percentage
        unchanged, self._last = seen == self._last, seen
        if unchanged and execution.status not in self._told and _is_unknown(execution.status):
            self._told.add(execution.status)
            logger.warning(
                "Execution %s%s remains at status %r, which this version of refold_async does not know: it may have "
                "ended. The wait continues until its timeout.",
                execution.execution_id,
                _account_of(execution),
                execution.status,
            )


def failure(execution: Execution, looks: int) -> WorkflowFailedError:
    """Return the error for an execution that did not complete, after so many polls."""
    from refold_async.codec.excerpts import shortened
    from refold_async.protocol.execution_errors import said_by_app

    nodes = "".join(
        f"; node {node.node_name or node.node_id!r} ({node.node_id}) {node.node_status}"
        + (f": {shortened(said, 300)}" if (said := said_by_app(node.latest_output)) else "")
        for node in execution.failed_nodes[:5]
    )
    duplicate = (execution.status or "").upper() == "DUPLICATE"
    became = "Refold treated it as a repeat of another execution, and ran nothing"
    if not duplicate:
        became = "Earlier nodes may have run: check what they did before you run it again"
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


def too_late(
    execution_id: str, execution: Execution | None, looks: int, problem: RefoldError | None
) -> ExecutionTimeoutError:
    """Return the error for an execution that did not end in time.

    Args:
        execution_id: The id of the execution.
        execution: The execution as last polled, or None.
        looks: How many polls there were.
        problem: The error of the last poll, if it failed.
    """
    advice = "It may still be running: wait again with executions.wait()."
    known = execution is None or not _is_unknown(execution.status)
    if execution is None:
        seen = "its status could not be read."
        if problem is None or isinstance(problem, TimeoutError):
            seen += " Check the id: Refold does not respond to some requests about unknown ids."
    else:
        share = execution.completion_percentage
        seen = f"when last polled, its status was {execution.status}{'' if share is None else f' ({share:g} %)'}."
        if not known:
            advice = (
                "This version of refold_async does not know that status: the execution may have ended. Check it in the "
                "Refold Console, and upgrade refold_async if there is a newer version."
            )
    error = ExecutionTimeoutError(
        f"Execution {execution_id} did not end in time: {seen}{told_of_last_look(problem)} {advice}",
        execution_id=execution_id,
        execution=execution,
        status_known=known,
    )
    error.effect = "unknown"
    tell_of_looks(error, execution, looks)
    return error


def note_connection(error: RefoldError, connection_id: str | None) -> None:
    """Add the connection that a failed execution used to the message of its error, if the caller chose it."""
    if connection_id is not None and isinstance(error, WorkflowFailedError):
        from refold_async.pipeline.error_details import add_to_message

        add_to_message(error, f"It used connection {connection_id!r}: check connection_id.")


def note_start(error: BaseException, workflow_id: str, execution_id: str, linked_account_id: str | None) -> None:
    """Note on an error, and in the log, that the wait for a workflow ended although it may still be running."""
    account = "" if linked_account_id is None else f" for linked account {linked_account_id!r}"
    note = (
        f"Workflow {workflow_id!r} was started{account} as execution {execution_id}. It may still be running: wait "
        "with executions.wait(), or stop it with executions.stop()."
    )
    logger.warning("%s", note)
    error.add_note(note)
    if isinstance(error, RefoldError):
        error.effect = "unknown"


class FetchResponse(Protocol):
    """Fetches the return value of an execution."""

    def __call__(self, execution_id: str, *, timeout: Timeout) -> Awaitable[ExecutionResponse]:
        """Fetch it."""
        ...


async def with_return_value(execution: Execution, fetch: FetchResponse) -> Execution:
    """Return a completed execution with its return value; None if it returned nothing.

    Raises:
        RefoldError: The return value could not be fetched. The execution has still completed: the error's effect is
            `"done"`, and a note on the error says so.
    """
    try:
        answer = await fetch(execution.execution_id, timeout=LOOK)
    except (RefoldError, asyncio.CancelledError) as error:
        if isinstance(error, NotFoundError) or (isinstance(error, APIStatusError) and error.status_code == 501):
            return execution
        note = (
            f"Execution {execution.execution_id}{_account_of(execution)} has completed, but its return value was not "
            f"fetched: executions.response({execution.execution_id!r}) returns it."
        )
        logger.warning("%s", note)
        error.add_note(note)
        if isinstance(error, RefoldError):
            error.effect = "done"
        raise
    return attrs.evolve(execution, return_value=answer.response)
