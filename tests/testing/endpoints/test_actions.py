"""Listing, describing and executing actions."""

import asyncio
import io
import json
from typing import Any

import aiohttp
import pytest

from refold_async.testing import ActionContext, AppError, FileAnswer, MockRefold, Truncated, WorkflowContext
from support.mock_caller import EXECUTE, MockCaller
from support.waiting import until

ACTIONS = "/api/v2/integration-schema/{}/actions"


async def test_lists_the_actions_of_an_app(caller: MockCaller) -> None:
    """Each action has an id, a name and a description; the raw request is among them."""
    response = await caller.get(ACTIONS.format("hubspot"))
    assert response.status == 200
    actions = {action["action_id"]: action for action in response.json}
    assert {"get_contact", "search_contacts", "create_contact", "update_contact", "delete_contact"} < actions.keys()
    assert actions["create_contact"] == {
        "action_id": "create_contact",
        "name": "Create contact",
        "description": "Creates a contact.",
        "tag": "Contacts",
    }
    assert actions["get_loyalty_points"]["tag"] == "Custom"
    assert actions["httprequest"]["tag"] == "v2"


async def test_describes_the_parameters_of_an_action(caller: MockCaller) -> None:
    """Every parameter has the four fields, and `email` alone is required to create a contact."""
    response = await caller.get(ACTIONS.format("hubspot") + "/create_contact")
    assert response.status == 200
    assert response.json[0] == {"name": "email", "label": "Email", "required": True, "type": "email"}
    assert all(parameter.keys() == {"name", "label", "required", "type"} for parameter in response.json)
    assert [parameter["name"] for parameter in response.json if parameter["required"]] == ["email"]


async def test_unknown_app(caller: MockCaller) -> None:
    """Listing an unknown app's actions is 404 in Refold's error shape."""
    response = await caller.get(ACTIONS.format("no_such_app"))
    assert response.status == 404
    assert response.json == {
        "status_code": 404,
        "http_error_type": "NOT_FOUND",
        "error_code": "SERVER_ERROR",
        "message": "Application app_type 'no_such_app' not found",
    }


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_unknown_action(caller: MockCaller, method: str) -> None:
    """Describing and executing an unknown action are both 404."""
    path = ACTIONS.format("hubspot") + "/no_such_action" + ("/execute" if method == "POST" else "")
    response = await caller.send(method, path)
    assert response.status == 404
    assert response.json == {
        "status_code": 404,
        "http_error_type": "NOT_FOUND",
        "error_code": "SERVER_ERROR",
        "message": "Action no_such_action not found in Application hubspot",
    }


async def test_reads_the_sample_contact(caller: MockCaller) -> None:
    """An account that has written nothing holds the sample contact."""
    response = await caller.execute("hubspot", "get_contact", {"limit": "1"})
    assert response.status == 200
    assert response.json == {
        "node_status": "Success",
        "data": {
            "results": [
                {
                    "id": "51",
                    "properties": {
                        "email": "contact@example.com",
                        "firstname": "Brian",
                        "lastname": "Halligan (Sample Contact)",
                    },
                    "createdAt": "2023-10-06T09:53:17.242Z",
                    "archived": False,
                }
            ],
            "paging": {},
        },
    }


async def test_creates_contacts_with_deterministic_ids(caller: MockCaller) -> None:
    """The first contact of every account has the documented id and time, the next one their successors."""
    jane = {"email": "jane@example.com", "firstname": "Jane", "lastname": "Doe"}
    response = await caller.execute("hubspot", "create_contact", jane)
    first = {"id": "1510721", "createdAt": "2026-06-21T10:04:11.000Z"}
    assert response.json == {"node_status": "Success", "data": first}
    second = await caller.data("hubspot", "create_contact", jane)
    assert second == {"id": "1510722", "createdAt": "2026-06-21T10:04:12.000Z"}
    assert await caller.data("hubspot", "create_contact", jane, account="user_2") == first


async def test_what_one_account_writes_no_other_sees(caller: MockCaller) -> None:
    """A contact shows up for the account that created it alone, by id, by e-mail and in a search."""
    created = await caller.data("hubspot", "create_contact", {"email": "Jane@example.com", "firstname": "Jane"})
    for parameters in ({"id": created["id"]}, {"email": "jane@EXAMPLE.com"}):
        found = await caller.data("hubspot", "get_contact", parameters)
        assert [contact["properties"]["firstname"] for contact in found["results"]] == ["Jane"]
        other = await caller.execute("hubspot", "get_contact", parameters, account="user_2")
        assert (other.json["node_status"], other.json["http_status"]) == ("Errored", 404)
    search = {"query": "jane"}
    assert (await caller.data("hubspot", "search_contacts", search))["total"] == 1
    assert (await caller.data("hubspot", "search_contacts", search, account="user_2"))["total"] == 0


