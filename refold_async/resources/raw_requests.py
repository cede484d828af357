"""`request()`: calls to endpoints that have no method of their own."""

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

from refold_async.config.settings import Timeout
from refold_async.protocol.endpoints import Request
from refold_async.protocol.parsers import parse_value
from refold_async.protocol.requests import raw_request
from refold_async.protocol.responses import Parser

if TYPE_CHECKING:
    from typing_extensions import TypeForm

__all__ = ["RawRequests"]

T = TypeVar("T")


class RawRequests:
    """The `request()` of scopes, which call for an account, and of the client, which calls for the organisation."""

    __slots__ = ()

    @overload
    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        into: None = None,
        idempotent: bool = False,
        timeout: Timeout | float | None = None,
    ) -> Any: ...

    @overload
    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        into: "TypeForm[T]",
        idempotent: bool = False,
        timeout: Timeout | float | None = None,
    ) -> T: ...

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        into: Any = None,
        idempotent: bool = False,
        timeout: Timeout | float | None = None,
    ) -> Any:
        """Call any endpoint that has no method of its own. Refold page: *API Reference*.

        Args:
            method: The HTTP method. GET and HEAD are tried again as reads; every other method counts as a write.
            path: The path below the base URL, such as `/api/v2/public/execution`; quote ids that go into it.
            query: Query parameters; None values are left out, lists repeat the name.
            headers: Headers beside those the client sets.
            json: The body, any JSON value but null; None sends none.
            into: The type to structure the response into; by default it stays as JSON gave it.
            idempotent: You vouch that it does no harm to send this twice.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The response's JSON, as `into`; None where the response is empty.

        Raises:
            APIStatusError: Refold answered with an error status.
            APIResponseValidationError: The response is not JSON or does not fit `into`.
            APIConnectionError: No response; `effect` says whether a write may have happened.
        """
        request = raw_request(method, path, query=query, headers=headers, json=json, idempotent=idempotent)
        return await self._send(request, parse_value(into), timeout)

    def _send(self, request: Request, parse: Parser[T], timeout: Timeout | float | None) -> Awaitable[T]:
        """Send a request, and return what `parse` makes of the response. Every method is made of this one."""
        raise NotImplementedError
