"""`request()`: calls to endpoints that have no method of their own."""

import os
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

from refold_async.config.settings import Timeout
from refold_async.protocol.endpoints import Request
from refold_async.protocol.parsers import parse_value
from refold_async.protocol.requests import raw_request
from refold_async.protocol.responses import Parser

if TYPE_CHECKING:
    from typing_extensions import TypeForm

    from refold_async.models.saved_file import SavedFile

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
        save_to: None = None,
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
        save_to: None = None,
        idempotent: bool = False,
        timeout: Timeout | float | None = None,
    ) -> T: ...

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
        save_to: str | os.PathLike[str],
        idempotent: bool = False,
        timeout: Timeout | float | None = None,
    ) -> "SavedFile": ...

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        into: Any = None,
        save_to: str | os.PathLike[str] | None = None,
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
            into: The type to structure the response into; by default it stays as JSON gave it. `bytes` takes the body
                of any response, such as a PDF or a CSV, and `b""` of an empty one.
            save_to: A path to save the body to while it comes, however long it is: `max_response_bytes` is no limit.
                Anything there is replaced once the body is whole, and stays as it was if it does not come so far.
                `timeout` must last for the whole body: such as `Timeout(total=600, attempt=600)`.
            idempotent: You vouch that it does no harm to send this twice.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The response's JSON, as `into`; None where the response is empty. With `save_to`, the `SavedFile`.

        Raises:
            APIStatusError: Refold answered with an error status.
            APIResponseValidationError: The response is not JSON, does not fit `into`, or could not be written to
                `save_to`.
            APIConnectionError: No response; `effect` says whether a write may have happened.
            ConfigurationError: No file can be made at `save_to`, or another argument is wrong; nothing was sent.
        """
        request = raw_request(method, path, query=query, headers=headers, json=json, idempotent=idempotent)
        if save_to is None:
            return await self._send(request, parse_value(into), timeout)
        from refold_async.resources.saving import save_response

        return await self._send(request, save_response(request, into, save_to), timeout)

    def _send(self, request: Request, parse: Parser[T], timeout: Timeout | float | None) -> Awaitable[T]:
        """Send a request, and return what `parse` makes of the response. Every method is made of this one."""
        raise NotImplementedError
