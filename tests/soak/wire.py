"""HTTP/1.1 in bytes: answers as they should be, and as they should not. Pure."""

import gzip
from collections.abc import Iterable
from http import HTTPStatus

__all__ = ["HTML", "JSON", "Headers", "chunked", "compressed", "head", "html", "response"]

JSON = "application/json; charset=utf-8"
HTML = "text/html"

Headers = Iterable[tuple[str, str]]


def head(status: int, headers: Headers = ()) -> bytes:
    """Return the head of an answer."""
    reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Whatever"
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode()


def response(
    status: int, body: bytes, headers: Headers = (), *, content_type: str = JSON, length: int | None = None
) -> bytes:
    """Return an answer whose `Content-Length` is the body's, or what `length` says."""
    size = str(len(body) if length is None else length)
    return head(status, [("Content-Type", content_type), ("Content-Length", size), *headers]) + body


def chunked(status: int, body: bytes, size: int, headers: Headers = (), *, ending: bytes = b"0\r\n\r\n") -> bytes:
    """Return an answer in chunks of so many bytes."""
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return head(status, [("Content-Type", JSON), ("Transfer-Encoding", "chunked"), *headers]) + framed + ending


def compressed(body: bytes) -> bytes:
    """Return a body in gzip."""
    return gzip.compress(body, 1)


def html(status: int, text: str) -> bytes:
    """Return what gateways show."""
    return f"<html><head><title>{status}</title></head><body><h1>{status}</h1><p>{text}</p></body></html>".encode()
