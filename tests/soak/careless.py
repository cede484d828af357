"""A client that is wrong in every way that the soak looks for: what the soak does not find in it, it finds nowhere."""

import asyncio
import socket
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from yarl import URL

from refold_async import APIConnectionError, APIStatusError

from .ledger import KEY

__all__ = ["CarelessClient"]

_ATTEMPTS: Final = 3
_TIMEOUT: Final = 0.3
"""Seconds for an attempt: without it some would hang for good, aiohttp's own limit of time notwithstanding."""


class CarelessClient:
    """Plain aiohttp, with the calls of an account, and without a thought."""

    def __init__(self, base_url: str, options: Mapping[str, Any]) -> None:
        self._base_url = base_url
        self._session = aiohttp.ClientSession()
        url = URL(base_url)
        self._socket = socket.create_connection((url.host, url.port))
        self.closed = False
        self._task = asyncio.get_running_loop().create_task(asyncio.sleep(3600))

    async def aclose(self) -> None:
        """Close nothing."""
        self.closed = True

    async def clean_up(self) -> None:
        """Close what should have been."""
        self._socket.close()
        self._task.cancel()
        await self._session.close()
        await asyncio.wait([self._task])

    def account(self, linked_account_id: str) -> "CarelessAccount":
        """Return the calls of an account."""
        return CarelessAccount(self, linked_account_id)

    async def send(self, account: str, method: str, path: str, json: Any = None) -> Any:
        """Send, and send again what the server failed at; of what got no answer, say that nothing happened."""
        headers = {"x-api-key": KEY, "linked_account_id": account}
        problem = APIStatusError()
        for attempt in range(_ATTEMPTS):
            try:
                async with (
                    asyncio.timeout(_TIMEOUT),
                    self._session.request(method, self._base_url + path, json=json, headers=headers) as response,
                ):
                    if response.status < 300:
                        return await response.json(content_type=None)
                    problem = APIStatusError(await response.text(errors="replace"), status_code=response.status)
            except aiohttp.ServerDisconnectedError:
                raise
            except asyncio.CancelledError:
                if method != "GET":
                    raise
            except Exception as error:  # noqa: BLE001
                lost = APIConnectionError(f"{error!r} with {headers}")
                lost.effect, lost.attempts = "none", 1
                raise lost from None
            problem.effect, problem.attempts = "unknown", attempt + 1
            if problem.status_code < 500:
                raise problem
        raise problem


class CarelessAccount:
    """The calls of an account."""

    def __init__(self, client: CarelessClient, account: str) -> None:
        self._client = client
        self._account = account

    async def list_actions(self, slug: str, **_: Any) -> Any:
        """List actions."""
        return await self._client.send(self._account, "GET", f"/api/v2/integration-schema/{slug}/actions")

    async def get_action_parameters(self, slug: str, action_id: str, **_: Any) -> Any:
        """Read parameters."""
        return await self._client.send(self._account, "GET", f"/api/v2/integration-schema/{slug}/actions/{action_id}")

    async def execute_action(self, slug: str, action_id: str, parameters: Any, **_: Any) -> Any:
        """Execute an action."""
        path = f"/api/v2/integration-schema/{slug}/actions/{action_id}/execute"
        return await self._client.send(self._account, "POST", path, parameters)

    async def execute_workflow(self, workflow_id: str, *, payload: Any, **_: Any) -> Any:
        """Execute a workflow."""
        path = f"/api/v2/public/workflow/{workflow_id}/execute"
        return await self._client.send(self._account, "POST", path, {"payload": payload})

    async def request(self, method: str, path: str, *, json: Any, **_: Any) -> Any:
        """Call any endpoint."""
        return await self._client.send(self._account, method, path, json)
