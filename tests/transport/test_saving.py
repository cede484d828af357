"""Answers that are saved to files while they come: whole or not at all, over real sockets and onto real disks."""

import asyncio
import contextlib
import functools
import gzip
import os
import stat
import threading
import tracemalloc
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import anyio
import pytest

from refold_async import (
    AccountScope,
    ActionFailedError,
    ActionResult,
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    AsyncRefold,
    ConfigurationError,
    NotFoundError,
    RefoldError,
    RetryPolicy,
    SavedFile,
    Timeout,
)
from refold_async.testing import Answer, MockRefold
from support.raw_server import http_response, raw_server, serving
from support.retry_policies import IMPATIENT
from support.running_programs import run_program
from support.waiting import until

KILOBYTE: Final = 1024
MEGABYTE: Final = 1024 * KILOBYTE
PATH: Final = "/api/v2/public/tables"
PDF: Final = b"%PDF-1.7\xff\x00" * 100_000  # a megabyte, in several steps
CSV: Final = "text/csv; charset=utf-8"
BEFORE: Final = b"as it was before"

Save = Callable[[AccountScope, Path], Awaitable[SavedFile]]


async def by_request(account: AccountScope, path: Path) -> SavedFile:
    """Save what a read gives."""
    return await account.request("GET", PATH, save_to=path)


async def by_write(account: AccountScope, path: Path) -> SavedFile:
    """Save what a write gives."""
    return await account.request("POST", PATH, json={}, save_to=path)


async def by_action(account: AccountScope, path: Path) -> SavedFile:
    """Save what an action gives."""
    return (await account.execute_action("hubspot", "get_contact", save_to=path)).data


every_way: Final = pytest.mark.parametrize("save", [by_request, by_write, by_action])
both_ways: Final = pytest.mark.parametrize("save", [by_request, by_action])


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The path of a file that is there, and to be replaced, in a directory of its own."""
    path = tmp_path / "report.pdf"
    restore(path)
    return path


def restore(target: Path) -> None:
    """Have the file be what it was before."""
    target.write_bytes(BEFORE)


def content_of(target: Path) -> bytes:
    """Return what is in the file."""
    return target.read_bytes()


def size_of(target: Path) -> int:
    """Return the length of the file."""
    return target.stat().st_size


def mode_of(target: Path) -> int:
    """Return the permissions of the file."""
    return stat.S_IMODE(target.stat().st_mode)


def pdf(body: bytes = PDF, **options: Any) -> Answer:
    """Return an answer that is a file."""
    return Answer(200, body=body, content_type="application/pdf", **options)


def writing() -> list[threading.Thread]:
    """Return the threads that write files."""
    return [thread for thread in threading.enumerate() if thread.name == "refold_async save_to"]


def assert_untouched(target: Path) -> None:
    """Fail unless all is as it was before the call."""
    assert target.read_bytes() == BEFORE
    assert os.listdir(target.parent) == [target.name]
    assert not writing()


def assert_saved(saved: SavedFile, target: Path, content: bytes) -> None:
    """Fail unless there is the file, and nothing else."""
    assert target.read_bytes() == content
    assert (saved.path, saved.size) == (target, len(content))
    assert os.listdir(target.parent) == [target.name]
    assert not writing()


# Saved


@every_way
@pytest.mark.parametrize("body", [PDF, b"%PDF"], ids=len)
async def test_a_file(mock: MockRefold, account: AccountScope, target: Path, save: Save, body: bytes) -> None:
    """The body is in the file as it came, in place of what was there, however long or short it is."""
    mock.script(pdf(body))
    saved = await save(account, target)
    assert_saved(saved, target, body)
    assert saved.content_type == "application/pdf"
    assert len(mock.requests) == 1


async def test_a_result(mock: MockRefold, account: AccountScope, target: Path) -> None:
    """An action that gave a file succeeded."""
    mock.script(pdf(headers={"x-request-id": "req_1"}))
    result = await account.execute_action("hubspot", "get_contact", save_to=os.fspath(target))
    assert result == ActionResult("Success", SavedFile(target, len(PDF), "application/pdf"))
    assert result.request_id == "req_1"


async def test_an_empty_response(mock: MockRefold, account: AccountScope, target: Path) -> None:
    """`request()` makes an empty file of it; for an action, nothing is no result."""
    mock.script(Answer(204))
    assert await by_request(account, target) == SavedFile(target, 0, None)
    restore(target)
    with pytest.raises(APIResponseValidationError) as caught:
        await by_action(account, target)
    assert caught.value.effect == "unknown"
    assert_untouched(target)


async def test_where_a_file_goes(
    mock: MockRefold, account: AccountScope, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path is of the present directory; a link stays a link."""
    mock.script(pdf())
    monkeypatch.chdir(target.parent)
    assert (await by_request(account, Path("report.pdf"))).path == Path("report.pdf")
    assert content_of(target) == PDF
    link = target.parent / "link"
    link.symlink_to(target)
    restore(target)
    assert (await by_request(account, link)).path == link
    assert link.is_symlink()
    assert content_of(target) == PDF


