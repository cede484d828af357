"""One request and what is done about it: the words in which faults are written."""

import asyncio
import json
import random
from typing import Any, Protocol

import attrs

from .ledger import CallRecord
from .wire import JSON, Headers, html, response

__all__ = ["Exchange", "GoneError", "Line", "Request"]


class GoneError(Exception):
    """The client is no longer there."""


@attrs.frozen
class Request:
    """A request's head."""

    method: str
    path: str
    headers: dict[str, str]
    """By names in lower case."""

    @property
    def length(self) -> int:
        """How many bytes of body follow."""
        return int(self.headers.get("content-length", "0"))


class Line(Protocol):
    """What an exchange needs of the connection it is on."""

    async def read(self, count: int) -> bytes:
        """Return exactly so many bytes; raise `GoneError` if they do not come."""
        ...

    def write(self, data: bytes) -> None:
        """Send; raise `GoneError` if nobody is there."""
        ...

    def close(self) -> None:
        """Send what is to be sent, and close."""
        ...

    def reset(self) -> None:
        """Drop the connection so that the client is told by a reset."""
        ...

    def spoil(self, cause: str) -> None:
        """Note that something was sent on it that nobody asked for."""
        ...


@attrs.define(eq=False)
class Exchange:
    """A request, the call it belongs to, and the connection to answer it on."""

    line: Line
    request: Request
    record: CallRecord
    random: random.Random
    response_sent: bytes = b""
    """The whole answer, where one was sent as it should be."""
    told: int | None = None
    _unread: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._unread = self.request.length

    @property
    def operation(self) -> str:
        """What the call is."""
        return self.record.operation

    async def some_of_body(self) -> None:
        """Read half of the body."""
        await self._read(self._unread // 2)

    async def body(self) -> bytes:
        """Read the rest of the body."""
        return await self._read(self._unread)

    async def _read(self, count: int) -> bytes:
        self._unread -= count
        return await self.line.read(count) if count else b""

    async def run(self) -> None:
        """Read the body and do what it asks for."""
        await self.body()
        self.record.ran += 1

    async def maybe_run(self) -> None:
        """Read the body, and toss a coin about doing what it asks for."""
        await self.body()
        self.record.ran += self.random.random() < 0.5

    def write(self, data: bytes) -> None:
        """Send bytes of an answer."""
        self.line.write(data)

    def respond(self, data: bytes) -> None:
        """Send a whole and proper answer."""
        self.line.write(data)
        self.response_sent = data

    def refuse(self, status: int, body: bytes, headers: Headers = (), *, content_type: str = JSON) -> None:
        """Send an error status that the client is to tell as such."""
        self.tell(status)
        self.respond(response(status, body, headers, content_type=content_type))

    def tell(self, status: int) -> None:
        """Note an error status that reached the client for certain."""
        self.told = status

    def close(self) -> None:
        """Close the connection properly."""
        self.line.close()

    def reset(self) -> None:
        """Reset the connection."""
        self.line.reset()

    async def hang(self) -> None:
        """Say nothing until the client gives up."""
        await asyncio.sleep(0.5)
        self.close()

    async def pause(self, most: float) -> None:
        """Wait for a random while of at most so many seconds."""
        await asyncio.sleep(self.random.random() * most)

    def success(self) -> bytes:
        """Return the body that says that it was done."""
        return json.dumps(self.result()).encode()

    def result(self) -> Any:
        """Return what the operation answers."""
        mark = f"<{self.record.mark}>"
        match self.operation:
            case "list_actions":
                return [{"action_id": "get_contact", "name": mark, "description": "Gets a contact", "tag": None}]
            case "get_action_parameters":
                return [{"name": "email", "label": mark, "required": True, "type": "email"}]
            case "start_workflow":
                return {"message": "Workflow execution started", "execution_id": mark}
            case "run_workflow":
                return {"execution_id": mark, "return_value": {"answer": mark}, "errored": False}
            case "request":
                return {"answer": mark}
            case _:
                return {"node_status": "Success", "data": {"answer": mark}, "http_status": 200}

    def refold_error(self, status: int, message: str = "It was refused") -> bytes:
        """Return the body of an error in Refold's shape."""
        mark = f"<{self.record.mark}>"
        shape = {"status_code": status, "http_error_type": "Error", "error_code": "SOAKED", "request_id": mark}
        return json.dumps({**shape, "message": message}).encode()

    def gateway_error(self, status: int) -> bytes:
        """Return the body of an error that a gateway made."""
        return html(status, f"<{self.record.mark}>")
