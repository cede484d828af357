"""What operations of several groups share."""

from typing import Final

from contract.facts.table import (
    ANYTHING,
    BOOLEAN,
    INTEGER,
    TEXT,
    Field,
    Input,
    ListOf,
    Refusal,
    Security,
    Source,
    header,
    query,
    shape,
    text,
)

__all__ = [
    "ACCOUNT",
    "BY_EITHER",
    "BY_KEY",
    "BY_TOKEN",
    "ENVIRONMENT",
    "FOR_ACCOUNT",
    "FOR_ORGANISATION",
    "INPUT_FIELD",
    "PAGE",
    "UNAUTHORIZED",
    "WORKFLOW_ENVIRONMENT",
]

BY_KEY: Final[tuple[Security, ...]] = ("key",)
BY_TOKEN: Final[tuple[Security, ...]] = ("token",)
BY_EITHER: Final[tuple[Security, ...]] = ("key", "token")

ACCOUNT: Final = header("linked_account_id")
"""Whom it is for; a session token tells that itself."""
PAGE: Final[tuple[Input, ...]] = (query("page", INTEGER), query("limit", INTEGER))
ENVIRONMENT: Final = text("test", "production")
WORKFLOW_ENVIRONMENT: Final = header("environment", ENVIRONMENT, "page")
"""Which of a linked account's workflows is meant, where it is named by the API key."""
UNAUTHORIZED: Final = Refusal(401, "error", "SERVER_ERROR")
_INVALID_TOKEN: Final = Refusal(401, "error", "INVALID_TOKEN", "like its siblings")
_MALFORMED: Final = Refusal(400, "either", None, "like its siblings")
FOR_ACCOUNT: Final = (UNAUTHORIZED, _INVALID_TOKEN, _MALFORMED)
"""What any operation for a linked account refuses: a lack of credentials, and what makes no sense."""
FOR_ORGANISATION: Final = (
    UNAUTHORIZED,
    _INVALID_TOKEN,
    _MALFORMED,
    Refusal(403, "either", None, "like its siblings"),
)
"""What any operation of the organisation refuses: a session token too."""

_CLIENT: Final[Source] = "JavaScript client"
INPUT_FIELD: Final = shape(
    Field("name", TEXT, "example"),
    Field("label", TEXT, "example"),
    Field("placeholder", TEXT, "example"),
    Field("required", BOOLEAN, "example"),
    Field("type", TEXT, "example"),
    Field("multiple", BOOLEAN, _CLIENT, optional=True),
    Field("help_text", TEXT, _CLIENT, optional=True),
    Field(
        "options",
        ListOf(shape(Field("name", TEXT, _CLIENT, optional=True), Field("value", ANYTHING, _CLIENT))),
        _CLIENT,
        optional=True,
    ),
)
"""What an app asks of whoever connects it."""
