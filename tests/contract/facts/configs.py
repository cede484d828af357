"""Configs: how a linked account uses an app."""

from typing import Final

from contract.facts.shared import ACCOUNT, BY_EITHER, BY_KEY, FOR_ACCOUNT
from contract.facts.table import (
    ANYTHING,
    BOOLEAN,
    OBJECT,
    TEXT,
    Field,
    Input,
    ListOf,
    Operation,
    Refusal,
    Source,
    body,
    header,
    path,
    shape,
)

__all__ = ["CONFIG", "CONFIG_FIELD", "OPERATIONS", "UNKNOWN_CONFIG", "WITHOUT_OPTIONS"]

_CLIENT: Final[Source] = "JavaScript client"
OPTION: Final = shape(
    Field("name", TEXT, _CLIENT, optional=True), Field("value", ANYTHING, _CLIENT, optional=True), open=True
)
CONFIG_FIELD: Final = shape(
    Field("id", TEXT, attribute="field_id"),
    Field("name", TEXT),
    Field("help_text", TEXT, optional=True),
    Field("placeholder", TEXT, _CLIENT, optional=True),
    Field("parent", TEXT, optional=True),
    Field("value", ANYTHING, optional=True),
    Field("required", BOOLEAN, optional=True),
    Field("field_type", TEXT),
    Field("options", ListOf(OPTION), _CLIENT, optional=True, described=ListOf(OBJECT)),
    Field("dynamic_slot_identifier", TEXT, optional=True),
    Field("labels", ANYTHING, _CLIENT, optional=True, described=OBJECT),
    Field("data_source", OBJECT, optional=True),
    Field("rule_columns", ListOf(OBJECT), optional=True),
    Field("mapping", OBJECT, optional=True),
    Field("associated_page", TEXT, optional=True),
    Field("multiple", BOOLEAN, optional=True),
    Field("hidden", BOOLEAN, optional=True),
    Field("defaultValue", ANYTHING, optional=True),
    open=True,
)
_FIELD_ERROR: Final = shape(
    Field("id", TEXT, _CLIENT, optional=True, attribute="field_id"),
    Field("name", TEXT, _CLIENT, optional=True),
    Field(
        "error",
        shape(Field("message", TEXT, _CLIENT, optional=True), Field("error", ANYTHING, _CLIENT, optional=True)),
        _CLIENT,
        optional=True,
    ),
    open=True,
)
CONFIG: Final = shape(
    Field("slug", TEXT),
    Field("config_id", TEXT),
    Field("fields", ListOf(CONFIG_FIELD)),
    Field(
        "workflows",
        ListOf(
            shape(
                Field("id", TEXT, attribute="workflow_id"),
                Field("name", TEXT),
                Field("icon", TEXT, optional=True),
                Field("enabled", BOOLEAN),
                Field("fields", ListOf(CONFIG_FIELD), optional=True),
                Field("description", TEXT, optional=True),
                Field("associated_page", TEXT, optional=True),
            )
        ),
    ),
    Field("field_errors", ListOf(_FIELD_ERROR), _CLIENT, described=ListOf(OBJECT)),
)
_ENTRY: Final = shape(
    Field("_id", TEXT, "example", attribute="installation_id"),
    Field("config_id", TEXT),
    Field("tenant_config", BOOLEAN, optional=True),
)
_TOGGLED: Final = shape(
    Field(
        "workflows",
        ListOf(
            shape(
                Field("id", TEXT, attribute="workflow_id"),
                Field("name", TEXT, "example"),
                Field("description", TEXT, "example"),
                Field("enabled", BOOLEAN),
                Field("data_slots", ListOf(OBJECT)),
            )
        ),
        attribute="",
    )
)
_MESSAGE: Final = shape(Field("message", TEXT))

WITHOUT_OPTIONS: Final = header("disable_field_options", BOOLEAN)
UNKNOWN_CONFIG: Final = Refusal(404, "error_code", "SERVER_ERROR")
_CONTENT: Final[tuple[Input, ...]] = (
    ACCOUNT,
    WITHOUT_OPTIONS,
    body("slug", required=True),
    body("config_id"),
    body("fields", ListOf(CONFIG_FIELD)),
    body("application_data_slots", ListOf(CONFIG_FIELD), offered=False),
    body(
        "workflows",
        ListOf(
            shape(
                Field("id", TEXT, optional=True),
                Field("data_slots", ListOf(CONFIG_FIELD), optional=True),
                Field("fields", ListOf(CONFIG_FIELD), optional=True),
                Field("enabled", BOOLEAN, optional=True),
            )
        ),
    ),
    body("labels", OBJECT),
    body("map_fields_object", OBJECT),
)
_TENANT: Final = body("tenant_config", BOOLEAN)

OPERATIONS: Final = (
    Operation(
        "POST",
        "/api/v2/public/config",
        BY_KEY,
        CONFIG,
        _CONTENT,
        (*FOR_ACCOUNT, Refusal(404, "error_code", "INVALID_APP_ID")),
        free_body=True,
        retrying="idempotent",
        because="Finds the config by id and creates it if missing.",
    ),
    Operation(
        "PUT", "/api/v2/public/config", BY_EITHER, CONFIG, _CONTENT, (*FOR_ACCOUNT, UNKNOWN_CONFIG), free_body=True
    ),
    Operation(
        "GET",
        "/api/v2/public/slug/{slug}/config",
        BY_KEY,
        CONFIG,
        (ACCOUNT, path("slug"), WITHOUT_OPTIONS, _TENANT),
        (*FOR_ACCOUNT, UNKNOWN_CONFIG),
        optional_body=True,
    ),
    Operation(
        "GET",
        "/api/v2/public/slug/{slug}/config/{configId}",
        BY_KEY,
        CONFIG,
        (ACCOUNT, path("slug"), path("configId"), WITHOUT_OPTIONS, _TENANT),
        (*FOR_ACCOUNT, UNKNOWN_CONFIG),
        optional_body=True,
    ),
    Operation(
        "DELETE",
        "/api/v2/public/slug/{slug}/config",
        BY_KEY,
        _MESSAGE,
        (ACCOUNT, path("slug")),
        (*FOR_ACCOUNT, UNKNOWN_CONFIG),
    ),
    Operation(
        "DELETE",
        "/api/v2/public/slug/{slug}/config/{configId}",
        BY_KEY,
        _MESSAGE,
        (ACCOUNT, path("slug"), path("configId")),
        (*FOR_ACCOUNT, UNKNOWN_CONFIG),
    ),
    Operation(
        "PATCH",
        "/api/v2/public/slug/{slug}/config/{configId}/workflows/{workflowId}",
        BY_EITHER,
        _TOGGLED,
        (ACCOUNT, path("slug"), path("configId"), path("workflowId"), body("enabled", BOOLEAN, required=True)),
        (*FOR_ACCOUNT, UNKNOWN_CONFIG, Refusal(403, "error_code", "SERVER_ERROR", "like its siblings")),
    ),
    Operation(
        "GET",
        "/api/v2/public/slug/{slug}/configs",
        BY_EITHER,
        ListOf(_ENTRY),
        (ACCOUNT, path("slug")),
        (*FOR_ACCOUNT, Refusal(404, "error_code", "INVALID_APP_ID", "like its siblings")),
    ),
)
