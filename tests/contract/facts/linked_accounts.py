"""Linked accounts: the customers."""

from typing import Final

from contract.facts.shared import BY_EITHER, BY_KEY, ENVIRONMENT, FOR_ORGANISATION, PAGE
from contract.facts.table import (
    ANYTHING,
    BOOLEAN,
    INTEGER,
    MOMENT,
    OBJECT,
    TEXT,
    Field,
    ListOf,
    MapOf,
    Operation,
    Refusal,
    body,
    page_of,
    path,
    query,
    shape,
)

__all__ = ["OPERATIONS"]

USER_DEFINED_FIELD: Final = shape(
    Field("key_name", TEXT),
    Field("key_value", TEXT),
    Field("_id", TEXT, "example", attribute="field_id"),
    Field("createdAt", MOMENT, "example"),
    Field("updatedAt", MOMENT, "example"),
)
INTEGRATION: Final = shape(
    Field("_id", TEXT, attribute="integration_id"),
    Field("type", TEXT),
    Field("name", TEXT),
    Field("icon", TEXT.or_null()),
    Field("identifier", ANYTHING),
    Field("app_id", TEXT.or_null()),
    Field("credentials", OBJECT),
    Field("authTokens", ANYTHING),
    Field("refresh_token_expired", BOOLEAN),
    Field("reauth_required", BOOLEAN),
    Field("connections", OBJECT),
    Field("createdAt", MOMENT),
    Field("updatedAt", MOMENT),
)
_ACCOUNT: Final = (
    Field("_id", TEXT, attribute="refold_id"),
    Field("associated_org", TEXT),
    Field("account_id", TEXT, attribute="linked_account_id"),
    Field("name", TEXT),
    Field("environment", ENVIRONMENT),
    Field("udf", ListOf(USER_DEFINED_FIELD)),
    Field("is_seed", BOOLEAN),
    Field("tenant_account_id", TEXT.or_null()),
    Field("createdAt", MOMENT),
    Field("updatedAt", MOMENT),
    Field("__v", INTEGER, "example", attribute="revision"),
)
LINKED_ACCOUNT: Final = shape(
    *_ACCOUNT,
    Field("integrations", ListOf(INTEGRATION).or_null(), described=ListOf(INTEGRATION)),
)
UPSERTED_ACCOUNT: Final = shape(
    *_ACCOUNT,
    Field("integrations", ListOf(INTEGRATION).or_null(), described=ListOf(INTEGRATION), optional=True),
    Field("new_account", BOOLEAN, "example"),
)

_YOUR_APP: Final = shape(Field("auth_credentials", MapOf(TEXT)))
_UNKNOWN: Final = Refusal(404, "error", "SERVER_ERROR")
_NO_ID: Final = Refusal(400, "error", "INVALID_LINKED_ACCOUNT_ID")

OPERATIONS: Final = (
    Operation(
        "GET",
        "/api/v2/public/linked-account",
        BY_KEY,
        page_of(LINKED_ACCOUNT),
        (
            *PAGE,
            query("env_variable_name", offered=False),
            query("env_variable_value", offered=False),
            query("scope", TEXT, "page", offered=False),
            query("search", TEXT, "page", offered=False),
        ),
        FOR_ORGANISATION,
    ),
    Operation(
        "POST",
        "/api/v2/public/linked-account",
        BY_KEY,
        LINKED_ACCOUNT,
        (
            body("account_id", offered=False),
            body("linked_account_id"),
            body("name"),
            body("your_app", _YOUR_APP, offered=False),
            body("udf", MapOf(TEXT)),
        ),
        (*FOR_ORGANISATION, _NO_ID),
    ),
    Operation(
        "PUT",
        "/api/v2/public/linked-account",
        BY_EITHER,
        UPSERTED_ACCOUNT,
        (
            body("account_id", offered=False),
            body("linked_account_id"),
            body(
                "payload",
                shape(Field("name", TEXT), Field("your_app", _YOUR_APP), Field("udf", MapOf(TEXT))),
                offered=False,
            ),
            body("name"),
            body("your_app", _YOUR_APP, offered=False),
            body("udf", MapOf(TEXT)),
        ),
        (*FOR_ORGANISATION,),
    ),
    Operation(
        "GET",
        "/api/v2/public/linked-account/{linked_account_id}",
        BY_EITHER,
        LINKED_ACCOUNT,
        (path("linked_account_id"),),
        (*FOR_ORGANISATION, _UNKNOWN),
    ),
    Operation(
        "DELETE",
        "/api/v2/public/linked-account/{linked_account_id}",
        BY_KEY,
        shape(Field("message", TEXT)),
        (path("linked_account_id"),),
        (*FOR_ORGANISATION, _UNKNOWN),
    ),
)
