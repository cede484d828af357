"""`AsyncRefold`: the client that a program creates once and uses for all its calls to Refold."""

import copy
import inspect
import math
import platform
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from refold_async.config.client_options import (
    Environment,
    check_environment,
    environment_of,
    find_api_key,
    find_base_url,
    switch_on_log,
)
from refold_async.config.secret import fingerprint, hide
from refold_async.config.settings import RateLimit, RetryPolicy, Timeout, check_retry_policy, resolve_timeout
from refold_async.config.validation import check_bool, check_positive, check_proxy, check_whole_number
from refold_async.errors import ConfigurationError
from refold_async.fan_out_methods import FanOutMethods
from refold_async.limits.account_limits import AccountLimitSettings
from refold_async.limits.outside_limiter import Limiter, SharedLimit
from refold_async.limits.scheduler import RequestScheduler
from refold_async.pipeline.pipeline import Pipeline
from refold_async.protocol import requests
from refold_async.protocol.endpoints import Request
from refold_async.protocol.headers import NO_API_KEY
from refold_async.protocol.responses import Parser
from refold_async.resources.account import AccountScope
from refold_async.resources.organisation_resources import OrganisationResources
from refold_async.resources.raw_requests import RawRequests
from refold_async.runtime.cancellation import shielded_from_anyio
from refold_async.transport.transport import Transport
from refold_async.version import __version__

if TYPE_CHECKING:
    import aiohttp

    from refold_async.limits.redis.redis_rate_limit import RedisRateLimit
    from refold_async.observers import Observer
    from refold_async.pipeline.observers import CheckedObserver

__all__ = ["AsyncRefold"]

T = TypeVar("T")

_HEADERS: Mapping[str, str] = {
    "User-Agent": f"refold-async/{__version__} Python/{platform.python_version()}",
    "Accept": "application/json, */*;q=0.5",
    "Accept-Encoding": "gzip, deflate",
}
_DEFAULT_TIMEOUT = Timeout()
_SYNCHRONOUS_WORKFLOW = Timeout(total=300, attempt=300)


