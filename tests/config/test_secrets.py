"""No error, repr or log line shows an API key, a session token or proxy credentials."""

import asyncio
import logging
import pickle
import traceback
from collections.abc import Awaitable, Callable

import pytest

from refold_async import AccountScope, AsyncRefold, RateLimitError, RefoldError, RetryPolicy, Timeout
from refold_async.protocol.responses import Response
from refold_async.testing import Answer, MockRefold, Reset, Silence
from support.retry_policies import IMPATIENT
from support.waiting import until

KEY = "tk_the_secret_key"
PROXY_PASSWORD = "hunter2"


def everything_said(error: BaseException | None) -> str:
    """Return all that an error and all errors behind it say, in every way Python shows errors."""
    said = "" if error is None else "".join(traceback.format_exception(error))
    while error is not None:
        said += repr(error) + str(error) + repr(error.args) + repr(getattr(error, "__notes__", ""))
        said += repr({name: value for name, value in vars(error).items() if name not in {"headers", "body"}})
        error = error.__cause__ or error.__context__
    return said


def warnings_of_ours(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings in the log. On a slow machine asyncio complains beside them."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("refold_async") and record.levelname == "WARNING"
    ]


TROUBLES = {
    "refused": None,
    "reset": Reset("after"),
    "silence": Silence(),
    "unauthorised": Answer(401, json={"message": f"Invalid API key {KEY}", "error_code": "UNAUTHORIZED"}),
    "html": Answer(502, body=f"<html>{KEY}</html>"),
    "unreadable": Answer(200, body="{"),
    "no result": Answer(200, json={"data": 1}),
}


@pytest.mark.parametrize("proxied", [False, True])
@pytest.mark.parametrize("name", TROUBLES)
async def test_no_error_shows_a_secret(
    mock: MockRefold, caplog: pytest.LogCaptureFixture, name: str, proxied: bool
) -> None:
    """Neither errors of any kind, nor those they are chained to, nor the log at DEBUG show a secret."""
    caplog.set_level(logging.DEBUG)
    trouble = TROUBLES[name]
    if trouble is not None:
        mock.script(trouble)
    token = mock.session_token("user_12345")
    base_url = mock.base_url if trouble is not None else "http://127.0.0.1:1"
    proxy = f"http://proxyuser:{PROXY_PASSWORD}@127.0.0.1:1" if proxied else None
    async with AsyncRefold(
        KEY, base_url=base_url, proxy=proxy, retry=IMPATIENT, timeout=Timeout(total=1, attempt=0.05)
    ) as refold:
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: refold.account("user_12345").list_actions("hubspot"),
            lambda: refold.account("user_12345").execute_action("hubspot", "get_contact"),
            lambda: refold.account_from_session_token(token).execute_action("hubspot", "get_contact"),
            lambda: refold.request("GET", "/api/v2/public/linked-account", into=list[int]),
        ]
        said = repr(refold) + repr(refold.account("user_12345")) + repr(refold.account_from_session_token(token))
        for call in calls:
            with pytest.raises(RefoldError) as caught:
                await call()
            assert caught.value.__context__ is None
            assert not type(caught.value.__cause__).__module__.startswith("aiohttp")
            restored = pickle.loads(pickle.dumps(caught.value))
            assert str(restored) == str(caught.value)
            said += everything_said(caught.value) + everything_said(restored)
    said += "".join(record.getMessage() for record in caplog.records if record.name.startswith("refold_async"))
    for secret in (KEY, token, "proxyuser", PROXY_PASSWORD):
        assert secret not in said


@pytest.mark.parametrize("status", [200, 401, 502])
async def test_a_secret_that_a_response_quotes_is_taken_out_whole(mock: MockRefold, status: int) -> None:
    """Neither the message nor the body kept with an error shows a key, not even the part before a cut."""
    mock.script(Answer(status, body="x" * 280 + KEY + "y" * 30_000))
    async with AsyncRefold(KEY, base_url=mock.base_url, retry=IMPATIENT) as refold:
        with pytest.raises(RefoldError) as caught:
            await refold.account("user_12345").execute_action("hubspot", "get_contact")
    assert "tk_the" not in str(caught.value) + repr(vars(caught.value))


