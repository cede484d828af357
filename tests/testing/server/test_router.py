"""From a path to its route."""

import pytest

from refold_async.testing import ROUTES, Route
from refold_async.testing.server.router import RouteMatch, Router


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_path_leads_to_its_route(route: Route) -> None:
    """A path with its variable parts filled in is matched, and those parts come back."""
    for template in (route.path, *route.also):
        path = template.replace("{", "a-").replace("}", "-z")
        match = Router().match(route.method, path)
        assert isinstance(match, RouteMatch)
        assert match.route is route
        assert all(value == f"a-{name}-z" for name, value in match.path_parameters.items())
        assert len(match.path_parameters) == route.path.count("{")


def test_variable_parts_are_decoded_after_splitting() -> None:
    """A quoted slash belongs to its part."""
    match = Router().match("GET", "/api/v2/public/linked-account/a%2Fb%20c+d%C3%BC")
    assert isinstance(match, RouteMatch)
    assert match.path_parameters == {"linked_account_id": "a/b c+dü"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v2/public/workflow/", 404),
        ("GET", "/api/v2/public/workflow/a/b", 404),
        ("GET", "/api/v2/public/workflow/../execution", 404),
        ("PATCH", "/api/v2/public/workflow/a", 405),
        ("GET", "/API/v2/public/workflow", 404),
        ("GET", "", 404),
    ],
)
def test_what_leads_nowhere(method: str, path: str, status: int) -> None:
    """An unknown path is 404, a method the path does not take 405."""
    assert Router().match(method, path) == status
