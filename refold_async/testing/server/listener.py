"""Listening on a port of this machine, from start to close."""

import ssl as tls
from collections.abc import Awaitable, Callable
from typing import Final

import attrs
from aiohttp import web

from refold_async.testing.server.connections import ConnectionCountingServer, ServerConnection

__all__ = ["Listener"]

_BACKLOG: Final = 4096
_CLOSE_SECONDS: Final = 1.0


@attrs.define(eq=False)
class Listener:
    """Listens on one address and gives every request to a handler.

    Args:
        handler: Handles a request; the connection it gets is None if that has already ended.
        host: The address to listen on.
        port: The port to listen on; 0 picks a free one.
        ssl: The context to serve HTTPS with; None serves HTTP.
        keepalive_timeout: Seconds after which an idle connection is closed.
    """

    handler: Callable[[web.BaseRequest, ServerConnection | None], Awaitable[web.StreamResponse]]
    host: str
    port: int
    ssl: tls.SSLContext | None
    keepalive_timeout: float
    _server: ConnectionCountingServer | None = attrs.field(default=None, init=False)
    _runner: web.ServerRunner | None = attrs.field(default=None, init=False)
    _base_url: str | None = attrs.field(default=None, init=False)

    async def start(self) -> None:
        """Start to listen.

        Raises:
            RuntimeError: It was started before.
            OSError: The address is not available.
        """
        if self._server is not None:
            raise RuntimeError("a MockRefold can be started only once")
        self._server = ConnectionCountingServer(self.handler, access_log=None, keepalive_timeout=self.keepalive_timeout)
        runner = web.ServerRunner(self._server, shutdown_timeout=_CLOSE_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, self.host, self.port, ssl_context=self.ssl, backlog=_BACKLOG).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        scheme = "http" if self.ssl is None else "https"
        host = f"[{self.host}]" if ":" in self.host else self.host
        self._base_url = f"{scheme}://{host}:{runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Accept no new connections."""
        if self._runner is not None:
            for site in self._runner.sites:
                await site.stop()

    async def aclose(self) -> None:
        """Break all connections and wait until they have ended."""
        runner, self._runner = self._runner, None
        if runner is None or self._server is None:
            return
        await self._server.aclose()
        await runner.cleanup()

    @property
    def base_url(self) -> str:
        """Its URL, such as `http://127.0.0.1:54321`."""
        if self._base_url is None:
            raise RuntimeError("the MockRefold has not been started: enter its `async with`, or call start()")
        return self._base_url

    @property
    def connections_opened(self) -> int:
        """How many TCP connections were opened."""
        return 0 if self._server is None else self._server.opened

    @property
    def connections_open(self) -> int:
        """How many TCP connections are open now."""
        return 0 if self._server is None else self._server.open_count
