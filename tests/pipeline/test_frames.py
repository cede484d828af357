"""No frame of a traceback that users see holds a secret in the clear: error reporters show every local variable."""

import asyncio
import base64
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest

from refold_async import AsyncRefold, RefoldError, RetryPolicy, Timeout, webhooks
from refold_async.errors import APIResponseValidationError, ConfigurationError, WebhookSignatureError
from refold_async.resources.credentials import Credentials
from refold_async.testing import Answer, MockRefold, Silence
from support.raw_server import serving
from support.reporters import REPORTERS
from support.retry_policies import IMPATIENT
from support.waiting import until

# Put together where they are, because reporters show the source beside the frames too. So long that some cut them.
KEY: Final = "tk_" + "5ecre7" * 20
TOKEN: Final = "st_" + "70ke9" * 24
REFRESH_TOKEN: Final = "rt_" + "4e5h" * 24
PASSWORD: Final = "pw/" + "9a55" * 5
QUOTED_PASSWORD: Final = PASSWORD.replace("/", "%2F")
BASIC: Final = base64.b64encode(f"proxyuser:{PASSWORD}".encode()).decode()
FRAGMENTS: Final = [secret[:12] for secret in (KEY, TOKEN, REFRESH_TOKEN, PASSWORD, QUOTED_PASSWORD, BASIC)]
NEVER: Final = "http://127.0.0.1:1"
ONE_ATTEMPT: Final = RetryPolicy(max_retries=0)

Scene = Callable[[MockRefold], Awaitable[object]]


def proxy_at(address: str) -> str:
    """Return the URL of a proxy with credentials."""
    return f"http://proxyuser:{QUOTED_PASSWORD}@{address}"


def client(base_url: str = NEVER, **options: Any) -> AsyncRefold:
    """Make a client with the key."""
    options.setdefault("retry", ONE_ATTEMPT)
    return AsyncRefold(KEY, base_url=base_url, **options)


