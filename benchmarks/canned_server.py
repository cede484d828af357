"""A server that answers every request with the same bytes, as fast as asyncio lets it: never the bottleneck.

Run as a process of its own: `python benchmarks/canned_server.py [CORE]` prints its port and serves until its standard
input ends.
"""

import asyncio
import os
import sys

BODY = (
    b'{"node_status":"Success","data":{"results":[{"id":"51","properties":{"email":"contact@example.com",'
    b'"firstname":"Brian","lastname":"Halligan (Sample Contact)"},"createdAt":"2023-10-06T09:53:17.242Z",'
    b'"archived":false}],"paging":{}}}'
)
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(BODY)
) + BODY


class CannedProtocol(asyncio.Protocol):
    """Answers once per request; understands as much HTTP as finding where a request ends takes."""

    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        assert self._transport is not None
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            length = 0
            if (start := head.find(b"content-length:")) >= 0:
                length = int(head[start + 15 :].split(b"\r\n", 1)[0])
            if len(self._received) < end + 4 + length:
                return
            self._received = self._received[end + 4 + length :]
            self._transport.write(ANSWER)


async def serve() -> None:
    """Print the port and serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(CannedProtocol, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    if len(sys.argv) > 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(sys.argv[1])})
    asyncio.run(serve())
