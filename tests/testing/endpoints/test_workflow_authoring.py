"""Workflows of a linked account's own: drafts, publishing, versions, deletion."""

from typing import Any

import pytest

from refold_async.testing import SAMPLE_WORKFLOW_ID, MockRefold, WorkflowContext
from support.mock_caller import (
    APPLICATION,
    EXECUTION,
    KEY_MAY_PUBLISH,
    LINKED_ACCOUNT,
    WORKFLOW,
    MockCaller,
    ReceivedResponse,
)

MINE = {"name": "Mine", "slug": "slack", "description": "Tells the team."}
SYNCHRONOUS = {"slug": "slack", "sync_execution": "true"}
NOWHERE = "6b00000000000000000000ff"


async def create(caller: MockCaller, **fields: Any) -> str:
    """Create a workflow and return the id of its draft."""
    response = await caller.post(WORKFLOW, json=MINE | fields)
    assert response.status == 200
    draft_id: str = response.json["workflow"]["_id"]
    return draft_id


async def change(caller: MockCaller, workflow_id: str, **body: Any) -> ReceivedResponse:
    """Try to publish a workflow or to take it back."""
    return await caller.put(f"{WORKFLOW}/{workflow_id}/publish", json=body, headers=KEY_MAY_PUBLISH)


async def publish(caller: MockCaller, draft_id: str, **fields: Any) -> str:
    """Publish a draft and return the id of the workflow."""
    response = await change(caller, draft_id, published=True, **fields)
    assert (response.status, response.json["published"]) == (200, True)
    workflow_id: str = response.json["_id"]
    return workflow_id


async def unpublish(caller: MockCaller, workflow_id: str) -> ReceivedResponse:
    """Try to take a workflow back."""
    return await change(caller, workflow_id, published=False)


async def delete(caller: MockCaller, workflow_id: str) -> ReceivedResponse:
    """Try to delete a workflow."""
    return await caller.delete(f"{WORKFLOW}/{workflow_id}", headers=KEY_MAY_PUBLISH)


async def ids(caller: MockCaller, query: str = "", account: str = "user_1") -> list[str]:
    """List the ids of an account's workflows."""
    response = await caller.get(f"{WORKFLOW}?{query}", account=account)
    assert response.status == 200
    return [workflow["_id"] for workflow in response.json["docs"]]


async def versions(caller: MockCaller, workflow_id: str) -> list[dict[str, Any]]:
    """List the versions of a workflow."""
    response = await caller.get(f"{WORKFLOW}/versions/{workflow_id}")
    assert response.status == 200
    docs: list[dict[str, Any]] = response.json["docs"]
    return docs


async def test_created_as_a_draft(caller: MockCaller) -> None:
    """A new workflow is an unpublished draft with a start node; it cannot be executed."""
    response = await caller.post(WORKFLOW, json=MINE)
    created = response.json["workflow"]
    assert (created["name"], created["slug"], created["description"]) == ("Mine", "slack", "Tells the team.")
    assert (created["published"], created["public_access_workflow"], created["edges"]) == (False, True, [])
    assert created["nodes"] == [{"id": "1", "type": "start", "incoming_nodes": [], "outgoing_nodes": [], "data": None}]
    assert created.pop("linked_account_id") == "user_1"
    draft_id = created["_id"]
    assert (await caller.get(f"{WORKFLOW}/{draft_id}")).json == created
    assert await ids(caller) == [SAMPLE_WORKFLOW_ID, draft_id]
    response = await caller.post(f"{WORKFLOW}/{draft_id}/execute", headers=SYNCHRONOUS)
    assert (response.status, response.json["message"]) == (400, "Workflow is not published")
    assert await versions(caller, draft_id) == []


