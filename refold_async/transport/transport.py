"""One attempt on the network: a request is sent in a client's session, and a response or an error comes back."""

import asyncio
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp import hdrs
from yarl import URL

from refold_async.config.secret import Secret
from refold_async.config.settings import Timeout
from refold_async.config.validation import credentials_of, split_proxy
from refold_async.errors import ClientClosedError, ConfigurationError, RefoldError
from refold_async.protocol.endpoints import Request
from refold_async.protocol.responses import SUCCESS, Response, request_id_of
from refold_async.runtime.foreign_errors import EXITS
from refold_async.transport.connection_guard import ConnectionGuard, UnusableConnectionError
from refold_async.transport.connector import connection_limits
from refold_async.transport.deadlines import Deadline, Deadlines
from refold_async.transport.guarded_request import RESENT_BY_AIOHTTP
from refold_async.transport.request_body import Body
from refold_async.transport.request_options import further_options
from refold_async.transport.session import close_session, free_session, keep_for_parent, open_session

if TYPE_CHECKING:
    from refold_async.transport.response_body import ResponseBody

__all__ = ["Transport"]

_CLOSED: Final = "The client is closed: make a new AsyncRefold, or close this one later."
_MAX_FRESH_CONNECTIONS: Final = 3
"""How many new connections an attempt tries if unexpected data arrives on each before its request is written."""
_MIN_HEADERS: Final = 128
_BYTES_PER_HEADER: Final = 64
"""A response may have one header for so many bytes of `max_header_bytes`, and at least `_MIN_HEADERS`."""


@lru_cache(maxsize=2048)
def _url(base_url: str, path: str) -> URL:
    return URL(base_url + path, encoded=True)


