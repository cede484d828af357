"""`connect_url()`: a link to a page where the owner of a linked account connects apps."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from refold_async.config.settings import Timeout
from refold_async.protocol.endpoints import Request
from refold_async.protocol.responses import Parser

if TYPE_CHECKING:
    from refold_async.models.connect_links import ConnectUrl

__all__ = ["ConnectUrls"]

T = TypeVar("T")


class ConnectUrls:
    """The `connect_url()` of scopes."""

    __slots__ = ()

    linked_account_id: str | None

    async def connect_url(
        self,
        properties: Mapping[str, Any] | None = None,
        *,
        config_id: str | None = None,
        timeout: Timeout | float | None = None,
    ) -> "ConnectUrl":
        """Create a link to a page where the account's owner connects apps. Refold page: *Create Connect URL*.

        Owners also reconnect apps there. Refold accepts no API key for this call: a scope that uses one first fetches a
        session token, within the same `timeout`.

        Args:
            properties: Any JSON object to store with the link for that page; by default nothing. Refold's own page
                supports `redirect_url`, the page to open afterwards, and the colours `base_color` and `button_color`.
            config_id: The config to connect for; by default the id of the linked account.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The link, as `hosted_url`. Give it only to the owner of the account. It is valid for 3 days.

        Raises:
            BadRequestError: There is no such linked account.
            AuthenticationError: The API key or the session token is wrong or has expired.
            ParameterError: `properties` cannot be encoded as JSON; nothing was sent.
        """
        from refold_async.resources.connect_links import connect_url_request, parse_connect_url

        request, limits = await self._naming_account(
            lambda linked_account_id: connect_url_request(linked_account_id, properties, config_id), timeout
        )
        return await self._send_by_token(request, parse_connect_url, limits)

    async def hosted_properties(self, *, timeout: Timeout | float | None = None) -> dict[str, Any]:
        """Read the properties that `connect_url()` stored with the link. Refold page: *Get Hosted Properties*.

        A page of your own that connects apps can read them. Refold accepts no API key for this call: a scope that uses
        one first fetches a session token, within the same `timeout`.

        Args:
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The properties.

        Raises:
            AuthenticationError: The API key or the session token is wrong or has expired.
            RefoldError: The call failed in another way.
        """
        from refold_async.protocol.parsers import parse_value
        from refold_async.resources.connect_links import hosted_properties_request

        parse = parse_value(dict[str, Any])
        return await self._send_by_token(hosted_properties_request(), parse, self._limits(timeout))

    async def _naming_account(
        self, make: Callable[[str], Request], timeout: Timeout | float | None
    ) -> tuple[Request, Timeout]:
        """Return a request that names the linked account, and the time that is left for it.

        If only a session token identifies the account, Refold is asked for its id first.
        """
        limits = self._limits(timeout)
        request = make(self.linked_account_id or "?")  # wrong arguments raise an error before anything is sent
        if self.linked_account_id is not None:
            return request, limits
        from refold_async.pipeline.item_context import current_item
        from refold_async.resources.connect_links import own_account_request, parse_own_account

        now = asyncio.get_running_loop().time
        began = now()
        account = await self._send(own_account_request(), parse_own_account, limits)
        if current_item.get() is None:  # in a fan-out, the wait for the rate limit does not count
            limits = limits.with_total(max(limits.total - (now() - began), 0.001))
        return make(account.linked_account_id), limits

    def _limits(self, timeout: Timeout | float | None) -> Timeout:
        """Return the time limits of a call."""
        raise NotImplementedError

    def _send(self, request: Request, parse: Parser[T], timeout: Timeout | float | None) -> Awaitable[T]:
        """Send a request like any other request of the scope."""
        raise NotImplementedError

    def _send_by_token(self, request: Request, parse: Parser[T], timeout: Timeout) -> Awaitable[T]:
        """Send a request that accepts only a session token; if the scope has none, fetch one first."""
        raise NotImplementedError
