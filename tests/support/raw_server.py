"""A server that responds with given bytes, well-formed or not."""

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

__all__ = ["OK", "RawServer", "http_response", "raw_server", "serving"]

OK = b'{"node_status": "Success", "data": 1}'


def http_response(body: bytes = OK, status: int = 200, *headers: str, length: int | None = None) -> bytes:
    """Return a response with a body and with a `Content-Length`, which may be wrong."""
    lines = [f"HTTP/1.1 {status} Reason", *headers, f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class RawServer:
    """What the server has received, and what it responds with."""

    def __init__(self, say: Callable[[int], bytes], *, close: bool) -> None:
        self._say = say
        self._close = close
        self._connections: set[asyncio.StreamWriter] = set()
        self.base_url = ""
        self.seen: list[bytes] = []

    @property
    def open_connections(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Respond to every request on a connection."""
        self._connections.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: *(\d+)", head)
                body = await reader.readexactly(int(length[1])) if length else b""
                self.seen.append(head + body)
                writer.write(self._say(len(self.seen)))
                if self._close:
                    break
        self._connections.discard(writer)


@asynccontextmanager
async def serving(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]],
    *,
    tls: ssl.SSLContext | None = None,
    limit: int = 65536,
) -> AsyncGenerator[str]:
    """Serve on loopback and yield the address, such as `127.0.0.1:1234`; afterwards wait for all connections.

    Args:
        handle: Called with each connection, which is closed when it returns. A client that hangs up may end it.
        tls: The context for HTTPS.
        limit: How many bytes are read at once.
    """
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await handle(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls, limit=limit)
    try:
        yield f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        async with asyncio.timeout(30):
            while tasks:
                await asyncio.wait(tasks)


@asynccontextmanager
async def raw_server(say: bytes | Callable[[int], bytes], *, close: bool = False) -> AsyncGenerator[RawServer]:
    """Serve on loopback.

    Args:
        say: The response to every request, or a function that returns it for the number of a request.
        close: Whether to close the connection after each response.
    """
    server = RawServer(say if callable(say) else lambda number: say, close=close)
    async with serving(server.serve) as address:
        server.base_url = f"http://{address}"
        yield server
