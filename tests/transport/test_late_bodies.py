"""Nothing of a request leaves once its attempt is over."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import attrs
import pytest

from refold_async import APITimeoutError, AsyncRefold, RetryPolicy
from support.raw_server import serving

LENGTH: Final = 30_000_000


@attrs.define
class SlowReader:
    """A server that begins to read late."""

    read: asyncio.Event = attrs.field(factory=asyncio.Event)
    ended: asyncio.Event = attrs.field(factory=asyncio.Event)
    received: int = 0
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read all that comes, once it may."""
        await self.read.wait()
        try:
            while data := await reader.read(1_000_000):
                self.received += len(data)
        finally:
            self.ended.set()


@asynccontextmanager
async def slow_reader() -> AsyncGenerator[SlowReader]:
    """Serve."""
    server = SlowReader()
    async with serving(server.serve, limit=1) as address:
        server.url = f"http://{address}"
        yield server


@pytest.mark.parametrize("cancelled", [False, True])
async def test_the_rest_of_a_long_body_is_dropped(cancelled: bool) -> None:
    """A server that reads again after the client gave up does not get a whole request, which it would run."""
    async with (
        slow_reader() as server,
        AsyncRefold("tk_test", base_url=server.url, retry=RetryPolicy(max_retries=0)) as refold,
    ):
        write = refold.account("user_1").execute_action(
            "hubspot", "create_contact", {"text": "x" * LENGTH}, timeout=0.5
        )
        if cancelled:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await write
        else:
            with pytest.raises(APITimeoutError) as caught:
                await write
            assert caught.value.effect == "unknown"
        server.read.set()
        async with asyncio.timeout(30):
            await server.ended.wait()
        assert server.received < LENGTH
