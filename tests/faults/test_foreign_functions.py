"""Limiters and the functions of a job may raise anything: out comes an error, or an outcome, with the right effect."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from refold_async import (
    AccountScope,
    APIConnectionError,
    AsyncRefold,
    Journal,
    RefoldError,
)
from support.foreign_code import (
    KEY,
    RAISED,
    OwnError,
    client_of,
    make_raised,
)
from support.raw_server import http_response, raw_server


class FailingLimiter:
    """A limiter that fails in all that it does."""

    def __init__(self, make: Callable[[], BaseException]) -> None:
        self.make = make
        self.fails = False

    async def acquire(self) -> None:
        """Grant, or fail."""
        if self.fails:
            raise self.make()

    def throttled(self, until: float) -> None:
        """Fail."""
        raise self.make()


@pytest.mark.parametrize("raised", RAISED)
async def test_a_limiter_that_raises(raised: str) -> None:
    """Of what it raises when it hears of a refusal, the call knows nothing; when it is asked, nothing is sent."""
    limiter = FailingLimiter(RAISED[raised])
    refusal = http_response(b'{"message": "no", "error_code": "LIMIT"}', 429)
    async with (
        raw_server(lambda number: refusal if number == 1 else http_response()) as server,
        client_of(server, rate_limit=limiter) as refold,
    ):
        assert (await refold.account("user_1").execute_action("hubspot", "create_contact")).data == 1
        assert len(server.seen) == 2
        limiter.fails = True
        with pytest.raises(APIConnectionError, match="rate_limit=") as caught:
            await refold.account("user_1").execute_action("hubspot", "create_contact")
        assert (caught.value.effect, len(server.seen)) == ("none", 2)


@pytest.mark.parametrize("raised", RAISED)
async def test_functions_of_a_job_that_raise(raised: str, tmp_path: Path) -> None:
    """What `account=`, `parameters=` and `key=` raise is that item's outcome, and nothing was sent for it."""

    def fail_for_two(item: int) -> str:
        if item == 2:
            raise make_raised(raised)
        return f"user_{item}"

    def account_of(item: int) -> str:
        return f"user_{item}"

    def parameters(item: int) -> dict[str, str]:
        return {"id": fail_for_two(item)}

    async with raw_server(http_response()) as server, client_of(server) as refold:

        async def run(**options: Any) -> None:
            server.seen.clear()
            options.setdefault("account", account_of)
            report = await refold.fan_out_action(
                [1, 2, 3], "hubspot", "create_contact", options.pop("parameters", None), stop_after=2, **options
            ).collect()
            assert [outcome.status for outcome in report.outcomes] == ["ok", "failed", "ok"]
            assert isinstance(report.outcomes[1].error, type(make_raised(raised)))
            assert len(server.seen) == 2

        await run(account=fail_for_two)
        await run(parameters=parameters)
        await run(key=fail_for_two, journal=Journal(tmp_path / "job.sqlite", job="sync"))


async def test_an_error_that_cannot_be_shown_stops_a_job(tmp_path: Path) -> None:
    """`stop_after=` names the last error, which may not let itself be named."""

    async def fail(scope: AccountScope, item: str) -> None:
        raise OwnError

    async with AsyncRefold(KEY, base_url="http://127.0.0.1:1") as refold:
        job = refold.fan_out(["user_1"], fail, stop_after=1, journal=Journal(tmp_path / "job.sqlite", job="sync"))
        with pytest.raises(RefoldError, match=r"OwnError \(cannot be shown\)"):
            await job.collect()
        assert len(job.report.outcomes) == 1
        assert not job.unfinished