@contextlib.asynccontextmanager
async def serving_bytes(*pieces: bytes) -> AsyncGenerator[str]:
    """Serve these bytes in response to whatever begins, and then nothing; give the address."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        await reader.read()

    async with serving(respond) as address:
        yield address


async def cancelled(call: Awaitable[object], when: Callable[[], object] | None = None) -> None:
    """Cancel a call on its way: the TimeoutError of a block around it is chained to what the frames held."""
    if when is None:
        async with asyncio.timeout(0.05):
            await call
        return
    task = asyncio.ensure_future(call)
    await until(when)
    task.cancel()
    await task


async def unauthorised(mock: MockRefold) -> None:
    """Refold refuses the key."""
    mock.script(Answer(401, json={"message": "no"}))
    async with client(mock.base_url) as refold:
        await refold.account("user_12345").execute_action("hubspot", "get_contact")


async def unauthorised_token(mock: MockRefold) -> None:
    """Refold refuses a token."""
    mock.script(Answer(401, json={"message": "no"}))
    async with client(mock.base_url) as refold:
        await refold.account_from_session_token(TOKEN).execute_action("hubspot", "get_contact")


async def html(mock: MockRefold) -> None:
    """A gateway answers with the key in its page."""
    mock.script(Answer(502, body=f"<p>{KEY}"))
    async with client(mock.base_url, retry=IMPATIENT) as refold:
        await refold.request("GET", "/api/v2/public/linked-account")


async def silence(mock: MockRefold) -> None:
    """No response comes in time."""
    mock.script(Silence())
    async with client(mock.base_url, timeout=Timeout(attempt=0.05)) as refold:
        await refold.account("user_12345").list_actions("hubspot")


async def refused(_: MockRefold) -> None:
    """Nothing listens."""
    async with client() as refold:
        await refold.account("user_12345").execute_action("hubspot", "get_contact")


async def refused_by_the_proxy(mock: MockRefold) -> None:
    """No proxy listens."""
    async with client(mock.base_url, proxy=proxy_at("127.0.0.1:1")) as refold:
        await refold.account_from_session_token(TOKEN).list_actions("hubspot")


async def proxy_asks_for_a_password(_: MockRefold) -> None:
    """The proxy refuses the CONNECT."""
    async with (
        serving_bytes(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n") as address,
        client("https://127.0.0.1:1", proxy=proxy_at(address)) as refold,
    ):
        await refold.account("user_12345").list_actions("hubspot")


async def misfit(mock: MockRefold) -> None:
    """The data does not fit."""
    mock.script(Answer(200, json={"node_status": "Success", "data": {"quoted": KEY}}))
    async with client(mock.base_url) as refold:
        await refold.account("user_12345").execute_action("hubspot", "get_contact", into=list[int])


async def action_failed(mock: MockRefold) -> None:
    """The action fails."""
    mock.script(Answer(200, json={"node_status": "Errored", "data": {"message": KEY}, "http_status": 400}))
    async with client(mock.base_url) as refold:
        await refold.account("user_12345").execute_action("hubspot", "get_contact")


async def fan_out(mock: MockRefold) -> None:
    """All items of a job fail."""
    mock.script(Answer(400, json={"message": "no"}))
    async with client(mock.base_url) as refold:
        scopes = [refold.account("user_12345"), refold.account_from_session_token(TOKEN, linked_account_id="user_2")]
        report = await refold.fan_out(scopes, lambda scope, _: scope.list_actions("hubspot")).collect()
    report.raise_for_errors()


async def token_not_fetched(mock: MockRefold) -> None:
    """No token can be had."""
    mock.script(Answer(500))
    async with client(mock.base_url) as refold:
        await refold.session_tokens.account("user_12345").list_actions("hubspot")


async def token_not_readable(mock: MockRefold) -> None:
    """What came for a token cannot be sent."""
    mock.script(Answer(200, json={"token": TOKEN + "\n", "refresh_token": REFRESH_TOKEN}))
    async with client(mock.base_url) as refold:
        await refold.session_tokens.account("user_12345").list_actions("hubspot")


async def token_cut_off(mock: MockRefold) -> None:
    """The response with a token stops half way, and the call is cancelled."""
    # An encoding is told so that the client reads it in pieces.
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 999\r\n\r\n"
    async with (
        serving_bytes(head, b'{"token":"' + TOKEN.encode(), b'","refresh_token":"' + REFRESH_TOKEN.encode()) as address,
        client(f"http://{address}") as refold,
    ):
        await cancelled(refold.session_tokens.create("user_12345"))


async def file_cut_off(mock: MockRefold) -> None:
    """The response that is saved to a file stops half way, and the call is cancelled."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 999\r\n\r\n"
    with tempfile.TemporaryDirectory() as directory:
        async with (
            serving_bytes(head, TOKEN.encode(), KEY.encode()) as address,
            client(f"http://{address}") as refold,
        ):
            await cancelled(refold.request("GET", "/api/v2/public/tables", save_to=f"{directory}/report.csv"))


async def token_not_revoked(mock: MockRefold) -> None:
    """The token is unknown."""
    async with client(mock.base_url) as refold:
        await refold.session_tokens.revoke(TOKEN)


async def cancelled_on_its_way(mock: MockRefold) -> None:
    """A call is cancelled while it waits for its response."""
    mock.script(Silence())
    async with client(mock.base_url) as refold:
        await cancelled(refold.account("user_12345").execute_action("hubspot", "get_contact"), lambda: mock.in_flight)


async def cancelled_with_a_token(mock: MockRefold) -> None:
    """So is one with a session token."""
    mock.script(Silence())
    async with client(mock.base_url) as refold:
        await cancelled(refold.account_from_session_token(TOKEN).list_actions("hubspot"))


