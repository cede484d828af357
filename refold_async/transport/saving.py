"""Writes the body of a successful response to a file while it arrives. Imported for the first such response.

Everything that blocks is done in a thread, which ends with the response.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from refold_async.models.saved_file import SavedFile
from refold_async.protocol.files import SaveTo, may_be_no_file
from refold_async.protocol.responses import Response
from refold_async.runtime.cancellation import shielded_from_anyio
from refold_async.runtime.foreign_errors import EXITS
from refold_async.runtime.worker_thread import WorkerThread
from refold_async.transport.content_encoding import ContentDecoder, ContentEncodingError
from refold_async.transport.partial_file import PartialFile
from refold_async.transport.response_body import ResponseBody

if TYPE_CHECKING:
    import aiohttp

__all__ = ["save_response"]

_STEP: Final = 256 * 1024
"""How many bytes the thread gets at a time. Until it has written them, about as many arrive on the connection."""
_BEGINNING: Final = 1024
"""How many bytes to read to find out whether it may be JSON of Refold, or a page."""
_DISCARDING: Final = 1.0
"""Seconds that a cancelled task waits until the file is removed. If the disk takes longer, the thread still
finishes."""


async def save_response(save_to: SaveTo, received: "aiohttp.ClientResponse", max_response_bytes: int) -> Response:
    """Read a successful response, and save it or the file that it contains.

    Args:
        save_to: Where the file goes.
        received: The response, which will be closed.
        max_response_bytes: How long a body may be that is read into memory, in bytes.

    Returns:
        The response, with the file in `saved`. It has no body if the body is the file.
    """
    saving = _Saving(save_to, received, max_response_bytes)
    try:
        thread = WorkerThread("refold_async save_to")
    except RuntimeError as error:
        received.close()
        return saving.failed(error)
    try:
        response = await saving.run(thread)
    except BaseException as reason:
        saving.stopped = True
        discarded = thread.call(saving.discard)
        try:
            if not isinstance(reason, EXITS):  # those leave nothing to wait for
                with shielded_from_anyio():
                    await asyncio.wait([discarded], timeout=_DISCARDING)
        finally:
            thread.end(wait=discarded.done())
        raise
    thread.end()
    return response


class _Saving:
    """A response while it is written to a file. The event loop and the thread work on it in turns."""

    def __init__(self, save_to: SaveTo, received: "aiohttp.ClientResponse", max_response_bytes: int) -> None:
        self.stopped = False
        """Whether nobody waits for it any longer."""
        self._save_to = save_to
        self._received = received
        self._max_response_bytes = max_response_bytes
        self._response = Response(received.status, received.headers, b"")
        self._decoder = ContentDecoder(received.headers.get("Content-Encoding"))
        self._file = PartialFile(save_to.target)
        self.discard = self._file.discard
        self._pieces: list[bytes] = []

    async def run(self, thread: WorkerThread) -> Response:
        """Return the response once it is saved, or once it is known why it cannot be saved."""
        streamed = self._save_to.is_file(self._received.headers)
        if streamed:
            await self._stream(thread)
        else:
            body = ResponseBody.of_response(self._response.status, self._response.headers, self._max_response_bytes)
            await body.read(self._received)
            self._response = body.response(self._response.status, self._response.headers, whole=True)
        if not self._is_over:
            await thread.call(partial(self._try, self._finish if streamed else self._save_content))
        return self._response

    def failed(self, error: Exception) -> Response:
        """Return the response that could not be written."""
        told = getattr(error, "strerror", None) or str(error)
        self._response.saved = f"save_to={str(self._save_to.path)!r} could not be written: {told}"
        return self._response

    @property
    def _is_over(self) -> bool:
        return self._response.body_error is not None or self._response.saved is not None

    async def _stream(self, thread: WorkerThread) -> None:
        """Write the body to the file as it arrives."""
        size = 0
        self._response.body_error = self._decoder.problem
        try:
            async for piece in self._received.content.iter_any():
                self._pieces.append(piece)
                size += len(piece)
                del piece  # error reporters would show it
                if size >= _STEP:
                    await thread.call(partial(self._try, self._write))
                    size = 0
                if self._is_over:
                    break
        finally:
            self._received.close()

    # The methods below run in the thread.

    def _try(self, step: Callable[[], object]) -> None:
        """Run a step. If it fails, the response says why, and nothing remains of the file."""
        try:
            step()
        except ContentEncodingError as error:
            self._response.body_error = str(error)
        except OSError as error:
            self.failed(error)
        if self._is_over:
            self.discard()

    def _write(self) -> None:
        pieces, self._pieces = self._pieces, []
        for piece in pieces:
            for part in self._decoder.decode(piece):
                if self.stopped:
                    return
                self._file.write(part)

    def _finish(self) -> None:
        """Name the file, unless it is JSON of Refold or a page that the headers only claimed to be a file."""
        self._write()
        if self._decoder.wants_more:
            self._response.body_error = "it broke off"
            return
        is_looked_at = self._save_to.content is not None and self._file.size <= self._max_response_bytes
        if is_looked_at and may_be_no_file(self._file.read(_BEGINNING)):
            self._response.body = self._file.read(self._file.size)
            self.discard()
            self._save_content()
        else:
            self._name_file(self._response.headers.get("Content-Type"))

    def _save_content(self) -> None:
        """Write the file, if the body that was read into memory contains one."""
        body, headers = self._response.body, self._response.headers
        content = None if self._save_to.content is None else self._save_to.content(headers, body)
        if content is not None:
            self._file.write(content)
            self._name_file(headers.get("Content-Type") if content is body else None)

    def _name_file(self, content_type: str | None) -> None:
        if not self.stopped:
            self._file.replace_target()
            self._response.saved = SavedFile(self._save_to.path, self._file.size, content_type)
