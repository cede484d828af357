"""The life of a client: made without a loop, opened at the first call, closed once, bound to its loop and process."""

import asyncio
import gc
import multiprocessing
import os
import socket
import sys
import warnings
from typing import Any

import aiohttp
import aiohttp.abc
import pytest
from asgiref.sync import async_to_sync

from docs.wording import ROOT
from refold_async import (
    AccountScope,
    APIConnectionError,
    APIResponseValidationError,
    AsyncRefold,
    AuthenticationError,
    ClientClosedError,
    ConfigurationError,
    RateLimit,
    RateLimitError,
    RetryPolicy,
    Timeout,
)
from refold_async.testing import Answer, MockRefold, Silence
from support.raw_server import serving
from support.retry_policies import IMPATIENT
from support.waiting import until

PATH = "/api/v2/integration-schema/hubspot/actions"


def test_making_a_client_needs_no_loop() -> None:
    """A client can be made at import time."""
    assert AsyncRefold("tk_test").base_url == "https://app.refold.ai"


async def test_close_is_idempotent_and_final(mock: MockRefold) -> None:
    """Closing twice is fine; every call after it is refused before anything is sent."""
    refold = AsyncRefold("tk_test", base_url=mock.base_url)
    account = refold.account("user_12345")
    await account.list_actions("hubspot")
    await refold.aclose()
    await refold.aclose()
    assert refold.closed
    with pytest.raises(ClientClosedError) as caught:
        await account.list_actions("hubspot")
    assert caught.value.effect == "none"
    with pytest.raises(ClientClosedError):
        await refold.request("GET", PATH)
    assert len(mock.requests) == 1


async def test_close_while_a_call_is_in_flight(mock: MockRefold) -> None:
    """A write that is cut off by closing the client ends in an error that calls it unknown, and is not sent again."""
    mock.script(Silence())
    refold = AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT)
    write = refold.account("user_12345").execute_action(
        "hubspot", "create_contact", {"email": "a@b.c"}, idempotent=True
    )
    task = asyncio.create_task(write)
    await until(lambda: mock.in_flight)
    await refold.aclose()
    with pytest.raises(APIConnectionError) as caught:
        await task
    assert (caught.value.effect, caught.value.attempts) == ("unknown", 1)
    assert len(mock.requests) == 1


async def test_close_ends_every_wait_at_once(mock: MockRefold) -> None:
    """Closing ends calls that wait for a response, a connection, the rate limit or their next attempt."""
    mock.script(Silence(), linked_account_id="silent")
    mock.script(Answer(429, retry_after=30), linked_account_id="limited")

    class Never:
        """A limiter that lets nobody through after the first two."""

        def __init__(self) -> None:
            self.left = 2
            self.told = asyncio.Event()

        async def acquire(self) -> None:
            self.left -= 1
            if self.left < 0:
                await asyncio.Event().wait()

        def throttled(self, until: float) -> None:
            self.told.set()

    limiter = Never()
    async with aiohttp.TCPConnector() as connector:
        refold = AsyncRefold("tk_test", base_url=mock.base_url, connector=connector, rate_limit=limiter)
        in_flight, pausing, waiting = (
            asyncio.create_task(refold.account(name).execute_action("hubspot", "get_contact"))
            for name in ("silent", "limited", "waiting")
        )
        job = refold.fan_out_action(["bulk"], "hubspot", "get_contact")
        in_bulk = asyncio.create_task(job.collect())
        await limiter.told.wait()
        await until(lambda: len(mock.requests) >= 2)
        await refold.aclose()
        async with asyncio.timeout(15):  # half of the pause, a quarter of an attempt
            with pytest.raises(APIConnectionError, match="closed during the call") as lost:
                await in_flight
            with pytest.raises(RateLimitError) as limited:
                await pausing
            with pytest.raises(ClientClosedError) as unsent:
                await waiting
            with pytest.raises(ClientClosedError):
                await in_bulk
    assert (lost.value.effect, lost.value.attempts) == ("unknown", 1)
    assert (limited.value.effect, limited.value.attempts) == ("none", 1)
    assert (unsent.value.effect, unsent.value.attempts) == ("none", 0)
    assert [(unfinished.item, unfinished.attempts) for unfinished in job.unfinished] == [("bulk", 0)]
    assert len(mock.requests) == 2


