"""The example that receives webhooks: it refuses forged ones, handles each once, and lists who must reconnect."""

import asyncio
import hashlib
import hmac
import importlib
import json
import logging
import re
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
from aiohttp import web

from refold_async.testing import Answer, Delay, Drip, MockRefold, Reset, Silence, Trouble
from support.running_programs import ended, first_url, running
from support.waiting import until

EXAMPLES: Final = Path(__file__).parent.parent.parent / "examples"
TALKS_TO_MOCK: Final = re.compile(r"REFOLD_API_KEY is not set: talking to a mock on http://127\.0\.0\.1:\d+\n")
KEY: Final = "tk_test"
PREVIOUS_KEY: Final = "tk_previous"


def event(name: str = "Connection Expired", linked_account_id: str = "user_12345", **fields: Any) -> bytes:
    """Return the body of a webhook."""
    return json.dumps({"event": name, "linked_account_id": linked_account_id, "slug": "hubspot", **fields}).encode()


def sign(body: bytes, key: str = KEY) -> dict[str, str]:
    """Return the headers that Refold sends with a body."""
    return {"x-cobalt-signature": hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}


async def send(client: aiohttp.ClientSession, body: bytes, headers: dict[str, str] | None = None) -> int:
    """Send a webhook, signed with the key unless it has other headers, and return the status of the answer."""
    async with client.post("/refold", data=body, headers=sign(body) if headers is None else headers) as response:
        await response.read()
        return response.status


async def must_reconnect(client: aiohttp.ClientSession) -> list[str]:
    """Return the linked accounts on the list."""
    async with client.get("/reconnect") as response:
        listed = await response.json()
    assert all(connection["slug"] == "hubspot" for connection in listed)
    return [connection["linked_account_id"] for connection in listed]


