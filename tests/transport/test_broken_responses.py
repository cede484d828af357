"""Responses broken in what surrounds their JSON: encodings, lengths, headers. The status comes before it all."""

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp
import pytest

from refold_async import (
    AccountScope,
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    AsyncRefold,
    ConfigurationError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
    RefoldError,
)
from refold_async.transport.broken_responses import read_head
from refold_async.transport.response_body import ResponseBody
from support.raw_server import OK, http_response, raw_server, serving
from support.retry_policies import IMPATIENT

ERROR: Final = b'{"message": "No such thing", "error_code": "NOTHING", "request_id": "req_1"}'


def packed(data: bytes) -> bytes:
    """Return the same gzip each time."""
    return gzip.compress(data, mtime=0)


PACKED: Final = packed(ERROR)


def head(status: int, *headers: str) -> bytes:
    """Return the head of a response, with these headers alone."""
    return "\r\n".join([f"HTTP/1.1 {status} Reason", *headers, "", ""]).encode()


# What is wrong with an error's response, and what its `error_code` is where that can be read all the same.
BROKEN: Final[dict[str, tuple[Callable[[int], bytes], str | None]]] = {
    "brotli": (lambda status: http_response(b"\x0b\x02\x80{}\x03", status, "Content-Encoding: br"), None),
    "zstd": (lambda status: http_response(b"\x28\xb5\x2f\xfd\x04\x00", status, "Content-Encoding: zstd"), None),
    "unknown encoding": (lambda status: http_response(b"\xff\xfe\x00", status, "Content-Encoding: x-unknown"), None),
    "an encoding not used": (lambda status: http_response(ERROR, status, "Content-Encoding: x-unknown"), "NOTHING"),
    "gzip that is none": (lambda status: http_response(ERROR, status, "Content-Encoding: gzip"), None),
    "gzip cut": (lambda status: http_response(PACKED[:30], status, "Content-Encoding: gzip"), None),
    "gzip wrong at its end": (
        lambda status: http_response(PACKED[:-8] + b"12345678", status, "Content-Encoding: gzip"),
        None,
    ),
    "gzip padded": (lambda status: http_response(PACKED + bytes(100), status, "Content-Encoding: gzip"), "NOTHING"),
    "gzip in two encodings": (lambda status: http_response(PACKED, status, "Content-Encoding: gzip, br"), None),
    "deflate that is none": (lambda status: http_response(b"\x78\x9cnone", status, "Content-Encoding: deflate"), None),
    "cut": (lambda status: http_response(ERROR[:20], status, length=1000), None),
    "cut in the headers": (lambda status: head(status, "Content-Type: application/json", "X-Reques")[:-4], None),
    "cut after the status": (lambda status: head(status)[:-2], None),
    "longer than told": (lambda status: http_response(ERROR + b" " * 20, status, length=len(ERROR)), "NOTHING"),
    "followed by rubbish": (lambda status: http_response(ERROR, status) + b"\0\1\2\3", "NOTHING"),
    "longer than told, and the last": (
        lambda status: http_response(ERROR + b"\r\n", status, "Connection: close", length=len(ERROR)),
        "NOTHING",
    ),
    "packed, followed by rubbish": (
        lambda status: http_response(PACKED, status, "Content-Encoding: gzip") + b"rubbish",
        "NOTHING",
    ),
    "no length": (lambda status: head(status, "Content-Length: many") + ERROR, None),
    "two lengths": (lambda status: head(status, "Content-Length: 2", "Content-Length: 3") + b"{}.", None),
    "a length and chunks": (
        lambda status: head(status, "Content-Length: 2", "Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n",
        None,
    ),
    "chunks that are none": (lambda status: head(status, "Transfer-Encoding: chunked") + b"ZZ\r\n{}", None),
    "a header with NUL": (lambda status: head(status, "X-A: a\0b", "Content-Length: 2") + b"{}", None),
    "a header too long": (lambda status: http_response(ERROR, status, f"Set-Cookie: a={'x' * 80_000}"), "NOTHING"),
    "after an interim response": (
        lambda status: head(103, "Link: </a>") + http_response(ERROR, status) + b"rubbish",
        "NOTHING",
    ),
}
CALLS: Final[dict[str, Callable[[AccountScope], Awaitable[object]]]] = {
    "read": lambda account: account.list_actions("hubspot"),
    "write": lambda account: account.execute_action("hubspot", "create_contact", {"email": "a@b.c"}),
    "idempotent": lambda account: account.execute_action("hubspot", "create_contact", idempotent=True),
}
# Status: its error, the effect on a write, and how many requests a read, a write and an idempotent write make.
STATUSES: Final = {
    404: (NotFoundError, "none", (1, 1, 1)),
    503: (InternalServerError, "unknown", (3, 1, 3)),
}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("what", BROKEN)
async def test_an_error_status_stays_one(what: str, status: int) -> None:
    """With its class, its effect and its retries, whatever its body is."""
    make, code = BROKEN[what]
    error_class, effect, requests = STATUSES[status]
    async with (
        raw_server(make(status), close=what.startswith("cut")) as server,
        AsyncRefold("tk_test", base_url=server.base_url, retry=IMPATIENT, timeout=30) as refold,
    ):
        for (kind, call), expected in zip(CALLS.items(), requests, strict=True):
            server.seen.clear()
            with pytest.raises(error_class) as caught:
                await call(refold.account("user_1"))
            assert caught.value.status_code == status
            assert caught.value.effect == ("none" if kind == "read" else effect)
            assert (len(server.seen), caught.value.attempts) == (expected, expected)
            assert caught.value.error_code == code
            assert "claims" not in str(caught.value)


@pytest.mark.parametrize("what", BROKEN)
async def test_a_refusal_stays_one(what: str) -> None:
    """A 429 is a 429: the action did not run. Its `Retry-After` counts, unless it may have been cut."""
    make, _ = BROKEN[what]
    refusal = make(429).replace(b"Reason\r\n", b"Reason\r\nRetry-After: 3600\r\n")
    async with (
        raw_server(refusal, close=what.startswith("cut")) as server,
        AsyncRefold("tk_test", base_url=server.base_url, retry=IMPATIENT, timeout=30) as refold,
    ):
        with pytest.raises(RateLimitError) as caught:
            await refold.account("user_1").execute_action("hubspot", "create_contact")
        assert caught.value.effect == "none"
        if what == "cut" or not what.startswith("cut"):
            assert caught.value.retry_after == 3600
            assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("body", "encoding", "says"),
    [
        (b"\x0b\x02\x80{}\x03", "br", "its Content-Encoding is 'br', which the client did not ask for and cannot read"),
        (b"\x28\xb5\x2f\xfd", "zstd", "its Content-Encoding is 'zstd', which the client did not ask for"),
        (b"\xff\xfe", "X-Unknown", "its Content-Encoding is 'x-unknown', which the client did not ask for"),
        (OK, "gzip", "it does not have the Content-Encoding that it claims, gzip"),
        (packed(OK)[:-9], "gzip", "it broke off"),
        (zlib.compress(OK)[:-5], "deflate", "it broke off"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_success_in_an_encoding_that_cannot_be_read(body: bytes, encoding: str, says: str) -> None:
    """It is unreadable: a write may have run, and nobody asks again; the message does not blame the server wrongly."""
    async with (
        raw_server(http_response(body, 200, f"Content-Encoding: {encoding}")) as server,
        AsyncRefold("tk_test", base_url=server.base_url, retry=IMPATIENT, timeout=30) as refold,
    ):
        for kind, call in CALLS.items():
            server.seen.clear()
            with pytest.raises(APIResponseValidationError) as caught:
                await call(refold.account("user_1"))
            assert says in str(caught.value)
            assert caught.value.status_code == 200
            assert caught.value.effect == ("none" if kind == "read" else "unknown")
            assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (packed(OK), "gzip"),
        (packed(OK), "x-gzip"),
        (packed(OK), "GZIP"),
        (packed(OK) + bytes(9), "gzip"),
        (packed(OK[:9]) + packed(OK[9:]), "gzip"),
        (zlib.compress(OK), "deflate"),
        (zlib.compress(OK)[2:-4], "deflate"),
        (OK, "identity"),
        (OK, ""),
        (OK, "utf-8"),
        (b"\xef\xbb\xbf" + OK, "identity"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_success_that_can_be_read_all_the_same(body: bytes, encoding: str) -> None:
    """Padded, in several parts, with a byte order mark, or in an encoding that is named and not used."""
    async with (
        raw_server(http_response(body, 200, f"Content-Encoding: {encoding}")) as server,
        AsyncRefold("tk_test", base_url=server.base_url, retry=IMPATIENT, timeout=30) as refold,
    ):
        assert (await refold.account("user_1").execute_action("hubspot", "create_contact")).data == 1
        assert len(server.seen) == 1


async def test_a_success_followed_by_rubbish_is_not_lost() -> None:
    """The whole response came, and the connection is not used again."""
    async with (
        raw_server(http_response() + b"\0rubbish") as server,
        AsyncRefold("tk_test", base_url=server.base_url, retry=IMPATIENT, timeout=30) as refold,
    ):
        for number in (1, 2):
            assert (await refold.account("user_1").execute_action("hubspot", "create_contact")).data == 1
            assert len(server.seen) == number


async def test_half_a_success_followed_by_nothing_is_lost() -> None:
    """Only the whole of it is a success."""
    async with (
        raw_server(head(200, "Content-Length: 1000", "Content-Length: 5") + OK) as server,
        AsyncRefold("tk_test", base_url=server.base_url, retry=IMPATIENT, timeout=30) as refold,
    ):
        with pytest.raises(APIConnectionError) as caught:
            await refold.account("user_1").execute_action("hubspot", "create_contact")
        assert (caught.value.effect, len(server.seen)) == ("unknown", 1)


@pytest.mark.parametrize(
    "headers",
    [[f"Set-Cookie: session={'x' * 9000}"], ["Set-Cookie: a=b"] * 150, [f"X-{'a' * 9000}: b"]],
    ids=["a cookie of 9 KB", "150 cookies", "a long name"],
)
async def test_generous_headers_are_read(headers: list[str]) -> None:
    """What single sign-on, tracing and load balancers add is no reason to lose a response."""
    async with (
        raw_server(http_response(OK, 200, *headers)) as server,
        AsyncRefold("tk_test", base_url=server.base_url, retry=IMPATIENT, timeout=30) as refold,
    ):
        assert (await refold.account("user_1").execute_action("hubspot", "create_contact")).data == 1
        assert len(server.seen) == 1


@pytest.mark.parametrize(
    "headers",
    [[f"Set-Cookie: session={'x' * 5000}"], ["Set-Cookie: a=b"] * 129],
    ids=["one too long", "too many"],
)
async def test_headers_beyond_the_limit(headers: list[str]) -> None:
    """They are told by the option's name, nobody asks again, and what they hold is not shown."""
    async with (
        raw_server(http_response(OK, 200, *headers)) as server,
        AsyncRefold("tk_test", base_url=server.base_url, retry=IMPATIENT, max_header_bytes=4096) as refold,
    ):
        for kind, call in CALLS.items():
            server.seen.clear()
            with pytest.raises(APIResponseValidationError, match="max_header_bytes=4096") as caught:
                await call(refold.account("user_1"))
            assert caught.value.effect == ("none" if kind == "read" else "unknown")
            assert (len(server.seen), caught.value.attempts) == (1, 1)
            assert "session=" not in str(caught.value)


async def test_the_limit_of_headers_is_an_option() -> None:
    """A larger one reads more; one too small to read anything is refused."""
    async with (
        raw_server(
            http_response(OK, 200, f"Set-Cookie: session={'x' * 100_000}", *["Set-Cookie: a=b"] * 1500)
        ) as server,
        AsyncRefold("tk_test", base_url=server.base_url, max_header_bytes=128 * 1024) as refold,
    ):
        assert (await refold.account("user_1").execute_action("hubspot", "create_contact")).data == 1
    with pytest.raises(ConfigurationError, match="max_header_bytes"):
        AsyncRefold("tk_test", max_header_bytes=100)


async def test_a_proxy_is_not_the_server() -> None:
    """What a proxy answers before the request left is no status of the server's."""
    broken = http_response(b"go away", 404) + b"rubbish"
    async with raw_server(broken) as proxy:
        async with AsyncRefold(
            "tk_test", base_url="https://refold.invalid", proxy=proxy.base_url, retry=IMPATIENT
        ) as refold:
            for call in CALLS.values():
                with pytest.raises(RefoldError) as caught:
                    await call(refold.account("user_1"))
                assert not isinstance(caught.value, APIStatusError)
                assert caught.value.effect == "none"
        assert {request.partition(b" ")[0] for request in proxy.seen} == {b"CONNECT"}


@pytest.mark.parametrize("told", [b"HTTP/1.1 429 Too Many", b"HTTP/1.1 404 Not Found"])
@pytest.mark.parametrize("lent", [False, True])
async def test_what_reads_like_a_status_further_on(told: bytes, lent: bool) -> None:
    """What is refused in its second piece has begun in the first: the status is in that, and the call is lost."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nX-Upstream-Status: ")
        await writer.drain()
        await asyncio.sleep(0.05)  # for the other side to read
        writer.write(told + b"\r\nX-Bad: a\0b\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        await reader.read()

    connector = aiohttp.TCPConnector() if lent else None
    async with (
        serving(serve) as address,
        AsyncRefold("tk_test", base_url=f"http://{address}", retry=IMPATIENT, connector=connector) as refold,
    ):
        with pytest.raises(APIConnectionError) as caught:
            await refold.account("user_1").execute_action("hubspot", "create_contact")
    if connector is not None:
        await connector.close()
    assert (caught.value.effect, caught.value.attempts, len(seen)) == ("unknown", 1, 1)


def test_a_body_in_pieces() -> None:
    """However it is cut, it is the same; what is beyond the limit is not kept."""
    body = packed(OK * 1000)
    for size in (1, 7, 1000):
        content = ResponseBody("gzip", 100_000)
        assert all(content.take(body[start : start + size]) for start in range(0, len(body), size))
        assert content.end(whole=True) == OK * 1000
        assert content.body_error is None
    content = ResponseBody("gzip", 10)
    assert not content.take(body)
    assert content.end(whole=True) == OK[:10]
    assert content.body_error is not None
    assert content.body_error.startswith("it is longer than max_response_bytes=10: pass a larger limit")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 404",
        b"HTTP/1.1 404 No\r\nA: b\r\n",
        b"HTTP/1.1 40 No\r\n\r\n",
        b"{}",
        b"HTTP/1.1 100 C\r\n\r\n{}",
    ],
)
def test_what_has_no_whole_head(data: bytes) -> None:
    """It tells nothing."""
    assert read_head(data) is None
