"""The client of a command: its key, and what became of the writes it sent."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from refold_async.cli.failures import UsageError
from refold_async.cli.options import Options
from refold_async.faults import Effect

if TYPE_CHECKING:
    from refold_async import AccountScope, AsyncRefold, Timeout
    from refold_async.cli.options import AccountOptions
    from refold_async.observers import CallEnd

__all__ = ["WRITES", "WriteEffects", "api_key", "open_account", "open_client"]

_LONGEST_KEY: Final = 4096


class WriteEffects:
    """What became of the writes of a command, as far as it has come: the worst effect."""

    def __init__(self) -> None:
        self.worst: Effect = "none"

    def reset(self) -> None:
        """Forget the command before, where a process runs several."""
        self.worst = "none"

    def on_call_end(self, end: "CallEnd") -> None:
        """See how a call ended."""
        if end.call.kind == "write" and self.worst != "unknown" and end.effect != "none":
            self.worst = end.effect

    def find_out(self, effect: Effect) -> None:
        """Take back what was known: it has become clear what the writes came to."""
        self.worst = effect


WRITES: Final = WriteEffects()
"""Those of the command that this process runs."""


def api_key(options: Options) -> str:
    """Return the API key of a command."""
    key = os.environ.get("REFOLD_API_KEY") if options.api_key_file is None else _read_key(options.api_key_file)
    if not key:
        raise UsageError("No API key: set REFOLD_API_KEY, or pass --api-key-file with a file that holds it.")
    return key


@asynccontextmanager
async def open_client(options: Options, *, rate: float | None = None) -> "AsyncGenerator[AsyncRefold]":
    """Open the client of a command, and close it at its end.

    Args:
        options: The options of the command.
        rate: How many calls may leave in a second; None learns it.
    """
    from refold_async import AsyncRefold, RateLimit

    limit = None if rate is None else RateLimit(rate)
    async with AsyncRefold(api_key(options), base_url=options.base_url, rate_limit=limit, observers=[WRITES]) as refold:
        yield refold if options.timeout is None else refold.with_options(timeout=_limits(options.timeout))


@asynccontextmanager
async def open_account(options: "AccountOptions") -> "AsyncGenerator[AccountScope]":
    """Open the client of a command that acts for a linked account."""
    async with open_client(options) as refold:
        yield refold.account(options.account)


def _limits(seconds: float) -> "Timeout":
    """Return the limits of calls that may take so long. One attempt may take all of it: large files do."""
    from refold_async.config.settings import Timeout

    return Timeout(total=seconds, attempt=max(seconds, Timeout().attempt))


def _read_key(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            key = file.read(_LONGEST_KEY + 1).strip()
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is no text"
        raise UsageError(f"--api-key-file {path} cannot be read: {reason}.") from None
    if not key or len(key) > _LONGEST_KEY or "\n" in key:
        raise UsageError(f"--api-key-file {path} must hold an API key and nothing else.")
    return key
