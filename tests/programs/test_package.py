"""The package as it is installed."""

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import refold_async
from support.running_programs import run_program

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.skipif("REFOLD_ASYNC_INSTALLED" not in os.environ, reason="run by `make test` only")
def test_the_installed_wheel_is_what_is_tested() -> None:
    """The suite runs against the built wheel, not against the files beside it."""
    package = Path(refold_async.__file__).parent
    assert package != ROOT / "refold_async"
    assert package.parent.name == "site-packages"
    assert (package / "py.typed").exists()


@pytest.mark.skipif("REFOLD_ASYNC_INSTALLED" not in os.environ, reason="run by `make test` only")
def test_the_installed_command() -> None:
    """`refold` is installed beside Python, and runs without the environment and the directory it is run in."""
    command = Path(sys.executable).parent / "refold"
    for arguments in ([str(command)], [sys.executable, "-I", "-m", "refold_async"]):
        ran = subprocess.run([*arguments, "--version"], capture_output=True, text=True, check=True, env={}, cwd="/")
        assert (ran.stdout, ran.stderr) == (f"{refold_async.__version__}\n", "")


def test_the_version_is_told_once() -> None:
    """The package's version is the distribution's, and the changelog has an entry for it."""
    assert refold_async.__version__ in (ROOT / "CHANGELOG.md").read_text()
    if "REFOLD_ASYNC_INSTALLED" in os.environ:
        assert importlib.metadata.version("refold-async") == refold_async.__version__


def test_the_lowest_versions_are_those_of_the_project() -> None:
    """The lower bounds that are tested are the lower bounds that are promised."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    promised = [*project["dependencies"], *extras["cli"], *extras["postgres"], *extras["redis"]]
    tested = re.findall(r"^([a-z]+)==([\d.]+)$", (ROOT / "requirements/lowest.in").read_text(), re.MULTILINE)
    assert {name: version.removesuffix(".0") for name, version in tested} == dict(
        requirement.split(">=") for requirement in promised
    )


async def test_importing_leaves_the_mock_and_the_extras_alone() -> None:
    """What a program does not use is not imported with the package."""
    program = (
        "import sys, refold_async; "
        "print(sorted({'refold_async.testing', 'aiohttp', 'attr', 'uvloop', 'cyclopts'} & sys.modules.keys()))"
    )
    ran = await run_program("-c", program)
    assert (ran.output, ran.complaints) == ("[]\n", "")


async def test_uvloop() -> None:
    """Calls, deadlines and fan-outs work on uvloop."""
    pytest.importorskip("uvloop")
    program = """
import asyncio, math, uvloop
from refold_async import APITimeoutError, AsyncRefold, Timeout
from refold_async.testing import MockRefold, Silence

async def main():
    async with MockRefold() as mock, AsyncRefold("tk_test", base_url=mock.base_url, timeout=Timeout(
        total=math.inf, attempt=math.inf, connect=math.inf)) as refold:
        report = await refold.fan_out_action([f"user_{n}" for n in range(100)], "hubspot", "get_contact").collect()
        assert report.counts["ok"] == 100, report.counts
        mock.script(Silence())
        try:
            await refold.account("user_1").list_actions("hubspot", timeout=Timeout(total=0.1))
        except APITimeoutError:
            print("in time")

with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
"""
    ran = await run_program("-c", program)
    assert (ran.output, ran.complaints) == ("in time\n", "")
