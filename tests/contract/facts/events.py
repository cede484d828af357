"""Events, which start workflows."""

from typing import Final

from contract.facts.shared import ACCOUNT, BY_EITHER, FOR_ACCOUNT
from contract.facts.table import ANYTHING, TEXT, Field, Operation, Refusal, body, header, shape

__all__ = ["OPERATIONS"]

OPERATIONS: Final = (
    Operation(
        "POST",
        "/api/v2/public/event/trigger",
        BY_EITHER,
        shape(Field("message", TEXT)),
        (
            ACCOUNT,
            header("config_id"),
            header("slug"),
            header("instance_tag"),
            body("event"),
            body("trigger", offered=False),
            body("payload", ANYTHING),
        ),
        (
            *FOR_ACCOUNT,
            Refusal(404, "error_code", "INVALID_EVENT"),
        ),
    ),
)