class AsyncRefold(FanOutMethods, OrganisationResources, RawRequests):
    """A client for Refold: one connection pool, one rate limit and one retry policy for all linked accounts.

    Create one client when your program starts, and close it when the program ends: use `async with`, or call
    `await aclose()`. The client belongs to the event loop in which it is first used.

    Args:
        api_key: Your API key. By default it is read from the environment variable `REFOLD_API_KEY` when the client is
            created. Calls with session tokens need no key.
        base_url: The URL of Refold. By default the environment variable `REFOLD_BASE_URL`, or else
            `https://app.refold.ai`.
        timeout: The time limits of every call: a `Timeout`, or a number of seconds, which means `Timeout(total=...)`.
            By default 120 seconds for a call and 60 for each attempt. Unless you set it, a synchronous workflow may
            take 300 seconds, all of them in one attempt.
        retry: How often to retry, and how long to wait before each retry; by default up to 3 retries.
            `RetryPolicy(max_retries=0)` switches retries off.
        rate_limit: The highest rate at which attempts are sent, for all calls together: a `RateLimit`, a
            `RedisRateLimit` that several processes share, or any object with `async acquire()`. Without one, the client
            learns a rate when Refold keeps responding with HTTP 429.
        account_rate_limit: The highest rate at which attempts are sent for each linked account: a `RateLimit` or a
            `RedisRateLimit`. By default none is set.
        account_concurrency: How many attempts of one linked account may be in flight at the same time. By default none
            is set.
        max_connections: How many connections may be open at the same time.
        keepalive_timeout: How many seconds an idle connection stays open for the next call.
        reuse_connections: Keep connections open for further calls. With False, each attempt opens a connection of its
            own. That costs a handshake each time, but a late second response to one call can never be mistaken for the
            response to the next.
        max_response_bytes: The longest response to read into memory, in bytes, counted after decompression; by default
            64 MiB. Responses of 256 KB and more are parsed in a thread, so that they do not block the event loop.
        max_header_bytes: The longest response header to read, in bytes; by default 64 KiB. A response may have about
            one header for every 64 of these bytes: 1,024 headers by default, and never fewer than about 128.
        connector: Your own aiohttp connector, for TLS settings, a resolver or Unix sockets. The client never closes it.
            `max_connections` applies in addition to the connector's own limit; the connector's `keepalive_timeout`
            replaces the client's.
        proxy: The URL of an HTTP proxy. It may contain a user name and password.
        trust_env: Take the proxy from the environment variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY, read when the
            client is created. NO_PROXY may contain domains, addresses, networks such as `10.0.0.0/8`, patterns, and
            ports.
        observers: Objects to notify of what happens to each call. Each has one or more of the methods `on_call_start`,
            `on_attempt_end`, `on_retry`, `on_call_end` and `request_headers`: see `refold_async.observers`.
            `refold_async.telemetry` contains one for OpenTelemetry.
        trace_configs: aiohttp trace configs, to observe HTTP requests. They see the headers, and so the API key: its
            `repr` shows `***`, but the header itself contains the key. An exception in a hook is logged once and does
            not affect the call.
        allow_http: Allow plain `http://` to hosts other than loopback.
        require_environment: The environment that the key must be for, `test` or `production`. A key for the other one
            is refused, and so is a key whose prefix does not show its environment.
        require_api_key: Raise an error here if there is no key. By default the first call that needs a key raises it.
            To find out whether Refold accepts the key, call `check()`.

    Raises:
        ConfigurationError: An argument is wrong; the message names it. This includes a key in quotes, and a key with
            anything but printable ASCII in it, such as a no-break space or a typographic dash. The message then names
            the character and its position, but does not show the key.
    """

    _shares_connections = False
    """Whether the connections belong to another client, the one whose `with_options()` made this one."""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: Timeout | float = _DEFAULT_TIMEOUT,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
        rate_limit: "RateLimit | Limiter | RedisRateLimit | None" = None,
        account_rate_limit: "RateLimit | RedisRateLimit | None" = None,
        account_concurrency: int | None = None,
        max_connections: int = 100,
        keepalive_timeout: float = 15.0,
        reuse_connections: bool = True,
        max_response_bytes: int = 64 * 1024 * 1024,
        max_header_bytes: int = 64 * 1024,
        connector: "aiohttp.BaseConnector | None" = None,
        proxy: str | None = None,
        trust_env: bool = False,
        observers: "Sequence[Observer]" = (),
        trace_configs: "Sequence[aiohttp.TraceConfig]" = (),
        allow_http: bool = False,
        require_environment: Environment | None = None,
        require_api_key: bool = False,
    ) -> None:
        # If the constructor raises, error reporters show its arguments.
        api_key, base_url, proxy = hide(api_key), hide(base_url), hide(proxy)
        self._api_key = find_api_key(api_key)
        if self._api_key is None and check_bool("require_api_key", require_api_key):
            raise ConfigurationError(f"{NO_API_KEY} require_api_key=True requires one.")
        check_environment(require_environment, self._api_key)
        check_retry_policy(retry)
        switch_on_log()
        checked: Sequence[CheckedObserver] = ()
        if observers != ():
            from refold_async.pipeline.observers import checked_observers

            checked = checked_observers(observers)
        self._transport = Transport(
            base_url=find_base_url(base_url, allow_http=check_bool("allow_http", allow_http)),
            headers=_HEADERS,
            max_connections=check_whole_number("max_connections", max_connections, at_least=1),
            keepalive_timeout=check_positive("keepalive_timeout", keepalive_timeout),
            reuse_connections=check_bool("reuse_connections", reuse_connections),
            max_response_bytes=check_whole_number("max_response_bytes", max_response_bytes, at_least=1),
            max_header_bytes=check_whole_number("max_header_bytes", max_header_bytes, at_least=1024),
            connector=connector,
            proxy=None if proxy is None else check_proxy("proxy", proxy),
            trust_env=check_bool("trust_env", trust_env),
            trace_configs=trace_configs,
        )
        self._scheduler = RequestScheduler(
            _check_limit(rate_limit, self._name_organisation),
            self._transport.connections,
            _check_account_limits(account_rate_limit, account_concurrency, self._name_organisation),
            retry.max_retry_after,
        )
        self._pipeline = Pipeline(
            self._transport,
            self._scheduler,
            retry,
            resolve_timeout(timeout, _DEFAULT_TIMEOUT),
            _SYNCHRONOUS_WORKFLOW if timeout is _DEFAULT_TIMEOUT else resolve_timeout(timeout, _DEFAULT_TIMEOUT),
            secrets=[*filter(None, [self._api_key]), *self._transport.proxy_credentials],
            observers=checked,
        )
        self._organisation = AccountScope(self._pipeline, api_key=self._api_key)

    @property
    def base_url(self) -> str:
        """The URL of Refold, without a trailing slash."""
        return self._transport.base_url

    @property
    def environment(self) -> Environment | None:
        """The environment of the API key, as its prefix shows it; None without a key or with another prefix."""
        return environment_of(self._api_key)

    @property
    def closed(self) -> bool:
        """Whether the client is closed. A client from `with_options()` is closed when the original one is."""
        return self._transport.closed

    def account(self, linked_account_id: str) -> AccountScope:
        """Return the scope of one linked account. Does no I/O, and does not check that the account exists.

        Args:
            linked_account_id: Your own id for the customer, as you gave it to Refold.

        Returns:
            The scope, whose methods make calls for this account.

        Raises:
            ConfigurationError: The id is empty, starts or ends with white space, or contains control characters or lone
                surrogates.
        """
        if linked_account_id is None:
            raise ConfigurationError("linked_account_id must be a str, not NoneType.")
        return AccountScope(self._pipeline, api_key=self._api_key, linked_account_id=linked_account_id)

    def account_from_session_token(self, session_token: str, *, linked_account_id: str | None = None) -> AccountScope:
        """Return the scope of the linked account that a session token belongs to. Needs no API key, and does no I/O.

        Args:
            session_token: The session token.
            linked_account_id: The id of that linked account, if you know it: errors, logs and fan-outs then name it.
                Refold is sent the id only for `connect_url()` and `applications.disconnect()`, which need it in
                addition to the token. If you do not pass it, these two ask Refold for it first.

        Returns:
            The scope, whose methods make calls for this account.

        Raises:
            ConfigurationError: The token or the id contains characters that cannot be sent.
        """
        if session_token is None:
            raise ConfigurationError("session_token must be a str, not NoneType.")
        session_token = hide(session_token)
        return AccountScope(self._pipeline, session_token=session_token, linked_account_id=linked_account_id)

    def with_options(self, *, timeout: Timeout | float | None = None, retry: RetryPolicy | None = None) -> Self:
        """Return a client with other defaults that shares the connections and limits of this one.

        Use it for a part of your program that can wait longer or less long, such as a nightly job or a web request. It
        does no I/O and costs little, so you can create one for each request. Scopes and fan-outs of the new client have
        these options too.

        ```python
        impatient = refold.with_options(timeout=5, retry=RetryPolicy(max_retries=0))
        ```

        Closing the new client has no effect. It is closed when the original client is.

        Args:
            timeout: The time limits of its calls, as if you passed them to each call: a `Timeout`, or seconds for the
                whole call; by default the same as this client's.
            retry: How often to retry, and how long to wait before each retry; by default the same as this client's. Its
                `max_retry_after` applies to the new client's own calls. How long a refusal can pause other calls
                remains as the original client has it.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
        """
        derived = copy.copy(self)
        derived._pipeline = self._pipeline.with_options(timeout, retry)
        derived._organisation = AccountScope(derived._pipeline, api_key=self._api_key)
        derived._shares_connections = True
        return derived

    async def check(self, *, timeout: Timeout | float | None = None) -> None:
        """Check the key, the URL and the network early, with one cheap read.

        Call it when your program starts. Otherwise, the first call for a customer is what reveals a wrong key. Refold
        page: *List Linked Accounts*.

        Args:
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Raises:
            ConfigurationError: There is no API key.
            AuthenticationError: Refold does not know the key.
            APIConnectionError: Refold cannot be reached: `base_url` or the proxy is wrong, or there is no network.
            APIResponseValidationError: What responds at `base_url` is not Refold.
            NotFoundError: `base_url` has a path that is not one of Refold.
            RefoldError: The call failed for another reason.
        """
        from refold_async.models.linked_accounts import LinkedAccount
        from refold_async.protocol.pages import parse_page

        request = requests.raw_request("GET", "/api/v2/public/linked-account", query={"page": 1, "limit": 1})
        await self._send(request, parse_page(LinkedAccount), timeout)

    def _send(self, request: Request, parse: Parser[T], timeout: Timeout | float | None) -> Awaitable[T]:
        return self._organisation._send(request, parse, timeout)  # pyright: ignore[reportPrivateUsage]

    async def aclose(self) -> None:
        """Close all connections. You can close a client twice.

        Calls in flight end immediately with an `APIConnectionError`, whose `effect` says whether the action may have
        run. Calls that wait to be sent end with a `ClientClosedError`. On a client from `with_options()`, this does
        nothing.
        """
        if self._shares_connections:
            return
        with shielded_from_anyio():
            try:
                await self._transport.aclose()
            finally:
                if not self._transport.inherited:
                    await self._scheduler.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _name_organisation(self) -> str:
        """Return what identifies the organisation to those who share a limit, without revealing the key."""
        return f"{self.base_url}:{fingerprint(self._api_key)}"

    def __repr__(self) -> str:
        if not hasattr(self, "_transport"):  # error reporters call this when the constructor raises
            return "<AsyncRefold that could not be created>"
        state = " closed" if self.closed else ""
        return f"<AsyncRefold {self.base_url}, {self.environment or 'unknown environment'}{state}>"


