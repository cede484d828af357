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
    """The `request()` of scopes, which make calls for an account, and of the client, for the organisation."""

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
        """Call an endpoint that has no method of its own. Refold page: *API Reference*.

        Args:
            method: The HTTP method. GET and HEAD are retried as reads; every other method counts as a write.
            path: The path below the base URL, such as `/api/v2/public/execution`. Quote ids that you put into it.
            query: Query parameters. None values are left out; a list repeats the name for each value.
            headers: Extra headers, in addition to those that the client sets.
            json: The body: any JSON value except null; None sends no body.
            into: The type to convert the response into; by default the result is plain JSON. `bytes` returns the body
                of any response unchanged, such as a PDF or a CSV; for an empty one, `b""`.
            save_to: A path to save the body to while it arrives. The body may be of any length, because
                `max_response_bytes` does not apply. An existing file is replaced when the body is complete, and
                remains unchanged if that fails. `timeout` must be long enough for the whole body, such as
                `Timeout(total=600, attempt=600)`.
            idempotent: Pass True if executing this request twice does no harm. The client then also retries after
                failures in which it may have been executed.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The JSON of the response, converted to `into`; None if the response is empty. With `save_to`, a `SavedFile`.

        Raises:
            APIStatusError: Refold responded with an error status.
            APIResponseValidationError: The response is not JSON, does not fit `into`, or could not be written to
                `save_to`.
            RefoldError: The call failed in another way; `effect` says whether a write may have happened.
            ConfigurationError: No file can be created at `save_to`, or another argument is wrong; nothing was sent.
        """
        request = raw_request(method, path, query=query, headers=headers, json=json, idempotent=idempotent)
        if save_to is None:
            return await self._send(request, parse_value(into), timeout)
        from refold_async.resources.saving import save_response

        return await self._send(request, save_response(request, into, save_to), timeout)

    def _send(self, request: Request, parse: Parser[T], timeout: Timeout | float | None) -> Awaitable[T]:
        """Send a request, and return what `parse` makes of the response. All other methods use this one."""
        raise NotImplementedError
