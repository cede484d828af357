"""The log: one line at the end of a call, what its records hold, and how the environment switches it on."""

import io
import logging
import sys
from contextlib import nullcontext
from typing import Any, Final

import pytest

from refold_async import (
    ActionFailedError,
    APIConnectionError,
    AsyncRefold,
    ConfigurationError,
    Journal,
    NotFoundError,
)
from refold_async.runtime.log import Log
from refold_async.testing import Answer, Errored, MockRefold, Reset
from support.retry_policies import IMPATIENT
from support.running_programs import run_program

EXECUTE: Final = "POST /api/v2/integration-schema/hubspot/actions/get_contact/execute for linked account 'user_1'"


@pytest.mark.parametrize(
    ("trouble", "error", "told"),
    [
        (None, None, "ok: HTTP 200, 1 attempt, effect done, "),
        (Answer(404), NotFoundError, "failed: NotFoundError, HTTP 404, 1 attempt, effect none, "),
        (
            Errored(400),
            ActionFailedError,
            "failed: ActionFailedError, HTTP 200, HTTP 400 from the app, 1 attempt, effect none, ",
        ),
        (Reset("after"), APIConnectionError, "unknown: APIConnectionError, 1 attempt, effect unknown, "),
    ],
    ids=["ok", "not found", "the app failed", "lost"],
)
async def test_one_line_at_the_end(
    mock: MockRefold, caplog: pytest.LogCaptureFixture, trouble: Any, error: type[Exception] | None, told: str
) -> None:
    """It says how the call ended and, where it failed, by which id Refold knows it; neither a key nor a message."""
    caplog.set_level(logging.INFO, "refold_async")
    if trouble is not None:
        mock.script(trouble)
    async with AsyncRefold("tk_secret_key", base_url=mock.base_url, retry=IMPATIENT) as refold:
        with nullcontext() if error is None else pytest.raises(error):
            await refold.account("user_1").execute_action("hubspot", "get_contact", {"limit": "1"})
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert record.getMessage().startswith(f"{EXECUTE}: {told}")
    assert ("request id " in record.getMessage()) == (error is not None and "HTTP" in told)
    fields = vars(record)
    outcome, _, _ = told.partition(":")
    assert (fields["refold_outcome"], fields["refold_attempts"]) == (outcome, 1)
    assert (fields["refold_slug"], fields["refold_action_id"]) == ("hubspot", "get_contact")
    assert (fields["refold_operation"], fields["refold_linked_account_id"]) == ("execute_action", "user_1")
    assert fields["refold_error"] == (None if error is None else error.__name__)
    assert 0 < fields["refold_seconds"] < 60
    assert "tk_secret_key" not in str(fields)


async def test_fields_of_a_retry(mock: MockRefold, caplog: pytest.LogCaptureFixture) -> None:
    """Lines on the way have fields as well."""
    caplog.set_level(logging.DEBUG, "refold_async")
    mock.script(Answer(503), calls=1)
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT) as refold:
        await refold.account("user_1").list_actions("hubspot")
    first, retry, second, end = map(vars, caplog.records)
    assert [line["refold_number"] for line in (first, retry, second)] == [1, 1, 2]
    assert (retry["refold_fault"], retry["refold_outcome"]) == ("SERVER_ERROR", "failed")
    assert 0 <= retry["refold_delay"] <= IMPATIENT.max_delay
    assert (end["refold_status"], end["refold_attempts"], end["refold_effect"]) == (200, 2, "done")


async def test_a_call_without_an_attempt(mock: MockRefold, caplog: pytest.LogCaptureFixture) -> None:
    """What ended before it was sent has its line."""

    class Broken:
        async def acquire(self) -> None:
            raise OSError("no Redis")

    caplog.set_level(logging.INFO, "refold_async")
    async with AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=Broken()) as refold:
        with pytest.raises(APIConnectionError):
            await refold.account("user_1").list_actions("hubspot")
    (record,) = caplog.records
    assert ": failed: APIConnectionError, 0 attempts, effect none, " in record.getMessage()


