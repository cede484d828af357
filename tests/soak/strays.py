"""What comes unasked on a connection that waits for its next request.

A stray that arrives before the next request's first byte can be noticed, and whoever uses that connection all the same
is at fault. One that arrives later looks like the answer: no client can tell, but one that uses no connection twice.
"""

import json
import random
from collections.abc import Callable
from typing import Final, Literal

import attrs

from .wire import HTML, html, response

__all__ = ["END", "HALF_CLOSE", "RESET", "STRAYS", "SWALLOWED", "WITH_THE_NEXT_REQUEST", "Stray", "Timing", "choose"]

Timing = Literal["none", "early", "late"]
"""Which strays there are: none; those that come before the next request; those that come whenever they come."""

WITH_THE_NEXT_REQUEST: Final = -1.0
"""As soon as the next request's head has been read."""

HALF_CLOSE: Final = b"<half-close>"
END: Final = b"<end>"
RESET: Final = b"<reset>"


@attrs.frozen
class Stray:
    """Something sent unasked, and when."""

    name: str
    mark: str
    """What it carries, unless it is another's answer."""
    content: bytes
    """Bytes, or one of `HALF_CLOSE`, `END` and `RESET`."""
    delay: float
    """Seconds after the answer, or `WITH_THE_NEXT_REQUEST`."""
    turns: int = 0
    """How many turns of the event loop after the answer, where `delay` is 0: in the first two they come together; then
    while the client reads the answer, while it gives the connection back, while it takes it for the next request."""


Content = Callable[[str, bytes], bytes]
"""Makes what is sent, of a mark and of the answer that was sent before."""


def _is(content: bytes) -> Content:
    def make(mark: str, sent: bytes) -> bytes:
        return content

    return make


def _status(status: int) -> Content:
    def make(mark: str, sent: bytes) -> bytes:
        return response(status, html(status, mark), content_type=HTML)

    return make


def _again(mark: str, sent: bytes) -> bytes:
    return sent


def _half(mark: str, sent: bytes) -> bytes:
    return sent[: len(sent) // 3]


def _success(mark: str, sent: bytes) -> bytes:
    body = {"node_status": "Success", "data": {"answer": mark}, "answer": mark, "execution_id": mark}
    return response(200, json.dumps(body).encode())


def _refusal(mark: str, sent: bytes) -> bytes:
    return response(429, json.dumps({"status_code": 429, "error_code": "SOAKED", "message": mark}).encode())


STRAYS: Final[dict[str, tuple[int, Content]]] = {
    "the answer again": (6, _again),
    "a 200": (1, _success),
    "a 404": (1, _status(404)),
    "a 408": (2, _status(408)),
    "a 429": (1, _refusal),
    "a gateway's 429": (1, _status(429)),
    "a 503": (1, _status(503)),
    "a line break": (1, _is(b"\r\n")),
    "half an answer": (1, _half),
    "junk": (1, _is(b"\0\1junk")),
    "half-closed": (2, _is(HALF_CLOSE)),
    "closed": (2, _is(END)),
    "reset": (1, _is(RESET)),
}
"""Weights, and what is sent."""

SWALLOWED: Final = frozenset({"a line break", "half an answer"})
"""What an HTTP parser may swallow without a trace and cannot take for an answer: what comes of it is judged, not that a
connection is used on which it came."""

_DELAYS: Final = [0.0, 0.0, 0.0, 0.001, 0.001, 0.003, 0.01, 0.03]
_MOST_TURNS: Final = 8


def choose(source: random.Random, timing: Timing, number: int, sent: bytes) -> Stray | None:
    """Choose what is to come unasked after an answer, if anything."""
    if timing == "none" or source.random() > 0.12:
        return None
    name = source.choices(list(STRAYS), [weight for weight, _ in STRAYS.values()])[0]
    delay = source.choice(_DELAYS)
    if timing == "late" and source.random() < 0.3:
        delay = WITH_THE_NEXT_REQUEST
    mark = f"stray-{number}@nobody"
    return Stray(name, mark, STRAYS[name][1](f"<{mark}>", sent), delay, source.randrange(_MOST_TURNS))
