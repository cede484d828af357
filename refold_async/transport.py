"""One attempt on the wire. The only module that knows aiohttp."""

import asyncio
import contextlib
import io
import math
import os
import sys
import urllib.request
import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import aiohttp
import aiohttp.abc
from yarl import URL

from refold_async.connection_guard import ConnectionGuard, UnusableConnectionError, kept_by_others
from refold_async.deadlines import Deadline, Deadlines
from refold_async.endpoints import Call
from refold_async.errors import (
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    ClientClosedError,
    ConfigurationError,
    RefoldError,
)
from refold_async.faults import Fault
from refold_async.responses import Answer
from refold_async.secret import Secret, hide
from refold_async.settings import Timeout
from refold_async.validation import check_proxy, credentials_of, split_proxy

__all__ = ["Body", "Transport"]

_RESENT_BY_AIOHTTP: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_CLOSED: Final = "The client is closed: make a new AsyncRefold, or close it later."
_NO_CONTENT_TYPE: Final = ("Content-Type",)
_WRONG_CERTIFICATE: Final = (aiohttp.ClientConnectorCertificateError, aiohttp.ServerFingerprintMismatch)
_MOST_OF_AN_ERROR: Final = 1024 * 1024
"""How much of an answer with an error status is read, in bytes: what it says is said by then."""
_MOST_FRESH_CONNECTIONS: Final = 3
"""How many new connections an attempt tries where something arrives on each before its request is written."""

_inherited: Final[list[object]] = []
"""Sessions that a forked child has from its parent. Freeing one would take its sockets out of the parent's loop."""


