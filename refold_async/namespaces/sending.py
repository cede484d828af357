"""What every namespace is made of: the way its calls go out, through one account or through the organisation."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Protocol, TypeVar

from refold_async.endpoints import Call, Endpoint
from refold_async.namespaces.pages import walk
from refold_async.responses import Reader, read_page
from refold_async.settings import Timeout
from refold_async.validation import check_whole_number

__all__ = ["Namespace", "Send"]

T = TypeVar("T")


class Send(Protocol):
    """Sends a call for whoever the namespace belongs to, and returns what `read` makes of the answer."""

    def __call__(self, call: Call, read: Reader[T], timeout: Timeout | float | None) -> Awaitable[T]:
        """Send a call."""
        ...


class Namespace:
    """A group of calls. Made anew wherever it is named, without I/O."""

    __slots__ = ("_send",)

    def __init__(self, send: Send) -> None:
        self._send = send

    def _walk(
        self,
        endpoint: Endpoint,
        *ids: str,
        model: type[T],
        key: Callable[[T], object],
        page_size: int,
        timeout: Timeout | float | None,
        keep: Callable[[T], bool] = lambda _: True,
        **query: Any,
    ) -> AsyncGenerator[T, None]:
        """Iterate over a list that comes in pages; what is wrong with the arguments is told before the first."""
        check_whole_number("page_size", page_size, at_least=1)
        endpoint.call(*ids, query=query)
        read = read_page(model)

        def fetch(number: int) -> Awaitable[Any]:
            return self._send(endpoint.call(*ids, query={"page": number, "limit": page_size, **query}), read, timeout)

        return walk(fetch, endpoint.target(*ids).subject, key=key, keep=keep)
