"""`refold mock`, and what `refold --help` loads."""

import inspect
import os
import signal
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from refold_async.cli.commands.mock import mock
from refold_async.testing.serving import ServingOptions
from support.command_line import CommandLine
from support.running_programs import ended, first_url, running


async def test_a_mock() -> None:
    """It serves until Ctrl-C, which is its end in peace; other commands find it by the variables it prints."""
    async with running("-m", "refold_async", "mock", "--port", "0", "--api-key", "tk_a", "--rate", "1") as process:
        base_url = await first_url(process)
        environment = {"REFOLD_BASE_URL": base_url, "REFOLD_API_KEY": "tk_a", "REFOLD_LINKED_ACCOUNT_ID": "user_1"}
        async with running("-m", "refold_async", "apps", environment=environment) as command:
            listed = await ended(command)
        assert (listed.exit_code, listed.complaints) == (0, "")
        process.send_signal(signal.SIGINT)
        served = await ended(process)
    assert (served.exit_code, served.complaints) == (0, "")
    assert f"export REFOLD_BASE_URL={base_url} REFOLD_API_KEY=tk_a" in served.output


async def test_a_mock_whose_actions_take_time() -> None:
    """A job lasts long enough to be watched and interrupted: here an action takes longer than the test may."""
    async with running("-m", "refold_async", "mock", "--port", "0", "--action-seconds", "3600") as process:
        environment = {"REFOLD_BASE_URL": await first_url(process), "REFOLD_API_KEY": "tk_a"}
        execute = ("-m", "refold_async", "execute", "hubspot", "get_contact", "--read", "-a", "user_1")
        async with running(*execute, "--timeout", "0.2", environment=environment) as command:
            late = await ended(command)
        async with running("-m", "refold_async", "apps", "-a", "user_1", environment=environment) as command:
            assert (await ended(command)).exit_code == 0
    assert late.exit_code == 1
    assert "Pass a larger --timeout." in late.complaints


def test_both_commands_take_the_same_options() -> None:
    """`refold mock` and `python -m refold_async.testing` serve alike."""
    taken = {name: parameter.default for name, parameter in inspect.signature(mock).parameters.items()}
    assert taken == attrs.asdict(ServingOptions())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--host", "0.0.0.0"), "pass --allow-remote to confirm"),
        (("--port", "70000"), "port must be 0 to 65535"),
        (("--rate", "0"), "must be"),
        (("--port", "x"), "--port"),
        (("--retry-after", "-1"), "--retry-after must be a number of seconds, 0 or more, not -1.0."),
        (("--retry-after", "nan"), "--retry-after must be a number of seconds, 0 or more, not nan."),
        (("--workflow-seconds", "inf"), "--workflow-seconds must be 0 or more, not inf."),
        (("--action-seconds", "-1"), "--action-seconds must be 0 or more, not -1."),
        (("--action-seconds", "nan"), "--action-seconds must be 0 or more, not nan."),
    ],
)
def test_options_that_make_no_sense(command_line: CommandLine, arguments: tuple[str, ...], says: str) -> None:
    """They end it with one paragraph that says so."""
    refused = command_line.run("mock", *arguments)
    assert (refused.code, refused.out) == (2, "")
    assert says in refused.err
    assert len(refused.err.splitlines()) == 1


def test_an_address_in_use(command_line: CommandLine) -> None:
    """Where another program listens, the mock says so and fails."""
    port = command_line.mock.base_url.rpartition(":")[2]
    refused = command_line.run("mock", "--port", port)
    assert (refused.code, refused.out) == (1, "")
    assert "pass --port 0" in refused.err


def test_help_loads_no_command() -> None:
    """`refold --help` is there at once: it loads no command, and nothing that only some of them need."""
    program = """
import sys
from refold_async.cli.main import run
assert run(["--help"]) == 0
needless = ("refold_async.cli.commands.", "refold_async.testing", "refold_async.jobs.", "refold_async.journal.")
print([name for name in sys.modules if name.startswith(needless)], file=sys.stderr)
"""
    shown = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    for name in ("apps", "execute", "workflows", "executions", "accounts", "connect", "request", "webhooks", "mock"):
        assert name in shown.stdout
    assert shown.stderr == "[]\n"
