"""What can be told of an answer that aiohttp refuses as a whole, because something in it is no HTTP."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

__all__ = [
    "Head",
    "bytes_of_refused",
    "has_too_long_headers",
    "read_head",
    "status_cut_short",
]

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.\d ([1-9]\d\d)(?: [^\r\n]*)?\r\n")
_MOST_CAUSES: Final = 10


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__


def has_too_long_headers(error: BaseException) -> bool:
    """Tell whether aiohttp refused an answer for the length or the number of its headers."""
    said = [str(getattr(cause, "message", "")) for cause in _causes(error)]
    return any("Got more than" in text or "Too many headers" in text for text in said)


def status_cut_short(error: BaseException) -> int | None:
    """Return the status of an answer that ended within its headers, or None."""
    statuses = (getattr(getattr(cause, "message", None), "code", None) for cause in _causes(error))
    return next((status for status in statuses if isinstance(status, int)), None)


def bytes_of_refused(error: BaseException) -> bytes:
    """Return what came on the connection when aiohttp refused it: it keeps that nowhere but in its frame.

    That is the last piece. Unless it is known to be the first of its answer too, nothing is returned: what begins it
    could be anything, such as a header's value that reads like a status line.
    """
    for cause in _causes(error):
        if cause.__traceback__ is not None and cause.__traceback__.tb_frame.f_code.co_name == "data_received":
            told = cause.__traceback__.tb_frame.f_locals
            data, protocol = told.get("data"), told.get("self")
            known = getattr(protocol, "in_first_piece", False)  # of a connector that is lent, nobody notes it
            return data if known and isinstance(data, bytes) else b""
    return b""


class Head(NamedTuple):
    """The beginning of an answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    """What came of the body."""
    whole: bool
    """Whether that is all of it, as far as the headers tell."""


def read_head(data: bytes) -> Head | None:
    """Read the first answer in what came on a connection; return None if it does not begin with a whole head."""
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
            told = {name.lower(): value for name, value in headers}
            length = told.get("content-length", "")
            sized = length.isascii() and length.isdecimal() and "transfer-encoding" not in told
            sized = sized and sum(name.lower() == "content-length" for name, _ in headers) == 1
            if not sized:
                return Head(status, headers, b"", whole=False)
            size = int(length[:20])
            return Head(status, headers, body[:size], whole=len(body) >= size)
        data = body  # after an interim answer
    return None