def _check_limit(rate_limit: Any, organisation: Callable[[], str]) -> RateLimit | Limiter | None:
    if inspect.iscoroutinefunction(getattr(rate_limit, "throttled", None)):
        raise ConfigurationError("The throttled() of rate_limit must be a plain function, not a coroutine function.")
    if rate_limit is None or isinstance(rate_limit, RateLimit | Limiter):
        return rate_limit
    if isinstance(rate_limit, SharedLimit):
        return rate_limit.limiter_for(organisation())
    raise ConfigurationError(
        f"rate_limit must be a RateLimit, such as RateLimit(20, burst=5), or an object with `async acquire()`; "
        f"got {rate_limit!r}."
    )


def _check_account_limits(
    rate: object, concurrency: int | None, organisation: Callable[[], str]
) -> AccountLimitSettings:
    shared = rate.account_buckets_for(organisation()) if isinstance(rate, SharedLimit) else None
    if shared is None and rate is not None and not isinstance(rate, RateLimit):
        raise ConfigurationError(f"account_rate_limit must be a RateLimit, such as RateLimit(5), got {rate!r}.")
    return AccountLimitSettings(
        rate=rate if isinstance(rate, RateLimit) else None,
        shared=shared,
        concurrency=(
            math.inf if concurrency is None else check_whole_number("account_concurrency", concurrency, at_least=1)
        ),
    )