@pytest.mark.parametrize(
    "body",
    [{}, {"slug": "slack"}, MINE | {"name": 7}, MINE | {"slug": ""}, MINE | {"slug": None}, MINE | {"description": 7}],
)
async def test_body_that_makes_no_workflow(caller: MockCaller, body: dict[str, Any]) -> None:
    """A name is required; what is given must be a string."""
    response = await caller.post(WORKFLOW, json=body)
    assert (response.status, response.json["error_code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("app", [{"slug": "no_such_app"}, {"associated_application": "no_such_app"}])
async def test_workflow_of_an_unknown_app(caller: MockCaller, app: dict[str, str]) -> None:
    """A workflow belongs to an app that there is."""
    response = await caller.post(WORKFLOW, json={"name": "Mine", **app})
    assert (response.status, response.json["message"]) == (404, "Application app_type 'no_such_app' not found")


async def test_workflow_of_the_default_app(caller: MockCaller, mock: MockRefold) -> None:
    """Without a slug it belongs to the organisation's own app, which is not listed; an app's id names it too."""
    created = (await caller.post(WORKFLOW, json={"name": "Mine"})).json["workflow"]
    assert created["associated_application"] == mock.catalogue.default_app.app_id
    assert created["slug"] not in [app["slug"] for app in (await caller.get(APPLICATION)).json]
    workflow_id = await publish(caller, created["_id"])
    for slug in ("", created["slug"]):
        response = await caller.post(
            f"{WORKFLOW}/{workflow_id}/execute", headers={"slug": slug, "sync_execution": "true"}, json={"a": 1}
        )
        assert response.json["return_value"] == {"a": 1}
    execution = (await caller.get(f"{EXECUTION}/{response.json['execution_id']}")).json
    assert execution["custom_application_id"] == mock.catalogue.default_app.app_id
    assert len((await caller.get(f"{WORKFLOW}/enabled")).json) == 2
    body = {"name": "Mine", "associated_application": mock.catalogue.app("slack").app_id}
    assert (await caller.post(WORKFLOW, json=body)).json["workflow"]["slug"] == "slack"
    with pytest.raises(ValueError, match="already exists"):
        mock.catalogue.add_app(mock.catalogue.default_app.slug)


async def test_private(caller: MockCaller, mock: MockRefold) -> None:
    """What an account makes, it alone sees, draft or published; a session token sees it too."""
    draft_id = await create(caller)
    workflow_id = await publish(caller, draft_id)
    assert await ids(caller, account="user_2") == [SAMPLE_WORKFLOW_ID]
    for hidden in (draft_id, workflow_id):
        for path in (f"/{hidden}", f"/{hidden}/edit", f"/versions/{hidden}", f"/request-structure/{hidden}"):
            response = await caller.get(WORKFLOW + path, account="user_2")
            assert response.json == {
                "status_code": 403,
                "http_error_type": "FORBIDDEN",
                "error_code": "SERVER_ERROR",
                "message": "Workflow is private to another linked account",
            }
    response = await caller.get(f"{WORKFLOW}/{workflow_id}", token=mock.session_token("user_1"))
    assert response.json["name"] == "Mine"
    assert await create(MockCaller(caller.session, mock)) not in (draft_id, workflow_id)


async def test_filters(caller: MockCaller, mock: MockRefold) -> None:
    """Workflows are filtered by the id of their app, and private ones apart from the others."""
    workflow_id = await publish(caller, await create(caller))
    draft_id = await create(caller)
    apps = mock.catalogue.apps
    assert await ids(caller, f"application_id={apps['slack'].app_id}") == [workflow_id, draft_id]
    assert await ids(caller, f"application_id={apps['hubspot'].app_id}") == [SAMPLE_WORKFLOW_ID]
    assert await ids(caller, "application_id=none") == []
    assert await ids(caller, "scope=private") == [workflow_id, draft_id]
    assert await ids(caller, "scope=private&published=true") == [workflow_id]
    assert await ids(caller, "scope=private&slug=hubspot") == []


async def test_published(caller: MockCaller) -> None:
    """A published workflow has an id of its own, can be executed and returns its payload."""
    draft_id = await create(caller)
    workflow_id = await publish(caller, draft_id)
    assert workflow_id != draft_id
    assert await ids(caller) == [SAMPLE_WORKFLOW_ID, workflow_id]
    enabled = (await caller.get(f"{WORKFLOW}/enabled")).json
    assert [workflow["id"] for workflow in enabled] == [SAMPLE_WORKFLOW_ID, workflow_id]
    structure = (await caller.get(f"{WORKFLOW}/request-structure/{workflow_id}")).json
    assert structure == {"payload": None, "schema": None, "schema_interpreted": None}
    response = await caller.post(f"{WORKFLOW}/{workflow_id}/execute", headers=SYNCHRONOUS, json={"payload": {"a": 1}})
    assert (response.status, response.json["return_value"]) == (200, {"a": 1})
    execution = (await caller.get(f"{EXECUTION}/{response.json['execution_id']}")).json
    assert (execution["associated_workflow"]["name"], execution["status"]) == ("Mine", "COMPLETED")
    response = await caller.post(f"{WORKFLOW}/{workflow_id}/execute", headers={"slug": "hubspot"})
    assert response.status == 404


async def test_execution_of_a_private_workflow_is_stopped_and_rerun(caller: MockCaller, mock: MockRefold) -> None:
    """Its executions are like any others."""
    workflow_id = await publish(caller, await create(caller))
    mock.hold_executions()
    response = await caller.post(f"{WORKFLOW}/{workflow_id}/execute", headers={"slug": "slack"}, json={"a": 1})
    execution_id = response.json["execution_id"]
    assert (await caller.post(f"{EXECUTION}/{execution_id}/stop")).status == 200
    again = mock.execution((await caller.post(f"{EXECUTION}/{execution_id}/rerun")).json["id"])
    mock.release_executions()
    await again.ended()
    assert (again.status, again.return_value) == ("COMPLETED", {"a": 1})


async def test_draft(caller: MockCaller) -> None:
    """A draft knows what it was published as, and a workflow its draft."""
    draft_id = await create(caller)
    before = (await caller.get(f"{WORKFLOW}/{draft_id}/edit")).json
    assert (before["_id"], before["associated_workflow"]) == (draft_id, None)
    assert (before["published"], before["name"], before["slug"]) == (False, "Mine", "slack")
    assert (len(before["nodes"]), before["edges"], before["data_slots"]) == (1, [], [])
    workflow_id = await publish(caller, draft_id)
    after = (await caller.get(f"{WORKFLOW}/{workflow_id}/edit")).json
    assert after == before | {"associated_workflow": workflow_id}
    assert (await caller.get(f"{WORKFLOW}/{draft_id}/edit")).json == after


async def test_draft_of_a_shared_workflow(caller: MockCaller, mock: MockRefold) -> None:
    """The draft of a workflow of the catalogue is made at first asking; publishing it changes this account's alone."""
    draft = (await caller.get(f"{WORKFLOW}/welcome_contact/edit")).json
    assert (draft["associated_workflow"], draft["name"]) == (SAMPLE_WORKFLOW_ID, "Welcome a contact")
    assert (await caller.get(f"{WORKFLOW}/{SAMPLE_WORKFLOW_ID}/edit")).json == draft
    assert (await caller.get(f"{WORKFLOW}/{SAMPLE_WORKFLOW_ID}/edit", account="user_2")).json["_id"] != draft["_id"]
    assert [version["version"] for version in await versions(caller, "welcome_contact")] == [1]
    assert await publish(caller, draft["_id"]) == SAMPLE_WORKFLOW_ID
    assert [version["version"] for version in await versions(caller, SAMPLE_WORKFLOW_ID)] == [2, 1]
    assert await ids(caller) == [SAMPLE_WORKFLOW_ID]
    headers = {"slug": "hubspot", "sync_execution": "true"}
    run = f"{WORKFLOW}/welcome_contact/execute"
    assert (await caller.post(run, headers=headers, json={"email": "a@b.c"})).json["return_value"]["created"] is True
    assert (await unpublish(caller, "welcome_contact")).json["_id"] == SAMPLE_WORKFLOW_ID
    assert (await caller.post(run, headers=headers)).json["message"] == "Workflow is not published"
    assert (await caller.post(run, headers=headers, account="user_2")).status == 200


async def test_versions(caller: MockCaller) -> None:
    """Each publishing leaves a version, numbered on or as the publisher says; they come newest first, in pages."""
    draft_id = await create(caller)
    workflow_id = await publish(caller, draft_id)
    assert await publish(caller, draft_id) == workflow_id
    await publish(caller, draft_id, version=7, description="Tells it twice.")
    await publish(caller, draft_id)
    found = await versions(caller, workflow_id)
    assert [version["version"] for version in found] == [8, 7, 2, 1]
    assert len({version["_id"] for version in found}) == 4
    assert [version["description"] for version in found[:2]] == ["Tells the team.", "Tells it twice."]
    assert {(version["name"], version["slug"], version["published"]) for version in found} == {("Mine", "slack", True)}
    document = (await caller.get(f"{WORKFLOW}/{workflow_id}")).json
    assert (document["version"], document["current_version"]) == (8, 8)
    assert found[0]["createdAt"] > found[-1]["createdAt"]
    assert await versions(caller, draft_id) == found
    page = (await caller.get(f"{WORKFLOW}/versions/{workflow_id}?page=2&limit=3")).json
    assert (page["docs"], page["totalDocs"]) == (found[3:], 4)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"published": "true"},
        {"published": True, "version": 0},
        {"published": True, "version": "2"},
        {"published": True, "version": True},
        {"published": True, "version": 1},
        {"published": True, "description": 7},
    ],
)
async def test_body_that_publishes_nothing(caller: MockCaller, body: dict[str, Any]) -> None:
    """What is to be done must be said, and a version's number must be a new one."""
    draft_id = await create(caller)
    workflow_id = await publish(caller, draft_id)
    response = await change(caller, draft_id, **body)
    assert (response.status, response.json["error_code"]) == (400, "VALIDATION_ERROR")
    assert len(await versions(caller, workflow_id)) == 1


