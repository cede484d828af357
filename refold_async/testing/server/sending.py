"""Sending a reply: whole, in pieces, cut off, or not at all."""

import asyncio
import contextlib
from collections.abc import Generator, Mapping
from typing import Final

from aiohttp import web

from refold_async.testing.faults.troubles import Drip, Reset, Truncated
from refold_async.testing.protocol.replies import Reply
from refold_async.testing.server.connections import ServerConnection
from refold_async.testing.server.received_requests import ReceivedRequest

__all__ = ["SERVER", "hang_up", "send_reply"]

SERVER: Final = "mock-refold"
_PAUSE_BEFORE_RESET: Final = 0.01


async def send_reply(
    request: web.BaseRequest,
    connection: ServerConnection,
    received: ReceivedRequest,
    reply: Reply,
    headers: Mapping[str, str],
    trouble: Drip | Reset | Truncated | None = None,
) -> web.StreamResponse:
    """Send a reply.

    Args:
        request: The request.
        connection: Its connection.
        received: What the mock keeps of the request; gets the status of a reply that is sent completely.
        reply: The reply to send.
        headers: Headers of every reply, unless the reply has headers with these names.
        trouble: What happens to the reply while it is sent.

    Returns:
        What aiohttp's handler must return.
    """
    headers = {"Server": SERVER, **headers, **reply.headers}
    if reply.content_type is not None:
        headers["Content-Type"] = reply.content_type
    if trouble is None:
        response = web.Response(status=reply.status, body=reply.body, headers=headers)
        await response.prepare(request)
        with _last_write(received, reply):
            await response.write_eof()
        return response
    if isinstance(trouble, Reset) and trouble.when != "during":
        connection.reset()
        return hang_up()
    headers["Content-Length"] = str(len(reply.body))
    stream = web.StreamResponse(status=reply.status, headers=headers)
    await stream.prepare(request)
    if isinstance(trouble, Drip):
        starts = range(0, len(reply.body), trouble.chunk_bytes)
        *drops, last = [reply.body[start : start + trouble.chunk_bytes] for start in starts] or [b""]
        for drop in drops:
            await asyncio.sleep(trouble.seconds)
            await stream.write(drop)
        await asyncio.sleep(trouble.seconds)
        with _last_write(received, reply):
            await stream.write_eof(last)
        return stream
    if isinstance(trouble, Truncated):
        await stream.write(trouble.cut(reply.body))
        connection.transport.close()
    else:
        await stream.write(reply.body[: len(reply.body) // 2])
        # An RST may overtake what was sent before it: give the client a moment to receive that.
        await asyncio.sleep(_PAUSE_BEFORE_RESET)
        connection.reset()
    return stream


@contextlib.contextmanager
def _last_write(received: ReceivedRequest, reply: Reply) -> Generator[None]:
    # Set before the write: a client in another thread or process may read the reply before the write returns.
    received.status = reply.status
    try:
        yield
    except BaseException:
        received.status = None
        raise


def hang_up() -> web.StreamResponse:
    """Return what aiohttp needs for a connection that has ended; nothing of it is sent."""
    return web.Response()
