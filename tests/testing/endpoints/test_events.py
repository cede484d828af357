"""Events of the caller's application, and the workflows they start."""

from typing import Any

import aiohttp
import pytest

from refold_async.testing import SAMPLE_WORKFLOW_ID, FiredEvent, MockRefold, WorkflowContext
from support.mock_caller import EVENT, EXECUTION, KEY_MAY_PUBLISH, WORKFLOW, MockCaller

FIRED = {"event": "contact_created", "payload": {"email": "jane@example.com"}}


async def test_an_event_starts_its_workflow(caller: MockCaller, mock: MockRefold) -> None:
    """The sample event starts the sample workflow for the account, and is there for the test to see."""
    response = await caller.post(EVENT, json=FIRED)
    assert (response.status, response.json) == (200, {"message": "Webhook Fired Success"})
    (event,) = mock.events
    (execution_id,) = event.execution_ids
    assert event == FiredEvent(
        "contact_created", {"email": "jane@example.com"}, "user_1", None, None, None, (execution_id,)
    )
    (execution,) = (await caller.get(f"{EXECUTION}?execution_source=Event")).json["docs"]
    assert execution["_id"] == execution_id
    assert execution["associated_workflow"]["_id"] == SAMPLE_WORKFLOW_ID
    await mock.execution(execution_id).ended()
    assert mock.execution(execution_id).return_value == {"contact_id": "1510721", "created": True}
    assert (await caller.get(EXECUTION, account="user_2")).json["docs"] == []


async def test_headers_of_an_event(caller: MockCaller, mock: MockRefold) -> None:
    """Config and tag go to the executions; with a slug, only workflows of that app start."""

    @mock.catalogue.workflow("slack", "greet")
    async def greet(context: WorkflowContext, payload: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        return [context.config_id, context.instance_tag, payload]

    mock.catalogue.add_event("contact_created", SAMPLE_WORKFLOW_ID, "greet")
    headers = {"slug": "slack", "config_id": "c1", "instance_tag": "nightly"}
    assert (await caller.post(EVENT, json={"event": "contact_created"}, headers=headers)).status == 200
    (event,) = mock.events
    assert (event.slug, event.config_id, event.instance_tag, event.payload) == ("slack", "c1", "nightly", None)
    (execution_id,) = event.execution_ids
    await mock.execution(execution_id).ended()
    assert mock.execution(execution_id).return_value == ["c1", "nightly", None]
    await caller.post(EVENT, json=FIRED, headers={"slug": ""})
    assert len(mock.events[1].execution_ids) == 2
    mock.clear()
    assert mock.events == []


async def test_an_event_starts_what_the_account_has(caller: MockCaller, mock: MockRefold) -> None:
    """A private workflow starts for its account alone, one that is not published for nobody."""
    draft = (await caller.post(WORKFLOW, json={"name": "Mine", "slug": "slack"})).json["workflow"]["_id"]
    publishing = {"json": {"published": True}, "headers": KEY_MAY_PUBLISH}
    mine = (await caller.put(f"{WORKFLOW}/{draft}/publish", **publishing)).json["_id"]
    mock.catalogue.add_event("user_verified", mine)
    for account in ("user_1", "user_2"):
        await caller.post(EVENT, json={"event": "user_verified"}, account=account)
    await caller.put(f"{WORKFLOW}/{mine}/publish", json={"published": False}, headers=KEY_MAY_PUBLISH)
    await caller.post(EVENT, json={"event": "user_verified"})
    assert [len(event.execution_ids) for event in mock.events] == [1, 0, 0]


async def test_session_token_fires_events(caller: MockCaller, mock: MockRefold) -> None:
    """A session token tells for whom an event is fired."""
    assert (await caller.post(EVENT, json=FIRED, token=mock.session_token("user_2"))).status == 200
    assert mock.events[0].linked_account_id == "user_2"


async def test_an_event_that_comes_as_a_form(caller: MockCaller, mock: MockRefold) -> None:
    """A form names the event and its payload, which is a text then; `trigger` is another word for `event`."""
    with aiohttp.MultipartWriter("form-data") as parts:
        for name, value in (("trigger", "contact_created"), ("payload", "jané")):
            parts.append(value).set_content_disposition("form-data", name=name)
    assert (await caller.post(EVENT, data=parts)).status == 200
    assert (await caller.post(EVENT, json={"trigger": "contact_created", "payload": 7})).status == 200
    assert [(event.event, event.payload) for event in mock.events] == [
        ("contact_created", "jané"),
        ("contact_created", 7),
    ]


async def test_unknown_event(caller: MockCaller, mock: MockRefold) -> None:
    """An event that is not in the catalogue is 404, and was not fired."""
    response = await caller.post(EVENT, json={"event": "nothing", "payload": {}})
    assert response.json == {
        "status_code": 404,
        "http_error_type": "NOT_FOUND",
        "error_code": "INVALID_EVENT",
        "message": "Trigger not found",
    }
    assert mock.events == []


@pytest.mark.parametrize("body", [{}, {"payload": {}}, {"event": ""}, {"event": 7}, {"event": None}, ["event"]])
async def test_event_without_a_name(caller: MockCaller, body: object) -> None:
    """An event must be named."""
    response = await caller.post(EVENT, json=body)
    assert (response.status, response.json["error_code"]) == (400, "VALIDATION_ERROR")
