"""The pytest plugin of refold_async: fixtures that give tests a mock Refold and a client that calls it.

pytest loads this module wherever the package is installed, also for programs that never call Refold. So the module is
not inside the package, imports neither the package nor aiohttp until a test asks for a fixture, and uses only features
that every supported version of pytest has.

A fixture must run in the event loop of its test. That loop is made by pytest-asyncio, in a scope that the test chooses,
or by anyio. Each of them accepts only async fixtures that were made for it. So there is one set of fixtures for each of
them, and the fixtures that tests name are plain functions that choose the right one.
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

    During the test, `REFOLD_BASE_URL` and `REFOLD_API_KEY` are set for it: code that makes its own client with
    `AsyncRefold()` calls the mock and not the real Refold. The mock runs in the event loop of the test, so nothing may
    block that loop: call a FastAPI app through `httpx.ASGITransport`, not through its `TestClient`.

    To use a mock with other options, define a fixture of this name; `refold` then calls that one.
    """
    mock: MockRefold = request.getfixturevalue(_in_loop_of("mock_refold", request))
    monkeypatch.setenv("REFOLD_BASE_URL", mock.base_url)
    monkeypatch.setenv("REFOLD_API_KEY", _API_KEY)
    return mock


@pytest.fixture
def refold(request: "pytest.FixtureRequest", mock_refold: "MockRefold") -> "AsyncRefold":
    """An `AsyncRefold` that calls `mock_refold` and retries without delay."""
    client: AsyncRefold = request.getfixturevalue(_in_loop_of("refold", request))
    return client


def pytest_configure(config: "pytest.Config") -> None:
    """Define the fixtures for those plugins that run async tests here."""
    fixtures = ModuleType("refold_async's fixtures for async tests")
    _define(fixtures, pytest.fixture, "anyio")
    asyncio_plugin = sys.modules.get("pytest_asyncio.plugin")
    if asyncio_plugin is not None and _asyncio_has_scopes(config):
        for scope in _LOOP_SCOPES:
            _define(fixtures, asyncio_plugin.fixture, scope, loop_scope=scope)
    config.pluginmanager.register(fixtures, "refold_async's fixtures for async tests")


def _define(fixtures: ModuleType, fixture: Callable[..., Any], runner: str, **options: Any) -> None:
    """Define both fixtures for one runner of async tests."""

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
    """Return the name of the fixture that runs in the event loop of the test; fail a test that has no such loop."""
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
        problem = "pytest-asyncio would run it in another event loop than anyio's: set asyncio_mode to strict."
    elif inspect.iscoroutinefunction(getattr(request, "function", None)):
        problem = (
            "no plugin runs this one: install pytest-asyncio, 0.26 or later, and set "
            'asyncio_mode = "auto" in pytest\'s configuration, or mark the test with @pytest.mark.asyncio.'
        )
    else:
        problem = "this one is a plain function, which has no event loop for the mock to run in: make it `async def`."
    pytest.fail(f"The fixture {fixture!r} is for async tests, and {problem}", pytrace=False)


def _asyncio_has_scopes(config: "pytest.Config") -> bool:
    """Return whether pytest-asyncio is new enough to let tests choose the scope of their event loop."""
    try:
        config.getini(_TEST_LOOP_SCOPE)
    except ValueError:
        return False
    return True
