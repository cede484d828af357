"""A Redis of a test's own, which the test can stop, kill, freeze and start again."""

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from support.services import ServiceProcess, free_port, program, service_directory

__all__ = ["RedisProcess", "redis_server", "running_redis"]


class RedisProcess(ServiceProcess):
    """A Redis that keeps nothing on disk: one that starts again has forgotten everything."""

    def __init__(self, directory: Path, password: str | None = None) -> None:
        super().__init__(directory)
        self._password = password
        self._program = program("redis-server", "redis-server")
        credentials = "" if password is None else f":{password}@"
        self.path = f"{directory}/redis.sock"
        self.url = f"unix://{credentials}{self.path}"
        self.port = free_port()
        self.tcp_url = f"redis://{credentials}127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        """Return its program and its settings."""
        return [
            *(self._program, "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", self.path),
            *("--dir", str(self.directory), "--save", "", "--appendonly", "no"),
            *(() if self._password is None else ("--requirepass", self._password)),
        ]

    def is_ready(self) -> bool:
        """Return whether it answers, if only that it wants to know the password."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            try:
                connection.connect(self.path)
                connection.sendall(b"PING\r\n")
                return connection.recv(100).startswith((b"+PONG", b"-NOAUTH"))
            except OSError:
                return False


@asynccontextmanager
async def running_redis(password: str | None = None) -> AsyncGenerator[RedisProcess]:
    """Run a Redis until the block ends. Without `redis-server`, the test is skipped."""
    with service_directory() as directory:
        redis = RedisProcess(directory, password)
        try:
            await redis.start()
            yield redis
        finally:
            redis.end()


@asynccontextmanager
async def redis_server() -> AsyncGenerator[str]:
    """Run a Redis until the block ends; yields its URL."""
    async with running_redis() as redis:
        yield redis.url
