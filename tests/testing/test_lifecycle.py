"""Starting and closing a mock."""

import asyncio
import ssl
from contextlib import suppress

import aiohttp
import pytest
import trustme

from refold_async.testing import SAMPLE_WORKFLOW_ID, Catalogue, Delay, Drip, MockRefold, Silence, Trouble
from support.mock_caller import WORKFLOW, MockCaller
from support.stopwatch import stopwatch
from support.waiting import until


async def test_closing_cuts_off_whatever_is_under_way(session: aiohttp.ClientSession) -> None:
    """Silent, delayed and dripping responses and idle connections end at once, and no task is left."""
    tasks_before = asyncio.all_tasks()
    mock = MockRefold(workflow_seconds=60)
    await mock.start()
    caller = MockCaller(session, mock)
    troubles: dict[str, Trouble] = {"silent": Silence(), "delayed": Delay(60), "dripping": Drip(60)}
    for account, trouble in troubles.items():
        mock.script(trouble, linked_account_id=account)
    calls = [asyncio.create_task(caller.execute("hubspot", "get_contact", account=account)) for account in troubles]
    run = f"{WORKFLOW}/{SAMPLE_WORKFLOW_ID}/execute"
    calls.append(asyncio.create_task(caller.post(run, headers={"slug": "hubspot", "sync_execution": "true"})))
    await until(lambda: mock.in_flight == 4)
    await caller.post(run, headers={"slug": "hubspot"})
    await caller.get("/")
    assert mock.connections_open >= 5

    async with stopwatch() as watch:
        await mock.aclose()
    assert watch.moving < 1
    assert (mock.in_flight, mock.connections_open) == (0, 0)
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [isinstance(outcome, aiohttp.ClientError) for outcome in outcomes] == [True] * 4
    assert asyncio.all_tasks() <= tasks_before
    with pytest.raises(aiohttp.ClientConnectionError):
        await caller.get("/")


async def test_closing_an_idle_mock_leaves_no_task(session: aiohttp.ClientSession) -> None:
    """A connection that is merely kept ends with the mock."""
    tasks_before = asyncio.all_tasks()
    async with MockRefold() as mock:
        await MockCaller(session, mock).get("/")
        assert mock.connections_open == 1
    assert mock.connections_open == 0
    assert asyncio.all_tasks() <= tasks_before


async def test_starts_once_and_closes_often() -> None:
    """Closing is idempotent, also before the start; starting is not."""
    mock = MockRefold()
    with pytest.raises(RuntimeError, match="has not been started"):
        _ = mock.base_url
    assert (mock.connections_opened, mock.connections_open) == (0, 0)
    await mock.aclose()
    await mock.start()
    with pytest.raises(RuntimeError, match="only once"):
        await mock.start()
    await mock.aclose()
    await mock.aclose()
    assert mock.base_url.startswith("http://127.0.0.1:")


async def test_port_that_is_taken(mock: MockRefold) -> None:
    """A port in use is told at the start; a number that is no port, before it."""
    port = int(mock.base_url.rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        await MockRefold(port=port).start()
    with pytest.raises(ValueError, match="port must be"):
        MockRefold(port=70_000)
    with pytest.raises(ValueError, match="workflow_seconds must be"):
        MockRefold(workflow_seconds=-1)


async def test_serves_on_ipv6(session: aiohttp.ClientSession) -> None:
    """An IPv6 address is written in brackets."""
    async with MockRefold(host="::1") as mock:
        assert mock.base_url.startswith("http://[::1]:")
        assert (await MockCaller(session, mock).get("/")).status == 200


async def test_serves_https() -> None:
    """With a TLS context the mock speaks HTTPS, and closes at once there too."""
    authority = trustme.CA()
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server_side)  # pyright: ignore[reportUnknownMemberType]
    client_side = ssl.create_default_context()
    authority.configure_trust(client_side)  # pyright: ignore[reportUnknownMemberType]
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=client_side)) as session,
        MockRefold(ssl=server_side) as mock,
    ):
        assert mock.base_url.startswith("https://127.0.0.1:")
        caller = MockCaller(session, mock)
        assert (await caller.data("hubspot", "get_contact"))["paging"] == {}
        mock.script(Silence())
        silent = asyncio.create_task(caller.execute("hubspot", "get_contact"))
        await until(lambda: mock.in_flight == 1)
        async with stopwatch() as watch:
            await mock.aclose()
        assert watch.moving < 1
        with pytest.raises(aiohttp.ClientError):
            await silent


async def test_idle_connection_is_closed_after_the_timeout(session: aiohttp.ClientSession) -> None:
    """A connection that is idle for `keepalive_timeout` is closed by the mock."""
    async with MockRefold(keepalive_timeout=0.02) as mock:
        async with asyncio.timeout(30):
            while not mock.requests:
                # On a busy machine a connection may idle for so long before its first request arrives, too.
                with suppress(aiohttp.ClientConnectionError):
                    await MockCaller(session, mock).get("/")
        assert mock.connections_opened
        await until(lambda: mock.connections_open == 0)


async def test_mocks_share_nothing(session: aiohttp.ClientSession) -> None:
    """Two mocks at once have ports, catalogues and accounts of their own."""
    async with MockRefold() as first, MockRefold() as second:
        first.catalogue.add_app("billing")
        await MockCaller(session, first).data("hubspot", "create_contact", {"email": "a@b.c"})
        assert "billing" not in second.catalogue.apps
        assert second.account("user_1").store("hubspot") == {}
        assert second.request_count == 0


async def test_empty_catalogue(session: aiohttp.ClientSession) -> None:
    """A catalogue of one's own replaces the samples."""
    catalogue = Catalogue()
    catalogue.add_app("crm")
    async with MockRefold(catalogue=catalogue) as mock:
        caller = MockCaller(session, mock)
        assert [app["slug"] for app in (await caller.get("/api/v2/public/application")).json] == ["crm"]
        assert (await caller.execute("hubspot", "get_contact")).status == 404


async def test_many_requests_at_once(mock: MockRefold) -> None:
    """Many requests at once, over many connections, are all answered."""
    connector = aiohttp.TCPConnector(limit=50)
    async with aiohttp.ClientSession(connector=connector) as session:
        caller = MockCaller(session, mock)
        responses = await asyncio.gather(
            *(caller.execute("hubspot", "create_contact", {"email": "a@b.c"}, account=f"u{n}") for n in range(300))
        )
    assert {(response.status, response.json["data"]["id"]) for response in responses} == {(200, "1510721")}
    assert mock.request_count == 300
    assert mock.connections_opened <= 50
