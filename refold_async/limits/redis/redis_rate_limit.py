"""The rate limit that processes share through Redis, as a program uses it."""

from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self, get_args

from refold_async.config.secret import fingerprint, hide
from refold_async.config.settings import RateLimit
from refold_async.config.validation import check_positive
from refold_async.errors import ConfigurationError
from refold_async.limits.redis.organisation_limit import OrganisationLimit
from refold_async.limits.redis.reserver import OnFailure, Reserver
from refold_async.limits.redis.script import LimitTimes
from refold_async.limits.redis.shared_bucket import SharedBucket
from refold_async.runtime.cancellation import shielded_from_anyio

__all__ = ["RedisRateLimit"]


class RedisRateLimit:
    """A rate limit that any number of processes keep together, through Redis or Valkey. It needs the extra `redis`.

    ```python
    limit = RedisRateLimit("redis://localhost", RateLimit(20, burst=5), name="acme")
    async with limit, AsyncRefold(rate_limit=limit) as refold:
        ...
    ```

    Processes share the limit if they use the same Redis, `name`, base URL and API key. Requests are spread evenly over
    all of them, and those of single calls go before those of fan-outs. If Refold refuses all requests of one process
    with HTTP 429, all processes wait.

    Pass it as `rate_limit=`, or as `account_rate_limit=` to limit each linked account. Any number of clients of a
    process can use the same one. Close it after them: use `async with`, or call `await aclose()`. It belongs to the
    event loop in which it is first used.
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
            url: The URL of a Redis 7, a Valkey, or later: `redis://user:password@host:6379/0`, `rediss://` with TLS, or
                `unix://`. Its password is never shown.
            limit: The limit for all processes together. All must pass the same one.
            name: A name for what shares the limit, such as the name of your product.
            on_failure: What happens while Redis does not respond. With `wait` calls wait; single calls, at most for
                their timeout. With `error` they fail with `APIConnectionError`, and are not sent. With `local` each
                process keeps to its `local_share` of the limit.
            local_share: The part of the limit that this process uses with `on_failure="local"`, greater than 0 and at
                most 1: with four processes, 0.25.
            timeout: Seconds after which Redis counts as not responding.

        Raises:
            ConfigurationError: An argument is wrong; the message names it. Or the extra `redis` is not installed.
        """
        url = hide(url)  # if the constructor raises, error reporters show its arguments
        if not isinstance(url, str):
            raise ConfigurationError(f"RedisRateLimit(url) must be a str, not {type(url).__name__}.")
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
        share = _share_of(limit, on_failure, local_share)
        timeout = check_positive("RedisRateLimit(timeout=)", timeout)
        try:
            from refold_async.limits.redis.server import RedisServer
        except ImportError:
            raise ConfigurationError("RedisRateLimit needs redis-py: pip install 'refold-async[redis]'") from None
        self._server = RedisServer(url, timeout)
        self._limit = limit
        self._name = name
        self._on_failure: OnFailure = on_failure
        self._share = share
        self._reservers: dict[str, Reserver] = {}
        self._limiters: dict[str, OrganisationLimit] = {}

    def limiter_for(self, organisation: str) -> OrganisationLimit:
        """Return the limiter of the clients of an organisation. `AsyncRefold` calls it.

        Args:
            organisation: The base URL and a fingerprint of the API key.
        """
        if (limiter := self._limiters.get(organisation)) is None:
            times, key = LimitTimes.of(self._limit), self._key(organisation)
            reserver = self._reserver(key, times)
            bucket = SharedBucket(f"{key}:all", reserver, latest=times.latest, share=self._share)
            limiter = self._limiters[organisation] = OrganisationLimit(bucket, reserver)
        return limiter

    def account_buckets_for(self, organisation: str) -> Callable[[str, Callable[[], object]], SharedBucket]:
        """Return what makes the buckets of an organisation's linked accounts. `AsyncRefold` calls it.

        Args:
            organisation: The base URL and a fingerprint of the API key.

        Returns:
            A function of the key of an account, and of what to call when its bucket has changed.
        """
        times, key = LimitTimes.of(self._limit, of_account=True), f"{self._key(organisation)}:accounts"
        reserver = self._reserver(key, times)

        def bucket(account: str, changed: Callable[[], object]) -> SharedBucket:
            key_of_bucket = f"{key}:{fingerprint(account)}"  # the key of an account may be a session token
            return SharedBucket(key_of_bucket, reserver, changed, latest=times.latest, share=self._share)

        return bucket

    def _key(self, organisation: str) -> str:
        """Return the key of the limit. What is in braces decides where a cluster keeps it."""
        return f"refold_async:{{{self._name}:{organisation}}}"

    def _reserver(self, key: str, times: LimitTimes) -> Reserver:
        if (reserver := self._reservers.get(key)) is None:
            server = self._server
            reserve = partial(server.reserve, key, times)
            reserver = Reserver(reserve, server.check_usable, server.location, self._on_failure)
            self._reservers[key] = reserver
        return reserver

    async def aclose(self) -> None:
        """Close the connection with Redis. You can close it twice. Calls that still wait for the limit fail."""
        with shielded_from_anyio():
            for reserver in self._reservers.values():
                await reserver.aclose()
            await self._server.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        if not hasattr(self, "_server"):  # error reporters call this when the constructor raises
            return "<RedisRateLimit that could not be created>"
        return f"<RedisRateLimit {self._name!r}, {self._limit}, at {self._server.location}>"


def _share_of(limit: RateLimit, on_failure: OnFailure, local_share: float | None) -> RateLimit | None:
    """Return the limit that a process keeps to alone while Redis does not respond, or None if there is none."""
    if (local_share is not None) != (on_failure == "local"):
        raise ConfigurationError(
            "RedisRateLimit(local_share=) goes with on_failure='local': the part of the limit that this process may "
            "use alone, such as 0.25 with four processes."
        )
    if local_share is None:
        return None
    share = check_positive("RedisRateLimit(local_share=)", local_share)
    if share > 1:
        raise ConfigurationError(f"RedisRateLimit(local_share=) must be at most 1, got {local_share!r}.")
    return RateLimit(limit.rate * share, per=limit.per)