async def cancelled_at_the_proxy(_: MockRefold) -> None:
    """So is one whose proxy does not answer the CONNECT."""
    async with serving_bytes() as address, client("https://127.0.0.1:1", proxy=proxy_at(address)) as refold:
        await cancelled(refold.account("user_12345").list_actions("hubspot"))


async def cancelled_behind_the_proxy(_: MockRefold) -> None:
    """So is one that a proxy passes on."""
    async with serving_bytes() as address, client(proxy=proxy_at(address)) as refold:
        await cancelled(refold.account("user_12345").list_actions("hubspot"))


async def cancelled_between_attempts(mock: MockRefold) -> None:
    """A call is cancelled before it is tried again."""
    mock.script(Answer(503, json={"message": KEY}))
    patient = RetryPolicy(initial_delay=60, max_delay=60)
    async with client(mock.base_url, retry=patient) as refold:
        await cancelled(refold.account_from_session_token(TOKEN).list_actions("hubspot"))


async def cancelled_waiting_for_a_token(mock: MockRefold) -> None:
    """A call is cancelled while its token is fetched."""
    mock.script(Silence())
    async with client(mock.base_url) as refold:
        await cancelled(refold.session_tokens.account("user_12345").list_actions("hubspot"))


async def cancelled_waiting_for_a_connection(mock: MockRefold) -> None:
    """A call is cancelled while it waits for a connection."""
    mock.script(Silence())
    async with client(mock.base_url, max_connections=1) as refold:
        first = asyncio.create_task(refold.account("user_1").list_actions("hubspot"))
        try:
            await cancelled(refold.account_from_session_token(TOKEN).list_actions("hubspot"))
        finally:
            first.cancel()
            await asyncio.wait([first])


async def closed_meanwhile(mock: MockRefold) -> None:
    """The client is closed during a call."""
    mock.script(Silence())
    refold = client(mock.base_url)
    call = asyncio.create_task(refold.account_from_session_token(TOKEN).list_actions("hubspot"))
    await until(lambda: mock.in_flight)
    await refold.aclose()
    await call


async def closed(mock: MockRefold) -> None:
    """The client is closed before a call."""
    refold = client(mock.base_url)
    await refold.aclose()
    await refold.account_from_session_token(TOKEN).list_actions("hubspot")


async def value_refused(mock: MockRefold) -> None:
    """Refold refuses a secret value, and quotes it."""
    mock.script(Answer(400, json={"message": TOKEN}))
    async with client(mock.base_url) as refold:
        await refold.environment_variables.set_value("v", TOKEN)


async def value_not_sent(_: MockRefold) -> None:
    """Nothing listens for it."""
    async with client() as refold:
        await refold.environment_variables.set_value("v", TOKEN)


async def value_of_a_wrong_definition(_: MockRefold) -> None:
    """Another argument is wrong."""
    async with client() as refold:
        await refold.environment_variables.set_value("", TOKEN)


async def value_cancelled_on_its_way(mock: MockRefold) -> None:
    """The call is cancelled while it waits for its response."""
    mock.script(Silence())
    async with client(mock.base_url) as refold:
        await cancelled(refold.environment_variables.set_value("v", TOKEN), lambda: mock.in_flight)


def credentials(refold: AsyncRefold) -> Credentials:
    """Return what stores credentials, which tests pass to it without variables of their own."""
    return refold.account("user_12345").credentials


async def credentials_refused(mock: MockRefold) -> None:
    """Refold refuses credentials with the status of a success, and quotes them."""
    mock.script(Answer(200, json={"error": TOKEN}))
    async with client(mock.base_url) as refold:
        await credentials(refold).migrate_token("hubspot", {"oauth2": {"access_token": TOKEN}})


async def credentials_of_a_wrong_shape(_: MockRefold) -> None:
    """They are not as they must be."""
    async with client() as refold:
        await credentials(refold).migrate_token("hubspot", {"access_token": TOKEN})  # type: ignore[dict-item]


