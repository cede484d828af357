"""The Refold that the examples talk to: the real one if `REFOLD_API_KEY` is set, else a mock in this process."""

import os
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from refold_async import AsyncRefold, Limiter, RateLimit, Timeout
from refold_async.observers import Observer
from refold_async.testing import MockRefold

__all__ = ["open_refold", "uses_mock"]


def uses_mock() -> bool:
    """Return whether there is no API key: then the examples talk to a mock, and may write to it."""
    return not os.environ.get("REFOLD_API_KEY")


@asynccontextmanager
async def open_refold(
    *,
    timeout: Timeout | float = Timeout(),  # noqa: B008 - frozen
    rate_limit: RateLimit | Limiter | None = None,
    observers: Sequence[Observer] = (),
) -> AsyncGenerator[AsyncRefold]:
    """Open a client as `AsyncRefold(...)` does with these options; if there is no key, one that talks to a mock."""
    if not uses_mock():
        async with AsyncRefold(timeout=timeout, rate_limit=rate_limit, observers=observers) as refold:
            yield refold
        return
    async with MockRefold() as mock:
        for number in range(1, 21):
            mock.account(f"user_{number}")
        mock.account("user_7").expire("hubspot")
        print(f"REFOLD_API_KEY is not set: talking to a mock on {mock.base_url}", file=sys.stderr)
        async with AsyncRefold(
            "tk_example", base_url=mock.base_url, timeout=timeout, rate_limit=rate_limit, observers=observers
        ) as refold:
            yield refold
