"""Environment variables, whose values workflows read."""

from typing import Final

from contract.facts.shared import BY_EITHER, BY_KEY, ENVIRONMENT, FOR_ORGANISATION, PAGE
from contract.facts.table import (
    BOOLEAN,
    MOMENT,
    TEXT,
    Field,
    Input,
    Operation,
    Refusal,
    body,
    header,
    page_of,
    path,
    query,
    shape,
    text,
)

__all__ = ["OPERATIONS"]

_SCOPE: Final = text("org", "workspace", "linked_account", "workflow")
_FORMAT: Final = text("string", "number", "url")
_UNKNOWN: Final = Refusal(404, "error_code", "RESOURCE_NOT_FOUND")
_NOT_SET: Final = Refusal(404, "error_code", "RESOURCE_NOT_FOUND", "like its siblings")

DEFINITION: Final = shape(
    Field("_id", TEXT, attribute="definition_id"),
    Field("org_id", TEXT),
    Field("name", TEXT),
    Field("description", TEXT),
    Field("scope", _SCOPE),
    Field("var_format", _FORMAT),
    Field("encrypted", BOOLEAN),
    Field("created_by", TEXT, optional=True),
    Field("updated_by", TEXT, optional=True),
    Field("createdAt", MOMENT),
    Field("updatedAt", MOMENT),
)
_ONE_DEFINITION: Final = shape(
    *DEFINITION.fields,
    # What one page shows in place of `createdAt` and `updatedAt`.
    Field("created_at", MOMENT, "example", optional=True, attribute=None),
    Field("updated_at", MOMENT, "example", optional=True, attribute=None),
)
_VALUE: Final = (
    Field("_id", TEXT, attribute="value_id"),
    Field("org_id", TEXT),
    Field("environment", ENVIRONMENT),
    Field("linked_account_id", TEXT, optional=True),
    Field("workflow_id", TEXT, optional=True),
    Field("value", TEXT),
    Field("created_by", TEXT, optional=True),
    Field("updated_by", TEXT, optional=True),
    Field("createdAt", MOMENT),
    Field("updatedAt", MOMENT),
)
VALUE: Final = shape(*_VALUE, Field("variable_definition_id", TEXT, attribute="definition_id"))
_LISTED_VALUE: Final = shape(
    *_VALUE, Field("variable_definition_id", DEFINITION, "example", described=TEXT, attribute="definition")
)

OPERATIONS: Final = (
    Operation(
        "GET",
        "/api/v2/public/env/definitions",
        BY_KEY,
        page_of(DEFINITION),
        (query("scope", _SCOPE), query("var_format", _FORMAT), query("name"), *PAGE),
        FOR_ORGANISATION,
    ),
    Operation(
        "GET",
        "/api/v2/public/env/definitions/{id}",
        BY_KEY,
        shape(Field("definition", _ONE_DEFINITION, attribute="")),
        (path("id"),),
        (*FOR_ORGANISATION, _UNKNOWN),
    ),
    Operation(
        "GET",
        "/api/v2/public/env/value/{definition_id}",
        BY_EITHER,
        shape(
            Field("value", TEXT),
            Field("encrypted", BOOLEAN),
            Field("name", TEXT),
            Field("scope", _SCOPE),
            Field("variable_definition_id", TEXT, attribute="definition_id"),
        ),
        (path("definition_id"), query("linked_account_id"), query("workflow_id"), query("environment")),
        (*FOR_ORGANISATION, _NOT_SET),
    ),
    Operation(
        "POST",
        "/api/v2/public/env/values",
        BY_EITHER,
        VALUE,
        (
            # The body names the account too, and the page says that either does.
            header("linked_account_id", offered=False),
            body("variable_definition_id", required=True),
            body("value", required=True),
            body("linked_account_id"),
            body("workflow_id"),
        ),
        (*FOR_ORGANISATION, _NOT_SET, Refusal(400, "error", "SERVER_ERROR")),
    ),
    Operation(
        "GET",
        "/api/v2/public/env/values/{scope}",
        BY_EITHER,
        page_of(_LISTED_VALUE, Field("status", text("success"), attribute=None)),
        (
            Input("path", "scope", _SCOPE, required=True),
            query("variable_definition_id"),
            *PAGE,
            query("workflow_id"),
            query("linked_account_id"),
        ),
        (*FOR_ORGANISATION, Refusal(400, "error", "SERVER_ERROR")),
    ),
    Operation(
        "DELETE",
        "/api/v2/public/env/values/{value_id}",
        BY_EITHER,
        shape(Field("status", text("success")), Field("message", TEXT)),
        (path("value_id"), header("linked_account_id")),
        (*FOR_ORGANISATION, _UNKNOWN),
    ),
)