async def test_who_may_read_it(mock: MockRefold, account: AccountScope, target: Path) -> None:
    """A new file has the permissions of any, one that is replaced keeps its own."""
    mock.script(pdf())
    umask = os.umask(0o027)
    try:
        os.chmod(target, 0o604)
        await by_request(account, target)
        new = target.parent / "new"
        await by_request(account, new)
    finally:
        os.umask(umask)
    assert [mode_of(target), mode_of(new)] == [0o604, 0o640]


@both_ways
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_compressed_file(
    mock: MockRefold, account: AccountScope, target: Path, save: Save, encoding: str
) -> None:
    """It is decompressed, also where little stands for much."""
    content = b"0" * (4 * MEGABYTE)
    packed = gzip.compress(content) if encoding == "gzip" else zlib.compress(content)
    mock.script(pdf(packed, headers={"Content-Encoding": encoding}))
    assert_saved(await save(account, target), target, content)


async def test_memory(target: Path) -> None:
    """A file of 50 MB takes none to speak of: it is far beyond `max_response_bytes`, and does not tell its length."""
    block = os.urandom(256 * KILOBYTE)
    blocks = 200

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nConnection: close\r\n\r\n")
        for _ in range(blocks):
            writer.write(block)
            await writer.drain()

    async with (
        serving(send) as address,
        AsyncRefold("tk_test", base_url=f"http://{address}", max_response_bytes=1000) as refold,
    ):
        tracemalloc.start()
        try:
            saved = await refold.request("GET", PATH, save_to=target)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert saved.size == size_of(target) == blocks * len(block)
    assert peak < 8 * MEGABYTE


async def test_connections_are_kept(target: Path) -> None:
    """A connection whose response was saved carries the next request; one whose response was not wanted does not."""
    async with (
        raw_server(
            lambda number: http_response(PDF if number < 3 else b"no gzip" * MEGABYTE, 200, *headers[number])
        ) as server,
        AsyncRefold("tk_test", base_url=server.base_url, retry=IMPATIENT) as refold,
    ):
        headers = {1: (), 2: (), 3: ("Content-Encoding: gzip",)}
        for _ in range(2):
            await refold.request("GET", PATH, save_to=target)
        assert (server.open_connections, len(server.seen)) == (1, 2)
        with pytest.raises(APIResponseValidationError):
            await refold.request("GET", PATH, save_to=target)
        await until(lambda: server.open_connections == 0)


# Refold's JSON


