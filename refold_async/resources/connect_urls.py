"""`connect_url()`: the link to a page on which the owner of a linked account connects apps."""

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
        """Make a link to a page where the account's owner connects apps, or again. Refold page: *Create Connect URL*.

        Refold takes no API key for this, so a scope by key first fetches a session token, within the same `timeout`.

        Args:
            properties: What to keep with the link for that page, any JSON; by default nothing. Refold's own page knows
                `redirect_url`, where to go from there, and the colours `base_color` and `button_color`.
            config_id: The config to connect for; by default the linked account's id.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The link, as `hosted_url`: for the account's owner alone, good for 3 days.

        Raises:
            BadRequestError: There is no such linked account.
            AuthenticationError: The API key or the session token is wrong or has expired.
            ParameterError: `properties` are no JSON; nothing was sent.
        """
        from refold_async.resources.connect_links import connect_url_request, parse_connect_url

        request, limits = await self._naming_account(
            lambda linked_account_id: connect_url_request(linked_account_id, properties, config_id), timeout
        )
        return await self._send_by_token(request, parse_connect_url, limits)

    async def _naming_account(
        self, make: Callable[[str], Request], timeout: Timeout | float | None
    ) -> tuple[Request, Timeout]:
        """Return a request that names the linked account, and the time that is left for it.

        Where only a session token names the account, that is asked for.
        """
        limits = self._limits(timeout)
        request = make(self.linked_account_id or "?")  # what is wrong with the arguments shows before anything is sent
        if self.linked_account_id is not None:
            return request, limits
        from refold_async.pipeline.item_context import current_item
        from refold_async.resources.connect_links import own_account_request, parse_own_account

        now = asyncio.get_running_loop().time
        began = now()
        account = await self._send(own_account_request(), parse_own_account, limits)
        if current_item.get() is None:  # in a fan-out the wait for the rate limit does not count
            limits = limits.with_total(max(limits.total - (now() - began), 0.001))
        return make(account.linked_account_id), limits

    def _limits(self, timeout: Timeout | float | None) -> Timeout:
        """Return the limits of time that a call runs under."""
        raise NotImplementedError

    def _send(self, request: Request, parse: Parser[T], timeout: Timeout | float | None) -> Awaitable[T]:
        """Send a request as the scope sends any."""
        raise NotImplementedError

    def _send_by_token(self, request: Request, parse: Parser[T], timeout: Timeout) -> Awaitable[T]:
        """Send a request that takes a session token alone: where the scope has none, one is fetched for it."""
        raise NotImplementedError
