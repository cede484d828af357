"""A proxy in front of a PostgreSQL that cuts connections at a chosen moment, before or after a statement is done."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Literal

from psycopg.conninfo import conninfo_to_dict, make_conninfo

__all__ = ["CuttingProxy", "cutting_proxy"]


class CuttingProxy:
    """Passes on what both sides say, until it meets what it is to cut at.

    Attributes:
        dsn: The connection string of the proxy.
        cuts: How often it has cut a connection.
        asked: What clients asked for, message by message.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._at = b""
        self._when: Literal["before", "after"] = "before"
        self._left = 0
        self._then = b""
        self.dsn = ""
        self.cuts = 0
        self.asked: list[bytes] = []

    def cut(self, at: str, when: Literal["before", "after"], times: int = 1) -> None:
        """Cut connections.

        Args:
            at: A part of the statement to cut at.
            when: Before it reaches the server, or after the server has done it and before the client hears of it.
            times: How often.
        """
        self._at, self._when, self._left, self._then = at.encode(), when, times, b""

    def cut_also(self, at: str) -> None:
        """Cut at something else too, from the first cut on, before it reaches the server."""
        self._then = at.encode()

    async def serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Serve a connection."""
        writers = [to_client]
        directions: list[asyncio.Task[None]] = []
        swallows = False

        async def pass_on_questions(to_server: asyncio.StreamWriter) -> None:
            nonlocal swallows
            while data := await client.read(2**20):
                self.asked.append(data)
                if self._then and self.cuts and self._then in data:
                    return
                if self._left and self._at in data:
                    self._left -= 1
                    self.cuts += 1
                    if self._when == "before":
                        return
                    swallows = True
                to_server.write(data)
                await to_server.drain()

        async def pass_on_answers(server: asyncio.StreamReader) -> None:
            while (data := await server.read(2**20)) and not swallows:
                to_client.write(data)
                await to_client.drain()

        try:
            server, to_server = await asyncio.open_unix_connection(self._path)
            writers.append(to_server)
            directions.append(asyncio.create_task(pass_on_questions(to_server)))
            directions.append(asyncio.create_task(pass_on_answers(server)))
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Before anything is awaited: a cancellation meanwhile must not leave a connection open.
            for writer in writers:
                writer.close()
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
            for writer in writers:
                with suppress(OSError):
                    await writer.wait_closed()


@asynccontextmanager
async def cutting_proxy(dsn: str) -> AsyncGenerator[CuttingProxy]:
    """Run a proxy in front of the server with this connection string, which names its Unix socket."""
    given = conninfo_to_dict(dsn)
    proxy = CuttingProxy(f"{given['host']}/.s.PGSQL.{given['port']}")
    served: set[asyncio.Task[None]] = set()

    def accept(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(proxy.serve(client, to_client))
        served.add(task)
        task.add_done_callback(served.discard)

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        # Encrypted, or with a password, it would not see what is asked.
        proxy.dsn = make_conninfo(dsn, host=host, port=port, sslmode="disable", gssencmode="disable")
        yield proxy
        for task in list(served):
            task.cancel()
        await asyncio.gather(*served, return_exceptions=True)
