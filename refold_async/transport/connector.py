"""The connectors of aiohttp: the client's own, whose connections count what they receive, and those that users pass."""

from functools import partial
from typing import Final

import aiohttp
from aiohttp.client_proto import ResponseHandler

from refold_async.errors import ConfigurationError
from refold_async.runtime.foreign_errors import safe_repr

__all__ = ["Connector", "CountingProtocol", "connection_limits", "is_closed"]


_take_piece: Final = ResponseHandler.data_received
"""Taken once: every response calls it several times, and before Python 3.12 `super()` takes as long as the counting."""


class CountingProtocol(ResponseHandler):
    """aiohttp's protocol, which also knows whether the last piece that arrived is the first of a response."""

    pieces = 0
    """How many pieces have arrived since a request was sent."""

    @property
    def in_first_piece(self) -> bool:
        """Whether the last piece began a response. Only then does that piece begin with the status of the response."""
        return self.pieces == 1

    def data_received(self, data: bytes) -> None:
        """Take a piece of a response."""
        self.pieces += 1
        _take_piece(self, data)


class Connector(aiohttp.TCPConnector):
    """aiohttp's connector, with connections that recognise the first piece of each response."""

    def __init__(self, *, limit: int, keepalive_timeout: float) -> None:
        super().__init__(limit=limit, keepalive_timeout=keepalive_timeout)  # pyright: ignore[reportUnknownMemberType]
        protocol: type[ResponseHandler] = CountingProtocol
        self._factory = partial(protocol, loop=self._loop)  # aiohttp has no option for it


def connection_limits(connector: object) -> list[int]:
    """Return the limits of the user's connector: connections in total, and to one host, as far as it limits them.

    Raises:
        ConfigurationError: It is not a connector, or its limits cannot be read.
    """
    if not isinstance(connector, aiohttp.BaseConnector):
        raise ConfigurationError(f"connector must be an aiohttp connector, not {type(connector).__name__}.")
    try:
        return [limit for limit in (connector.limit, connector.limit_per_host) if limit > 0]
    except Exception as error:  # noqa: BLE001 - a connector of the user may raise anything
        problem = safe_repr(error)
    raise ConfigurationError(f"connector cannot be used: its limits cannot be read ({problem}).")


def is_closed(connector: aiohttp.BaseConnector | None) -> bool:
    """Return whether there is a connector of the user that is closed; False if it cannot be asked."""
    try:
        return connector is not None and bool(connector.closed)
    except Exception:  # noqa: BLE001 - a connector of the user may raise anything
        return False
