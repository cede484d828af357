"""Decides which connections may carry the next request: none on which unexpected bytes arrived.

If a gateway sends a response twice, or a stray HTTP 408, the bytes stay on the kept connection until the next request
is sent on it. They would then be mistaken for the response to that request. The connection pool does not check for
this. The guard checks right before the first byte of a request is written: bytes that are there by then cannot be the
response.
"""

import asyncio
import math
import select
import socket
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, Protocol

from refold_async.runtime.log import logger

__all__ = ["Connection", "ConnectionGuard", "UnusableConnectionError", "kept_by_others"]

_FIRST_QUARANTINE: Final = 30.0
_MAX_QUARANTINE: Final = 600.0
"""Seconds without reuse after unexpected bytes arrived: the first time, and at most. Doubled each further time."""
_MAX_KNOWN: Final = 128
"""How many used connections are remembered before closed ones are removed."""
_TLS_TURNS: Final = 20
"""How many turns of the event loop TLS gets to read what arrived. It may be part of TLS itself, such as a session
ticket."""


kept_by_others: Final[ContextVar[bool]] = ContextVar("kept_by_others", default=False)
"""Whether the current attempt uses a connection that the user's connector kept. Only set if somebody asks for it."""


class Connection(Protocol):
    """What the guard must know about a connection from the pool."""

    @property
    def protocol(self) -> Any:
        """Parses the responses. Its `should_close` is true if it read anything unexpected."""

    @property
    def transport(self) -> asyncio.Transport | None:
        """Carries the bytes. None once it is closed."""


class UnusableConnectionError(Exception):
    """A connection must not carry the request. Nothing of the request was written to it.

    Attributes:
        fresh: Whether it may be a new connection. New ones must be counted: unlike kept ones, they never run out.
    """

    def __init__(self, *, fresh: bool) -> None:
        super().__init__("every connection was closed, or received unexpected data, before the request was written")
        self.fresh = fresh


class ConnectionGuard:
    """Checks every connection right before a request is written to it.

    Unexpected bytes show that the other side sends what it should not. Its next stray response may come too late to be
    distinguished from the right one. So for a while after that, no connection carries a second request.

    Args:
        reuse: Whether a connection may carry a second request at all.
        host: Where the connections lead, for the log.
        written_later: Whether time may pass between a check and the first byte of a body. It is then checked again.
        hooked: Whether the user's hooks run between a check and the first byte of a request.
    """

    def __init__(self, *, reuse: bool, host: str, written_later: bool, hooked: bool = False) -> None:
        self.written_later = written_later
        self.hooked = hooked
        self._reuse = reuse
        self._host = host
        self._used: dict[Any, Callable[[], object]] = {}  # by protocol: a function that checks if it is readable
        self._max_known = _MAX_KNOWN
        self._quarantine_until = -math.inf if reuse else math.inf
        self._quarantine = _FIRST_QUARANTINE
        self._may_reuse = reuse

    def is_known(self, connection: Connection) -> bool:
        """Return whether a connection was used before, and may carry more requests as long as nothing arrives on it."""
        return self._may_reuse and connection.protocol in self._used

    def is_silent(self, connection: Connection) -> bool:
        """Return whether a connection may carry more requests, and nothing has arrived on it."""
        protocol = connection.protocol
        is_readable = self._used.get(protocol)
        return is_readable is not None and self._may_reuse and not protocol.should_close and not is_readable()

    async def check(self, connection: Connection) -> bool:
        """Return if a request may be written to the connection, and whether it must be the last request there.

        Raises:
            UnusableConnectionError: No request may be written to it.
        """
        protocol = connection.protocol
        fresh = protocol not in self._used and not kept_by_others.get()
        await self.check_silence(connection, fresh=fresh)
        if not self._may_reuse:
            self._end_quarantine()
            if not self._may_reuse and not fresh:
                raise UnusableConnectionError(fresh=False)
        if protocol not in self._used and connection.transport is not None:
            if len(self._used) >= self._max_known:
                self._forget_closed()
            self._used[protocol] = _readability(connection.transport)
        return not self._may_reuse

    async def check_silence(self, connection: Connection, *, fresh: bool = True) -> None:
        """Return if the connection is open and nothing has arrived on it.

        Raises:
            UnusableConnectionError: It was closed, or something has arrived.
        """
        protocol, transport = connection.protocol, connection.transport
        if transport is None or transport.is_closing():
            raise UnusableConnectionError(fresh=fresh)
        if protocol.should_close or _readability(transport)():
            await self._look_closer(protocol, transport, fresh=fresh)

    async def _look_closer(self, protocol: Any, transport: asyncio.Transport, *, fresh: bool) -> None:
        """Return if only TLS itself needed what arrived.

        Otherwise raise, after a check whether the connection just ended.
        """
        if transport.get_extra_info("ssl_object") is None:
            if not protocol.should_close and _has_ended(transport):
                raise UnusableConnectionError(fresh=fresh)
        else:
            is_readable = _readability(transport)
            for _ in range(_TLS_TURNS):
                if protocol.should_close or transport.is_closing() or not is_readable():
                    break
                await asyncio.sleep(0)
            if transport.is_closing():
                raise UnusableConnectionError(fresh=fresh)
            if not protocol.should_close and not is_readable():
                return
        self.begin_quarantine()
        raise UnusableConnectionError(fresh=fresh)

    def _forget_closed(self) -> None:
        self._used = {protocol: readable for protocol, readable in self._used.items() if protocol.is_connected()}
        self._max_known = max(_MAX_KNOWN, 2 * len(self._used))

    def begin_quarantine(self) -> None:
        """Note that unexpected bytes arrived: for a while, no connection is used twice."""
        now = asyncio.get_running_loop().time()
        if self._reuse and now >= self._quarantine_until:
            if now > self._quarantine_until + _MAX_QUARANTINE:
                self._quarantine = _FIRST_QUARANTINE
            self._quarantine_until = now + self._quarantine
            self._may_reuse = False
            self._quarantine = min(2 * self._quarantine, _MAX_QUARANTINE)
        consequence = (
            f"no connection is used twice for the next {self._quarantine_until - now:.0f} seconds"
            if self._reuse
            else "the request is sent on another one"
        )
        logger.warning(
            "%s sent unexpected data, such as the same response twice. That connection is closed, and %s. "
            "If this happens repeatedly, pass reuse_connections=False: data that arrives even later could be mistaken "
            "for the response to the next call.",
            self._host,
            consequence,
        )

    def _end_quarantine(self) -> None:
        self._may_reuse = self._reuse and asyncio.get_running_loop().time() >= self._quarantine_until


def _readability(transport: asyncio.Transport) -> Callable[[], object]:
    """Return a function that checks whether there are bytes, or the end, that the event loop has not read yet."""
    opened = transport.get_extra_info("socket")
    if opened is None:
        return lambda: False
    if not hasattr(select, "poll"):  # Windows
        return lambda: select.select((opened,), (), (), 0)[0]
    poll = select.poll()
    poll.register(opened, select.POLLIN)
    return partial(poll.poll, 0)


def _has_ended(transport: asyncio.Transport) -> bool:
    """Return whether the other side closed a readable connection without sending another byte."""
    opened = socket.socket(fileno=transport.get_extra_info("socket").fileno())
    try:
        return not opened.recv(1, socket.MSG_PEEK)
    except OSError:
        return True
    finally:
        opened.detach()
