"""Webhook subscriptions, and what is delivered to them."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from refold_async.testing import MockRefold, WebhookDelivery, connection_event, workflow_event
from refold_async.testing.protocol.webhook_events import WorkflowEventName
from support.mock_caller import WEBHOOK, MockCaller

SUBSCRIPTION = {"webhook_url": "http://127.0.0.1:9/hook", "webhook_events": ["Connection Expired"]}
EXPIRED = connection_event("Connection Expired", linked_account_id="user_1", slug="hubspot")
NOWHERE = "65a1f0d2b7c8e900000000ff"


class Receiver:
    """A server that takes webhooks and answers with given statuses, the last of them again and again."""

    def __init__(self) -> None:
        self.statuses = [200]
        self.received = list[tuple[bytes, str]]()
        app = web.Application()
        app.router.add_post("/hook", self._receive)
        self.server = TestServer(app)

    @property
    def url(self) -> str:
        """Where it takes them."""
        return str(self.server.make_url("/hook"))

    async def _receive(self, request: web.Request) -> web.Response:
        self.received.append((await request.read(), request.headers["x-cobalt-signature"]))
        status = self.statuses[min(len(self.received), len(self.statuses)) - 1]
        return web.Response(status=status, headers={"Location": "/elsewhere"})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A server of the customer's own."""
    receiver = Receiver()
    async with receiver.server:
        yield receiver


async def subscribe(caller: MockCaller, url: str, *events: str, **options: Any) -> str:
    """Subscribe a URL to events, `Connection Expired` if none are given; return the id."""
    body = {"webhook_url": url, "webhook_events": events or ["Connection Expired"]}
    response = await caller.post(WEBHOOK, json=body, **options)
    assert response.status == 200
    webhook_id: str = response.json["_id"]
    return webhook_id


def signature(body: bytes, key: str) -> str:
    """Sign a body."""
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


async def test_create_and_get(caller: MockCaller) -> None:
    """A subscription is shown with all that Refold adds to it."""
    created = (await caller.post(WEBHOOK, json=SUBSCRIPTION, account=None)).json
    assert created == SUBSCRIPTION | {
        "_id": created["_id"],
        "org_id": created["org_id"],
        "environment": "test",
        "is_enabled": True,
        "workflow_ids": [],
        "webhook_body": "{{event}}",
        "method": "POST",
        "webhook_type": "default",
        "createdAt": "2026-06-21T10:04:11.000Z",
        "updatedAt": "2026-06-21T10:04:11.000Z",
        "__v": 0,
    }
    assert (await caller.get(f"{WEBHOOK}/{created['_id']}", account=None)).json == created


async def test_list(caller: MockCaller) -> None:
    """Subscriptions come all at once, oldest first."""
    created = [await subscribe(caller, f"http://localhost/{number}") for number in range(3)]
    listed = (await caller.get(f"{WEBHOOK}?page=2&limit=2", account=None)).json
    assert [webhook["_id"] for webhook in listed] == created


async def test_further_fields(caller: MockCaller, mock: MockRefold) -> None:
    """All that may be chosen is kept and shown; a session token may subscribe, too."""
    fields = SUBSCRIPTION | {
        "webhook_events": ["Workflow Stopped", "Workflow Timed Out"],
        "webhook_headers": {"X-Team": "sales"},
        "webhook_body": {"what": "{{event}}"},
        "webhook_description": "Ours",
        "description": "For the team",
        "method": "PUT",
        "slug": "hubspot",
        "workflow_ids": ["a"],
        "webhook_type": "custom",
        "is_enabled": False,
        "group": "billing",
    }
    created = (await caller.post(WEBHOOK, json=fields, token=mock.session_token("user_1"))).json
    assert created == fields | {name: created[name] for name in created.keys() - fields.keys()}
    changed = (await caller.put(f"{WEBHOOK}/{created['_id']}", json={"group": "other", "_id": "7"})).json
    assert changed == created | {"group": "other", "updatedAt": changed["updatedAt"]}


