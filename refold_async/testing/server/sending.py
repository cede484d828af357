"""Sending a reply over the wire: whole, in drops, cut off, or not at all."""

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
    """Send a reply, and note its status with the request once it is sent to the end.

    Args:
        request: What is answered.
        connection: Where it came from.
        received: What is kept of the request.
        reply: What it is answered with.
        headers: What is sent with every reply, unless the reply has headers of the same name.
        trouble: What happens to the reply on its way.

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
        # An RST may overtake what was sent before it; give the client a moment to take that in.
        await asyncio.sleep(_PAUSE_BEFORE_RESET)
        connection.reset()
    return stream


@contextlib.contextmanager
def _last_write(received: ReceivedRequest, reply: Reply) -> Generator[None]:
    # Noted before the write: a client in another process may have read the reply before the write returns.
    received.status = reply.status
    try:
        yield
    except BaseException:
        received.status = None
        raise


def hang_up() -> web.StreamResponse:
    """Return what satisfies aiohttp on a connection that is gone; nothing of it is sent."""
    return web.Response()
