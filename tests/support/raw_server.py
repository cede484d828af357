"""A server that answers with the bytes it is given, well-formed or not."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

__all__ = ["OK", "RawServer", "http_response", "raw_server"]

OK = b'{"node_status": "Success", "data": 1}'


def http_response(body: bytes = OK, status: int = 200, *headers: str, length: int | None = None) -> bytes:
    """Return a response with a body, and with `Content-Length` as it is or is claimed to be."""
    lines = [f"HTTP/1.1 {status} Reason", *headers, f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class RawServer:
    """What it has seen, and what it answers."""

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
        """Answer every request on a connection."""
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
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def raw_server(say: bytes | Callable[[int], bytes], *, close: bool = False) -> AsyncGenerator[RawServer]:
    """Serve on loopback.

    Args:
        say: What every request is answered with, or a function of the request's number.
        close: Whether to close the connection after each response.
    """
    server = RawServer(say if callable(say) else lambda number: say, close=close)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(server.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    server.base_url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        while tasks:
            await asyncio.wait(tasks, timeout=5)
