"""Requests and responses as they were on the wire, recorded between a client and the mock."""

import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import unquote

import aiohttp
import attrs
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy, MultiDict, MultiDictProxy
from yarl import URL

from contract.facts import OPERATIONS
from contract.facts.table import Operation

__all__ = ["Exchange", "Recorder", "operation_of", "recording"]

_NOT_FORWARDED: Final = ("Host", "Content-Length", "Transfer-Encoding")


@attrs.frozen
class Exchange:
    """One request, and what it was answered with."""

    method: str
    path: str
    """As it came over the wire, without the query."""
    query: MultiDictProxy[str]
    headers: CIMultiDictProxy[str] = attrs.field(repr=False)
    body: bytes
    status: int
    response_headers: CIMultiDictProxy[str] = attrs.field(repr=False)
    response_body: bytes

    @property
    def operation(self) -> Operation | None:
        """What of the table it is of."""
        return operation_of(self.method, self.path)

    @property
    def path_parameters(self) -> Mapping[str, str]:
        """The parts of the path that vary, by name."""
        operation = self.operation
        found = None if operation is None else re.fullmatch(_pattern(operation), self.path)
        return {} if found is None else {name: unquote(part) for name, part in found.groupdict().items()}

    @property
    def json(self) -> Any:
        """The JSON that was sent; None for no body."""
        return json.loads(self.body) if self.body else None

    @property
    def answer(self) -> Any:
        """The JSON that was answered; None for no body."""
        return json.loads(self.response_body) if self.response_body else None


def _pattern(operation: Operation) -> str:
    return re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", operation.path)


def operation_of(method: str, path: str) -> Operation | None:
    """Return the operation that a request is of: of those that fit, the one with the most specific path."""
    fitting = [
        operation for operation in OPERATIONS if operation.method == method and re.fullmatch(_pattern(operation), path)
    ]
    return min(fitting, key=lambda operation: operation.path.count("{"), default=None)


@attrs.define
class Recorder:
    """What stands between a client and the mock, and writes down what passes."""

    base_url: str
    """What to point the client at."""
    exchanges: list[Exchange] = attrs.field(factory=list[Exchange])

    def taken(self) -> Sequence[Exchange]:
        """Return what was recorded since this was asked last."""
        taken, self.exchanges = self.exchanges, []
        return taken


@asynccontextmanager
async def recording(base_url: str) -> AsyncGenerator[Recorder]:
    """Pass on requests to a server, and record them and their responses."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False) as session:

        async def pass_on(request: web.BaseRequest) -> web.StreamResponse:
            body = await request.read()
            headers = CIMultiDict((name, value) for name, value in request.headers.items())
            for name in _NOT_FORWARDED:
                headers.popall(name, None)
            target = URL(base_url + request.raw_path, encoded=True)
            async with session.request(
                request.method,
                target,
                headers=headers,
                data=body or None,
                allow_redirects=False,
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            ) as response:
                answered = await response.read()
            recorder.exchanges.append(
                Exchange(
                    request.method,
                    request.raw_path.partition("?")[0],
                    MultiDictProxy(MultiDict(request.query)),
                    request.headers,
                    body,
                    response.status,
                    response.headers,
                    answered,
                )
            )
            passed = CIMultiDict(response.headers)
            for name in _NOT_FORWARDED:
                passed.popall(name, None)
            return web.Response(status=response.status, body=answered, headers=passed)

        runner = web.ServerRunner(web.Server(pass_on))
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            recorder = Recorder(f"http://{host}:{port}")
            yield recorder
        finally:
            await runner.cleanup()
