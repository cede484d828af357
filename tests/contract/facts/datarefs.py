"""Datarefs: records that workflows keep under a name, for one linked account each."""

from typing import Final

from contract.facts.shared import ACCOUNT, BY_KEY, ENVIRONMENT, FOR_ACCOUNT, FOR_ORGANISATION, PAGE
from contract.facts.table import (
    BOOLEAN,
    INTEGER,
    MOMENT,
    NOTHING,
    OBJECT,
    TEXT,
    Field,
    ListOf,
    Operation,
    Refusal,
    body,
    page_of,
    path,
    query,
    shape,
)

__all__ = ["OPERATIONS"]

_DATAREFS: Final = "/api/v2/public/dataref"
_DATAREF: Final = "/api/v2/public/dataref/{refName}"
_NAME: Final = path("refName")

_SHOWN: Final = shape(
    Field("_id", TEXT, attribute="dataref_id"),
    Field("name", TEXT),
    Field("linked_account_id", TEXT),
    Field("org_id", TEXT),
    Field("environment", ENVIRONMENT),
    Field("data", OBJECT, optional=True),
    Field("group", TEXT, optional=True),
    Field("createdAt", MOMENT),
    Field("updatedAt", MOMENT),
    Field("__v", INTEGER, "example", attribute="revision"),
)
_MALFORMED: Final = Refusal(400, "error", "SERVER_ERROR")
_UNKNOWN: Final = Refusal(404, "error", "SERVER_ERROR", "like its siblings")

OPERATIONS: Final = (
    Operation(
        "GET",
        _DATAREFS,
        BY_KEY,
        page_of(_SHOWN),
        (*PAGE, query("unique", BOOLEAN), query("linked_account_id")),
        FOR_ORGANISATION,
    ),
    Operation("POST", _DATAREFS, BY_KEY, _SHOWN, (ACCOUNT, body("refName", required=True)), (*FOR_ACCOUNT, _MALFORMED)),
    Operation(
        "GET",
        _DATAREF,
        BY_KEY,
        shape(
            Field("headers", ListOf(TEXT), attribute="columns"),
            Field("rows", ListOf(OBJECT), attribute="docs"),
            Field("page", INTEGER),
            Field("limit", INTEGER),
            Field("totalDocs", INTEGER),
            Field("totalPages", INTEGER),
            Field("hasNextPage", BOOLEAN),
        ),
        (ACCOUNT, _NAME, *PAGE),
        (*FOR_ACCOUNT, _UNKNOWN),
    ),
    Operation(
        "DELETE",
        _DATAREF,
        BY_KEY,
        shape(Field("acknowledged", BOOLEAN), Field("deletedCount", INTEGER)),
        (ACCOUNT, _NAME),
        (*FOR_ACCOUNT, _UNKNOWN),
    ),
    Operation(
        "PUT",
        _DATAREF + "/clear-records",
        BY_KEY,
        _SHOWN,
        (ACCOUNT, _NAME),
        (*FOR_ACCOUNT, Refusal(404, "error", "SERVER_ERROR")),
    ),
    Operation(
        "PUT",
        "/api/v2/public/datarefs/group",
        BY_KEY,
        NOTHING,
        (ACCOUNT, body("refNames", ListOf(TEXT), required=True), body("group")),
        (*FOR_ACCOUNT, _MALFORMED),
        status=204,
    ),
)
