"""No call gets another's response: what arrives on a connection unsolicited makes it unusable."""

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager

import aiohttp
import pytest
import trustme

from refold_async import APIConnectionError, AsyncRefold, ConfigurationError, RefoldError
from support.raw_server import serving
from support.retry_policies import IMPATIENT
from support.waiting import until

OWN, LENT = "own connector", "lent connector"
SECOND_STATUSES = [200, 404, 408, 429, 503]


def http_response(status: int, value: object, *, extra: str = "") -> bytes:
    """Return the bytes of a response."""
    body = json.dumps(value).encode()
    head = f"HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    return head.encode() + body


class Gateway:
    """A server that answers each request with the account it is for, and then says something that nobody asked for."""

    def __init__(self, unsolicited: bytes | None = None, *, delay: float = 0.0) -> None:
        self.unsolicited = unsolicited
        """What it says after each response; None to say the response again."""
        self.delay = delay
        """Seconds until it does; 0 for at once, but in a packet of its own."""
        self.silent = False
        """Whether it says nothing unsolicited."""
        self.response: bytes | None = None
        """What it answers instead."""
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.requests: list[str] = []
        self.heads: list[str] = []
        self.said = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
                await reader.readexactly(int(headers.get("content-length", "0")))
                account = headers["linked_account_id"]
                self.requests.append(account)
                self.heads.append(head)
                response = self.response or http_response(200, value_of(account, written=head.startswith("POST")))
                writer.write(response)
                if not self.silent:
                    # A turn later at the least: what comes in one packet aiohttp itself notices.
                    asyncio.get_running_loop().call_later(self.delay, self.say, writer, self.unsolicited or response)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def say(self, writer: asyncio.StreamWriter, unsolicited: bytes) -> None:
        """Say something unsolicited."""
        if not writer.is_closing():
            writer.write(unsolicited)
        self.said += 1


def value_of(account: str, *, written: bool) -> object:
    """Return what a call for an account is answered, in which the account is told."""
    if written:
        return {"node_status": "Success", "data": {"account": account}}
    return [{"action_id": account, "name": account, "description": account}]


@asynccontextmanager
async def running(gateway: Gateway, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Gateway]:
    """Run a gateway."""
    async with serving(gateway.serve, tls=tls) as address:
        gateway.url = f"http{'s' if tls else ''}://{address}"
        yield gateway


@asynccontextmanager
async def client_of(gateway: Gateway, kind: str = OWN, *, reuse: bool = True) -> AsyncGenerator[AsyncRefold]:
    """Make a client with a connector of its own, or one that is lent to it."""
    connector = aiohttp.TCPConnector() if kind == LENT else None
    async with AsyncRefold(
        "tk_test", base_url=gateway.url, retry=IMPATIENT, connector=connector, reuse_connections=reuse
    ) as refold:
        yield refold
    if connector is not None:
        await connector.close()


async def write(refold: AsyncRefold, account: str) -> str:
    """Execute an action, and return whose response came back."""
    result = await refold.account(account).execute_action("hubspot", "create_contact", {})
    told: str = result.data["account"]
    return told


async def read(refold: AsyncRefold, account: str) -> str:
    """List actions, and return whose response came back."""
    return (await refold.account(account).list_actions("hubspot"))[0].action_id


CALLS: dict[str, Callable[[AsyncRefold, str], Awaitable[str]]] = {"write": write, "read": read}
ACCOUNTS = [f"account_{number}" for number in range(8)]


