"""`python -m refold_async.testing`."""

import signal
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from refold_async.testing import __main__ as command_line
from support.running_programs import ended, first_url, running


@asynccontextmanager
async def serving(*arguments: str) -> AsyncGenerator[tuple[Process, str], None]:
    """Run the command on a free port; yield its process and base URL."""
    async with running("-m", "refold_async.testing", "--port", "0", *arguments) as process:
        yield process, await first_url(process)


async def test_serves_until_interrupted() -> None:
    """It prints where it listens and a command to try, answers, and ends in peace on Ctrl-C."""
    arguments = ("--rate", "0.001", "--burst", "2", "--retry-after", "9", "--api-key", "tk_a", "--api-key", "tk_b")
    async with serving(*arguments) as (process, base_url), aiohttp.ClientSession() as session:
        url = f"{base_url}/api/v2/integration-schema/hubspot/actions"
        statuses = list[int]()
        for key in ("tk_b", "tk_c", "tk_a"):
            async with session.get(url, headers={"x-api-key": key, "linked_account_id": "user_1"}) as response:
                statuses.append(response.status)
        assert statuses == [200, 401, 429]
        assert response.headers["Retry-After"] == "9.0"
        process.send_signal(signal.SIGINT)
        ran = await ended(process)
        assert (ran.exit_code, ran.complaints) == (0, "")
        assert f'curl -X POST "{base_url}/api/v2/integration-schema/hubspot/actions/get_contact/execute"' in ran.output
        assert "x-api-key: tk_a" in ran.output


def test_other_machines_must_be_let_in_explicitly(capsys: pytest.CaptureFixture[str]) -> None:
    """An address that others can reach is refused without `--allow-remote`."""
    with pytest.raises(SystemExit) as exit_info:
        command_line.main(["--host", "0.0.0.0", "--port", "0"])
    assert exit_info.value.code == 2
    assert "--allow-remote" in capsys.readouterr().err


async def test_let_in_explicitly() -> None:
    """With `--allow-remote` it listens on all addresses."""
    async with (
        serving("--host", "0.0.0.0", "--allow-remote") as (_, base_url),
        aiohttp.ClientSession() as session,
        session.get(base_url.replace("0.0.0.0", "127.0.0.1")) as response,
    ):
        assert response.status == 200


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--rate", "0"], ["--workflow-seconds", "-1"]])
def test_options_that_make_no_sense(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """A value that cannot be ends the command with one line that says so."""
    with pytest.raises(SystemExit) as exit_info:
        command_line.main(arguments)
    assert exit_info.value.code == 1
    assert "must be" in capsys.readouterr().err