async def test_unpublished(caller: MockCaller) -> None:
    """A workflow that was taken back stays, cannot be executed, and comes back by publishing its draft."""
    draft_id = await create(caller)
    workflow_id = await publish(caller, draft_id)
    response = await unpublish(caller, workflow_id)
    assert (response.json["_id"], response.json["published"]) == (workflow_id, False)
    assert await ids(caller, "scope=private&published=false") == [workflow_id]
    response = await caller.post(f"{WORKFLOW}/{workflow_id}/execute", headers=SYNCHRONOUS)
    assert (response.status, response.json["message"]) == (400, "Workflow is not published")
    assert await publish(caller, draft_id) == workflow_id
    assert (await caller.post(f"{WORKFLOW}/{workflow_id}/execute", headers=SYNCHRONOUS)).status == 200


async def test_ids_of_the_wrong_kind(caller: MockCaller) -> None:
    """A draft is published, a published workflow unpublished, and a version not even deleted."""
    draft_id = await create(caller)
    workflow_id = await publish(caller, draft_id)
    (version,) = await versions(caller, workflow_id)
    message = "Only public and published workflows can be unpublished"
    for wrong in (draft_id, version["_id"]):
        response = await unpublish(caller, wrong)
        assert response.json == {
            "status_code": 400,
            "http_error_type": "BAD_REQUEST",
            "error_code": "INVALID_WORKFLOW_ID",
            "message": message,
        }
    assert (await delete(caller, version["_id"])).json == {
        "status_code": 400,
        "http_error_type": "BAD_REQUEST",
        "error_code": "SERVER_ERROR",
        "message": "Workflow is a version workflow.",
    }
    response = await change(caller, workflow_id, published=True)
    assert (response.status, response.json["error_code"]) == (400, "INVALID_WORKFLOW_ID")
    await unpublish(caller, workflow_id)
    assert (await unpublish(caller, workflow_id)).json["message"] == message