@pytest.mark.parametrize("processed", [True, False], ids=["read by the loop", "in the socket"])
@pytest.mark.parametrize("status", SECOND_STATUSES)
@pytest.mark.parametrize("kind", [OWN, LENT])
@pytest.mark.parametrize("call", CALLS)
async def test_what_came_before_a_request_is_not_its_response(
    call: str, kind: str, status: int, processed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Every call gets its own response, is sent once and succeeds, whatever came unsolicited before it."""
    gateway = Gateway()
    gateway.silent = True
    async with running(gateway), client_of(gateway, kind) as refold:
        for account in ACCOUNTS:
            assert await CALLS[call](refold, account) == account
            value = {"message": "Unasked"} if status != 200 else value_of(account, written=call == "write")
            gateway.say(gateway.writers[-1], http_response(status, value, extra="Retry-After: 9\r\n"))
            for _ in range(5 * processed):
                await asyncio.sleep(0)
    assert gateway.requests == ACCOUNTS
    assert [record.levelname for record in caplog.records if "unexpected data" in record.message] == ["WARNING"]


@pytest.mark.parametrize("delay", [0.0, 0.001, 0.01])
@pytest.mark.parametrize("status", SECOND_STATUSES)
@pytest.mark.parametrize("kind", [OWN, LENT])
async def test_without_reuse_no_late_response_reaches_another_call(kind: str, status: int, delay: float) -> None:
    """With `reuse_connections=False` calls get their own responses however late others come, one connection each."""
    unsolicited = None if status == 200 else http_response(status, {"message": "Unasked"})
    async with running(Gateway(unsolicited, delay=delay)) as gateway, client_of(gateway, kind, reuse=False) as refold:
        for account in ACCOUNTS:
            assert await write(refold, account) == account
        await until(lambda: gateway.said == len(ACCOUNTS))
    assert gateway.requests == ACCOUNTS
    assert gateway.connections == len(ACCOUNTS)
    assert all("connection: close" in head.lower() for head in gateway.heads)


@pytest.mark.parametrize("delay", [0.0, 0.001, 0.01])
async def test_after_something_unsolicited_no_connection_is_used_twice_for_a_while(delay: float) -> None:
    """The connections beside the one that spoke unsolicited are not used again, nor are new ones used twice."""
    async with running(Gateway(delay=delay)) as gateway, client_of(gateway) as refold:
        gateway.silent = True
        await asyncio.gather(*(write(refold, account) for account in ACCOUNTS))
        kept = gateway.connections
        gateway.silent = False
        assert await write(refold, "first") == "first"
        assert gateway.connections == kept
        await until(lambda: gateway.said == 1)
        # Whichever of the kept connections is taken: the one that spoke comes to be looked at.
        while gateway.connections == kept:
            gateway.silent = True
            assert await write(refold, "next") == "next"
        gateway.silent = False
        before = gateway.connections
        for account in ACCOUNTS:
            assert await write(refold, account) == account
        assert gateway.connections == before + len(ACCOUNTS)


async def test_connections_that_are_silent_are_kept() -> None:
    """One connection carries all calls that follow each other, and fifty at once need no more than fifty."""
    gateway = Gateway()
    gateway.silent = True
    async with running(gateway), client_of(gateway) as refold:
        for account in ACCOUNTS * 5:
            await read(refold, account)
            await write(refold, account)
        assert gateway.connections == 1
        for _ in range(4):
            await asyncio.gather(*(write(refold, f"account_{number}") for number in range(50)))
        assert gateway.connections <= 50


@contextmanager
def tls_contexts() -> Generator[tuple[ssl.SSLContext, ssl.SSLContext]]:
    """Make the contexts of a server and of a client that trusts it; after a handshake, tickets come unsolicited."""
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.minimum_version = ssl.TLSVersion.TLSv1_3
    server.num_tickets = 16
    authority.issue_cert("127.0.0.1").configure_cert(server)  # pyright: ignore[reportUnknownMemberType]
    client = ssl.create_default_context()
    authority.configure_trust(client)  # pyright: ignore[reportUnknownMemberType]
    yield server, client


async def call_over_tls(gateway: Gateway) -> None:
    """Make a write and a read for every account over TLS, each after what came unsolicited has arrived."""
    with tls_contexts() as (server, trusting):
        connector = aiohttp.TCPConnector(ssl=trusting)
        async with running(gateway, server):
            async with AsyncRefold("tk_test", base_url=gateway.url, connector=connector, retry=IMPATIENT) as refold:
                for account in ACCOUNTS:
                    for call in CALLS.values():
                        assert await call(refold, account) == account
                        await until(lambda: gateway.silent or gateway.said >= len(gateway.requests))
            await connector.close()
            await asyncio.sleep(0.01)  # TLS says goodbye


@pytest.fixture(params=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    """A runner of asyncio's own loop, and of uvloop's where that is installed."""
    loop_factory = None
    if request.param == "uvloop":
        loop_factory = pytest.importorskip("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        yield runner


def test_session_tickets_cost_no_connection(runner: asyncio.Runner) -> None:
    """What TLS says for itself is nothing that arrived unsolicited."""
    gateway = Gateway()
    gateway.silent = True
    runner.run(call_over_tls(gateway))
    assert len(gateway.requests) == 2 * len(ACCOUNTS)
    assert gateway.connections == 1


def test_what_comes_unsolicited_over_tls_is_noticed(runner: asyncio.Runner) -> None:
    """Responses that come twice over TLS reach no other call."""
    gateway = Gateway()
    runner.run(call_over_tls(gateway))
    assert gateway.requests == [account for account in ACCOUNTS for _ in CALLS]


@pytest.mark.parametrize("kind", [OWN, LENT])
@pytest.mark.parametrize("call", CALLS)
def test_connections_that_the_server_closed_are_not_written_to(call: str, kind: str) -> None:
    """A connection that was closed while the loop stood still, as in a frozen AWS Lambda, carries no request."""
    listener = socket.create_server(("127.0.0.1", 0))
    gateway = Gateway()
    gateway.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    served: list[bytes] = []

    def serve(number: int) -> None:
        """Answer one request of a new connection, and close it."""
        connection, _ = listener.accept()
        with connection:
            head = connection.recv(65536)
            while b"\r\n\r\n" not in head or (head.startswith(b"POST") and not head.endswith(b"{}")):
                head += connection.recv(65536)
            served.append(head)
            connection.sendall(http_response(200, value_of(f"account_{number}", written=head.startswith(b"POST"))))

    async def call_each() -> None:
        async with client_of(gateway, kind) as refold:
            for number in range(5):
                server = threading.Thread(target=serve, args=(number,))
                server.start()
                assert await CALLS[call](refold, f"account_{number}") == f"account_{number}"
                server.join(30)  # the loop stands still until the connection is closed

    with listener:
        asyncio.run(call_each())
    assert len(served) == 5


@pytest.mark.parametrize("call", CALLS)
async def test_a_server_that_speaks_first_gets_no_request(call: str) -> None:
    """Where every new connection says something unsolicited, the call fails: nothing is sent, and the tries end."""
    connections = 0

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(b"220 mail.example.com ESMTP\r\n")
        assert not await reader.read()  # no byte of a request

    class Late(aiohttp.TCPConnector):
        """A connector whose connections are taken only once the greeting is there."""

        async def connect(
            self, req: aiohttp.ClientRequest, traces: list[aiohttp.tracing.Trace], timeout: aiohttp.ClientTimeout
        ) -> aiohttp.connector.Connection:
            """Connect, and wait for the greeting."""
            connection = await super().connect(req, traces, timeout)
            await until(lambda: connection.protocol is None or connection.protocol.should_close)
            return connection

    async with (
        serving(greet) as address,
        Late(limit=2) as connector,
        AsyncRefold("tk_test", base_url=f"http://{address}", connector=connector, retry=IMPATIENT) as refold,
    ):
        with pytest.raises(APIConnectionError, match="received unexpected data, before") as caught:
            await CALLS[call](refold, "account_1")
    assert caught.value.effect == "none"
    assert caught.value.attempts == IMPATIENT.max_retries + 1
    assert connections == (3 + 2 + 1) * caught.value.attempts


@pytest.mark.parametrize("turns", [0, 1, 2, 5])
async def test_a_write_that_left_is_not_sent_again_because_of_the_connection_before(turns: int) -> None:
    """A connection that turned out unusable is no reason to repeat what was then sent on another."""
    broken = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n"
    gateway = Gateway()
    gateway.silent = True
    async with running(gateway), client_of(gateway) as refold:
        assert await write(refold, "first") == "first"
        gateway.say(gateway.writers[-1], http_response(200, value_of("first", written=True)))
        for _ in range(turns):
            await asyncio.sleep(0)
        gateway.response = broken
        with pytest.raises(RefoldError) as caught:
            await write(refold, "second")
    assert gateway.requests == ["first", "second"]
    assert (caught.value.attempts, caught.value.effect) == (1, "unknown")


async def test_without_reuse_a_connection_that_others_kept_is_not_used() -> None:
    """What somebody else left in a lent connector carries no request of a client that reuses no connections."""
    async with running(Gateway()) as gateway, aiohttp.TCPConnector() as connector:
        gateway.silent = True
        async with (
            aiohttp.ClientSession(connector=connector, connector_owner=False) as session,
            session.get(gateway.url, headers={"linked_account_id": "theirs"}) as response,
        ):
            await response.read()
        async with AsyncRefold("tk_test", base_url=gateway.url, connector=connector, reuse_connections=False) as refold:
            assert await write(refold, "ours") == "ours"
            assert await read(refold, "ours") == "ours"
        assert gateway.requests == ["theirs", "ours", "ours"]
        assert gateway.connections == 3


@pytest.mark.parametrize("closes", [False, True], ids=["speaks", "closes"])
@pytest.mark.parametrize("status", SECOND_STATUSES)
@pytest.mark.parametrize(
    ("call", "signal"),
    [
        ("read", "on_request_start"),
        ("read", "on_connection_reuseconn"),
        ("read", "on_request_headers_sent"),
        ("write", "on_request_headers_sent"),
        ("write", "on_request_chunk_sent"),
    ],
)
async def test_what_arrives_while_a_trace_hook_waits_came_before_the_request(
    call: str, signal: str, status: int, closes: bool
) -> None:
    """A request that hooks hold up is checked again once it is about to leave."""
    gateway = Gateway()
    gateway.silent = True

    async def speak(*arguments: object) -> None:
        if len(gateway.requests) != 1:
            return
        if closes:
            gateway.writers[0].close()
        else:
            value = {"message": "Unasked"} if status != 200 else value_of("first", written=call == "write")
            gateway.say(gateway.writers[0], http_response(status, value))
        for _ in range(5):
            await asyncio.sleep(0)

    trace = aiohttp.TraceConfig()
    getattr(trace, signal).append(speak)
    async with (
        running(gateway),
        AsyncRefold("tk_test", base_url=gateway.url, trace_configs=[trace], retry=IMPATIENT) as refold,
    ):
        assert await CALLS[call](refold, "first") == "first"
        assert await CALLS[call](refold, "second") == "second"
        gateway.silent = False
        assert await CALLS[call](refold, "third") == "third"
    assert gateway.requests == ["first", "second", "third"]
    # After something unsolicited no connection is used twice; after a mere end it is.
    assert gateway.connections == (2 if closes else 3)


async def test_a_hook_may_make_calls_of_its_own() -> None:
    """What a hook sends leaves the request that it holds up as it was."""
    gateway = Gateway()
    gateway.silent = True
    trace = aiohttp.TraceConfig()
    async with running(gateway), client_of(gateway) as other:

        async def call(*arguments: object) -> None:
            assert await write(other, "theirs") == "theirs"
            assert await read(other, "theirs") == "theirs"

        trace.on_request_headers_sent.append(call)
        trace.on_request_chunk_sent.append(call)
        async with AsyncRefold("tk_test", base_url=gateway.url, trace_configs=[trace], retry=IMPATIENT) as refold:
            for call_of in CALLS.values():
                assert await call_of(refold, "ours") == "ours"
                assert await call_of(refold, "ours") == "ours"
    assert gateway.requests.count("ours") == 4
    assert gateway.connections == 2


def test_reuse_connections_is_true_or_false() -> None:
    """Nothing else is taken for one of them."""
    with pytest.raises(ConfigurationError, match="reuse_connections must be True or False"):
        AsyncRefold("tk_test", reuse_connections="no")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
