"""A request that is sent once, and only on a connection that the guard checked right before the first byte."""

from contextvars import ContextVar
from typing import Any, Final

import aiohttp
from aiohttp import hdrs
from aiohttp.typedefs import LooseHeaders
from multidict import CIMultiDict

from refold_async.transport.connection_guard import ConnectionGuard, kept_by_others
from refold_async.transport.connector import CountingProtocol
from refold_async.transport.request_body import Body

__all__ = ["RESENT_BY_AIOHTTP", "GuardedRequest", "check_after_hooks", "never_resend", "note_kept_by_others"]

RESENT_BY_AIOHTTP: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""The methods whose requests aiohttp would retry on its own, without `never_resend`."""


class GuardedRequest(aiohttp.ClientRequest):
    """A request that is sent only on a connection that its client's guard has checked."""

    guard: ConnectionGuard

    def update_headers(self, headers: LooseHeaders | None) -> None:
        """Take all headers together. aiohttp takes one after the other, in case one of them is `Host`."""
        if isinstance(headers, CIMultiDict) and hdrs.HOST not in headers and (host := self.url.host_port_subcomponent):
            self.headers = CIMultiDict({hdrs.HOST: host})
            self.headers.extend(headers)
        else:
            super().update_headers(headers)

    def send(self, conn: aiohttp.connector.Connection) -> Any:  # a coroutine; type checkers have two types for it
        """Check the connection and write the request to it; a body that is written later checks it itself."""
        guard = self.guard
        if isinstance(protocol := conn.protocol, CountingProtocol):
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
            _leaving.reset(token)  # a hook may make calls itself


_leaving: Final[ContextVar[Body | tuple[ConnectionGuard, aiohttp.connector.Connection, bool] | None]] = ContextVar(
    "leaving", default=None
)
"""What this task will send once all hooks have run: a body, or a request without one."""


def check_after_hooks() -> aiohttp.TraceConfig:
    """Return hooks that check the connection right before the first byte, after the user's hooks, which may wait."""

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


def note_kept_by_others() -> aiohttp.TraceConfig:
    """Return hooks that show the guard which connections were used by requests of somebody else."""

    async def kept(*_: object) -> None:
        kept_by_others.set(True)

    async def made(*_: object) -> None:
        kept_by_others.set(False)

    trace = aiohttp.TraceConfig()
    trace.on_connection_reuseconn.append(kept)
    trace.on_connection_create_end.append(made)
    return trace


async def never_resend(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from retrying a request with an idempotent method on its own when a kept connection breaks.

    aiohttp retries on two exceptions. This raises a third one with the same meaning, and the retry table decides.
    """
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        from refold_async.transport.exception_mapping import reason  # imported at the first failure

        raise aiohttp.ClientConnectionError(reason(error)) from error