async def test_items_of_a_fan_out(mock: MockRefold, caplog: pytest.LogCaptureFixture, tmp_path: Any) -> None:
    """Those that succeed are told at DEBUG: there may be a million."""
    caplog.set_level(logging.DEBUG, "refold_async")
    mock.script(Answer(404), linked_account_id="user_2")
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        journal = Journal(tmp_path / "june.sqlite", job="june")
        await refold.fan_out_action(["user_1", "user_2"], "hubspot", "get_contact", journal=journal).collect()
    ends = {vars(record)["refold_linked_account_id"]: record for record in caplog.records if "effect" in record.message}
    assert {account: record.levelno for account, record in ends.items()} == {
        "user_1": logging.DEBUG,
        "user_2": logging.INFO,
    }
    told = vars(ends["user_2"])
    assert (told["refold_job"], told["refold_item_index"], told["refold_item_key"]) == ("june", 1, "user_2")


BULK: Final = """
import asyncio, logging, sys
from refold_async import AsyncRefold
from refold_async.testing import MockRefold

async def main():
    logging.basicConfig(level=sys.argv[1])
    async with MockRefold() as mock, AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        report = await refold.fan_out_action(["user_1", "user_2"], "hubspot", "get_contact").collect()
    print(len(report.ok), "refold_async.pipeline.observers" in sys.modules)

asyncio.run(main())
"""


@pytest.mark.parametrize(("level", "printed"), [("INFO", "2 False"), ("DEBUG", "2 True")])
async def test_items_of_which_no_line_tells(level: str, printed: str) -> None:
    """Nothing is made for their lines: at INFO, as most services log, what succeeds in a fan-out costs no more."""
    ran = await run_program("-c", BULK, level)
    assert ran.output.strip() == printed


PROGRAM: Final = """
import asyncio, logging, sys
from refold_async import AsyncRefold
from refold_async.testing import MockRefold

async def main():
    async with MockRefold() as mock, AsyncRefold("tk_secret_key", base_url=mock.base_url) as refold:
        if "late" in sys.argv:
            logging.basicConfig(format="own %(message)s")
        if "own" in sys.argv:
            handler = logging.StreamHandler()
            handler.setFormatter(logging.Formatter("own %(message)s"))
            logging.getLogger("refold_async").addHandler(handler)
            logging.getLogger("refold_async").propagate = False
        await refold.account("user_1").list_actions("hubspot")
        AsyncRefold("tk_secret_key")
        await refold.account("user_2").list_actions("hubspot")

asyncio.run(main(), debug=False)  # else, on a slow machine, asyncio would tell in the log that it is
"""


@pytest.mark.parametrize(("level", "lines"), [("info", 2), ("DEBUG", 4), ("", 0)])
async def test_switched_on_by_the_environment(level: str, lines: int) -> None:
    """Each line comes once on stderr, however many clients there are."""
    ran = await run_program("-c", PROGRAM, environment={"REFOLD_LOG": level})
    assert ran.exit_code == 0
    told = [line for line in ran.complaints.splitlines() if " refold_async: GET /api/v2/" in line]
    assert len(told) == len(ran.complaints.splitlines()) == lines
    assert "tk_secret_key" not in ran.complaints


@pytest.mark.parametrize("way", ["late", "own"], ids=["for all", "for this library"])
async def test_switched_on_where_the_program_logs_itself(way: str) -> None:
    """Then it goes where the program's logs go, and nowhere else."""
    ran = await run_program("-c", PROGRAM, way, environment={"REFOLD_LOG": "info"})
    told = ran.complaints.splitlines()
    assert len(told) == 2
    assert all(line.startswith("own GET /api/v2/") for line in told)


def test_switched_on_after_a_configuration(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One that switched off all loggers it does not name does not keep it off; it is told on what is stderr by then."""
    log = Log("refold_async.switched_on_in_a_test")
    own = logging.getLogger("refold_async.switched_on_in_a_test")
    own.disabled, own.propagate = True, False
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    log.write_to_stderr(logging.INFO)
    log.write_to_stderr(logging.INFO)
    monkeypatch.undo()
    log.info("%s", "it is on")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("INFO refold_async.switched_on_in_a_test: it is on")


def test_a_wrong_level(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told when a client is made."""
    monkeypatch.setenv("REFOLD_LOG", "verbose")
    with pytest.raises(
        ConfigurationError, match="REFOLD_LOG, in the environment, must be info or debug, not 'verbose'"
    ):
        AsyncRefold("tk_test")


def test_the_fields_are_no_ones_else() -> None:
    """None is called as what logging itself puts into a record, which would raise."""
    assert "refold_async.pipeline.call_log" in sys.modules
    assert not [name for name in vars(logging.makeLogRecord({})) if name.startswith("refold_")]
