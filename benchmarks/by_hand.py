"""The calls written by hand: on aiohttp plainly, with care, and with as little as possible; and on asyncio alone."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, urlsplit

import aiohttp
import attrs
from api import ACTIONS, KEY
from contestants import CONCURRENCY, Parameters
from yarl import URL


async def bounded_task_group(call: Callable[[str], Awaitable[object]], items: Iterable[str]) -> None:
    """Await `call` for every item in a task of its own: the minimum for a job in constant memory."""
    permits = asyncio.Semaphore(CONCURRENCY)

    async def work(item: str) -> None:
        try:
            await call(item)
        finally:
            permits.release()

    async with asyncio.TaskGroup() as group:
        for item in items:
            await permits.acquire()
            group.create_task(work(item))


class TaskGroupClient:
    """A client that runs jobs as tasks in a bounded group."""

    async def execute(
        self, account: str, action_id: str, parameters: Parameters, *, idempotent: bool = False
    ) -> object:
        """Execute an action."""
        raise NotImplementedError

    async def fan_out(self, items: Iterable[str], parameters: Parameters) -> None:
        """Execute an action for many accounts."""
        await bounded_task_group(lambda item: self.execute(item, "get_contact", parameters), items)


class PlainClient(TaskGroupClient):
    """aiohttp with its own defaults; the response is only parsed as JSON and not checked."""

    def __init__(self, session: aiohttp.ClientSession, url: str, loads: Callable[[str], Any] = json.loads) -> None:
        self._session = session
        self._url = url
        self._loads = loads

    async def execute(self, account: str, action_id: str, parameters: Parameters, *, idempotent: bool = False) -> Any:
        """Execute an action."""
        headers = {"x-api-key": KEY, "linked_account_id": account}
        url = f"{self._url}{ACTIONS}/{action_id}/execute"
        async with self._session.post(url, json=parameters, headers=headers) as response:
            return await response.json(loads=self._loads)

    async def list_actions(self, account: str) -> None:
        """List the actions, and read every field."""
        headers = {"x-api-key": KEY, "linked_account_id": account}
        async with self._session.get(self._url + ACTIONS, headers=headers) as response:
            for action in await response.json(loads=self._loads):
                _ = action["action_id"], action.get("name"), action.get("description"), action.get("tag")


@contextlib.asynccontextmanager
async def plain(url: str, connections: int) -> AsyncGenerator[PlainClient]:
    """Open a session with the standard library's json."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:
        yield PlainClient(session, url)


@contextlib.asynccontextmanager
async def plain_with_orjson(url: str, connections: int) -> AsyncGenerator[PlainClient]:
    """Open a session with orjson."""
    import orjson

    def dumps(value: Any) -> str:
        return orjson.dumps(value).decode()

    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector, json_serialize=dumps) as session:
        yield PlainClient(session, url, orjson.loads)


@lru_cache
def _known(url: str) -> URL:
    return URL(url, encoded=True)


class LeanClient(TaskGroupClient):
    """aiohttp with as little as its interface allows: the minimum for any client that uses it."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        dumps: Callable[[Any], bytes] = lambda value: json.dumps(value).encode(),
        loads: Callable[[bytes], Any] = json.loads,
    ) -> None:
        self._session = session
        self._url = url
        self._dumps = dumps
        self._loads = loads

    async def execute(self, account: str, action_id: str, parameters: Parameters, *, idempotent: bool = False) -> Any:
        """Execute an action."""
        headers = {"x-api-key": KEY, "linked_account_id": account, "Content-Type": "application/json"}
        return await self._request("POST", f"{ACTIONS}/{action_id}/execute", headers, self._dumps(parameters))

    async def list_actions(self, account: str) -> None:
        """List the actions, and read every field."""
        headers = {"x-api-key": KEY, "linked_account_id": account}
        for action in await self._request("GET", ACTIONS, headers):
            _ = action["action_id"], action.get("name"), action.get("description"), action.get("tag")

    async def _request(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Any:
        response = await self._session.request(
            method, _known(self._url + path), headers=headers, data=body, allow_redirects=False
        )
        return self._loads(await response.read())


def _lean_session(connections: int) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
    )


@contextlib.asynccontextmanager
async def lean(url: str, connections: int) -> AsyncGenerator[LeanClient]:
    """Open a session without cookies and timeouts, with the standard library's json."""
    async with _lean_session(connections) as session:
        yield LeanClient(session, url)


@contextlib.asynccontextmanager
async def lean_with_orjson(url: str, connections: int) -> AsyncGenerator[LeanClient]:
    """Open a session without cookies and timeouts, with orjson."""
    import orjson

    async with _lean_session(connections) as session:
        yield LeanClient(session, url, orjson.dumps, orjson.loads)


