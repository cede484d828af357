"""`AsyncRefold`: one session with Refold, shared by everything a program does there."""

import copy
import inspect
import platform
from collections.abc import Awaitable, Mapping, Sequence
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
from refold_async.config.secret import hide
from refold_async.config.settings import RateLimit, RetryPolicy, Timeout, check_retry_policy, resolve_timeout
from refold_async.config.validation import check_bool, check_positive, check_proxy, check_whole_number
from refold_async.errors import ConfigurationError
from refold_async.fan_out_methods import FanOutMethods
from refold_async.limits.account_limits import AccountLimitSettings
from refold_async.limits.outside_limiter import Limiter
from refold_async.limits.scheduler import RequestScheduler
from refold_async.pipeline.pipeline import Pipeline
from refold_async.protocol import requests
from refold_async.protocol.endpoints import Request
from refold_async.protocol.headers import NO_API_KEY
from refold_async.protocol.responses import Parser
from refold_async.resources.account import AccountScope
from refold_async.resources.raw_requests import RawRequests
from refold_async.runtime.cancellation import shielded_from_anyio
from refold_async.transport.transport import Transport
from refold_async.version import __version__

if TYPE_CHECKING:
    import aiohttp

    from refold_async.observers import Observer
    from refold_async.pipeline.observers import CheckedObserver
    from refold_async.resources.linked_accounts import LinkedAccounts
    from refold_async.resources.session_tokens import SessionTokens
    from refold_async.resources.webhooks import Webhooks

__all__ = ["AsyncRefold"]

T = TypeVar("T")

_HEADERS: Mapping[str, str] = {
    "User-Agent": f"refold-async/{__version__} Python/{platform.python_version()}",
    "Accept": "application/json, */*;q=0.5",
    "Accept-Encoding": "gzip, deflate",
}
_DEFAULT_TIMEOUT = Timeout()
_SYNCHRONOUS_WORKFLOW = Timeout(total=300, attempt=300)