async def test_pages_through_contacts(caller: MockCaller) -> None:
    """`limit` and `after` walk through all contacts in order."""
    for number in range(3):
        await caller.data("hubspot", "create_contact", {"email": f"{number}@example.com"})
    page = await caller.data("hubspot", "get_contact", {"limit": 2})
    assert [contact["id"] for contact in page["results"]] == ["51", "1510721"]
    page = await caller.data("hubspot", "get_contact", {"limit": 2, "after": page["paging"]["next"]["after"]})
    assert [contact["id"] for contact in page["results"]] == ["1510722", "1510723"]
    assert page["paging"] == {}


async def test_updates_and_deletes_a_contact(caller: MockCaller) -> None:
    """The sample contact can be changed and deleted, for one account and not for the others."""
    updated = await caller.data("hubspot", "update_contact", {"id": "51", "phone": "1"})
    assert updated["properties"]["phone"] == "1"
    assert updated["properties"]["firstname"] == "Brian"
    assert await caller.data("hubspot", "delete_contact", {"id": "51"}) is None
    assert (await caller.data("hubspot", "get_contact"))["results"] == []
    assert len((await caller.data("hubspot", "get_contact", account="user_2"))["results"]) == 1
    for action_id in ("update_contact", "delete_contact"):
        again = await caller.execute("hubspot", action_id, {"id": "51"})
        assert again.json["data"]["category"] == "OBJECT_NOT_FOUND"


async def test_the_apps_own_refusal_comes_with_http_200(caller: MockCaller) -> None:
    """What the app does not like is an Errored node, not an HTTP error."""
    response = await caller.execute("hubspot", "get_contact", {"limit": "many"})
    assert response.status == 200
    assert (response.json["node_status"], response.json["http_status"]) == ("Errored", 400)
    assert response.json["data"]["message"] == "limit must be 1 to 100, not 'many'"


@pytest.mark.parametrize("parameters", [{}, {"email": ""}, {"email": None}, {"firstname": "Jane"}])
async def test_missing_required_parameter(caller: MockCaller, parameters: dict[str, Any]) -> None:
    """A required parameter that is absent, empty or null is 400."""
    response = await caller.execute("hubspot", "create_contact", parameters)
    assert response.status == 400
    assert response.json["error_code"] == "VALIDATION_ERROR"
    assert response.json["message"] == "Required parameter 'email' is missing"


@pytest.mark.parametrize("body", [b"{", b"email=a", b'{"limit": NaN}', b"\xff", b"[]", b'"text"', b"[" * 100_000])
async def test_body_that_is_no_json_object(caller: MockCaller, body: bytes) -> None:
    """Anything but a JSON object is 400."""
    response = await caller.post(EXECUTE.format("hubspot", "get_contact"), data=body)
    assert response.status == 400
    assert response.json["http_error_type"] == "BAD_REQUEST"


async def test_empty_body_is_no_parameters(caller: MockCaller) -> None:
    """An execute without a body runs the action without parameters."""
    response = await caller.post(EXECUTE.format("slack", "list_channels"))
    assert [channel["name"] for channel in response.json["data"]["channels"]] == ["general", "sales"]


async def test_large_body(caller: MockCaller) -> None:
    """A body of several megabytes goes both ways."""
    text = "é" * 2_000_000
    body = json.dumps({"channel": "general", "text": text}).encode()
    response = await caller.post(EXECUTE.format("slack", "send_message"), data=io.BytesIO(body))
    assert response.json["data"]["message"]["text"] == text


async def test_slack_keeps_messages_by_account_and_channel(caller: MockCaller) -> None:
    """Messages are listed newest first, for their channel and account alone."""
    for text in ("one", "two"):
        await caller.data("slack", "send_message", {"channel": "#general", "text": text})
    listed = await caller.data("slack", "list_messages", {"channel": "C024BE91L"})
    assert [message["text"] for message in listed["messages"]] == ["two", "one"]
    assert (await caller.data("slack", "list_messages", {"channel": "sales"}))["messages"] == []
    assert (await caller.data("slack", "list_messages", {"channel": "general"}, account="user_2"))["messages"] == []
    response = await caller.execute("slack", "list_messages", {"channel": "nowhere"})
    assert (response.json["http_status"], response.json["data"]["error"]) == (200, "channel_not_found")


