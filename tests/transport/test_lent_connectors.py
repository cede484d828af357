"""A connector that is lent may raise anything: out of a call comes its result, or an error with the right effect."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from refold_async import (
    APIConnectionError,
    APITimeoutError,
    AsyncRefold,
    ConfigurationError,
    Journal,
    RefoldError,
    Timeout,
)
from support.foreign_code import (
    ACTIONS,
    CALLS,
    KEY,
    RAISED,
    FailingConnector,
    NoExceptionAtAll,
    OwnError,
    client_of,
    resolving,
)
from support.raw_server import http_response, raw_server
from support.retry_policies import IMPATIENT

Lend = Callable[[Callable[[], BaseException], int], aiohttp.TCPConnector]


@pytest.mark.parametrize("lend", [FailingConnector, resolving])
@pytest.mark.parametrize("raised", RAISED)
async def test_a_connector_that_fails(raised: str, lend: Lend) -> None:
    """Nothing was sent: a write is tried again too. The error is ours, and holds neither the key nor frames with it."""
    async with raw_server(http_response(ACTIONS)) as server:
        for kind, call in CALLS.items():
            async with lend(RAISED[raised], 1) as connector, client_of(server, connector=connector) as refold:
                await call(refold.account("user_1"))
                assert len(server.seen) == 1, kind
            server.seen.clear()
            async with lend(RAISED[raised], 99) as connector, client_of(server, connector=connector) as refold:
                with pytest.raises(APIConnectionError) as caught:
                    await call(refold.account("user_1"))
            assert (caught.value.effect, caught.value.attempts, server.seen) == ("none", 3, [])
            assert "connector= cannot be used" not in str(caught.value)
            assert KEY not in str(caught.value)
            assert caught.value.__cause__ is None or isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("exit_", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_passes(exit_: type[BaseException]) -> None:
    """Ctrl-C in a connector is not ours to keep."""

    async def story() -> None:
        async with (
            FailingConnector(exit_, 1) as connector,
            AsyncRefold(KEY, base_url="https://refold.test", connector=connector) as refold,
        ):
            await refold.account("user_1").list_actions("hubspot")

    with pytest.raises(exit_):
        asyncio.run(story())


class StubbornConnector(aiohttp.TCPConnector):
    """A connector that makes an exception of its own of a cancellation."""

    async def connect(self, *arguments: Any, **others: Any) -> Any:
        """Wait to be cancelled."""
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise NoExceptionAtAll from None


async def test_a_cancellation_that_a_connector_swallows() -> None:
    """The caller's own cancellation stays one, and is not tried again; a deadline stays a deadline."""
    async with StubbornConnector() as connector:
        timeout = Timeout(total=60, attempt=0.05)
        async with AsyncRefold(
            KEY, base_url="https://refold.test", connector=connector, retry=IMPATIENT, timeout=timeout
        ) as refold:
            with pytest.raises(APITimeoutError) as caught:
                await refold.account("user_1").execute_action("hubspot", "create_contact")
            assert (caught.value.effect, caught.value.attempts) == ("none", 3)
        async with AsyncRefold(KEY, base_url="https://refold.test", connector=connector, retry=IMPATIENT) as refold:
            task = asyncio.create_task(refold.account("user_1").execute_action("hubspot", "create_contact"))
            await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.wait([task], timeout=30)
            assert task.cancelled()


async def test_a_connector_whose_limits_cannot_be_read() -> None:
    """It is refused when the client is made, by the argument's name."""

    class Limitless(aiohttp.TCPConnector):
        @property
        def limit(self) -> int:
            raise OwnError

    async with Limitless() as connector:
        with pytest.raises(ConfigurationError, match="connector"):
            AsyncRefold(KEY, connector=connector)
    with pytest.raises(ConfigurationError, match="connector must be an aiohttp connector"):
        AsyncRefold(KEY, connector=object())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def test_a_connector_of_another_loop() -> None:
    """It is refused at the first call, by the argument's name."""

    async def make() -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector()

    connector = await asyncio.to_thread(lambda: asyncio.run(make()))
    async with AsyncRefold(KEY, connector=connector) as refold:
        with pytest.raises(ConfigurationError, match="connector="):
            await refold.account("user_1").list_actions("hubspot")
    await connector.close()


async def test_a_connector_that_does_not_tell_whether_it_is_closed() -> None:
    """That is none of the call's business."""

    class Secretive(FailingConnector):
        @property
        def closed(self) -> bool:
            raise OwnError

    connector = Secretive(lambda: RuntimeError("no"), 99)
    async with AsyncRefold(KEY, base_url="https://refold.test", connector=connector, retry=IMPATIENT) as refold:
        with pytest.raises(RefoldError) as caught:
            await refold.account("user_1").execute_action("hubspot", "create_contact")
        assert caught.value.effect == "none"
    await connector.close()


async def test_what_never_left_is_recorded_as_such(tmp_path: Path) -> None:
    """A job whose connector fails has nothing to clear up, and is run again."""
    journal = Journal(tmp_path / "job.sqlite", job="sync")
    connector = FailingConnector(lambda: NoExceptionAtAll("down"), 6)
    async with raw_server(http_response()) as server, connector, client_of(server, connector=connector) as refold:
        for status, effect in (("failed", "none"), ("ok", "done")):
            report = await refold.fan_out_action(
                ["user_1", "user_2"], "hubspot", "create_contact", journal=journal, retry_failed=True
            ).collect()
            assert [outcome.status for outcome in report.outcomes] == [status] * 2
            assert [entry.effect for entry in Journal(journal.path).entries()] == [effect] * 2
        assert (len(server.seen), connector.asked) == (2, 8)
