"""Routes, each declared above the function that answers it."""

from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple, cast

import attrs

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.protocol.replies import ErrorField, Reply
from refold_async.testing.protocol.route_names import RouteName

__all__ = ["Access", "Route", "RouteGroup"]

Access = Literal[
    "organisation", "organisation or session token", "linked account", "private workflow", "session token", "anybody"
]
"""What a route asks for.

* `organisation`: the API key alone.
* `organisation or session token`: the API key alone, or a session token.
* `linked account`: API key and linked account, or a session token.
* `private workflow`: a session token, or API key and linked account with the header `environment`.
* `session token`: a session token alone.
* `anybody`: nothing; for pages, whose links say whom they are for.
"""
EndpointFunction = Callable[[EndpointCall], Awaitable[Reply]]


class Route(NamedTuple):
    """One row of the table of routes.

    Attributes:
        name: Its name in scripts and recorded requests.
        method: HTTP method.
        path: Path with `{names}` for the parts that vary.
        access: What credentials it asks for.
        error_field: The field in which this service puts its error code.
        endpoint: Answers it.
        also: Further paths that it is served under.
        account_in_query: Whether the linked account may be named in the query string, too.
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
        access: What credentials they ask for, unless one says otherwise.
        error_field: The field in which the service puts its error code.
        account_in_query: Whether the linked account may be named in the query string, too.

    Attributes:
        routes: Those declared so far.
    """

    access: Access
    error_field: ErrorField
    account_in_query: bool = False
    routes: list[Route] = attrs.field(factory=list[Route], init=False)

    def route(
        self, method: str, path: str, *, access: Access | None = None, also: tuple[str, ...] = ()
    ) -> Callable[[EndpointFunction], EndpointFunction]:
        """Decorate the function that answers a route. The route is named for it; `RouteName` lists the names.

        Args:
            method: HTTP method.
            path: Path with `{names}` for the parts that vary.
            access: What credentials it asks for; None is as for the group.
            also: Further paths that it is served under, with the same parts that vary.
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