async def test_delete(caller: MockCaller) -> None:
    """A deleted workflow is gone with its draft and versions."""
    draft_id = await create(caller)
    workflow_id = await publish(caller, draft_id)
    (version,) = await versions(caller, workflow_id)
    response = await delete(caller, workflow_id)
    assert (response.status, response.json) == (200, {"success": True, "triggers_deregistered": True})
    assert await ids(caller, "scope=private") == []
    for gone in (workflow_id, draft_id, version["_id"]):
        assert (await caller.get(f"{WORKFLOW}/{gone}")).status == 404
        assert (await delete(caller, gone)).json["message"] == "Workflow not found"


async def test_delete_a_draft(caller: MockCaller) -> None:
    """A draft is deleted alone; a workflow it was published as stays, and gets another."""
    draft_id = await create(caller)
    assert (await delete(caller, draft_id)).status == 200
    assert await ids(caller, "scope=private") == []
    draft_id = await create(caller)
    workflow_id = await publish(caller, draft_id)
    assert (await delete(caller, draft_id)).status == 200
    assert await ids(caller, "scope=private") == [workflow_id]
    another = (await caller.get(f"{WORKFLOW}/{workflow_id}/edit")).json
    assert another["_id"] not in (draft_id, workflow_id)
    assert another["associated_workflow"] == workflow_id
    assert (await caller.get(f"{WORKFLOW}/{draft_id}", account="user_2")).status == 404