class Transport:
    """The aiohttp session of one client, made in the event loop that first uses it."""

    def __init__(
        self,
        *,
        base_url: str,
        headers: Mapping[str, str],
        max_connections: int,
        keepalive_timeout: float,
        reuse_connections: bool,
        max_response_bytes: int,
        max_header_bytes: int,
        connector: aiohttp.BaseConnector | None,
        proxy: Secret | None,
        trust_env: bool,
        trace_configs: Sequence[aiohttp.TraceConfig],
    ) -> None:
        self._session: aiohttp.ClientSession | None = None
        self.base_url = base_url
        if trust_env and not proxy:
            from refold_async.transport.proxies import proxy_from_environment

            proxy = proxy_from_environment(base_url)
        self.proxy_credentials = credentials_of(proxy)
        # aiohttp's frames show the URL of a proxy. aiohttp sends these headers only if the proxy makes a tunnel.
        self._proxy, authorization = split_proxy(proxy)
        authorize = {} if authorization is None else {"Proxy-Authorization": authorization}
        tunnel = base_url.startswith("https:")
        self._options: dict[str, Any] = {"proxy_headers": authorize} if tunnel and authorize else {}
        """The options of every request. aiohttp takes time for each, even for those that change nothing."""
        self._max_response_bytes = max_response_bytes
        self._max_header_bytes = max_header_bytes
        self._max_headers = max(_MIN_HEADERS, max_header_bytes // _BYTES_PER_HEADER)
        if trace_configs != ():
            from refold_async.transport.trace_hooks import checked_configs

            trace_configs = checked_configs(trace_configs)
        self._connector = connector
        limits = [] if connector is None else connection_limits(connector)
        self.connections = min([max_connections, *limits])
        """How many connections there may be at the same time."""
        # In the user's connector, connections left by others cannot be distinguished from new ones.
        self._max_fresh_connections = _MAX_FRESH_CONNECTIONS + (0 if connector is None else self.connections)
        self._guard = ConnectionGuard(
            reuse=reuse_connections,
            host=base_url,
            written_later=sys.version_info < (3, 12),
            hooked=bool(trace_configs),
        )
        self._open_session = partial(
            open_session,
            connector=connector,
            max_connections=max_connections,
            keepalive_timeout=keepalive_timeout,
            reuse_connections=reuse_connections,
            headers=headers if tunnel else {**headers, **authorize},
            proxy=self._proxy,
            proxy_credentials=self.proxy_credentials,
            trace_configs=trace_configs,
            guard=self._guard,
            max_header_bytes=max_header_bytes,
            max_headers=self._max_headers,
        )
        self._deadlines: Deadlines | None = None
        self._process = os.getpid()
        self.closed = False

    @property
    def inherited(self) -> bool:
        """Whether this is a forked child, so that the connections belong to its parent."""
        return self._process != os.getpid()

    def check_usable(self) -> Deadlines:
        """Return the deadlines of this event loop, or raise if the client cannot be used here.

        Raises:
            ClientClosedError: The client is closed.
            ConfigurationError: This is a forked child, or another event loop.
        """
        if self.closed:
            refusal = ClientClosedError(_CLOSED)
            refusal.effect = "none"
            raise refusal
        if self._process != os.getpid():  # `inherited`, without a call
            raise ConfigurationError(
                "The client was made before this process was forked, so it shares its connections with the parent: "
                "make an AsyncRefold in each process."
            )
        loop = asyncio.get_running_loop()
        if self._deadlines is None:
            self._deadlines = Deadlines(loop)
        elif self._deadlines.loop is not loop:
            raise ConfigurationError(
                "The client belongs to the event loop in which it was first used, and this is another one: each "
                "asyncio.run() makes one, and without an async server each async_to_sync. Use one asyncio.Runner for "
                "all calls, make an AsyncRefold for each event loop, or run one event loop in a thread."
            )
        return self._deadlines

    def _open(self) -> aiohttp.ClientSession:
        if self.closed:
            raise ClientClosedError(_CLOSED)
        self._session = self._open_session()
        return self._session

    async def attempt(
        self,
        request: Request,
        headers: Mapping[str, str],
        body: Body | None,
        timeout: Timeout,
        deadlines: Deadlines,
        deadline: float,
    ) -> Response:
        """Send `request` once and return the response, whatever its status.

        Args:
            request: What to send.
            headers: All headers except those that the session adds.
            body: The request's body, new for each attempt, or None for a read.
            timeout: The timeout that applies; `deadline` replaces its `total`.
            deadlines: What `check_usable` returned.
            deadline: When the whole call must end, by the loop's clock.

        Raises:
            APIConnectionError: No response came, or only part of one. It is never chained to an aiohttp exception:
                those hold the request's headers, which contain the key.
            APITimeoutError: The same, because the time was up.
            ConfigurationError: The user's connector cannot be used.
        """
        session = self._session or self._open()
        target = request.target
        received: aiohttp.ClientResponse | None = None
        response_body: ResponseBody | None = None
        fresh_connections = 0
        now = deadlines.now()
        attempt_ends = now + timeout.attempt
        ends = attempt_ends if attempt_ends < deadline else deadline
        attempt_deadline = Deadline(deadlines, ends)
        options = self._options
        if body is None or not request.body or target.method in RESENT_BY_AIOHTTP or self._guard.hooked:
            options = {**options, **further_options(request, headers, body, timeout)}
        if body is not None and now + timeout.connect < ends:
            attempt_deadline.when = now + timeout.connect
            body.deadline, body.deadline_once_begun = attempt_deadline, ends
        failure: RefoldError
        try:
            with attempt_deadline:
                while received is None:
                    try:
                        received = await session.request(
                            target.method,
                            _url(self.base_url, target.path),
                            headers=headers,
                            data=body,
                            allow_redirects=False,
                            **options,
                        )
                        if body is not None and not body.begun:  # the response came before the request was sent
                            received.close()
                            received = None
                            self._guard.begin_quarantine()
                            raise UnusableConnectionError(fresh=True)
                    except (UnusableConnectionError, aiohttp.ClientError) as error:
                        if body is not None:
                            error, body.unusable = body.unusable or error, None
                        # What has left is never sent a second time, even if an earlier connection was unusable.
                        if not isinstance(error, UnusableConnectionError) or (body is not None and body.begun):
                            raise
                        fresh_connections += error.fresh
                        if fresh_connections > self._max_fresh_connections:
                            raise error from None
                if request.save_to is not None and received.status in SUCCESS:
                    from refold_async.transport.saving import save_response

                    return await save_response(request.save_to, received, self._max_response_bytes)
                length = received.content_length
                if (
                    length is not None
                    and length <= self._max_response_bytes
                    and received.status in SUCCESS  # with an error status, every piece that arrives is needed
                    and hdrs.CONTENT_ENCODING not in received.headers
                ):
                    return Response(received.status, received.headers, await received.read())
                response_body = self._body_of(received)
                await response_body.read(received)
                return response_body.response(received.status, received.headers, whole=True)
        except asyncio.CancelledError:
            if body is not None:
                body.drop_rest()
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            from refold_async.transport.exception_mapping import cancelled_from_within

            failure = cancelled_from_within(target.subject, body, self._connector)
        except EXITS:
            raise
        except BaseException as error:  # noqa: BLE001 - the user's connector or resolver may raise anything
            if body is not None:
                body.drop_rest()
            if attempt_deadline.cancelled_from_outside:  # and the user's code turned it into another exception
                raise asyncio.CancelledError from None
            from refold_async.transport.broken_responses import response_despite
            from refold_async.transport.exception_mapping import expired_timeout, wire_error

            response = response_despite(
                error,
                received,
                response_body,
                # Before the request has begun, the response may be from a proxy.
                from_server=self._proxy is None if body is None else body.begun,
                max_response_bytes=self._max_response_bytes,
            )
            if response is not None:
                return response
            failure = wire_error(
                error,
                target.subject,
                body,
                expired=expired_timeout(
                    error, attempt_deadline, ends, "total" if attempt_ends >= deadline else "attempt"
                ),
                timeout=timeout,
                received=received,
                client_closed=deadlines.closed,
                connector=self._connector,
                max_header_bytes=self._max_header_bytes,
                max_headers=self._max_headers,
            )
            if received is not None:
                failure.request_id = request_id_of(received.headers, {})
        raise failure from failure.__cause__

    def _body_of(self, received: aiohttp.ClientResponse) -> "ResponseBody":
        """Return the object that takes the body of a response that cannot be read in one piece."""
        from refold_async.transport.response_body import ResponseBody

        return ResponseBody.of_response(received.status, received.headers, self._max_response_bytes)

    async def aclose(self) -> None:
        """End every wait, and close the session and its connections. The user's connector stays open."""
        self.closed = True
        if self.inherited:
            return
        if self._deadlines is not None:
            self._deadlines.close()
        session, self._session = self._session, None
        if session is not None:
            await close_session(session)

    def __del__(self) -> None:
        """Free the sockets of a client that was never closed, immediately and without an event loop, and warn."""
        session: aiohttp.ClientSession | None = getattr(self, "_session", None)
        if session is None:
            return
        if self._process != os.getpid():
            keep_for_parent(session)
            return
        free_session(session)
        warnings.warn(
            f"An AsyncRefold for {self.base_url} was never closed: use `async with`, or await its aclose() at the end.",
            ResourceWarning,
            stacklevel=2,
            source=self,
        )
