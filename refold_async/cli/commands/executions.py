"""`refold executions`."""

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import Parameter

from refold_async.cli.confirmation import confirm_write
from refold_async.cli.failures import UsageError, say
from refold_async.cli.following import print_return_value, say_started, waiting
from refold_async.cli.options import AccountOptions, ConfirmationOptions, WaitOptions, WholeNumber
from refold_async.cli.output import Column, print_json, print_line, print_list, print_record, print_some, wants_json
from refold_async.cli.session import open_account, open_client
from refold_async.cli.suggestions import SOME, suggesting
from refold_async.errors import APIConnectionError, RefoldError
from refold_async.faults import Fault

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from refold_async import AccountScope, Execution

__all__ = ["get", "list_executions", "rerun", "response", "stop", "wait", "watch"]

_STATUSES: Final = (
    *("RUNNING", "QUEUED", "STOPPING", "COMPLETED", "ERRORED", "STOPPED", "TIMED_OUT", "TERMINATED"),
    "DUPLICATE",
)
_FIRST_LOOK: Final = 10.0
"""Seconds in which it must show that there is a connection to Refold, before a long wait."""
_STATUS_HELP: Final = f"Only those with this status: {', '.join(_STATUSES)}."


def _workflow(execution: "Execution") -> str | None:
    workflow = execution.associated_workflow
    return (None if workflow is None else workflow.name or workflow.id) or execution.name


def _percentage(execution: "Execution") -> str | None:
    done = execution.completion_percentage
    return None if done is None else f"{done:g} %"


_COLUMNS: Final[tuple[Column, ...]] = (
    ("EXECUTION", lambda execution: execution.execution_id),
    ("WORKFLOW", _workflow),
    ("STATUS", lambda execution: execution.status),
    ("DONE", _percentage),
    ("BEGAN", lambda execution: execution.created_at),
    ("ENDED", lambda execution: execution.completion_time),
)


async def list_executions(
    *,
    options: AccountOptions,
    slug: str | None = None,
    status: Annotated[str | None, Parameter(help=_STATUS_HELP)] = None,
    workflow_id: str | None = None,
    workflow_name: str | None = None,
    start_date: str | None = None,
    end_date: str | None = None,
    oldest_first: bool = False,
    limit: WholeNumber | None = None,
) -> None:
    """List the executions of a linked account's workflows, newest first.

    Args:
        slug: Only those of workflows of this app.
        workflow_id: Only those of this workflow.
        workflow_name: Only those of workflows with this name.
        start_date: Only those that began then or later, such as 2026-06-01 or 2026-06-01T12:00:00Z.
        end_date: Only those that began then or earlier.
        oldest_first: Begin with the oldest.
        limit: How many at most; by default 100 on a terminal and all elsewhere.
    """
    _check_date("--start-date", start_date)
    _check_date("--end-date", end_date)
    async with open_account(options) as account:
        await print_some(
            options,
            account.executions.list(
                slug=slug,
                status=status,
                workflow_id=workflow_id,
                workflow_name=workflow_name,
                start_date=start_date,
                end_date=end_date,
                oldest_first=oldest_first or None,
            ),
            limit,
            *_COLUMNS,
        )
    if status is not None and status.upper() not in _STATUSES:  # not an error, because Refold may have new ones
        say(f"refold: {status!r} is not a known status. Known ones are {', '.join(_STATUSES)}.")


async def get(execution_id: str, /, *, options: AccountOptions) -> None:
    """Get an execution with its nodes.

    Args:
        execution_id: The execution's id.
    """
    async with open_account(options) as account, _suggesting(account, execution_id):
        execution = await account.executions.get(execution_id)
    print_record(options, execution, *_COLUMNS)
    if not wants_json(options):
        await print_list(
            options,
            execution.nodes,
            ("NODE", lambda node: node.node_id),
            ("NAME", lambda node: node.node_name),
            ("TYPE", lambda node: node.node_type),
            ("STATUS", lambda node: node.node_status),
            ("ATTEMPTS", lambda node: node.attempts_made),
        )


