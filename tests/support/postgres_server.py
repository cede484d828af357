"""A PostgreSQL of the tests' own, which a test can stop, kill, freeze and start again."""

import secrets
import signal
import subprocess
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from support.services import ServiceProcess, free_port, program, run_unprivileged, service_directory
from support.waiting import until

__all__ = ["PostgresProcess", "postgres_server", "postgres_template", "running_postgres"]

USER: Final = "postgres"
_PACKAGE: Final = "postgresql"

# For a server that forgets everything anyway if the machine fails.
_NOT_DURABLE: Final = {"fsync": "off", "full_page_writes": "off"}


class PostgresProcess(ServiceProcess):
    """A PostgreSQL with its data in a directory. Over its Unix socket it asks for no password, over TCP it does."""

    parent_died = signal.SIGQUIT  # which ends all its processes immediately, and frees their shared memory

    def __init__(
        self, template: Path, directory: Path, *, durable: bool = False, settings: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(directory)
        self._program = program("postgres", _PACKAGE)
        self._settings = {**({} if durable else _NOT_DURABLE), **(settings or {})}
        self._wakes: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.password = (template.parent / "password").read_text()
        run_unprivileged(["cp", "-R", template, self.data])

    @property
    def data(self) -> Path:
        """The directory of its data."""
        return self.directory / "data"

    def command(self) -> list[str]:
        """Return its program and its settings."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
            "shared_buffers": "32MB",
            **self._settings,
        }
        return [self._program, "-D", str(self.data), *(f"--{name}={value}" for name, value in settings.items())]

    def is_ready(self) -> bool:
        """Return whether it takes connections, read where pg_ctl reads it."""
        with suppress(OSError, IndexError, ValueError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return int(lines[0]) == self.pid and lines[7].strip() == "ready"
        return False

    def dsn(self, database: str = "postgres", **parameters: str) -> str:
        """Return a connection string for the Unix socket, with further parameters of libpq."""
        given: dict[str, Any] = {"host": str(self.directory), "port": self.port, "user": USER, "dbname": database}
        return make_conninfo(**given | parameters)

    def tcp_dsn(self, database: str = "postgres", **parameters: str) -> str:
        """Return a connection string for the port, with the password."""
        return self.dsn(database, **{"host": "127.0.0.1", "password": self.password} | parameters)

    def connect(self, database: str = "postgres") -> "psycopg.Connection[tuple[Any, ...]]":
        """Connect as the superuser; each statement is its own transaction."""
        return psycopg.connect(self.dsn(database), autocommit=True, connect_timeout=10)

    @asynccontextmanager
    async def database(self, *, grace: float = 10) -> AsyncGenerator[str]:
        """Create a database for the block, and yield its name. The block must leave no connection to it open.

        Args:
            grace: Seconds within which what the block closed must be gone.
        """
        name = f"test_{secrets.token_hex(8)}"
        with self.connect() as connection:
            # Written through the WAL, a copy needs no checkpoint.
            connection.execute(sql.SQL("CREATE DATABASE {} STRATEGY wal_log").format(sql.Identifier(name)))
        yield name
        with self.connect() as connection:
            # A server process ends a moment after its client.
            sessions = "SELECT application_name, query FROM pg_stat_activity WHERE datname = %s"
            with suppress(TimeoutError):
                await until(lambda: not connection.execute(sessions, [name]).fetchall(), within=grace)
            left = connection.execute(sessions, [name]).fetchall()
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        assert not left, left

    async def stop(self) -> None:
        """Have it end all sessions, write what it has, and end."""
        await self._end_by(signal.SIGINT)

    async def kill(self) -> None:
        """End all its processes immediately, as a machine that fails does. Harmless if it has ended."""
        super().end()
        self._end_wakes()

    def end(self) -> None:
        """End it immediately, with its shared memory freed. Harmless if it has ended."""
        if self._process is not None and self.is_running:
            self.thaw()
            self._process.send_signal(signal.SIGQUIT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(30)
        super().end()
        self._end_wakes()

    def freeze(self) -> None:
        """Let none of its processes do anything until `thaw()`: connections stay, and nothing answers."""
        super().freeze()
        # If the tests are killed now, the stopped processes would stay: this one wakes them, so that they can end.
        wake = ["sh", "-c", 'read -r _; kill -CONT "$@"', "sh", *map(str, self.processes())]
        self._wakes = subprocess.Popen(wake, stdin=subprocess.PIPE)

    def thaw(self) -> None:
        """Let them continue."""
        super().thaw()
        self._end_wakes()

    def _end_wakes(self) -> None:
        if self._wakes is not None:
            self._wakes.kill()
            self._wakes.communicate()
            self._wakes = None


@contextmanager
def postgres_template() -> Generator[Path]:
    """Make the data of a new PostgreSQL, for servers to begin with a copy of it. Without one, the test is skipped."""
    initdb = program("initdb", _PACKAGE)
    with service_directory() as directory:
        (directory / "password").write_text(secrets.token_urlsafe(16))
        (directory / "password").chmod(0o644)  # the directory itself can be entered only by who may read it
        run_unprivileged(
            [
                *(initdb, "-D", directory / "data", "--username", USER, "--pwfile", directory / "password"),
                *("--auth-local", "trust", "--auth-host", "scram-sha-256", "--locale", "C", "--encoding", "UTF8"),
                *("--no-sync", "--no-instructions", "--wal-segsize", "1"),  # so that there is little to copy
            ]
        )
        yield directory / "data"


@asynccontextmanager
async def running_postgres(
    template: Path, *, durable: bool = False, settings: Mapping[str, str] | None = None
) -> AsyncGenerator[PostgresProcess]:
    """Run a PostgreSQL until the block ends.

    Args:
        template: The data to begin with: `postgres_template()`.
        durable: Whether it waits for the disk, as in earnest. One that is killed loses nothing either way, unless
            the machine fails too.
        settings: Further settings of the server.
    """
    with service_directory() as directory:
        postgres = PostgresProcess(template, directory, durable=durable, settings=settings)
        try:
            await postgres.start()
            yield postgres
        finally:
            postgres.end()


@asynccontextmanager
async def postgres_server() -> AsyncGenerator[str]:
    """Run a new PostgreSQL until the block ends; yields a connection string for it."""
    with postgres_template() as template:
        async with running_postgres(template) as postgres:
            yield postgres.dsn()