async def credentials_of_a_wrong_type(_: MockRefold) -> None:
    """Nor is what is no JSON."""
    async with client() as refold:
        await credentials(refold).save_key_credentials("netsuite", {"keys": [TOKEN, TOKEN.encode()]})


async def credentials_without_a_key(_: MockRefold) -> None:
    """The scope has no API key, and Refold accepts no token for them."""
    async with client() as refold:
        account = refold.account_from_session_token(PASSWORD)
        await account.credentials.save_key_credentials("netsuite", {"api_key": TOKEN})


async def credentials_cancelled_on_their_way(mock: MockRefold) -> None:
    """The call is cancelled while it waits for its response."""
    mock.script(Silence())
    async with client(mock.base_url) as refold:
        await cancelled(
            credentials(refold).save_key_credentials("netsuite", {"api_key": TOKEN}), lambda: mock.in_flight
        )


async def credential_not_sent(_: MockRefold) -> None:
    """Nothing listens for it."""
    async with client() as refold:
        await credentials(refold).upsert_default_app_credential("api_key", TOKEN)


SCENES: Final[list[Scene]] = [
    *(credentials_refused, credentials_of_a_wrong_shape, credentials_of_a_wrong_type, credentials_without_a_key),
    *(credentials_cancelled_on_their_way, credential_not_sent),
    *(value_refused, value_not_sent, value_of_a_wrong_definition, value_cancelled_on_its_way),
    *(unauthorised, unauthorised_token, html, silence, refused, refused_by_the_proxy, proxy_asks_for_a_password),
    *(misfit, action_failed, fan_out, token_not_fetched, token_not_readable, token_cut_off, token_not_revoked),
    file_cut_off,
    *(cancelled_on_its_way, cancelled_with_a_token, cancelled_at_the_proxy, cancelled_behind_the_proxy),
    *(cancelled_between_attempts, cancelled_waiting_for_a_token, cancelled_waiting_for_a_connection),
    *(closed_meanwhile, closed),
]

# Each in a function without variables, for those of the tests are no concern of ours.
CONSTRUCTIONS: Final[dict[str, Callable[[], object]]] = {
    "wrong base_url": lambda: AsyncRefold(KEY, base_url="nowhere"),
    "base_url with a password": lambda: AsyncRefold(KEY, base_url=proxy_at("127.0.0.1:1")),
    "base_url with a query": lambda: AsyncRefold(KEY, base_url=f"{NEVER}?key={KEY}"),
    "base_url with an unquoted password": lambda: AsyncRefold(KEY, base_url=f"http://user:{PASSWORD}@127.0.0.1"),
    "wrong option": lambda: AsyncRefold(KEY, max_connections=0, proxy=proxy_at("127.0.0.1:1")),
    "wrong retry": lambda: AsyncRefold(KEY, retry=3),  # type: ignore[arg-type]
    "key with a control character": lambda: AsyncRefold(KEY + "\x00"),
    "key with white space": lambda: AsyncRefold(KEY + " "),
    "key of another type": lambda: AsyncRefold(KEY.encode()),  # type: ignore[arg-type]
    "key of the other environment": lambda: AsyncRefold(KEY, require_environment="production"),
    "proxy of another kind": lambda: AsyncRefold(KEY, proxy=proxy_at("127.0.0.1").replace("http", "socks5")),
    "proxy of another type": lambda: AsyncRefold(KEY, proxy=proxy_at("127.0.0.1").encode()),  # type: ignore[arg-type]
    "proxy with a wrong port": lambda: AsyncRefold(KEY, proxy=proxy_at("127.0.0.1:port")),
    "proxy with an unquoted password": lambda: AsyncRefold(KEY, proxy=f"http://user:{PASSWORD}@127.0.0.1"),
    "proxy that is no URL": lambda: AsyncRefold(KEY, proxy=proxy_at("[::1]x:80")),
    "proxy whose user cannot be told": lambda: AsyncRefold(KEY, proxy=f"http://a%3Ab:{QUOTED_PASSWORD}@127.0.0.1"),
    "token with a control character": lambda: AsyncRefold().account_from_session_token(TOKEN + "\n"),
    "token of another type": lambda: AsyncRefold().account_from_session_token(TOKEN.encode()),  # type: ignore[arg-type]
    "token with a wrong id": lambda: AsyncRefold().account_from_session_token(TOKEN, linked_account_id=""),
    "webhook that was parsed": lambda: webhooks.verify({}, "", KEY),  # type: ignore[arg-type]
    "webhook's key with white space": lambda: webhooks.verify(b"", "", KEY + " "),
    "one of a webhook's keys": lambda: webhooks.verify(b"", "", [KEY, KEY + "\n"]),
    "webhook's key of another type": lambda: webhooks.verify(b"", "", KEY.encode()),  # type: ignore[arg-type]
    "webhook's keys of another type": lambda: webhooks.verify(b"", "", {KEY: 1}),  # type: ignore[arg-type]
    "webhook that was not signed": lambda: webhooks.unwrap(b"", {}, KEY),
    "webhook with another signature": lambda: webhooks.unwrap(b"", {webhooks.SIGNATURE_HEADER: "0"}, [KEY, KEY]),
    "webhook without headers": lambda: webhooks.unwrap(b"", None, KEY),  # type: ignore[arg-type]
    "webhook to sign": lambda: webhooks.sign("", KEY),  # type: ignore[arg-type]
    "webhook to sign with several keys": lambda: webhooks.sign(b"", [KEY]),  # type: ignore[arg-type]
    "one key of another type": lambda: webhooks.verify(b"", "", [KEY.encode()]),  # type: ignore[list-item]
}