def result(data: Any, node_status: str = "Success") -> dict[str, Any]:
    """Return what Refold answers about an action."""
    return {"node_status": node_status, "data": data, "http_status": 200 if node_status == "Success" else 400}


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/octet-stream"])
async def test_a_text_in_json(mock: MockRefold, account: AccountScope, target: Path, content_type: str) -> None:
    """A text that Refold gives as an action's data is saved, whatever its answer is said to be."""
    answer = Answer(200, json=result("a;ü\n"), content_type=content_type)
    mock.script(answer)
    saved = await account.execute_action("hubspot", "get_contact", save_to=target)
    assert_saved(saved.data, target, "a;ü\n".encode())
    assert saved == ActionResult("Success", SavedFile(target, 5, None), 200)
    assert saved.raw == answer.json


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
@pytest.mark.parametrize(
    ("value", "error", "effect"),
    [
        (result("no", "Errored"), ActionFailedError, "none"),
        (result({"id": 1}), APIResponseValidationError, "done"),
        (result(None), APIResponseValidationError, "done"),
        (result("\ud800"), APIResponseValidationError, "done"),
        ({"node_status": 5}, APIResponseValidationError, "unknown"),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_json_that_is_no_file(
    mock: MockRefold,
    account: AccountScope,
    target: Path,
    content_type: str,
    value: Any,
    error: type[RefoldError],
    effect: str,
) -> None:
    """What Refold answers in JSON counts as ever, whatever its answer is said to be, and nothing is saved."""
    mock.script(Answer(200, json=value, content_type=content_type))
    with pytest.raises(error) as caught:
        await by_action(account, target)
    assert (caught.value.effect, len(mock.requests)) == (effect, 1)
    if effect == "done":
        assert isinstance(caught.value, APIResponseValidationError)
        assert caught.value.result is not None
        assert caught.value.result.data == value["data"]
        assert "so there is no file for save_to=: leave out save_to=. The data is in .result" in caught.value.message
        assert "into=" not in caught.value.message
    assert_untouched(target)


@pytest.mark.parametrize("body", [b"", b"[1]", b'{"message": "no"}', b'{"node_status', b"\xff"])
async def test_json_that_cannot_be_read(mock: MockRefold, account: AccountScope, target: Path, body: bytes) -> None:
    """What is said to be JSON is no file."""
    mock.script(Answer(200, body=body, content_type="application/json"))
    with pytest.raises(APIResponseValidationError) as caught:
        await by_action(account, target)
    assert caught.value.effect == "unknown"
    assert_untouched(target)


@pytest.mark.parametrize("body", [b'{"a": 1}\n{"a": 2}\n', b" {", b'\xef\xbb\xbf{"message": 1}', b'{"node_status"'])
async def test_a_file_that_begins_like_json(mock: MockRefold, account: AccountScope, target: Path, body: bytes) -> None:
    """A file may begin as Refold's answers do, or be JSON of another kind that is not said to be JSON."""
    mock.script(Answer(200, body=body, content_type="application/x-ndjson"))
    assert_saved(await by_action(account, target), target, body)


async def test_a_long_answer_in_json(mock: MockRefold, target: Path) -> None:
    """JSON is read into memory, and no more of it than is allowed; `request()` saves JSON as anything."""
    mock.script(Answer(200, json=result("x" * 2000)))
    async with AsyncRefold("tk_test", base_url=mock.base_url, max_response_bytes=1000) as refold:
        account = refold.account("user_12345")
        with pytest.raises(APIResponseValidationError, match="max_response_bytes") as caught:
            await by_action(account, target)
        assert caught.value.effect == "unknown"
        assert_untouched(target)
        assert (await by_request(account, target)).content_type == "application/json; charset=utf-8"
        assert len(content_of(target)) > 2000


PAGE: Final = "<!doctype html><h1>Sign in</h1>"


@pytest.mark.parametrize(
    ("answer", "is_file"),
    [
        (Answer(200, body=PAGE), False),
        (Answer(200, body=PAGE, content_type="application/xhtml+xml"), False),
        (Answer(200, body=PAGE, headers={"Content-Disposition": 'inline; filename="a.html"'}), False),
        (Answer(200, body=PAGE, headers={"Content-Disposition": 'Attachment; filename="a.html"'}), True),
        (Answer(200, body=PAGE.encode()), False),
        (Answer(200, body=PAGE, content_type="text/plain"), False),
    ],
)
async def test_pages(mock: MockRefold, account: AccountScope, target: Path, answer: Answer, is_file: bool) -> None:
    """A page in place of an action's result tells nothing of the action, unless it is offered for download."""
    mock.script(answer)
    for into, save_to in ((bytes, None), (None, target)):
        execute: Any = account.execute_action
        call = functools.partial(execute, "hubspot", "create_contact", into=into, save_to=save_to)
        if is_file:
            assert (await call({"email": "a@b.c"})).node_status == "Success"
            continue
        with pytest.raises(APIResponseValidationError, match="Sign in") as caught:
            await call({"email": "a@b.c"})
        assert caught.value.effect == "unknown"
        assert_untouched(target)
    assert await account.request("GET", PATH, into=bytes) == PAGE.encode()
    assert (await by_request(account, target)).size == len(PAGE)


# Not saved


@every_way
async def test_error_statuses(mock: MockRefold, account: AccountScope, target: Path, save: Save) -> None:
    """An error status is that error, whatever the type of its body."""
    mock.script(Answer(404, body=b"%PDF", content_type="application/pdf"))
    with pytest.raises(NotFoundError, match="%PDF") as caught:
        await save(account, target)
    assert caught.value.effect == "none"
    assert_untouched(target)


@every_way
@pytest.mark.parametrize(
    ("body", "encoding", "told"),
    [
        (gzip.compress(PDF)[:-1], "gzip", "broke off"),
        (b"no gzip", "gzip", "Content-Encoding that it claims"),
        (PDF, "br", "'br'"),
    ],
)
async def test_encodings_that_cannot_be_read(
    mock: MockRefold, account: AccountScope, target: Path, save: Save, body: bytes, encoding: str, told: str
) -> None:
    """A body that cannot be decompressed, or not to its end, is unreadable like any."""
    mock.script(pdf(body, headers={"Content-Encoding": encoding}))
    with pytest.raises(APIResponseValidationError, match=told) as caught:
        await save(account, target)
    assert caught.value.effect == ("none" if save is by_request else "unknown")
    assert len(mock.requests) == 1
    assert_untouched(target)


async def test_a_cut_body_is_read_again(mock: MockRefold, account: AccountScope, target: Path) -> None:
    """A read whose body breaks off is sent again, and saved from the start."""
    truncated = [http_response(PDF, 200, "Content-Type: application/pdf")[:-half] for half in (1, len(PDF) // 2)]
    async with (
        raw_server(lambda number: [*truncated, http_response(PDF[::-1])][number - 1], close=True) as server,
        AsyncRefold("tk_test", base_url=server.base_url, retry=IMPATIENT) as refold,
    ):
        saved = await refold.request("GET", PATH, save_to=target)
        assert_saved(saved, target, PDF[::-1])
        assert len(server.seen) == 3


@pytest.mark.parametrize("idempotent", [False, True])
async def test_a_cut_body_of_an_action(target: Path, idempotent: bool) -> None:
    """A write whose body breaks off may have run, and is not sent again unless that does no harm."""
    cut = http_response(PDF, 200, "Content-Type: application/pdf")[:-1]
    async with (
        raw_server(cut, close=True) as server,
        AsyncRefold("tk_test", base_url=server.base_url, retry=IMPATIENT) as refold,
    ):
        with pytest.raises(APIConnectionError) as caught:
            await refold.account("a").execute_action("hubspot", "x", save_to=target, idempotent=idempotent)
        assert (caught.value.effect, len(server.seen)) == ("unknown", 3 if idempotent else 1)
    assert_untouched(target)


@contextlib.asynccontextmanager
async def stalling(content_type: str = "application/pdf") -> AsyncGenerator[str]:
    """Serve a file that stops half way, and give the URL."""

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(http_response(PDF, 200, f"Content-Type: {content_type}")[: -len(PDF) // 4])
        await reader.read()

    async with serving(send) as address:
        yield f"http://{address}"


def half_written(target: Path) -> bool:
    """Tell whether there is a part of a file beside the one to replace."""
    return len(os.listdir(target.parent)) == 2 and target.read_bytes() == BEFORE


@every_way
async def test_cancelled_meanwhile(target: Path, save: Save) -> None:
    """Whoever is cancelled leaves no file, no part of one, no thread and no connection."""
    async with stalling() as url, AsyncRefold("tk_test", base_url=url) as refold:
        call = asyncio.ensure_future(save(refold.account("user_1"), target))
        await until(lambda: half_written(target))
        call.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await call
        assert_untouched(target)
    assert ("may have run" in str(getattr(caught.value, "__notes__", ""))) == (save is not by_request)


async def test_cancelled_by_anyio(target: Path) -> None:
    """So does who is cancelled again in every turn of the loop."""
    async with stalling() as url, AsyncRefold("tk_test", base_url=url) as refold:
        with anyio.CancelScope() as scope:
            async with asyncio.TaskGroup() as group:
                group.create_task(until(lambda: half_written(target))).add_done_callback(lambda _: scope.cancel())
                try:
                    await by_request(refold.account("user_1"), target)
                finally:
                    assert_untouched(target)
        assert scope.cancelled_caught


@every_way
@pytest.mark.parametrize("limit", ["attempt", "total"])
async def test_deadlines(target: Path, save: Save, limit: str) -> None:
    """A file that does not come in time leaves nothing either."""
    timeout = Timeout(**{limit: 0.2})
    async with (
        stalling() as url,
        AsyncRefold("tk_test", base_url=url, timeout=timeout, retry=RetryPolicy(max_retries=0)) as refold,
    ):
        call = asyncio.ensure_future(save(refold.account("user_1"), target))
        await until(lambda: half_written(target) or call.done())
        with pytest.raises(APITimeoutError, match=rf"Timeout\.{limit}") as caught:
            await call
        assert_untouched(target)
    assert caught.value.effect == ("none" if save is by_request else "unknown")
    came = len(PDF) - len(PDF) // 4
    assert f"was not complete within 0.2 seconds (Timeout.{limit}): {came:,} bytes" in str(caught.value)
    assert "pass a larger timeout=" in str(caught.value)


async def test_closing_the_client_meanwhile(target: Path) -> None:
    """Closing the client waits for no file."""
    async with stalling() as url:
        refold = AsyncRefold("tk_test", base_url=url)
        call = asyncio.ensure_future(by_write(refold.account("user_1"), target))
        await until(lambda: half_written(target))
        await refold.aclose()
        with pytest.raises(APIConnectionError, match="closed") as caught:
            await call
    assert caught.value.effect == "unknown"
    assert_untouched(target)


async def test_cancelled_twice(target: Path) -> None:
    """Whoever is cancelled again while the file is removed waits for nothing; the thread removes it."""
    async with stalling() as url, AsyncRefold("tk_test", base_url=url) as refold:
        call = asyncio.ensure_future(by_request(refold.account("user_1"), target))
        await until(lambda: half_written(target))
        assert len(writing()) == 1
        call.cancel()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    await until(lambda: not writing())
    assert_untouched(target)


async def test_other_calls_go_on(mock: MockRefold, account: AccountScope, tmp_path: Path) -> None:
    """Many files are saved at once, each to its own place, and one to a place that others are saved to."""
    mock.script(pdf())
    paths = [tmp_path / f"{number % 10}.pdf" for number in range(20)]
    saved = await asyncio.gather(*(by_request(account, path) for path in paths))
    assert [one.path for one in saved] == paths
    assert {path.read_bytes() for path in paths} == {PDF}
    assert len(os.listdir(tmp_path)) == 10
    assert not writing()


# Disks


@every_way
async def test_a_directory_that_goes_away(tmp_path: Path, save: Save) -> None:
    """What cannot be written is told with its path and the reason; a write may have run."""
    directory = tmp_path / "directory"
    directory.mkdir()

    def answer(number: int) -> bytes:
        directory.rmdir()
        return http_response(PDF, 200, "Content-Type: application/pdf", "X-Trace-ID: req_1")

    async with raw_server(answer) as server, AsyncRefold("tk_test", base_url=server.base_url) as refold:
        with pytest.raises(APIResponseValidationError) as caught:
            await save(refold.account("user_1"), directory / "report.pdf")
        assert len(server.seen) == 1
    error = caught.value
    assert f"save_to={str(directory / 'report.pdf')!r} could not be written: No such file or directory" in str(error)
    assert (error.effect, error.attempts, error.status_code) == ("none" if save is by_request else "unknown", 1, 200)
    assert error.request_id == "req_1"
    assert error.__cause__ is None
    assert error.__context__ is None
    assert not writing()


async def test_a_text_in_json_that_cannot_be_written(tmp_path: Path) -> None:
    """The action ran, and its data is in the error."""
    directory = tmp_path / "directory"
    directory.mkdir()

    def answer(number: int) -> bytes:
        directory.rmdir()
        body = b'{"node_status": "Success", "data": "a,b", "http_status": 200}'
        return http_response(body, 200, "Content-Type: application/json")

    async with raw_server(answer) as server, AsyncRefold("tk_test", base_url=server.base_url) as refold:
        with pytest.raises(APIResponseValidationError, match="succeeded, but its data was not saved") as caught:
            await by_action(refold.account("user_1"), directory / "report.csv")
    assert (caught.value.effect, caught.value.attempts) == ("done", 1)
    assert caught.value.result is not None
    assert caught.value.result.data == b"a,b"


FULL_DISK: Final = """
import asyncio, os, resource, sys
from pathlib import Path
from refold_async import AsyncRefold, RefoldError

async def main(url, directory):
    target = Path(directory, "report.pdf")
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
    async with AsyncRefold("tk_test", base_url=url) as refold:
        try:
            await refold.account("user_1").execute_action("hubspot", "get_contact", save_to=target)
        except RefoldError as error:
            print(type(error).__name__, error.effect, error.attempts, error)
    print(os.listdir(directory), target.read_bytes())

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_full_disk(mock: MockRefold, target: Path) -> None:
    """A disk that is full when a part is written leaves the old file, and nothing of the new one."""
    mock.script(pdf())
    ran = await run_program("-c", FULL_DISK, mock.base_url, os.fspath(target.parent))
    assert ran.complaints == ""
    told, left = ran.output.splitlines()
    assert told.startswith("APIResponseValidationError unknown 1 ")
    assert f"save_to={str(target)!r} could not be written: File too large." in told
    assert left == f"['report.pdf'] {BEFORE!r}"
    assert len(mock.requests) == 1


# What is refused


def no_path(target: Path) -> Any:
    """Return the path of nothing in nothing."""
    return target / "report.pdf"


REFUSED: Final[dict[str, tuple[Callable[[Path], Any], str]]] = {
    "no directory": (lambda target: target.parent / "none" / "report.pdf", "there is no directory"),
    "a file for a directory": (no_path, "there is no directory"),
    "a directory": (lambda target: target.parent, "it is a directory"),
    "a directory by its name": (lambda target: f"{target}/", "does not name a file"),
    "a device": (lambda target: "/dev/full", "not a regular file"),
    "nothing": (lambda target: "", "does not name a file"),
    "a NUL": (lambda target: f"{target}\0", "null"),
    "a long name": (lambda target: target.parent / ("x" * 300), "too long"),
    "bytes": (os.fsencode, "save_to must be a path"),
    "a number": (lambda target: 5, "save_to must be a path"),
    "an open file": (lambda target: contextlib.nullcontext(), "save_to must be a path"),
}


@every_way
@pytest.mark.parametrize(("make", "told"), REFUSED.values(), ids=REFUSED)
async def test_impossible_paths(
    mock: MockRefold, account: AccountScope, target: Path, save: Save, make: Callable[[Path], Any], told: str
) -> None:
    """A path at which no file can be made is refused before anything is sent."""
    with pytest.raises(ConfigurationError, match=r"^save_to") as caught:
        await save(account, make(target))
    assert told in caught.value.message
    assert not mock.requests
    assert_untouched(target)


async def test_places_that_are_read_only(mock: MockRefold, account: AccountScope, unprivileged: Path) -> None:
    """So is a directory that may not be written to, and a file that may not."""
    target = unprivileged / "report.pdf"
    restore(target)
    os.chmod(target, 0o444)
    with pytest.raises(ConfigurationError, match="it is read-only"):
        await by_action(account, target)
    os.chmod(target, 0o644)
    os.chmod(unprivileged, 0o555)
    try:
        with pytest.raises(ConfigurationError, match="is not writable"):
            await by_action(account, target)
    finally:
        os.chmod(unprivileged, 0o755)
    assert not mock.requests
    assert_untouched(target)


@pytest.mark.parametrize("into", [bytes, list[int]])
async def test_into_and_save_to(mock: MockRefold, account: AccountScope, target: Path, into: Any) -> None:
    """An answer is saved or returned, not both."""
    untyped: Any = account
    for call in (
        untyped.request("GET", PATH, into=into, save_to=target),
        untyped.execute_action("hubspot", "x", into=into, save_to=target),
    ):
        with pytest.raises(ConfigurationError, match="into= and save_to= cannot be combined"):
            await call
    assert not mock.requests
