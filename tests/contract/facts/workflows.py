"""Workflows: find them, execute them, make private ones."""

from typing import Final

from contract.facts.shared import (
    ACCOUNT,
    BY_EITHER,
    BY_KEY,
    BY_TOKEN,
    ENVIRONMENT,
    FOR_ACCOUNT,
    PAGE,
    WORKFLOW_ENVIRONMENT,
)
from contract.facts.table import (
    ANYTHING,
    BOOLEAN,
    INTEGER,
    MOMENT,
    OBJECT,
    TEXT,
    Field,
    ListOf,
    Operation,
    Refusal,
    Source,
    body,
    header,
    page_of,
    path,
    query,
    shape,
    text,
)

__all__ = ["OPERATIONS"]

SETTINGS: Final = shape(
    Field("caching", OBJECT),
    Field("workflow_response", OBJECT),
    Field("timeout", INTEGER),
    Field("incremental_sync_settings", OBJECT),
    open=True,
)
_WORKFLOW: Final = (
    Field("_id", TEXT, attribute="workflow_id"),
    Field("name", TEXT),
    Field("description", TEXT),
    Field("icon", TEXT),
    Field("slug", TEXT),
    Field("org_id", TEXT),
    Field("environment", ENVIRONMENT),
    Field("linked_account_id", TEXT, optional=True),
    Field("published", BOOLEAN),
    Field("autoEnable", BOOLEAN),
    Field("hide_in_config", BOOLEAN),
    Field("workflow_alias", TEXT, optional=True),
    Field("public_access_workflow", BOOLEAN),
    Field("associated_application", TEXT),
    Field("associated_project", TEXT),
    Field("is_v2", BOOLEAN),
    Field("settings", SETTINGS),
    Field("nodes", ListOf(OBJECT)),
    Field("edges", ListOf(OBJECT)),
    Field("json_schema", OBJECT),
    Field("manual_execution_payload", ANYTHING),
    Field("group", TEXT),
    Field("version", INTEGER),
    Field("current_version", INTEGER),
    Field("expose_as_node", BOOLEAN),
    Field("data_slots", ListOf(OBJECT)),
    Field("udf_filter", TEXT),
    Field("udf_filter_operator", TEXT),
    Field("created_by_ai", BOOLEAN),
    Field("index_order", INTEGER),
    Field("workflow_builder_version", TEXT),
    Field("when_to_use", TEXT),
    Field("test_instance_meta_data", OBJECT),
    Field("event_schema_guidelines", TEXT),
    Field("is_agentic_flow", BOOLEAN),
    Field("createdAt", MOMENT),
    Field("updatedAt", MOMENT),
)
WORKFLOW: Final = shape(*_WORKFLOW)
DRAFT: Final = shape(
    *_WORKFLOW,
    Field("associated_workflow", TEXT.or_null(), "example"),
    Field("enable_schema_validation", BOOLEAN, "example"),
)
VERSION: Final = shape(Field("_id", TEXT, attribute="version_id"), *_WORKFLOW[1:])
"""One version of a workflow, which is described as a workflow is."""
ENABLED: Final = shape(
    Field("id", TEXT, attribute="workflow_id"),
    Field("name", TEXT),
    Field("description", TEXT),
    Field("icon", TEXT),
    Field("createdAt", MOMENT),
    Field("updatedAt", MOMENT),
    Field("config_id", TEXT),
    Field(
        "application",
        shape(
            Field("_id", TEXT, "example", attribute="id"),
            Field("name", TEXT, "example"),
            Field("icon", TEXT, "example"),
            Field("description", TEXT, "example"),
        ),
        "example",
        described=OBJECT,
    ),
)
REQUEST_STRUCTURE: Final = shape(
    Field("payload", ANYTHING),
    Field("schema", ANYTHING),
    Field("schema_interpreted", ANYTHING),
)
STARTED: Final = shape(
    Field("message", TEXT, "example", optional=True),
    Field("execution_id", TEXT),
    Field("return_value", ANYTHING, optional=True),
    Field("errored", BOOLEAN, optional=True),
    Field("status_code", INTEGER, optional=True),
    Field("executed_by_thanos", BOOLEAN, optional=True),
    Field("execution_error", OBJECT, optional=True),
    Field("headers", OBJECT, "seed", optional=True, attribute=None),
)
"""A run that was started, or, if the caller waited for it, what became of it."""

