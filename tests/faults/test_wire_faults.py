"""Faults made on real sockets: for each the error, what became of the action, and how many requests the server saw."""

import asyncio
import select
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple

import aiohttp
import aiohttp.abc
import pytest
import trustme

from refold_async import (
    AccountScope,
    APIConnectionError,
    APITimeoutError,
    AsyncRefold,
    NotFoundError,
    RefoldError,
    Timeout,
)
from refold_async.testing import Answer, Drip, MockRefold, Reset, Silence, Truncated
from support.raw_server import serving
from support.retry_policies import IMPATIENT
from support.waiting import until

READ, WRITE, IDEMPOTENT = "read", "write", "idempotent write"
PATIENT = Timeout(total=60)
HASTY = Timeout(total=60, attempt=1)  # time enough for a request to arrive

CALLS: dict[str, Callable[[AccountScope], Awaitable[object]]] = {
    READ: lambda account: account.list_actions("hubspot"),
    WRITE: lambda account: account.execute_action("hubspot", "create_contact", {"email": "jane@example.com"}),
    IDEMPOTENT: lambda account: account.execute_action(
        "hubspot", "create_contact", {"email": "jane@example.com"}, idempotent=True
    ),
}


class Scene(NamedTuple):
    """A client, and how many requests of its calls a server has seen so far."""

    refold: AsyncRefold
    seen: Callable[[], int]


class Expected(NamedTuple):
    """How a call ends."""

    error: type[RefoldError] | None
    effect: str
    seen: int
    attempts: int


Fault = Callable[[], AbstractAsyncContextManager[Scene]]


@asynccontextmanager
async def refused() -> AsyncGenerator[Scene]:
    """Nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with AsyncRefold("tk_test", base_url=f"http://127.0.0.1:{port}", retry=IMPATIENT) as refold:
        yield Scene(refold, lambda: 0)


class Nowhere(aiohttp.abc.AbstractResolver):
    """A resolver that knows no host."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        """Fail as the system's resolver does."""
        raise OSError(socket.EAI_NONAME, "Name or service not known")

    async def close(self) -> None:
        """Hold nothing."""


@asynccontextmanager
async def unresolvable() -> AsyncGenerator[Scene]:
    """The host's name does not resolve."""
    async with (
        aiohttp.TCPConnector(resolver=Nowhere()) as connector,
        AsyncRefold("tk_test", base_url="https://refold.invalid", connector=connector, retry=IMPATIENT) as refold,
    ):
        yield Scene(refold, lambda: 0)


@asynccontextmanager
async def untrusted() -> AsyncGenerator[Scene]:
    """The server's certificate is signed by nobody we know."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    async with (
        MockRefold(ssl=context) as mock,
        AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT) as refold,
    ):
        yield Scene(refold, lambda: len(mock.requests))


@asynccontextmanager
async def proxy_hangs_up() -> AsyncGenerator[Scene]:
    """The proxy reads the CONNECT and closes."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async with serving(hang_up) as address, MockRefold() as mock:
        behind = mock.base_url.replace("http:", "https:")
        async with AsyncRefold("tk_test", base_url=behind, proxy=f"http://{address}", retry=IMPATIENT) as refold:
            yield Scene(refold, lambda: len(mock.requests))


def scripted(*trouble: Answer | Drip | Reset | Silence | Truncated, timeout: Timeout = PATIENT) -> Fault:
    """Return the fault of a mock that does this to every request."""

    @asynccontextmanager
    async def fault() -> AsyncGenerator[Scene]:
        async with (
            MockRefold() as mock,
            AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT, timeout=timeout) as refold,
        ):
            mock.script(*trouble)
            yield Scene(refold, lambda: len(mock.requests))

    return fault


@asynccontextmanager
async def stale_connection() -> AsyncGenerator[Scene]:
    """A kept connection on which the server no longer listens: what is sent on it is answered by a reset."""
    bodies = {"GET": b"[]", "POST": b'{"node_status": "Success", "data": null}'}
    seen: list[str] = []
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        stale = connections == 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if b"Content-Length: " in head:
                    await reader.readexactly(int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]))
                seen.append(head.split(b" ")[0].decode())
                if stale:
                    # Deaf from here on: closing a socket with unread bytes in it sends a reset.
                    transport = writer.transport
                    assert isinstance(transport, asyncio.ReadTransport)
                    transport.pause_reading()
                body = bodies[seen[-1]]
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
                if stale:
                    await until(lambda: select.select([writer.get_extra_info("socket")], [], [], 0)[0])
                    await asyncio.sleep(0.01)  # for the rest of the request
                    return
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.transport.abort()

    async with (
        serving(serve) as address,
        AsyncRefold("tk_test", base_url=f"http://{address}", retry=IMPATIENT) as refold,
    ):
        await refold.account("first").list_actions("hubspot")
        seen.clear()
        yield Scene(refold, lambda: len(seen))


