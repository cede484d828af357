"""Actions of a linked account's apps."""

from typing import Final

from contract.facts.shared import BY_EITHER, BY_KEY, FOR_ACCOUNT
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
    header,
    path,
    shape,
)

__all__ = ["OPERATIONS"]

_ACCOUNT: Final = header("linked_account_id", required=True)
_UNKNOWN: Final = Refusal(404, "error_code", "SERVER_ERROR")

ACTION: Final = shape(
    Field("action_id", TEXT),
    Field("name", TEXT),
    Field("description", TEXT),
    Field("tag", TEXT),
)
ACTION_PARAMETER: Final = shape(
    Field("name", TEXT),
    Field("label", TEXT),
    Field("required", BOOLEAN),
    Field("type", TEXT),
)
ACTION_RESULT: Final = shape(
    Field("node_status", TEXT),
    Field("data", ANYTHING, "example", described=OBJECT),
    Field("http_status", INTEGER, "seen live", optional=True),
)

OPERATIONS: Final = (
    Operation(
        "GET",
        "/api/v2/integration-schema/{slug}/actions",
        BY_EITHER,
        ListOf(ACTION),
        (path("slug"), _ACCOUNT),
        (*FOR_ACCOUNT, _UNKNOWN),
        described_security=BY_KEY,
    ),
    Operation(
        "GET",
        "/api/v2/integration-schema/{slug}/actions/{action_id}",
        BY_EITHER,
        ListOf(ACTION_PARAMETER),
        (path("slug"), path("action_id"), _ACCOUNT),
        (*FOR_ACCOUNT, _UNKNOWN),
        described_security=BY_KEY,
    ),
    Operation(
        "POST",
        "/api/v2/integration-schema/{slug}/actions/{action_id}/execute",
        BY_EITHER,
        ACTION_RESULT,
        (
            path("slug"),
            path("action_id"),
            _ACCOUNT,
            header("connection_id", TEXT, "JavaScript client"),
        ),
        (
            *FOR_ACCOUNT,
            _UNKNOWN,
            Refusal(400, "error_code", "VALIDATION_ERROR", "seen live"),
            Refusal(400, "error_code", "SERVER_ERROR", "seen live"),
        ),
        free_body=True,
        described_security=BY_KEY,
    ),
)