def shown(error: BaseException, reporters: Iterable[str] = REPORTERS) -> list[str]:
    """Return which reporter shows which secret."""
    reports = {name: REPORTERS[name](error) for name in reporters}
    assert all("refold_async" in report or "outer" in report for report in reports.values())
    return [f"{name}: {fragment}" for name, report in reports.items() for fragment in FRAGMENTS if fragment in report]


@pytest.mark.parametrize("reporter", REPORTERS)
def test_reporters_show_what_frames_hold(reporter: str) -> None:
    """The reporters would show a secret, in a mapping, in a tuple, cut short, and in the frame of a chained error."""

    def outer() -> NoReturn:
        headers = {"x-api-key": KEY}
        try:
            inner(headers, f"Basic {BASIC}", (TOKEN, REFRESH_TOKEN, proxy_at("127.0.0.1")))
        except ValueError as error:
            raise RuntimeError from error

    def inner(*_: object) -> NoReturn:
        raise ValueError

    with pytest.raises(RuntimeError) as caught:
        outer()
    assert len(shown(caught.value, [reporter])) == len(FRAGMENTS) - 1  # the password is quoted


@pytest.mark.parametrize("base_url", ["https://127.0.0.1:1", NEVER])
async def test_what_is_hidden_is_sent_as_it_is(mock: MockRefold, base_url: str) -> None:
    """On the wire are the key, the token and the proxy's credentials; the last go to the proxy alone."""
    heads: list[bytes] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 400 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    async with serving(keep) as address:
        for url, proxy in ((base_url, proxy_at(address)), (f"http://{address}", None)):
            async with client(url, proxy=proxy) as refold:
                for account in (refold.account("user_12345"), refold.account_from_session_token(TOKEN)):
                    with pytest.raises(RefoldError):
                        await account.list_actions("hubspot")
    expected = [f"x-api-key: {KEY}", f"Authorization: Bearer {TOKEN}"] * 2
    for number, (head, secret) in enumerate(zip(heads, expected, strict=True)):
        lines = head.decode().split("\r\n")
        tunnel, proxied = lines[0].startswith("CONNECT"), number < 2
        assert tunnel == (proxied and base_url.startswith("https"))
        assert lines.count(secret) == (not tunnel)
        assert lines.count(f"Proxy-Authorization: Basic {BASIC}") == proxied


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
async def test_no_frame_shows_a_secret(mock: MockRefold, scene: Scene) -> None:
    """Neither the frames of an error, nor those of a cancellation or of what either is chained to, show a secret."""
    with pytest.raises((RefoldError, TimeoutError, asyncio.CancelledError, ExceptionGroup)) as caught:
        await scene(mock)
    assert shown(caught.value) == []
    if isinstance(caught.value, APIResponseValidationError):
        assert "cannot be read" in str(caught.value) or "does not fit" in str(caught.value)


