"""`refold mock`."""

import errno
from typing import Annotated

from cyclopts import Parameter

from refold_async.cli.failures import ExitCode, StoppedError, UsageError, say
from refold_async.cli.options import WholeNumber

__all__ = ["mock"]


def mock(
    *,
    host: str = "127.0.0.1",
    port: WholeNumber = 8080,
    allow_remote: bool = False,
    api_key: Annotated[list[str] | None, Parameter(name="--api-key")] = None,
    rate: float | None = None,
    burst: WholeNumber = 1,
    retry_after: float | None = None,
    action_seconds: float = 0.0,
    workflow_seconds: float = 0.05,
    known_accounts_only: bool = False,
) -> None:
    """Run a mock Refold on this machine until Ctrl-C.

    Args:
        host: The address to listen on; by default 127.0.0.1.
        port: The port to listen on; by default 8080; 0 picks a free one.
        allow_remote: Allow a --host that other machines can reach.
        api_key: Accept only this key, any text you like; may be given several times. By default any key is accepted.
        rate: Requests to accept per second; further ones get HTTP 429.
        burst: Requests to accept at the same moment, with --rate; by default 1.
        retry_after: The seconds of the header Retry-After of an HTTP 429.
        action_seconds: How many seconds an action takes, so that you can watch a job and interrupt it; by default 0.
        workflow_seconds: How many seconds a workflow takes; by default 0.05.
        known_accounts_only: Refuse linked accounts that you have not created.
    """
    from refold_async.testing.serving import ServingOptions, serve_until_interrupted

    options = ServingOptions(
        host=host,
        port=port,
        allow_remote=allow_remote,
        api_key=api_key,
        rate=rate,
        burst=burst,
        retry_after=retry_after,
        action_seconds=action_seconds,
        workflow_seconds=workflow_seconds,
        known_accounts_only=known_accounts_only,
    )
    if not options.is_allowed:
        raise UsageError(f"Other machines can reach {host}: pass --allow-remote to confirm.")
    try:
        serve_until_interrupted(options)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        say(f"refold: Port {port} is in use, perhaps by another `refold mock`: pass --port 0 for a free one.")
        raise StoppedError(ExitCode.FAILED) from None
    except ValueError as error:
        name, _, problem = str(error).partition(" ")
        option = f"--{name.replace('_', '-')}" if hasattr(options, name) else name
        raise UsageError(f"{option} {problem}.") from None
