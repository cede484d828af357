"""Responses of every kind and size, over real sockets."""

import gzip
import json
import tracemalloc
import zlib

import pytest

from refold_async import (
    AccountScope,
    APIResponseValidationError,
    AsyncRefold,
    InternalServerError,
    NotFoundError,
    RefoldError,
)
from refold_async.testing import Answer, MockRefold
from support.retry_policies import IMPATIENT

MEGABYTE = 1024 * 1024


def test_limit_of_responses() -> None:
    """The limit by default is 64 MiB."""
    import inspect

    assert inspect.signature(AsyncRefold).parameters["max_response_bytes"].default == 64 * MEGABYTE


async def test_an_html_error(account: AccountScope, mock: MockRefold) -> None:
    """The status counts before the content type; the page is shortened in the message and the body."""
    mock.script(Answer(502, body="<html><h1>Bad Gateway</h1>" + "x" * 100_000 + "</html>"))
    with pytest.raises(InternalServerError, match="Bad Gateway") as caught:
        await account.list_actions("hubspot")
    assert len(str(caught.value)) < 1_000
    assert isinstance(caught.value.body, str)
    assert len(caught.value.body) < 11_000


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"null", b"[]", b'"text"', b"{"])
async def test_an_error_with_any_body(account: AccountScope, mock: MockRefold, body: bytes) -> None:
    """Whatever the body, a 404 is a NotFoundError."""
    mock.script(Answer(404, body=body, content_type="application/json"))
    with pytest.raises(NotFoundError, match="'hubspot'"):
        await account.list_actions("hubspot")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "its body is empty"),
        (b"<html>Welcome</html>", "Welcome"),
        (b'{"node_status": "Success"', "not JSON"),
        (b'{"node_status": "Success", "data": "\xff"}', "UTF-8"),
        (b'{"node_status": "Success", "data": NaN}', "not JSON"),
        (b"[1, 2]", "node_status"),
        (b'{"data": {}}', "node_status"),
        (b'{"node_status": 5}', "node_status"),
        (b"[" * 100_000, "not JSON"),
    ],
)
async def test_a_success_that_cannot_be_read(account: AccountScope, mock: MockRefold, body: bytes, told: str) -> None:
    """A 2xx response that is no result is an error of its own; a write may have happened and is not sent again."""
    mock.script(Answer(200, body=body, content_type="application/json"))
    with pytest.raises(APIResponseValidationError, match=told) as caught:
        await account.execute_action("hubspot", "create_contact", {"email": "a@b.c"}, idempotent=True)
    assert (caught.value.effect, len(mock.requests)) == ("unknown", 1)


async def test_the_499th_of_500_actions(account: AccountScope, mock: MockRefold) -> None:
    """The error names the path of the bad field, wherever it is."""
    actions = [{"action_id": f"a{number}"} for number in range(500)]
    del actions[498]["action_id"]
    mock.script(Answer(200, json=actions))
    with pytest.raises(APIResponseValidationError, match=r"required field missing @ actions\[498\]\.action_id"):
        await account.list_actions("hubspot")


async def test_a_response_at_the_limit_and_one_beyond_it(mock: MockRefold) -> None:
    """A response of exactly max_response_bytes is read; one byte more is refused, told and untold lengths alike."""
    body = b'{"node_status":"Success","data":"' + b"x" * 1000 + b'"}'
    mock.script(Answer(200, body=body, content_type="application/json"))
    for limit in (len(body), len(body) - 1):
        async with AsyncRefold("tk_test", base_url=mock.base_url, max_response_bytes=limit, retry=IMPATIENT) as refold:
            call = refold.account("user_12345").execute_action("hubspot", "get_contact")
            if limit == len(body):
                assert len((await call).data) == 1000
            else:
                with pytest.raises(APIResponseValidationError, match="max_response_bytes") as caught:
                    await call
                assert caught.value.effect == "unknown"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_compressed_response(account: AccountScope, mock: MockRefold, encoding: str) -> None:
    """Compressed responses are understood."""
    body = json.dumps({"node_status": "Success", "data": ["x"] * 1000}).encode()
    packed = gzip.compress(body) if encoding == "gzip" else zlib.compress(body)
    mock.script(Answer(200, body=packed, headers={"Content-Encoding": encoding}, content_type="application/json"))
    assert (await account.execute_action("hubspot", "get_contact")).data == ["x"] * 1000


@pytest.mark.parametrize("status", [200, pytest.param(500, marks=pytest.mark.slow)])
async def test_a_decompression_bomb(mock: MockRefold, status: int) -> None:
    """A small response that unpacks to 128 MiB is stopped at the limit, in bounded memory."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([packer.compress(b" " * MEGABYTE) for _ in range(128)]) + packer.flush()
    assert len(bomb) < MEGABYTE
    mock.script(Answer(status, body=bomb, headers={"Content-Encoding": "gzip"}, content_type="application/json"))
    limit = 4 * MEGABYTE
    async with AsyncRefold("tk_test", base_url=mock.base_url, max_response_bytes=limit, retry=IMPATIENT) as refold:
        tracemalloc.start()
        try:
            with pytest.raises(RefoldError):
                await refold.account("user_12345").execute_action("hubspot", "get_contact")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 32 * MEGABYTE


async def test_an_encoding_that_does_not_hold(account: AccountScope, mock: MockRefold) -> None:
    """A 2xx response that cannot be decompressed is unreadable, like one that is no JSON."""
    mock.script(Answer(200, body=b"no gzip", headers={"Content-Encoding": "gzip"}, content_type="application/json"))
    with pytest.raises(APIResponseValidationError, match="Content-Encoding") as read:
        await account.list_actions("hubspot")
    with pytest.raises(APIResponseValidationError, match="Content-Encoding") as write:
        await account.execute_action("hubspot", "get_contact", idempotent=True)
    assert (read.value.effect, write.value.effect, len(mock.requests)) == ("none", "unknown", 2)


@pytest.mark.parametrize("status", [200, 500])
async def test_a_large_response_that_is_no_json(mock: MockRefold, status: int) -> None:
    """A long page is not decoded over and over for an error that keeps its beginning."""
    body = "<html>😀".encode() + b"x" * (16 * MEGABYTE)
    mock.script(Answer(status, body=body))
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=IMPATIENT) as refold:
        tracemalloc.start()
        try:
            with pytest.raises(RefoldError, match="<html>"):
                await refold.account("user_12345").execute_action("hubspot", "get_contact")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 8 * len(body)


async def test_a_large_write(account: AccountScope, mock: MockRefold) -> None:
    """A body of several megabytes goes out whole and without a warning."""
    text = "x" * (3 * MEGABYTE)
    await account.execute_action("hubspot", "create_contact", {"email": "a@b.c", "note": text})
    assert mock.requests[-1].json["note"] == text


async def test_a_large_response(account: AccountScope, mock: MockRefold) -> None:
    """A response of several megabytes comes in whole."""
    rows = [{"id": number, "text": "x" * 100} for number in range(30_000)]
    mock.script(Answer(200, json={"node_status": "Success", "data": rows}))
    assert (await account.execute_action("hubspot", "get_contact", into=list[dict[str, object]])).data == rows
