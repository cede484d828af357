"""Routes, each declared above the function that handles it."""

from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple, cast

import attrs

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.protocol.replies import ErrorField, Reply
from refold_async.testing.protocol.route_names import RouteName

__all__ = ["Access", "Route", "RouteGroup"]

Access = Literal[
    "organisation",
    "organisation or session token",
    "linked account",
    "linked account by key",
    "private workflow",
    "session token",
    "anybody",
]
"""What a route requires.

* `organisation`: only the API key.
* `organisation or session token`: only the API key, or a session token.
* `linked account`: API key and linked account, or a session token.
* `linked account by key`: API key and linked account; a session token is not accepted.
* `private workflow`: a session token, or API key and linked account with the header `environment`.
* `session token`: a session token.
* `anybody`: nothing; for pages, whose links identify the linked account.
"""
EndpointFunction = Callable[[EndpointCall], Awaitable[Reply]]


class Route(NamedTuple):
    """One row of the table of routes.

    Attributes:
        name: Its name in scripts and recorded requests.
        method: HTTP method.
        path: The path, with `{names}` for the variable parts.
        access: The credentials it requires.
        error_field: The field in which this service puts its error code.
        endpoint: The function that handles it.
        also: Other paths of the route.
        account_in_query: Whether the query string may name the linked account too.
    """

    name: RouteName
    method: str
    path: str
    access: Access
    error_field: ErrorField
    endpoint: EndpointFunction
    also: tuple[str, ...] = ()
    account_in_query: bool = False


@attrs.define(eq=False)
class RouteGroup:
    """The routes of one of Refold's services.

    Args:
        access: The credentials they require, unless a route says otherwise.
        error_field: The field in which the service puts its error code.
        account_in_query: Whether the query string may name the linked account too.

    Attributes:
        routes: The routes declared so far.
    """

    access: Access
    error_field: ErrorField
    account_in_query: bool = False
    routes: list[Route] = attrs.field(factory=list[Route], init=False)

    def route(
        self, method: str, path: str, *, access: Access | None = None, also: tuple[str, ...] = ()
    ) -> Callable[[EndpointFunction], EndpointFunction]:
        """Decorate the function that handles a route. The route gets the function's name; `RouteName` lists the names.

        Args:
            method: HTTP method.
            path: The path, with `{names}` for the variable parts.
            access: The credentials it requires; None means those of the group.
            also: Other paths of the route, with the same variable parts.
        """

        def add(endpoint: EndpointFunction) -> EndpointFunction:
            name = cast("RouteName", endpoint.__name__)
            self.routes.append(
                Route(
                    name,
                    method,
                    path,
                    access or self.access,
                    self.error_field,
                    endpoint,
                    also,
                    self.account_in_query,
                )
            )
            return endpoint

        return add
