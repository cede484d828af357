"""Connecting apps: the links for it, whom a session token stands for, and disconnecting."""

from typing import Final

from contract.facts.linked_accounts import LINKED_ACCOUNT
from contract.facts.shared import ACCOUNT, BY_EITHER, BY_KEY, BY_TOKEN, FOR_ACCOUNT
from contract.facts.table import OBJECT, TEXT, Field, Input, Operation, Refusal, path, query, shape

__all__ = ["OPERATIONS"]

_THE_ACCOUNT: Final = Input("query", "linked_account_id", required=True)
_NO_TOKEN: Final = Refusal(401, "error", "INVALID_TOKEN")
_UNKNOWN: Final = Refusal(404, "error", "SERVER_ERROR", "like its siblings")

OPERATIONS: Final = (
    Operation(
        "POST",
        "/api/v2/public/connect-url",
        BY_TOKEN,
        shape(Field("hosted_url", TEXT)),
        (_THE_ACCOUNT, query("config_id")),
        (_NO_TOKEN, Refusal(400, "either", None, "like its siblings")),
        free_body=True,
        retrying="read",
        because="It returns a link, and one more link does no harm.",
    ),
    Operation("GET", "/api/v2/public/hosted-properties", BY_TOKEN, OBJECT, (), (_NO_TOKEN,)),
    Operation(
        "GET",
        # Some apps ask for fields of their own, in the query.
        "/api/v2/public/linked-account/integration/oauth-url/{slug}",
        BY_EITHER,
        shape(Field("auth_url", TEXT)),
        (path("slug"), ACCOUNT),
        (*FOR_ACCOUNT, _UNKNOWN),
        described_security=BY_KEY,
    ),
    Operation(
        "DELETE",
        "/api/v2/public/linked-account/integration/{slug}",
        BY_EITHER,
        LINKED_ACCOUNT,
        (path("slug"), _THE_ACCOUNT, ACCOUNT, query("auth_type")),
        (*FOR_ACCOUNT, _UNKNOWN),
        described_security=BY_KEY,
    ),
    Operation(
        "GET",
        "/api/v2/public/session/active-linked-account",
        BY_TOKEN,
        LINKED_ACCOUNT,
        (),
        (_NO_TOKEN,),
    ),
)
