"""A Redis of a test's own, which the test can stop, freeze and start again."""

import asyncio
import signal
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

__all__ = ["RedisProcess", "redis_server", "running_redis"]


class RedisProcess:
    """A Redis that keeps nothing on disk: one that starts again has forgotten everything."""

    def __init__(self, directory: str, password: str | None = None) -> None:
        self._directory = directory
        self._password = password
        self._process: Process | None = None
        self.path = f"{directory}/redis.sock"  # the path of a socket must be short
        self.url = f"unix://{'' if password is None else f':{password}@'}{self.path}"

    async def start(self) -> None:
        """Start it, and return when it takes connections."""
        options = [
            "--port",
            "0",
            "--unixsocket",
            self.path,
            "--dir",
            self._directory,
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        if self._password is not None:
            options += ["--requirepass", self._password]
        self._process = await asyncio.create_subprocess_exec("redis-server", *options, stdin=DEVNULL, stdout=PIPE)
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            async for line in self._process.stdout:
                if b"eady to accept connections" in line:
                    return
        raise RuntimeError("redis-server ended")

    async def kill(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.communicate()

    def freeze(self) -> None:
        """Let it do nothing until `thaw()`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@asynccontextmanager
async def running_redis(password: str | None = None) -> AsyncGenerator[RedisProcess]:
    """Run a Redis until the block ends. It needs `redis-server`."""
    with tempfile.TemporaryDirectory() as directory:
        redis = RedisProcess(directory, password)
        try:
            await redis.start()
            yield redis
        finally:
            await redis.kill()


@asynccontextmanager
async def redis_server() -> AsyncGenerator[str]:
    """Run a Redis until the block ends; yields its URL."""
    async with running_redis() as redis:
        yield redis.url
