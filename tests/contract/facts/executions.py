"""Executions: runs of workflows."""

from typing import Final

from contract.facts.shared import ACCOUNT, BY_EITHER, ENVIRONMENT, FOR_ACCOUNT, PAGE
from contract.facts.table import (
    ANYTHING,
    BOOLEAN,
    INTEGER,
    MOMENT,
    NUMBER,
    OBJECT,
    TEXT,
    Field,
    ListOf,
    Operation,
    Refusal,
    page_of,
    path,
    query,
    shape,
    text,
)

__all__ = ["OPERATIONS"]

NODE: Final = shape(
    Field("node_id", TEXT, "example"),
    Field("node_name", TEXT, "example"),
    Field("node_type", TEXT, "example"),
    Field("node_status", TEXT, "example"),
    Field("is_batch", BOOLEAN, "example"),
    Field("attempts_made", INTEGER, "example"),
    Field("maximum_attempts", INTEGER, "JavaScript client"),
    Field("execution_time", NUMBER, "example"),
    Field("input_data", ANYTHING, "seen live"),
    Field("latest_output", ANYTHING, "example"),
)
_REFERENCE: Final = (
    Field("_id", TEXT, attribute="id"),
    Field("name", TEXT),
)
WORKFLOW_REFERENCE: Final = shape(*_REFERENCE, Field("icon", TEXT))
APPLICATION_REFERENCE: Final = shape(
    Field("_id", TEXT, "example", attribute="id"),
    Field("name", TEXT, "example"),
    Field("icon", TEXT, "example"),
)

_SUMMARY: Final = (
    Field("_id", TEXT, attribute="execution_id"),
    Field("name", TEXT),
    Field("status", TEXT),
    Field("completion_percentage", NUMBER, "example"),
    Field("associated_event_id", TEXT),
    Field("associated_application", APPLICATION_REFERENCE, "example"),
    Field("associated_workflow", WORKFLOW_REFERENCE),
    Field("associated_trigger_application", OBJECT),
    Field("trigger_application_event", TEXT),
    Field("custom_application_id", TEXT),
    Field("custom_trigger_id", TEXT),
    Field("linked_account_id", TEXT),
    Field("config_id", TEXT),
    Field("store_variables", OBJECT),
    Field("linked_account_data", OBJECT),
    Field("completion_time", MOMENT, optional=True),
    Field("is_child_instance", BOOLEAN),
    Field("custom_field_values", OBJECT),
    Field("is_seed", BOOLEAN),
    Field("executed_by_thanos", BOOLEAN),
    Field("environment", ENVIRONMENT),
    Field("org_id", TEXT),
    Field("type_of_execution", TEXT),
    Field("instance_execution_time", NUMBER, optional=True),
    Field("createdAt", MOMENT),
    Field("updatedAt", MOMENT),
)
EXECUTION: Final = shape(*_SUMMARY, Field("nodes", ListOf(NODE), "example"))
BATCH: Final = shape(
    Field("batch_index", INTEGER, "example"),
    Field("status", TEXT, "example"),
    Field("output", ANYTHING, "example"),
    open=True,
)

_UNKNOWN: Final = Refusal(404, "error_code", "RESOURCE_NOT_FOUND")

OPERATIONS: Final = (
    Operation(
        "GET",
        "/api/v2/public/execution",
        BY_EITHER,
        page_of(shape(*_SUMMARY)),
        (
            ACCOUNT,
            *PAGE,
            query("slug"),
            query("status"),
            query("workflow_name"),
            query("workflow_id"),
            query("execution_id"),
            query("start_date", MOMENT),
            query("end_date", MOMENT),
            query("execution_type"),
            query("execution_source", text("API_CALL", "SCHEDULE", "Event")),
            query("sortAsc", BOOLEAN),
        ),
        FOR_ACCOUNT,
    ),
    Operation(
        "GET",
        "/api/v2/public/execution/{execution_id}",
        BY_EITHER,
        EXECUTION,
        (path("execution_id"), ACCOUNT),
        (*FOR_ACCOUNT, _UNKNOWN),
    ),
    Operation(
        "GET",
        "/api/v2/public/execution/{execution_id}/nodes/{node_id}/batches",
        BY_EITHER,
        page_of(BATCH, described=OBJECT),
        (path("execution_id"), path("node_id"), ACCOUNT, *PAGE, query("status")),
        (
            *FOR_ACCOUNT,
            Refusal(404, "error_code", "RESOURCE_NOT_FOUND", "like its siblings"),
            Refusal(501, "error_code", "SERVER_ERROR"),
        ),
    ),
    Operation(
        "POST",
        "/api/v2/public/execution/{instanceId}/stop",
        BY_EITHER,
        shape(Field("message", TEXT)),
        (path("instanceId"), ACCOUNT),
        (*FOR_ACCOUNT, _UNKNOWN),
    ),
    Operation(
        "POST",
        "/api/v2/public/execution/{instanceId}/rerun",
        BY_EITHER,
        shape(Field("status", TEXT), Field("id", TEXT, attribute="execution_id")),
        (path("instanceId"), ACCOUNT),
        (*FOR_ACCOUNT, _UNKNOWN),
    ),
    Operation(
        "GET",
        "/api/v1/execution/{execution_id}/response",
        BY_EITHER,
        shape(Field("response", ANYTHING, "page"), Field("status", ANYTHING, "page")),
        (path("execution_id"), ACCOUNT),
        (
            *FOR_ACCOUNT,
            Refusal(404, "error_code", "RESOURCE_NOT_FOUND", "like its siblings"),
            Refusal(501, "error_code", "SERVER_ERROR", "like its siblings"),
        ),
        source="page",
    ),
)
