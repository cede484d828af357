"""A PgBouncer of a test's own in front of its PostgreSQL: connections are shared, each transaction gets one."""

import signal
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo

from support.postgres_server import USER, PostgresProcess
from support.services import ServiceProcess, free_port, program, service_directory

__all__ = ["PgBouncerProcess", "running_pgbouncer"]


class PgBouncerProcess(ServiceProcess):
    """A PgBouncer in transaction mode, which can be reached over its Unix socket only."""

    def __init__(self, postgres: PostgresProcess, directory: Path, settings: Mapping[str, str]) -> None:
        super().__init__(directory)
        self._program = program("pgbouncer", "pgbouncer")
        self.port = free_port()
        (directory / "users").write_text(f'"{USER}" ""\n')
        given = {
            "listen_port": str(self.port),
            "unix_socket_dir": str(directory),
            "auth_type": "trust",
            "auth_file": str(directory / "users"),
            "pool_mode": "transaction",
            **settings,
        }
        (directory / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={postgres.directory} port={postgres.port}\n[pgbouncer]\n"
            + "".join(f"{name} = {value}\n" for name, value in given.items())
        )

    def command(self) -> list[str]:
        """Return its program and its settings."""
        return [self._program, f"{self.directory}/pgbouncer.ini"]

    def is_ready(self) -> bool:
        """Return whether it takes connections."""
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(f"{self.directory}/.s.PGSQL.{self.port}") == 0

    async def stop(self) -> None:
        """Have it end when its clients' transactions have ended."""
        await self._end_by(signal.SIGINT)

    def dsn(self, database: str = "postgres", **parameters: str) -> str:
        """Return a connection string for the Unix socket, with further parameters of libpq."""
        given: dict[str, Any] = {"host": str(self.directory), "port": self.port, "user": USER, "dbname": database}
        return make_conninfo(**given | parameters)


@asynccontextmanager
async def running_pgbouncer(
    postgres: PostgresProcess, *, settings: Mapping[str, str] | None = None
) -> AsyncGenerator[PgBouncerProcess]:
    """Run a PgBouncer until the block ends. Without `pgbouncer`, the test is skipped.

    Args:
        postgres: Where its connections go.
        settings: Further settings, such as `default_pool_size`.
    """
    with service_directory() as directory:
        pgbouncer = PgBouncerProcess(postgres, directory, settings or {})
        try:
            await pgbouncer.start()
            yield pgbouncer
        finally:
            pgbouncer.end()