@pytest.mark.parametrize("slug", ["hubspot", "slack"])
async def test_every_app_has_the_raw_request(caller: MockCaller, slug: str) -> None:
    """`httprequest` echoes what it was given."""
    given = {"method": "GET", "url": "/crm/v3/owners"}
    data = await caller.data(slug, "httprequest", given)
    assert data == {**given, "query": None, "headers": None, "body": None}


async def test_custom_action(caller: MockCaller) -> None:
    """An action made in the Console runs like any other."""
    data = await caller.data("hubspot", "get_loyalty_points", {"email": "jane@example.com"})
    assert data == {"email": "jane@example.com", "points": sum(b"jane@example.com") % 1000}


async def test_disconnected_app_is_refused(caller: MockCaller, mock: MockRefold) -> None:
    """An app that is not connected is 400 for that account, until it is connected again."""
    mock.account("user_1").disconnect("hubspot")
    response = await caller.execute("hubspot", "get_contact")
    assert response.status == 400
    assert (
        response.json["message"] == "Application Authentication not found for linked_account_id user_1 and app hubspot"
    )
    await caller.data("hubspot", "get_contact", account="user_2")
    await caller.data("slack", "list_channels")
    mock.account("user_1").connect("hubspot")
    await caller.data("hubspot", "get_contact")


async def test_expired_credentials_are_the_apps_own_401(caller: MockCaller, mock: MockRefold) -> None:
    """Expired credentials are HTTP 200 with the app's error, and the action does not run."""
    mock.account("user_1").expire("hubspot")
    response = await caller.execute("hubspot", "create_contact", {"email": "a@b.c"})
    assert response.status == 200
    assert (response.json["node_status"], response.json["http_status"]) == ("Errored", 401)
    assert response.json["data"]["category"] == "EXPIRED_AUTHENTICATION"
    mock.account("user_1").connect("hubspot")
    assert (await caller.data("hubspot", "search_contacts", {"query": "a@b.c"}))["total"] == 0


async def test_connection_of_an_unknown_app_cannot_be_set(mock: MockRefold) -> None:
    """A typing error in a slug is told at once."""
    with pytest.raises(ValueError, match=r"no app 'hubspt'; there are hubspot, slack"):
        mock.account("user_1").disconnect("hubspt")


async def test_an_action_of_ones_own(caller: MockCaller, mock: MockRefold) -> None:
    """A decorated handler is listed, described, checked and run with a store for each account."""
    mock.catalogue.add_app("crm", name="My CRM", auth_type="keybased")

    @mock.catalogue.action("crm", "count", description="Counts.", parameters=[{"name": "step", "required": True}])
    async def count(context: ActionContext, parameters: dict[str, Any]) -> Any:  # pyright: ignore[reportUnusedFunction]
        context.store["total"] = context.store.get("total", 0) + parameters["step"]
        return [context.linked_account_id, context.slug, context.store["total"]]

    listed = (await caller.get(ACTIONS.format("crm"))).json
    assert {"action_id": "count", "name": "Count", "description": "Counts."} in listed
    described = (await caller.get(ACTIONS.format("crm") + "/count")).json
    assert described == [{"name": "step", "label": "Step", "required": True, "type": "text"}]
    assert (await caller.execute("crm", "count")).status == 400
    assert await caller.data("crm", "count", {"step": 2}) == ["user_1", "crm", 2]
    assert await caller.data("crm", "count", {"step": 2}) == ["user_1", "crm", 4]
    assert await caller.data("crm", "count", {"step": 3}, account="user_2") == ["user_2", "crm", 3]
    assert mock.account("user_1").store("crm") == {"total": 4}


@pytest.mark.parametrize("result", [None, 0, "text", [1, {"a": None}], {"ü": "\ud800"}, 2**70, 1.5])
async def test_action_data_is_any_json(caller: MockCaller, mock: MockRefold, result: Any) -> None:
    """`data` is what the handler returns, whatever JSON that is."""

    @mock.catalogue.action("hubspot", "get_contact")
    async def get_contact(context: ActionContext, parameters: dict[str, Any]) -> Any:  # pyright: ignore[reportUnusedFunction]
        return result

    assert await caller.data("hubspot", "get_contact") == result


async def test_app_error_of_a_handler(caller: MockCaller, mock: MockRefold) -> None:
    """A raised AppError becomes HTTP 200 with the app's status and data."""

    @mock.catalogue.action("hubspot", "fail")
    async def fail(context: ActionContext, parameters: dict[str, Any]) -> Any:  # pyright: ignore[reportUnusedFunction]
        raise AppError(409, {"message": "Contact already exists"})

    response = await caller.execute("hubspot", "fail")
    assert response.status == 200
    assert response.json == {
        "node_status": "Errored",
        "data": {"message": "Contact already exists"},
        "http_status": 409,
    }


