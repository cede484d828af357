"""What can be known of a response that broke off, or that aiohttp refused because part of it is not valid HTTP.

Imported at the first failure.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import aiohttp
from multidict import CIMultiDict

from refold_async.protocol.responses import Response
from refold_async.transport.response_body import ResponseBody

__all__ = ["ResponseHead", "has_too_long_headers", "read_head", "response_despite"]

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.\d ([1-9]\d\d)(?: [^\r\n]*)?\r\n")
_MAX_CAUSES: Final = 10


def response_despite(
    error: BaseException,
    received: aiohttp.ClientResponse | None,
    partial_body: ResponseBody | None,
    *,
    from_server: bool,
    max_response_bytes: int,
) -> Response | None:
    """Return the response that came before or with a failure, if it shows how the request ended.

    Args:
        error: The failure.
        received: The response, if its head was read.
        partial_body: The part of its body that arrived, if the body was read piece by piece.
        from_server: Whether a response whose head was not read must be from the server, and cannot be from a proxy.
        max_response_bytes: How long a response may be, in bytes.
    """
    if received is not None:
        if partial_body is None or received.status < 300:
            return None
        return partial_body.response(received.status, received.headers, whole=False)
    if not from_server:
        return None
    closed = isinstance(error, aiohttp.ClientConnectionError)
    if closed and (status := _status_cut_short(error) or 0) >= 300:
        # Without headers, because the last one may be cut off.
        return ResponseBody(None, 0).response(status, CIMultiDict[str](), whole=False)
    if not isinstance(error, aiohttp.ClientResponseError) or (head := read_head(_refused_bytes(error))) is None:
        return None
    if head.status < 300 and (not head.whole or has_too_long_headers(error)):
        return None
    headers = CIMultiDict(head.headers)
    body = ResponseBody.of_response(head.status, headers, max_response_bytes)
    body.take(head.body)
    return body.response(head.status, headers, whole=head.whole)


def has_too_long_headers(error: BaseException) -> bool:
    """Return whether aiohttp refused a response because its headers are too long or too many."""
    said = [str(getattr(cause, "message", "")) for cause in _causes(error)]
    return any("Got more than" in text or "Too many headers" in text for text in said)


def _status_cut_short(error: BaseException) -> int | None:
    """Return the status of a response that ended within its headers, or None."""
    statuses = (getattr(getattr(cause, "message", None), "code", None) for cause in _causes(error))
    return next((status for status in statuses if isinstance(status, int)), None)


def _refused_bytes(error: BaseException) -> bytes:
    """Return the bytes that arrived on the connection when aiohttp refused them. Only aiohttp's stack frame holds them.

    They are the last piece that arrived. Nothing is returned unless this piece is known to be the first of its response
    too: otherwise it could begin anywhere, such as in the value of a header that looks like a status line.
    """
    for cause in _causes(error):
        if cause.__traceback__ is not None and cause.__traceback__.tb_frame.f_code.co_name == "data_received":
            local = cause.__traceback__.tb_frame.f_locals
            data, protocol = local.get("data"), local.get("self")
            known = getattr(protocol, "in_first_piece", False)  # False for the user's connector, which counts nothing
            return data if known and isinstance(data, bytes) else b""
    return b""


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    for _ in range(_MAX_CAUSES):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__


class ResponseHead(NamedTuple):
    """The start of a response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    """The part of the body that arrived."""
    whole: bool
    """Whether that is the whole body, according to the headers."""


def read_head(data: bytes) -> ResponseHead | None:
    """Read the first response from the bytes of a connection; return None if they do not begin with a whole head."""
    while (match := _STATUS_LINE.match(data)) is not None:
        lines, end, body = data[match.end() - 2 :].partition(b"\r\n\r\n")
        if not end:
            return None
        status = int(match[1])
        if status >= 200:
            headers = [
                (name.decode("ascii", "replace"), value.strip(b" \t").decode("utf-8", "surrogateescape"))
                for name, colon, value in (line.partition(b":") for line in lines.split(b"\r\n"))
                if colon
            ]
            by_name = {name.lower(): value for name, value in headers}
            length = by_name.get("content-length", "")
            sized = length.isascii() and length.isdecimal() and "transfer-encoding" not in by_name
            sized = sized and sum(name.lower() == "content-length" for name, _ in headers) == 1
            if not sized:
                return ResponseHead(status, headers, b"", whole=False)
            size = int(length[:20])
            return ResponseHead(status, headers, body[:size], whole=len(body) >= size)
        data = body  # after an interim response
    return None
