"""Webhooks: what Refold tells the organisation's servers."""

from typing import Final

from contract.facts.shared import BY_EITHER, BY_KEY, ENVIRONMENT, FOR_ORGANISATION
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
    body,
    path,
    shape,
    text,
)

__all__ = ["OPERATIONS"]

_METHOD: Final = text("POST", "PUT", "PATCH")
_TYPE: Final = text("default", "slack", "custom")
WEBHOOK: Final = shape(
    Field("_id", TEXT, attribute="webhook_id"),
    Field("org_id", TEXT),
    Field("environment", ENVIRONMENT),
    Field("is_enabled", BOOLEAN),
    Field("webhook_events", ListOf(TEXT)),
    Field("slug", TEXT, optional=True),
    Field("description", TEXT, optional=True),
    Field("workflow_ids", ListOf(TEXT)),
    Field("webhook_url", TEXT),
    Field("webhook_description", TEXT, optional=True),
    Field("webhook_body", ANYTHING),
    Field("webhook_headers", OBJECT, optional=True),
    Field("method", _METHOD),
    Field("group", TEXT, optional=True),
    Field("webhook_type", _TYPE),
    Field("createdAt", MOMENT),
    Field("updatedAt", MOMENT),
    Field("__v", INTEGER, "example", attribute="revision"),
)

_UNKNOWN: Final = Refusal(400, "error", "RESOURCE_NOT_FOUND")

OPERATIONS: Final = (
    Operation("GET", "/api/v2/public/webhook", BY_KEY, ListOf(WEBHOOK), (), FOR_ORGANISATION),
    Operation(
        "POST",
        "/api/v2/public/webhook",
        BY_EITHER,
        WEBHOOK,
        (
            body("webhook_url", required=True),
            body("webhook_events", ListOf(TEXT), required=True),
            body("webhook_headers", OBJECT),
            body("webhook_body", ANYTHING),
            body("webhook_description"),
            body("description"),
            body("method", _METHOD),
            body("slug"),
            body("workflow_ids", ListOf(TEXT)),
            body("webhook_type", _TYPE),
            body("is_enabled", BOOLEAN),
            body("group"),
        ),
        (
            *FOR_ORGANISATION,
            Refusal(400, "error", "INVALID_EVENT"),
        ),
    ),
    Operation("GET", "/api/v2/public/webhook/{id}", BY_KEY, WEBHOOK, (path("id"),), (*FOR_ORGANISATION, _UNKNOWN)),
    Operation(
        "PUT",
        "/api/v2/public/webhook/{id}",
        BY_EITHER,
        WEBHOOK,
        (
            path("id"),
            body("webhook_url"),
            body("webhook_events", ListOf(TEXT)),
            body("webhook_headers", OBJECT),
            body("webhook_body", ANYTHING),
            body("description"),
            body("method", _METHOD),
            body("slug"),
            body("workflow_ids", ListOf(TEXT)),
            body("webhook_type", _TYPE),
            body("is_enabled", BOOLEAN),
        ),
        (*FOR_ORGANISATION, _UNKNOWN, Refusal(400, "error", "INVALID_EVENT", "like its siblings")),
    ),
    Operation(
        "PUT",
        "/api/v2/public/webhooks/group/edit",
        BY_KEY,
        ListOf(WEBHOOK),
        (body("webhookIds", ListOf(TEXT), required=True), body("group")),
        (*FOR_ORGANISATION, Refusal(400, "error", "SERVER_ERROR")),
    ),
    Operation(
        "DELETE",
        "/api/v2/public/webhook/{id}",
        BY_EITHER,
        ListOf(WEBHOOK),
        (path("id"),),
        (*FOR_ORGANISATION, _UNKNOWN),
    ),
)
