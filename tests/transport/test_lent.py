"""What is lent or hooked in may raise anything: out of a call comes its result, or an error with the right effect."""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
import aiohttp.abc
import pytest

from refold_async import (
    AccountScope,
    APIConnectionError,
    APITimeoutError,
    AsyncRefold,
    ConfigurationError,
    Journal,
    RefoldError,
    Timeout,
)
from support.raw_server import RawServer, answer, raw_server
from support.retry_policies import IMPATIENT
from support.running_programs import run_program
from support.waiting import until

KEY: Final = "tk_very_secret"


class OwnError(Exception):
    """Of a class of its own, and one that cannot even be shown."""

    def __str__(self) -> str:
        """Fail."""
        raise ValueError("no text")

    __repr__ = __str__


class NoExceptionAtAll(BaseException):
    """What `except Exception` lets through."""


RAISED: Final[dict[str, Callable[[], BaseException]]] = {
    "an exception of its own": OwnError,
    "a BaseException": lambda: NoExceptionAtAll("stop"),
    "a RuntimeError": lambda: RuntimeError("the vault is sealed"),
    "a KeyError": lambda: KeyError("host"),
    "a cancellation": lambda: asyncio.CancelledError("of its own"),
    "an AssertionError": AssertionError,
    "a MemoryError": MemoryError,
    "an OSError": lambda: OSError("no route"),
    "a StopAsyncIteration": StopAsyncIteration,
}


def make_raised(name: str) -> BaseException:
    """Return an exception of a kind."""
    return RAISED[name]()


CALLS: Final[dict[str, Callable[[AccountScope], Awaitable[object]]]] = {
    "read": lambda account: account.list_actions("hubspot"),
    "write": lambda account: account.execute_action("hubspot", "create_contact", {"email": "a@b.c"}),
}
ACTIONS: Final = b'{"node_status": "Success", "data": 1, "actions": []}'


class FailingResolver(aiohttp.abc.AbstractResolver):
    """A resolver that fails some times before it resolves all names to loopback."""

    def __init__(self, make: Callable[[], BaseException], times: int) -> None:
        self.make = make
        self.times = times
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        """Fail, or resolve."""
        self.asked += 1
        await asyncio.sleep(0)
        if self.asked <= self.times:
            raise self.make()
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        """Hold nothing."""


class FailingConnector(aiohttp.TCPConnector):
    """A connector that fails some times before it connects."""

    def __init__(self, make: Callable[[], BaseException], times: int) -> None:
        super().__init__(resolver=FailingResolver(make, 0))  # pyright: ignore[reportUnknownMemberType]
        self.make = make
        self.times = times
        self.asked = 0

    async def connect(self, *arguments: Any, **others: Any) -> Any:
        """Fail, or connect."""
        self.asked += 1
        if self.asked <= self.times:
            raise self.make()
        return await super().connect(*arguments, **others)


def resolving(make: Callable[[], BaseException], times: int) -> aiohttp.TCPConnector:
    """Return a connector whose resolver fails."""
    return aiohttp.TCPConnector(resolver=FailingResolver(make, times))


@asynccontextmanager
async def client_of(server: RawServer, **options: Any) -> AsyncGenerator[AsyncRefold]:
    """Return a client that calls a server by a name."""
    options = {"retry": IMPATIENT, "allow_http": True, **options}
    base_url = server.base_url.replace("127.0.0.1", "refold.test" if "connector" in options else "127.0.0.1")
    async with AsyncRefold(KEY, base_url=base_url, **options) as refold:
        yield refold


Lend = Callable[[Callable[[], BaseException], int], aiohttp.TCPConnector]


@pytest.mark.parametrize("lend", [FailingConnector, resolving])
@pytest.mark.parametrize("raised", RAISED)
async def test_a_connector_that_fails(raised: str, lend: Lend) -> None:
    """Nothing was sent: a write is tried again too. The error is ours, and holds neither the key nor frames with it."""
    async with raw_server(answer(ACTIONS)) as server:
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
    async with raw_server(answer()) as server, connector, client_of(server, connector=connector) as refold:
        for status, effect in (("failed", "none"), ("ok", "done")):
            report = await refold.fan_out_action(
                ["user_1", "user_2"], "hubspot", "create_contact", journal=journal, retry_failed=True
            ).collect()
            assert [outcome.status for outcome in report.outcomes] == [status] * 2
            assert [entry.effect for entry in Journal(journal.path).entries()] == [effect] * 2
        assert (len(server.seen), connector.asked) == (2, 8)


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
            raw_server(answer(ACTIONS)) as server,
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
    async with raw_server(answer(ACTIONS)) as server, client_of(server, trace_configs=[config]) as refold:
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
        raw_server(answer()) as server,
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
    async with raw_server(answer()) as server, client_of(server, trace_configs=[config]) as refold:
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
    async with raw_server(answer()) as server:
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
        raw_server(lambda number: answer(ACTIONS) if number != 2 else answer(b"{}", 503)) as server,
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
    async with raw_server(answer()) as server, client_of(server) as refold:
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
    refusal = answer(b'{"message": "no", "error_code": "LIMIT"}', 429)
    async with (
        raw_server(lambda number: refusal if number == 1 else answer()) as server,
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

    async with raw_server(answer()) as server, client_of(server) as refold:

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


async def test_closing_does_not_wait_for_a_peer_that_does_not_read() -> None:
    """What is left for it in a socket keeps `aclose()` no longer than a second."""
    began = asyncio.Event()
    stop = asyncio.Event()
    ended = asyncio.Event()

    async def hardly_read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        began.set()
        await stop.wait()
        writer.transport.abort()
        ended.set()

    async with await asyncio.start_server(hardly_read, "127.0.0.1", 0, limit=1) as server:
        base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        refold = AsyncRefold(KEY, base_url=base_url, retry=IMPATIENT)
        write = refold.account("user_1").execute_action("hubspot", "create_contact", {"text": "x" * 30_000_000})
        task = asyncio.create_task(write)
        await began.wait()
        async with asyncio.timeout(30):
            await refold.aclose()
        with pytest.raises(APIConnectionError) as caught:
            await task
        assert caught.value.effect == "unknown"
        stop.set()
        await ended.wait()
