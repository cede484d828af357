"""`AsyncRefold`: one session with Refold, shared by everything a program does there."""

import hashlib
import inspect
import json
import os
import platform
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, overload

from refold_async.codec import json_codec
from refold_async.config.secret import hide
from refold_async.config.settings import RateLimit, RetryPolicy, Timeout, resolve_timeout
from refold_async.config.validation import (
    check_base_url,
    check_bool,
    check_positive,
    check_proxy,
    check_secret,
    check_whole_number,
)
from refold_async.errors import ConfigurationError
from refold_async.limits.account_limits import AccountLimitSettings
from refold_async.limits.scheduler import Limiter, RequestScheduler
from refold_async.models.results import ActionResult
from refold_async.pipeline.pipeline import Pipeline
from refold_async.protocol import requests
from refold_async.protocol.action_results import parse_action_result
from refold_async.protocol.endpoints import Request
from refold_async.protocol.headers import NO_API_KEY
from refold_async.protocol.responses import Parser, Response
from refold_async.resources.account import AccountScope
from refold_async.resources.raw_requests import RawRequests
from refold_async.runtime.cancellation import shielded_from_anyio
from refold_async.transport.transport import Transport
from refold_async.version import __version__

if TYPE_CHECKING:
    import aiohttp
    from typing_extensions import TypeForm

    from refold_async.jobs.fan_out import FanOut
    from refold_async.jobs.progress import Progress
    from refold_async.jobs.recording import JournalRecorder
    from refold_async.journal.journal import Journal
    from refold_async.resources.linked_accounts import LinkedAccount, LinkedAccounts
    from refold_async.resources.session_tokens import SessionTokens
    from refold_async.resources.webhooks import Webhooks

__all__ = ["AsyncRefold"]

Item = TypeVar("Item")
T = TypeVar("T")
Environment = Literal["test", "production"]

_HEADERS: Mapping[str, str] = {
    "User-Agent": f"refold-async/{__version__} Python/{platform.python_version()}",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
}
_ENVIRONMENT_OF_PREFIX: Mapping[str, Environment] = {"tk": "test", "pk": "production"}


_DEFAULT_TIMEOUT = Timeout()
_SYNCHRONOUS_WORKFLOW = Timeout(total=300, attempt=300)


