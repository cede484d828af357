"""The connection with Redis or Valkey. Nothing here raises, logs or shows a password."""

import asyncio
import contextlib
import os
from collections.abc import Sequence
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AskError, AuthenticationError, NoPermissionError, RedisError

from refold_async.config.secret import hide
from refold_async.errors import ConfigurationError
from refold_async.limits.redis.reserver import RedisUnavailableError
from refold_async.limits.redis.script import (
    DIFFERING_LIMIT,
    SCRIPT,
    LimitTimes,
    Reservations,
    Wish,
    arguments,
    reservations_of,
)
from refold_async.runtime.foreign_errors import safe_str

__all__ = ["RedisServer"]

_REFUSALS: Final = (AuthenticationError, NoPermissionError)


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
        details: dict[str, Any] = cast("Any", self._redis.connection_pool).connection_kwargs
        self.location = str(details.get("path") or f"{details.get('host', 'localhost')}:{details.get('port', 6379)}")
        """Where Redis is, for messages."""
        self._password = hide(details.get("password"))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = 0

    def check_usable(self) -> asyncio.AbstractEventLoop:
        """Return the running event loop.

        Raises:
            ConfigurationError: It is not that of the first use, or this process was forked since.
        """
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop, self._process = loop, os.getpid()
        elif self._process != os.getpid():
            raise ConfigurationError(
                "The RedisRateLimit was used before this process was forked, so it shares its connection with the "
                "parent: make a RedisRateLimit in each process."
            )
        elif self._loop is not loop:
            raise ConfigurationError(
                "The RedisRateLimit belongs to the event loop in which it was first used, and this is another one: "
                "make a RedisRateLimit in each event loop."
            )
        return loop

    async def reserve(
        self, limit: str, times: LimitTimes, wishes: Sequence[Wish], *, round_trip: float = 0.0, pause: float = 0.0
    ) -> Reservations:
        """Reserve slots.

        Args:
            limit: The key of the limit.
            times: The limit.
            wishes: The slots that are wanted.
            round_trip: How many seconds a round trip takes.
            pause: For how many seconds nobody may send.

        Raises:
            ConfigurationError: Another limit has the same name, or Redis refuses the password or the script.
            RedisUnavailableError: Redis did not respond in time, or with an error.
        """
        keys = [limit, *(wish.key for wish in wishes)]
        given = arguments(times, wishes, round_trip=round_trip, pause=pause)
        failure: Exception
        try:
            async with asyncio.timeout(self._timeout):
                return reservations_of(times, wishes, await self._script(keys=keys, args=given))
        except TimeoutError:
            failure = RedisUnavailableError(f"it did not respond in time (timeout={self._timeout:g})")
        except Exception as error:  # noqa: BLE001 - whatever redis-py raises, calls are treated as the user chose
            failure = self._meaning_of(error, times)
        if isinstance(failure, RedisUnavailableError):
            await self._disconnect()  # after a failover, another server has the name
        raise failure  # without the error of redis-py, whose frames hold the password

    def _meaning_of(self, error: Exception, times: LimitTimes) -> Exception:
        text = safe_str(error).rstrip(".") or type(error).__name__
        if self._password:  # a server that does not know the command to log in quotes it
            text = text.replace(self._password, "***")
        if not isinstance(error, RedisError | OSError):
            return RedisUnavailableError(f"{type(error).__name__}: {text}")
        _, differs, other = text.partition(f"{DIFFERING_LIMIT} ")
        if differs:
            return ConfigurationError(
                f"The rate limit of this name is {other} for other processes, and {times.text} here. All that share a "
                "limit must pass the same RateLimit: give this one another name=, or wait for a minute after the "
                "others have ended."
            )
        if isinstance(error, AskError):
            return ConfigurationError(
                f"Redis at {self.location} is one of several in a cluster, which RedisRateLimit does not support: "
                "pass the URL of a single Redis."
            )
        # Without a password that it wants, Redis refuses the script by its length already.
        if isinstance(error, _REFUSALS) or isinstance(error.__cause__, _REFUSALS) or "unauthenticated" in text:
            return ConfigurationError(
                f"Redis at {self.location} refuses this program: {text}. Check the user name and password in the URL, "
                "and what this user may do."
            )
        return RedisUnavailableError(text)

    async def _disconnect(self) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(self._timeout):
                await self._redis.connection_pool.disconnect(inuse_connections=False)

    async def aclose(self) -> None:
        """Close all connections, unless they belong to another process or event loop."""
        if self._loop is asyncio.get_running_loop() and self._process == os.getpid():
            await self._disconnect()


def _client(url: str, timeout: float) -> Redis:
    problem = "it must begin with redis://, rediss:// or unix://"
    try:
        return _unconnected_client(url, timeout)
    # The errors of redis-py may quote a part of the password.
    except TypeError:
        problem = "it has an option that redis-py does not know, or with a wrong value"
    except ValueError:
        if url.startswith(("redis://", "rediss://", "unix://")):
            problem = "it cannot be read; percent-encode special characters of the password"
    raise ConfigurationError(f"RedisRateLimit(url) is not the URL of a Redis: {problem}.")


def _unconnected_client(url: str, timeout: float) -> Redis:
    options: dict[str, Any] = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    if not url.startswith("unix:"):
        options["socket_keepalive"] = True
    client = cast("Any", Redis).from_url(url, retry=Retry(NoBackoff(), 0), **options)
    client.connection_pool.make_connection()  # which finds unknown options, and connects to nothing
    return client  # type: ignore[no-any-return]