def looked_up(mock: MockRefold) -> int:
    """Return how often Refold was asked how a connection stands."""
    return len(mock.requests_to("get_application"))


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, mock: MockRefold) -> None:
    """The example in this process talks to the mock as if it were the real service."""
    monkeypatch.setenv("REFOLD_API_KEY", KEY)
    monkeypatch.setenv("REFOLD_BASE_URL", mock.base_url)
    monkeypatch.delenv("REFOLD_PREVIOUS_API_KEY", raising=False)


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The example, as a module."""
    monkeypatch.setattr(sys, "path", [str(EXAMPLES), *sys.path])
    return importlib.import_module("webhooks")


@asynccontextmanager
async def served(
    application: web.Application, *, handler_cancellation: bool = False
) -> AsyncGenerator[aiohttp.ClientSession]:
    """Serve an application on a free port, as `web.run_app` does, and give a session for it."""
    runner = web.AppRunner(application, handler_cancellation=handler_cancellation)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with aiohttp.ClientSession(site.name) as session:
        yield session
    await runner.cleanup()


@pytest.fixture
async def client(example: Any) -> AsyncIterator[aiohttp.ClientSession]:
    """The receiver, with a key and the one before it."""
    async with served(example.make_app([KEY, PREVIOUS_KEY])) as client:
        yield client


@pytest.mark.parametrize("key", [KEY, PREVIOUS_KEY])
async def test_expired_connection(mock: MockRefold, client: aiohttp.ClientSession, key: str) -> None:
    """An expired connection is on the list, whichever of the keys signed; the reconnected one is not."""
    assert await must_reconnect(client) == []
    mock.account("user_12345").expire("hubspot")
    body = event()
    assert await send(client, body, sign(body, key)) == 200
    assert await must_reconnect(client) == ["user_12345"]
    mock.account("user_12345").connect("hubspot")
    assert await send(client, event("Connection Created")) == 200
    assert await must_reconnect(client) == []
    assert {request.linked_account_id for request in mock.requests} == {"user_12345"}


@pytest.mark.parametrize(
    ("name", "listed"), [("connected", False), ("disconnected", False), ("expired", True)], ids=str
)
@pytest.mark.parametrize("told", ["Connection Created", "Connection Deleted", "Connection Expired"])
async def test_late_events(mock: MockRefold, client: aiohttp.ClientSession, told: str, name: str, listed: bool) -> None:
    """How the connection stands counts, not what an event tells that was overtaken."""
    mock.account("user_12345").expire("hubspot")
    assert await send(client, event()) == 200
    if name == "connected":
        mock.account("user_12345").connect("hubspot")
    elif name == "disconnected":
        mock.account("user_12345").disconnect("hubspot")
    assert await send(client, event(told, late=True)) == 200
    assert await must_reconnect(client) == (["user_12345"] if listed else [])


async def test_events_of_one_connection_at_the_same_moment(mock: MockRefold, client: aiohttp.ClientSession) -> None:
    """How a connection stands is looked up by one event after the other, so that no late answer counts."""
    mock.account("user_12345").expire("hubspot")
    mock.script(Drip(0.1, chunk_bytes=100_000), route="get_application", calls=1)
    expired = asyncio.create_task(send(client, event()))
    await until(lambda: looked_up(mock) == 1)
    mock.account("user_12345").connect("hubspot")
    created = asyncio.create_task(send(client, event("Connection Created")))
    assert [await expired, await created] == [200, 200]
    assert await must_reconnect(client) == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-cobalt-signature": ""},
        {"x-cobalt-signature": "0" * 64},
        {"x-cobalt-signature": "é"},
        {"x-cobalt-signature": sign(event())["x-cobalt-signature"][:-1]},
        {"x-cobalt-signature": f"sha256={sign(event())['x-cobalt-signature']}"},
        {"x-signature": sign(event())["x-cobalt-signature"]},
        sign(event(), "tk_other"),
        sign(event(linked_account_id="user_54321")),
        sign(event() + b" "),
    ],
    ids=range(10),
)
async def test_forged(mock: MockRefold, client: aiohttp.ClientSession, headers: dict[str, str]) -> None:
    """What Refold did not sign is answered 401, and nothing comes of it."""
    mock.account("user_12345").expire("hubspot")
    assert await send(client, event(), headers) == 401
    assert await must_reconnect(client) == []
    assert mock.request_count == 0


async def test_forged_junk(client: aiohttp.ClientSession) -> None:
    """Whether a body can be read is told only to who signed it."""
    assert await send(client, b"{", {}) == 401


async def test_key_that_is_no_longer_valid(example: Any, mock: MockRefold) -> None:
    """Once the old key is taken away, it opens nothing."""
    async with served(example.make_app([KEY])) as client:
        assert await send(client, event(), sign(event(), PREVIOUS_KEY)) == 401
        assert await send(client, event()) == 200
    assert mock.request_count == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b"[]", 400), (b"\xff", 400), (b"{" * 300_000, 413), (event(more="x" * 300_000), 413)],
    ids=range(6),
)
async def test_junk(mock: MockRefold, client: aiohttp.ClientSession, body: bytes, status: int) -> None:
    """A body that is no event, or too large for one, is refused."""
    assert await send(client, body) == status
    assert mock.request_count == 0


@pytest.mark.parametrize(
    "body",
    [
        event("Connection Renewed"),
        event(slug=None),
        event(slug={"name": "hubspot"}),
        event("Workflow Completed"),
        event("Workflow Completed", instance_id="1"),
        event("Workflow Errored", instance_id="1"),
        b"{}",
    ],
    ids=range(7),
)
async def test_events_without_consequences(mock: MockRefold, client: aiohttp.ClientSession, body: bytes) -> None:
    """Events of other kinds, of those to come too, are taken."""
    assert await send(client, body) == 200
    assert mock.request_count == 0


async def test_redelivery(mock: MockRefold, client: aiohttp.ClientSession) -> None:
    """A webhook that comes again is answered 200, signed with another key too, and handled once."""
    body = event()
    for key in [KEY, KEY, PREVIOUS_KEY]:
        assert await send(client, body, sign(body, key)) == 200
    assert looked_up(mock) == 1
    assert await send(client, event("Connection Created")) == 200
    assert looked_up(mock) == 2


async def test_copies_at_the_same_moment(mock: MockRefold, client: aiohttp.ClientSession) -> None:
    """Of copies that come while one is handled, all wait for it and are answered as it is."""
    mock.script(Delay(0.05), route="get_application", calls=1)
    assert await asyncio.gather(*(send(client, event()) for _ in range(5))) == [200] * 5
    assert looked_up(mock) == 1


async def test_redelivery_after_a_failure(mock: MockRefold, client: aiohttp.ClientSession) -> None:
    """What could not be handled is answered 503 and is not taken for handled when it comes again."""
    mock.account("user_12345").expire("hubspot")
    mock.script(Answer(400), route="get_application", calls=1)
    assert await send(client, event()) == 503
    assert await must_reconnect(client) == []
    assert await send(client, event()) == 200
    assert await must_reconnect(client) == ["user_12345"]
    assert await send(client, event()) == 200
    assert looked_up(mock) == 2


async def test_copies_of_a_failure(mock: MockRefold, client: aiohttp.ClientSession) -> None:
    """A copy that waited for one that failed is handled itself."""
    mock.account("user_12345").expire("hubspot")
    mock.script(Delay(0.05), Answer(400), route="get_application", calls=1)
    assert sorted(await asyncio.gather(*(send(client, event()) for _ in range(3)))) == [200, 200, 503]
    assert await must_reconnect(client) == ["user_12345"]
    assert looked_up(mock) == 2


@pytest.mark.parametrize(("handler_cancellation", "trouble", "times"), [(False, Delay(0.05), 1), (True, Silence(), 2)])
async def test_sender_that_hangs_up(
    example: Any, mock: MockRefold, handler_cancellation: bool, trouble: Trouble, times: int
) -> None:
    """What its sender did not wait for is handled all the same; or when it comes again, where that ends the handler."""
    mock.account("user_12345").expire("hubspot")
    mock.script(trouble, route="get_application", calls=1)
    application = example.make_app([KEY])
    async with served(application, handler_cancellation=handler_cancellation) as client:
        impatient = asyncio.create_task(send(client, event()))
        await until(lambda: mock.in_flight == 1)
        impatient.cancel()
        assert await send(client, event()) == 200
        assert await must_reconnect(client) == ["user_12345"]
    assert looked_up(mock) == times


async def test_memory_is_bounded(example: Any, mock: MockRefold) -> None:
    """The last deliveries are remembered and no more; locks go with those who need them."""
    application = example.make_app([KEY], size=2)
    async with served(application) as client:
        for number in (1, 2, 3, 2, 3, 1):
            assert await send(client, event(linked_account_id=f"user_{number}")) == 200
        assert [request.linked_account_id for request in mock.requests] == ["user_1", "user_2", "user_3", "user_1"]
        assert len(application[example.LOCKS]) == 0


async def test_memory_fades(example: Any, mock: MockRefold) -> None:
    """After a time the same body is another event."""
    async with served(example.make_app([KEY], seconds=0)) as client:
        for _ in range(2):
            assert await send(client, event()) == 200
    assert looked_up(mock) == 2


async def test_nothing_secret_is_logged(
    mock: MockRefold, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither keys nor signatures are in the log, whatever goes wrong."""
    caplog.set_level(logging.DEBUG)
    mock.script(Reset("during"), route="get_application", calls=1)
    mock.script(Answer(401), route="get_application", linked_account_id="user_2")
    for body in (event(), event(linked_account_id="user_2"), event("Unheard Of"), b"{"):
        await send(client, body)
        await send(client, body, sign(body, "tk_other"))
        for key in (KEY, PREVIOUS_KEY, "tk_other"):
            assert sign(body, key)["x-cobalt-signature"] not in caplog.text
    assert "Connection Expired was not handled" in caplog.text
    assert "Unheard Of" in caplog.text
    assert not re.search(f"{KEY}|{PREVIOUS_KEY}", caplog.text)


