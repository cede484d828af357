"""Waits for executions of workflows, and explains how to follow one that still runs when the command ends."""

import asyncio
import shlex
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from refold_async.cli.failures import ExitCode, StoppedError, begin_line, say
from refold_async.cli.options import AccountOptions
from refold_async.cli.output import print_json, wants_json
from refold_async.cli.session import WRITES
from refold_async.errors import ExecutionTimeoutError, RefoldError, WorkflowFailedError

if TYPE_CHECKING:
    from refold_async import Execution

__all__ = ["command", "print_return_value", "say_started", "started", "waiting"]


@asynccontextmanager
async def waiting(options: AccountOptions, execution_id: str) -> AsyncGenerator[None]:
    """Wait for an execution that another command has started: whatever it did, this command has written nothing.

    The error for one that has not ended in time names the command that continues to wait.
    """
    try:
        async with _explaining(options, execution_id):
            yield
    except (ExecutionTimeoutError, WorkflowFailedError) as error:
        error.effect = "none"
        raise


@asynccontextmanager
async def _explaining(options: AccountOptions, execution_id: str) -> AsyncGenerator[None]:
    try:
        yield
    except ExecutionTimeoutError as error:
        error.add_note(f"To follow it: `{command('watch', execution_id, options)}`.")
        raise


@asynccontextmanager
async def started(options: AccountOptions, execution_id: str) -> AsyncGenerator[None]:
    """Wait for an execution that this command has started: errors name the next command, and set the exit code."""
    try:
        async with _explaining(options, execution_id):
            yield
    except ExecutionTimeoutError as error:
        error.effect = "unknown"
        WRITES.find_out(error.effect)
        raise
    except WorkflowFailedError as error:
        WRITES.find_out(error.effect)
        raise
    except RefoldError as error:
        if error.effect != "done":  # only its return value is missing, as its note says
            error.effect = "unknown"
            error.add_note(
                f"Execution {execution_id} may still run. To follow it: `{command('watch', execution_id, options)}`."
            )
        WRITES.find_out(error.effect)
        raise
    except asyncio.CancelledError:
        begin_line()
        say(
            f"refold: Stopped waiting. Execution {execution_id} still runs. To follow it: "
            f"`{command('watch', execution_id, options)}`. To stop it: `{command('stop', execution_id, options)}`."
        )
        raise StoppedError(ExitCode.UNKNOWN) from None


def say_started(execution_id: str, options: AccountOptions) -> None:
    """Say that an execution has started, and how to follow it."""
    say(f"Started execution {execution_id}. To follow it: `{command('watch', execution_id, options)}`.")


def command(verb: str, execution_id: str, options: AccountOptions) -> str:
    """Return the command line that does something with an execution, quoted for the shell."""
    words = ["refold", "executions", verb, execution_id, "-a", options.account]
    if options.api_key_file is not None:
        words += ["--api-key-file", str(options.api_key_file)]
    if options.base_url is not None:
        words += ["--base-url", options.base_url]
    return shlex.join(words)


def print_return_value(options: AccountOptions, execution: "Execution") -> None:
    """Print the return value of an execution that has completed."""
    print_json(execution.return_value)
    if not wants_json(options):
        say(f"{execution.status}.")
