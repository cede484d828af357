"""The body of an answer: its bytes, with what they are compressed by undone."""

import codecs
import zlib
from collections.abc import Iterator
from typing import Any, Final

__all__ = ["Content"]

_UNDONE: Final = frozenset({"gzip", "x-gzip", "deflate"})
_READ: Final = _UNDONE | {"", "identity"}
_STEP: Final = 256 * 1024
"""Bytes to undo at once: a few of them may stand for very many."""
_GZIP: Final = 16 + zlib.MAX_WBITS
_STARTS_GZIP: Final = b"\x1f\x8b"


class Content:
    """The body of an answer, taken piece by piece and no further than is allowed, its `Content-Encoding` undone.

    Attributes:
        flaw: What is wrong with the body, or None.
    """

    def __init__(self, encoding: str | None, most: int) -> None:
        """Take at most `most` bytes."""
        self.body_error: str | None = None
        self._encoding = (encoding or "").strip().lower()
        self._most = self._room = most
        self._pieces: list[bytes] = []
        self._inflate: Any = None
        self._ended = False

    def take(self, piece: bytes) -> bool:
        """Take a piece as it came; return whether the next is wanted."""
        try:
            for part in self._undone(piece) if self._encoding in _UNDONE else [piece]:
                self._pieces.append(part[: self._room])
                self._room -= len(part)
                if self._room < 0:
                    self.body_error = f"it is longer than max_response_bytes={self._most}"
                    break
        except zlib.error:
            self.body_error = f"it is not in the Content-Encoding it claims, {self._encoding}"
        return self.body_error is None

    def end(self, *, whole: bool) -> bytes:
        """Return the body. No other piece comes; `whole` tells whether that is how it should be."""
        body = b"".join(self._pieces)
        if self._encoding not in _READ and not _is_text(body):
            self.body_error = (
                f"its Content-Encoding is {self._encoding!r}, which the client did not ask for and cannot read"
            )
            return b""
        if self.body_error is None and (not whole or self._inflate is not None):
            self.body_error = "it broke off"
        return body

    def _undone(self, piece: bytes) -> Iterator[bytes]:
        """Give what a piece stands for, a bounded part at a time. What follows the end is padding and nothing more."""
        deflate = self._encoding == "deflate"
        while piece and not (self._ended and (deflate or not piece.startswith(_STARTS_GZIP))):
            inflate = self._inflate = self._inflate or zlib.decompressobj(_raw_or_not(piece) if deflate else _GZIP)
            self._ended = False
            yield inflate.decompress(piece, _STEP)
            piece = inflate.unconsumed_tail
            if inflate.eof:
                piece = inflate.unused_data  # gzip may go on with another member
                self._inflate = None
                self._ended = True


def _raw_or_not(piece: bytes) -> int:
    # Some servers leave out the header of zlib, which begins with an 8 in the lower half of the first byte.
    return zlib.MAX_WBITS if piece[0] & 0xF == 8 else -zlib.MAX_WBITS


def _is_text(body: bytes) -> bool:
    """Tell whether it is readable all the same, as where a gateway names an encoding and uses none."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(body)
    except UnicodeDecodeError:
        return False
    return True
