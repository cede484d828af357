"""Schedules: when Refold runs a workflow for a linked account."""

from typing import Final

from contract.facts.shared import BY_KEY, ENVIRONMENT, FOR_ACCOUNT, PAGE
from contract.facts.table import (
    ANYTHING,
    BOOLEAN,
    INTEGER,
    OBJECT,
    TEXT,
    Field,
    ListOf,
    Operation,
    Refusal,
    body,
    header,
    path,
    shape,
    text,
)

__all__ = ["OPERATIONS"]

_SCHEDULED: Final = "/api/v1/workflow/public/scheduled"
_ACCOUNT: Final = header("linked_account_id", required=True)
_TRIGGER_TYPE: Final = text("cron", "interval")
_TIME: Final = shape(
    Field("day", INTEGER),
    Field("month", INTEGER),
    Field("year", INTEGER),
    Field("hour", INTEGER),
    Field("minute", INTEGER),
)
SCHEDULE: Final = shape(
    Field("_id", TEXT, attribute="schedule_id"),
    Field("event_id", TEXT),
    Field("workflow", ANYTHING),
    Field("config_id", TEXT),
    Field("linked_account_id", TEXT),
    Field("environment", ENVIRONMENT, "example"),
    Field("org_id", TEXT, "example"),
    Field("trigger_type", _TRIGGER_TYPE),
    Field("cron_patten", TEXT, attribute="cron_expression", optional=True),
    Field("trigger_interval", ListOf(OBJECT)),
    Field("status", text("running", "paused")),
    Field("inactive", BOOLEAN),
    Field("registered_by_api", BOOLEAN),
    Field("options", OBJECT),
    Field("payload", OBJECT, optional=True),
)

_UNKNOWN: Final = Refusal(404, "error_code", "RESOURCE_NOT_FOUND")

OPERATIONS: Final = (
    Operation(
        "GET",
        _SCHEDULED,
        BY_KEY,
        shape(
            Field("docs", ListOf(SCHEDULE)),
            Field("totalDocs", INTEGER),
            Field("limit", INTEGER),
            Field("page", INTEGER),
            Field("totalPages", INTEGER),
            Field("hasNextPage", BOOLEAN),
        ),
        (_ACCOUNT, *PAGE),
        FOR_ACCOUNT,
    ),
    Operation(
        "POST",
        _SCHEDULED,
        BY_KEY,
        SCHEDULE,
        (
            _ACCOUNT,
            header("slug", required=True),
            header("workflow_id_alias", required=True),
            header("config_id", required=True),
            body("trigger_type", _TRIGGER_TYPE, required=True),
            body("regex"),
            body("interval_dates", ListOf(_TIME)),
            body("startDate"),
            body("endDate"),
            body("tz"),
            body("payload", OBJECT),
        ),
        (*FOR_ACCOUNT, Refusal(400, "error_code", "SERVER_ERROR")),
    ),
    Operation(
        "PUT",
        f"{_SCHEDULED}/{{schedule_id}}",
        BY_KEY,
        SCHEDULE,
        (
            path("schedule_id"),
            _ACCOUNT,
            body("trigger_type", _TRIGGER_TYPE),
            body("regex"),
            body("interval_dates", ListOf(OBJECT)),
            body("startDate"),
            body("endDate"),
            body("tz"),
            body("payload", OBJECT),
        ),
        (*FOR_ACCOUNT, _UNKNOWN),
        optional_body=True,
    ),
    Operation(
        "DELETE",
        f"{_SCHEDULED}/{{schedule_id}}",
        BY_KEY,
        shape(Field("message", TEXT)),
        (path("schedule_id"), _ACCOUNT),
        (*FOR_ACCOUNT, _UNKNOWN),
    ),
    Operation(
        "PUT",
        f"{_SCHEDULED}/{{schedule_id}}/pause",
        BY_KEY,
        SCHEDULE,
        (path("schedule_id"), _ACCOUNT),
        (*FOR_ACCOUNT, _UNKNOWN),
        retrying="idempotent",
        because="Afterwards `status` is `paused` and `inactive` is `true`.",
    ),
    Operation(
        "PUT",
        f"{_SCHEDULED}/{{schedule_id}}/resume",
        BY_KEY,
        SCHEDULE,
        (path("schedule_id"), _ACCOUNT),
        (*FOR_ACCOUNT, _UNKNOWN),
        retrying="idempotent",
        because="Afterwards `status` is `running` and `inactive` is `false`.",
    ),
)