async def test_update(caller: MockCaller) -> None:
    """An update changes what it is given, and nothing when some of it is wrong."""
    webhook_id = await subscribe(caller, "http://localhost/hook")
    changes = {"webhook_events": ["Workflow Errored"], "is_enabled": False}
    updated = (await caller.put(f"{WEBHOOK}/{webhook_id}", json=changes)).json
    assert (updated["webhook_events"], updated["is_enabled"]) == (["Workflow Errored"], False)
    assert updated["webhook_url"] == "http://localhost/hook"
    assert updated["updatedAt"] > updated["createdAt"]
    wrong = {"webhook_url": "https://localhost/other", "webhook_events": ["Nothing"]}
    assert (await caller.put(f"{WEBHOOK}/{webhook_id}", json=wrong)).status == 400
    assert (await caller.put(f"{WEBHOOK}/{webhook_id}", json={"is_enabled": 1})).status == 400
    assert (await caller.get(f"{WEBHOOK}/{webhook_id}")).json == updated


async def test_delete(caller: MockCaller) -> None:
    """A deleted subscription is gone; who deletes it is told which are left."""
    webhook_id, kept = [await subscribe(caller, f"http://localhost/{number}") for number in range(2)]
    response = await caller.delete(f"{WEBHOOK}/{webhook_id}", account=None)
    assert (response.status, [webhook["_id"] for webhook in response.json]) == (200, [kept])
    assert (await caller.get(WEBHOOK)).json == response.json
    assert (await caller.delete(f"{WEBHOOK}/{kept}", account=None)).json == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_unknown_webhook(caller: MockCaller, method: str) -> None:
    """An unknown subscription is 400."""
    response = await caller.send(method, f"{WEBHOOK}/{NOWHERE}")
    assert response.status == 400
    assert response.json == {
        "status_code": 400,
        "http_error_type": "BAD_REQUEST",
        "error": "RESOURCE_NOT_FOUND",
        "message": "Webhook not found",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"webhook_url": None},
        {"webhook_url": "ftp://127.0.0.1"},
        {"webhook_url": "127.0.0.1/hook"},
        {"webhook_url": 7},
        {"webhook_events": None},
        {"webhook_events": []},
        {"webhook_events": "Connection Expired"},
        {"webhook_events": [["Connection Expired"]]},
        {"webhook_type": 7},
        {"webhook_type": "email"},
        {"method": "GET"},
        {"workflow_ids": "a"},
        {"webhook_headers": []},
        {"group": 7},
        {"is_enabled": "true"},
    ],
)
async def test_body_that_makes_no_webhook(caller: MockCaller, change: dict[str, Any]) -> None:
    """A subscription needs an HTTP URL and events, and what else is given must be of its kind."""
    response = await caller.post(WEBHOOK, json=SUBSCRIPTION | change)
    assert (response.status, response.json["error"]) == (400, "SERVER_ERROR")


@pytest.mark.parametrize(
    "change", [{"webhook_events": ["Connection Expired", "Nothing"]}, {"slug": "hubspot"}], ids=["unknown", "of no app"]
)
async def test_invalid_events(caller: MockCaller, change: dict[str, Any]) -> None:
    """Events must be known; those of an app are its workflows'."""
    response = await caller.post(WEBHOOK, json=SUBSCRIPTION | change)
    assert response.json == {
        "status_code": 400,
        "http_error_type": "BAD_REQUEST",
        "error": "INVALID_EVENT",
        "message": "Invalid event. Check events list in documentation.",
    }


async def test_delivered_and_signed(caller: MockCaller, mock: MockRefold, receiver: Receiver) -> None:
    """An event goes to the enabled subscriptions to it, signed with the key they were made with, or with another."""
    webhook_id = await subscribe(caller, receiver.url, key="tk_first")
    await subscribe(caller, receiver.url, "Workflow Completed")
    disabled = await subscribe(caller, receiver.url)
    await caller.put(f"{WEBHOOK}/{disabled}", json={"is_enabled": False})
    assert await mock.deliver_webhook(EXPIRED) == [WebhookDelivery(webhook_id, receiver.url, (200,))]
    await mock.deliver_webhook(EXPIRED, api_key="tk_second")
    (first, first_signature), (second, second_signature) = receiver.received
    assert json.loads(first) == EXPIRED
    assert first == second
    assert first_signature == signature(first, "tk_first")
    assert second_signature == signature(second, "tk_second")


