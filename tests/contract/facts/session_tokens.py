"""Session tokens, each of which stands for one linked account."""

from typing import Final

from contract.facts.shared import BY_KEY, BY_TOKEN, FOR_ORGANISATION
from contract.facts.table import BOOLEAN, INTEGER, TEXT, Field, Operation, Refusal, body, query, shape

__all__ = ["OPERATIONS"]

OPERATIONS: Final = (
    Operation(
        "POST",
        "/api/v2/public/session-token",
        BY_KEY,
        shape(
            Field("token", TEXT),
            Field("refresh_token", TEXT),
            Field("expires_in", INTEGER),
            Field("refresh_expires_in", INTEGER),
            Field("is_api_token", BOOLEAN, optional=True),
        ),
        (query("force_refresh", BOOLEAN), body("linked_account_id", required=True)),
        (
            *FOR_ORGANISATION,
            Refusal(400, "error", "SERVER_ERROR"),
            Refusal(400, "error", "INVALID_LINKED_ACCOUNT_ID"),
        ),
        retrying="read",
        because="Reuses an existing valid token; one more token does no harm.",
    ),
    Operation(
        "POST",
        "/api/v2/public/session-token/revoke",
        BY_TOKEN,
        shape(Field("success", BOOLEAN), Field("revoked_count", INTEGER)),
        (),
        (Refusal(401, "error", "INVALID_TOKEN"),),
        retrying="idempotent",
        because="Blacklists the token and deletes it.",
    ),
)