@attrs.frozen
class Action:
    """An action of an app."""

    action_id: str
    name: str | None
    description: str | None
    tag: str | None


@attrs.frozen
class ActionResult:
    """The result of an action."""

    node_status: str
    data: Any
    http_status: int | None


class ActionError(Exception):
    """An action did not succeed."""

    def __init__(self, result: ActionResult) -> None:
        super().__init__(f"node_status {result.node_status!r}: {result.data!r}")
        self.result = result


class CarefulClient(TaskGroupClient):
    """aiohttp as a good engineer uses it: deadlines, checks of the status, retries with backoff, typed results."""

    TOTAL_SECONDS: Final = 120
    ATTEMPTS: Final = 4
    TRIED_AGAIN: Final = frozenset({429, 500, 502, 503, 504})

    def __init__(self, session: aiohttp.ClientSession, url: str, initial_delay: float) -> None:
        self._session = session
        self._url = url
        self._initial_delay = initial_delay

    async def execute(
        self, account: str, action_id: str, parameters: Parameters, *, idempotent: bool = False
    ) -> ActionResult:
        """Execute an action."""
        path = f"{ACTIONS}/{quote(action_id, safe='')}/execute"
        value = await self._request("POST", path, account, parameters, idempotent=idempotent)
        result = ActionResult(value["node_status"], value.get("data"), value.get("http_status"))
        if result.node_status != "Success":
            raise ActionError(result)
        return result

    async def list_actions(self, account: str) -> None:
        """List the actions, and read every field."""
        value = await self._request("GET", ACTIONS, account, idempotent=True)
        for item in value:
            action = Action(item["action_id"], item.get("name"), item.get("description"), item.get("tag"))
            _ = action.action_id, action.name, action.description, action.tag

    async def _request(
        self, method: str, path: str, account: str, parameters: Parameters | None = None, *, idempotent: bool
    ) -> Any:
        headers = {"x-api-key": KEY, "linked_account_id": account}
        attempt = 0
        async with asyncio.timeout(self.TOTAL_SECONDS):
            while True:
                attempt += 1
                may_try_again = idempotent and attempt < self.ATTEMPTS
                try:
                    async with self._session.request(
                        method, self._url + path, json=parameters, headers=headers
                    ) as response:
                        if not (may_try_again and response.status in self.TRIED_AGAIN):
                            response.raise_for_status()
                            return await response.json()
                except (aiohttp.ClientConnectionError, TimeoutError):
                    if not may_try_again:
                        raise
                await asyncio.sleep(random.uniform(0, self._initial_delay * 2 ** (attempt - 1)))


@contextlib.asynccontextmanager
async def careful(url: str, connections: int) -> AsyncGenerator[CarefulClient]:
    """Open a session in which each attempt has a deadline."""
    connector = aiohttp.TCPConnector(limit=connections)
    timeout = aiohttp.ClientTimeout(total=60, connect=10)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield CarefulClient(session, url, initial_delay=0)


class BareClient(TaskGroupClient):
    """Streams of asyncio and the necessary part of HTTP: the minimum for any client."""

    def __init__(self, url: str) -> None:
        host = urlsplit(url)
        self._host = host.netloc
        self._address = host.hostname, host.port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def execute(self, account: str, action_id: str, parameters: Parameters, *, idempotent: bool = False) -> Any:
        """Execute an action."""
        return await self._request(f"POST {ACTIONS}/{action_id}/execute", account, json.dumps(parameters).encode())

    async def list_actions(self, account: str) -> None:
        """List the actions, and read every field."""
        for action in await self._request(f"GET {ACTIONS}", account):
            _ = action["action_id"], action.get("name"), action.get("description"), action.get("tag")

    async def _request(self, request: str, account: str, body: bytes = b"") -> Any:
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(*self._address)
        head = (
            f"{request} HTTP/1.1\r\nHost: {self._host}\r\nx-api-key: {KEY}\r\nlinked_account_id: {account}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        value = json.loads(await self.read_body(reader))
        self._idle.append((reader, writer))
        return value

    async def read_body(self, reader: asyncio.StreamReader) -> bytes:
        """Read a response, and return its body."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        return await reader.readexactly(length)

    async def aclose(self) -> None:
        """Close the connections."""
        for _, writer in self._idle:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in self._idle), return_exceptions=True)


@contextlib.asynccontextmanager
async def bare(url: str, connections: int) -> AsyncGenerator[BareClient]:
    """Open a client with as many connections as there are concurrent calls."""
    client = BareClient(url)
    try:
        yield client
    finally:
        await client.aclose()
