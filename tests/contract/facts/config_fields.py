"""The fields of configs, and their values."""

from typing import Final

from contract.facts.configs import CONFIG, CONFIG_FIELD, OPTION, UNKNOWN_CONFIG, WITHOUT_OPTIONS
from contract.facts.shared import ACCOUNT, BY_EITHER, FOR_ACCOUNT
from contract.facts.table import (
    ANYTHING,
    OBJECT,
    TEXT,
    Field,
    Input,
    ListOf,
    Operation,
    Refusal,
    Shape,
    Source,
    body,
    header,
    path,
    query,
    shape,
)

__all__ = ["OPERATIONS"]

_CLIENT: Final[Source] = "JavaScript client"
_SLUG: Final = header("slug", required=True)
_WHERE: Final[tuple[Input, ...]] = (path("fieldId"), ACCOUNT, _SLUG, query("config_id"), query("workflow_id"))
_VALUE: Final = body("value", ANYTHING)
_UNKNOWN_FIELD: Final = Refusal(400, "error_code", "SERVER_ERROR")
_UNKNOWN: Final = Refusal(404, "error_code", "SERVER_ERROR", "like its siblings")
_OPERAND: Final = shape(
    Field("name", TEXT, _CLIENT), Field("type", TEXT, _CLIENT), Field("options", ListOf(OPTION), _CLIENT, optional=True)
)
_RULE_OPTIONS: Final = shape(
    Field("options", ListOf(OPTION), "example"),
    Field(
        "rule_column",
        shape(Field("rhs", _OPERAND, _CLIENT), Field("operator", _OPERAND, _CLIENT)),
        _CLIENT,
        optional=True,
    ),
    Field("conditional_code_stdout", ListOf(TEXT), _CLIENT, optional=True),
    Field(
        "error",
        shape(Field("message", TEXT, _CLIENT, optional=True), Field("stack", TEXT, _CLIENT, optional=True)),
        _CLIENT,
        optional=True,
    ),
    open=True,
)
_ALL_FIELDS: Final = Shape(
    tuple(Field("config_id", TEXT, optional=True) if field.name == "config_id" else field for field in CONFIG.fields)
)
"""A config, which has no id where there is none."""

OPERATIONS: Final = (
    Operation(
        "POST",
        "/api/v2/public/config/field",
        BY_EITHER,
        _ALL_FIELDS,
        (ACCOUNT, _SLUG),
        (*FOR_ACCOUNT, Refusal(404, "error_code", "INVALID_APP_ID", "like its siblings")),
    ),
    Operation(
        "POST",
        "/api/v2/public/config/field/{fieldId}",
        BY_EITHER,
        CONFIG_FIELD,
        (*_WHERE, WITHOUT_OPTIONS, _VALUE),
        (*FOR_ACCOUNT, _UNKNOWN_FIELD, _UNKNOWN),
        optional_body=True,
    ),
    Operation(
        "PUT",
        "/api/v2/public/config/field/{fieldId}",
        BY_EITHER,
        CONFIG_FIELD,
        (*_WHERE, WITHOUT_OPTIONS, _VALUE),
        (*FOR_ACCOUNT, UNKNOWN_CONFIG),
    ),
    Operation(
        "DELETE",
        "/api/v2/public/config/field/{fieldId}",
        BY_EITHER,
        CONFIG_FIELD,
        (*_WHERE, WITHOUT_OPTIONS),
        (*FOR_ACCOUNT, UNKNOWN_CONFIG),
    ),
    Operation(
        "POST",
        "/api/v2/public/config/rule-engine/{fieldId}",
        BY_EITHER,
        _RULE_OPTIONS,
        (*_WHERE, body("rule_column", OBJECT, required=True)),
        (*FOR_ACCOUNT, _UNKNOWN_FIELD, _UNKNOWN),
    ),
)