class Body(aiohttp.Payload):
    """A request's body, which notes when aiohttp first asks for it, just before the first byte of the request leaves.

    Until then nothing of the request can have been acted on, the connection may still turn out unusable, and the limit
    is the one for making a connection.
    """

    begun = False
    guard: ConnectionGuard
    connection: aiohttp.connector.Connection | None = None
    """What it goes out on, where that is still to be checked or closed."""
    last = False
    """Whether `connection` must not be used again."""
    unusable: UnusableConnectionError | None = None
    """Why nothing was written to `connection`."""
    limit: Deadline | None = None
    """A deadline that is extended to `until` once the body begins."""
    until = math.inf

    def __init__(self, value: bytes) -> None:
        super().__init__(value, content_type="application/json")
        self._bytes = value

    @property
    def size(self) -> int:
        """The length in bytes."""
        return len(self._bytes)

    @property
    def autoclose(self) -> bool:
        """There is nothing to close."""
        return True

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the body as text."""
        return self._bytes.decode(encoding, errors)

    async def write_with_length(self, writer: aiohttp.abc.AbstractStreamWriter, content_length: int | None) -> None:
        """Write the body."""
        if self.connection is not None and self.guard.written_later and not self.guard.is_silent(self.connection):
            try:
                await self.guard.check_silence(self.connection)
            except UnusableConnectionError as error:
                self.unusable = error
                raise
        if self.last and self.connection is not None and self.connection.protocol is not None:
            self.connection.protocol.force_close()
        self.begun = True
        if self.limit is not None:
            self.limit.when = self.until
        await writer.write(self._bytes)

    async def write(self, writer: aiohttp.abc.AbstractStreamWriter) -> None:
        """Write the body."""
        await self.write_with_length(writer, None)


class _GuardedRequest(aiohttp.ClientRequest):
    """A request that leaves only on a connection that its client's guard has checked."""

    guard: ConnectionGuard

    def send(self, conn: aiohttp.connector.Connection) -> Any:  # a coroutine, of which type checkers have two types
        """Check the connection, and write the request to it; a body that is written later checks it itself."""
        guard = self.guard
        if guard.written_later and isinstance(body := self.body, Body) and guard.is_known(conn):
            body.guard, body.connection = guard, conn
        elif not guard.is_silent(conn):
            return self._send_after_check(conn)
        return super().send(conn)

    async def _send_after_check(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        last = await self.guard.check(conn)
        body = self.body
        if isinstance(body, Body):
            body.guard, body.connection, body.last = self.guard, conn, last
        elif last and conn.protocol is not None:
            conn.protocol.force_close()
        return await super().send(conn)


def _tell_of_connections_kept_by_others() -> aiohttp.TraceConfig:
    """Return what tells the guard of connections that a request of somebody else has used."""

    async def kept(*_: object) -> None:
        kept_by_others.set(True)

    async def made(*_: object) -> None:
        kept_by_others.set(False)

    trace = aiohttp.TraceConfig()
    trace.on_connection_reuseconn.append(kept)
    trace.on_connection_create_end.append(made)
    return trace


async def _never_resend(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a request of an idempotent method again by itself when a kept connection drops.

    It does so on two exceptions; a third that means the same reaches us instead, and the retry table decides.
    """
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(_reason(error)) from error


def _reason(error: BaseException) -> str:
    """Return what an exception says, without the head of an answer that aiohttp puts into one of them."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server closed the connection"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the answer broke off"
    return str(error) or type(error).__name__


@lru_cache(maxsize=2048)
def _url(base_url: str, path: str) -> URL:
    return URL(base_url + path, encoded=True)


_NO_LIMIT: Final = aiohttp.ClientTimeout(total=None, sock_connect=None)


@lru_cache(maxsize=16)
def _connect_limit(connect: float) -> aiohttp.ClientTimeout:
    # aiohttp rounds times above the threshold up to whole seconds.
    return aiohttp.ClientTimeout(connect=None if connect == math.inf else connect, ceil_threshold=math.inf)


class Transport:
    """The aiohttp session of one client, made in the loop that first uses it."""

    def __init__(
        self,
        *,
        base_url: str,
        headers: Mapping[str, str],
        max_connections: int,
        keepalive_timeout: float,
        reuse_connections: bool,
        max_response_bytes: int,
        connector: aiohttp.BaseConnector | None,
        proxy: Secret | None,
        trust_env: bool,
        trace_configs: Sequence[aiohttp.TraceConfig],
    ) -> None:
        self._session: aiohttp.ClientSession | None = None
        self.base_url = base_url
        proxy = proxy or (_proxy_from_environment(base_url) if trust_env else None)
        self.proxy_credentials = credentials_of(proxy)
        # aiohttp's frames show the URL of a proxy; and it passes on these headers only where the proxy makes a tunnel.
        self._proxy, authorization = split_proxy(proxy)
        authorize = {} if authorization is None else {"Proxy-Authorization": authorization}
        tunnel = base_url.startswith("https:")
        self._proxy_headers = authorize if tunnel and authorize else None
        self._headers = headers if tunnel else {**headers, **authorize}
        self._max_connections = max_connections
        self._keepalive_timeout = keepalive_timeout
        self._max_response_bytes = max_response_bytes
        self._connector = connector
        self._trace_configs = list(trace_configs)
        self._reuse_connections = reuse_connections
        self._guard = ConnectionGuard(
            reuse=reuse_connections,
            host=base_url,
            written_later=sys.version_info < (3, 12) or bool(trace_configs),
        )
        # What others left in a connector that is lent cannot be told from new connections.
        self._most_fresh_connections = _MOST_FRESH_CONNECTIONS + (0 if connector is None else self.connections)
        if connector is not None and not reuse_connections:
            self._trace_configs.append(_tell_of_connections_kept_by_others())
        self._deadlines: Deadlines | None = None
        self._process = os.getpid()
        self.closed = False

    @property
    def connections(self) -> int:
        """How many connections there may be at once."""
        limits = [self._max_connections]
        if self._connector is not None:
            limits += [limit for limit in (self._connector.limit, self._connector.limit_per_host) if limit]
        return min(limits)

    @property
    def inherited(self) -> bool:
        """Whether this is a forked child, and the connections are its parent's."""
        return self._process != os.getpid()

    def check_usable(self) -> Deadlines:
        """Return the deadlines of this loop; after close, in a forked child or in another loop raise a clear error."""
        if self.closed:
            raise ClientClosedError(_CLOSED)
        if self.inherited:
            raise ConfigurationError(
                "The client was made before this process was forked, and shares its connections with the parent: "
                "make an AsyncRefold in each process."
            )
        loop = asyncio.get_running_loop()
        if self._deadlines is None:
            self._deadlines = Deadlines(loop)
        elif self._deadlines.loop is not loop:
            raise ConfigurationError(
                "The client belongs to the event loop it was first used in, and this is another one: "
                "make an AsyncRefold in each loop."
            )
        return self._deadlines

    def _open(self) -> aiohttp.ClientSession:
        """Make the session: no cookies, which would mix accounts; no limits of time but our own."""
        if self.closed:
            raise ClientClosedError(_CLOSED)
        headers = self._headers if self._reuse_connections else {**self._headers, "Connection": "close"}
        self._session = aiohttp.ClientSession(
            connector=self._connector
            or aiohttp.TCPConnector(limit=self._max_connections, keepalive_timeout=self._keepalive_timeout),
            connector_owner=self._connector is None,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
            request_class=type("GuardedRequest", (_GuardedRequest,), {"guard": self._guard}),
            proxy=self._proxy,
            timeout=_NO_LIMIT,
            trace_configs=self._trace_configs,
        )
        return self._session

    async def attempt(
        self,
        call: Call,
        headers: Mapping[str, str],
        body: Body | None,
        timeout: Timeout,
        deadlines: Deadlines,
        deadline: float,
    ) -> Answer:
        """Send `call` once and return what came back, whatever its status.

        Args:
            call: What to send.
            headers: All headers but those the session adds.
            body: The call's body, new for each attempt, or None for a read.
            timeout: The limits in force; `deadline` stands for its `total`.
            deadlines: What `check_usable` returned.
            deadline: When the whole call must be over, by the loop's clock.

        Raises:
            APIConnectionError: No answer, or only part of one. Never chained to an aiohttp exception: those hold the
                request's headers, and the key with them.
            APITimeoutError: The same, for want of time.
            ConfigurationError: The connector that was lent cannot be used.
        """
        session = self._session or self._open()
        target = call.target
        response: aiohttp.ClientResponse | None = None
        fresh = 0
        pieces = io.BytesIO()
        now = deadlines.now()
        until = now + timeout.attempt
        last = until if until < deadline else deadline
        limit = Deadline(deadlines, last)
        # A timer of aiohttp's costs more than all of ours: only a read gets one, for it has no body that tells.
        connect_limit = _NO_LIMIT
        if body is None:
            connect_limit = _connect_limit(timeout.connect)
        elif now + timeout.connect < last:
            limit.when = now + timeout.connect
            body.limit, body.until = limit, last
        failure: RefoldError
        cause: BaseException | None = None
        try:
            with limit:
                while response is None:
                    try:
                        response = await session.request(
                            target.method,
                            _url(self.base_url, target.path),
                            headers=headers,
                            data=body,
                            allow_redirects=False,
                            timeout=connect_limit,
                            proxy_headers=self._proxy_headers,
                            skip_auto_headers=None if body is None or call.body else _NO_CONTENT_TYPE,
                            middlewares=(_never_resend,) if target.method in _RESENT_BY_AIOHTTP else None,
                        )
                    except (UnusableConnectionError, aiohttp.ClientError) as error:
                        unusable = error
                        if body is not None and body.unusable is not None:
                            unusable, body.unusable = body.unusable, None
                        if not isinstance(unusable, UnusableConnectionError):
                            raise
                        fresh += unusable.fresh
                        if fresh > self._most_fresh_connections:
                            raise unusable from None
                    else:
                        if body is not None and not body.begun:  # it was there before the request was
                            response.close()
                            self._guard.begin_quarantine()
                            response, fresh = None, fresh + 1
                length = response.content_length
                if (
                    length is not None
                    and length <= self._max_response_bytes
                    and response.status < 300  # else every piece of it is wanted
                    and "Content-Encoding" not in response.headers
                ):
                    return Answer(response.status, response.headers, await response.read())
                flaw = await self._read_in_pieces(response, pieces)
                return Answer(response.status, response.headers, pieces.getvalue(), flaw)
        except (TimeoutError, aiohttp.ClientError, OSError, UnusableConnectionError) as error:
            if response is not None and response.status >= 300:
                # The status is told, and matters more than the rest of the body.
                return Answer(response.status, response.headers, pieces.getvalue(), "it broke off")
            total = until >= deadline
            connecting = limit.expired and limit.when < last
            expired = limit.expired and not connecting
            failure = self._translate(error, call, body, timeout, deadlines, expired=expired, total=total)
            cause = getattr(error, "os_error", None)
        except asyncio.CancelledError:
            if limit.cancelled_from_outside or self._connector is None or not self._connector.closed:
                raise
            # aiohttp cancels waits that are shared, such as for a name to be resolved, when a connector closes.
            failure = self._failure(APIConnectionError, f"The connector closed while calling {target.subject}.", body)
        except RuntimeError as error:
            # So aiohttp speaks of a connector that is closed or belongs to another loop.
            failure = ConfigurationError(f"connector= cannot be used: {error}.")
            if body is not None and body.begun:
                failure = self._failure(APIConnectionError, f"Calling {target.subject} failed: {error}.", body)
        raise failure from cause

    async def _read_in_pieces(self, response: aiohttp.ClientResponse, pieces: io.BytesIO) -> str | None:
        """Read the body into `pieces`; return what is wrong if it is too long, having kept no more than is allowed."""
        room = self._max_response_bytes
        if response.status >= 300:
            room = min(room, _MOST_OF_AN_ERROR)
        try:
            async for piece in response.content.iter_any():
                pieces.write(piece[:room])
                room -= len(piece)
                del piece  # which error reporters would show
                if room < 0:
                    return f"it is longer than max_response_bytes={self._max_response_bytes}"
            return None
        finally:
            response.close()

    def _translate(
        self,
        error: Exception,
        call: Call,
        body: Body | None,
        timeout: Timeout,
        deadlines: Deadlines,
        *,
        expired: bool,
        total: bool,
    ) -> RefoldError:
        """Return our error for aiohttp's. Whether the body began decides what became of a write, not the exception."""
        subject = call.target.subject
        connecting = isinstance(
            error,
            UnusableConnectionError
            | aiohttp.ClientConnectorError
            | aiohttp.ConnectionTimeoutError
            | aiohttp.ClientHttpProxyError,
        )
        if deadlines.closed:
            return self._failure(APIConnectionError, f"The client was closed while calling {subject}.", body)
        if isinstance(error, TimeoutError):
            limit, what = f"connect={timeout.connect:g}", "no connection"
            if expired:
                limit, what = f"total={timeout.total:g}" if total else f"attempt={timeout.attempt:g}", "no answer"
            text = f"Calling {subject} got {what} within the {limit} seconds that timeout= allows."
            return self._failure(APITimeoutError, text, body, connecting=connecting)
        if "content-encoding" in str(error):  # aiohttp has no class for it
            unreadable = APIResponseValidationError(
                f"The answer about {subject} is not in the Content-Encoding it claims."
            )
            unreadable.fault = Fault.UNREADABLE
            return unreadable
        if isinstance(error, aiohttp.ClientResponseError):  # its str holds the URL of the proxy
            proxied = isinstance(error, aiohttp.ClientHttpProxyError)
            by = "The proxy" if proxied else "The server"
            said = " ".join(f"{error.status if proxied else ''} {error.message}".split())[:200]
            text = f"{by} gave no usable answer, calling {subject}: {said}."
        else:
            what = "No connection could be made to call" if connecting else "The connection broke while calling"
            text = f"{what} {subject}: {_reason(error)}."
        failure = self._failure(APIConnectionError, text, body, connecting=connecting)
        if isinstance(error, _WRONG_CERTIFICATE):
            failure.fault = Fault.CERTIFICATE
        return failure

    @staticmethod
    def _failure(
        kind: type[APIConnectionError], text: str, body: Body | None, *, connecting: bool = False
    ) -> APIConnectionError:
        failure = kind(text)
        never_sent = connecting if body is None else not body.begun
        failure.fault = Fault.NEVER_SENT if never_sent else Fault.LOST
        return failure

    async def aclose(self) -> None:
        """End every wait, and close the session and its connections; a borrowed connector stays open."""
        self.closed = True
        if self.inherited:
            return
        if self._deadlines is not None:
            self._deadlines.close()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def __del__(self) -> None:
        """Free the sockets of a client that was never closed, at once and without a loop, and warn."""
        session: aiohttp.ClientSession | None = getattr(self, "_session", None)
        if session is None:
            return
        if self._process != os.getpid():
            _inherited.append(session)
            return
        connector = session.connector
        session.detach()
        if connector is not None and self._connector is None:
            # Its first step closes the sockets; the rest would wait for them to report back.
            closing = connector.close().__await__()
            with contextlib.suppress(StopIteration):
                next(closing)
        warnings.warn(
            f"An AsyncRefold for {self.base_url} was never closed: use `async with`, or await its aclose().",
            ResourceWarning,
            stacklevel=2,
            source=self,
        )


def _proxy_from_environment(base_url: str) -> Secret | None:
    """Return the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY ask for, read once.

    aiohttp's own `trust_env` would look at them, and into ~/.netrc for credentials to add, at every call.
    """
    url = URL(base_url)
    if url.host is None or urllib.request.proxy_bypass(url.host):
        return None
    proxy = hide(urllib.request.getproxies().get(url.scheme))
    if not proxy:
        return None
    return check_proxy(f"{url.scheme.upper()}_PROXY", proxy if "://" in proxy else f"http://{proxy}")
