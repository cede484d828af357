"""Log filters and handlers may raise anything: they harm no call and no job, and that is reported once."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from refold_async import (
    AccountScope,
    APIConnectionError,
    AsyncRefold,
    Journal,
)
from support.foreign_code import (
    ACTIONS,
    KEY,
    NoExceptionAtAll,
    OwnError,
    client_of,
)
from support.raw_server import http_response, raw_server
from support.retry_policies import IMPATIENT
from support.running_programs import run_program


@pytest.fixture
def a_filter_that_raises() -> Iterator[Callable[[logging.LogRecord], bool]]:
    """A filter at the library's logger, which logs everything."""

    def fail(record: logging.LogRecord) -> bool:
        raise NoExceptionAtAll(record.levelname)

    logger = logging.getLogger("refold_async")
    logger.addFilter(fail)
    logger.setLevel(logging.DEBUG)
    yield fail
    logger.removeFilter(fail)
    logger.setLevel(logging.NOTSET)


@pytest.mark.usefixtures("a_filter_that_raises")
async def test_a_log_filter_that_raises() -> None:
    """Calls that succeed, that are tried again and that fail end as they would without it."""
    async with (
        raw_server(lambda number: http_response(ACTIONS) if number != 2 else http_response(b"{}", 503)) as server,
        client_of(server) as refold,
    ):
        account = refold.account("user_1")
        assert (await account.execute_action("hubspot", "create_contact")).data == 1
        assert await account.list_actions("hubspot") == []
        assert len(server.seen) == 3
    async with AsyncRefold(KEY, base_url="http://127.0.0.1:1", retry=IMPATIENT) as refold:
        with pytest.raises(APIConnectionError) as caught:
            await refold.account("user_1").execute_action("hubspot", "create_contact")
        assert (caught.value.effect, caught.value.attempts) == ("none", 3)


@pytest.mark.usefixtures("a_filter_that_raises")
async def test_a_log_filter_that_raises_in_a_job(tmp_path: Path) -> None:
    """Outcomes are counted and recorded, though a result is no JSON, `progress=` fails and the source does."""

    async def call(scope: AccountScope, item: str) -> object:
        await scope.execute_action("hubspot", "create_contact")
        return object()

    def items() -> Iterator[str]:
        yield from ("user_1", "user_2")
        raise OwnError

    journal = Journal(tmp_path / "job.sqlite", job="sync", results=True)
    async with raw_server(http_response()) as server, client_of(server) as refold:
        fan_out = refold.fan_out(items(), call, journal=journal, progress=lambda progress: 1 / 0)
        with pytest.raises(OwnError):
            await fan_out.collect()
        assert fan_out.report.counts["ok"] == 2
        assert [entry.status for entry in Journal(journal.path).entries()] == ["ok"] * 2


async def test_a_log_filter_that_raises_is_told_once() -> None:
    """On stderr, as `logging` tells of handlers; not at all where there is none."""
    program = """
import asyncio, logging, sys
from refold_async import AsyncRefold, RefoldError, RetryPolicy

class Handler(logging.Handler):
    def emit(self, record):
        raise LookupError("no such disk")

logging.getLogger("refold_async").addHandler(Handler())
logging.getLogger("refold_async").setLevel(logging.DEBUG)
if sys.argv[1] == "without":
    sys.stderr = None

async def main():
    policy = RetryPolicy(max_retries=3, initial_delay=0.001)
    async with AsyncRefold("tk_test", base_url="http://127.0.0.1:1", retry=policy) as refold:
        try:
            await refold.account("user_1").list_actions("hubspot")
        except RefoldError as error:
            print(error.attempts)

asyncio.run(main())
"""
    ran = await run_program("-c", program, "with")
    assert (ran.exit_code, ran.output) == (0, "4\n")
    assert ran.complaints.count("LookupError: no such disk") == 1
    ran = await run_program("-c", program, "without")
    assert (ran.exit_code, ran.output, ran.complaints) == (0, "4\n", "")