@pytest.mark.parametrize("name", CONSTRUCTIONS)
def test_no_frame_of_what_checks_arguments_shows_a_secret(name: str) -> None:
    """What refuses a key, a token or a proxy shows neither it, nor another argument that is a secret."""
    with pytest.raises((ConfigurationError, WebhookSignatureError)) as caught:
        CONSTRUCTIONS[name]()
    assert shown(caught.value) == []


def test_a_wrong_type_is_named() -> None:
    """What is refused for its type is told by the name of that, though nothing of it is kept."""
    for wrong in ("key of another type", "token of another type", "proxy of another type", "one key of another type"):
        with pytest.raises(ConfigurationError, match="must be a str, not bytes"):
            CONSTRUCTIONS[wrong]()
    with pytest.raises(ConfigurationError, match="must be a str or a list of them, not dict"):
        CONSTRUCTIONS["webhook's keys of another type"]()


@pytest.mark.parametrize("variable", ["REFOLD_API_KEY", "REFOLD_BASE_URL", "http_proxy"])
def test_no_frame_shows_a_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """Nor does what refuses a key or a URL of the environment."""
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("REFOLD_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv(variable, f"socks5://{QUOTED_PASSWORD}@x/{KEY}\x01")
    with pytest.raises(ConfigurationError) as caught:
        AsyncRefold(trust_env=True)
    assert shown(caught.value) == []


FAILING_TESTS: Final = """
import asyncio, os
import pytest
from refold_async import AsyncRefold, webhooks

def client(**options):
    return AsyncRefold(os.environ["KEY"], base_url="http://127.0.0.1:1", **options)

def test_constructor():
    client(max_connections=0)

def test_webhook():
    webhooks.verify(b"", "", [os.environ["KEY"] + " "])

def test_refused():
    async def call():
        async with client(proxy=os.environ["PROXY"]) as refold:
            await refold.account("user_12345").list_actions("hubspot")
    asyncio.run(call())

def test_cancelled():
    async def never_respond(reader, writer):
        await reader.read()
        writer.close()
    async def call():
        async with await asyncio.start_server(never_respond, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with AsyncRefold(os.environ["KEY"], base_url=url) as refold, asyncio.timeout(0.05):
                await refold.account_from_session_token(os.environ["TOKEN"]).list_actions("hubspot")
    asyncio.run(call())
"""


@pytest.mark.slow
def test_pytest_shows_no_secret_with_locals(tmp_path: Path) -> None:
    """The tests of a program that fail in calls of ours show no secret with `pytest -l`, however verbose."""
    (tmp_path / "test_program.py").write_text(FAILING_TESTS)
    environment = {**os.environ, "KEY": KEY, "TOKEN": TOKEN, "PROXY": proxy_at("127.0.0.1:1")}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-l", "-vv", "--tb=long", "-p", "no:cacheprovider", "-p", "no:randomly"],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert "4 failed" in ran.stdout, ran.stdout + ran.stderr
    assert "headers    = {'Authorization': '***'}" in ran.stdout
    assert [fragment for fragment in FRAGMENTS if fragment in ran.stdout + ran.stderr] == []
