"""What a test can read about the requests."""

import asyncio
import contextlib
import http.client
from itertools import combinations
from typing import Any

import aiohttp
import pytest

from refold_async.testing import Answer, Delay, Drip, MockRefold, Silence, Trouble
from refold_async.testing.protocol.replies import RequestIdPlace
from support.command_line import served_by_thread
from support.mock_caller import EXECUTE, EXECUTION, MockCaller, create_contact_request, exchange_bytes
from support.waiting import until


async def test_a_request_is_recorded_as_it_came(caller: MockCaller, mock: MockRefold) -> None:
    """Path, query, headers and body are kept as they were on the wire."""
    before = asyncio.get_running_loop().time()
    path = EXECUTE.format("hubspot", "get%20contact")
    await caller.post(f"{path}?a=1&b=%C3%BC", json={"limit": "1"}, headers={"X-Trace": "7"}, account="Jörg")
    (request,) = mock.requests
    assert (request.number, request.route, request.method, request.path) == (1, "execute_action", "POST", path)
    assert request.query == {"a": "1", "b": "ü"}
    assert request.headers["x-TRACE"] == "7"
    assert request.linked_account_id == "Jörg"
    assert request.json == {"limit": "1"}
    assert before <= request.time <= asyncio.get_running_loop().time()
    assert (request.connection, request.status) == (1, 404)
    assert "tk_test" not in repr(request)


async def test_get_has_an_empty_body(caller: MockCaller, mock: MockRefold) -> None:
    """A request without a body was read all the same."""
    await caller.get(EXECUTION)
    assert mock.requests[0].body == b""
    with pytest.raises(ValueError, match="Expecting value"):
        _ = mock.requests[0].json


async def test_connections_are_numbered(session: aiohttp.ClientSession, mock: MockRefold) -> None:
    """A connection that is kept has one number, a new one the next."""
    caller = MockCaller(session, mock)
    for _ in range(2):
        await caller.get(EXECUTION)
    await caller.get(EXECUTION, headers={"Connection": "close"})
    await caller.get(EXECUTION)
    assert [request.connection for request in mock.requests] == [1, 1, 1, 2]
    assert mock.connections_opened == 2
    await until(lambda: mock.connections_open == 1)


@pytest.mark.parametrize("trouble", [Delay(0), Drip(0, chunk_bytes=20)], ids=["whole", "dripping"])
def test_status_is_set_before_a_client_elsewhere_has_the_response(trouble: Trouble) -> None:
    """A client in another thread or process never sees a response before the status of its request is set."""
    with served_by_thread(MockRefold()) as mock:
        client = http.client.HTTPConnection(mock.base_url.removeprefix("http://"), timeout=10)
        with contextlib.closing(client):
            for _ in range(300):
                mock.script(trouble)
                client.request("GET", EXECUTION, headers={"x-api-key": "tk_test"})
                assert client.getresponse().read()
                assert mock.requests[-1].status is not None


async def test_requests_in_flight(caller: MockCaller, mock: MockRefold) -> None:
    """While requests are handled they are recorded without a status and counted."""
    mock.script(Silence())
    calls = [asyncio.create_task(caller.execute("hubspot", "get_contact")) for _ in range(3)]
    await until(lambda: mock.in_flight == 3 and all(request.body is not None for request in mock.requests))
    assert [request.status for request in mock.requests] == [None] * 3
    assert mock.connections_open == 3
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await until(lambda: mock.in_flight == 0)


async def test_recorded_before_the_body_arrives(mock: MockRefold) -> None:
    """A request appears with its headers; a body that never comes leaves it unread."""
    host, port = mock.base_url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /x HTTP/1.1\r\nHost: mock\r\nContent-Length: 10\r\n\r\n12345")
    await until(lambda: mock.requests)
    assert mock.requests[0].body is None
    with pytest.raises(ValueError, match="was not read"):
        _ = mock.requests[0].json
    writer.close()
    await writer.wait_closed()
    await until(lambda: mock.in_flight == 0)
    assert (mock.requests[0].body, mock.requests[0].status) == (None, None)


async def test_body_that_cannot_be_unpacked(mock: MockRefold) -> None:
    """A body that is not what its encoding says breaks the connection, without a response."""
    request = create_contact_request(b"no gzip at all").replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
    async with asyncio.timeout(30):
        assert await exchange_bytes(mock, request) == (b"", "RST")
    await until(lambda: (mock.connections_open, mock.in_flight) == (0, 0))


