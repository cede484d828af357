"""Sending a reply over the wire: whole, in drops, cut off, or not at all."""

import asyncio
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from refold_async.testing.faults.troubles import Drip, Reset, Truncated
from refold_async.testing.protocol.replies import Reply
from refold_async.testing.server.connections import ServerConnection

__all__ = ["SERVER", "hang_up", "send_reply"]

SERVER: Final = "mock-refold"
_PAUSE_BEFORE_RESET: Final = 0.01


async def send_reply(
    request: web.BaseRequest,
    connection: ServerConnection,
    reply: Reply,
    headers: Mapping[str, str],
    trouble: Drip | Reset | Truncated | None = None,
) -> tuple[web.StreamResponse, bool]:
    """Send a reply.

    Args:
        request: What is answered.
        connection: Where it came from.
        reply: What it is answered with.
        headers: What is sent with every reply, unless the reply has headers of the same name.
        trouble: What happens to the reply on its way.

    Returns:
        What aiohttp's handler must return, and whether the reply was sent to the end.
    """
    headers = {"Server": SERVER, **headers, **reply.headers}
    if reply.content_type is not None:
        headers["Content-Type"] = reply.content_type
    if trouble is None:
        response = web.Response(status=reply.status, body=reply.body, headers=headers)
        await response.prepare(request)
        await response.write_eof()
        return response, True
    if isinstance(trouble, Reset) and trouble.when != "during":
        connection.reset()
        return hang_up(), False
    headers["Content-Length"] = str(len(reply.body))
    stream = web.StreamResponse(status=reply.status, headers=headers)
    await stream.prepare(request)
    if isinstance(trouble, Drip):
        for start in range(0, len(reply.body), trouble.chunk_bytes):
            await asyncio.sleep(trouble.seconds)
            await stream.write(reply.body[start : start + trouble.chunk_bytes])
        await stream.write_eof()
        return stream, True
    if isinstance(trouble, Truncated):
        await stream.write(trouble.cut(reply.body))
        connection.transport.close()
    else:
        await stream.write(reply.body[: len(reply.body) // 2])
        # An RST may overtake what was sent before it; give the client a moment to take that in.
        await asyncio.sleep(_PAUSE_BEFORE_RESET)
        connection.reset()
    return stream, False


def hang_up() -> web.StreamResponse:
    """Return what satisfies aiohttp on a connection that is gone; nothing of it is sent."""
    return web.Response()