@pytest.mark.parametrize(
    ("statuses", "attempts"),
    [([500, 200], (500, 200)), ([204, 307, 404, 503], (204, 307, 404, 503)), ([500], (500, 500, 500, 500))],
)
async def test_redelivered(
    caller: MockCaller, mock: MockRefold, receiver: Receiver, statuses: list[int], attempts: tuple[int, ...]
) -> None:
    """Anything but 200 is sent again, the same to the byte, up to three times."""
    await subscribe(caller, receiver.url)
    receiver.statuses = statuses
    (delivery,) = await mock.deliver_webhook(EXPIRED)
    assert delivery.statuses == attempts
    assert len(receiver.received) == len(attempts)
    assert len(set(receiver.received)) == 1


async def test_no_response(caller: MockCaller, mock: MockRefold) -> None:
    """Who does not answer in time, or at all, is tried again too."""

    async def keep_silent(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", keep_silent)
    async with TestServer(app) as silent:
        await subscribe(caller, str(silent.make_url("/hook")))
        (delivery,) = await mock.deliver_webhook(EXPIRED, timeout=0.01)
        assert delivery.statuses == (None,) * 4
    (delivery,) = await mock.deliver_webhook(EXPIRED)
    assert delivery.statuses == (None,) * 4


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook",
        "http://127.0.0.1@example.com/",
        "http://localhost.example.com/",
        "http://10.0.0.1/",
        "http://[2001:db8::1]/",
        "http://",
        "http://[",
    ],
)
async def test_other_machines(caller: MockCaller, mock: MockRefold, receiver: Receiver, url: str) -> None:
    """Nothing leaves this machine, nor does anybody get an event that cannot go to all."""
    await subscribe(caller, receiver.url)
    await subscribe(caller, url)
    with pytest.raises(ValueError, match="only to this machine"):
        await mock.deliver_webhook(EXPIRED)
    assert receiver.received == []


async def test_event_without_a_name(mock: MockRefold) -> None:
    """What is delivered says what happened."""
    with pytest.raises(ValueError, match="must have its name"):
        await mock.deliver_webhook({"slug": "hubspot"})
    assert await mock.deliver_webhook({"event": "Nobody Listens"}) == []


def test_connection_events() -> None:
    """A connection event has the fields Refold sends."""
    assert connection_event("Connection Created", linked_account_id="user_1", slug="crm", type="hubspot") == {
        "linked_account_id": "user_1",
        "org_id": EXPIRED["org_id"],
        "environment": "test",
        "type": "hubspot",
        "event": "Connection Created",
        "slug": "crm",
        "createdAt": "Sun, 21 Jun 2026 10:04:11 GMT",
    }
    assert EXPIRED["type"] == "General"
    sent = "Tue, 07 Nov 2023 08:03:27 GMT"
    event = connection_event("Connection Deleted", linked_account_id="user_1", slug="crm", created_at=sent)
    assert event["createdAt"] == sent


def test_workflow_events() -> None:
    """A workflow event has the fields Refold sends."""
    event = workflow_event(
        "Workflow Errored", linked_account_id="user_1", workflow_id="w", instance_id="i", workflow_name="Mine"
    )
    assert event == {
        "linked_account_id": "user_1",
        "instance_id": "i",
        "workflow_id": "w",
        "config_id": "user_1",
        "event": "Workflow Errored",
        "workflow_name": "Mine",
        "status": "ERRORED",
    }
    names: list[tuple[WorkflowEventName, str]] = [
        ("Workflow Completed", "COMPLETED"),
        ("Workflow Stopped", "STOPPED"),
        ("Workflow Timed Out", "TIMED_OUT"),
    ]
    for name, status in names:
        event = workflow_event(name, linked_account_id="u", workflow_id="w", instance_id="i", workflow_name="Mine")
        assert event["status"] == status
