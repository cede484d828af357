"""Watching, stopping and rerunning executions."""

import asyncio
import math
from typing import Any

import aiohttp
import pytest

from refold_async.testing import SAMPLE_WORKFLOW_ID, MockRefold, WorkflowContext, WorkflowEnd
from support.mock_caller import EVENT, EXECUTION, WORKFLOW, MockCaller

RUN = f"{WORKFLOW}/{SAMPLE_WORKFLOW_ID}/execute"
FOR_HUBSPOT = {"slug": "hubspot"}
SYNCHRONOUS = {"slug": "hubspot", "sync_execution": "true"}
JANE = {"payload": {"email": "jane@example.com"}}
RESPONSES = "/api/v1/execution"
ICON = "https://icons.example.com/hubspot.png"


@pytest.fixture
async def slow(session: aiohttp.ClientSession, mock: MockRefold) -> MockCaller:
    """Calls a mock with a workflow `wait` that ends only when `mock.account("user_1")`'s store says so."""

    @mock.catalogue.workflow("hubspot", "wait")
    async def wait(context: WorkflowContext, payload: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        await context.store.setdefault("release", asyncio.Event()).wait()
        return payload

    return MockCaller(session, mock)


async def start(caller: MockCaller, workflow_id: str = "wait") -> str:
    """Start a workflow and return the id of the execution."""
    response = await caller.post(f"{WORKFLOW}/{workflow_id}/execute", headers=FOR_HUBSPOT, json=JANE)
    execution_id: str = response.json["execution_id"]
    return execution_id


async def read(caller: MockCaller, execution_id: str) -> dict[str, Any]:
    """Return an execution."""
    response = await caller.get(f"{EXECUTION}/{execution_id}")
    assert response.status == 200
    document: dict[str, Any] = response.json
    return document


async def read_until(caller: MockCaller, execution_id: str, status: str) -> dict[str, Any]:
    """Read an execution until it has a status."""
    async with asyncio.timeout(30):
        while True:
            document = await read(caller, execution_id)
            if document["status"] == status:
                return document


async def test_an_execution_runs_and_completes(slow: MockCaller, mock: MockRefold) -> None:
    """It is RUNNING while its handler runs, then COMPLETED, with its nodes."""
    execution_id = await start(slow)
    document = await read(slow, execution_id)
    assert document["status"] == "RUNNING"
    assert 0 <= document["completion_percentage"] < 100
    assert "completion_time" not in document
    assert [node["node_status"] for node in document["nodes"]] == ["Success", "Waiting"]
    mock.account("user_1").store("hubspot").setdefault("release", asyncio.Event()).set()
    document = await read_until(slow, execution_id, "COMPLETED")
    assert document["_id"] == execution_id
    assert document["name"] == "Execution for workflow wait"
    assert document["completion_percentage"] == 100
    assert document["linked_account_id"] == document["config_id"] == "user_1"
    assert document["type_of_execution"] == "ASYNC"
    assert document["createdAt"] == "2026-06-21T10:04:11.000Z"
    assert document["completion_time"] >= document["createdAt"]
    assert document["nodes"][-1]["node_status"] == "Success"
    assert document["nodes"][-1]["latest_output"] == document["nodes"][0]["input_data"] == JANE["payload"]


async def test_completion_percentage_grows_with_time(session: aiohttp.ClientSession) -> None:
    """While it runs, the percentage follows the clock."""
    async with MockRefold(workflow_seconds=20) as mock:
        caller = MockCaller(session, mock)
        execution_id = await start(caller, SAMPLE_WORKFLOW_ID)
        first = later = (await read(caller, execution_id))["completion_percentage"]
        async with asyncio.timeout(15):
            while later == first:
                later = (await read(caller, execution_id))["completion_percentage"]
        assert 0 <= first < later < 100


async def test_held_and_stepped(caller: MockCaller, mock: MockRefold) -> None:
    """A held execution goes no further than the test says, until it is released."""
    mock.hold_executions()
    execution_id = await start(caller, SAMPLE_WORKFLOW_ID)
    execution = mock.execution(execution_id)
    assert (await read(caller, execution_id))["completion_percentage"] == 0
    execution.completion_percentage = 40
    document = await read(caller, execution_id)
    assert (document["status"], document["completion_percentage"]) == ("RUNNING", 40)
    assert mock.account("user_1").store("hubspot") == {}
    execution.release()
    document = await read_until(caller, execution_id, "COMPLETED")
    assert document["completion_percentage"] == 100
    assert execution.return_value == {"contact_id": "1510721", "created": True}


async def test_all_that_are_held_are_released(caller: MockCaller, mock: MockRefold) -> None:
    """After a release of all, nothing is held any more."""
    mock.hold_executions()
    held = [await start(caller, SAMPLE_WORKFLOW_ID) for _ in range(2)]
    mock.release_executions()
    for execution_id in [*held, await start(caller, SAMPLE_WORKFLOW_ID)]:
        await read_until(caller, execution_id, "COMPLETED")


async def test_a_handler_tells_how_far_it_is(caller: MockCaller, mock: MockRefold) -> None:
    """A workflow's handler can step its own execution."""
    steps: asyncio.Queue[int] = asyncio.Queue()

    @mock.catalogue.workflow("hubspot", "stepwise")
    async def stepwise(context: WorkflowContext, payload: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        execution = mock.execution(context.execution_id)
        while (percentage := await steps.get()) < 100:
            execution.completion_percentage = percentage

    execution_id = await start(caller, "stepwise")
    for percentage in (30, 60):
        steps.put_nowait(percentage)
        async with asyncio.timeout(30):
            while (await read(caller, execution_id))["completion_percentage"] != percentage:
                pass
    steps.put_nowait(100)
    await read_until(caller, execution_id, "COMPLETED")


@pytest.mark.parametrize(
    ("status", "node_status"),
    [("TIMED_OUT", "Timed_Out"), ("DUPLICATE", "Rejected"), ("TERMINATED", "Stopped"), ("PARKED", "Waiting")],
)
async def test_ended_with_any_status(caller: MockCaller, mock: MockRefold, status: str, node_status: str) -> None:
    """A test ends an execution as it likes; its handler never runs, and nothing changes it any more."""
    mock.hold_executions()
    execution_id = await start(caller, SAMPLE_WORKFLOW_ID)
    mock.execution(execution_id).end(status)
    document = await read(caller, execution_id)
    assert document["status"] == status
    assert document["completion_time"] >= document["createdAt"]
    assert document["nodes"][-1]["node_status"] == node_status
    mock.execution(execution_id).end("COMPLETED")
    mock.release_executions()
    assert (await read(caller, execution_id))["status"] == status
    assert mock.account("user_1").store("hubspot") == {}
    assert (await caller.get(f"{EXECUTION}?status={status}")).json["totalDocs"] == 1
    response = await caller.post(f"{EXECUTION}/{execution_id}/stop")
    assert (response.status, response.json["message"]) == (400, "Execution is not running")


async def test_queued_until_released(caller: MockCaller, mock: MockRefold) -> None:
    """A held execution waits under the status that the test wants, and is RUNNING when its turn has come."""
    seen = list[str]()

    @mock.catalogue.workflow("hubspot", "look")
    async def look(context: WorkflowContext, payload: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        seen.append(mock.execution(context.execution_id).status)

    mock.hold_executions("QUEUED")
    execution_id = await start(caller, "look")
    assert (await read(caller, execution_id))["status"] == "QUEUED"
    mock.release_executions()
    await read_until(caller, execution_id, "COMPLETED")
    assert seen == ["RUNNING"]


async def test_no_progress_without_a_run(session: aiohttp.ClientSession) -> None:
    """What ended at its start has done nothing, however long that took."""
    async with MockRefold(workflow_seconds=1e-9) as mock:
        mock.end_executions("DUPLICATE")
        caller = MockCaller(session, mock)
        assert (await read(caller, await start(caller, SAMPLE_WORKFLOW_ID)))["completion_percentage"] == 0


async def test_nothing_is_run(caller: MockCaller, mock: MockRefold) -> None:
    """What starts while a test wants all to end at once has ended, and ran nothing."""
    mock.end_executions("DUPLICATE")
    execution_id = await start(caller, SAMPLE_WORKFLOW_ID)
    document = await read(caller, execution_id)
    assert (document["status"], document["completion_percentage"]) == ("DUPLICATE", 0)
    assert document["completion_time"] >= document["createdAt"]
    response = await caller.post(RUN, headers=SYNCHRONOUS, json=JANE)
    assert (response.status, response.json["return_value"]) == (200, None)
    assert mock.account("user_1").store("hubspot") == {}
    mock.end_executions(None)
    await read_until(caller, await start(caller, SAMPLE_WORKFLOW_ID), "COMPLETED")


async def test_end_that_a_handler_chooses(caller: MockCaller, mock: MockRefold) -> None:
    """A handler ends its run as a Terminate node does: with a status, and a result if it likes."""
    ends = [WorkflowEnd("TERMINATED"), WorkflowEnd("TIMED_OUT", {"a": 1}, {"message": "too slow"})]

    @mock.catalogue.workflow("hubspot", "leave")
    async def leave(context: WorkflowContext, payload: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        return ends.pop(0)

    execution_id = await start(caller, "leave")
    document = await read_until(caller, execution_id, "TERMINATED")
    assert document["nodes"][-1]["node_status"] == "Stopped"
    assert "completion_time" in document
    response = (await caller.post(f"{WORKFLOW}/leave/execute", headers=SYNCHRONOUS)).json
    assert (response["errored"], response["execution_error"]) == (True, {"message": "too slow"})
    assert response["return_value"] == {"a": 1}
    assert (await read(caller, response["execution_id"]))["status"] == "TIMED_OUT"


async def test_return_value_of_an_asynchronous_run(slow: MockCaller, mock: MockRefold) -> None:
    """It is null while the run goes on, and what the handler returned afterwards."""
    execution_id = await start(slow)
    response = await slow.get(f"{RESPONSES}/{execution_id}/response")
    assert (response.status, response.json) == (200, {"response": None, "status": "RUNNING"})
    mock.account("user_1").store("hubspot").setdefault("release", asyncio.Event()).set()
    await read_until(slow, execution_id, "COMPLETED")
    response = await slow.get(f"{RESPONSES}/{execution_id}/response", token=mock.session_token("user_1"))
    assert response.json == {"response": JANE["payload"], "status": "COMPLETED"}
    assert mock.requests[-1].route == "get_execution_response"


@pytest.mark.parametrize("seconds", [0.02, math.inf])
async def test_stopping_takes_its_time(session: aiohttp.ClientSession, seconds: float) -> None:
    """With `stop_seconds` a stopped run is STOPPING for so long, whatever its handler does; its caller waits."""
    entered: asyncio.Queue[str] = asyncio.Queue()
    left = asyncio.Event()
    async with MockRefold(stop_seconds=seconds) as mock:

        @mock.catalogue.workflow("hubspot", "stubborn")
        async def stubborn(context: WorkflowContext, payload: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
            entered.put_nowait(context.execution_id)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                left.set()
                return "done all the same"

        caller = MockCaller(session, mock)
        waiting = asyncio.create_task(caller.post(f"{WORKFLOW}/stubborn/execute", headers=SYNCHRONOUS))
        execution_id = await entered.get()
        stopped = await caller.post(f"{EXECUTION}/{execution_id}/stop")
        assert (stopped.status, stopped.json) == (200, {"message": "Stopping instance"})
        await left.wait()
        if math.isinf(seconds):
            assert (await caller.post(f"{EXECUTION}/{execution_id}/stop")).status == 200  # which changes nothing
            document = await read(caller, execution_id)
            assert (document["status"], "completion_time" in document) == ("STOPPING", False)
            assert not waiting.done()
            mock.execution(execution_id).end("STOPPED", error={"message": "stopped"})
        response = (await waiting).json
        assert (response["errored"], response["return_value"]) == (True, None)
        document = await read(caller, execution_id)
        assert (document["status"], "completion_time" in document) == ("STOPPED", True)


@pytest.mark.parametrize("seconds", [-1, math.nan])
def test_time_to_stop_that_cannot_be(seconds: float) -> None:
    """A time that is none is told at once."""
    with pytest.raises(ValueError, match="stop_seconds must be"):
        MockRefold(stop_seconds=seconds)


async def test_status_that_a_test_sets(caller: MockCaller, mock: MockRefold) -> None:
    """A status that was set is shown while the execution goes on, and is kept at its end."""
    mock.hold_executions()
    kept, changed = [mock.execution(await start(caller, SAMPLE_WORKFLOW_ID)) for _ in range(2)]
    for execution in (kept, changed):
        execution.status = "STOPPING"
        assert (await read(caller, execution.execution_id))["status"] == "STOPPING"
    changed.status = "RUNNING"
    mock.release_executions()
    await kept.ended()
    document = await read(caller, kept.execution_id)
    assert document["status"] == "STOPPING"
    assert "completion_time" in document
    await read_until(caller, changed.execution_id, "COMPLETED")
    kept.status = "STOPPED"
    assert (await read(caller, kept.execution_id))["status"] == "STOPPED"


async def test_synchronous_run_that_times_out(caller: MockCaller, mock: MockRefold) -> None:
    """A handler can end its own execution, and say why to the caller who waits for it."""

    @mock.catalogue.workflow("hubspot", "endless")
    async def endless(context: WorkflowContext, payload: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        mock.execution(context.execution_id).end("TIMED_OUT", error={"message": "too slow"})
        await asyncio.Event().wait()

    response = await caller.post(f"{WORKFLOW}/endless/execute", headers=SYNCHRONOUS)
    assert (response.json["errored"], response.json["execution_error"]) == (True, {"message": "too slow"})
    assert (await read(caller, response.json["execution_id"]))["status"] == "TIMED_OUT"


async def test_execution_that_is_not_there(mock: MockRefold) -> None:
    """An id that was never handed out is an error of the test."""
    with pytest.raises(LookupError, match="no execution 'nothing'"):
        mock.execution("nothing")


@pytest.mark.parametrize("action", ["GET ", "GET /response", "POST /stop", "POST /rerun", "GET /nodes/run/batches"])
async def test_unknown_execution(caller: MockCaller, action: str) -> None:
    """An unknown id is 404 RESOURCE_NOT_FOUND, and so is another account's."""
    method, _, path = action.partition(" ")
    executions = RESPONSES if path == "/response" else EXECUTION
    execution_id = await start(caller, SAMPLE_WORKFLOW_ID)
    for unknown, account in (("6a31ffffffffffffffffffff", "user_1"), (execution_id, "user_2")):
        response = await caller.send(method, f"{executions}/{unknown}{path}", account=account)
        assert response.json == {
            "status_code": 404,
            "http_error_type": "NOT_FOUND",
            "error_code": "RESOURCE_NOT_FOUND",
            "message": "Execution not found",
        }


async def test_stop(slow: MockCaller) -> None:
    """A stopped execution is STOPPED and cannot be stopped again."""
    execution_id = await start(slow)
    response = await slow.post(f"{EXECUTION}/{execution_id}/stop")
    assert (response.status, response.json) == (200, {"message": "Stopping instance"})
    document = await read(slow, execution_id)
    assert document["status"] == "STOPPED"
    assert document["completion_percentage"] < 100
    assert document["nodes"][-1]["node_status"] == "Stopped"
    response = await slow.post(f"{EXECUTION}/{execution_id}/stop")
    assert (response.status, response.json["error_code"]) == (400, "SERVER_ERROR")


async def test_a_stopped_workflow_has_no_effect(session: aiohttp.ClientSession) -> None:
    """What is stopped before its handler ran writes nothing."""
    async with MockRefold() as mock:
        caller = MockCaller(session, mock)
        mock.hold_executions()
        stopped = await start(caller, SAMPLE_WORKFLOW_ID)
        await caller.post(f"{EXECUTION}/{stopped}/stop")
        mock.release_executions()
        await caller.post(RUN, headers=SYNCHRONOUS, json={"payload": {"email": "contact@example.com"}})
        assert (await caller.data("hubspot", "search_contacts", {"query": "jane"}))["total"] == 0


async def test_stopped_is_final(caller: MockCaller, mock: MockRefold) -> None:
    """A workflow that goes on after it was stopped does not change that."""
    entered, left = asyncio.Event(), asyncio.Event()

    @mock.catalogue.workflow("hubspot", "stubborn")
    async def stubborn(context: WorkflowContext, payload: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            left.set()
            return "done all the same"

    execution_id = await start(caller, "stubborn")
    await entered.wait()
    await caller.post(f"{EXECUTION}/{execution_id}/stop")
    await left.wait()
    assert (await read(caller, execution_id))["status"] == "STOPPED"


async def test_rerun(caller: MockCaller) -> None:
    """Running again makes a new execution with the same payload."""
    first = (await caller.post(RUN, headers=SYNCHRONOUS, json=JANE)).json["execution_id"]
    response = await caller.post(f"{EXECUTION}/{first}/rerun")
    assert (response.status, response.json["status"]) == (200, "success")
    second = response.json["id"]
    assert second != first
    document = await read_until(caller, second, "COMPLETED")
    assert document["nodes"][0]["input_data"] == JANE["payload"]
    assert document["nodes"][-1]["latest_output"] == {"contact_id": "1510721", "created": False}


async def test_batches(caller: MockCaller) -> None:
    """A batch node lists its batches; another node is 501, an unknown one 404."""
    execution_id = (await caller.post(RUN, headers=SYNCHRONOUS, json=JANE)).json["execution_id"]
    batches = f"{EXECUTION}/{execution_id}/nodes/{{}}/batches"
    response = await caller.get(batches.format("batch"))
    assert response.json["totalDocs"] == 1
    (batch,) = response.json["docs"]
    assert (batch["batch_index"], batch["status"], batch["input_data"]) == (0, "Success", JANE["payload"])
    assert batch["output"] == {"contact_id": "1510721", "created": True}
    assert (await caller.get(batches.format("batch") + "?status=Errored")).json["docs"] == []
    response = await caller.get(batches.format("run"))
    assert response.json == {
        "status_code": 501,
        "http_error_type": "NOT_IMPLEMENTED",
        "error_code": "SERVER_ERROR",
        "message": "Batch details are not yet available for this execution type",
    }
    assert (await caller.get(batches.format("no_such_node"))).status == 404
    assert [node["is_batch"] for node in (await read(caller, execution_id))["nodes"]] == [False, True, False]


async def test_lists_executions(slow: MockCaller) -> None:
    """Executions come newest first, in pages, for one account alone, and can be filtered."""
    done = (await slow.post(RUN, headers=SYNCHRONOUS, json=JANE)).json["execution_id"]
    running = await start(slow)

    async def ids(query: str, account: str = "user_1") -> list[str]:
        response = await slow.get(f"{EXECUTION}?{query}", account=account)
        assert response.status == 200
        return [execution["_id"] for execution in response.json["docs"]]

    assert await ids("") == await ids("status=All&execution_type=All") == [running, done]
    assert await ids("sortAsc=true") == [done, running]
    assert await ids("", account="user_2") == []
    assert await ids("limit=1&page=2") == [done]
    assert (
        await ids("status=RUNNING") == await ids("workflow_name=wai") == await ids("execution_type=ASYNC") == [running]
    )
    assert await ids(f"execution_id={done}") == await ids(f"workflow_id={SAMPLE_WORKFLOW_ID}") == [done]
    assert await ids("slug=slack") == await ids("execution_source=Schedule") == []
    assert await ids("slug=slack,hubspot") == await ids("execution_source=API Call") == [running, done]
    assert await ids("execution_source=API_CALL") == [running, done]
    assert await ids("start_date=2026-06-21&end_date=2026-06-21") == [running, done]
    assert await ids("start_date=2026-06-22") == await ids("end_date=2026-06-20") == []


async def test_pages(slow: MockCaller) -> None:
    """A page tells where it stands."""
    for _ in range(5):
        await start(slow)
    page = (await slow.get(f"{EXECUTION}?page=2&limit=2")).json
    assert len(page.pop("docs")) == 2
    assert page == {
        "totalDocs": 5,
        "limit": 2,
        "page": 2,
        "totalPages": 3,
        "hasNextPage": True,
        "hasPrevPage": True,
        "nextPage": 3,
        "prevPage": 1,
        "pagingCounter": 3,
    }
    last = (await slow.get(f"{EXECUTION}?page=3&limit=2")).json
    assert (len(last["docs"]), last["hasNextPage"], last["nextPage"]) == (1, False, None)
    assert (await slow.get(f"{EXECUTION}?page=9")).json["docs"] == []
    assert (await slow.get(f"{EXECUTION}?limit=5000")).json["limit"] == 100
    empty = (await slow.get(EXECUTION, account="user_2")).json
    assert (empty["page"], empty["limit"], empty["totalPages"], empty["hasPrevPage"]) == (1, 10, 1, False)


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=", "limit=0", "limit=1.5"])
async def test_page_that_cannot_be(caller: MockCaller, query: str) -> None:
    """A page or limit below 1, or no whole number, is 400."""
    response = await caller.get(f"{EXECUTION}?{query}")
    assert (response.status, response.json["error_code"]) == (400, "VALIDATION_ERROR")


async def test_document_of_an_execution(caller: MockCaller, mock: MockRefold) -> None:
    """It says what ran, of which app, for whom, what started it and how long it took."""
    await caller.post(EVENT, json={"event": "contact_created", **JANE}, headers={"instance_tag": "nightly"})
    (execution_id,) = mock.events[0].execution_ids
    document = await read_until(caller, execution_id, "COMPLETED")
    hubspot = {"_id": mock.catalogue.app("hubspot").app_id, "name": "HubSpot", "icon": ICON}
    assert document["associated_application"] == hubspot
    trigger = document["associated_trigger_application"]["origin_trigger"]
    assert document["associated_trigger_application"] == hubspot | {"app_type": "hubspot", "origin_trigger": trigger}
    assert (trigger["name"], len(trigger["_id"])) == ("contact_created", 24)
    assert document["associated_event_id"] == document["custom_trigger_id"] == trigger["_id"]
    assert document["trigger_application_event"] == "Event"
    assert document["associated_workflow"] == {"_id": SAMPLE_WORKFLOW_ID, "name": "Welcome a contact", "icon": ""}
    assert document["instance_execution_time"] == pytest.approx(5, abs=1000)
    assert document["updatedAt"] == document["completion_time"]
    assert (document["environment"], len(document["org_id"])) == ("test", 24)
    assert mock.execution(execution_id).instance_tag == "nightly"
    first = document["nodes"][0]
    assert (first["node_id"], first["node_name"], first["node_type"]) == ("1", "Start", "start")
    by_api = (await caller.post(RUN, headers=SYNCHRONOUS, json=JANE)).json["execution_id"]
    document = await read(caller, by_api)
    assert (document["trigger_application_event"], document["associated_event_id"]) == ("API Call", "")
    assert document["type_of_execution"] == "SYNC"