@asynccontextmanager
async def pool_exhausted() -> AsyncGenerator[Scene]:
    """Another call holds the only connection."""
    async with (
        MockRefold() as mock,
        AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT, max_connections=1, timeout=0.1) as refold,
    ):
        mock.script(Silence(), linked_account_id="holder")
        holder = asyncio.create_task(refold.account("holder").list_actions("hubspot", timeout=60))
        await until(lambda: mock.requests)
        try:
            yield Scene(refold, lambda: len(mock.requests) - 1)
        finally:
            holder.cancel()
            await asyncio.wait([holder])


NEVER_SENT = {kind: Expected(APIConnectionError, "none", 0, 3) for kind in CALLS}
LOST = {
    READ: Expected(APIConnectionError, "none", 3, 3),
    WRITE: Expected(APIConnectionError, "unknown", 1, 1),
    IDEMPOTENT: Expected(APIConnectionError, "unknown", 3, 3),
}
LATE = {kind: expected._replace(error=APITimeoutError) for kind, expected in LOST.items()}

TABLE: dict[str, tuple[Fault, dict[str, Expected]]] = {
    "refused": (refused, NEVER_SENT),
    "unresolvable": (unresolvable, NEVER_SENT),
    "TLS untrusted": (untrusted, {kind: Expected(APIConnectionError, "none", 0, 1) for kind in CALLS}),
    "proxy hangs up": (proxy_hangs_up, NEVER_SENT),
    "reset before the body was read": (scripted(Reset("before")), LOST),
    "reset during the response": (scripted(Reset("during")), LOST),
    "reset after the body was read": (scripted(Reset("after")), LOST),
    "half a response": (scripted(Truncated()), LOST),
    "drip": (scripted(Drip(0.02), timeout=HASTY), LATE),
    "silence": (scripted(Silence(), timeout=HASTY), LATE),
    "stale connection": (
        stale_connection,
        {
            READ: Expected(None, "none", 1, 2),
            WRITE: Expected(APIConnectionError, "unknown", 0, 1),
            IDEMPOTENT: Expected(None, "none", 1, 2),
        },
    ),
    "pool exhausted": (pool_exhausted, {kind: Expected(APITimeoutError, "none", 0, 0) for kind in CALLS}),
}


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("name", TABLE)
async def test_fault(name: str, kind: str) -> None:
    """Every fault ends every kind of call in its error, with the right effect, and is sent as often as it may be."""
    fault, table = TABLE[name]
    expected = table[kind]
    async with fault() as scene:
        error: RefoldError | None = None
        try:
            await CALLS[kind](scene.refold.account("user_12345"))
        except RefoldError as raised:
            error = raised
        assert scene.seen() == expected.seen
    if expected.error is None:
        assert error is None
        return
    assert error is not None
    assert type(error) is expected.error
    assert error.effect == expected.effect
    assert error.attempts == expected.attempts
    assert error.linked_account_id == "user_12345"


@pytest.fixture(params=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def method(request: pytest.FixtureRequest) -> str:
    """Every HTTP method."""
    return str(request.param)


async def test_aiohttp_never_sends_again_by_itself(method: str) -> None:
    """On a kept connection that drops, the server sees as many requests as `attempts` tells, whatever the method."""
    async with (
        MockRefold() as mock,
        AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT) as refold,
    ):
        account = refold.account("user_12345")
        await account.list_actions("hubspot")
        mock.clear()
        mock.script(Reset("after"))
        with pytest.raises(APIConnectionError) as caught:
            await account.request(method, "/api/v2/integration-schema/hubspot/actions")
        expected = 3 if method in {"GET", "HEAD"} else 1
        assert caught.value.attempts == expected
        assert len(mock.requests) == expected
        assert [request.method for request in mock.requests] == [method] * expected


async def test_half_an_error_is_an_error() -> None:
    """A status of 404 counts, though its body was cut off."""
    async with (
        MockRefold() as mock,
        AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT) as refold,
    ):
        mock.script(Truncated())
        with pytest.raises(NotFoundError, match="no_such_action") as caught:
            await refold.account("user_12345").execute_action("hubspot", "no_such_action")
        assert (caught.value.effect, len(mock.requests)) == ("none", 1)


