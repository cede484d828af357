"""Opens the client of a command, with its API key."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from refold_async.cli.failures import UsageError
from refold_async.cli.options import Options
from refold_async.cli.process import reading
from refold_async.cli.write_effects import WRITES
from refold_async.config.validation import is_loopback, problem_with_secret
from refold_async.errors import AuthenticationError

if TYPE_CHECKING:
    from refold_async import AccountScope, AsyncRefold, Timeout
    from refold_async.cli.options import AccountOptions

__all__ = ["WRITES", "api_key", "open_account", "open_client"]

_LONGEST_KEY: Final = 4096


def api_key(options: Options) -> str:
    """Return the API key of a command."""
    if options.api_key_file is None:
        source, key = "REFOLD_API_KEY", os.environ.get("REFOLD_API_KEY")
    else:
        source, key = f"The key in {options.api_key_file}", _read_key(options.api_key_file)
    if not key:
        raise UsageError(
            "No API key: set REFOLD_API_KEY, or pass --api-key-file with a file that holds it. "
            "`refold mock` needs no key."
        )
    if key != key.strip():
        place = "begins" if key[0].isspace() else "ends"
        raise UsageError(f"REFOLD_API_KEY {place} with a space or a line break: remove it.")
    if problem := problem_with_secret(source, key):
        raise UsageError(problem)
    return key


@asynccontextmanager
async def open_client(options: Options, *, rate: float | None = None) -> "AsyncGenerator[AsyncRefold]":
    """Open the client of a command, and close it at the end.

    Args:
        options: The options of the command.
        rate: How many requests to send per second at most; None adapts to what Refold accepts.
    """
    from refold_async import AsyncRefold, RateLimit

    client = AsyncRefold(
        api_key(options),
        base_url=options.base_url,
        rate_limit=None if rate is None else RateLimit(rate),
        trust_env=not _is_local(options.base_url or os.environ.get("REFOLD_BASE_URL") or ""),
        observers=[WRITES],
    )
    async with client as refold:
        try:
            yield refold if options.timeout is None else refold.with_options(timeout=_limits(options.timeout))
        except AuthenticationError as error:
            source = "REFOLD_API_KEY" if options.api_key_file is None else f"the file {options.api_key_file}"
            error.add_note(f"The key came from {source}, and {refold.base_url} refused it.")
            raise


@asynccontextmanager
async def open_account(options: "AccountOptions") -> "AsyncGenerator[AccountScope]":
    """Open the client of a command that acts for a linked account."""
    async with open_client(options) as refold:
        yield refold.account(options.account)


def _is_local(base_url: str) -> bool:
    """Return whether Refold is on this machine, as a mock is. A proxy named by HTTP_PROXY would not find it there."""
    from urllib.parse import urlsplit

    try:
        return is_loopback(urlsplit(base_url).hostname or "")
    except ValueError:  # not a URL, as the client will report
        return False


def _limits(seconds: float) -> "Timeout":
    """Return the limits for calls that may take this long. One attempt may take all of it, as large files need."""
    from refold_async.config.settings import Timeout

    return Timeout(total=seconds, attempt=max(seconds, Timeout().attempt))


def _read_key(path: Path) -> str:
    try:
        with reading(), path.open(encoding="utf-8-sig") as file:
            key = file.read(_LONGEST_KEY + 1).strip()
    except FileNotFoundError:
        # A user who mistakes it for --api-key must not find the key in the error.
        shown = "takes the name of a file, and there is no file of this name"
        shown = shown if path.name[:2] in {"tk", "pk"} else f"{path} cannot be read: there is no such file"
        raise UsageError(f"--api-key-file {shown}.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not text"
        raise UsageError(f"--api-key-file {path} cannot be read: {reason}.") from None
    if not key or len(key) > _LONGEST_KEY or "\n" in key or "REFOLD_API_KEY" in key:
        raise UsageError(f"--api-key-file {path} must hold an API key and nothing else.")
    return key
