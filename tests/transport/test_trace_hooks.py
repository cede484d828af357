"""Trace hooks may raise anything: they harm no call, and show no secret."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
import pytest

from refold_async import (
    APIConnectionError,
    APITimeoutError,
    AsyncRefold,
    ConfigurationError,
    Timeout,
)
from support.foreign_code import (
    ACTIONS,
    CALLS,
    KEY,
    NoExceptionAtAll,
    OwnError,
    client_of,
    make_raised,
    resolving,
)
from support.raw_server import http_response, raw_server
from support.retry_policies import IMPATIENT
from support.waiting import until

HOOKS_RAISE: Final = ("an exception of its own", "a BaseException", "a cancellation", "a RuntimeError")
SIGNALS: Final = sorted(name for name in dir(aiohttp.TraceConfig) if name.startswith("on_"))


def errors_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the library has logged as errors."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "refold_async" and record.levelno >= logging.ERROR
    ]


@pytest.mark.parametrize("signal", SIGNALS)
async def test_a_trace_hook_that_raises(signal: str, caplog: pytest.LogCaptureFixture) -> None:
    """It harms no call, reading or writing; that is told once for all calls, and nobody else is blamed."""
    for raised in HOOKS_RAISE:
        caplog.clear()
        hooked = 0

        async def hook(session: aiohttp.ClientSession, context: SimpleNamespace, params: object) -> None:
            nonlocal hooked
            hooked += 1
            raise make_raised(raised)  # noqa: B023 - called within its turn

        config = aiohttp.TraceConfig()
        getattr(config, signal).append(hook)
        async with (
            raw_server(http_response(ACTIONS)) as server,
            resolving(OwnError, 0) as connector,
            client_of(server, connector=connector, trace_configs=[config]) as refold,
        ):
            account = refold.account("user_1")
            assert await account.list_actions("hubspot") == []
            assert (await account.execute_action("hubspot", "create_contact", {"email": "a@b.c"})).data == 1
            await asyncio.gather(*(account.execute_action("hubspot", "create_contact") for _ in range(3)))
            assert len(server.seen) == 5
        told = errors_of(caplog)
        assert len(told) == (hooked > 0)
        for message in told:
            assert f"hook for {signal}" in message
            assert "Traceback" in message
            assert "connector" not in message
        # Of failures and queues, redirects and names that are looked up again there were none.
        rare = ("on_request_exception", "on_request_redirect", "on_dns_cache_miss", "_queued_start", "_queued_end")
        assert hooked or signal.endswith(rare)


@pytest.mark.parametrize("raised", HOOKS_RAISE)
@pytest.mark.parametrize("signal", ["on_request_start", "on_request_exception", "on_connection_create_start"])
async def test_a_trace_hook_that_raises_where_the_call_fails(
    signal: str, raised: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The call fails by its own fault."""

    async def hook(session: aiohttp.ClientSession, context: SimpleNamespace, params: object) -> None:
        raise make_raised(raised)

    config = aiohttp.TraceConfig()
    getattr(config, signal).append(hook)
    async with AsyncRefold(KEY, base_url="http://127.0.0.1:1", retry=IMPATIENT, trace_configs=[config]) as refold:
        with pytest.raises(APIConnectionError, match="Cannot connect to host") as caught:
            await refold.account("user_1").execute_action("hubspot", "create_contact")
        assert (caught.value.effect, caught.value.attempts) == ("none", 3)
    assert len(errors_of(caplog)) == 1


async def test_trace_hooks_get_what_aiohttp_gives(caplog: pytest.LogCaptureFixture) -> None:
    """Their own context, one for each attempt, and the session. A hook may be added until the first call."""
    contexts: list[SimpleNamespace] = []
    seen: list[tuple[str, int]] = []

    class Context(SimpleNamespace):
        """A context of the program's own."""

    async def start(session: aiohttp.ClientSession, context: SimpleNamespace, params: Any) -> None:
        assert isinstance(session, aiohttp.ClientSession)
        assert isinstance(context, Context)
        assert context.trace_request_ctx is None
        context.method = params.method
        contexts.append(context)

    async def end(session: aiohttp.ClientSession, context: SimpleNamespace, params: Any) -> None:
        seen.append((context.method, params.response.status))

    config = aiohttp.TraceConfig(Context)
    config.on_request_start.append(start)
    async with raw_server(http_response(ACTIONS)) as server, client_of(server, trace_configs=[config]) as refold:
        config.on_request_end.append(end)
        for call in CALLS.values():
            await call(refold.account("user_1"))
    assert seen == [("GET", 200), ("POST", 200)]
    assert len({id(context) for context in contexts}) == 2
    assert errors_of(caplog) == []


async def test_a_context_of_trace_hooks_that_cannot_be_made(caplog: pytest.LogCaptureFixture) -> None:
    """It harms no call either."""

    def fail(**context: object) -> SimpleNamespace:
        raise NoExceptionAtAll

    make: Any = fail
    async with (
        raw_server(http_response()) as server,
        client_of(server, trace_configs=[aiohttp.TraceConfig(make)]) as refold,
    ):
        for _ in range(2):
            await refold.account("user_1").execute_action("hubspot", "create_contact")
    assert ["trace_config_ctx_factory" in message for message in errors_of(caplog)] == [True]


@pytest.mark.parametrize("token", [True, False])
async def test_what_a_trace_hook_raises_shows_no_secret(token: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Hooks see the headers. What they make of them is told without what authenticates."""

    async def hook(session: aiohttp.ClientSession, context: SimpleNamespace, params: Any) -> None:
        raise ValueError(f"cannot log {dict(params.headers)}")

    config = aiohttp.TraceConfig()
    config.on_request_start.append(hook)
    async with raw_server(http_response()) as server, client_of(server, trace_configs=[config]) as refold:
        account = refold.account_from_session_token("st_very_secret") if token else refold.account("user_1")
        await account.execute_action("hubspot", "create_contact")
    (told,) = errors_of(caplog)
    assert "cannot log" in told
    assert "***" in told
    assert "very_secret" not in told
    assert all(record.exc_info is None for record in caplog.records)


async def test_a_trace_hook_does_not_swallow_a_cancellation() -> None:
    """Neither the caller's own nor a deadline."""
    began = 0

    async def hook(session: aiohttp.ClientSession, context: SimpleNamespace, params: object) -> None:
        nonlocal began
        began += 1
        await asyncio.sleep(60)

    config = aiohttp.TraceConfig()
    config.on_request_start.append(hook)
    timeout = Timeout(total=60, attempt=0.05)
    async with raw_server(http_response()) as server:
        async with client_of(server, trace_configs=[config], timeout=timeout) as refold:
            with pytest.raises(APITimeoutError) as caught:
                await refold.account("user_1").execute_action("hubspot", "create_contact")
            assert (caught.value.effect, caught.value.attempts, began) == ("none", 3, 3)
        async with client_of(server, trace_configs=[config]) as refold:
            task = asyncio.create_task(refold.account("user_1").execute_action("hubspot", "create_contact"))
            await until(lambda: began == 4)
            task.cancel()
            await asyncio.wait([task], timeout=30)
            assert task.cancelled()
        assert server.seen == []


def test_trace_configs_are_checked() -> None:
    """What is no trace config is refused by the argument's name."""
    for wrong in ([object()], aiohttp.TraceConfig()):
        with pytest.raises(ConfigurationError, match="trace_configs"):
            AsyncRefold(KEY, trace_configs=wrong)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
