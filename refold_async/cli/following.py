"""Waiting for a run of a workflow: what is said of one that goes on while the command ends."""

import asyncio
import shlex
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from refold_async.cli.failures import ExitCode, StoppedError, say
from refold_async.cli.options import AccountOptions
from refold_async.cli.output import print_json, wants_json
from refold_async.cli.session import WRITES
from refold_async.errors import ExecutionTimeoutError, RefoldError, WorkflowFailedError

if TYPE_CHECKING:
    from refold_async import Execution

__all__ = ["command", "print_return_value", "started", "waiting"]


@asynccontextmanager
async def waiting(options: AccountOptions, execution_id: str) -> AsyncGenerator[None]:
    """Have the error for a run that has not ended in time tell by which command to wait on."""
    try:
        yield
    except ExecutionTimeoutError as error:
        if isinstance(error.__cause__, RefoldError):
            error.add_note(f"The last look at it failed: {error.__cause__.message}")
        error.add_note(f"`{command('watch', execution_id, options)}` goes on watching it.")
        error.effect = "none"  # this command has written nothing, and may be run again
        raise


@asynccontextmanager
async def started(options: AccountOptions, execution_id: str) -> AsyncGenerator[None]:
    """Have whatever ends the wait for a run that this command has started tell how to go on, by exit code and words."""
    try:
        async with waiting(options, execution_id):
            yield
    except ExecutionTimeoutError as error:
        error.effect = "unknown"
        WRITES.find_out(error.effect)
        raise
    except WorkflowFailedError as error:
        WRITES.find_out(error.effect)
        raise
    except RefoldError as error:
        if error.effect != "done":  # only what it gave back is missing; its note tells
            error.effect = "unknown"
            error.add_note(
                f"Execution {execution_id} may go on: `{command('watch', execution_id, options)}` watches it."
            )
        WRITES.find_out(error.effect)
        raise
    except asyncio.CancelledError:
        say(
            f"refold: Stopped. Execution {execution_id} goes on: `{command('watch', execution_id, options)}` goes on "
            f"watching it, `{command('stop', execution_id, options)}` stops it."
        )
        raise StoppedError(ExitCode.UNKNOWN) from None


def command(verb: str, execution_id: str, options: AccountOptions) -> str:
    """Return the command line that does something to an execution, as the shell takes it."""
    words = ["refold", "executions", verb, execution_id, "-a", options.account]
    if options.api_key_file is not None:
        words += ["--api-key-file", str(options.api_key_file)]
    if options.base_url is not None:
        words += ["--base-url", options.base_url]
    return shlex.join(words)


def print_return_value(options: AccountOptions, execution: "Execution") -> None:
    """Print what a run that has completed gave back."""
    print_json(execution.return_value)
    if not wants_json(options):
        say(f"{execution.status}.")