async def test_a_write_that_may_have_run_stays_unknown() -> None:
    """An idempotent write whose first response was lost is unknown, though the last attempt certainly did not run."""
    async with (
        MockRefold() as mock,
        AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT) as refold,
    ):
        mock.script(Reset("after"), calls=1)
        mock.script(Answer(400))
        with pytest.raises(RefoldError) as caught:
            await CALLS[IDEMPOTENT](refold.account("user_12345"))
        assert (caught.value.effect, caught.value.attempts) == ("unknown", 2)


@pytest.fixture
async def tls_proxy() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A proxy that refuses every CONNECT for want of a password, and the heads of the requests it saw."""
    heads: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    async with serving(refuse) as address:
        yield address, heads


async def test_proxy_refuses(tls_proxy: tuple[str, list[bytes]]) -> None:
    """A proxy that refuses is told as such; it was given its own credentials and not ours."""
    place, heads = tls_proxy
    async with AsyncRefold(
        "tk_test_secret", base_url="https://127.0.0.1:1", proxy=f"http://user:hunter2@{place}", retry=IMPATIENT
    ) as refold:
        with pytest.raises(APIConnectionError, match="407") as caught:
            await CALLS[WRITE](refold.account("user_12345"))
    assert (caught.value.effect, caught.value.attempts) == ("none", 3)
    assert len(heads) == 3
    assert all(b"Proxy-Authorization: Basic" in head and b"tk_test_secret" not in head for head in heads)
    assert "hunter2" not in str(caught.value)


async def test_a_large_write_cut_half_way_is_unknown() -> None:
    """Once the first byte of a body has left nobody knows how much arrived: it is not sent again."""
    heads = 0

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heads
        await reader.readuntil(b"\r\n\r\n")
        heads += 1
        await reader.readexactly(100_000)
        writer.transport.abort()

    async with (
        serving(cut) as address,
        AsyncRefold("tk_test", base_url=f"http://{address}", retry=IMPATIENT) as refold,
    ):
        with pytest.raises(APIConnectionError) as caught:
            await refold.account("user_12345").execute_action("hubspot", "upload", {"file": "x" * 8_000_000})
    assert (caught.value.effect, caught.value.attempts, heads) == ("unknown", 1, 1)


async def test_cookies_are_not_kept() -> None:
    """What one account's response sets is not sent with another's call."""
    async with MockRefold() as mock:
        url = mock.base_url.replace("127.0.0.1", "localhost")
        async with AsyncRefold("tk_test", base_url=url) as refold:
            mock.script(Answer(200, json=[], headers={"Set-Cookie": "who=user_1; Path=/"}), calls=1)
            for account in ("user_1", "user_2"):
                await refold.account(account).list_actions("hubspot")
        assert ["Cookie" in request.headers for request in mock.requests] == [False, False]


async def test_a_wrong_fingerprint_is_not_tried_again() -> None:
    """A pinned certificate that does not match is a reason to stop, not to insist."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    async with (
        MockRefold(ssl=context) as mock,
        aiohttp.TCPConnector(ssl=aiohttp.Fingerprint(b"x" * 32)) as connector,
        AsyncRefold("tk_test", base_url=mock.base_url, connector=connector, retry=IMPATIENT) as refold,
    ):
        with pytest.raises(APIConnectionError) as caught:
            await CALLS[WRITE](refold.account("user_12345"))
        assert (caught.value.effect, caught.value.attempts, len(mock.requests)) == ("none", 1, 0)


async def test_a_write_cancelled_while_it_connects_says_nothing() -> None:
    """Before there is a connection nothing can have run."""

    class Waiting(Nowhere):
        """A resolver that never answers."""

        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[aiohttp.abc.ResolveResult]:
            """Wait."""
            await asyncio.sleep(60)
            return []

    async with (
        aiohttp.TCPConnector(resolver=Waiting()) as connector,
        AsyncRefold("tk_test", base_url="https://refold.invalid", connector=connector) as refold,
    ):
        task = asyncio.ensure_future(CALLS[WRITE](refold.account("user_12345")))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert not hasattr(caught.value, "__notes__")


async def test_the_advice_of_an_unknown_write() -> None:
    """An error of a write that may have run says what to do; that of a vouched-for one does not."""
    async with (
        MockRefold() as mock,
        AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT) as refold,
    ):
        mock.script(Reset("after"))
        for kind, advised in ((WRITE, True), (IDEMPOTENT, False)):
            with pytest.raises(APIConnectionError) as caught:
                await CALLS[kind](refold.account("user_12345"))
            assert ("check in the app before you retry it" in str(caught.value)) is advised
