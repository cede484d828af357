"""The server: speaks HTTP/1.1 by hand, does to every request what its seed says, and keeps the truth."""

import asyncio
import random
import select
import socket
import struct
from typing import Final, cast

import attrs

from .deliveries import DELIVERIES, Fault
from .exchange import Exchange, GoneError, Request
from .ledger import TOKEN, Ledger
from .statuses import STATUSES
from .strays import END, HALF_CLOSE, RESET, SWALLOWED, WITH_THE_NEXT_REQUEST, Stray, Timing, choose
from .wire import response

__all__ = ["FAULTS", "Server"]

FAULTS: Final = [*DELIVERIES, *STATUSES]
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Server:
    """All connections of one round."""

    def __init__(self, ledger: Ledger, seed: int, timing: Timing, faults: list[Fault], *, reuse: bool) -> None:
        self.ledger = ledger
        self.seed = seed
        self.timing: Timing = timing
        self.reuse = reuse
        self.connections: set[Connection] = set()
        self._by_operation: dict[str, tuple[list[Fault], list[float]]] = {}
        self._faults = faults

    def choose(self, source: random.Random, operation: str) -> Fault:
        """Choose what happens to a request of this operation."""
        if operation not in self._by_operation:
            fitting = [fault for fault in self._faults if operation in fault.operations] or [FAULTS[0]]
            self._by_operation[operation] = fitting, [fault.weight for fault in fitting]
        fitting, weights = self._by_operation[operation]
        return source.choices(fitting, weights)[0]

    async def quiet(self, turns: int) -> bool:
        """Give connections so many turns of the event loop, some milliseconds each, to end; return whether all did."""
        for _ in range(turns):
            if not self.connections:
                return True
            await asyncio.sleep(0.005)
        return False

    async def aclose(self) -> None:
        """Drop what is left."""
        tasks = [connection.task for connection in self.connections]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


@attrs.define(eq=False)
class _Arrival:
    request: Request
    source: random.Random
    exchange: Exchange | None