async def test_delete_a_shared_workflow(caller: MockCaller) -> None:
    """A workflow of the catalogue is deleted for one account alone."""
    assert (await delete(caller, "welcome_contact")).status == 200
    assert (await caller.get(f"{WORKFLOW}/{SAMPLE_WORKFLOW_ID}")).status == 404
    assert await ids(caller) == []
    assert await ids(caller, account="user_2") == [SAMPLE_WORKFLOW_ID]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/{}/edit", None),
        ("GET", "/versions/{}", None),
        ("DELETE", "/{}", None),
        ("PUT", "/{}/publish", {"published": True}),
        ("PUT", "/{}/publish", {"published": False}),
    ],
)
async def test_unknown_workflow(caller: MockCaller, method: str, path: str, body: object) -> None:
    """An unknown workflow is 404."""
    response = await caller.send(method, WORKFLOW + path.format(NOWHERE), json=body, headers=KEY_MAY_PUBLISH)
    assert response.json == {
        "status_code": 404,
        "http_error_type": "NOT_FOUND",
        "error_code": "SERVER_ERROR",
        "message": "Workflow not found",
    }


async def test_deleted_accounts_leave_no_workflows(caller: MockCaller, mock: MockRefold) -> None:
    """The workflows of an account go with it."""
    draft_id = await create(caller)
    await caller.delete(f"{LINKED_ACCOUNT}/user_1")
    assert (await caller.get(f"{WORKFLOW}/{draft_id}", account="user_2")).status == 404
    assert await ids(caller) == [SAMPLE_WORKFLOW_ID]
    assert await create(caller) != draft_id


async def test_handler_of_a_private_workflow(caller: MockCaller, mock: MockRefold) -> None:
    """A test may say what a private workflow does."""

    async def shout(context: WorkflowContext, payload: Any) -> Any:
        return str(payload).upper()

    workflow_id = await publish(caller, await create(caller))
    mock.account("user_1").workflows.get(workflow_id).handler = shout
    response = await caller.post(f"{WORKFLOW}/{workflow_id}/execute", headers=SYNCHRONOUS, json={"payload": "hi"})
    assert response.json["return_value"] == "HI"
