"""Scripted trouble, one kind after the other."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest

from refold_async.testing import (
    Answer,
    Delay,
    Drip,
    Errored,
    ExpiredConnection,
    MockRefold,
    Reset,
    Silence,
    Trouble,
    Truncated,
)
from support.mock_caller import MockCaller, create_contact_request, exchange_bytes
from support.waiting import until

JANE = {"email": "jane@example.com"}


def contacts_created(mock: MockRefold) -> int:
    """How many contacts `user_1` has created."""
    created: int = mock.account("user_1").store("hubspot").get("contacts_created", 0)
    return created


async def test_canned_error(caller: MockCaller, mock: MockRefold) -> None:
    """A response with nothing but a status has Refold's error shape, and the request has no effect."""
    mock.script(Answer(503))
    response = await caller.execute("hubspot", "create_contact", JANE)
    assert response.status == 503
    assert response.json == {
        "status_code": 503,
        "http_error_type": "SERVICE_UNAVAILABLE",
        "error_code": "SERVER_ERROR",
        "message": "Service Unavailable",
    }
    assert contacts_created(mock) == 0
    assert mock.requests[0].status == 503


@pytest.mark.parametrize(
    ("answer", "body", "content_type"),
    [
        (Answer(json={"ü": [1, None]}), '{"ü":[1,null]}'.encode(), "application/json; charset=utf-8"),
        (Answer(json=None), b"null", "application/json; charset=utf-8"),
        (Answer(502, body="<html>Bad Gateway</html>"), b"<html>Bad Gateway</html>", "text/html; charset=utf-8"),
        (Answer(body=b"\x00\xff"), b"\x00\xff", "application/octet-stream"),
        (Answer(body="{", content_type="application/json"), b"{", "application/json"),
        (Answer(500, body=""), b"", "text/html; charset=utf-8"),
        (Answer(599, json="?"), b'"?"', "application/json; charset=utf-8"),
    ],
)
async def test_canned_bodies(
    caller: MockCaller, mock: MockRefold, answer: Answer, body: bytes, content_type: str
) -> None:
    """A canned response carries the body it was given, whatever that is."""
    mock.script(answer)
    response = await caller.execute("hubspot", "get_contact")
    assert (response.status, response.body) == (answer.status, body)
    assert response.headers["Content-Type"] == content_type


async def test_canned_error_of_no_known_status(caller: MockCaller, mock: MockRefold) -> None:
    """A status that HTTP does not define has the error shape too."""
    mock.script(Answer(599))
    response = await caller.execute("hubspot", "get_contact")
    assert (response.status, response.json["http_error_type"]) == (599, "UNKNOWN")


async def test_canned_response_without_body(caller: MockCaller, mock: MockRefold) -> None:
    """A status that is no error comes with an empty body; headers are sent as given."""
    mock.script(Answer(307, headers={"Location": "https://elsewhere.example/"}))
    response = await caller.execute("hubspot", "get_contact", allow_redirects=False)
    assert (response.status, response.body, response.headers["Location"]) == (307, b"", "https://elsewhere.example/")