async def test_an_error_keeps_neither_secrets_nor_more_than_it_shows(mock: MockRefold) -> None:
    """Headers and JSON that quote a token are cleaned too, a class is not changed by that, and long pages are freed."""
    token = mock.session_token("user_12345")
    mock.script(
        Answer(429, json={"message": f"slow down, {token}", "error_code": token}, headers={"X-Echo": token}), calls=1
    )
    mock.script(Answer(500, body="<html>" + "x" * (4 * 1024 * 1024)))
    async with AsyncRefold(base_url=mock.base_url, retry=RetryPolicy(max_retries=0)) as refold:
        account = refold.account_from_session_token(token)
        with pytest.raises(RateLimitError) as limited:
            await account.execute_action("hubspot", "get_contact")
        with pytest.raises(RefoldError) as page:
            await account.execute_action("hubspot", "get_contact")
    error = limited.value
    assert token not in str(error) + str(error.body) + str(error.headers) + str(error.error_code)
    assert error.headers["x-echo"] == "***"
    _, *frames = (frame for frame, _ in traceback.walk_tb(page.value.__traceback__))
    held = [value for frame in frames for value in frame.f_locals.values()]
    assert not any(isinstance(value, Response | list | bytes) for value in held)  # a body, whole or in pieces


async def test_a_write_cancelled_between_attempts_that_did_not_run(
    account: AccountScope, mock: MockRefold, caplog: pytest.LogCaptureFixture
) -> None:
    """A write that Refold refused with its 429 did not run, so cancelling it before the next attempt says nothing."""
    caplog.set_level(logging.INFO, logger="refold_async")
    mock.script(Answer(429, retry_after=30))
    task = asyncio.ensure_future(account.execute_action("hubspot", "create_contact", {"email": "a@b.c"}))
    await until(lambda: "HTTP 429; retry in" in caplog.text)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert not hasattr(caught.value, "__notes__")
    assert not warnings_of_ours(caplog)


async def test_the_log_tells_attempts_and_retries(
    account: AccountScope, mock: MockRefold, caplog: pytest.LogCaptureFixture
) -> None:
    """One line per attempt at DEBUG, one per retry and one for the end of the call at INFO, and nothing else."""
    caplog.set_level(logging.DEBUG, logger="refold_async")
    mock.script(Answer(503), calls=[1, 2])
    await account.list_actions("hubspot")
    lines = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "refold_async"]
    assert [level for level, _ in lines] == ["DEBUG", "INFO", "DEBUG", "INFO", "DEBUG", "INFO"]
    assert "attempt 1: 503" in lines[0][1]
    assert "attempt 1: HTTP 503; retry in 0.00 s" in lines[1][1]
    assert "attempt 3: 200" in lines[4][1]
    assert "ok: HTTP 200, 3 attempts" in lines[5][1]
    assert all("GET /api/v2/integration-schema/hubspot/actions" in line and "user_12345" in line for _, line in lines)


@pytest.mark.parametrize("write", [False, True])
async def test_a_cancelled_write_leaves_word(
    account: AccountScope, mock: MockRefold, caplog: pytest.LogCaptureFixture, write: bool
) -> None:
    """A write cancelled after it left is told in a note on the CancelledError and a WARNING; a read is not."""
    mock.script(Silence())
    call: Awaitable[object] = (
        account.execute_action("hubspot", "create_contact", {"email": "a@b.c"})
        if write
        else account.list_actions("hubspot")
    )
    task = asyncio.ensure_future(call)
    await until(lambda: mock.in_flight)
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    notes = getattr(caught.value, "__notes__", [])
    assert [("It may have run" in note) for note in notes] == [True] * write
    assert len(warnings_of_ours(caplog)) == write


async def test_a_write_cancelled_before_it_left_says_nothing(
    mock: MockRefold, caplog: pytest.LogCaptureFixture
) -> None:
    """A write cancelled while it waits for a connection did not happen."""
    mock.script(Silence())
    async with AsyncRefold("tk_test", base_url=mock.base_url, max_connections=1) as refold:
        holder = asyncio.create_task(refold.account("holder").list_actions("hubspot"))
        await until(lambda: mock.requests)
        write = asyncio.create_task(refold.account("user_12345").execute_action("hubspot", "create_contact"))
        await asyncio.sleep(0.01)
        write.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await write
        assert not hasattr(caught.value, "__notes__")
        holder.cancel()
        await asyncio.wait([holder])
    assert not warnings_of_ours(caplog)
    assert len(mock.requests) == 1
