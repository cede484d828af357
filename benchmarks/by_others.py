"""The calls with other libraries, which need not be installed."""

import asyncio
import contextlib
import importlib
from collections.abc import AsyncGenerator
from typing import Any

from api import ACTIONS, KEY
from by_hand import BareClient, TaskGroupClient
from contestants import Parameters


class RequestsClient(TaskGroupClient):
    """A library with the interface of requests: `post(url, json=..., headers=...)`, then `response.json()`."""

    def __init__(self, session: Any, url: str) -> None:
        self._session = session
        self._url = url

    async def execute(self, account: str, action_id: str, parameters: Parameters, *, idempotent: bool = False) -> Any:
        """Execute an action."""
        headers = {"x-api-key": KEY, "linked_account_id": account}
        url = f"{self._url}{ACTIONS}/{action_id}/execute"
        return (await self._session.post(url, json=parameters, headers=headers)).json()

    async def list_actions(self, account: str) -> None:
        """List the actions, and read every field."""
        headers = {"x-api-key": KEY, "linked_account_id": account}
        for action in (await self._session.get(self._url + ACTIONS, headers=headers)).json():
            _ = action["action_id"], action.get("name"), action.get("description"), action.get("tag")


@contextlib.asynccontextmanager
async def httpx(url: str, connections: int) -> AsyncGenerator[RequestsClient]:
    """Open a client of httpx."""
    module: Any = importlib.import_module("httpx")
    # By default it keeps only 20 connections, and opens all others again and again.
    limits = module.Limits(max_connections=connections, max_keepalive_connections=connections)
    async with module.AsyncClient(limits=limits) as session:
        yield RequestsClient(session, url)


@contextlib.asynccontextmanager
async def httpx_on_aiohttp(url: str, connections: int) -> AsyncGenerator[RequestsClient]:
    """Open a client of httpx whose transport is aiohttp."""
    limits = importlib.import_module("httpx").Limits(max_connections=connections, max_keepalive_connections=connections)
    async with importlib.import_module("httpx_aiohttp").HttpxAiohttpClient(limits=limits) as session:
        yield RequestsClient(session, url)


@contextlib.asynccontextmanager
async def niquests(url: str, connections: int) -> AsyncGenerator[RequestsClient]:
    """Open a session of niquests."""
    module: Any = importlib.import_module("niquests")
    async with module.AsyncSession(pool_connections=connections, pool_maxsize=connections) as session:
        yield RequestsClient(session, url)


class PyreqwestClient(TaskGroupClient):
    """pyreqwest, whose transport is Rust's reqwest."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    async def execute(self, account: str, action_id: str, parameters: Parameters, *, idempotent: bool = False) -> Any:
        """Execute an action."""
        headers = {"x-api-key": KEY, "linked_account_id": account}
        request = self._client.post(f"{self._url}{ACTIONS}/{action_id}/execute").headers(headers).body_json(parameters)
        return await (await request.build().send()).json()

    async def list_actions(self, account: str) -> None:
        """List the actions, and read every field."""
        headers = {"x-api-key": KEY, "linked_account_id": account}
        response = await self._client.get(self._url + ACTIONS).headers(headers).build().send()
        for action in await response.json():
            _ = action["action_id"], action.get("name"), action.get("description"), action.get("tag")


@contextlib.asynccontextmanager
async def pyreqwest(url: str, connections: int) -> AsyncGenerator[PyreqwestClient]:
    """Open a client of pyreqwest."""
    builder = importlib.import_module("pyreqwest.client").ClientBuilder()
    async with builder.max_connections(connections).build() as client:
        yield PyreqwestClient(client, url)


class AiosonicClient(TaskGroupClient):
    """aiosonic."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    async def execute(self, account: str, action_id: str, parameters: Parameters, *, idempotent: bool = False) -> Any:
        """Execute an action."""
        headers = {"x-api-key": KEY, "linked_account_id": account}
        url = f"{self._url}{ACTIONS}/{action_id}/execute"
        return await (await self._client.post(url, json=parameters, headers=headers)).json()

    async def list_actions(self, account: str) -> None:
        """List the actions, and read every field."""
        headers = {"x-api-key": KEY, "linked_account_id": account}
        for action in await (await self._client.get(self._url + ACTIONS, headers=headers)).json():
            _ = action["action_id"], action.get("name"), action.get("description"), action.get("tag")


@contextlib.asynccontextmanager
async def aiosonic(url: str, connections: int) -> AsyncGenerator[AiosonicClient]:
    """Open a client of aiosonic."""
    module: Any = importlib.import_module("aiosonic")
    # By default calls wait for one of 30 connections, each of which is reopened for every call after its 1,000th.
    pool = importlib.import_module("aiosonic.pools").PoolConfig(size=connections, max_conn_requests=None)
    async with module.HTTPClient(connector=module.TCPConnector(pool_configs={":default": pool})) as client:
        yield AiosonicClient(client, url)


class _Body:
    """What httptools calls while it parses a response."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.complete = False

    def on_body(self, part: bytes) -> None:
        """Keep a part of the body."""
        self.parts.append(part)

    def on_message_complete(self) -> None:
        """Remember that the response has ended."""
        self.complete = True


class HttptoolsClient(BareClient):
    """Streams of asyncio, and llhttp, the parser of Node.js, for the responses."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._parser: Any = importlib.import_module("httptools").HttpResponseParser

    async def read_body(self, reader: asyncio.StreamReader) -> bytes:
        """Read a response, and return its body."""
        body = _Body()
        parser = self._parser(body)
        while not body.complete:
            if not (received := await reader.read(65536)):
                raise ConnectionError("The connection closed before the response was complete.")
            parser.feed_data(received)
        return b"".join(body.parts)


@contextlib.asynccontextmanager
async def httptools(url: str, connections: int) -> AsyncGenerator[HttptoolsClient]:
    """Open a client with as many connections as there are concurrent calls."""
    client = HttptoolsClient(url)
    try:
        yield client
    finally:
        await client.aclose()