class SlowResolver(aiohttp.abc.AbstractResolver):
    """A resolver that takes its time."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        """Wait."""
        self.asked.set()
        await asyncio.sleep(60)
        return []

    async def close(self) -> None:
        """Hold nothing."""


async def test_a_connector_that_its_owner_closes() -> None:
    """Closing a lent connector ends what waits in it with an error, not with a cancellation nobody asked for."""
    resolver = SlowResolver()
    connector = aiohttp.TCPConnector(resolver=resolver)
    async with AsyncRefold(
        "tk_test", base_url="https://refold.invalid", connector=connector, retry=RetryPolicy(max_retries=0)
    ) as refold:
        account = refold.account("user_12345")
        task = asyncio.create_task(account.execute_action("hubspot", "create_contact"))
        await resolver.asked.wait()
        await connector.close()
        with pytest.raises(APIConnectionError) as caught:
            await task
        assert caught.value.effect == "none"
        with pytest.raises(ConfigurationError, match="connector="):
            await account.execute_action("hubspot", "create_contact")


async def test_a_scope_keeps_the_session_alive(mock: MockRefold) -> None:
    """A scope works when nobody holds the client any more; the one warning comes when the scope goes too."""
    account = AsyncRefold("tk_test", base_url=mock.base_url).account("user_12345")
    gc.collect()
    for _ in range(2):
        await account.list_actions("hubspot")
        gc.collect()
    assert mock.connections_opened == 1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del account
        gc.collect()
        await asyncio.sleep(0.01)
    assert [warning.category for warning in caught] == [ResourceWarning]


async def test_a_borrowed_connector_stays_open(mock: MockRefold) -> None:
    """Two clients one after the other share a connector and its connection; neither closes it."""
    async with aiohttp.TCPConnector() as connector:
        for _ in range(2):
            async with AsyncRefold("tk_test", base_url=mock.base_url, connector=connector) as refold:
                await refold.account("user_12345").list_actions("hubspot")
            assert not connector.closed
    assert mock.connections_opened == 1


@pytest.mark.parametrize("used", [False, True])
async def test_a_dropped_client_warns_once(mock: MockRefold, used: bool) -> None:
    """A client that was used and never closed gives one ResourceWarning and frees its sockets; an unused one none."""
    refold = AsyncRefold("tk_test", base_url=mock.base_url)
    if used:
        await refold.account("user_12345").list_actions("hubspot")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del refold
        gc.collect()
        await until(lambda: not mock.connections_open, within=10)
    assert [warning.category for warning in caught] == [ResourceWarning] * used
    if used:
        assert "was never closed" in str(caught[0].message)
        assert "tk_test" not in str(caught[0].message)


async def test_a_dropped_client_leaves_a_borrowed_connector_alone(mock: MockRefold) -> None:
    """Dropping a client warns, and does not close a connector that is not its own."""
    async with aiohttp.TCPConnector() as connector:
        refold = AsyncRefold("tk_test", base_url=mock.base_url, connector=connector)
        await refold.account("user_12345").list_actions("hubspot")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del refold
            gc.collect()
        assert [warning.category for warning in caught] == [ResourceWarning]
        assert not connector.closed


def test_a_client_dropped_after_its_loop_warns_once() -> None:
    """The loop may be gone already when a client is dropped."""

    async def use() -> AsyncRefold:
        async with MockRefold() as mock:
            refold = AsyncRefold("tk_test", base_url=mock.base_url)
            await refold.account("user_12345").list_actions("hubspot")
            return refold

    refold = asyncio.run(use())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del refold
        gc.collect()
    assert [warning.category for warning in caught] == [ResourceWarning]


def test_another_event_loop_is_refused() -> None:
    """A client belongs to the loop it was first used in; in another one it raises instead of hanging."""

    async def use(refold: AsyncRefold) -> None:
        await refold.account("user_12345").list_actions("hubspot")

    async def first() -> AsyncRefold:
        async with MockRefold() as mock:
            refold = AsyncRefold("tk_test", base_url=mock.base_url)
            await use(refold)
            await refold.aclose()
            refold = AsyncRefold("tk_test", base_url=mock.base_url, connector=None)
            await use(refold)
            return refold

    refold = asyncio.run(first())
    with pytest.raises(ConfigurationError, match="event loop") as caught:
        asyncio.run(use(refold))
    told = " ".join((ROOT / "docs" / "guides" / "synchronous-code.md").read_text(encoding="utf-8").split())
    assert caught.value.message in told
    for way in ("asyncio.Runner", "async_to_sync", "an AsyncRefold for each event loop", "one event loop in a thread"):
        assert way in caught.value.message
    asyncio.run(refold.aclose())


async def test_async_to_sync(mock: MockRefold) -> None:
    """A client for each call works. One client for all calls works once, and then says what to do."""

    async def with_a_client_of_its_own() -> None:
        async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
            await refold.account("user_12345").list_actions("hubspot")

    async with AsyncRefold("tk_test", base_url=mock.base_url, reuse_connections=False) as shared:
        for _ in range(2):
            await asyncio.to_thread(async_to_sync(with_a_client_of_its_own))
        execute: Any = async_to_sync(shared.account("user_12345").execute_action)
        await asyncio.to_thread(execute, "hubspot", "get_contact")
        with pytest.raises(ConfigurationError, match="without an async server each async_to_sync"):
            await asyncio.to_thread(execute, "hubspot", "get_contact")
    assert len(mock.requests) == 3


def _use_in_child(clients: list[AsyncRefold], answer: "multiprocessing.SimpleQueue[str]") -> None:
    async def use() -> str:
        try:
            await clients[0].account("user_12345").list_actions("hubspot", timeout=10)
        except ConfigurationError as error:
            return str(error)
        finally:
            await clients[0].aclose()
        return "no error"

    answer.put(asyncio.run(use()))
    clients.clear()
    gc.collect()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
async def test_a_forked_child_is_refused(mock: MockRefold) -> None:
    """In a forked child the client raises a clear error, closing and dropping it there does the parent no harm."""
    context = multiprocessing.get_context("fork")
    answer = context.SimpleQueue()
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        await refold.account("user_12345").list_actions("hubspot")
        with warnings.catch_warnings():
            # 3.12 and later warn that forking a process with threads is dangerous, which is the point here.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = context.Process(target=_use_in_child, args=([refold], answer))
            child.start()
        await asyncio.to_thread(child.join, 60)
        assert child.exitcode == 0
        assert "forked" in answer.get()
        await refold.account("user_12345").list_actions("hubspot", timeout=10)
    assert mock.connections_opened == 1
    child.close()


async def test_a_key_is_needed_only_when_it_is_used(mock: MockRefold) -> None:
    """Without a key, session tokens work, and what needs the key says how to give one."""
    token = mock.session_token("user_12345")
    async with AsyncRefold(base_url=mock.base_url) as refold:
        assert refold.environment is None
        assert await refold.account_from_session_token(token).list_actions("hubspot")
        with pytest.raises(ConfigurationError, match="REFOLD_API_KEY"):
            await refold.account("user_12345").list_actions("hubspot")
        with pytest.raises(ConfigurationError, match="REFOLD_API_KEY"):
            await refold.request("GET", PATH)
    assert [request.headers.get("x-api-key") for request in mock.requests] == [None]


def test_a_key_can_be_demanded_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """With require_api_key=True a client without a key is not made; one with a key is, wherever that comes from."""
    with pytest.raises(ConfigurationError, match="REFOLD_API_KEY"):
        AsyncRefold(require_api_key=True)
    monkeypatch.setenv("REFOLD_API_KEY", "")
    with pytest.raises(ConfigurationError, match="REFOLD_API_KEY"):
        AsyncRefold(require_api_key=True)
    monkeypatch.setenv("REFOLD_API_KEY", "tk_1")
    AsyncRefold(require_api_key=True)
    AsyncRefold("tk_1", require_api_key=True)


@pytest.mark.parametrize("key", ["tk_S3CRET\u200b", "tk\u2011S3CRET", '"tk_S3CRET"', "tk_S3CRET\n"], ids=ascii)
def test_keys_that_cannot_be_right(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """A key with a character that was copied along is refused at once; the message says where the key came from."""
    with pytest.raises(ConfigurationError, match=r"^api_key (contains U\+|is in quotes)"):
        AsyncRefold(key)
    with pytest.raises(ConfigurationError, match=r"^session_token (contains U\+|is in quotes)"):
        AsyncRefold().account_from_session_token(key)
    monkeypatch.setenv("REFOLD_API_KEY", key)
    with pytest.raises(
        ConfigurationError, match=r"^REFOLD_API_KEY, in the environment, (contains U\+|is in quotes)"
    ) as caught:
        AsyncRefold()
    traceback_ = caught.value.__traceback__
    while (traceback_ := traceback_ and traceback_.tb_next) is not None:
        local = {name: value for name, value in traceback_.tb_frame.f_locals.items() if name != "self"}
        assert "S3CRET" not in repr(local)


async def test_a_client_checks_itself(mock: MockRefold) -> None:
    """`check()` makes one cheap call that reads, and raises what is wrong with the key, the URL or the network."""
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        await refold.check()
    [request] = mock.requests
    assert (request.method, request.path, dict(request.query)) == (
        *("GET", "/api/v2/public/linked-account"), {"page": "1", "limit": "1"},
    )  # fmt: skip
    async with AsyncRefold("tk_wrong", base_url=mock.base_url) as refold:
        mock.script(Answer(401, json={"message": "Unauthorized", "error": "UNAUTHORIZED"}), calls=1)
        with pytest.raises(AuthenticationError):
            await refold.check()
        mock.script(Answer(200, body="<html>"), calls=1)
        with pytest.raises(APIResponseValidationError):
            await refold.check()
    once = RetryPolicy(max_retries=0)
    async with AsyncRefold("tk_test", base_url="http://127.0.0.1:1", retry=once) as refold:
        with pytest.raises(APIConnectionError):
            await refold.check()
    async with AsyncRefold(base_url=mock.base_url) as refold:
        with pytest.raises(ConfigurationError, match="REFOLD_API_KEY"):
            await refold.check(timeout=1)


async def test_key_and_url_come_from_the_environment(mock: MockRefold, monkeypatch: pytest.MonkeyPatch) -> None:
    """REFOLD_API_KEY and REFOLD_BASE_URL are read when the client is constructed."""
    monkeypatch.setenv("REFOLD_API_KEY", "tk_from_environment")
    monkeypatch.setenv("REFOLD_BASE_URL", mock.base_url + "/")
    async with AsyncRefold() as refold:
        monkeypatch.delenv("REFOLD_API_KEY")
        await refold.account("user_12345").list_actions("hubspot")
    assert mock.requests[0].headers["x-api-key"] == "tk_from_environment"


@pytest.mark.parametrize(
    ("key", "environment"), [("tk_1", "test"), ("pk_1", "production"), ("sk_1", None)]
)  # fmt: skip
def test_the_key_tells_the_environment(key: str, environment: str | None) -> None:
    """The key's prefix tells test from production."""
    assert AsyncRefold(key).environment == environment