@pytest.mark.parametrize("result", [RuntimeError("broken"), float("nan"), object()])
async def test_failing_handler_is_500_and_logged(
    caller: MockCaller, mock: MockRefold, caplog: pytest.LogCaptureFixture, result: Any
) -> None:
    """Any other exception, and a result that is no JSON, is a server error that is seen in the log."""

    @mock.catalogue.action("hubspot", "fail")
    async def fail(context: ActionContext, parameters: dict[str, Any]) -> Any:  # pyright: ignore[reportUnusedFunction]
        if isinstance(result, Exception):
            raise result
        return result

    response = await caller.execute("hubspot", "fail")
    assert response.status == 500
    assert response.json["http_error_type"] == "INTERNAL_SERVER_ERROR"
    assert "execute_action failed" in caplog.text


async def test_a_file(caller: MockCaller, mock: MockRefold) -> None:
    """An action may answer with a file, which can break off on its way."""

    @mock.catalogue.action("hubspot", "invoice")
    async def invoice(context: ActionContext, parameters: dict[str, Any]) -> FileAnswer:  # pyright: ignore[reportUnusedFunction]
        return FileAnswer(b"%PDF-1.7", "application/pdf", parameters.get("name"))

    response = await caller.execute("hubspot", "invoice", {"name": "März.pdf"})
    assert (response.status, response.body, response.headers["Content-Type"]) == (200, b"%PDF-1.7", "application/pdf")
    assert response.headers["Content-Disposition"] == "attachment; filename*=UTF-8''M%C3%A4rz.pdf"
    assert "Content-Disposition" not in (await caller.execute("hubspot", "invoice")).headers
    mock.script(Truncated())
    with pytest.raises(aiohttp.ClientPayloadError):
        await caller.execute("hubspot", "invoice")


async def test_a_handler_that_returns_no_json(caller: MockCaller, mock: MockRefold) -> None:
    """The error names the action, and what to return instead."""

    @mock.catalogue.action("hubspot", "bytes")
    async def give(context: ActionContext, parameters: dict[str, Any]) -> Any:  # pyright: ignore[reportUnusedFunction]
        return b"%PDF-1.7"

    message = (await caller.execute("hubspot", "bytes")).json["message"]
    assert "action 'bytes' returned bytes" in message
    assert "FileAnswer" in message


async def test_by_which_connection(caller: MockCaller, mock: MockRefold) -> None:
    """Handlers learn which connection they act by."""
    seen: list[str | None] = []

    @mock.catalogue.action("hubspot", "look")
    async def look(context: ActionContext, parameters: dict[str, Any]) -> None:  # pyright: ignore[reportUnusedFunction]
        seen.append(context.connection_id)

    @mock.catalogue.workflow("hubspot", "look")
    async def look_too(context: WorkflowContext, payload: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        seen.append(context.connection_id)

    for connection in ({"connection_id": "c_1"}, {}):
        await caller.post(EXECUTE.format("hubspot", "look"), headers=connection)
        headers = {"slug": "hubspot", "sync_execution": "true", **connection}
        await caller.post("/api/v2/public/workflow/look/execute", headers=headers)
    assert seen == ["c_1", "c_1", None, None]


async def test_a_write_goes_on_when_the_client_leaves(caller: MockCaller, mock: MockRefold) -> None:
    """An action whose caller hung up still runs to its end."""
    entered, release, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @mock.catalogue.action("hubspot", "slow")
    async def slow(context: ActionContext, parameters: dict[str, Any]) -> Any:  # pyright: ignore[reportUnusedFunction]
        entered.set()
        await release.wait()
        done.set()

    call = asyncio.create_task(caller.execute("hubspot", "slow"))
    await entered.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await until(lambda: mock.connections_open == 0)
    release.set()
    async with asyncio.timeout(30):
        await done.wait()
    await until(lambda: mock.in_flight == 0)
    assert mock.requests[0].status is None


async def test_catalogue_refuses_nonsense(mock: MockRefold) -> None:
    """An app twice, or an action or workflow of an unknown app, is refused."""
    with pytest.raises(ValueError, match="'hubspot' already exists"):
        mock.catalogue.add_app("hubspot")
    with pytest.raises(ValueError, match="no app 'nowhere'"):
        mock.catalogue.action("nowhere", "act")
    with pytest.raises(ValueError, match="no app 'nowhere'"):
        mock.catalogue.workflow("nowhere", "run")
