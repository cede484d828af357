"""The pytest plugin of refold_async: fixtures that give tests a mock Refold and a client of it.

pytest loads this module wherever the package is installed, for programs that never call Refold too. So it stands beside
the package and imports nothing of it, nor aiohttp, until a test asks for a fixture; and asks no more of pytest than any
of its versions has.

A fixture must run in the loop of its test, which is made by pytest-asyncio, in a scope that the test chooses, or by
anyio. Both take only async fixtures that are made for them; so there is one for each, and the fixtures that tests name,
plain functions, get them the right one.
"""

import inspect
import sys
from collections.abc import AsyncIterator, Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from refold_async import AsyncRefold
    from refold_async.testing import MockRefold

__all__ = ["mock_refold", "pytest_configure", "refold"]

_API_KEY: Final = "tk_mock"
_LOOP_SCOPES: Final = ("function", "class", "module", "package", "session")
_TEST_LOOP_SCOPE: Final = "asyncio_default_test_loop_scope"


@pytest.fixture
def mock_refold(request: "pytest.FixtureRequest", monkeypatch: "pytest.MonkeyPatch") -> "MockRefold":
    """A mock Refold, new for each async test: a `MockRefold` of `refold_async.testing`.

    As long as the test runs, `REFOLD_BASE_URL` and `REFOLD_API_KEY` lead to it: what is tested may make its own client
    by `AsyncRefold()`, and calls no real Refold. It answers in the test's own loop, so nothing may block that: call a
    FastAPI app through `httpx.ASGITransport`, not through its `TestClient`.

    For one with options, define a fixture of this name; `refold` calls that one then.
    """
    mock: MockRefold = request.getfixturevalue(_in_loop_of("mock_refold", request))
    monkeypatch.setenv("REFOLD_BASE_URL", mock.base_url)
    monkeypatch.setenv("REFOLD_API_KEY", _API_KEY)
    return mock


@pytest.fixture
def refold(request: "pytest.FixtureRequest", mock_refold: "MockRefold") -> "AsyncRefold":
    """An `AsyncRefold` that calls `mock_refold`, and does not wait before it tries again."""
    client: AsyncRefold = request.getfixturevalue(_in_loop_of("refold", request))
    return client


def pytest_configure(config: "pytest.Config") -> None:
    """Make the fixtures for those of the plugins that run async tests here."""
    fixtures = ModuleType("refold_async's fixtures for async tests")
    _define(fixtures, pytest.fixture, "anyio")
    asyncio_plugin = sys.modules.get("pytest_asyncio.plugin")
    if asyncio_plugin is not None and _asyncio_has_scopes(config):
        for scope in _LOOP_SCOPES:
            _define(fixtures, asyncio_plugin.fixture, scope, loop_scope=scope)
    config.pluginmanager.register(fixtures, "refold_async's fixtures for async tests")


def _define(fixtures: ModuleType, fixture: Callable[..., Any], runner: str, **options: Any) -> None:
    """Define both fixtures for one who runs tests."""

    async def mock_refold() -> AsyncIterator["MockRefold"]:
        from refold_async.testing import MockRefold

        async with MockRefold() as mock:
            yield mock

    async def refold(mock_refold: "MockRefold") -> AsyncIterator["AsyncRefold"]:
        from refold_async import AsyncRefold, RetryPolicy

        quick = RetryPolicy(initial_delay=0)
        async with AsyncRefold(_API_KEY, base_url=mock_refold.base_url, retry=quick) as client:
            yield client

    for function in (mock_refold, refold):
        name = _name(function.__name__, runner)
        setattr(fixtures, name, fixture(name=name, **options)(function))


def _name(fixture: str, runner: str) -> str:
    return f"_{fixture}_in_loop_of_{runner}"


def _in_loop_of(fixture: str, request: "pytest.FixtureRequest") -> str:
    """Return the name of the fixture that runs in the loop of the test; fail a test that has none."""
    test = request.node
    runs_in_asyncio = getattr(sys.modules.get("pytest_asyncio"), "is_async_test", None)
    by_asyncio = runs_in_asyncio is not None and runs_in_asyncio(test) and _asyncio_has_scopes(request.config)
    by_anyio = "anyio_backend" in request.fixturenames
    if by_asyncio and not by_anyio:
        options = test.get_closest_marker("asyncio").kwargs
        scope = options.get("loop_scope") or options.get("scope") or request.config.getini(_TEST_LOOP_SCOPE)
        return _name(fixture, scope)
    if by_anyio and not by_asyncio:
        backend = request.getfixturevalue("anyio_backend_name")
        if backend == "asyncio":
            return _name(fixture, "anyio")
        problem = (
            f"refold_async runs on asyncio, not on {backend}: define a fixture `anyio_backend` that returns 'asyncio'."
        )
    elif by_anyio:
        problem = (
            "pytest-asyncio would run it in another loop than anyio runs this test in: set asyncio_mode to strict."
        )
    elif inspect.iscoroutinefunction(getattr(request, "function", None)):
        problem = (
            "nothing that it knows runs this one: install pytest-asyncio, 0.26 or later, and set "
            'asyncio_mode = "auto" in pytest\'s configuration, or mark the test with @pytest.mark.asyncio.'
        )
    else:
        problem = "this one is a plain function, during which no loop runs for it to answer in: make it `async def`."
    pytest.fail(f"The fixture {fixture!r} is for async tests, and {problem}", pytrace=False)


def _asyncio_has_scopes(config: "pytest.Config") -> bool:
    """Tell whether pytest-asyncio is not from before tests chose the scopes of their loops."""
    try:
        config.getini(_TEST_LOOP_SCOPE)
    except ValueError:
        return False
    return True
