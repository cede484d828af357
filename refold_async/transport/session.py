"""The aiohttp session of a client: how it is made, closed, and freed if nobody closed it."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Final

import aiohttp

from refold_async.errors import ConfigurationError
from refold_async.transport.connection_guard import ConnectionGuard
from refold_async.transport.connector import Connector
from refold_async.transport.guarded_request import GuardedRequest, check_after_hooks, note_kept_by_others

__all__ = ["NO_TIMEOUT", "close_session", "free_session", "keep_for_parent", "open_session"]

NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=None)
_CLOSE_TIMEOUT: Final = 1.0
"""How many seconds sockets have to close."""

_LARGER_THAN_READ_BUFFERS: Final = 512 * 1024

_inherited: Final[list[object]] = []
"""Sessions that a forked child inherited from its parent."""


def open_session(
    *,
    connector: aiohttp.BaseConnector | None,
    max_connections: int,
    keepalive_timeout: float,
    reuse_connections: bool,
    headers: Mapping[str, str],
    proxy: str | None,
    proxy_credentials: list[str],
    trace_configs: Sequence[aiohttp.TraceConfig],
    guard: ConnectionGuard,
    max_header_bytes: int,
    max_headers: int,
) -> aiohttp.ClientSession:
    """Make a session without cookies, which would mix accounts, and without timeouts other than our own.

    Args:
        connector: The user's connector, or None to create one for the session.
        max_connections: How many connections a connector that is created may have.
        keepalive_timeout: Seconds that a connector that is created keeps an idle connection.
        reuse_connections: Whether a connection may carry a second request.
        headers: Headers of every request.
        proxy: The URL of a proxy, without credentials, or None.
        proxy_credentials: What no log line may show.
        trace_configs: The user's trace configs.
        guard: Checks connections before requests are written to them.
        max_header_bytes: How long a header of a response may be, in bytes.
        max_headers: How many headers a response may have.

    Raises:
        ConfigurationError: The connector cannot be used.
    """
    _free_a_large_block()
    hooks: list[aiohttp.TraceConfig] = []
    if connector is not None and not reuse_connections:
        hooks.append(note_kept_by_others())
    if trace_configs:
        from refold_async.transport.trace_hooks import guard_hooks

        hooks = [*guard_hooks(trace_configs, proxy_credentials), *hooks, check_after_hooks()]
    try:
        return aiohttp.ClientSession(
            loop=asyncio.get_running_loop(),  # otherwise the loop of the connector, whichever that is
            connector=connector or Connector(limit=max_connections, keepalive_timeout=keepalive_timeout),
            connector_owner=connector is None,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers if reuse_connections else {**headers, "Connection": "close"},
            request_class=type("GuardedRequest", (GuardedRequest,), {"guard": guard}),
            proxy=proxy,
            timeout=NO_TIMEOUT,
            trace_configs=hooks,
            # Decoded here: aiohttp would not give the status of a response whose encoding it cannot read.
            auto_decompress=False,
            max_line_size=max_header_bytes,
            max_field_size=max_header_bytes,
            max_headers=max_headers,
        )
    except RuntimeError as error:
        raise ConfigurationError(f"connector= cannot be used: {error}.") from None


def _free_a_large_block() -> None:
    """Make the C library keep the memory of read buffers for the next read.

    asyncio takes a new buffer of 256 KB for every read. glibc maps memory for a block of that size and unmaps it again,
    which takes a tenth of the time of a small call, until a larger block is freed for the first time in the process. It
    is chance whether anything else does that.
    """
    bytes(_LARGER_THAN_READ_BUFFERS)


async def close_session(session: aiohttp.ClientSession) -> None:
    """Close a session and its connections. The user's connector stays open."""
    if not session.connector_owner:
        session.detach()  # without any call of the connector, which may be a class of the user
        return
    # A socket whose peer does not read the rest of the data reports late that it is closed, or never.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_TIMEOUT):
            await session.close()


def free_session(session: aiohttp.ClientSession) -> None:
    """Free the sockets of a session that nobody closed, immediately and without an event loop."""
    connector, owned = session.connector, session.connector_owner
    session.detach()
    if connector is not None and owned:
        # The first step closes the sockets; the rest would wait until they report that they are closed.
        closing = connector.close().__await__()
        with contextlib.suppress(StopIteration):
            next(closing)


def keep_for_parent(session: aiohttp.ClientSession) -> None:
    """Keep a session that a forked child inherited.

    Freeing it would remove its sockets from the parent's event loop.
    """
    _inherited.append(session)
