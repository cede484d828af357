"""No password of Redis is shown, whatever is wrong."""

import asyncio
import ssl
import traceback
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from refold_async import ConfigurationError, RedisRateLimit, RefoldError
from refold_async.testing import MockRefold
from support.redis_server import RedisProcess, running_redis
from support.shared_limits import LIMIT, admin, client, read

PASSWORD = "hunter2hunter2"


def shown_by(error: BaseException) -> str:
    """Return what a reporter that shows the variables of all frames shows, but for the test's own."""
    assert error.__traceback__ is not None
    frames = error.__traceback__.tb_next
    return "".join(traceback.TracebackException(type(error), error, frames, capture_locals=True).format())


def check_shown(error: RefoldError, limit: RedisRateLimit, log: str) -> None:
    """Fail if the password is shown."""
    assert PASSWORD not in shown_by(error) + repr(limit) + repr(vars(limit)) + log
    assert error.effect == "none"


@pytest.mark.parametrize(
    "url",
    [
        f"redis://user:{PASSWORD}@127.0.0.1:1/0",
        f"redis://:{PASSWORD}@no.such.host.example:6379",
        f"redis://127.0.0.1:1?password={PASSWORD}",
        f"rediss://user:{PASSWORD}@127.0.0.1:1",
        f"unix://:{PASSWORD}@/no/such/socket",
    ],
)
@pytest.mark.parametrize("on_failure", ["error", "wait"])
async def test_no_redis_there(mock: MockRefold, caplog: pytest.LogCaptureFixture, url: str, on_failure: Any) -> None:
    """A host that does not exist, or where nothing listens."""
    limit = RedisRateLimit(url, LIMIT, name="acme", on_failure=on_failure, timeout=2)
    async with limit, client(mock, limit) as refold:
        with pytest.raises(RefoldError) as caught:
            await read(refold, timeout=20 if on_failure == "error" else 0.5)
    check_shown(caught.value, limit, caplog.text)
    assert not mock.requests


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{PASSWORD}@host:{PASSWORD}",
        f"http://:{PASSWORD}@host",
        f"redis://host?db={PASSWORD}",
        f"redis://:{PASSWORD}[@host",
        f"redis://host?{PASSWORD}=1",
        f"{PASSWORD}@host",
        PASSWORD,
    ],
)
def test_a_url_that_cannot_be_read(url: str) -> None:
    """The error says what is wrong with it without quoting it."""
    with pytest.raises(ConfigurationError, match=r"RedisRateLimit\(url\) is not the URL of a Redis: ") as caught:
        RedisRateLimit(url, LIMIT, name="acme")
    assert PASSWORD not in shown_by(caught.value)


@pytest.mark.parametrize("on_failure", ["error", "wait"])
async def test_a_wrong_password(mock: MockRefold, caplog: pytest.LogCaptureFixture, on_failure: Any) -> None:
    """That is no failure that waiting could mend: calls fail, and say why."""
    async with running_redis(PASSWORD) as redis:
        for url in (
            f"unix://:{PASSWORD}x@{redis.path}",
            f"unix://{redis.path}",
            f"unix://someone:{PASSWORD}@{redis.path}",
        ):
            limit = RedisRateLimit(url, LIMIT, name="acme", on_failure=on_failure, timeout=20)
            async with limit, client(mock, limit) as refold:
                with pytest.raises(
                    ConfigurationError, match=r"refuses this program: .*Check the user name and password"
                ) as caught:
                    await read(refold)
            check_shown(caught.value, limit, caplog.text)
        async with RedisRateLimit(redis.url, LIMIT, name="acme") as limit, client(mock, limit) as refold:
            await read(refold)
    assert len(mock.requests) == 1
    assert PASSWORD not in caplog.text


async def test_a_server_that_quotes_the_password(mock: MockRefold, caplog: pytest.LogCaptureFixture) -> None:
    """What Redis says when it does not know the command to log in is not passed on as it is."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(f"-ERR unknown command 'AUTH', with args beginning with: '{PASSWORD}' \r\n".encode() * 9)
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        url = f"redis://:{PASSWORD}@127.0.0.1:{server.sockets[0].getsockname()[1]}"
        limit = RedisRateLimit(url, LIMIT, name="acme", on_failure="error", timeout=20)
        async with limit, client(mock, limit) as refold:
            with pytest.raises(
                RefoldError, match=r"unknown command 'AUTH', with args beginning with: '\*\*\*'"
            ) as caught:
                await read(refold)
        check_shown(caught.value, limit, caplog.text)


async def test_a_user_who_may_not(mock: MockRefold, redis: RedisProcess) -> None:
    """The error names what the user may not do. With the commands and keys of the guide, it is enough."""
    async with admin(redis.url) as connected:
        await connected.execute_command("ACL", "SETUSER", "bob", "on", f">{PASSWORD}", "~*", "+ping", "+client")
        url = f"unix://bob:{PASSWORD}@{redis.path}"
        async with RedisRateLimit(url, LIMIT, name="acme") as limit, client(mock, limit) as refold:
            with pytest.raises(ConfigurationError, match=r"refuses this program: .*evalsha") as caught:
                await read(refold)
            check_shown(caught.value, limit, "")
            commands = ["+evalsha", "+script|load", "+time", "+hmget", "+hset", "+get", "+set", "+pexpire"]
            await connected.execute_command("ACL", "SETUSER", "bob", "resetkeys", "~refold_async:*", *commands)
            await read(refold)


@asynccontextmanager
async def encrypted(redis: RedisProcess, authority: trustme.CA) -> AsyncGenerator[int]:
    """Yield a port that speaks TLS, and leads to a Redis."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    passing: set[asyncio.Task[None]] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
        finally:
            writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(redis.path)
        passing.add(asyncio.create_task(pass_on(reader, inner_writer)))
        passing.add(asyncio.create_task(pass_on(inner_reader, writer)))

    async with await asyncio.start_server(connect, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]
    if passing:
        await asyncio.wait(passing)


async def test_tls(mock: MockRefold, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With `rediss://` the certificate is checked; the options of TLS are in the URL."""
    authority = trustme.CA()
    certificates = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(certificates))
    async with running_redis(PASSWORD) as redis, encrypted(redis, authority) as port:
        url = f"rediss://:{PASSWORD}@127.0.0.1:{port}"
        limit = RedisRateLimit(f"{url}?ssl_ca_certs={certificates}", LIMIT, name="acme", timeout=20)
        async with limit, client(mock, limit) as refold:
            await read(refold)
        limit = RedisRateLimit(url, LIMIT, name="acme", on_failure="error", timeout=20)
        async with limit, client(mock, limit) as refold:
            with pytest.raises(RefoldError, match="certificate") as caught:
                await read(refold)
        check_shown(caught.value, limit, caplog.text)
    assert len(mock.requests) == 1