async def run_until_stopped(environment: dict[str, str], use: Any, stop: signal.Signals) -> str:
    """Run the example as a program, use it, stop it, and return what it wrote to stderr."""
    async with running(str(EXAMPLES / "webhooks.py"), "--port", "0", environment=environment) as program:
        url = await first_url(program)
        async with aiohttp.ClientSession(url) as session:
            await use(session, lambda: program.send_signal(stop))
        ran = await ended(program)
    assert ran.exit_code == 0
    return ran.complaints


async def test_program_without_a_key() -> None:
    """It runs as it is, as its description shows, against a mock of its own."""
    body = b'{"event": "Connection Expired", "linked_account_id": "user_7", "slug": "hubspot"}'
    assert body.decode() in (EXAMPLES / "webhooks.py").read_text()

    async def use(session: aiohttp.ClientSession, stop: Callable[[], None]) -> None:
        async with session.post("/refold", data=body, headers=sign(body, "tk_other")) as response:
            assert response.status == 401
        async with session.post("/refold", data=body, headers=sign(body, "tk_example")) as response:
            assert response.status == 200
        async with session.get("/reconnect") as response:
            assert await response.json() == [{"linked_account_id": "user_7", "slug": "hubspot"}]
        stop()

    complaints = await run_until_stopped({"REFOLD_API_KEY": "", "REFOLD_BASE_URL": ""}, use, signal.SIGINT)
    assert TALKS_TO_MOCK.search(complaints)
    assert "Traceback" not in complaints


@pytest.mark.slow
async def test_program_with_keys(mock: MockRefold) -> None:
    """It takes both keys from the environment, and on SIGTERM the webhook under way is handled and answered."""
    mock.script(Delay(0.3), route="get_application", linked_account_id="user_2")

    async def use(session: aiohttp.ClientSession, stop: Callable[[], None]) -> None:
        body = event(linked_account_id="user_1")
        for key, status in [("tk_example", 401), (KEY, 200), (PREVIOUS_KEY, 200)]:
            async with session.post("/refold", data=body, headers=sign(body, key)) as response:
                assert response.status == status
        body = event(linked_account_id="user_2")
        request = asyncio.create_task(session.post("/refold", data=body, headers=sign(body)))
        await until(lambda: mock.in_flight == 1)
        stop()
        async with await request as response:
            assert response.status == 200

    complaints = await run_until_stopped({"REFOLD_PREVIOUS_API_KEY": PREVIOUS_KEY}, use, signal.SIGTERM)
    assert looked_up(mock) == 2
    assert mock.connections_open == 0
    assert not re.search(f"Traceback|{KEY}|{PREVIOUS_KEY}", complaints)
