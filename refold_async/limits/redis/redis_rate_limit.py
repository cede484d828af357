"""The rate limit that processes share through Redis, as a program uses it."""

import asyncio
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, get_args

from refold_async.config.secret import hide
from refold_async.config.settings import RateLimit
from refold_async.config.validation import check_positive
from refold_async.errors import ConfigurationError
from refold_async.limits.redis.organisation_limit import OnFailure, OrganisationLimit
from refold_async.limits.redis.script import LimitTimes, Reservation, arguments, reservation_of

__all__ = ["RedisRateLimit"]

_LAST_MOMENTS: Final = 1.0
"""Seconds that requests to Redis get to end when the limit is closed."""


class RedisRateLimit:
    """A rate limit that any number of processes keep together, through Redis or Valkey.

    ```python
    limit = RedisRateLimit("redis://localhost", RateLimit(20, burst=5), name="acme")
    async with limit, AsyncRefold(rate_limit=limit) as refold:
        ...
    ```

    Requests are spread evenly over all processes, and those of single calls go before those of fan-outs. If Refold
    refuses all requests of one process with HTTP 429, all processes wait. It needs the extra `redis`, and Redis 7 or
    Valkey. It belongs to the event loop it is first used in.

    Processes share the limit if they use the same Redis, `name`, base URL and API key. Redis gets a
    fingerprint of the key, not the key.
    """

    def __init__(
        self,
        url: str,
        limit: RateLimit,
        *,
        name: str,
        on_failure: OnFailure = "wait",
        local_share: float | None = None,
        timeout: float = 1.0,
    ) -> None:
        """Connect to nothing yet.

        Args:
            url: The URL of Redis, such as `redis://user:password@host:6379/0`, `rediss://` or `unix://`. Its password
                is never shown.
            limit: The limit for all processes together. All must pass the same one.
            name: A name for what shares the limit, such as the name of your product.
            on_failure: What happens while Redis does not respond. `wait`: calls wait, at most for their timeout.
                `error`: calls fail with `APIConnectionError`; nothing is sent. `local`: each process keeps to its
                `local_share` of the limit.
            local_share: The part of the limit that this process may use alone with `on_failure="local"`, greater than 0
                and at most 1: with four processes, 0.25.
            timeout: Seconds after which Redis counts as not responding.

        Raises:
            ConfigurationError: An argument is wrong; the message names it. Or the extra `redis` is not installed.
        """
        url = hide(url)  # if the constructor raises, error reporters show its arguments
        if not isinstance(limit, RateLimit):
            raise ConfigurationError(
                f"RedisRateLimit(limit) must be a RateLimit, such as RateLimit(20), got {limit!r}."
            )
        if not isinstance(name, str) or not name.strip() or not name.isprintable() or set(name) & set("{}"):
            raise ConfigurationError(
                f"RedisRateLimit(name=) must be a name such as 'acme', without braces, got {name!r}."
            )
        if on_failure not in get_args(OnFailure):
            raise ConfigurationError(
                f"RedisRateLimit(on_failure=) must be 'wait', 'error' or 'local', got {on_failure!r}."
            )
        if (local_share is not None) != (on_failure == "local"):
            raise ConfigurationError(
                "RedisRateLimit(local_share=) goes with on_failure='local': the part of the limit that this process "
                "may use alone, such as 0.25 with four processes."
            )
        share = 0.0 if local_share is None else check_positive("RedisRateLimit(local_share=)", local_share)
        if share > 1:
            raise ConfigurationError(f"RedisRateLimit(local_share=) must be at most 1, got {local_share!r}.")
        timeout = check_positive("RedisRateLimit(timeout=)", timeout)
        try:
            from refold_async.limits.redis.server import RedisServer, RedisUnavailableError
        except ImportError as error:
            raise ConfigurationError("RedisRateLimit needs redis-py: pip install 'refold-async[redis]'.") from error
        self._server = RedisServer(url, timeout)
        self._make = partial(
            OrganisationLimit,
            limit,
            location=self._server.location,
            unavailable=RedisUnavailableError,
            on_failure=on_failure,
            local_share=share,
        )
        self._unavailable = RedisUnavailableError
        self._on_failure = on_failure
        self._limit = limit
        self._times = LimitTimes.of(limit)
        self._name = name
        self._limiters: dict[str, OrganisationLimit] = {}

    def limiter_for(self, organisation: str) -> OrganisationLimit:
        """Return the limiter of the clients with this base URL and key. `AsyncRefold` calls it.

        Args:
            organisation: The base URL and a fingerprint of the API key.
        """
        if (limiter := self._limiters.get(organisation)) is None:
            key = f"refold_async:{{{self._name}:{organisation}}}"
            limiter = self._limiters[organisation] = self._make(partial(self._reserve, key))
        return limiter

    async def _reserve(self, key: str, **wanted: Any) -> Reservation:
        answer = await self._server.run(key, arguments(self._times, **wanted))
        return reservation_of(self._times, answer)

    async def aclose(self) -> None:
        """Close the connections with Redis. What waits for a slot waits on, so close the clients first."""
        tasks = [task for limiter in self._limiters.values() for task in limiter.close()]
        if tasks:
            await asyncio.wait(tasks, timeout=_LAST_MOMENTS)
        await self._server.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        if not hasattr(self, "_name"):  # error reporters call this when the constructor raises
            return "<RedisRateLimit that could not be created>"
        return f"<RedisRateLimit {self._name!r}, {self._times.text}, at {self._server.location}>"
