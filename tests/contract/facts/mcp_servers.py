"""MCP servers that Refold hosts."""

from typing import Final

from contract.facts.shared import ACCOUNT, BY_EITHER, ENVIRONMENT, FOR_ACCOUNT, PAGE
from contract.facts.table import (
    BOOLEAN,
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
    shape,
)

__all__ = ["OPERATIONS"]

_SERVERS: Final = "/api/v2/public/mcp-servers"
_ID: Final = Field("_id", TEXT, attribute="mcp_server_id")
_APP: Final = shape(Field("slug", TEXT), Field("workflows", ListOf(TEXT)), Field("actions", ListOf(TEXT)))
SERVER: Final = shape(
    _ID,
    Field("name", TEXT),
    Field("description", TEXT),
    Field("agent_name", TEXT, optional=True),
    Field("primary_color", TEXT, optional=True),
    Field("secondary_color", TEXT, optional=True),
    Field("base_prompt", TEXT, optional=True),
    Field("safe_mode", BOOLEAN, optional=True),
    Field("suggestions", ListOf(shape(Field("name", TEXT), Field("prompt", TEXT)))),
    Field("associated_org_id", TEXT, attribute="org_id"),
    Field("associated_apps", ListOf(_APP)),
    Field("chains", ListOf(OBJECT)),
    Field("notebooks", ListOf(OBJECT)),
    Field("environment", ENVIRONMENT),
    Field("createdAt", MOMENT),
    Field("updatedAt", MOMENT),
)

_NO_ACCOUNT: Final = Refusal(404, "error_code", "MISSING_REQUIRED_FIELD", "like its siblings")
_UNKNOWN: Final = Refusal(404, "error_code", "SERVER_ERROR")

OPERATIONS: Final = (
    Operation(
        "GET",
        _SERVERS,
        BY_EITHER,
        page_of(SERVER),
        (ACCOUNT, *PAGE),
        (*FOR_ACCOUNT, Refusal(404, "error_code", "MISSING_REQUIRED_FIELD")),
    ),
    Operation(
        "POST",
        _SERVERS,
        BY_EITHER,
        shape(_ID, Field("name", TEXT), Field("description", TEXT)),
        (ACCOUNT, body("name", required=True), body("description", required=True)),
        (*FOR_ACCOUNT, _NO_ACCOUNT, Refusal(400, "error_code", "SERVER_ERROR")),
        status=201,
    ),
    Operation(
        "GET",
        f"{_SERVERS}/{{mcp_server_id}}",
        BY_EITHER,
        SERVER,
        (path("mcp_server_id"), ACCOUNT),
        (*FOR_ACCOUNT, _NO_ACCOUNT, _UNKNOWN),
    ),
    Operation(
        "PUT",
        f"{_SERVERS}/{{mcp_server_id}}",
        BY_EITHER,
        SERVER,
        (
            path("mcp_server_id"),
            ACCOUNT,
            body("name"),
            body("description"),
            body("associated_apps", ListOf(OBJECT)),
            body("suggestions", ListOf(OBJECT)),
            body("agent_name"),
            body("primary_color"),
            body("secondary_color"),
            body("chains", ListOf(OBJECT)),
            body("base_prompt"),
            body("safe_mode", BOOLEAN),
        ),
        (*FOR_ACCOUNT, _NO_ACCOUNT, _UNKNOWN),
    ),
    Operation(
        "DELETE",
        f"{_SERVERS}/{{mcp_server_id}}",
        BY_EITHER,
        NOTHING,
        (path("mcp_server_id"), ACCOUNT),
        (*FOR_ACCOUNT, _NO_ACCOUNT, _UNKNOWN),
        status=204,
    ),
)
