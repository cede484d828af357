"""A response's body, read piece by piece: decompressed, and not beyond the size limit.

Imported for the first response that needs it: one that is compressed, has no length, or has an error status.
"""

import codecs
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Self

from refold_async.protocol.responses import SUCCESS, Response
from refold_async.transport.content_encoding import ContentDecoder, ContentEncodingError

if TYPE_CHECKING:
    import aiohttp

__all__ = ["ResponseBody"]

_MAX_ERROR_BYTES: Final = 1024 * 1024
"""How much of a response with an error status is read, in bytes. The message is within that."""


class ResponseBody:
    """The body of a response, read piece by piece up to a size limit, with its `Content-Encoding` decoded.

    Args:
        encoding: The response's `Content-Encoding`, if it has one.
        max_bytes: How much to read, in bytes after decompression.

    Attributes:
        body_error: What is wrong with the body, or None.
    """

    def __init__(self, encoding: str | None, max_bytes: int) -> None:
        self.body_error: str | None = None
        self._decoder = ContentDecoder(encoding)
        self._max_bytes = self._room = max_bytes
        self._pieces: list[bytes] = []

    @classmethod
    def of_response(cls, status: int, headers: Mapping[str, str], max_response_bytes: int) -> Self:
        """Return the object that takes the body of a response with this status and these headers."""
        max_bytes = max_response_bytes if status in SUCCESS else min(max_response_bytes, _MAX_ERROR_BYTES)
        return cls(headers.get("Content-Encoding"), max_bytes)

    async def read(self, received: "aiohttp.ClientResponse") -> None:
        """Read as much of a response's body as is needed, and close the response."""
        try:
            async for piece in received.content.iter_any():
                wanted = self.take(piece)
                del piece  # error reporters would show it
                if not wanted:
                    break
        finally:
            received.close()

    def take(self, piece: bytes) -> bool:
        """Take a piece as it arrived; return whether the next one is needed."""
        try:
            for part in self._decoder.decode(piece):
                self._pieces.append(part[: self._room])
                self._room -= len(part)
                if self._room < 0:
                    self.body_error = (
                        f"it is longer than max_response_bytes={self._max_bytes}: pass a larger limit to AsyncRefold, "
                        "or save_to= to the call"
                    )
                    break
        except ContentEncodingError as error:
            self.body_error = str(error)
        return self.body_error is None

    def end(self, *, whole: bool) -> bytes:
        """Return the body, after its last piece; `whole` is whether the response ended as it should."""
        body = b"".join(self._pieces)
        if self._decoder.problem is not None and not _is_text(body):
            self.body_error = self._decoder.problem
            return b""
        if self.body_error is None and (not whole or self._decoder.wants_more):
            self.body_error = "it broke off"
        return body

    def response(self, status: int, headers: Mapping[str, str], *, whole: bool) -> Response:
        """Return the response with this body, after its last piece; `whole` is whether it ended as it should."""
        taken = self.end(whole=whole)
        return Response(status, headers, taken, self.body_error)


def _is_text(body: bytes) -> bool:
    """Return whether the body is readable anyway, as when a gateway names an encoding but does not use it."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(body)
    except UnicodeDecodeError:
        return False
    return True
