"""Credentials that are stored for linked accounts, and which of them apps need."""

from typing import Final

from contract.facts.shared import ACCOUNT, BY_EITHER, BY_KEY, FOR_ACCOUNT
from contract.facts.table import (
    ANYTHING,
    BOOLEAN,
    OBJECT,
    TEXT,
    Field,
    MapOf,
    Operation,
    Refusal,
    body,
    path,
    query,
    shape,
    text,
)

__all__ = ["OPERATIONS"]

_KEY: Final = "/api/v2/public/linked-account/default-app/auth-credentials/{key}"
_UNKNOWN: Final = Refusal(404, "error", "RESOURCE_NOT_FOUND")
_UNKNOWN_APP: Final = Refusal(404, "error", "SERVER_ERROR", "like its siblings")
_NOT_VERIFIED: Final = Refusal(500, "error", "SERVER_ERROR")
_THE_ACCOUNT: Final = query("linked_account_id", offered=False)
"""Whom it is for, which a header tells too."""

OPERATIONS: Final = (
    Operation(
        "PUT",
        _KEY,
        BY_EITHER,
        shape(Field("success", BOOLEAN), Field("message", TEXT), Field("action", text("added", "updated"))),
        (path("key"), ACCOUNT, _THE_ACCOUNT, body("value", ANYTHING, required=True)),
        (*FOR_ACCOUNT, _UNKNOWN),
        any_id=True,
    ),
    Operation(
        "DELETE",
        _KEY,
        BY_EITHER,
        shape(Field("success", BOOLEAN), Field("message", TEXT)),
        (path("key"), ACCOUNT, _THE_ACCOUNT),
        (*FOR_ACCOUNT, _UNKNOWN),
    ),
    Operation(
        "PUT",
        "/api/v2/public/linked-account/integration/save-key-credentials/{slug}",
        BY_KEY,
        shape(Field("success", BOOLEAN, "example", optional=True), open=True),
        (path("slug"), query("auth_type"), ACCOUNT),
        (*FOR_ACCOUNT, _UNKNOWN_APP, _NOT_VERIFIED),
        free_body=True,
    ),
    Operation(
        "PUT",
        "/api/v2/public/migrate-token",
        BY_KEY,
        shape(
            Field("success", BOOLEAN, optional=True),
            Field("message", TEXT, optional=True),
            # It stands for a refusal, which the client raises.
            Field("error", TEXT, optional=True, attribute=None),
        ),
        (ACCOUNT, body("slug", required=True), body("auth_object", OBJECT, required=True)),
        (*FOR_ACCOUNT, _UNKNOWN_APP, _NOT_VERIFIED),
    ),
    Operation(
        "GET",
        "/api/v2/public/auth-structure/{slug}",
        (),
        MapOf(OBJECT),
        (path("slug"),),
        (Refusal(500, None, None),),
    ),
)
