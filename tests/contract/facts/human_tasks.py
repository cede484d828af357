"""Forms with which workflows ask a person."""

from typing import Final

from contract.facts.table import (
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

_TASK: Final = "/api/v2/public/human-tasks/{id}"
TASK: Final = shape(
    Field("_id", TEXT, attribute="task_id"),
    Field("name", TEXT),
    Field("description", TEXT),
    Field("form_structure", OBJECT),
    Field("ui_structure", OBJECT),
    Field("group", TEXT, optional=True),
    Field("data", OBJECT),
    Field("expire_in", MOMENT),
    Field("receiver_emails", ListOf(TEXT)),
    Field("status", text("WAITING", "SUBMITTED", "TIMEOUT")),
    Field("createdAt", MOMENT),
    Field("updatedAt", MOMENT),
)

_UNKNOWN: Final = Refusal(404, "error_code", "SERVER_ERROR")

OPERATIONS: Final = (
    Operation("GET", _TASK, (), TASK, (path("id"),), (_UNKNOWN,)),
    Operation(
        "POST",
        _TASK,
        (),
        shape(Field("message", TEXT, "example"), open=True),
        (path("id"), body("data", OBJECT, required=True)),
        (_UNKNOWN, Refusal(400, "error_code", "SERVER_ERROR")),
    ),
)
