"""Decodes the `Content-Encoding` of a body, piece by piece."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

__all__ = ["ContentDecoder", "ContentEncodingError"]

_COMPRESSED: Final = frozenset({"gzip", "x-gzip", "deflate"})
_READABLE: Final = _COMPRESSED | {"", "identity"}
_STEP: Final = 256 * 1024
"""How many bytes to decompress in one step. A few compressed bytes may expand to very many."""
_GZIP: Final = 16 + zlib.MAX_WBITS
_STARTS_GZIP: Final = b"\x1f\x8b"


class ContentEncodingError(Exception):
    """A body is not in the encoding that it claims. The text is worded as part of a sentence about the body."""


class ContentDecoder:
    """Decodes the `Content-Encoding` of a body. An encoding that it does not know is left as it is.

    Args:
        encoding: The response's `Content-Encoding`, if it has one.

    Attributes:
        problem: Why the body cannot be decoded, if its encoding is not known; otherwise None.
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
        """Whether the data so far ends in the middle of the encoding."""
        return self._decompressor is not None

    def decode(self, piece: bytes) -> Iterable[bytes]:
        """Return the decoded parts of a piece; each part has a limited size.

        Raises:
            ContentEncodingError: The piece is not in the encoding that the body claims.
        """
        return self._decompressed(piece) if self._encoding in _COMPRESSED else (piece,)

    def _decompressed(self, piece: bytes) -> Iterator[bytes]:
        """Yield the decoded parts of a piece. Anything after the end of the encoding is only padding."""
        deflate = self._encoding == "deflate"
        while piece and not (self._ended and (deflate or not piece.startswith(_STARTS_GZIP))):
            decompressor = self._decompressor or zlib.decompressobj(_raw_or_not(piece) if deflate else _GZIP)
            self._decompressor = decompressor
            self._ended = False
            try:
                part = decompressor.decompress(piece, _STEP)
            except zlib.error:
                problem = f"it does not have the Content-Encoding that it claims, {self._encoding}"
                raise ContentEncodingError(problem) from None
            yield part
            piece = decompressor.unconsumed_tail
            if decompressor.eof:
                piece = decompressor.unused_data  # gzip may continue with another member
                self._decompressor = None
                self._ended = True


def _raw_or_not(piece: bytes) -> int:
    # Some servers leave out the header of zlib, which begins with an 8 in the lower half of the first byte.
    return zlib.MAX_WBITS if piece[0] & 0xF == 8 else -zlib.MAX_WBITS
