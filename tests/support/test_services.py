"""The servers that tests run: that they do what tests ask of them, and that none is left."""

import asyncio
from pathlib import Path
from typing import Any

import psycopg
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from support.pgbouncer_server import running_pgbouncer
from support.postgres_server import PostgresProcess
from support.redis_server import RedisProcess, running_redis
from support.running_programs import first_line, running
from support.services import REQUIRED, program, service_directory
from support.waiting import until


def connected(url: str) -> Any:
    """Return a client, whose types are not as strict as the tests'."""
    redis: Any = Redis
    return redis.from_url(url)


def test_missing_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that needs it is skipped with the name of what to install; where services are required, it fails."""
    monkeypatch.delenv(REQUIRED, raising=False)
    with pytest.raises(pytest.skip.Exception, match="there is no no-such-server: apt-get install no-such-package"):
        program("no-such-server", "no-such-package")
    monkeypatch.setenv(REQUIRED, "1")
    with pytest.raises(pytest.fail.Exception, match="there is no no-such-server"):
        program("no-such-server", "no-such-package")


async def test_databases_are_separate(postgres_dsn: str, shared_postgres: PostgresProcess) -> None:
    """Each test has its own, which is empty."""
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute("CREATE TABLE items (key text)")
    async with shared_postgres.database() as other:
        with shared_postgres.connect(other) as connection:
            assert connection.execute("SELECT to_regclass('items')").fetchone() == (None,)


async def test_connection_left_open(shared_postgres: PostgresProcess, postgres_dsn: str) -> None:
    """A test that leaves a connection open fails."""
    connection: Any = None
    with pytest.raises(AssertionError, match="forgotten"):
        async with shared_postgres.database(grace=0.1) as name:
            connection = psycopg.connect(shared_postgres.dsn(name, application_name="forgotten"))
    connection.close()


async def test_password_over_tcp(postgres_dsn: str, shared_postgres: PostgresProcess) -> None:
    """Other users of the machine do not get in."""
    with psycopg.connect(shared_postgres.tcp_dsn()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(shared_postgres.tcp_dsn(password="wrong"))


@pytest.mark.slow
async def test_postgres_stopped_killed_and_frozen(postgres: PostgresProcess) -> None:
    """What was committed stays; sessions end; a frozen server answers when it is thawed."""
    with postgres.connect() as connection:
        connection.execute("CREATE TABLE items (key text)")
        for end in (postgres.stop, postgres.kill):
            connection = postgres.connect()
            connection.execute("INSERT INTO items VALUES ('one')")
            await end()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
            connection.close()
            await postgres.start()
    with postgres.connect() as connection:
        postgres.freeze()
        answer = asyncio.create_task(asyncio.to_thread(connection.execute, "SELECT count(*) FROM items"))
        await asyncio.sleep(0.2)
        assert not answer.done()
        postgres.thaw()
        assert (await answer).fetchone() == (2,)


async def test_redis_stopped_killed_and_frozen(redis: RedisProcess) -> None:
    """It forgets everything when it ends; a frozen one answers when it is thawed."""
    for url in (redis.url, redis.tcp_url):
        async with connected(url) as client:
            await client.set("key", 1)
        await redis.kill()
        await redis.start()
        async with connected(url) as client:
            assert await client.get("key") is None
            redis.freeze()
            answer = asyncio.ensure_future(client.get("key"))
            await asyncio.sleep(0.1)
            assert not answer.done()
            redis.thaw()
            assert await answer is None
        await redis.restart()


async def test_redis_with_a_password() -> None:
    """It lets nobody in without."""
    async with running_redis("hunter2hunter2") as redis:
        async with connected(redis.url) as client:
            assert await client.ping()
        async with connected(redis.url.replace("2@", "3@")) as client:
            with pytest.raises(RedisError, match="password"):
                await client.ping()


@pytest.mark.slow
async def test_pgbouncer_shares_connections(postgres: PostgresProcess) -> None:
    """Two clients' transactions run in the same session of the server."""
    async with running_pgbouncer(postgres, settings={"default_pool_size": "1"}) as pgbouncer:
        with psycopg.connect(pgbouncer.dsn()) as one, psycopg.connect(pgbouncer.dsn()) as other:
            query = "SELECT pg_backend_pid()"
            one.autocommit = other.autocommit = True
            assert one.execute(query).fetchone() == other.execute(query).fetchone()
        await pgbouncer.restart()
        with psycopg.connect(pgbouncer.dsn()) as one:
            assert one.execute("SELECT 1").fetchone() == (1,)


PROGRAM = """
import asyncio
from support.pgbouncer_server import running_pgbouncer
from support.postgres_server import postgres_template, running_postgres
from support.redis_server import running_redis

async def main():
    with postgres_template() as template:
        async with running_postgres(template) as postgres, running_redis() as redis:
            async with running_pgbouncer(postgres) as pgbouncer:
                servers = [postgres, redis, pgbouncer]
                pids = [pid for server in servers for pid in server.processes()]
                for server in servers * {frozen}:
                    server.freeze()
                print(*pids, flush=True)
                await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("frozen", [False, True])
async def test_nothing_outlives_killed_tests(frozen: bool, postgres_template: Path) -> None:
    """When the process that runs the tests is killed, its servers end, even those that are frozen."""
    with service_directory() as directory:  # which they do not remove themselves
        environment = {"PYTHONPATH": str(Path(__file__).parent.parent), "TMPDIR": str(directory)}
        async with running("-c", PROGRAM.format(frozen=int(frozen)), environment=environment) as process:
            pids = [*map(int, (await first_line(process)).split())]
            assert len(pids) >= 7
            process.kill()
            await process.wait()
        await until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
