"""The `Content-Encoding` of a body, undone piece by piece."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

__all__ = ["ContentDecoder", "ContentEncodingError"]

_COMPRESSED: Final = frozenset({"gzip", "x-gzip", "deflate"})
_READABLE: Final = _COMPRESSED | {"", "identity"}
_STEP: Final = 256 * 1024
"""Bytes to decompress into at once: a few may stand for very many."""
_GZIP: Final = 16 + zlib.MAX_WBITS
_STARTS_GZIP: Final = b"\x1f\x8b"


class ContentEncodingError(Exception):
    """A body is not in the encoding it claims. Says so of the body."""


class ContentDecoder:
    """Undoes the `Content-Encoding` of a body. What is in one it does not know stays as it is.

    Args:
        encoding: The response's `Content-Encoding`, if it has one.

    Attributes:
        problem: Why the body cannot be decoded, if the encoding is not known, or None.
    """

    def __init__(self, encoding: str | None) -> None:
        self._encoding = (encoding or "").strip().lower()
        self._decompressor: Any = None
        self._ended = False
        self.problem: str | None = None
        if self._encoding not in _READABLE:
            self.problem = (
                f"its Content-Encoding is {self._encoding!r}, which the client did not ask for and cannot read"
            )

    @property
    def wants_more(self) -> bool:
        """Whether what came so far breaks off."""
        return self._decompressor is not None

    def decode(self, piece: bytes) -> Iterable[bytes]:
        """Give what a piece stands for, a bounded part at a time.

        Raises:
            ContentEncodingError: It is not in the encoding that the body claims.
        """
        return self._decompressed(piece) if self._encoding in _COMPRESSED else (piece,)

    def _decompressed(self, piece: bytes) -> Iterator[bytes]:
        """Give what a piece stands for. What follows the end is padding and nothing more."""
        deflate = self._encoding == "deflate"
        while piece and not (self._ended and (deflate or not piece.startswith(_STARTS_GZIP))):
            decompressor = self._decompressor or zlib.decompressobj(_raw_or_not(piece) if deflate else _GZIP)
            self._decompressor = decompressor
            self._ended = False
            try:
                part = decompressor.decompress(piece, _STEP)
            except zlib.error:
                problem = f"it is not in the Content-Encoding it claims, {self._encoding}"
                raise ContentEncodingError(problem) from None
            yield part
            piece = decompressor.unconsumed_tail
            if decompressor.eof:
                piece = decompressor.unused_data  # gzip may go on with another member
                self._decompressor = None
                self._ended = True


def _raw_or_not(piece: bytes) -> int:
    # Some servers leave out the header of zlib, which begins with an 8 in the lower half of the first byte.
    return zlib.MAX_WBITS if piece[0] & 0xF == 8 else -zlib.MAX_WBITS