async def watch(execution_id: str, /, *, options: AccountOptions, wait: WaitOptions = WaitOptions()) -> None:
    """Print an execution's status whenever it changes, until it has ended.

    Args:
        execution_id: The execution's id.
    """
    async with _following(options, execution_id, wait.max_wait) as (account, timeout):
        async for execution in account.executions.watch(execution_id, timeout=timeout):
            if wants_json(options):
                print_json(execution, indent=None)
            else:
                print_line(
                    f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}  {execution.status or '-'}  {_percentage(execution) or ''}"
                )
        # It has ended. If it has not completed, this raises the reason.
        await account.executions.wait(execution_id, timeout=timeout, return_value=False)


async def wait(execution_id: str, /, *, options: AccountOptions, wait: WaitOptions = WaitOptions()) -> None:
    """Wait for an execution to end, and print its return value.

    Args:
        execution_id: The execution's id.
    """
    async with _following(options, execution_id, wait.max_wait) as (account, timeout):
        print_return_value(options, await account.executions.wait(execution_id, timeout=timeout))


async def response(execution_id: str, /, *, options: AccountOptions) -> None:
    """Print the return value and the status of an execution.

    Args:
        execution_id: The execution's id.
    """
    async with open_account(options) as account, _suggesting(account, execution_id):
        print_json(await account.executions.response(execution_id))


async def stop(
    execution_id: str, /, *, options: AccountOptions, confirmation: ConfirmationOptions = ConfirmationOptions()
) -> None:
    """Stop an execution.

    Args:
        execution_id: The execution's id.
    """
    async with open_client(options) as refold:
        account = refold.account(options.account)
        confirm_write(refold.environment, f"Stop execution {execution_id} of {options.account}", confirmation)
        async with _suggesting(account, execution_id):
            stopped = await account.executions.stop(execution_id)
    print_record(options, stopped, ("REFOLD SAYS", lambda stopped: stopped.message))


async def rerun(
    execution_id: str, /, *, options: AccountOptions, confirmation: ConfirmationOptions = ConfirmationOptions()
) -> None:
    """Run a workflow again with the payload of an execution.

    Args:
        execution_id: The earlier execution's id.
    """
    async with open_client(options) as refold:
        account = refold.account(options.account)
        confirm_write(refold.environment, f"Run execution {execution_id} of {options.account} again", confirmation)
        async with _suggesting(account, execution_id):
            new = await account.executions.rerun(execution_id)
    say_started(new.execution_id, options)
    print_record(options, new, ("EXECUTION", lambda execution: execution.execution_id))


@asynccontextmanager
async def _following(
    options: AccountOptions, execution_id: str, max_wait: float
) -> "AsyncGenerator[tuple[AccountScope, float]]":
    """Open the account of an execution to wait for its end. Yield it, and how many seconds to wait.

    If there is no connection to Refold, this fails: the wait would last until its time is over.
    """
    async with open_account(options) as account, _suggesting(account, execution_id), waiting(options, execution_id):
        began = time.monotonic()
        try:
            await account.executions.get(execution_id, timeout=min(_FIRST_LOOK, max_wait / 2))
        except RefoldError as error:
            if isinstance(error, APIConnectionError) and error.fault is Fault.NEVER_SENT:
                raise
        yield account, max_wait - (time.monotonic() - began)


def _check_date(option: str, date: str | None) -> None:
    try:
        if date is not None:
            datetime.fromisoformat(date)
    except ValueError:
        raise UsageError(f"{option} {date!r} is not a date: write 2026-06-01 or 2026-06-01T12:00:00Z.") from None


def _suggesting(account: "AccountScope", execution_id: str) -> "AbstractAsyncContextManager[None]":
    """Add to the error for an unknown execution which one the user probably meant."""

    async def known() -> Mapping[str, str]:
        some: list[Any] = await account.executions.list(page_size=SOME).collect(limit=SOME)
        return {execution.execution_id: execution.execution_id for execution in some}

    return suggesting(execution_id, known)