class Connection(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._ledger = server.ledger
        self._received = bytearray()
        self._news = asyncio.Event()
        self._eof = self._lost = self._closing = self._half_closed = False
        self._responding = False
        self._transport: asyncio.Transport
        self._socket: socket.socket
        self._poll = select.poll()
        self._spoilt: str | None = None
        self._requests = 0
        self._pending: Stray | None = None
        self._timer: asyncio.Handle | None = None
        self.task: asyncio.Task[None]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve."""
        self._transport = cast("asyncio.Transport", transport)
        self._socket = transport.get_extra_info("socket")
        self._poll.register(self._socket.fileno(), select.POLLIN)
        self._ledger.connections += 1
        self._server.connections.add(self)
        self.task = asyncio.get_running_loop().create_task(self._serve())

    def data_received(self, data: bytes) -> None:
        """Keep it for whoever reads."""
        self._received += data
        self._news.set()

    def eof_received(self) -> bool:
        """Note that the client sends no more; what it sent is served all the same."""
        self._eof = True
        self._news.set()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that it is over."""
        self._lost = True
        self._news.set()

    @property
    def _idle(self) -> bool:
        """Whether not one byte of a further request has come, nor the client's end: not even one nobody has read yet.

        The client is in this very thread, so nothing can happen between this look and what follows.
        """
        over = self._eof or self._lost or self._closing
        return not (over or self._received or self._responding or self._poll.poll(0))

    async def _more(self) -> bool:
        """Wait for bytes; return False if none will come."""
        if self._eof or self._lost or self._closing:
            return False
        self._news.clear()
        await self._news.wait()
        return True

    async def read(self, count: int) -> bytes:
        """Return exactly so many bytes."""
        while len(self._received) < count:
            if not await self._more():
                raise GoneError
        data = bytes(self._received[:count])
        del self._received[:count]
        return data

    def write(self, data: bytes) -> None:
        """Send."""
        if self._lost or self._closing or self._half_closed or self._transport.is_closing():
            raise GoneError
        self._transport.write(data)

    def close(self) -> None:
        """Close once everything is sent."""
        self._closing = True
        self._transport.close()

    def reset(self) -> None:
        """Close by a reset."""
        self._closing = True
        if not self._transport.is_closing():
            if self._socket.family != socket.AF_UNIX:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._transport.abort()

    def spoil(self, cause: str) -> None:
        """Note that something was sent unasked before the next request."""
        self._spoilt = cause
        self._ledger.strays[cause] += 1

    async def _serve(self) -> None:
        try:
            while (arrival := await self._next_request()) is not None:
                exchange = arrival.exchange
                if exchange is None:
                    await self._serve_token(arrival.request)
                    continue
                record = exchange.record
                record.told.append(None)
                fault = self._server.choose(arrival.source, record.operation)
                record.faults.append(fault.name)
                self._ledger.faults[fault.name] += 1
                await fault.act(exchange)
                record.told[-1] = exchange.told
                await exchange.body()
                self._responding = False
                self._plan_stray(exchange)
        except GoneError:
            pass
        finally:
            self._server.connections.discard(self)
            if self._timer is not None:
                self._timer.cancel()
            self._closing = True
            self._transport.close()

    async def _next_request(self) -> _Arrival | None:
        while (end := self._received.find(b"\r\n\r\n")) < 0:
            if not await self._more():
                return None
        lines = bytes(self._received[:end]).decode("latin-1").split("\r\n")
        del self._received[: end + 4]
        self._responding = True
        method, path, _ = lines[0].split(" ", 2)
        pairs = (line.partition(":") for line in lines[1:])
        request = Request(method, path, {name.lower(): value.strip() for name, _, value in pairs})
        self._requests += 1
        self._ledger.requests += 1
        if self._pending is not None:
            self._send(self._pending)
        return self._arrived(request)

    def _arrived(self, request: Request) -> _Arrival:
        """Say which call a request is of, and hold it against what that call should send."""
        account = self._account_of(request)
        record = self._ledger.find(request.path, account)
        context = f"{request.method} {request.path} for {account}"
        if self._spoilt is not None:
            used = "used a connection that the server had closed" if self._half_closed else "used a spoilt connection"
            self._ledger.violate(used, self._spoilt, context, judged=self._spoilt not in SWALLOWED)
        if self._requests > 1 and not self._server.reuse:
            self._ledger.violate("reused a connection against reuse_connections=False", "", context)
        if record is None:
            return _Arrival(request, random.Random(), None)
        if account != record.account:
            self._ledger.violate("sent for another account", "", f"{context}; {record.story()}")
        record.seen += 1
        if self._spoilt is not None:
            record.spoilt.append(self._spoilt)
        source = random.Random(f"{self._server.seed} {record.call_id} {record.seen}")
        return _Arrival(request, source, Exchange(self, request, record, source))

    @staticmethod
    def _account_of(request: Request) -> str:
        token = request.headers.get("authorization")
        if token is not None:
            return token.removeprefix(f"Bearer {TOKEN}/").rpartition("/")[0]
        return request.headers.get("linked_account_id", "")

    async def _serve_token(self, request: Request) -> None:
        """Make a session token: always, and at once."""
        body = await self.read(request.length)
        account = body.decode().split('"linked_account_id":')[1].split('"')[1]
        token = f"{TOKEN}/{account}/{self._ledger.requests}"
        self.write(response(200, b'{"token": "%b", "refresh_token": "r", "expires_in": 1000}' % token.encode()))
        self._responding = False

    def _plan_stray(self, exchange: Exchange) -> None:
        """Have something come unasked after this answer, or nothing."""
        server = self._server
        if not exchange.response_sent or self._closing:
            return
        stray = choose(exchange.random, server.timing, self._ledger.requests, exchange.response_sent)
        if stray is None:
            return
        if stray.delay == 0.0:
            exchange.record.told[-1] = None  # what comes right behind an answer may take it along
        if stray.delay == WITH_THE_NEXT_REQUEST:
            self._pending = stray
        elif stray.delay > 0.0:
            self._timer = asyncio.get_running_loop().call_later(stray.delay, self._send, stray)
        else:
            self._send_after(stray.turns, stray)

    def _send_after(self, turns: int, stray: Stray) -> None:
        if turns:
            self._timer = asyncio.get_running_loop().call_soon(self._send_after, turns - 1, stray)
        else:
            self._send(stray)

    def _send(self, stray: Stray) -> None:
        self._pending = None
        early = self._idle
        if self._lost or self._closing or self._half_closed or self._transport.is_closing():
            return
        if not early and (self._server.timing == "early" or stray.content in (HALF_CLOSE, END, RESET)):
            self._ledger.strays_too_late += 1
            return
        name = stray.name
        if early:
            self.spoil(name)
        else:
            name = f"{stray.name}, late"
            self._ledger.strays[name] += 1
        self._ledger.sent_unasked[stray.mark] = name
        if stray.content == HALF_CLOSE:
            self._half_closed = True
            self._transport.write_eof()
        elif stray.content == END:
            self.close()
            self._news.set()
        elif stray.content == RESET:
            self.reset()
            self._news.set()
        else:
            self._transport.write(stray.content)
