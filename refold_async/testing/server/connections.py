"""The TCP connections to the mock: numbered, counted and closed."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any, Final

import attrs
from aiohttp import web

__all__ = ["ConnectionCountingServer", "ServerConnection"]

_LINGER_ZERO: Final = struct.pack("ii", 1, 0)


@attrs.define(eq=False)
class ServerConnection:
    """One TCP connection.

    Attributes:
        number: Serial number, from 1.
        transport: Its transport.
    """

    number: int
    transport: asyncio.Transport
    # Made only when somebody waits: for most connections nobody does.
    _lost: asyncio.Event | None = attrs.field(default=None, init=False)

    def reset(self) -> None:
        """Break the connection with an RST, immediately."""
        # The client may have been quicker: then the connection has already ended.
        with contextlib.suppress(OSError):
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self.transport.abort()

    async def lost(self) -> None:
        """Wait until the connection has ended."""
        if self._lost is None:
            self._lost = asyncio.Event()
        await self._lost.wait()

    def mark_lost(self) -> None:
        """Let `lost` return, now and in the future."""
        if self._lost is None:
            self._lost = asyncio.Event()
        self._lost.set()


class ConnectionCountingServer(web.Server):
    """An aiohttp server that numbers its connections and hands them to the handler.

    Args:
        handler: Handles a request; the connection it gets is None if that has already ended.
        **options: Passed on to aiohttp.

    Attributes:
        opened: How many connections were opened.
    """

    def __init__(
        self,
        handler: Callable[[web.BaseRequest, ServerConnection | None], Awaitable[web.StreamResponse]],
        **options: Any,
    ) -> None:
        super().__init__(self._handle, **options)
        self.opened = 0
        self._handler = handler
        self._open: dict[web.RequestHandler, ServerConnection] = {}

    @property
    def open_count(self) -> int:
        """How many connections are open now."""
        return len(self._open)

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Count a new connection; called by aiohttp."""
        super().connection_made(handler, transport)
        self.opened += 1
        self._open[handler] = ServerConnection(self.opened, transport)

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        """Note the end of a connection; called by aiohttp."""
        super().connection_lost(handler, exc)
        connection = self._open.pop(handler, None)
        if connection is not None:
            connection.mark_lost()

    async def aclose(self) -> None:
        """Break all connections and wait until they have ended."""
        connections = list(self._open.values())
        for connection in connections:
            # Not `close`: with TLS, that waits for the client.
            connection.transport.abort()
        for connection in connections:
            await connection.lost()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._handler(request, self._open.get(request.protocol))
