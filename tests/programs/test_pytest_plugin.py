"""The pytest plugin, in test suites of its users: with pytest-asyncio in either mode, with anyio, and with neither."""

import os
import re
import runpy
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import pytest

from support.running_programs import Finished, run_program

ROOT: Final = Path(__file__).parent.parent.parent
ASYNCIO: Final = "pytest_asyncio.plugin"
ANYIO: Final = "anyio.pytest_plugin"
SETTINGS: Final = """
[pytest]
filterwarnings = error
"""
SETTINGS_OF_ASYNCIO: Final = f"""{SETTINGS}
asyncio_default_fixture_loop_scope = function
asyncio_mode = """


async def run_tests(*arguments: str, plugins: tuple[str, ...]) -> Finished:
    """Run pytest as a user of this library would, with no other plugins than these."""
    return await run_program(
        *("-m", "pytest", "-v", "-p", "no:cacheprovider", *(f"-p{name}" for name in (*plugins, "pytest_refold_async"))),
        *arguments,
        environment={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONSAFEPATH": "1"},
    )


async def run_suite(folder: Path, settings: str, source: str, *plugins: str) -> Finished:
    """Run a suite of this source."""
    (folder / "pytest.ini").write_text(settings)
    (folder / "test_mine.py").write_text(source)
    return await run_tests("-c", str(folder / "pytest.ini"), str(folder / "test_mine.py"), plugins=plugins)


def outcomes(ran: Finished) -> dict[str, str]:
    """Return what became of each test."""
    return dict(re.findall(r"^\S+?::(\S+) (PASSED|FAILED|ERROR)", ran.output, re.MULTILINE))


AUTO: Final = """
import asyncio
import os

import pytest

from refold_async import AsyncRefold, NotFoundError
from refold_async.testing import Answer, MockRefold


async def test_trouble(mock_refold, refold):
    mock_refold.script(Answer(503), action_id="get_contact", calls=[1, 2])
    account = refold.account("user_1")
    await account.execute_action("hubspot", "get_contact", {"limit": "1"}, idempotent=True)
    assert [request.status for request in mock_refold.requests] == [503, 503, 200]


async def test_a_client_of_ones_own(mock_refold):
    async with AsyncRefold() as refold:
        await refold.check()
    assert len(mock_refold.requests) == 1


@pytest.fixture
def settings(mock_refold):
    return {"url": mock_refold.base_url}


async def test_through_a_fixture(settings, refold):
    assert settings == {"url": refold.base_url}


@pytest.mark.asyncio(loop_scope="module")
async def test_in_the_loop_of_the_module(mock_refold, refold):
    await refold.check()


@pytest.mark.asyncio(loop_scope="module")
async def test_again_in_that_loop(mock_refold, refold):
    await refold.check()
    assert len(mock_refold.requests) == 1


class TestMock:
    @pytest.fixture
    async def mock_refold(self):
        async with MockRefold(known_accounts_only=True) as mock:
            yield mock

    async def test_a_mock_of_ones_own(self, mock_refold, refold):
        with pytest.raises(NotFoundError):
            await refold.linked_accounts.get("nobody")


def test_a_plain_function(mock_refold):
    pass


def test_nothing_is_left_behind():
    assert not {"REFOLD_BASE_URL", "REFOLD_API_KEY"} & os.environ.keys()
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


@pytest.mark.anyio
async def test_of_two_plugins(mock_refold, anyio_backend_name):
    pass
"""


async def test_auto_mode(tmp_path: Path) -> None:
    """Tests need nothing but the names of the fixtures, whichever loop they run in."""
    ran = await run_suite(tmp_path, f"{SETTINGS_OF_ASYNCIO}auto", AUTO, ANYIO, ASYNCIO)
    found = outcomes(ran)
    errors = {"test_a_plain_function", "test_of_two_plugins[asyncio]"}
    assert {name for name, outcome in found.items() if outcome != "PASSED"} == errors, ran.output + ran.complaints
    assert len(found) == 9
    assert "this one is a plain function, which has no event loop for the mock to run in: make it `async" in ran.output
    assert "would run it in another event loop than anyio's: set asyncio_mode to strict" in ran.output


STRICT: Final = """
import pytest


@pytest.mark.asyncio
async def test_marked(mock_refold, refold):
    await refold.check()
    assert len(mock_refold.requests) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_of_anyio(mock_refold, refold, anyio_backend):
    await refold.check()
    assert len(mock_refold.requests) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_of_anyio_by_trio(refold, anyio_backend):
    pass


async def test_not_marked(refold):
    pass
"""


async def test_strict_mode_and_anyio(tmp_path: Path) -> None:
    """Tests that are marked for one of the plugins are served in its loop."""
    ran = await run_suite(tmp_path, f"{SETTINGS_OF_ASYNCIO}strict", STRICT, ANYIO, ASYNCIO)
    assert outcomes(ran) == {
        "test_marked": "PASSED",
        "test_of_anyio[asyncio]": "PASSED",
        "test_of_anyio_by_trio[trio]": "ERROR",
        "test_not_marked": "ERROR",
    }, ran.output + ran.complaints
    assert "runs on asyncio, not on trio: define a fixture `anyio_backend` that returns 'asyncio'." in ran.output
    assert "mark the test with @pytest.mark.asyncio" in ran.output


ALONE: Final = """
import sys


def loaded():
    return {"refold_async", "refold_async.testing", "aiohttp", "pytest_asyncio"} & sys.modules.keys()


def test_what_is_loaded():
    assert not loaded()


async def test_nothing_runs(refold):
    pass


def test_what_is_loaded_then():
    assert not loaded()
"""


async def test_without_a_plugin_for_async_tests(tmp_path: Path) -> None:
    """A suite that does not use the fixtures loads nothing of the library; one that does is told what it needs."""
    ran = await run_suite(tmp_path, SETTINGS, ALONE)
    assert outcomes(ran) == {
        "test_what_is_loaded": "PASSED",
        "test_nothing_runs": "ERROR",
        "test_what_is_loaded_then": "PASSED",
    }, ran.output + ran.complaints
    assert "The fixture 'mock_refold' is for async tests, and no plugin runs this one" in ran.output
    assert "install pytest-asyncio" in ran.output


async def test_the_example() -> None:
    """The tests of the example's services pass, as a user runs them."""
    ran = await run_tests(str(ROOT / "examples" / "test_services.py"), "-oasyncio_mode=auto", plugins=(ASYNCIO,))
    assert (ran.exit_code, ran.complaints) == (0, ""), ran.output
    assert "4 passed" in ran.output


def test_an_old_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    """It loads the plugin all the same: else no test could run where the package is installed."""
    monkeypatch.setitem(sys.modules, "pytest", SimpleNamespace(fixture=pytest.fixture))
    runpy.run_path(str(ROOT / "pytest_refold_async.py"))


def test_pytest_finds_the_plugin() -> None:
    """The package says to pytest where its plugin is."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    assert declared == {"pytest_refold_async": "pytest_refold_async"}


@pytest.mark.skipif("REFOLD_ASYNC_INSTALLED" not in os.environ, reason="run by `make test` only")
def test_the_plugin_is_installed() -> None:
    """The wheel has the plugin, and pytest has loaded it here."""
    names = [entry.name for entry in distribution("refold-async").entry_points if entry.group == "pytest11"]
    assert names == ["pytest_refold_async"]
