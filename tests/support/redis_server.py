"""A Redis server for one test."""

import asyncio
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

__all__ = ["redis_server"]


@asynccontextmanager
async def redis_server() -> AsyncGenerator[str]:
    """Run a Redis that loses its data when the block ends, and yield its URL. Needs the program `redis-server`."""
    with tempfile.TemporaryDirectory() as directory:  # the path of a socket must be short
        socket = f"{directory}/redis.sock"
        server = await asyncio.create_subprocess_exec(
            "redis-server",
            *("--port", "0", "--unixsocket", socket, "--dir", directory, "--save", "", "--appendonly", "no"),
            stdin=DEVNULL,
            stdout=PIPE,
        )
        assert server.stdout is not None
        try:
            async with asyncio.timeout(60):
                async for line in server.stdout:
                    if b"eady to accept connections" in line:
                        break
                else:
                    raise RuntimeError("redis-server ended")
            yield f"unix://{socket}"
        finally:
            if server.returncode is None:
                server.terminate()
            await server.communicate()
