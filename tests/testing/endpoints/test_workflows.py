"""Listing and executing workflows."""

import asyncio
from typing import Any

import pytest

from refold_async.testing import SAMPLE_WORKFLOW_ID, AppError, MockRefold, WorkflowAnswer, WorkflowContext
from support.mock_caller import EXECUTION, WORKFLOW, MockCaller

RUN = f"{WORKFLOW}/{SAMPLE_WORKFLOW_ID}/execute"
FOR_HUBSPOT = {"slug": "hubspot"}
SYNCHRONOUS = {"slug": "hubspot", "sync_execution": "true"}
JANE = {"payload": {"email": "jane@example.com"}}
WENT_WELL = {"errored": False, "executed_by_thanos": False}
NOT_FOUND = {
    "status_code": 404,
    "http_error_type": "NOT_FOUND",
    "error_code": "SERVER_ERROR",
    "message": "Workflow not found",
}


async def test_asynchronous_run(caller: MockCaller) -> None:
    """A run is acknowledged at once, with the documented first id, and takes effect later."""
    response = await caller.post(RUN, headers=FOR_HUBSPOT, json=JANE)
    assert response.status == 200
    assert response.json == {
        "message": "Workflow execution started",
        "execution_id": "6a314c54d4616e99e7fa5a02",
    }
    second = await caller.post(RUN, headers=FOR_HUBSPOT, json=JANE)
    assert second.json["execution_id"] == "6a314c54d4616e99e7fa5a03"
    found = 0
    while not found:
        found = (await caller.data("hubspot", "search_contacts", {"query": "jane"}))["total"]
    assert found == 1


async def test_synchronous_run(caller: MockCaller) -> None:
    """A synchronous run answers the workflow's result."""
    response = await caller.post(RUN, headers=SYNCHRONOUS, json=JANE)
    assert response.status == 200
    assert response.json == {
        "execution_id": "6a314c54d4616e99e7fa5a02",
        "return_value": {"contact_id": "1510721", "created": True},
        **WENT_WELL,
    }
    response = await caller.post(RUN, headers=SYNCHRONOUS, json=JANE)
    assert response.json["return_value"] == {"contact_id": "1510721", "created": False}


