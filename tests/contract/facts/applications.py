"""Applications, and a linked account's connections to them."""

from typing import Final

from contract.facts.shared import ACCOUNT, BY_EITHER, BY_KEY, FOR_ACCOUNT, INPUT_FIELD
from contract.facts.table import (
    ANYTHING,
    BOOLEAN,
    MOMENT,
    TEXT,
    Field,
    Input,
    ListOf,
    MapOf,
    Operation,
    Refusal,
    path,
    query,
    shape,
    text,
)

__all__ = ["OPERATIONS"]

CONNECTED_ACCOUNT: Final = shape(
    Field("identifier", ANYTHING, "example", described=TEXT),
    Field("defaultCredentials", ANYTHING),
    Field("auth_type", TEXT),
    Field("connectedAt", MOMENT),
    Field("status", TEXT),
    Field("connection_id", TEXT, "page"),
)
APPLICATION: Final = shape(
    Field("_id", TEXT, attribute="application_id"),
    Field("type", TEXT),
    Field("slug", TEXT),
    Field("app_id", TEXT),
    Field("name", TEXT),
    Field("icon", TEXT),
    Field("description", TEXT, "example"),
    Field("tags", ListOf(TEXT), "example"),
    Field("ecosystem", BOOLEAN, "example"),
    Field("auth_type", TEXT),
    Field("auth_type_options", MapOf(ListOf(INPUT_FIELD)), "example"),
    Field("auth_input_map", ListOf(INPUT_FIELD), "example"),
    Field("connected", BOOLEAN),
    Field("connected_accounts", ListOf(CONNECTED_ACCOUNT)),
    Field("reauth_required", BOOLEAN),
    Field("webhook_url", TEXT, optional=True),
    Field("kind", text("native", "custom", "universal_connector"), "JavaScript client"),
    Field("grant_type", TEXT, "JavaScript client", optional=True),
)

_FILTERS: Final[tuple[Input, ...]] = (
    query("tags"),
    query("ecosystem", BOOLEAN),
    query("auth_type"),
)

OPERATIONS: Final = (
    Operation(
        "GET",
        "/api/v2/public/application",
        BY_EITHER,
        ListOf(APPLICATION),
        (ACCOUNT, query("linked_account_id", offered=False), query("slug"), *_FILTERS),
        FOR_ACCOUNT,
        described_security=BY_KEY,
    ),
    Operation(
        "GET",
        "/api/v2/public/application/{slug}",
        BY_EITHER,
        APPLICATION,
        (
            path("slug"),
            ACCOUNT,
            query("linked_account_id", offered=False),
            query("tags", offered=False),
            query("ecosystem", BOOLEAN, offered=False),
            query("auth_type", offered=False),
        ),
        (*FOR_ACCOUNT, Refusal(404, "error", "EXTERNAL_API_FAILURE", error_type="EXTERNAL_API_ERROR")),
        described_security=BY_KEY,
    ),
)
