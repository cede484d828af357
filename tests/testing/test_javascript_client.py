"""What Refold's JavaScript client for browsers sends, each request as it leaves there, against the mock."""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import aiohttp
import attrs
import pytest

from refold_async.testing import SAMPLE_WORKFLOW_ID, MockRefold, RouteName

WORKFLOW: Final = "/api/v2/public/workflow"
EXECUTION: Final = "/api/v2/public/execution"
JANE: Final = {"email": "jane@example.com"}
JSON: Final = {"content-type": "application/json"}
HUBSPOT: Final = {**JSON, "slug": "hubspot"}
FIELD: Final = "/api/v2/public/config/field"
STAGES: Final = "699fec7a5bd27ed2af7243ad"
DEALS: Final = "699fec7a5bd27ed2af7243af"
DAYS: Final = "start_date=2026-06-01T00:00:00.000Z&end_date=2026-07-01T00:00:00.000Z"


@attrs.frozen
class Request:
    """One request of that client, and what it reads of the answer; `{draft}` and `{execution}` stand for ids."""

    name: str
    route: RouteName
    method: str
    path: str
    expected: Any
    read: Callable[[Any], Any]
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    body: Any = None


def executing(workflow: str, slug: str, *, synchronous: bool) -> dict[str, Any]:
    """The parts of a request that executes a workflow."""
    return {
        "method": "POST",
        "path": f"{WORKFLOW}/{workflow}/execute",
        "headers": {**JSON, "slug": slug, "sync_execution": "true" if synchronous else "false"},
    }


def uses(request: Request, name: str) -> bool:
    """Whether a request is about something that has to be made first."""
    return name in f"{request.path} {request.expected}"


def slugs(apps: Any) -> list[str]:
    """What apps there are."""
    return [app["slug"] for app in apps]


def ids(page: Any) -> list[str]:
    """What is on a page."""
    return [document["_id"] for document in page["docs"]]


CREATED: Final = {"contact_id": "1510721", "created": True}
# fmt: off
REQUESTS: Final = (
    Request("updateAccount", "upsert_linked_account", "PUT", "/api/v2/public/linked-account", ("user_1", "Acme"),
            lambda account: (account["account_id"], account["name"]), JSON, {"name": "Acme"}),
    Request("getApps", "list_applications", "GET", "/api/v2/f-sdk/application", ["hubspot", "slack"], slugs),
    Request("getApp", "get_application", "GET", "/api/v2/f-sdk/application/slack", ("Slack", "active"),
            lambda app: (app["name"], app["connected_accounts"][0]["status"])),
    Request("getWorkflows", "list_workflows", "GET", f"{WORKFLOW}?page=1&limit=100", [SAMPLE_WORKFLOW_ID, "{draft}"],
            ids),
    Request("getWorkflows, filtered", "list_workflows", "GET",
            f"{WORKFLOW}?page=1&limit=100&slug=hubspot&name=Welcome&{DAYS}&published=true", [SAMPLE_WORKFLOW_ID], ids),
    Request("createWorkflow", "create_workflow", "POST", WORKFLOW, ("Mine", "", False),
            lambda data: tuple(data.get("workflow", data)[name] for name in ("name", "description", "published")),
            JSON, {"name": "Mine"}),
    Request("createWorkflow, of an app", "create_workflow", "POST", WORKFLOW, ("Mine", "Ours", "slack"),
            lambda data: tuple(data.get("workflow", data)[name] for name in ("name", "description", "slug")),
            JSON, {"name": "Mine", "description": "Ours", "slug": "slack"}),
    Request("deleteWorkflow", "delete_workflow", "DELETE", f"{WORKFLOW}/{{draft}}", True,
            lambda answer: answer["success"]),
    Request("getWorkflowPayload", "get_request_structure", "GET", f"{WORKFLOW}/request-structure/{SAMPLE_WORKFLOW_ID}",
            (JANE, {"email": "string (required)"}), lambda data: (data["payload"], data["schema_interpreted"])),
    Request("executeWorkflow", "execute_workflow", **executing(SAMPLE_WORKFLOW_ID, "", synchronous=True),
            expected=CREATED, read=lambda data: data["return_value"], body=JANE),
    Request("executeWorkflow, by alias", "execute_workflow",
            **executing("welcome_contact", "hubspot", synchronous=True),
            expected=CREATED, read=lambda data: data["return_value"], body=JANE),
    Request("executeWorkflow, without a payload", "execute_workflow",
            **executing(SAMPLE_WORKFLOW_ID, "hubspot", synchronous=False),
            expected="Workflow execution started", read=lambda data: data["message"]),
    Request("getExecutions", "list_executions", "GET", f"{EXECUTION}?page=1&limit=10", ["{execution}"], ids),
    Request("getExecutions, filtered", "list_executions", "GET",
            f"{EXECUTION}?page=1&limit=10&status=COMPLETED&workflow_name=Welcome&workflow_id={SAMPLE_WORKFLOW_ID}"
            f"&{DAYS}&execution_type=SYNC&execution_source=API%20Call", ["{execution}"], ids),
    Request("getExecutions, of a schedule", "list_executions", "GET", f"{EXECUTION}?execution_source=Schedule", [],
            ids),
    Request("getExecution", "get_execution", "GET", f"{EXECUTION}/{{execution}}", ("COMPLETED", "Welcome a contact"),
            lambda data: (data["status"], data["associated_workflow"]["name"])),
    Request("getConfigs", "list_configs", "GET", "/api/v2/public/slug/hubspot/configs", ["user_1"],
            lambda data: [entry["config_id"] for entry in data]),
    Request("toggleConfigWorkflow", "toggle_config_workflow", "PATCH",
            f"/api/v2/public/slug/hubspot/config/user_1/workflows/{SAMPLE_WORKFLOW_ID}", (SAMPLE_WORKFLOW_ID, False),
            lambda data: next((one["id"], one["enabled"]) for one in data["workflows"]), JSON, {"enabled": False}),
    Request("getConfigField", "get_config_field", "POST", f"{FIELD}/{STAGES}", "select",
            lambda field: field["field_type"], HUBSPOT, {}),
    Request("updateConfigField", "update_config_field", "PUT", f"{FIELD}/{STAGES}", "lead",
            lambda field: field["value"], HUBSPOT, {"value": "lead"}),
    Request("deleteConfigField", "clear_config_field", "DELETE", f"{FIELD}/{STAGES}", "Stages to sync",
            lambda field: field["name"], {"slug": "hubspot"}),
    Request("getFieldOptions", "get_rule_options", "POST", f"/api/v2/public/config/rule-engine/{DEALS}", "select",
            lambda data: data["rule_column"]["rhs"]["type"], HUBSPOT, {"rule_column": {"lhs": "stage"}}),
)
# fmt: on


