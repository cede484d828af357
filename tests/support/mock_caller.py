"""Calls a mock with a plain aiohttp session."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Literal

import aiohttp
from attrs import frozen

from refold_async.testing import MockRefold

EXECUTE = "/api/v2/integration-schema/{}/actions/{}/execute"
WORKFLOW = "/api/v2/public/workflow"
EXECUTION = "/api/v2/public/execution"
APPLICATION = "/api/v2/public/application"
LINKED_ACCOUNT = "/api/v2/public/linked-account"
INTEGRATION = "/api/v2/public/linked-account/integration"
ACTIVE_ACCOUNT = "/api/v2/public/session/active-linked-account"
CONNECT_URL = "/api/v2/public/connect-url"
EVENT = "/api/v2/public/event/trigger"
WEBHOOK = "/api/v2/public/webhook"
SESSION_TOKEN = "/api/v2/public/session-token"
KEY_MAY_PUBLISH = {"environment": "test"}
"""What lets an API key publish, unpublish and delete private workflows."""


@frozen
class ReceivedResponse:
    """A response that was read completely."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


class MockCaller:
    """Calls a mock, by default with an API key for `user_1`."""

    def __init__(self, session: aiohttp.ClientSession, mock: MockRefold) -> None:
        self.session = session
        self.mock = mock

    async def send(
        self,
        method: str,
        path: str,
        *,
        account: str | None = "user_1",
        key: str | None = "tk_test",
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> ReceivedResponse:
        """Send a request and read its response."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        else:
            sent |= {} if key is None else {"x-api-key": key}
            sent |= {} if account is None else {"linked_account_id": account}
        url = self.mock.base_url + path
        async with self.session.request(method, url, headers=sent, **options) as response:
            return ReceivedResponse(response.status, await response.read(), response.headers)

    async def get(self, path: str, **options: Any) -> ReceivedResponse:
        """Send a GET."""
        return await self.send("GET", path, **options)

    async def post(self, path: str, **options: Any) -> ReceivedResponse:
        """Send a POST."""
        return await self.send("POST", path, **options)

    async def put(self, path: str, **options: Any) -> ReceivedResponse:
        """Send a PUT."""
        return await self.send("PUT", path, **options)

    async def delete(self, path: str, **options: Any) -> ReceivedResponse:
        """Send a DELETE."""
        return await self.send("DELETE", path, **options)

    async def execute(self, slug: str, action_id: str, parameters: Any = None, **options: Any) -> ReceivedResponse:
        """Execute an action."""
        return await self.post(EXECUTE.format(slug, action_id), json=parameters or {}, **options)

    async def data(self, slug: str, action_id: str, parameters: Any = None, **options: Any) -> Any:
        """Execute an action that must succeed and return its data."""
        received = await self.execute(slug, action_id, parameters, **options)
        assert received.status == 200
        assert received.json["node_status"] == "Success", received.json
        return received.json["data"]


def create_contact_request(body: bytes = b'{"email": "a@b.c"}') -> bytes:
    """The bytes of a request that creates a contact for `user_1`."""
    head = (
        f"POST {EXECUTE.format('hubspot', 'create_contact')} HTTP/1.1\r\nHost: mock\r\nx-api-key: tk\r\n"
        f"linked_account_id: user_1\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def exchange_bytes(mock: MockRefold, request: bytes) -> tuple[bytes, Literal["FIN", "RST"]]:
    """Send bytes on a new connection; return the response and how the connection ends."""
    host, port = mock.base_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    received = b""
    try:
        writer.write(request)
        while piece := await reader.read(65536):
            received += piece
    except ConnectionResetError:
        return received, "RST"
    else:
        return received, "FIN"
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)