class AsyncRefold(RawRequests):
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
            handshake each time, but no late second answer to one call can be taken for the answer to the next.
        max_response_bytes: The longest answer to read, in bytes, counted after decompression. Answers of 256 KB and
            more are read in a thread, so that the event loop goes on meanwhile.
        max_header_bytes: The longest header of an answer to read, in bytes. An answer may have about one header for
            every 64 of these bytes, by default 1,024 of them, and at least about 128.
        connector: An aiohttp connector of yours, for TLS settings, a resolver or unix sockets. Never closed by the
            client; `max_connections` holds beside its own limit, and its own `keepalive_timeout` counts.
        proxy: URL of an HTTP proxy; may hold a user name and password.
        trust_env: Take the proxy from HTTP_PROXY, HTTPS_PROXY and NO_PROXY, read when this is constructed. NO_PROXY may
            hold domains, addresses, networks such as `10.0.0.0/8`, patterns, and ports.
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
        trace_configs: "Sequence[aiohttp.TraceConfig]" = (),
        allow_http: bool = False,
        require_environment: Environment | None = None,
        require_api_key: bool = False,
    ) -> None:
        # Error reporters show the arguments of a constructor that raises.
        api_key, base_url, proxy = hide(api_key), hide(base_url), hide(proxy)
        self._api_key = _find_key(api_key)
        if self._api_key is None and check_bool("require_api_key", require_api_key):
            raise ConfigurationError(f"{NO_API_KEY} require_api_key=True demands one.")
        self._require_environment(require_environment)
        if not isinstance(retry, RetryPolicy):
            raise ConfigurationError(f"retry must be a RetryPolicy, got {retry!r}.")
        self._transport = Transport(
            base_url=_find_base_url(base_url, allow_http=check_bool("allow_http", allow_http)),
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
        )
        self._organisation = AccountScope(self._pipeline, api_key=self._api_key)

    @property
    def base_url(self) -> str:
        """Where Refold is, without a trailing slash."""
        return self._transport.base_url

    @property
    def environment(self) -> Environment | None:
        """The environment the API key is for, told by its prefix; None without a key or with another prefix."""
        return None if self._api_key is None else _ENVIRONMENT_OF_PREFIX.get(self._api_key[:2])

    @property
    def closed(self) -> bool:
        """Whether `aclose()` was called."""
        return self._transport.closed

    @property
    def linked_accounts(self) -> "LinkedAccounts":
        """The customers, and what they are connected to."""
        from refold_async.resources.linked_accounts import LinkedAccounts

        return LinkedAccounts(self._send)

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

    def _require_environment(self, required: Environment | None) -> None:
        if required is None:
            return
        if required not in _ENVIRONMENT_OF_PREFIX.values():
            raise ConfigurationError(f"require_environment must be 'test' or 'production', got {required!r}.")
        if self._api_key is not None and self.environment != required:
            belongs = f"is a {self.environment} key" if self.environment else "starts with neither 'tk' nor 'pk'"
            raise ConfigurationError(f"require_environment={required!r} refuses api_key, which {belongs}.")

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
            linked_account_id: The account it stands for, if you know it: for errors, logs and fan-outs. Not sent.

        Raises:
            ConfigurationError: The token or the id cannot be sent as it is.
        """
        if session_token is None:
            raise ConfigurationError("session_token must be a str, not NoneType.")
        session_token = hide(session_token)
        return AccountScope(self._pipeline, session_token=session_token, linked_account_id=linked_account_id)

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
        from refold_async.protocol.pages import parse_page
        from refold_async.resources.linked_accounts import LinkedAccount

        request = requests.raw_request("GET", "/api/v2/public/linked-account", query={"page": 1, "limit": 1})
        await self._send(request, parse_page(LinkedAccount), timeout)

    def fan_out(
        self,
        items: Iterable[Item] | AsyncIterable[Item],
        call: Callable[[AccountScope, Item], Awaitable[T]],
        *,
        account: "Callable[[Item], str | AccountScope | LinkedAccount] | None" = None,
        key: Callable[[Item], str] | None = None,
        concurrency: int = 50,
        grace: float = 5.0,
        job_timeout: float | None = None,
        max_refusal_wait: float = 600.0,
        stop_after: float | None = None,
        progress: "Callable[[Progress], object] | bool | None" = None,
        journal: "Journal | None" = None,
        retry_failed: bool = False,
        resend_unknown: bool = False,
    ) -> "FanOut[Item, T]":
        """Await `call(scope, item)` for every item, a bounded number at a time.

        Args:
            items: Any iterable or async iterable, however long: items are taken as they can be worked on. Up to
                100,000 items whose linked accounts have to wait are set aside, so that they do not hold up others.
            call: What to do for an item. What it raises becomes that item's outcome and stops no other.
            account: Tells an item's linked account id or scope. Not needed for ids, scopes and `LinkedAccount`s.
            key: Tells what a journal knows an item by; by default its linked account id. Needed where an account has
                several items: of those with one key, only the first is called.
            concurrency: How many items are worked on, or have ended and not been read, at once.
            grace: Seconds that items in flight get to end when the fan-out is left early, or stopped.
            job_timeout: Seconds for the whole job. Then it is stopped, and `FanOutStoppedError` raised at the end.
            max_refusal_wait: Seconds, in all, that an item may wait because its own requests or those of its linked
                account are refused (HTTP 429); above 0, or `math.inf`. Beyond that it fails with `RateLimitError`, at
                once where `Retry-After` asks for longer. Waiting because others are refused does not count.
            stop_after: How many items may fail or come out unknown until the job is stopped, and `FanOutStoppedError`
                raised at the end: an int counts them, a float is their share (once 20 items have ended).
            progress: A function, plain or async, that is given a `Progress`, at most ten times a second and once at the
                end; or True for a bar on stderr, if that is a terminal (extra `progress`).
            journal: Where to record what becomes of each item, so that the job can be run again.
            retry_failed: With a journal: call again what failed in an earlier run without any effect.
            resend_unknown: With a journal: call again what may have run in an earlier run. What was written may be
                written twice.

        Returns:
            The fan-out, not yet begun: iterate it inside `async with`, or await its `collect()`.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
        """
        from refold_async.jobs.fan_out import FanOut

        return FanOut(
            items,
            call,
            self.account,
            lambda: self.closed,
            lambda: self._scheduler.refuses_all,
            account=account,
            concurrency=concurrency,
            grace=grace,
            job_timeout=job_timeout,
            max_refusal_wait=max_refusal_wait,
            limits_accounts=self._scheduler.limits_accounts,
            stop_after=stop_after,
            progress=progress,
            journaling=self._journaling(
                journal, key, retry_failed=retry_failed, resend_unknown=resend_unknown, restore=lambda result: result
            ),
        )

    @overload
    def fan_out_action(
        self,
        items: Iterable[Item] | AsyncIterable[Item],
        slug: str,
        action_id: str,
        parameters: Mapping[str, Any] | Callable[[Item], Mapping[str, Any] | None] | None = None,
        *,
        account: "Callable[[Item], str | AccountScope | LinkedAccount] | None" = None,
        key: Callable[[Item], str] | None = None,
        into: None = None,
        idempotent: bool = False,
        timeout: Timeout | float | None = None,
        concurrency: int = 50,
        grace: float = 5.0,
        job_timeout: float | None = None,
        max_refusal_wait: float = 600.0,
        stop_after: float | None = None,
        progress: "Callable[[Progress], object] | bool | None" = None,
        journal: "Journal | None" = None,
        retry_failed: bool = False,
        resend_unknown: bool = False,
        skip_disconnected: bool = False,
    ) -> "FanOut[Item, ActionResult[Any]]": ...

    @overload
    def fan_out_action(
        self,
        items: Iterable[Item] | AsyncIterable[Item],
        slug: str,
        action_id: str,
        parameters: Mapping[str, Any] | Callable[[Item], Mapping[str, Any] | None] | None = None,
        *,
        account: "Callable[[Item], str | AccountScope | LinkedAccount] | None" = None,
        key: Callable[[Item], str] | None = None,
        into: "TypeForm[T]",
        idempotent: bool = False,
        timeout: Timeout | float | None = None,
        concurrency: int = 50,
        grace: float = 5.0,
        job_timeout: float | None = None,
        max_refusal_wait: float = 600.0,
        stop_after: float | None = None,
        progress: "Callable[[Progress], object] | bool | None" = None,
        journal: "Journal | None" = None,
        retry_failed: bool = False,
        resend_unknown: bool = False,
        skip_disconnected: bool = False,
    ) -> "FanOut[Item, ActionResult[T]]": ...

    def fan_out_action(
        self,
        items: Iterable[Item] | AsyncIterable[Item],
        slug: str,
        action_id: str,
        parameters: Mapping[str, Any] | Callable[[Item], Mapping[str, Any] | None] | None = None,
        *,
        account: "Callable[[Item], str | AccountScope | LinkedAccount] | None" = None,
        key: Callable[[Item], str] | None = None,
        into: Any = None,
        idempotent: bool = False,
        timeout: Timeout | float | None = None,
        concurrency: int = 50,
        grace: float = 5.0,
        job_timeout: float | None = None,
        max_refusal_wait: float = 600.0,
        stop_after: float | None = None,
        progress: "Callable[[Progress], object] | bool | None" = None,
        journal: "Journal | None" = None,
        retry_failed: bool = False,
        resend_unknown: bool = False,
        skip_disconnected: bool = False,
    ) -> "FanOut[Item, ActionResult[Any]]":
        """Execute one action for every item, a bounded number at a time. Refold page: *Execute Action*.

        Args:
            items: Linked account ids, scopes, `LinkedAccount`s, or anything whose account `account` tells; iterable or
                async iterable, such as `refold.linked_accounts.list()`.
            slug: The app, such as `hubspot`.
            action_id: The action, such as `get_contact`.
            parameters: The action's parameters, the same for all, or a function that makes them of the item.
            account: Tells an item's linked account id or scope. Not needed for ids, scopes and `LinkedAccount`s.
            key: Tells what a journal knows an item by; by default its linked account id. Needed where an account has
                several items: of those with one key, only the first is called.
            into: The type to structure each result's `data` into, as for `AccountScope.execute_action`.
            idempotent: You vouch that it does no harm to execute it twice. With a journal, what may have run in an
                earlier run is then called again.
            timeout: Limits of time for each item: seconds for the whole call, or a `Timeout`.
            concurrency: How many items are worked on, or have ended and not been read, at once.
            grace: Seconds that items in flight get to end when the fan-out is left early, or stopped.
            job_timeout: Seconds for the whole job. Then it is stopped, and `FanOutStoppedError` raised at the end.
            max_refusal_wait: Seconds, in all, that an item may wait because its own requests or those of its linked
                account are refused (HTTP 429); above 0, or `math.inf`. Beyond that it fails with `RateLimitError`, at
                once where `Retry-After` asks for longer. Waiting because others are refused does not count.
            stop_after: How many items may fail or come out unknown until the job is stopped, and `FanOutStoppedError`
                raised at the end: an int counts them, a float is their share (once 20 items have ended).
            progress: A function, plain or async, that is given a `Progress`, at most ten times a second and once at the
                end; or True for a bar on stderr, if that is a terminal (extra `progress`).
            journal: Where to record what becomes of each item, so that the job can be run again.
            retry_failed: With a journal: call again what failed in an earlier run without any effect.
            resend_unknown: With a journal: call again what may have run in an earlier run. What was written may be
                written twice.
            skip_disconnected: Execute nothing for accounts that are not connected to the app, or have to reconnect it:
                they fail with `ReconnectRequiredError`. A `LinkedAccount` tells by itself; for other items Refold is
                asked first, at the cost of one more call each, which `timeout` holds for by itself.

        Returns:
            The fan-out, not yet begun: iterate it inside `async with`, or await its `collect()`.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            ParameterError: `parameters` are no JSON.
        """
        from refold_async.jobs.fan_out import FanOut

        parse = parse_action_result(into)
        # Built once where it is the same for all, and checked in any case before the first item is taken.
        common = requests.execute_action(
            slug, action_id, None if callable(parameters) else parameters, idempotent=idempotent
        )
        limits = resolve_timeout(timeout, self._pipeline.timeout)
        check_bool("skip_disconnected", skip_disconnected)

        def execute(scope: AccountScope, item: Item) -> Awaitable[ActionResult[Any]]:
            call = common
            if callable(parameters):
                call = requests.execute_action(slug, action_id, parameters(item), idempotent=idempotent)
            return scope._send(call, parse, limits)  # pyright: ignore[reportPrivateUsage]

        async def execute_if_connected(scope: AccountScope, item: Item) -> ActionResult[Any]:
            await _ensure_connected(scope, item, slug, limits)
            return await execute(scope, item)

        def restore(result: Any) -> ActionResult[Any]:
            return parse(Response(200, {}, json_codec.encode_as_read(result).encode()), common)

        return FanOut(
            items,
            execute_if_connected if skip_disconnected else execute,
            self.account,
            lambda: self.closed,
            lambda: self._scheduler.refuses_all,
            account=account,
            concurrency=concurrency,
            grace=grace,
            job_timeout=job_timeout,
            max_refusal_wait=max_refusal_wait,
            limits_accounts=self._scheduler.limits_accounts,
            stop_after=stop_after,
            progress=progress,
            journaling=self._journaling(
                journal,
                key,
                retry_failed=retry_failed,
                resend_unknown=resend_unknown or (idempotent and journal is not None),
                restore=restore,
                slug=slug,
                action_id=action_id,
                parameters=None if callable(parameters) else common.body,
            ),
        )

    def _journaling(
        self,
        journal: "Journal | None",
        key: Callable[[Item], str] | None,
        *,
        retry_failed: bool,
        resend_unknown: bool,
        restore: Callable[[Any], T],
        slug: str | None = None,
        action_id: str | None = None,
        parameters: bytes | None = None,
    ) -> "JournalRecorder[Item, T] | None":
        for name, value in (("retry_failed", retry_failed), ("resend_unknown", resend_unknown)):
            if check_bool(name, value) and journal is None:
                raise ConfigurationError(f"{name}=True is about what a journal has of earlier runs: pass journal=.")
        if key is not None and not callable(key):
            raise ConfigurationError("key must be a function that returns what an item is known by, a str.")
        if journal is None:
            return None
        from refold_async.jobs.recording import JournalRecorder
        from refold_async.journal.journal import Journal
        from refold_async.journal.sqlite_store import JobIdentity

        if not isinstance(journal, Journal):
            raise ConfigurationError(
                f"journal must be a Journal, such as Journal('june.sqlite', job='june sync'), got {journal!r}."
            )
        if journal.job is None:
            raise ConfigurationError("journal needs the name of the job: pass Journal(..., job='june sync').")
        identity = JobIdentity(
            base_url=self.base_url,
            environment=self.environment,
            slug=slug,
            action_id=action_id,
            parameters_sha256=None if parameters is None else _fingerprint(parameters),
        )
        return JournalRecorder(
            journal=journal,
            identity=identity,
            key=key,
            retry_failed=retry_failed,
            resend_unknown=resend_unknown,
            restore=restore,
            structures=slug is not None,
        )

    def _send(self, request: Request, parse: Parser[T], timeout: Timeout | float | None) -> Awaitable[T]:
        return self._organisation._send(request, parse, timeout)  # pyright: ignore[reportPrivateUsage]

    async def aclose(self) -> None:
        """Close all connections. Closing twice is fine.

        Calls in flight end at once, with an `APIConnectionError` whose `effect` tells whether they may have run; calls
        that wait to be sent with `ClientClosedError`.
        """
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


async def _ensure_connected(scope: AccountScope, item: object, slug: str, timeout: Timeout) -> None:
    from refold_async.resources.applications import disconnected
    from refold_async.resources.linked_accounts import LinkedAccount

    if (
        isinstance(item, LinkedAccount)
        and item.linked_account_id == scope.linked_account_id
        and item.integrations is not None
    ):
        if (state := item.connection_state(slug)) != "connected":
            error = disconnected(slug, state)
            error.linked_account_id = item.linked_account_id
            raise error
    else:
        await scope.applications.ensure_connected(slug, timeout=timeout)


def _find_key(api_key: str | None) -> str | None:
    if api_key is not None:
        return check_secret("api_key", api_key)
    if found := hide(os.environ.get("REFOLD_API_KEY")):
        return check_secret("REFOLD_API_KEY, in the environment,", found)
    return None


def _find_base_url(base_url: str | None, *, allow_http: bool) -> str:
    if base_url is not None:
        return check_base_url("base_url", base_url, allow_http=allow_http)
    if found := hide(os.environ.get("REFOLD_BASE_URL")):
        return check_base_url("REFOLD_BASE_URL", found, allow_http=allow_http)
    return "https://app.refold.ai"


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


def _fingerprint(parameters: bytes) -> str:
    """Return a hash of JSON that does not depend on the order of keys."""
    return hashlib.sha256(json.dumps(json.loads(parameters), sort_keys=True).encode()).hexdigest()
