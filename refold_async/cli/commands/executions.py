"""`refold executions`."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from refold_async.cli.confirmation import confirm_write
from refold_async.cli.failures import say
from refold_async.cli.following import command, print_return_value, waiting
from refold_async.cli.options import AccountOptions, ConfirmationOptions, WaitOptions
from refold_async.cli.output import print_json, print_line, print_list, print_record, print_some, wants_json
from refold_async.cli.session import open_account, open_client
from refold_async.cli.suggestions import SOME, suggesting

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from refold_async import AccountScope, Execution

__all__ = ["get", "list_executions", "rerun", "response", "stop", "wait", "watch"]


async def list_executions(
    *,
    options: AccountOptions,
    slug: str | None = None,
    status: str | None = None,
    workflow_id: str | None = None,
    workflow_name: str | None = None,
    start_date: str | None = None,
    end_date: str | None = None,
    oldest_first: bool = False,
    limit: int | None = None,
) -> None:
    """List the executions of a linked account's workflows, newest first.

    Args:
        slug: Only those of workflows of this app.
        status: Only those with this status, such as ERRORED.
        workflow_id: Only those of this workflow.
        workflow_name: Only those of workflows of this name.
        start_date: Only those begun then or later, such as 2026-06-01 or 2026-06-01T12:00:00Z.
        end_date: Only those begun then or earlier.
        oldest_first: Begin with the oldest.
        limit: How many at most; by default 100 on a terminal, and all elsewhere.
    """
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
            ("EXECUTION", lambda execution: execution.execution_id),
            ("WORKFLOW", _workflow),
            ("STATUS", lambda execution: execution.status),
            ("DONE", _percentage),
            ("BEGAN", lambda execution: execution.created_at),
            ("ENDED", lambda execution: execution.completion_time),
        )


async def get(execution_id: str, /, *, options: AccountOptions) -> None:
    """Show an execution with its nodes.

    Args:
        execution_id: The execution's id.
    """
    async with open_account(options) as account, _suggesting(account, execution_id):
        execution = await account.executions.get(execution_id)
    print_record(
        options,
        execution,
        ("EXECUTION", lambda execution: execution.execution_id),
        ("WORKFLOW", _workflow),
        ("STATUS", lambda execution: execution.status),
        ("DONE", _percentage),
        ("BEGAN", lambda execution: execution.created_at),
        ("ENDED", lambda execution: execution.completion_time),
    )
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
    async with open_account(options) as account, _suggesting(account, execution_id), waiting(options, execution_id):
        async for execution in account.executions.watch(execution_id, timeout=wait.max_wait):
            if wants_json(options):
                print_json(execution, indent=None)
            else:
                print_line(f"{datetime.now():%H:%M:%S}  {execution.status or '-'}  {_percentage(execution) or ''}")
        # It has ended: this tells why, unless it has completed.
        await account.executions.wait(execution_id, timeout=wait.max_wait, return_value=False)


async def wait(execution_id: str, /, *, options: AccountOptions, wait: WaitOptions = WaitOptions()) -> None:
    """Wait for an execution to end, and print what it gives back.

    Args:
        execution_id: The execution's id.
    """
    async with open_account(options) as account, _suggesting(account, execution_id), waiting(options, execution_id):
        print_return_value(options, await account.executions.wait(execution_id, timeout=wait.max_wait))


async def response(execution_id: str, /, *, options: AccountOptions) -> None:
    """Print what an execution gave back, and its status.

    Args:
        execution_id: The execution's id.
    """
    async with open_account(options) as account, _suggesting(account, execution_id):
        print_json(await account.executions.response(execution_id))


async def stop(
    execution_id: str, /, *, options: AccountOptions, confirmation: ConfirmationOptions = ConfirmationOptions()
) -> None:
    """Have an execution stopped.

    Args:
        execution_id: The execution's id.
    """
    async with open_client(options) as refold:
        account = refold.account(options.account)
        _confirm(refold.environment, f"Stop execution {execution_id} of {options.account}", confirmation)
        async with _suggesting(account, execution_id):
            stopped = await account.executions.stop(execution_id)
    print_record(options, stopped, ("REFOLD SAYS", lambda stopped: stopped.message))


async def rerun(
    execution_id: str, /, *, options: AccountOptions, confirmation: ConfirmationOptions = ConfirmationOptions()
) -> None:
    """Start a workflow again with what an execution was given.

    Args:
        execution_id: The earlier execution's id.
    """
    async with open_client(options) as refold:
        account = refold.account(options.account)
        _confirm(refold.environment, f"Run execution {execution_id} of {options.account} again", confirmation)
        async with _suggesting(account, execution_id):
            new = await account.executions.rerun(execution_id)
    say(f"Started execution {new.execution_id}: `{command('watch', new.execution_id, options)}` watches it.")
    print_record(options, new, ("EXECUTION", lambda execution: execution.execution_id))


def _confirm(environment: str | None, what: str, confirmation: ConfirmationOptions) -> None:
    confirm_write(environment, what, yes=confirmation.yes, may_read=False)


def _workflow(execution: "Execution") -> str | None:
    workflow = execution.associated_workflow
    return (None if workflow is None else workflow.name or workflow.id) or execution.name


def _percentage(execution: "Execution") -> str | None:
    done = execution.completion_percentage
    return None if done is None else f"{done:g} %"


def _suggesting(account: "AccountScope", execution_id: str) -> "AbstractAsyncContextManager[None]":
    """Have the error for an execution that is unknown tell which was meant."""

    async def known() -> Mapping[str, str]:
        some: list[Any] = await account.executions.list(page_size=SOME).collect(limit=SOME)
        return {execution.execution_id: execution.execution_id for execution in some}

    return suggesting(execution_id, known)