async def test_filter(caller: MockCaller, mock: MockRefold) -> None:
    """Recorded requests can be picked by route, by account, and by both."""
    await caller.execute("hubspot", "get_contact")
    await caller.execute("hubspot", "get_contact", account="user_2")
    await caller.get(EXECUTION, account="user_2")

    def numbers(**options: str) -> list[int]:
        return [request.number for request in mock.requests_to(**options)]  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    assert numbers() == [1, 2, 3]
    assert numbers(route="execute_action") == [1, 2]
    assert numbers(linked_account_id="user_2") == [2, 3]
    assert numbers(route="execute_action", linked_account_id="user_2") == [2]
    await caller.get("/api/v2/integration-schema/hubspot/actions/get_contact", account="user_2")
    assert numbers(action_id="get_contact") == [1, 2, 4]
    assert numbers(route="execute_action", action_id="get_contact", linked_account_id="user_2") == [2]
    assert numbers(action_id="create_contact") == []
    assert [request.action_id for request in mock.requests] == ["get_contact", "get_contact", None, "get_contact"]


async def test_without_recording(session: aiohttp.ClientSession) -> None:
    """A mock that does not record still counts, and its scripts still work."""
    async with MockRefold(record=False) as mock:
        caller = MockCaller(session, mock)
        script = mock.script(Delay(0), linked_account_id="user_1")
        await caller.data("hubspot", "get_contact")
        assert (mock.requests, mock.request_count, script.applied) == ([], 1, 1)


async def test_only_the_latest(session: aiohttp.ClientSession) -> None:
    """A mock may keep only the latest requests; it counts all, and its scripts see all."""
    async with MockRefold(keep_requests=3) as mock:
        caller, kept = MockCaller(session, mock), mock.requests
        script = mock.script(Delay(0), linked_account_id="user_1")
        for _ in range(5):
            await caller.get(EXECUTION)
        assert mock.requests is kept
        assert [request.number for request in kept] == [3, 4, 5]
        assert (mock.request_count, script.applied) == (5, 5)
        mock.clear()
        await caller.get(EXECUTION)
        assert [request.number for request in mock.requests] == [6]


@pytest.mark.parametrize("keep", [0, -1, True, 1.0, "5"])
def test_numbers_of_requests_that_cannot_be_kept(keep: Any) -> None:
    """At least one is kept; `record=False` keeps none."""
    with pytest.raises(ValueError, match="keep_requests must be a whole number, 1 or more"):
        MockRefold(keep_requests=keep)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v2/public/nothing", 404),
        ("GET", "/api/v2/public", 404),
        ("GET", "/api/v2/public/execution/", 404),
        ("GET", "//api/v2/public/execution", 404),
        ("DELETE", "/api/v2/public/execution", 405),
        ("GET", EXECUTE.format("hubspot", "get_contact"), 405),
        ("POST", "/", 404),
    ],
)
async def test_what_is_not_served(caller: MockCaller, mock: MockRefold, method: str, path: str, status: int) -> None:
    """An unknown path or method is refused in Refold's error shape and recorded without a route."""
    response = await caller.send(method, path)
    assert response.status == status
    assert response.json["message"] == f"Cannot {method} {path}"
    assert "request_id" not in response.json
    assert (mock.requests[0].route, mock.requests[0].status) == (None, status)


async def test_index(caller: MockCaller) -> None:
    """The root lists what is served."""
    response = await caller.get("/", key=None)
    assert response.status == 200
    assert response.json["routes"]["get_execution"] == "GET /api/v2/public/execution/{execution_id}"


async def test_request_ids_differ(caller: MockCaller) -> None:
    """Every response has a request id of its own, errors too."""
    responses = [await caller.get(path) for path in (EXECUTION, EXECUTION, "/nothing")]
    assert len({response.headers["X-Trace-ID"] for response in responses}) == 3
    assert {request.request_id for request in caller.mock.requests} == {
        response.headers["X-Trace-ID"] for response in responses
    }
    assert not any("x-request-id" in response.headers for response in responses)


@pytest.mark.parametrize("places", list(combinations(("X-Trace-ID", "x-request-id", "body"), 2)))
async def test_request_ids_where_a_test_wants_them(
    session: aiohttp.ClientSession, places: tuple[RequestIdPlace, ...]
) -> None:
    """The id is in the headers and in the body of errors, wherever the mock was told to put it."""
    async with MockRefold(request_id_in=places) as mock:
        caller = MockCaller(session, mock)
        mock.script(Answer(503), calls=2)
        for path in ("/nothing", EXECUTION, f"{EXECUTION}/nothing"):
            response = await caller.get(path)
            told = {"body": response.json.get("request_id")}
            told |= {name: response.headers.get(name) for name in ("X-Trace-ID", "x-request-id")}
            assert len(set(told.values())) == 2
            assert {place for place, found in told.items() if found} == set(places)


@pytest.mark.parametrize("places", ["body", ("x-trace",)])
def test_places_where_no_request_id_can_be(places: Any) -> None:
    """A place that there is not is told at once."""
    with pytest.raises(ValueError, match="request_id_in must be a collection of"):
        MockRefold(request_id_in=places)