def test_a_required_environment_refuses_other_keys() -> None:
    """A job that must not touch production cannot be given a production key, nor one that does not tell."""
    assert AsyncRefold("tk_1", require_environment="test").environment == "test"
    assert AsyncRefold(require_environment="test").environment is None
    for key in ("pk_secret", "sk_secret"):
        with pytest.raises(ConfigurationError, match="require_environment") as caught:
            AsyncRefold(key, require_environment="test")
        assert key not in str(caught.value)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("api_key", ""),
        ("api_key", " tk_1"),
        ("api_key", "tk\n1"),
        ("base_url", "app.refold.ai"),
        ("base_url", "ftp://app.refold.ai"),
        ("base_url", "http://app.refold.ai"),
        ("base_url", "https://user:pw@app.refold.ai"),
        ("base_url", "https://app.refold.ai?x=1"),
        ("timeout", 0),
        ("timeout", "5"),
        ("timeout", True),
        ("retry", 3),
        ("rate_limit", 20),
        ("max_connections", 0),
        ("max_connections", 2.5),
        ("keepalive_timeout", -1),
        ("max_response_bytes", 0),
        ("proxy", "not a url"),
        ("trust_env", "yes"),
        ("allow_http", 1),
        ("require_environment", "staging"),
    ],
)
def test_wrong_settings_are_refused_by_name(argument: str, value: object) -> None:
    """A wrong argument raises when the client is constructed, and the error names it."""
    name = "total" if argument == "timeout" else argument
    with pytest.raises(ConfigurationError, match=name):
        AsyncRefold(**{"api_key": "tk_1", argument: value})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_plain_http_is_for_loopback() -> None:
    """http:// goes to loopback, or elsewhere by asking."""
    for url in ("http://localhost:1", "http://127.0.0.2", "http://[::1]:8080"):
        assert AsyncRefold("tk_1", base_url=url).base_url == url
    assert AsyncRefold("tk_1", base_url="http://refold.internal", allow_http=True).base_url == "http://refold.internal"