@pytest.mark.parametrize("body", [{"payload": {"a": 1}}, {"a": 1}])
async def test_both_forms_of_the_body(caller: MockCaller, mock: MockRefold, body: dict[str, Any]) -> None:
    """The payload may be wrapped or be the body itself; the record tells which came."""

    @mock.catalogue.workflow("hubspot", "echo")
    async def echo(context: WorkflowContext, payload: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        return payload

    response = await caller.post(f"{WORKFLOW}/echo/execute", headers=SYNCHRONOUS, json=body)
    assert response.json["return_value"] == {"a": 1}
    assert mock.requests[0].json == body


async def test_context_of_a_workflow(caller: MockCaller, mock: MockRefold) -> None:
    """The handler learns whose run it is, and shares the app's store."""

    @mock.catalogue.workflow("slack", "tell")
    async def tell(context: WorkflowContext, payload: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        return [
            context.linked_account_id,
            context.slug,
            context.execution_id,
            context.config_id,
            context.instance_tag,
            len(context.store["messages"]),
        ]

    await caller.data("slack", "send_message", {"channel": "general", "text": "hi"})
    headers = {"slug": "slack", "sync_execution": "true"}
    response = await caller.post(f"{WORKFLOW}/tell/execute", headers=headers)
    assert response.json["return_value"] == ["user_1", "slack", "6a314c54d4616e99e7fa5a02", "user_1", None, 1]
    headers |= {"config_id": "c1", "instance_tag": "nightly"}
    response = await caller.post(f"{WORKFLOW}/tell/execute", headers=headers)
    assert response.json["return_value"] == ["user_1", "slack", "6a314c54d4616e99e7fa5a03", "c1", "nightly", 1]
    (execution, _) = (await caller.get(EXECUTION)).json["docs"]
    assert (execution["config_id"], mock.execution(execution["_id"]).instance_tag) == ("c1", "nightly")


async def test_response_node_chooses_the_status(caller: MockCaller, mock: MockRefold) -> None:
    """A WorkflowAnswer sets the HTTP status of a synchronous run, and keeps the body's shape."""

    @mock.catalogue.workflow("hubspot", "refuse")
    async def refuse(context: WorkflowContext, payload: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        return WorkflowAnswer(422, {"reason": "no"})

    response = await caller.post(f"{WORKFLOW}/refuse/execute", headers=SYNCHRONOUS)
    assert response.status == 422
    assert response.json == {
        "execution_id": "6a314c54d4616e99e7fa5a02",
        "return_value": {"reason": "no"},
        "status_code": 422,
        **WENT_WELL,
    }
    with pytest.raises(ValueError, match="status"):
        WorkflowAnswer(199)


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (ValueError("no such deal"), {"message": "no such deal"}),
        (KeyError(), {"message": "KeyError"}),
        (AppError(404, {"a": 1}), {"message": "The app refused the call", "http_status": 404, "data": {"a": 1}}),
    ],
)
async def test_errored_run(caller: MockCaller, mock: MockRefold, raised: Exception, error: dict[str, Any]) -> None:
    """What a workflow raises is told in the result, with HTTP 200, and in the execution."""

    @mock.catalogue.workflow("hubspot", "fail")
    async def fail(context: WorkflowContext, payload: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        raise raised

    response = await caller.post(f"{WORKFLOW}/fail/execute", headers=SYNCHRONOUS)
    assert response.status == 200
    execution_id = response.json["execution_id"]
    assert response.json == {
        "execution_id": execution_id,
        "return_value": None,
        **WENT_WELL,
        "errored": True,
        "execution_error": error,
    }
    execution = (await caller.get(f"{EXECUTION}/{execution_id}")).json
    assert execution["status"] == "ERRORED"
    assert execution["nodes"][-1]["node_status"] == "Errored"
    assert execution["nodes"][-1]["latest_output"] == error


async def test_sample_workflow_wants_an_email(caller: MockCaller) -> None:
    """The sample workflow fails without an e-mail in its payload."""
    bodies: list[Any] = [{"payload": {}}, {"payload": None}, ["text"]]
    for body in bodies:
        response = await caller.post(RUN, headers=SYNCHRONOUS, json=body)
        assert response.json["execution_error"] == {"message": "the payload has no email"}


@pytest.mark.parametrize(("workflow", "headers"), [(SAMPLE_WORKFLOW_ID, {}), ("welcome_contact", {"slug": ""})])
async def test_slug_is_required(caller: MockCaller, workflow: str, headers: dict[str, str]) -> None:
    """Without the header `slug`, or with an empty one beside an alias, the refusal has a shape of its own."""
    response = await caller.post(f"{WORKFLOW}/{workflow}/execute", headers=headers, json=JANE)
    assert response.status == 400
    assert response.json == {"message": "Server Error", "error": "Workflow ID and slug are required"}


async def test_empty_slug_beside_an_id(caller: MockCaller) -> None:
    """An id says which workflow is meant: an empty slug will do."""
    assert (await caller.post(RUN, headers={"slug": ""}, json=JANE)).status == 200


@pytest.mark.parametrize(("workflow_id", "slug"), [("nothing", "hubspot"), (SAMPLE_WORKFLOW_ID, "slack")])
async def test_unknown_workflow(caller: MockCaller, workflow_id: str, slug: str) -> None:
    """A workflow that is not there, or not in that app, is 404."""
    response = await caller.post(f"{WORKFLOW}/{workflow_id}/execute", headers={"slug": slug}, json=JANE)
    assert response.json == NOT_FOUND


async def test_unpublished_workflow(caller: MockCaller, mock: MockRefold) -> None:
    """A draft cannot be executed; it is listed, but not among the enabled ones."""

    @mock.catalogue.workflow("hubspot", "draft", published=False)
    async def draft(context: WorkflowContext, payload: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        return None

    response = await caller.post(f"{WORKFLOW}/draft/execute", headers=FOR_HUBSPOT)
    assert (response.status, response.json["message"]) == (400, "Workflow is not published")
    drafts = (await caller.get(f"{WORKFLOW}?published=false")).json["docs"]
    assert [workflow["_id"] for workflow in drafts] == ["draft"]
    enabled = (await caller.get(f"{WORKFLOW}/enabled")).json
    assert [workflow["id"] for workflow in enabled] == [SAMPLE_WORKFLOW_ID]


async def test_include_headers_gives_no_secrets_away(caller: MockCaller, mock: MockRefold) -> None:
    """The request's headers come back on demand, without credentials."""
    headers = {**SYNCHRONOUS, "include-headers": "true", "Cookie": "a=b", "X-Trace": "7"}
    for token in (None, mock.session_token("user_1")):
        response = await caller.post(RUN, headers=headers, json=JANE, token=token)
        returned = response.json["headers"]
        assert returned["x-trace"] == "7"
        assert not {"x-api-key", "authorization", "cookie"} & returned.keys()
    asked = (await caller.post(f"{RUN}?include-headers=true", headers=FOR_HUBSPOT, json=JANE)).json
    assert asked["headers"]["slug"] == "hubspot"
    assert "headers" not in (await caller.post(RUN, headers=FOR_HUBSPOT, json=JANE)).json


async def test_lists_workflows(caller: MockCaller, mock: MockRefold) -> None:
    """Workflows come in pages and can be filtered by app, name and date."""

    @mock.catalogue.workflow("slack", "notify", name="Notify sales", aliases=["n"])
    async def notify(context: WorkflowContext, payload: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        return None

    async def names(query: str) -> list[str]:
        return [workflow["name"] for workflow in (await caller.get(f"{WORKFLOW}?{query}")).json["docs"]]

    assert await names("") == ["Welcome a contact", "Notify sales"]
    assert await names("limit=1&page=2") == ["Notify sales"]
    assert await names("slug=slack") == ["Notify sales"]
    assert await names("name=WELCOME") == ["Welcome a contact"]
    assert await names("start_date=2026-06-21&end_date=2026-06-21") == ["Welcome a contact", "Notify sales"]
    assert await names("start_date=2026-06-22") == await names("end_date=2026-06-20") == []
    page = (await caller.get(WORKFLOW)).json
    assert {document["linked_account_id"] for document in page["docs"]} == {"user_1"}
    assert page["schema"] == {"type": "object", "properties": {"email": {"type": "string"}}}
    document = (await caller.get(f"{WORKFLOW}/n")).json
    assert (document["_id"], document["slug"], document["workflow_alias"]) == ("notify", "slack", "n")
    assert document["associated_application"] == mock.catalogue.app("slack").app_id
    assert "linked_account_id" not in document
    document = (await caller.get(f"{WORKFLOW}/{SAMPLE_WORKFLOW_ID}")).json
    assert document["manual_execution_payload"] == JANE["payload"]
    assert document["json_schema"]["required"] == ["email"]
    assert (document["published"], document["public_access_workflow"], document["version"]) == (True, False, 1)
    assert document["nodes"][0]["type"] == "start"


async def test_lists_enabled_workflows(caller: MockCaller, mock: MockRefold) -> None:
    """An enabled workflow is shown with its app and the account's config."""
    hubspot = mock.catalogue.app("hubspot")
    assert (await caller.get(f"{WORKFLOW}/enabled")).json == [
        {
            "id": SAMPLE_WORKFLOW_ID,
            "name": "Welcome a contact",
            "description": "Makes sure that a contact with the payload's email address exists.",
            "icon": "",
            "config_id": "user_1",
            "application": {
                "_id": hubspot.app_id,
                "name": "HubSpot",
                "icon": hubspot.icon,
                "description": "Contacts, companies and deals.",
            },
            "createdAt": "2026-06-21T10:04:11.000Z",
            "updatedAt": "2026-06-21T10:04:11.000Z",
        }
    ]


async def test_request_structure(caller: MockCaller, mock: MockRefold) -> None:
    """A workflow says what payload it wants; one that was given none says null."""
    structure = (await caller.get(f"{WORKFLOW}/request-structure/{SAMPLE_WORKFLOW_ID}")).json
    assert structure["payload"] == {"email": "jane@example.com"}
    assert structure["schema"]["required"] == ["email"]
    assert structure["schema_interpreted"] == {"email": "string (required)"}

    @mock.catalogue.workflow("slack", "plain")
    async def plain(context: WorkflowContext, payload: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        return None

    structure = (await caller.get(f"{WORKFLOW}/request-structure/plain")).json
    assert structure == {"payload": None, "schema": None, "schema_interpreted": None}


@pytest.mark.parametrize("path", ["/no_such_one", "/request-structure/no_such_one"])
async def test_reading_an_unknown_workflow(caller: MockCaller, path: str) -> None:
    """An unknown workflow is 404."""
    response = await caller.get(WORKFLOW + path)
    assert response.json == NOT_FOUND


async def test_synchronous_run_that_is_stopped(caller: MockCaller, mock: MockRefold) -> None:
    """A synchronous caller whose run is stopped gets an errored result."""
    entered = asyncio.Event()

    @mock.catalogue.workflow("hubspot", "forever")
    async def forever(context: WorkflowContext, payload: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        entered.set()
        await asyncio.Event().wait()

    call = asyncio.create_task(caller.post(f"{WORKFLOW}/forever/execute", headers=SYNCHRONOUS))
    await entered.wait()
    assert (await caller.post(f"{EXECUTION}/6a314c54d4616e99e7fa5a02/stop")).status == 200
    response = await call
    assert (response.json["errored"], response.json["return_value"]) == (True, None)
