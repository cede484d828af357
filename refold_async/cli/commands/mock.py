"""`refold mock`."""

from typing import Annotated

from cyclopts import Parameter

from refold_async.cli.failures import UsageError

__all__ = ["mock"]


def mock(
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    allow_remote: bool = False,
    api_key: Annotated[list[str] | None, Parameter(name="--api-key")] = None,
    rate: float | None = None,
    burst: int = 1,
    retry_after: float | None = None,
    workflow_seconds: float = 0.05,
    known_accounts_only: bool = False,
) -> None:
    """Serve a mock Refold on this machine until Ctrl-C.

    Args:
        host: The address to listen on; by default 127.0.0.1.
        port: The port to listen on, by default 8080; 0 picks a free one.
        allow_remote: Let --host be an address that other machines can reach.
        api_key: An invented API key that alone is accepted; may be given several times. By default any is.
        rate: Requests let through per second; more are refused with HTTP 429.
        burst: Requests let through at once; by default 1.
        retry_after: Seconds to send as Retry-After with a 429.
        workflow_seconds: How long a workflow takes, by default 0.05.
        known_accounts_only: Refuse linked accounts that were not created before.
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
        workflow_seconds=workflow_seconds,
        known_accounts_only=known_accounts_only,
    )
    if not options.is_allowed:
        raise UsageError(f"{host} can be reached from other machines: say --allow-remote to mean it.")
    try:
        serve_until_interrupted(options)
    except ValueError as error:
        name, _, problem = str(error).partition(" ")
        option = f"--{name.replace('_', '-')}" if hasattr(options, name) else name
        raise UsageError(f"{option} {problem}.") from None