@pytest.mark.parametrize(
    ("retry_after", "sent"),
    [(2, "2"), (0.5, "0.5"), ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT")],
)
async def test_retry_after(caller: MockCaller, mock: MockRefold, retry_after: float | str, sent: str) -> None:
    """`Retry-After` is sent as seconds or as a date."""
    mock.script(Answer(429, retry_after=retry_after))
    response = await caller.execute("hubspot", "get_contact")
    assert response.headers["Retry-After"] == sent
    assert response.json["http_error_type"] == "TOO_MANY_REQUESTS"


async def test_delay(caller: MockCaller, mock: MockRefold) -> None:
    """A delayed request is answered normally, later."""
    mock.script(Delay(0.05))
    started = time.monotonic()
    await caller.data("hubspot", "create_contact", JANE)
    assert time.monotonic() - started >= 0.05


async def test_delay_before_another_trouble(caller: MockCaller, mock: MockRefold) -> None:
    """Delays add up, then the other trouble comes."""
    mock.script(Delay(0.02), Delay(0.03), Answer(503))
    started = time.monotonic()
    assert (await caller.execute("hubspot", "get_contact")).status == 503
    assert time.monotonic() - started >= 0.05


@pytest.mark.parametrize(("when", "written"), [("before", 0), ("during", 1), ("after", 1)])
async def test_reset(caller: MockCaller, mock: MockRefold, when: Any, written: int) -> None:
    """A client sees its connection break; whether the write happened depends on when."""
    mock.script(Reset(when))
    with pytest.raises(aiohttp.ClientError):
        await caller.execute("hubspot", "create_contact", JANE)
    assert contacts_created(mock) == written
    (request,) = mock.requests
    assert request.status is None
    assert (request.body is None) == (when == "before")
    await until(lambda: (mock.connections_open, mock.in_flight) == (0, 0))


@pytest.mark.parametrize(
    ("trouble", "end"),
    [(Reset("before"), "RST"), (Reset("during"), "RST"), (Reset("after"), "RST"), (Truncated(), "FIN")],
)
async def test_how_the_connection_ends(mock: MockRefold, trouble: Trouble, end: str) -> None:
    """A reset is an RST on the wire, a truncated response ends in good order."""
    mock.script(trouble)
    received, ended = await exchange_bytes(mock, create_contact_request())
    assert ended == end
    head, _, body = received.partition(b"\r\n\r\n")
    if trouble in (Reset("before"), Reset("after")):
        assert received == b""
    else:
        announced = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        assert len(body) == int(announced.split(b":")[1]) // 2 > 0


@pytest.mark.parametrize(("after", "length"), [(0, 0), (0.0, 0), (7, 7), (0.5, 44), (1.0, 87), (10_000, 87)])
async def test_truncated(mock: MockRefold, after: float, length: int) -> None:
    """The part that is sent is a portion or a number of bytes, and never the whole."""
    mock.script(Truncated(after))
    received, _ = await exchange_bytes(mock, create_contact_request())
    body = received.partition(b"\r\n\r\n")[2]
    whole = b'{"node_status":"Success","data":{"id":"1510721","createdAt":"2026-06-21T10:04:11.000Z"}}'
    assert (body, len(whole)) == (whole[:length], 88)
    assert contacts_created(mock) == 1
    assert mock.requests[0].status is None


async def test_truncated_is_an_error_to_the_client(caller: MockCaller, mock: MockRefold) -> None:
    """A client notices that a part is missing."""
    mock.script(Truncated())
    with pytest.raises(aiohttp.ClientPayloadError):
        await caller.execute("hubspot", "get_contact")


@pytest.mark.parametrize("http_status", [429, 500, None])
async def test_errored(caller: MockCaller, mock: MockRefold, http_status: int | None) -> None:
    """The action does not run and comes back as Errored, with HTTP 200."""
    mock.script(Errored(http_status, {"message": "no"}, node_status="Failed"))
    response = await caller.execute("hubspot", "create_contact", JANE)
    assert response.status == 200
    expected = {"node_status": "Failed", "data": {"message": "no"}}
    assert response.json == (expected if http_status is None else {**expected, "http_status": http_status})
    assert contacts_created(mock) == 0
    assert (await caller.get("/api/v2/integration-schema/hubspot/actions")).status == 200


async def test_errored_comes_after_authentication(caller: MockCaller, mock: MockRefold) -> None:
    """A request that Refold itself refuses never gets as far as the app."""
    mock.script(Errored(500))
    assert (await caller.execute("hubspot", "create_contact", JANE, key=None)).status == 401
    assert (await caller.execute("hubspot", "create_contact", {})).status == 400


async def test_expired_connection(caller: MockCaller, mock: MockRefold) -> None:
    """The app's own words for expired credentials, with HTTP 200."""
    mock.script(ExpiredConnection(), calls=1)
    response = await caller.execute("slack", "list_channels")
    assert response.json == {
        "node_status": "Errored",
        "data": {"ok": False, "error": "token_expired"},
        "http_status": 401,
    }
    await caller.data("slack", "list_channels")


async def test_silence(caller: MockCaller, mock: MockRefold) -> None:
    """A silent request is read, takes no effect and ends when the client hangs up."""
    mock.script(Silence())
    with pytest.raises(TimeoutError):
        await caller.execute("hubspot", "create_contact", JANE, timeout=aiohttp.ClientTimeout(total=0.05))
    await until(lambda: (mock.connections_open, mock.in_flight) == (0, 0))
    (request,) = mock.requests
    assert (request.json, request.status) == (JANE, None)
    assert contacts_created(mock) == 0


async def test_drip(caller: MockCaller, mock: MockRefold) -> None:
    """A dripping response arrives whole, in pieces."""
    mock.script(Drip(0.001, chunk_bytes=20))
    response = await caller.execute("hubspot", "create_contact", JANE)
    assert response.json["node_status"] == "Success"
    assert mock.requests[0].status == 200


async def test_drip_comes_in_pieces(caller: MockCaller, mock: MockRefold) -> None:
    """The headers come first, then piece after piece."""
    mock.script(Drip(0.01, chunk_bytes=40))
    url = mock.base_url + "/api/v2/integration-schema/hubspot/actions/create_contact/execute"
    headers = {"x-api-key": "tk", "linked_account_id": "user_1"}
    async with caller.session.post(url, headers=headers, json=JANE) as response:
        assert mock.requests[0].status is None
        first = await response.content.readany()
        assert 0 < len(first) < int(response.headers["Content-Length"])
        await response.read()


async def test_a_client_that_leaves_a_dripping_response(caller: MockCaller, mock: MockRefold) -> None:
    """The mock stops to drip when nobody listens."""
    mock.script(Drip(0.01))
    call = asyncio.create_task(caller.execute("hubspot", "get_contact"))
    await until(lambda: mock.in_flight)
    call.cancel()
    await asyncio.wait([call])
    await until(lambda: not mock.in_flight)
    assert mock.requests[0].status is None


async def test_expect_100_continue(caller: MockCaller, mock: MockRefold) -> None:
    """A client that asks before it sends its body is told to go on, unless the connection breaks first."""
    await asyncio.wait_for(caller.data("hubspot", "create_contact", JANE, expect100=True), 30)
    mock.script(Reset("before"))
    with pytest.raises(aiohttp.ClientError):
        await caller.execute("hubspot", "create_contact", JANE, expect100=True)
    assert contacts_created(mock) == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: Answer(199),
        lambda: Answer(True),
        lambda: Answer(json=1, body="x"),
        lambda: Answer(headers={"X": "a\r\nY: b"}),
        lambda: Delay(-1),
        lambda: Delay(float("inf")),
        lambda: Drip(float("nan")),
        lambda: Drip(0.1, chunk_bytes=0),
        lambda: Truncated(1.5),
        lambda: Truncated(-1),
        lambda: Truncated(True),
        lambda: Reset("later"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ],
)
def test_troubles_that_make_no_sense(make: Any) -> None:
    """A trouble that cannot be is refused when it is made."""
    with pytest.raises(ValueError, match=r"must|not "):
        make()