_SIBLINGS: Final[Source] = "like its siblings"
_UNKNOWN: Final = Refusal(404, "error_code", "SERVER_ERROR", _SIBLINGS)
_OLDER_PAGE: Final = (header("linked_account_id", TEXT, "page"), WORKFLOW_ENVIRONMENT)
"""How a private workflow is named by the API key."""
_PRIVATE: Final = (
    Refusal(401, "error_code", "AUTH_SERVICE_ERROR", _SIBLINGS),
    Refusal(401, "error", "INVALID_TOKEN", _SIBLINGS),
    Refusal(400, "either", None, _SIBLINGS),
    _UNKNOWN,
)

OPERATIONS: Final = (
    Operation(
        "GET",
        "/api/v2/public/workflow",
        BY_EITHER,
        page_of(WORKFLOW, Field("schema", OBJECT.or_null(), described=OBJECT)),
        (
            ACCOUNT,
            *PAGE,
            query("application_id"),
            query("slug"),
            query("name"),
            query("published", BOOLEAN),
            query("start_date", MOMENT),
            query("end_date", MOMENT),
            query("scope", text("private")),
        ),
        FOR_ACCOUNT,
    ),
    Operation(
        "POST",
        "/api/v2/public/workflow",
        BY_EITHER,
        shape(Field("workflow", WORKFLOW, attribute="")),
        (
            ACCOUNT,
            body("name", TEXT, "page"),
            body("slug", TEXT, "page"),
            body("description", TEXT, "page"),
        ),
        (*FOR_ACCOUNT, _UNKNOWN),
        free_body=True,
    ),
    Operation(
        "GET",
        "/api/v2/public/workflow/{workflowId}",
        BY_EITHER,
        WORKFLOW,
        (path("workflowId"), ACCOUNT),
        (*FOR_ACCOUNT, Refusal(403, "error_code", "SERVER_ERROR"), _UNKNOWN),
        described_security=BY_KEY,
    ),
    Operation(
        "DELETE",
        "/api/v2/public/workflow/{workflowId}",
        BY_EITHER,
        shape(
            Field("message", TEXT, optional=True),
            Field("success", BOOLEAN, "example"),
            Field("successfullyDeletedTriggers", BOOLEAN, optional=True, attribute="triggers_deregistered"),
            Field("triggers_deregistered", BOOLEAN, "example"),
        ),
        (path("workflowId"), *_OLDER_PAGE),
        (*_PRIVATE, Refusal(400, "error_code", "SERVER_ERROR")),
        described_security=BY_TOKEN,
    ),
    Operation(
        "GET",
        "/api/v2/public/workflow/{workflowId}/edit",
        BY_EITHER,
        DRAFT,
        (path("workflowId"), ACCOUNT),
        (*FOR_ACCOUNT, Refusal(404, "error_code", "SERVER_ERROR")),
    ),
    Operation(
        "POST",
        "/api/v2/public/workflow/{workflowId}/execute",
        BY_EITHER,
        STARTED,
        (
            path("workflowId"),
            ACCOUNT,
            header("config_id"),
            header("slug", required=True),
            header("sync_execution", BOOLEAN),
            header("include-headers", BOOLEAN),
            header("instance_tag"),
            header("connection_id", TEXT, "JavaScript client"),
            query("include-headers", BOOLEAN, offered=False),
            body("payload", ANYTHING, "seed"),
        ),
        (
            *FOR_ACCOUNT,
            Refusal(400, None, None),
            _UNKNOWN,
        ),
        free_body=True,
    ),
    Operation(
        "PUT",
        "/api/v2/public/workflow/{workflowId}/publish",
        BY_EITHER,
        WORKFLOW,
        (
            path("workflowId"),
            *_OLDER_PAGE,
            body("published", BOOLEAN, required=True),
            body("version", INTEGER),
            body("description", TEXT, "page"),
        ),
        (
            *_PRIVATE,
            Refusal(401, "error_code", "AUTH_SERVICE_ERROR"),
            Refusal(400, "error_code", "INVALID_WORKFLOW_ID"),
        ),
        described_security=BY_TOKEN,
    ),
    Operation(
        "GET",
        "/api/v2/public/workflow/enabled",
        BY_EITHER,
        ListOf(ENABLED),
        (ACCOUNT,),
        FOR_ACCOUNT,
    ),
    Operation(
        "GET",
        "/api/v2/public/workflow/request-structure/{workflowId}",
        BY_EITHER,
        REQUEST_STRUCTURE,
        (path("workflowId"), ACCOUNT),
        (*FOR_ACCOUNT, _UNKNOWN),
    ),
    Operation(
        "GET",
        "/api/v2/public/workflow/versions/{workflowId}",
        BY_EITHER,
        page_of(VERSION, Field("schema", OBJECT.or_null(), described=OBJECT, optional=True)),
        (path("workflowId"), ACCOUNT, *PAGE),
        (*FOR_ACCOUNT, Refusal(404, "error_code", "SERVER_ERROR")),
    ),
)