class Browser:
    """Sends what that client sends: a session token, and nothing else that would name the account."""

    def __init__(self, session: aiohttp.ClientSession, mock: MockRefold) -> None:
        self.session, self.mock = session, mock
        self.token = mock.session_token("user_1")

    async def send(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> tuple[int, Any]:
        """Send a request; return status and decoded body."""
        headers = {"authorization": f"Bearer {self.token}", **headers}
        options = {} if body is None else {"json": body}
        async with self.session.request(method, self.mock.base_url + path, headers=headers, **options) as response:
            return response.status, await response.json()


@pytest.fixture
def browser(session: aiohttp.ClientSession, mock: MockRefold) -> Browser:
    """A browser with that client in it."""
    return Browser(session, mock)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.name)
async def test_request(browser: Browser, mock: MockRefold, request_: Request) -> None:
    """Each works, and its answer holds what that client reads."""
    made: dict[str, str] = {}
    if uses(request_, "{draft}"):
        made["{draft}"] = mock.account("user_1").workflows.create("Ours", "slack", "").workflow.workflow_id
    if uses(request_, "{execution}"):
        run = executing(SAMPLE_WORKFLOW_ID, "", synchronous=True)
        _, ran = await browser.send(body={"email": "contact@example.com"}, **run)
        made["{execution}"] = ran["execution_id"]
    mock.account("user_1").config("hubspot")
    path = request_.path
    for name, value in made.items():
        path = path.replace(name, value)
    expected = request_.expected
    if isinstance(expected, list):
        expected = [made.get(each, each) for each in cast("list[str]", expected)]
    status, answer = await browser.send(request_.method, path, request_.headers, request_.body)
    assert status == 200, answer
    assert request_.read(answer) == expected
    assert (mock.requests[-1].route, mock.requests[-1].linked_account_id) == (request_.route, "user_1")


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/api/v2/f-sdk/application/nothing", {}, 404),
        ("GET", f"{WORKFLOW}/request-structure/nothing", {}, 404),
        ("DELETE", f"{WORKFLOW}/nothing", {}, 404),
        ("GET", f"{EXECUTION}/nothing", {}, 404),
        ("POST", f"{WORKFLOW}/welcome_contact/execute", {"slug": "", "sync_execution": "false"}, 400),
        ("POST", WORKFLOW, JSON, 400),
        ("GET", "/api/v2/public/slug/nothing/configs", {}, 404),
        ("PATCH", "/api/v2/public/slug/hubspot/config/nothing/workflows/nothing", JSON, 400),
        ("POST", "/api/v2/f-sdk/config", JSON, 404),
    ],
)
async def test_refusals(browser: Browser, method: str, path: str, headers: dict[str, str], status: int) -> None:
    """Every error is JSON with a message: that client throws what it decodes."""
    told, answer = await browser.send(method, path, headers, None)
    assert (told, bool(answer["message"])) == (status, True)


async def test_token_that_does_not_do(browser: Browser) -> None:
    """A token that has expired is told so, wherever it is sent."""
    browser.token = browser.mock.session_token("user_1", expires_in=0)
    for request in REQUESTS:
        status, answer = await browser.send(request.method, request.path, request.headers, request.body)
        assert (status, answer["error"], answer["message"]) == (401, "INVALID_TOKEN", "Invalid token")
