"""The base class of all resources: how requests are sent, for one account or for the organisation."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from typing import Any, Protocol, TypeAlias, TypeVar

from refold_async.config.settings import Timeout
from refold_async.config.validation import check_header_value, check_whole_number
from refold_async.errors import ConfigurationError
from refold_async.models.pages import Page
from refold_async.protocol.endpoints import Endpoint, Request
from refold_async.protocol.pages import AwaitableListing, Listing, parse_only_page, parse_page
from refold_async.protocol.parsers import parse_list
from refold_async.protocol.responses import Parser

__all__ = ["NamingAccount", "Resource", "Send", "changes", "dates"]

T = TypeVar("T")


class Send(Protocol):
    """Sends a request for the account or organisation of the resource; returns what `parse` makes of the response."""

    def __call__(self, request: Request, parse: Parser[T], timeout: Timeout | float | None) -> Awaitable[T]:
        """Send a request."""
        ...


NamingAccount: TypeAlias = Callable[
    [Callable[[str], Request], Timeout | float | None], Awaitable[tuple[Request, Timeout]]
]
"""Makes a request with the id of the linked account, which the scope of a session token may first have to ask for.
Returns it with the time that is left."""


def changes(fields: dict[str, Any], such_as: str) -> dict[str, Any]:
    """Return the fields of an update. If none was given, raise an error that suggests one."""
    if all(value is None for value in fields.values()):
        raise ConfigurationError(f"There is nothing to change: pass {such_as} or another field.")
    return fields


def dates(**values: datetime | date | str | None) -> dict[str, datetime | date | str]:
    """Return the dates that were given. A wrong datetime raises an error only when it is encoded."""
    given = {name: value for name, value in values.items() if value is not None}
    for name, value in given.items():
        if not isinstance(value, date):  # datetimes are dates too
            check_header_value(name, value)
    return given


class Resource:
    """A group of calls. Created without I/O each time it is accessed."""

    __slots__ = ("_send",)

    def __init__(self, send: Send) -> None:
        self._send = send

    def __repr__(self) -> str:
        # What sends for it is a method of the scope, or of the client.
        owner = getattr(getattr(self, "_send", None), "__self__", None)
        return f"<{type(self).__name__}{'' if owner is None else f' of {owner!r}'}>"

    def _paginate(
        self,
        endpoint: Endpoint,
        *ids: str,
        model: type[T],
        key: Callable[[T], object],
        page_size: int | None,
        timeout: Timeout | float | None,
        query: Mapping[str, Any] | None = None,
        keep: Callable[[T], bool | Awaitable[bool]] | None = None,
        comes_whole: bool = False,
    ) -> Listing[T]:
        """Return a list that Refold sends in pages; wrong arguments raise an error immediately.

        With `comes_whole`, Refold sends the whole list if asked for no page: then `page_size` may be None.
        """
        if page_size is not None or not comes_whole:
            check_whole_number("page_size", page_size, at_least=1)
        parse = parse_page(model)

        def request(number: int) -> Request:
            page = None if page_size is None and number == 1 else number
            return endpoint.request(*ids, query={"page": page, "limit": page_size, **(query or {})})

        def fetch(number: int) -> Awaitable[Page[T]]:
            return self._send(request(number), parse, timeout)

        request(1)

        return Listing(fetch, endpoint.target(*ids).subject, key=key, keep=keep or (lambda _: True))

    def _list_whole(
        self, request: Callable[[], Request], model: type[T], timeout: Timeout | float | None
    ) -> AwaitableListing[T]:
        """Return a list that Refold sends whole; wrong arguments raise an error when it is read."""
        parse = parse_only_page(parse_list(model))
        return AwaitableListing(lambda: self._send(request(), parse, timeout))
