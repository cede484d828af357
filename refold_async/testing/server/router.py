"""Finding the route of a request."""

from urllib.parse import unquote

import attrs

from refold_async.testing.endpoints.route import Route
from refold_async.testing.endpoints.routes import ROUTES

__all__ = ["RouteMatch", "Router"]


@attrs.frozen
class RouteMatch:
    """A route and the decoded variable parts of the path."""

    route: Route
    path_parameters: dict[str, str]


@attrs.define(eq=False)
class _Segment:
    """A node of the tree of paths: the segments that may follow, and the routes that end here."""

    fixed: dict[str, "_Segment"] = attrs.field(factory=dict[str, "_Segment"])
    variable: "_Segment | None" = None
    routes: dict[str, tuple[Route, tuple[str, ...]]] = attrs.field(factory=dict[str, tuple[Route, tuple[str, ...]]])


class Router:
    """Finds the route of a request in a tree of path segments.

    Args:
        routes: The table of routes. If a fixed and a variable segment both match, the fixed one is used.
    """

    def __init__(self, routes: tuple[Route, ...] = ROUTES) -> None:
        self._root = _Segment()
        for route in routes:
            for path in (route.path, *route.also):
                self._add(route, path)

    def match(self, method: str, path: str) -> RouteMatch | int:
        """Find the route of a request.

        Args:
            method: HTTP method.
            path: The path exactly as it was sent, without the query.

        Returns:
            The match, or the HTTP status of the refusal: 404 for an unknown path, 405 for a method it does not support.
        """
        node, values = self._root, list[str]()
        for segment in path.split("/"):
            following = node.fixed.get(segment)
            if following is None:
                following = node.variable if segment else None
                if following is None:
                    return 404
                values.append(unquote(segment) if "%" in segment else segment)
            node = following
        found = node.routes.get(method)
        if found is None:
            return 405 if node.routes else 404
        route, names = found
        return RouteMatch(route, dict(zip(names, values, strict=True)))

    def _add(self, route: Route, path: str) -> None:
        node, names = self._root, list[str]()
        for segment in path.split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.variable = node = node.variable or _Segment()
            else:
                node = node.fixed.setdefault(segment, _Segment())
        node.routes[route.method] = route, tuple(names)
