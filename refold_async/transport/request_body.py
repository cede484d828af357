"""The body of a request. It records when its first byte is about to be sent."""

import asyncio
import math
from typing import Final

import aiohttp
import aiohttp.abc

from refold_async.runtime.boot_clock import boot_time
from refold_async.transport.connection_guard import ConnectionGuard, UnusableConnectionError
from refold_async.transport.deadlines import Deadline

__all__ = ["Body", "RecordedBody"]

_CONTENT_TYPE: Final = "application/json"
_ALWAYS_FITS: Final = 8192
"""Bytes that the system takes at one time from a connection on which nothing else waits to be sent."""


class Body(aiohttp.Payload):
    """A request's body. It records when aiohttp first asks for it, just before the first byte of the request is sent.

    Until then, the request cannot have had an effect, the connection may still turn out to be unusable, and the timeout
    for making a connection applies.
    """

    begun = False
    begins_after_hooks = False
    """Whether trace hooks run, and may wait, between the moment aiohttp asks for the body and its first byte."""
    guard: ConnectionGuard
    connection: aiohttp.connector.Connection | None = None
    """The connection that carries it, if the connection must still be checked or closed."""
    last = False
    """Whether `connection` must not be used again."""
    unusable: UnusableConnectionError | None = None
    """Why nothing was written to `connection`."""
    carrier: asyncio.Transport | None = None
    """What may still hold a part of a long body."""
    deadline: Deadline | None = None
    """A deadline that moves to `deadline_once_begun` when the body begins."""
    deadline_once_begun = math.inf
    too_late = False
    """Whether it did not begin because it came too long after its record in a journal."""

    def __init__(self, value: bytes) -> None:
        super().__init__(value, content_type=_CONTENT_TYPE)
        self._bytes = value

    @property
    def size(self) -> int:
        """The length in bytes."""
        return len(self._bytes)

    @property
    def autoclose(self) -> bool:
        """True: there is nothing to close."""
        return True

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the body as text."""
        return self._bytes.decode(encoding, errors)

    async def write_with_length(self, writer: aiohttp.abc.AbstractStreamWriter, content_length: int | None) -> None:
        """Write the body."""
        if not self.begins_after_hooks:
            if self.connection is not None and self.guard.written_later and not self.guard.is_silent(self.connection):
                await self.check()
            self.begin()
        if len(self._bytes) > _ALWAYS_FITS:
            self.carrier = getattr(writer, "transport", None)
        await writer.write(self._bytes)
        self.begun = True

    async def check(self) -> None:
        """Check one last time that nothing has arrived on the connection."""
        if self.connection is not None:
            try:
                await self.guard.check_silence(self.connection)
            except UnusableConnectionError as error:
                self.unusable = error
                raise

    def begin(self) -> None:
        """Note that the first byte is about to be sent."""
        if self.last and self.connection is not None and self.connection.protocol is not None:
            self.connection.protocol.force_close()
        self.begun = True
        if self.deadline is not None:
            self.deadline.when = self.deadline_once_begun

    def drop_rest(self) -> None:
        """Send nothing more of a body whose attempt is over.

        A connection that is closed sends the rest first: once the peer reads again, the request would be complete.
        """
        if self.carrier is not None and self.carrier.get_write_buffer_size():
            self.carrier.abort()

    async def write(self, writer: aiohttp.abc.AbstractStreamWriter) -> None:
        """Write the body."""
        await self.write_with_length(writer, None)


class _TooLateError(Exception):
    """A request comes too long after its record in a journal. Nothing of it was written."""


class RecordedBody(Body):
    """The body of a request that a journal has recorded. It begins only for a limited time after that."""

    def __init__(self, value: bytes, leaves_before: float) -> None:
        """Prepare the body.

        Args:
            value: The body.
            leaves_before: Until when it may begin, by `boot_time()`, which counts while the machine sleeps.
        """
        super().__init__(value)
        self._leaves_before = leaves_before

    def begin(self) -> None:
        """Note that the first byte is about to be sent, unless it is too late for that."""
        if boot_time() > self._leaves_before:
            self.too_late = True
            raise _TooLateError
        super().begin()