async def test_every_setting_reaches_its_place(mock: MockRefold) -> None:
    """A client with every setting given works."""
    seen: list[str] = []

    async def note(session: object, context: object, parameters: aiohttp.TraceRequestStartParams) -> None:
        seen.append(parameters.method)

    tracing = aiohttp.TraceConfig()
    tracing.on_request_start.append(note)
    async with AsyncRefold(
        "tk_test",
        base_url=mock.base_url,
        timeout=Timeout(total=20, attempt=10, connect=5),
        retry=RetryPolicy(max_retries=0),
        rate_limit=RateLimit(1000, burst=10),
        max_connections=2,
        keepalive_timeout=5,
        max_response_bytes=100_000,
        trust_env=True,
        trace_configs=[tracing],
        require_environment="test",
    ) as refold:
        await asyncio.gather(*(refold.account(f"user_{n}").list_actions("hubspot") for n in range(10)))
        assert repr(refold) == f"<AsyncRefold {mock.base_url}, test>"
    assert seen == ["GET"] * 10
    assert mock.connections_opened == 2


async def test_connections_are_shared_and_kept(mock: MockRefold) -> None:
    """Calls for many accounts, one after the other, travel on one connection."""
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        for number in range(20):
            await refold.account(f"user_{number}").list_actions("hubspot")
    assert mock.connections_opened == 1


