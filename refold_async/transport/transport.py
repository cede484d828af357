"""One attempt on the wire. The only module that knows aiohttp."""

import asyncio
import contextlib
import math
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from functools import lru_cache, partial
from typing import Any, Final

import aiohttp
import aiohttp.abc
from aiohttp.client_proto import ResponseHandler
from multidict import CIMultiDict
from yarl import URL

from refold_async.config.secret import Secret
from refold_async.config.settings import Timeout
from refold_async.config.validation import credentials_of, split_proxy
from refold_async.errors import (
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    ClientClosedError,
    ConfigurationError,
    RefoldError,
)
from refold_async.faults import Fault
from refold_async.protocol.endpoints import Request
from refold_async.protocol.responses import Response
from refold_async.runtime.foreign_errors import EXITS, shown
from refold_async.transport.connection_guard import ConnectionGuard, UnusableConnectionError, kept_by_others
from refold_async.transport.deadlines import Deadline, Deadlines
from refold_async.transport.decoding import Content
from refold_async.transport.proxies import proxy_from_environment
from refold_async.transport.refused_responses import (
    bytes_of_refused,
    has_too_long_headers,
    read_head,
    status_cut_short,
)
from refold_async.transport.trace_guard import checked_configs, guard_hooks

__all__ = ["Body", "Transport"]

_RESENT_BY_AIOHTTP: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_CLOSED: Final = "The client is closed: make a new AsyncRefold, or close it later."
_NO_CONTENT_TYPE: Final = ("Content-Type",)
_WRONG_CERTIFICATE: Final = (aiohttp.ClientConnectorCertificateError, aiohttp.ServerFingerprintMismatch)
_IN_MESSAGES: Final = 200
"""Characters of what aiohttp says of an answer it refuses: it quotes the answer."""
_MOST_OF_AN_ERROR: Final = 1024 * 1024
"""How much of an answer with an error status is read, in bytes: what it says is said by then."""
_MOST_FRESH_CONNECTIONS: Final = 3
"""How many new connections an attempt tries where something arrives on each before its request is written."""
_LAST_MOMENTS: Final = 1.0
"""Seconds that sockets get to close."""
_FEWEST_HEADERS: Final = 128
_BYTES_FOR_A_HEADER: Final = 64
"""Bytes of `max_header_bytes` for each header that an answer may have."""

_inherited: Final[list[object]] = []
"""Sessions that a forked child has from its parent. Freeing one would take its sockets out of the parent's loop."""


class Body(aiohttp.Payload):
    """A request's body, which notes when aiohttp first asks for it, just before the first byte of the request leaves.

    Until then nothing of the request can have been acted on, the connection may still turn out unusable, and the limit
    is the one for making a connection.
    """

    begun = False
    begins_after_hooks = False
    """Whether trace hooks run, and may wait, between the request for the body and its first byte."""
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
        if not self.begins_after_hooks:
            if self.connection is not None and self.guard.written_later and not self.guard.is_silent(self.connection):
                await self.check()
            self.begin()
        await writer.write(self._bytes)
        self.begun = True

    async def check(self) -> None:
        """Check a last time that nothing arrived on the connection."""
        if self.connection is not None:
            try:
                await self.guard.check_silence(self.connection)
            except UnusableConnectionError as error:
                self.unusable = error
                raise

    def begin(self) -> None:
        """Note that the first byte is about to leave."""
        if self.last and self.connection is not None and self.connection.protocol is not None:
            self.connection.protocol.force_close()
        self.begun = True
        if self.limit is not None:
            self.limit.when = self.until

    async def write(self, writer: aiohttp.abc.AbstractStreamWriter) -> None:
        """Write the body."""
        await self.write_with_length(writer, None)


