"""A server that sends the same response to every request, as fast as asyncio can: never the bottleneck.

Run as a process of its own: `python benchmarks/canned_server.py` prints its port and serves until its standard input
ends. `--tls=FILE` is a certificate with its key: then it serves HTTPS.
"""

import asyncio
import ssl
import sys
from collections.abc import Callable
from typing import cast

BODY = (
    b'{"node_status":"Success","data":{"results":[{"id":"51","properties":{"email":"contact@example.com",'
    b'"firstname":"Brian","lastname":"Halligan (Sample Contact)"},"createdAt":"2023-10-06T09:53:17.242Z",'
    b'"archived":false}],"paging":{}}}'
)


def http_response(status: bytes, body: bytes, *headers: bytes) -> bytes:
    """Return the bytes of a response."""
    head = (b"HTTP/1.1 " + status, b"Content-Type: application/json; charset=utf-8", *headers)
    return b"\r\n".join((*head, b"Content-Length: %d" % len(body), b"", body))


RESPONSE = http_response(b"200 OK", BODY)


class CannedProtocol(asyncio.Protocol):
    """Sends one response per request; it reads only enough HTTP to find the end of a request."""

    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # uvloop's transports do not derive from asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Respond to every complete request."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            length = 0
            if (start := head.find(b"content-length:")) >= 0:
                length = int(head[start + 15 :].split(b"\r\n", 1)[0])
            if len(self._received) < end + 4 + length:
                return
            self._received = self._received[end + 4 + length :]
            self.respond(head)

    def respond(self, head: bytes) -> None:
        """Respond to the request with this head, in lower case."""
        self.write(RESPONSE)

    def write(self, response: bytes) -> None:
        """Send a response, if the client is still connected."""
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.write(response)


async def serve(protocol: Callable[[], asyncio.Protocol]) -> None:
    """Print the port and serve until standard input ends."""
    loop = asyncio.get_running_loop()
    context = None
    for argument in sys.argv[1:]:
        if argument.startswith("--tls="):
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(argument.removeprefix("--tls="))
    server = await loop.create_server(protocol, "127.0.0.1", 0, backlog=1000, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(CannedProtocol))
