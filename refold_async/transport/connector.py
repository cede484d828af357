"""aiohttp's connectors: the client's own, whose connections count what they receive, and those that users lend."""

from functools import partial

import aiohttp
from aiohttp.client_proto import ResponseHandler

from refold_async.errors import ConfigurationError
from refold_async.runtime.foreign_errors import safe_repr

__all__ = ["Connector", "CountingProtocol", "connection_limits", "is_closed"]


class CountingProtocol(ResponseHandler):
    """aiohttp's protocol, which also tells whether what came last is the first piece of a response."""

    pieces = 0
    """How many pieces have come since a request was sent."""

    @property
    def in_first_piece(self) -> bool:
        """Whether what came last began a response: only then does its beginning say what the response's status is."""
        return self.pieces == 1

    def data_received(self, data: bytes) -> None:
        """Take a piece."""
        self.pieces += 1
        super().data_received(data)


class Connector(aiohttp.TCPConnector):
    """aiohttp's connector, with connections that tell their responses' first pieces."""

    def __init__(self, *, limit: int, keepalive_timeout: float) -> None:
        super().__init__(limit=limit, keepalive_timeout=keepalive_timeout)  # pyright: ignore[reportUnknownMemberType]
        protocol: type[ResponseHandler] = CountingProtocol
        self._factory = partial(protocol, loop=self._loop)  # aiohttp has no option for it


def connection_limits(connector: object) -> list[int]:
    """Return how many connections a connector that is lent allows in all, and to one host, where it limits them.

    Raises:
        ConfigurationError: It is no connector, or does not tell.
    """
    if not isinstance(connector, aiohttp.BaseConnector):
        raise ConfigurationError(f"connector must be an aiohttp connector, not {type(connector).__name__}.")
    try:
        return [limit for limit in (connector.limit, connector.limit_per_host) if limit > 0]
    except Exception as error:  # noqa: BLE001 - one of the user's own may raise anything
        problem = safe_repr(error)
    raise ConfigurationError(f"connector cannot be used: its limits cannot be read ({problem}).")


def is_closed(connector: aiohttp.BaseConnector | None) -> bool:
    """Tell whether a connector that is lent, if one is, is closed, as far as it lets itself be asked."""
    try:
        return connector is not None and bool(connector.closed)
    except Exception:  # noqa: BLE001 - one of the user's own may raise anything
        return False
