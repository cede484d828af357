"""The connection with Redis or Valkey. Nothing here raises, logs or shows a password."""

import asyncio
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from refold_async.config.secret import hide
from refold_async.errors import ConfigurationError
from refold_async.limits.redis.script import DIFFERING_LIMIT, SCRIPT
from refold_async.runtime.foreign_errors import safe_str

__all__ = ["RedisServer", "RedisUnavailableError"]

_CONNECTIONS: Final = 4
_REFUSALS: Final = (AuthenticationError, NoPermissionError)


class RedisUnavailableError(Exception):
    """Redis did not respond, or not as it should."""


class RedisServer:
    """Runs the script of a limit."""

    def __init__(self, url: str, timeout: float) -> None:
        """Connect to nothing yet.

        Args:
            url: The URL of Redis.
            timeout: Seconds after which a request without a response has failed.

        Raises:
            ConfigurationError: The URL is not one of Redis.
        """
        url = hide(url)
        self._timeout = timeout
        self._redis = _client(url, timeout)
        self._script = cast("Any", self._redis).register_script(SCRIPT)
        details: dict[str, Any] = self._redis.connection_pool.connection_kwargs
        self.location = str(details.get("path") or f"{details.get('host', 'localhost')}:{details.get('port', 6379)}")
        """Where Redis is, for messages."""

    async def run(self, key: str, arguments: list[str]) -> list[Any]:
        """Run the script.

        Raises:
            ConfigurationError: Another limit has the same name, or Redis refuses the password or the command.
            RedisUnavailableError: Redis did not respond in time, or with an error.
        """
        failure: Exception
        try:
            async with asyncio.timeout(self._timeout):
                return cast("list[Any]", await self._script(keys=[key], args=arguments))
        except TimeoutError:
            failure = RedisUnavailableError(f"it did not respond for {self._timeout:g} seconds")
        except (RedisError, OSError) as error:
            failure = self._meaning_of(error)
        raise failure  # without the error of redis-py, whose frames hold the password

    def _meaning_of(self, error: Exception) -> Exception:
        text = safe_str(error).rstrip(".") or type(error).__name__
        # Without a password that it wants, Redis refuses the script by its length already.
        if isinstance(error, _REFUSALS) or isinstance(error.__cause__, _REFUSALS) or "unauthenticated" in text:
            return ConfigurationError(
                f"Redis at {self.location} refuses this program: {text}. Check the user name and password in the URL, "
                "and what this user may do."
            )
        _, differs, other = text.partition(f"{DIFFERING_LIMIT} ")
        if not differs:
            return RedisUnavailableError(text)
        return ConfigurationError(
            f"The rate limit of this name is {other} for the other processes. All processes that share a limit must "
            "pass the same RateLimit: wait until the others have ended, or give this limit another name."
        )

    async def aclose(self) -> None:
        """Close all connections."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._redis.aclose()
        except (RedisError, OSError, TimeoutError):
            pass


def _client(url: str, timeout: float) -> Redis:
    problem = "it must begin with redis://, rediss:// or unix://"
    try:
        return cast("Any", Redis).from_url(  # type: ignore[no-any-return]
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            max_connections=_CONNECTIONS,
        )
    except (ValueError, TypeError) as error:
        # The error of redis-py may quote a part of the password.
        if url.startswith(("redis://", "rediss://", "unix://")):
            problem = f"it cannot be read ({type(error).__name__}); percent-encode special characters of the password"
    raise ConfigurationError(f"RedisRateLimit(url) is not the URL of a Redis: {problem}.")
