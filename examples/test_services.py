"""Tests of the services in `web_app.py` and `webhooks.py`, with the fixtures of refold_async's pytest plugin.

    pip install pytest pytest-asyncio
    pytest -o asyncio_mode=auto examples/test_services.py

`mock_refold` is a mock Refold. The services call it, because `REFOLD_BASE_URL` and `REFOLD_API_KEY` are set for it
while a test runs.
"""

import json

from aiohttp.test_utils import TestClient, TestServer

import web_app
import webhooks as receiver
from refold_async import webhooks
from refold_async.testing import MockRefold, Reset, connection_event

CONTACTS = "/accounts/user_1/contacts"
JANE = {"email": "jane@example.com"}


async def test_a_contact_is_created(mock_refold: MockRefold) -> None:
    """A posted contact is created in the customer's HubSpot."""
    async with TestClient(TestServer(web_app.application())) as client:
        response = await client.post(CONTACTS, json=JANE)
        assert response.status == 201
        contact_id = (await response.json())["id"]
    assert mock_refold.account("user_1").store("hubspot")["contacts"][contact_id]["properties"] == JANE


async def test_a_lost_answer(mock_refold: MockRefold) -> None:
    """A contact that may have been created is not created a second time, and the response says so."""
    mock_refold.script(Reset("after"), action_id="create_contact", calls=1)
    async with TestClient(TestServer(web_app.application())) as client:
        response = await client.post(CONTACTS, json=JANE)
        assert (response.status, (await response.json())["effect"]) == (502, "unknown")
    assert len(mock_refold.requests_to(action_id="create_contact")) == 1


async def test_an_expired_connection(mock_refold: MockRefold) -> None:
    """Customers whose credentials no longer work get a response that asks them to reconnect."""
    mock_refold.account("user_1").expire("hubspot")
    async with TestClient(TestServer(web_app.application())) as client:
        response = await client.post(CONTACTS, json=JANE)
        assert (response.status, (await response.json())["problem"]) == (409, "Reconnect the app, then try again.")


async def test_a_webhook(mock_refold: MockRefold) -> None:
    """The receiver notes an expired connection, and refuses webhooks that others have signed."""
    mock_refold.account("user_1").expire("hubspot")
    expired = connection_event("Connection Expired", linked_account_id="user_1", slug="hubspot")
    body = json.dumps(expired).encode()
    async with TestClient(TestServer(receiver.make_app(["tk_mock"]))) as client:
        for key, status in (("tk_other", 401), ("tk_mock", 200)):
            headers = {webhooks.SIGNATURE_HEADER: webhooks.sign(body, key)}
            assert (await client.post("/refold", data=body, headers=headers)).status == status
        reconnect = await (await client.get("/reconnect")).json()
    assert reconnect == [{"linked_account_id": "user_1", "slug": "hubspot"}]
