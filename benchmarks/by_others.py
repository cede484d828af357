"""The calls with other libraries, which need not be installed."""

import contextlib
import importlib
from collections.abc import AsyncGenerator
from typing import Any

from api import ACTIONS, KEY
from by_hand import TaskGroupClient
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
