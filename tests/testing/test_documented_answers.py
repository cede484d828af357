"""What each of Refold's operations is documented to answer, and the mock's answers beside it."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any, Final, cast

import pytest

from contract.facts import OPERATIONS
from contract.facts.table import unnamed
from refold_async.testing import ROUTES, SAMPLE_WORKFLOW_ID, MockRefold
from refold_async.testing.protocol.organisation import ORGANISATION_ID
from support.mock_caller import (
    ACTIVE_ACCOUNT,
    APPLICATION,
    CONNECT_URL,
    EVENT,
    EXECUTE,
    EXECUTION,
    INTEGRATION,
    KEY_MAY_PUBLISH,
    LINKED_ACCOUNT,
    SESSION_TOKEN,
    WEBHOOK,
    WORKFLOW,
    MockCaller,
)

ACTIONS: Final = "/api/v2/integration-schema/hubspot/actions"
JANE: Final = {"email": "jane@example.com"}
HOOK: Final = {"webhook_url": "https://example.com/hook", "webhook_events": ["Workflow Errored"]}
PAGE: Final = "totalDocs limit page totalPages hasNextPage hasPrevPage nextPage prevPage pagingCounter"
WORKFLOW_FIELDS: Final = (
    "_id name description icon slug org_id environment published autoEnable hide_in_config public_access_workflow "
    "associated_application associated_project is_v2 settings settings.caching settings.workflow_response "
    "settings.timeout settings.incremental_sync_settings nodes nodes[].id nodes[].type edges json_schema "
    "manual_execution_payload group version current_version expose_as_node data_slots udf_filter udf_filter_operator "
    "created_by_ai index_order workflow_builder_version when_to_use test_instance_meta_data event_schema_guidelines "
    "is_agentic_flow createdAt updatedAt"
)
EXECUTION_FIELDS: Final = (
    "_id name org_id environment status completion_percentage associated_event_id associated_application._id "
    "associated_application.name associated_application.icon associated_workflow._id associated_workflow.name "
    "associated_workflow.icon associated_trigger_application.origin_trigger.name trigger_application_event "
    "custom_application_id custom_trigger_id linked_account_id config_id store_variables linked_account_data "
    "completion_time is_child_instance custom_field_values is_seed executed_by_thanos type_of_execution "
    "instance_execution_time createdAt updatedAt"
)
ACCOUNT_FIELDS: Final = (
    "_id associated_org account_id name environment udf[].key_name udf[].key_value udf[]._id udf[].createdAt "
    "udf[].updatedAt is_seed tenant_account_id createdAt updatedAt __v"
)
INTEGRATION_FIELDS: Final = (
    "_id type name icon identifier app_id credentials authTokens refresh_token_expired reauth_required connections "
    "createdAt updatedAt"
)
APPLICATION_FIELDS: Final = (
    "_id app_id name slug icon description type auth_type auth_type_options.oauth2 auth_input_map tags ecosystem "
    "connected reauth_required connected_accounts[].identifier connected_accounts[].connectedAt "
    "connected_accounts[].status connected_accounts[].auth_type connected_accounts[].connection_id "
    "connected_accounts[].defaultCredentials"
)
WEBHOOK_FIELDS: Final = (
    "_id org_id environment is_enabled webhook_events workflow_ids webhook_url webhook_body method webhook_type "
    "createdAt updatedAt __v"
)
CONFIG: Final = "/api/v2/public/config"
STAGES: Final = "699fec7a5bd27ed2af7243ad"
GREETING: Final = "699fec7a5bd27ed2af7243c0"
DEALS: Final = "699fec7a5bd27ed2af7243af"
FIELD_FIELDS: Final = "id name field_type multiple options[].name options[].value defaultValue"
OF_HUBSPOT: Final = "/api/v2/public/slug/hubspot/config"
OF_SLACK: Final = "/api/v2/public/slug/slack/config"
DATASTORE: Final = "/api/v2/public/datastore/config/hubspot"
CONFIG_FIELDS: Final = "slug config_id field_errors fields workflows"
FULL_CONFIG_FIELDS: Final = (
    f"{CONFIG_FIELDS} fields[].id fields[].name fields[].field_type workflows[].id workflows[].name workflows[].enabled"
)


def each(prefix: str, fields: str) -> str:
    """Put what they are fields of before each of them."""
    return " ".join(prefix + field for field in fields.split())


def paged(fields: str) -> str:
    """The fields of a page of documents."""
    return f"{PAGE} {each('docs[].', fields)}"


def listed(fields: str) -> str:
    """The fields of an array of documents."""
    return each("[].", fields)


# A row for each route: method, path, body, and the documented fields of the answer. `{names}` stand for ids.
# fmt: off
ANSWERS: Final[dict[str, tuple[str, str, Any, str]]] = {
    "list_actions": ("GET", ACTIONS, None, "[].action_id [].name [].description [].tag"),
    "get_action_parameters": ("GET", f"{ACTIONS}/get_contact", None, "[].name [].label [].required [].type"),
    "execute_action": ("POST", f"{ACTIONS}/get_contact/execute", {"limit": "1"},
                       "node_status data.results[].properties.email data.paging"),
    "execute_workflow": ("POST", f"{WORKFLOW}/{SAMPLE_WORKFLOW_ID}/execute", {"payload": JANE},
                         "message execution_id"),
    "list_workflows": ("GET", WORKFLOW, None, f"schema {paged(WORKFLOW_FIELDS)} docs[].linked_account_id"),
    "get_workflow": ("GET", f"{WORKFLOW}/{SAMPLE_WORKFLOW_ID}", None, f"workflow_alias {WORKFLOW_FIELDS}"),
    "list_enabled_workflows": ("GET", f"{WORKFLOW}/enabled", None, listed(
        "id name description icon config_id application._id application.name application.icon "
        "application.description createdAt updatedAt")),
    "get_request_structure": ("GET", f"{WORKFLOW}/request-structure/{SAMPLE_WORKFLOW_ID}", None,
                              "payload schema schema_interpreted.email"),
    "create_workflow": ("POST", WORKFLOW, {"name": "Mine"}, each("workflow.", WORKFLOW_FIELDS)),
    "get_workflow_draft": ("GET", f"{WORKFLOW}/{{private}}/edit", None,
                           f"associated_workflow enable_schema_validation {WORKFLOW_FIELDS}"),
    "publish_workflow": ("PUT", f"{WORKFLOW}/{{draft}}/publish", {"published": True}, WORKFLOW_FIELDS),
    "list_workflow_versions": ("GET", f"{WORKFLOW}/versions/{{private}}", None, paged(WORKFLOW_FIELDS)),
    "delete_workflow": ("DELETE", f"{WORKFLOW}/{{private}}", None, "success triggers_deregistered"),
    "list_executions": ("GET", EXECUTION, None, paged(EXECUTION_FIELDS)),
    "get_execution": ("GET", f"{EXECUTION}/{{ended}}", None, EXECUTION_FIELDS + " " + each("nodes[].", (
        "node_id node_name node_type node_status is_batch attempts_made maximum_attempts execution_time input_data "
        "latest_output"))),
    "get_execution_response": ("GET", "/api/v1/execution/{ended}/response", None, "response status"),
    "stop_execution": ("POST", f"{EXECUTION}/{{running}}/stop", None, "message"),
    "rerun_execution": ("POST", f"{EXECUTION}/{{ended}}/rerun", None, "status id"),
    "list_node_batches": ("GET", f"{EXECUTION}/{{ended}}/nodes/batch/batches", None,
                          paged("batch_index status output")),
    "list_applications": ("GET", APPLICATION, None, listed(APPLICATION_FIELDS)),
    "get_application": ("GET", f"{APPLICATION}/hubspot", None, APPLICATION_FIELDS),
    "create_connect_url": ("POST", f"{CONNECT_URL}?linked_account_id=user_1", {}, "hosted_url"),
    "get_oauth_url": ("GET", f"{INTEGRATION}/oauth-url/hubspot", None, "auth_url"),
    "delete_integration": ("DELETE", f"{INTEGRATION}/hubspot?linked_account_id=user_1", None,
                           f"{ACCOUNT_FIELDS} integrations"),
    "get_active_linked_account": ("GET", ACTIVE_ACCOUNT, None,
                                  f"{ACCOUNT_FIELDS} {each('integrations[].', INTEGRATION_FIELDS)}"),
    "get_or_create_config": ("POST", CONFIG, {"slug": "slack"}, CONFIG_FIELDS),
    "update_config": ("PUT", CONFIG, {"slug": "hubspot"}, FULL_CONFIG_FIELDS),
    "get_config": ("GET", f"{OF_HUBSPOT}/user_1", None, FULL_CONFIG_FIELDS),
    "get_default_config": ("GET", OF_HUBSPOT, None, FULL_CONFIG_FIELDS),
    "delete_config": ("DELETE", f"{OF_HUBSPOT}/user_1", None, "message"),
    "delete_default_config": ("DELETE", OF_HUBSPOT, None, "message"),
    "toggle_config_workflow": ("PATCH", f"{OF_HUBSPOT}/user_1/workflows/{SAMPLE_WORKFLOW_ID}", {"enabled": False},
                               each("workflows[].", "id name description enabled")),
    "list_configs": ("GET", f"{OF_HUBSPOT}s", None, listed("_id config_id")),
    "get_config_fields": ("POST", f"{CONFIG}/field", None,
                          f"slug field_errors workflows {each('fields[].', 'id name field_type required')}"),
    "get_config_field": ("POST", f"{CONFIG}/field/{STAGES}", {"value": 1}, f"{FIELD_FIELDS} required hidden"),
    "update_config_field": ("PUT", f"{CONFIG}/field/{STAGES}", {"value": ["lead"]}, f"{FIELD_FIELDS} value"),
    "clear_config_field": ("DELETE", f"{CONFIG}/field/{STAGES}", None, FIELD_FIELDS),
    "get_rule_options": ("POST", f"{CONFIG}/rule-engine/{DEALS}", {"rule_column": {"lhs": "stage"}},
                         "options[].name options[].value"),
    "list_datastores": ("GET", DATASTORE, None, "[]."),
    "list_datastore_records": ("GET", f"{DATASTORE}/contacts/records", None, listed("id email stage")),
    "search_datastore_records": ("POST", f"{DATASTORE}/contacts/search", {"stage": "new"}, listed("id email stage")),
    "trigger_event": ("POST", EVENT, {"event": "contact_created", "payload": JANE}, "message"),
    "list_linked_accounts": ("GET", LINKED_ACCOUNT, None,
                             f"{paged(ACCOUNT_FIELDS)} {each('docs[].integrations[].', INTEGRATION_FIELDS)}"),
    "get_linked_account": ("GET", f"{LINKED_ACCOUNT}/user_1", None,
                           f"{ACCOUNT_FIELDS} {each('integrations[].', INTEGRATION_FIELDS)}"),
    "create_linked_account": ("POST", LINKED_ACCOUNT, {"account_id": "a", "name": "Acme", "udf": {"plan": "gold"}},
                              f"integrations {ACCOUNT_FIELDS}"),
    "upsert_linked_account": ("PUT", LINKED_ACCOUNT, {"account_id": "user_1"}, f"new_account {ACCOUNT_FIELDS}"),
    "delete_linked_account": ("DELETE", f"{LINKED_ACCOUNT}/user_1", None, "message"),
    "create_session_token": ("POST", SESSION_TOKEN, {"linked_account_id": "user_1"},
                             "token refresh_token expires_in refresh_expires_in"),
    "revoke_session_token": ("POST", f"{SESSION_TOKEN}/revoke", None, "success revoked_count"),
    "create_webhook": ("POST", WEBHOOK, HOOK, WEBHOOK_FIELDS),
    "list_webhooks": ("GET", WEBHOOK, None, listed(WEBHOOK_FIELDS)),
    "get_webhook": ("GET", f"{WEBHOOK}/{{webhook}}", None, WEBHOOK_FIELDS),
    "update_webhook": ("PUT", f"{WEBHOOK}/{{webhook}}", {"is_enabled": False}, WEBHOOK_FIELDS),
    "delete_webhook": ("DELETE", f"{WEBHOOK}/{{webhook}}", None, listed(WEBHOOK_FIELDS)),
}
# fmt: on


@pytest.fixture
async def mock() -> AsyncIterator[MockRefold]:
    """A mock that knows the linked accounts that were made, and no other."""
    async with MockRefold(workflow_seconds=0.005, known_accounts_only=True) as mock:
        yield mock


@pytest.fixture
async def made(caller: MockCaller, mock: MockRefold) -> dict[str, str]:
    """Ids of what the operations are about, all of `user_1` but the private workflow of another."""
    user, other = mock.account("user_1"), mock.account("user_2")
    user.config("hubspot").datastores["contacts"] = [{"id": "rec_002", "email": "john@example.com", "stage": "new"}]
    mock.catalogue.app("slack").config_fields = [{"id": GREETING, "name": "Greeting", "field_type": "text"}]
    user.created, user.user_defined_fields = True, {"plan": "gold"}
    draft = user.workflows.create("Private", "slack", "")
    private = user.workflows.publish(draft)
    headers = {"slug": "hubspot", "sync_execution": "true"}
    run = await caller.post(f"{WORKFLOW}/{SAMPLE_WORKFLOW_ID}/execute", headers=headers, json=JANE)
    ended = run.json["execution_id"]
    hooks = [(await caller.post(WEBHOOK, json=HOOK, account=None)).json["_id"] for _ in range(2)]
    other.created, other.user_defined_fields = True, {"plan": "gold"}
    return {
        "draft": draft.workflow.workflow_id,
        "private": private.workflow_id,
        "version": user.workflows.versions(private.workflow_id)[0].version_id,
        "theirs": other.workflows.create("Theirs", "slack", "").workflow.workflow_id,
        "ended": ended,
        "webhook": hooks[0],
    }


def has_field(document: Any, path: str) -> bool:
    """Whether there is something at a path, such as `docs[].settings.timeout`, in each document of a list."""
    name, _, rest = path.partition(".")
    field, is_list = name.removesuffix("[]"), name.endswith("[]")
    if field:
        if not isinstance(document, dict) or field not in document:
            return False
        document = cast("dict[str, Any]", document)[field]
    if not is_list:
        return has_field(document, rest) if rest else True
    documents = cast("list[object]", document) if isinstance(document, list) else []
    return bool(documents) and all(has_field(one, rest) for one in documents)


def test_every_route_is_in_the_table() -> None:
    """Here, or in the table of facts, with which `tests/contract` compares every answer of the mock."""
    compared = {unnamed(operation.name) for operation in OPERATIONS}
    routes = [route for route in ROUTES if route.access != "anybody"]  # those are pages
    others = {route.name for route in routes if unnamed(f"{route.method} {route.path}") not in compared}
    assert others <= ANSWERS.keys() <= {route.name for route in routes}


@pytest.mark.parametrize("route", ANSWERS)
async def test_documented_fields(caller: MockCaller, mock: MockRefold, made: dict[str, str], route: str) -> None:
    """An answer has every field it is documented to have, and a trace id; ids and times have their documented form."""
    method, path, body, fields = ANSWERS[route]
    headers, token = {**KEY_MAY_PUBLISH, "slug": "hubspot"}, None
    if route == "stop_execution":
        mock.hold_executions()
        run = await caller.post(f"{WORKFLOW}/{SAMPLE_WORKFLOW_ID}/execute", headers=headers, json=JANE)
        made["running"] = run.json["execution_id"]
    if route in {"revoke_session_token", "create_connect_url", "get_active_linked_account"}:
        token = mock.session_token("user_1")
    response = await caller.send(method, path.format_map(made), json=body, headers=headers, token=token)
    assert response.status == 200, response.body
    assert [field for field in fields.split() if not has_field(response.json, field)] == []
    assert response.headers["X-Trace-ID"]
    text = json.dumps(response.json)
    for moment in re.findall(r'"(?:createdAt|updatedAt|connectedAt|completion_time)": "(.*?)"', text):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment)
    for identifier in re.findall(r'"(?:_id|app_id|org_id|execution_id|connection_id)": "([^"]*)"', text):
        assert re.fullmatch(r"[0-9a-f]{24}", identifier), identifier


UNKNOWN_ACCOUNT: Final = (
    f"Linked Account with account id user_9 for org {ORGANISATION_ID} in environment test not found"
)
# A row for each documented error: method, path, body; status, type, field and code, message.
# fmt: off
ERRORS: Final[tuple[tuple[str, str, Any, int, str, str, str], ...]] = (
    ("GET", "/api/v2/integration-schema/unknown/actions", None, 404, "NOT_FOUND", "error_code SERVER_ERROR",
     "Application app_type 'unknown' not found"),
    ("GET", f"{ACTIONS}/no_action", None, 404, "NOT_FOUND", "error_code SERVER_ERROR",
     "Action no_action not found in Application hubspot"),
    ("POST", EXECUTE.format("hubspot", "no_action"), {}, 404, "NOT_FOUND", "error_code SERVER_ERROR",
     "Action no_action not found in Application hubspot"),
    ("GET", f"{APPLICATION}/unknown", None, 404, "EXTERNAL_API_ERROR", "error EXTERNAL_API_FAILURE",
     f"Application with app_type 'unknown' not found for org {ORGANISATION_ID}"),
    ("POST", EVENT, {"event": "nothing"}, 404, "NOT_FOUND", "error_code INVALID_EVENT", "Trigger not found"),
    *((method, f"{EXECUTION}/nothing{path}", None, 404, "NOT_FOUND", "error_code RESOURCE_NOT_FOUND",
       "Execution not found") for method, path in (("GET", ""), ("POST", "/stop"), ("POST", "/rerun"))),
    ("GET", f"{EXECUTION}/{{ended}}/nodes/run/batches", None, 501, "NOT_IMPLEMENTED", "error_code SERVER_ERROR",
     "Batch details are not yet available for this execution type"),
    ("POST", LINKED_ACCOUNT, {"name": "Acme"}, 400, "BAD_REQUEST", "error INVALID_LINKED_ACCOUNT_ID",
     "linked_account_id required"),
    *((method, f"{LINKED_ACCOUNT}/user_9", None, 404, "NOT_FOUND", "error SERVER_ERROR", UNKNOWN_ACCOUNT)
      for method in ("GET", "DELETE")),
    ("POST", SESSION_TOKEN, {}, 400, "BAD_REQUEST", "error SERVER_ERROR", "linked_account_id is required"),
    ("POST", SESSION_TOKEN, {"linked_account_id": "user_9"}, 400, "BAD_REQUEST", "error INVALID_LINKED_ACCOUNT_ID",
     "No linked account found for account id : user_9 in environment test"),
    ("POST", f"{SESSION_TOKEN}/revoke", None, 401, "UNAUTHORIZED", "error INVALID_TOKEN", "Invalid token"),
    ("POST", WEBHOOK, {**HOOK, "webhook_events": ["Nothing"]}, 400, "BAD_REQUEST", "error INVALID_EVENT",
     "Invalid event. Check events list in documentation."),
    *((method, f"{WEBHOOK}/nothing", None, 400, "BAD_REQUEST", "error RESOURCE_NOT_FOUND", "Webhook not found")
      for method in ("GET", "PUT", "DELETE")),
    ("DELETE", f"{WORKFLOW}/{{version}}", None, 400, "BAD_REQUEST", "error_code SERVER_ERROR",
     "Workflow is a version workflow."),
    ("GET", f"{WORKFLOW}/nothing/edit", None, 404, "NOT_FOUND", "error_code SERVER_ERROR", "Workflow not found"),
    ("GET", f"{WORKFLOW}/versions/nothing", None, 404, "NOT_FOUND", "error_code SERVER_ERROR", "Workflow not found"),
    ("GET", f"{WORKFLOW}/{{theirs}}", None, 403, "FORBIDDEN", "error_code SERVER_ERROR",
     "Workflow is private to another linked account"),
    ("PUT", f"{WORKFLOW}/{{draft}}/publish", {"published": False}, 400, "BAD_REQUEST",
     "error_code INVALID_WORKFLOW_ID", "Only public and published workflows can be unpublished"),
    ("POST", CONFIG, {"slug": "unknown"}, 404, "NOT_FOUND", "error_code INVALID_APP_ID",
     f"Application with app_type 'unknown' not found for org {ORGANISATION_ID}"),
    *((method, path, body, 404, "NOT_FOUND", "error_code SERVER_ERROR", "Config with config id user_1 not found")
      for method, path, body in (
          ("PUT", CONFIG, {"slug": "slack"}), ("GET", OF_SLACK, None), ("DELETE", OF_SLACK, None),
          ("PATCH", f"{OF_SLACK}/user_1/workflows/x", {"enabled": True}),
          ("PUT", f"{CONFIG}/field/x", {"value": 1}), ("DELETE", f"{CONFIG}/field/x", None))),
    ("POST", f"{CONFIG}/field/x", {}, 400, "BAD_REQUEST", "error_code SERVER_ERROR", "Field with id x not found"),
    ("POST", f"{CONFIG}/rule-engine/{GREETING}", {"rule_column": {}}, 400, "BAD_REQUEST", "error_code SERVER_ERROR",
     f"Field with id {GREETING} is not of type rule engine or has undefined columns"),
)
# fmt: on


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: f"{error[0]} {error[1]}")
async def test_documented_errors(
    caller: MockCaller, made: dict[str, str], error: tuple[str, str, Any, int, str, str, str]
) -> None:
    """An error has its documented status, type, code, field for the code, and message, and nothing else."""
    method, path, body, status, error_type, coded, message = error
    response = await caller.send(method, path.format_map(made), json=body, headers={**KEY_MAY_PUBLISH, "slug": "slack"})
    field, code = coded.split()
    assert response.status == status
    expected = {"status_code": status, "http_error_type": error_type, field: code, "message": message}
    assert response.json == expected
    assert response.headers["X-Trace-ID"]
