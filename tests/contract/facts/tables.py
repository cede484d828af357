"""Persistent tables: what one linked account stores in rows and columns."""

from typing import Final

from contract.facts.shared import ACCOUNT, BY_KEY, ENVIRONMENT, FOR_ACCOUNT, PAGE
from contract.facts.table import (
    ANYTHING,
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

_TABLES: Final = "/api/v2/public/tables"
_TABLE: Final = "/api/v2/public/tables/{table_id}"
_ID: Final = path("table_id")

_SHOWN: Final = shape(
    Field("_id", TEXT, attribute="table_id"),
    Field("org_id", TEXT),
    Field("linked_account_id", TEXT, "example"),
    Field("name", TEXT),
    Field("environment", ENVIRONMENT),
    Field("table_type", TEXT),
    Field("is_deleted", BOOLEAN),
    Field("associated_instance", TEXT, optional=True),
    Field("record_count", INTEGER),
    Field("createdAt", MOMENT),
    Field("group", TEXT, optional=True),
)
_COLUMNS: Final = shape(Field("columns", ListOf(TEXT), attribute=""))
_MALFORMED: Final = Refusal(400, "error_code", "SERVER_ERROR")
_UNKNOWN: Final = Refusal(404, "error_code", "SERVER_ERROR")
_OF_TABLE: Final = (*FOR_ACCOUNT, _UNKNOWN)

OPERATIONS: Final = (
    Operation("GET", _TABLES, BY_KEY, page_of(_SHOWN), (ACCOUNT, *PAGE, query("name")), FOR_ACCOUNT),
    Operation(
        "POST",
        _TABLES,
        BY_KEY,
        shape(Field("table_id", TEXT), Field("already_exists", BOOLEAN, optional=True)),
        (
            ACCOUNT,
            body("table_name", required=True),
            body("columns", ListOf(shape(Field("column_name", TEXT))), required=True),
        ),
        (*FOR_ACCOUNT, _MALFORMED),
        retrying="idempotent",
        because="Creates a new persistent table or returns the existing one's id.",
    ),
    Operation(
        "GET",
        _TABLE,
        BY_KEY,
        shape(
            Field("name", TEXT),
            Field("columns", ListOf(TEXT)),
            Field("docs", ListOf(OBJECT)),
            Field("page", INTEGER),
            Field("limit", INTEGER),
            Field("totalDocs", INTEGER),
            Field("totalPages", INTEGER),
            Field("hasNextPage", BOOLEAN),
        ),
        (ACCOUNT, _ID, *PAGE),
        _OF_TABLE,
    ),
    Operation(
        "PATCH",
        _TABLE,
        BY_KEY,
        shape(
            Field("add_record_result", ListOf(OBJECT), attribute="records"),
            Field("transformed_add_data", ANYTHING, optional=True),
        ),
        (ACCOUNT, _ID, body("data", ANYTHING, required=True)),
        (*FOR_ACCOUNT, _MALFORMED, Refusal(404, "error_code", "SERVER_ERROR", "like its siblings")),
    ),
    Operation("DELETE", _TABLE, BY_KEY, BOOLEAN, (ACCOUNT, _ID), _OF_TABLE),
    Operation("DELETE", _TABLE + "/{record_id}", BY_KEY, OBJECT, (ACCOUNT, _ID, path("record_id")), _OF_TABLE),
    Operation(
        "PATCH",
        _TABLE + "/columns/add",
        BY_KEY,
        _COLUMNS,
        (ACCOUNT, _ID, body("columns", ListOf(TEXT), required=True)),
        _OF_TABLE,
    ),
    Operation(
        "DELETE",
        _TABLE + "/columns/remove",
        BY_KEY,
        _COLUMNS,
        (ACCOUNT, _ID, body("columns", ListOf(TEXT), required=True)),
        _OF_TABLE,
    ),
    Operation(
        "PATCH",
        _TABLE + "/columns/rename",
        BY_KEY,
        _COLUMNS,
        (
            ACCOUNT,
            _ID,
            body("renames", ListOf(shape(Field("old_name", TEXT), Field("new_name", TEXT))), required=True),
        ),
        _OF_TABLE,
    ),
    Operation(
        "POST",
        _TABLE + "/search",
        BY_KEY,
        ListOf(OBJECT),
        (ACCOUNT, _ID),
        _OF_TABLE,
        free_body=True,
        retrying="read",
        because="Filters records by `req.body` key/value (regex-based).",
    ),
    Operation(
        "PUT",
        _TABLES + "/group/edit",
        BY_KEY,
        NOTHING,
        (ACCOUNT, body("tableIds", ListOf(TEXT), required=True), body("group")),
        (*FOR_ACCOUNT, _MALFORMED),
        status=204,
    ),
)