class AsyncRefold(FanOutMethods, RawRequests):
    """A session with Refold: one pool of connections, one rate limit, one retry policy for all linked accounts.

    Make one for the life of your program and close it at its end, by `async with` or `await aclose()`. It belongs to
    the event loop it is first used in.

    Args:
        api_key: The API key; by default `REFOLD_API_KEY` of the environment, read when this is constructed. Not
            needed for session tokens.
        base_url: Where Refold is; by default `REFOLD_BASE_URL` of the environment, else `https://app.refold.ai`.
        timeout: Limits of time for every call, in seconds; a number stands for `Timeout(total=...)`. Where it is not
            given, synchronous workflows get 300 seconds for the whole call and for an attempt.
        retry: How often and how patiently calls are tried again; `RetryPolicy(max_retries=0)` for one attempt.
        rate_limit: Holds every attempt of all calls to a rate: a `RateLimit`, or any object with `async acquire()`.
            Without one, the client learns a rate where Refold answers HTTP 429 again and again.
        account_rate_limit: Holds every linked account's attempts to a rate of its own.
        account_concurrency: How many attempts of one linked account may be in flight at once.
        max_connections: How many connections may be open at once.
        keepalive_timeout: Seconds an idle connection is kept for the next call.
        reuse_connections: Keep connections open for further calls. False opens one for each attempt: that costs a
            handshake each time, but no late second response to one call can be taken for the response to the next.
        max_response_bytes: The longest response to read into memory, in bytes, counted after decompression. Those of
            256 KB and more are read in a thread, so that the event loop goes on meanwhile.
        max_header_bytes: The longest header of a response to read, in bytes. A response may have about one header for
            every 64 of these bytes, by default 1,024 of them, and at least about 128.
        connector: An aiohttp connector of yours, for TLS settings, a resolver or unix sockets. Never closed by the
            client; `max_connections` holds beside its own limit, and its own `keepalive_timeout` counts.
        proxy: URL of an HTTP proxy; may hold a user name and password.
        trust_env: Take the proxy from HTTP_PROXY, HTTPS_PROXY and NO_PROXY, read when this is constructed. NO_PROXY may
            hold domains, addresses, networks such as `10.0.0.0/8`, patterns, and ports.
        observers: Told what happens to each call: objects with any of `on_call_start`, `on_attempt_end`, `on_retry` and
            `on_call_end`, as `refold_async.observers` describes them, such as `refold_async.telemetry` has one.
        trace_configs: aiohttp trace configs, to observe requests. They see the headers, and so the key: its `repr`
            shows `***`, the header itself the key. What a hook raises is logged once, and harms no call.
        allow_http: Allow plain `http://` to other hosts than loopback.
        require_environment: Refuse a key of the other environment, or one whose prefix does not tell.
        require_api_key: Refuse to be constructed without a key. By default its absence is told by the first call that
            needs one. Whether Refold accepts the key, `check()` tells.

    Raises:
        ConfigurationError: An argument is wrong; the message names it. A key that holds anything but printable ASCII,
            such as a no-break space or a typographic dash, or that is in quotes, is refused; the message tells which
            character is where, and does not show the key.
    """

    _shares_connections = False
    """Whether the connections are another client's, which `with_options()` derived this one from."""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: Timeout | float = _DEFAULT_TIMEOUT,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
        rate_limit: RateLimit | Limiter | None = None,
        account_rate_limit: RateLimit | None = None,
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
        # Error reporters show the arguments of a constructor that raises.
        api_key, base_url, proxy = hide(api_key), hide(base_url), hide(proxy)
        self._api_key = find_api_key(api_key)
        if self._api_key is None and check_bool("require_api_key", require_api_key):
            raise ConfigurationError(f"{NO_API_KEY} require_api_key=True demands one.")
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
            _check_limit(rate_limit),
            self._transport.connections,
            _check_account_limits(account_rate_limit, account_concurrency),
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
        """Where Refold is, without a trailing slash."""
        return self._transport.base_url

    @property
    def environment(self) -> Environment | None:
        """The environment the API key is for, told by its prefix; None without a key or with another prefix."""
        return environment_of(self._api_key)

    @property
    def closed(self) -> bool:
        """Whether `aclose()` was called; of a client from `with_options()`, whether the one it is from was closed."""
        return self._transport.closed

    @property
    def linked_accounts(self) -> "LinkedAccounts":
        """The customers, and what they are connected to."""
        from refold_async.resources.linked_accounts import LinkedAccounts

        return LinkedAccounts(self._send, self.account)

    @property
    def session_tokens(self) -> "SessionTokens":
        """Tokens that stand for one linked account, and scopes that look after their own."""
        from refold_async.resources.session_tokens import SessionTokens

        return SessionTokens(self._send, self._pipeline)

    @property
    def webhooks(self) -> "Webhooks":
        """Where Refold is to send its webhooks."""
        from refold_async.resources.webhooks import Webhooks

        return Webhooks(self._send)

    def account(self, linked_account_id: str) -> AccountScope:
        """Return the scope of one linked account. Does no I/O and does not check that the account exists.

        Args:
            linked_account_id: Your own id of the customer, as it was given to Refold.

        Raises:
            ConfigurationError: The id is empty, has white space at an edge, control characters or lone surrogates.
        """
        if linked_account_id is None:
            raise ConfigurationError("linked_account_id must be a str, not NoneType.")
        return AccountScope(self._pipeline, api_key=self._api_key, linked_account_id=linked_account_id)

    def account_from_session_token(self, session_token: str, *, linked_account_id: str | None = None) -> AccountScope:
        """Return the scope of the linked account that a session token stands for. Needs no API key.

        Args:
            session_token: The token.
            linked_account_id: The account it stands for, if you know it: for errors, logs and fan-outs. Sent only where
                Refold wants it beside the token, by `connect_url()` and `applications.disconnect()`; these look it up
                if you do not know it.

        Raises:
            ConfigurationError: The token or the id cannot be sent as it is.
        """
        if session_token is None:
            raise ConfigurationError("session_token must be a str, not NoneType.")
        session_token = hide(session_token)
        return AccountScope(self._pipeline, session_token=session_token, linked_account_id=linked_account_id)

    def with_options(self, *, timeout: Timeout | float | None = None, retry: RetryPolicy | None = None) -> Self:
        """Return a client with other defaults, which shares connections and limits with this one.

        For a part of a program that can wait longer, or not so long: a request of a web service, a nightly job. Does no
        I/O, and is cheap enough to be made for each. Its scopes and fan-outs have these options too.

        ```python
        impatient = refold.with_options(timeout=5, retry=RetryPolicy(max_retries=0))
        ```

        Closing it closes nothing; once this client is closed, it is closed as well.

        Args:
            timeout: Limits of time for its calls, as if they were passed to each; by default this client's.
            retry: How often and how patiently its calls are tried again; by default as this client's. How long refusals
                make other calls wait at most, `max_retry_after`, stays what it was.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
        """
        derived = copy.copy(self)
        derived._pipeline = self._pipeline.with_options(timeout, retry)
        derived._organisation = AccountScope(derived._pipeline, api_key=self._api_key)
        derived._shares_connections = True
        return derived

    async def check(self, *, timeout: Timeout | float | None = None) -> None:
        """Tell early whether the key, the URL and the network are right, by one cheap call that reads.

        Call it when a program starts, rather than hear of a wrong key from the first customer's call. Refold page:
        *List Linked Accounts*.

        Args:
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Raises:
            ConfigurationError: There is no API key.
            AuthenticationError: Refold does not know the key.
            APIConnectionError: Refold cannot be reached: a wrong `base_url`, a proxy, no network.
            APIResponseValidationError: Something answered at `base_url` that is not Refold.
            RefoldError: Whatever else may keep a call from being answered.
        """
        from refold_async.models.linked_accounts import LinkedAccount
        from refold_async.protocol.pages import parse_page

        request = requests.raw_request("GET", "/api/v2/public/linked-account", query={"page": 1, "limit": 1})
        await self._send(request, parse_page(LinkedAccount), timeout)

    def _send(self, request: Request, parse: Parser[T], timeout: Timeout | float | None) -> Awaitable[T]:
        return self._organisation._send(request, parse, timeout)  # pyright: ignore[reportPrivateUsage]

    async def aclose(self) -> None:
        """Close all connections. Closing twice is fine.

        Calls in flight end at once, with an `APIConnectionError` whose `effect` tells whether they may have run; calls
        that wait to be sent with `ClientClosedError`. A client from `with_options()` closes nothing.
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

    def __repr__(self) -> str:
        if not hasattr(self, "_transport"):  # error reporters ask for it while the constructor raises
            return "<AsyncRefold that could not be made>"
        state = " closed" if self.closed else ""
        return f"<AsyncRefold {self.base_url}, {self.environment or 'unknown environment'}{state}>"


def _check_limit(rate_limit: Any) -> RateLimit | Limiter | None:
    if inspect.iscoroutinefunction(getattr(rate_limit, "throttled", None)):
        raise ConfigurationError("The throttled() of rate_limit must be a plain function, not a coroutine function.")
    if rate_limit is None or isinstance(rate_limit, RateLimit | Limiter):
        return rate_limit
    raise ConfigurationError(
        f"rate_limit must be a RateLimit, such as RateLimit(20, burst=5), or an object with `async acquire()`; "
        f"got {rate_limit!r}."
    )


def _check_account_limits(rate: object, concurrency: int | None) -> AccountLimitSettings:
    if rate is not None and not isinstance(rate, RateLimit):
        raise ConfigurationError(f"account_rate_limit must be a RateLimit, such as RateLimit(5), got {rate!r}.")
    if concurrency is None:
        return AccountLimitSettings(rate=rate)
    return AccountLimitSettings(
        rate=rate, concurrency=check_whole_number("account_concurrency", concurrency, at_least=1)
    )
