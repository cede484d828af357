"""A client that is wrong in every way that the soak looks for: what the soak does not find in it, it finds nowhere."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

from refold_async import APIConnectionError, APIStatusError

from .ledger import KEY

__all__ = ["CarelessClient"]

_ATTEMPTS: Final = 3
_LEAKY: Final = 10
"""Of so many closed clients, one leaves its connections open."""


class CarelessClient:
    """Plain aiohttp, with the calls of an account: it tries everything again, and says that nothing happened."""

    def __init__(self, base_url: str, options: Mapping[str, Any]) -> None:
        self._base_url = base_url
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.3))
        self.closed = False
        self.tasks: set[asyncio.Task[None]] = set()

    async def aclose(self) -> None:
        """Close the session, and leave a task."""
        self.closed = True
        await self._session.close()
        self.tasks.add(asyncio.get_running_loop().create_task(asyncio.sleep(3600)))

    def account(self, linked_account_id: str) -> "CarelessAccount":
        """Return the calls of an account."""
        return CarelessAccount(self, linked_account_id)

    async def send(self, account: str, method: str, path: str, json: Any = None) -> Any:
        """Send, and send again whatever went wrong."""
        headers = {"x-api-key": KEY, "linked_account_id": account}
        problem: Exception | None = None
        for _ in range(_ATTEMPTS):
            try:
                async with self._session.request(method, self._base_url + path, json=json, headers=headers) as response:
                    if response.status < 300:
                        return await response.json(content_type=None)
                    problem = APIStatusError(await response.text(errors="replace"), status_code=response.status)
            except aiohttp.ServerDisconnectedError:
                raise
            except Exception as error:
                problem = APIConnectionError(f"{error!r} with {headers}")
        assert problem is not None
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