async def test_the_proxy_comes_from_the_environment_only_when_asked(
    mock: MockRefold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """trust_env takes HTTP_PROXY, NO_PROXY excepts hosts, and without trust_env neither counts."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    one_attempt = RetryPolicy(max_retries=0)
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=one_attempt) as refold:
        await refold.account("user_12345").list_actions("hubspot")
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=one_attempt, trust_env=True) as refold:
        with pytest.raises(APIConnectionError):
            await refold.account("user_12345").list_actions("hubspot")
    for wrong in ("socks5://127.0.0.1:1", "http://user:pw@[::1]x:80"):
        monkeypatch.setenv("http_proxy", wrong)
        with pytest.raises(ConfigurationError, match="HTTP_PROXY") as refused:
            AsyncRefold("tk_test", base_url=mock.base_url, trust_env=True)
        assert "pw" not in str(refused.value)
    monkeypatch.setenv("http_proxy", "user:pw@127.0.0.1:1")
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=one_attempt, trust_env=True) as refold:
        with pytest.raises(APIConnectionError):
            await refold.account("user_12345").list_actions("hubspot")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=one_attempt, trust_env=True) as refold:
        await refold.account("user_12345").list_actions("hubspot")
    assert len(mock.requests) == 2


def test_a_scope_is_small_and_needs_no_io() -> None:
    """A scope costs at most 200 bytes beside its id, so that a million of them fit."""
    scope = AsyncRefold("tk_1").account("user_12345")
    assert isinstance(scope, AccountScope)
    assert sys.getsizeof(scope) <= 200
    assert not hasattr(scope, "__dict__")
    assert repr(scope) == "<AccountScope 'user_12345'>"


async def test_closing_does_not_wait_for_a_peer_that_does_not_read() -> None:
    """What is left for it in a socket keeps `aclose()` no longer than a second."""
    began = asyncio.Event()
    stop = asyncio.Event()

    async def hardly_read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        began.set()
        await stop.wait()
        writer.transport.abort()

    async with serving(hardly_read, limit=1) as address:
        refold = AsyncRefold("tk_test", base_url=f"http://{address}", retry=IMPATIENT)
        write = refold.account("user_1").execute_action("hubspot", "create_contact", {"text": "x" * 30_000_000})
        task = asyncio.create_task(write)
        await began.wait()
        async with asyncio.timeout(30):
            await refold.aclose()
        with pytest.raises(APIConnectionError) as caught:
            await task
        assert caught.value.effect == "unknown"
        stop.set()