class _GuardedRequest(aiohttp.ClientRequest):
    """A request that leaves only on a connection that its client's guard has checked."""

    guard: ConnectionGuard

    def send(self, conn: aiohttp.connector.Connection) -> Any:  # a coroutine, of which type checkers have two types
        """Check the connection, and write the request to it; a body that is written later checks it itself."""
        guard = self.guard
        if isinstance(protocol := conn.protocol, _ResponseProtocol):
            protocol.pieces = 0
        if guard.hooked:
            return self._send_after_hooks(conn)
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

    async def _send_after_hooks(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        last = await self.guard.check(conn)
        body = self.body
        if isinstance(body, Body):
            body.guard, body.connection, body.last = self.guard, conn, last
            body.begins_after_hooks = True
            token = _leaving.set(body)
        else:
            token = _leaving.set((self.guard, conn, last))
        try:
            return await super().send(conn)
        finally:
            _leaving.reset(token)  # a hook may make calls of its own


_leaving: Final[ContextVar[Body | tuple[ConnectionGuard, aiohttp.connector.Connection, bool] | None]] = ContextVar(
    "leaving", default=None
)
"""What is about to leave in this task once all hooks have run: a body, or a request without one."""


def _check_after_hooks() -> aiohttp.TraceConfig:
    """Return hooks that run after the user's, which may wait, and check the connection right before the first byte."""

    async def headers_sent(*_: object) -> None:
        if isinstance(leaving := _leaving.get(), tuple):
            guard, connection, last = leaving
            await guard.check_silence(connection)
            if last and connection.protocol is not None:
                connection.protocol.force_close()

    async def chunk_sent(*_: object) -> None:
        if isinstance(body := _leaving.get(), Body):
            await body.check()
            body.begin()

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(headers_sent)
    trace.on_request_chunk_sent.append(chunk_sent)
    return trace


class _ResponseProtocol(ResponseHandler):
    """aiohttp's protocol, which also tells whether what came last is the first piece of an answer."""

    pieces = 0
    """How many pieces have come since a request was sent."""

    @property
    def in_first_piece(self) -> bool:
        """Whether what came last began an answer: only then does its beginning say what the answer's status is."""
        return self.pieces == 1

    def data_received(self, data: bytes) -> None:
        """Take a piece."""
        self.pieces += 1
        super().data_received(data)


class _Connector(aiohttp.TCPConnector):
    """aiohttp's connector, with connections that tell their answers' first pieces."""

    def __init__(self, *, limit: int, keepalive_timeout: float) -> None:
        super().__init__(limit=limit, keepalive_timeout=keepalive_timeout)  # pyright: ignore[reportUnknownMemberType]
        protocol: type[ResponseHandler] = _ResponseProtocol
        self._factory = partial(protocol, loop=self._loop)  # aiohttp has no option for it


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
    if isinstance(error, aiohttp.ClientError | OSError | UnusableConnectionError):
        return str(error) or type(error).__name__
    return shown(error)


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
        max_header_bytes: int,
        connector: aiohttp.BaseConnector | None,
        proxy: Secret | None,
        trust_env: bool,
        trace_configs: Sequence[aiohttp.TraceConfig],
    ) -> None:
        self._session: aiohttp.ClientSession | None = None
        self.base_url = base_url
        proxy = proxy or (proxy_from_environment(base_url) if trust_env else None)
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
        self._max_header_bytes = max_header_bytes
        self._connector = connector
        self._trace_configs = checked_configs(trace_configs, aiohttp.TraceConfig)
        self._reuse_connections = reuse_connections
        self._guard = ConnectionGuard(
            reuse=reuse_connections,
            host=base_url,
            written_later=sys.version_info < (3, 12),
            hooked=bool(self._trace_configs),
        )
        self.connections = min([max_connections, *_limits_of(connector)])
        """How many connections there may be at once."""
        # What others left in a connector that is lent cannot be told from new connections.
        self._most_fresh_connections = _MOST_FRESH_CONNECTIONS + (0 if connector is None else self.connections)
        self._deadlines: Deadlines | None = None
        self._process = os.getpid()
        self.closed = False

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
        hooked = guard_hooks(self._trace_configs, aiohttp.TraceConfig, self.proxy_credentials)
        if self._connector is not None and not self._reuse_connections:
            hooked.append(_tell_of_connections_kept_by_others())
        if self._trace_configs:
            hooked.append(_check_after_hooks())
        headers = self._headers if self._reuse_connections else {**self._headers, "Connection": "close"}
        try:
            self._session = aiohttp.ClientSession(
                loop=asyncio.get_running_loop(),  # else that of the connector, whichever it is
                connector=self._connector
                or _Connector(limit=self._max_connections, keepalive_timeout=self._keepalive_timeout),
                connector_owner=self._connector is None,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=headers,
                request_class=type("GuardedRequest", (_GuardedRequest,), {"guard": self._guard}),
                proxy=self._proxy,
                timeout=_NO_LIMIT,
                trace_configs=hooked,
                # Undone here: aiohttp would tell no status where it cannot read the encoding.
                auto_decompress=False,
                max_line_size=self._max_header_bytes,
                max_field_size=self._max_header_bytes,
                max_headers=_most_headers(self._max_header_bytes),
            )
        except RuntimeError as error:
            raise ConfigurationError(f"connector= cannot be used: {error}.") from None
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
        """Send `request` once and return what came back, whatever its status.

        Args:
            request: What to send.
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
        target = request.target
        response: aiohttp.ClientResponse | None = None
        fresh = 0
        content: Content | None = None
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
                            skip_auto_headers=None if body is None or request.body else _NO_CONTENT_TYPE,
                            middlewares=(_never_resend,) if target.method in _RESENT_BY_AIOHTTP else None,
                            trace_request_ctx=headers,  # for the guard of hooks; none of them gets to see it
                        )
                        if body is not None and not body.begun:  # the answer was there before the request was
                            response.close()
                            response = None
                            self._guard.begin_quarantine()
                            raise UnusableConnectionError(fresh=True)
                    except (UnusableConnectionError, aiohttp.ClientError) as error:
                        if body is not None:
                            error, body.unusable = body.unusable or error, None
                        # What has left is never sent again, whatever is said of a connection tried before.
                        if not isinstance(error, UnusableConnectionError) or (body is not None and body.begun):
                            raise
                        fresh += error.fresh
                        if fresh > self._most_fresh_connections:
                            raise error from None
                length = response.content_length
                if (
                    length is not None
                    and length <= self._max_response_bytes
                    and response.status < 300  # else every piece of it is wanted
                    and "Content-Encoding" not in response.headers
                ):
                    return Response(response.status, response.headers, await response.read())
                content = self._content_of(response.status, response.headers)
                await _read_in_pieces(response, content)
                return _answer(response.status, response.headers, content, whole=True)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Nobody cancelled the call. So aiohttp ends waits that are shared when a connector closes.
            what = "The connector closed" if self._connector_closed() else "The connection was cancelled from within"
            failure = self._failure(APIConnectionError, f"{what} while calling {target.subject}.", body)
        except EXITS:
            raise
        except BaseException as error:  # noqa: BLE001 - connectors and resolvers that are lent may raise anything
            if limit.cancelled_from_outside:  # and what was lent made something else of it
                raise asyncio.CancelledError from None
            if (told := self._told_all_the_same(error, response, content, body)) is not None:
                return told
            reached = "connect" if isinstance(error, TimeoutError) else None
            if limit.expired and limit.when >= last:
                reached = "total" if until >= deadline else "attempt"
            elif limit.expired:
                reached = "connect"
            failure = self._translate(error, request, body, timeout, deadlines, reached)
            if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, OSError):
                cause = error.os_error
        raise failure from cause

    def _content_of(self, status: int, headers: Mapping[str, str]) -> Content:
        """Return what takes the body of an answer."""
        most = self._max_response_bytes
        return Content(headers.get("Content-Encoding"), most if status < 300 else min(most, _MOST_OF_AN_ERROR))

    def _told_all_the_same(
        self,
        error: BaseException,
        response: aiohttp.ClientResponse | None,
        content: Content | None,
        body: Body | None,
    ) -> Response | None:
        """Return the answer that came before what went wrong, or with it, if that tells how the call ended."""
        if response is not None:
            if content is None or response.status < 300:
                return None
            return _answer(response.status, response.headers, content, whole=False)
        from_server = self._proxy is None if body is None else body.begun
        if not from_server:
            return None  # the proxy may have given it
        closed = isinstance(error, aiohttp.ClientConnectionError)
        if closed and (status := status_cut_short(error) or 0) >= 300:
            # Without headers: the last may be half of one.
            return _answer(status, CIMultiDict[str](), Content(None, 0), whole=False)
        if not isinstance(error, aiohttp.ClientResponseError) or (head := read_head(bytes_of_refused(error))) is None:
            return None
        if head.status < 300 and (not head.whole or has_too_long_headers(error)):
            return None
        headers = CIMultiDict(head.headers)
        content = self._content_of(head.status, headers)
        content.take(head.body)
        return _answer(head.status, headers, content, whole=head.whole)

    def _translate(
        self,
        error: BaseException,
        request: Request,
        body: Body | None,
        timeout: Timeout,
        deadlines: Deadlines,
        reached: str | None,
    ) -> RefoldError:
        """Return our error for what was raised. Whether the body began decides what became of a write, nothing else.

        Args:
            error: What was raised.
            request: What was sent, or not.
            body: Its body.
            timeout: The limits in force.
            deadlines: Those of the client.
            reached: Which of the limits was reached, or None.
        """
        subject = request.target.subject
        connecting = isinstance(
            error,
            UnusableConnectionError
            | aiohttp.ClientConnectorError
            | aiohttp.ConnectionTimeoutError
            | aiohttp.ClientHttpProxyError,
        )
        begun = body is None or body.begun
        if deadlines.closed:
            return self._failure(APIConnectionError, f"The client was closed while calling {subject}.", body)
        if reached is not None:
            what = "no connection" if reached == "connect" else "no answer"
            limit = f"{reached}={getattr(timeout, reached):g}"
            text = f"Calling {subject} got {what} within the {limit} seconds that timeout= allows."
            return self._failure(APITimeoutError, text, body, connecting=connecting)
        if isinstance(error, aiohttp.ClientResponseError):  # its str holds the URL of the proxy
            if begun and has_too_long_headers(error):
                return _too_long_headers(subject, self._max_header_bytes)
            proxied = isinstance(error, aiohttp.ClientHttpProxyError)
            by = "The proxy" if proxied else "The server"
            said = " ".join(f"{error.status if proxied else ''} {error.message}".split())
            from refold_async.codec.excerpts import shortened

            said = shortened(said, _IN_MESSAGES).removesuffix(".")
            text = f"{by} gave no usable answer, calling {subject}: {said}."
        elif isinstance(error, RuntimeError) and self._connector_closed() and (body is None or not body.begun):
            return ConfigurationError(f"connector= cannot be used: {shown(error)}.")
        else:
            unmade = connecting or not begun
            what = "No connection could be made to call" if unmade else "The connection broke while calling"
            text = f"{what} {subject}: {_reason(error)}."
        failure = self._failure(APIConnectionError, text, body, connecting=connecting)
        if isinstance(error, _WRONG_CERTIFICATE):
            failure.fault = Fault.CERTIFICATE
        return failure

    def _connector_closed(self) -> bool:
        """Tell whether the connector that was lent is closed, as far as it lets itself be asked."""
        try:
            return self._connector is not None and bool(self._connector.closed)
        except Exception:  # noqa: BLE001 - one of the user's own may raise anything
            return False

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
        if session is not None and self._connector is not None:
            session.detach()
        elif session is not None:
            # A socket whose peer does not read what is left for it reports back late, or never.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_MOMENTS):
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


async def _read_in_pieces(response: aiohttp.ClientResponse, content: Content) -> None:
    try:
        async for piece in response.content.iter_any():
            wanted = content.take(piece)
            del piece  # which error reporters would show
            if not wanted:
                break
    finally:
        response.close()


def _answer(status: int, headers: Mapping[str, str], content: Content, *, whole: bool) -> Response:
    body = content.end(whole=whole)
    return Response(status, headers, body, content.body_error)


def _too_long_headers(subject: str, limit: int) -> APIResponseValidationError:
    error = APIResponseValidationError(
        f"The answer about {subject} cannot be read: it has a header of more than max_header_bytes={limit}, "
        f"or more than {_most_headers(limit)} headers. Pass a larger max_header_bytes= to AsyncRefold."
    )
    error.fault = Fault.UNREADABLE
    return error


def _most_headers(max_header_bytes: int) -> int:
    return max(_FEWEST_HEADERS, max_header_bytes // _BYTES_FOR_A_HEADER)


def _limits_of(connector: object) -> list[int]:
    """Return how many connections a connector that is lent allows in all, and to one host, where it limits them."""
    if connector is None:
        return []
    if not isinstance(connector, aiohttp.BaseConnector):
        raise ConfigurationError(f"connector must be an aiohttp connector, not {type(connector).__name__}.")
    try:
        return [limit for limit in (connector.limit, connector.limit_per_host) if limit > 0]
    except Exception as error:  # noqa: BLE001 - one of the user's own may raise anything
        problem = shown(error)
    raise ConfigurationError(f"connector cannot be used: its limits cannot be read ({problem}).")
