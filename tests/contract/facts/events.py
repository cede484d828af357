"""Events, which start workflows."""

from typing import Final

from contract.facts.shared import ACCOUNT, BY_EITHER, BY_KEY, FOR_ACCOUNT, FOR_ORGANISATION
from contract.facts.table import (
    ANYTHING,
    OBJECT,
    TEXT,
    Field,
    Input,
    ListOf,
    Operation,
    Refusal,
    body,
    header,
    path,
    shape,
)

__all__ = ["OPERATIONS"]

EVENT: Final = shape(
    Field("_id", TEXT, attribute="event_id"),
    Field("name", TEXT),
    Field(
        "response",
        ListOf(shape(Field("key", TEXT, "example"), Field("type", TEXT, "example"))),
        "example",
        described=TEXT,
    ),
    Field("json_schema", OBJECT, optional=True),
    Field("raw_response", TEXT, "page", optional=True),
    open=True,
)
_FIELDS: Final[tuple[Input, ...]] = (
    body("name", required=True),
    # A page has it as an object, a sample of the payload, and its example answer fits that.
    body("response", OBJECT, required=True, described=TEXT),
    body("json_schema", OBJECT),
)
_UNKNOWN: Final = Refusal(404, "error", "RESOURCE_NOT_FOUND")

OPERATIONS: Final = (
    Operation("GET", "/api/v2/public/application/event", BY_KEY, ListOf(EVENT), (), FOR_ORGANISATION),
    Operation(
        "POST",
        "/api/v2/public/application/event",
        BY_KEY,
        ListOf(EVENT),
        _FIELDS,
        (*FOR_ORGANISATION, Refusal(400, "error", "SERVER_ERROR")),
    ),
    Operation(
        "GET",
        "/api/v2/public/application/event/{event_id}",
        BY_KEY,
        EVENT,
        (path("event_id"),),
        (*FOR_ORGANISATION, _UNKNOWN),
    ),
    Operation(
        "PUT",
        "/api/v2/public/application/event/{event_id}",
        BY_KEY,
        ListOf(EVENT),
        (path("event_id"), *_FIELDS),
        (*FOR_ORGANISATION, _UNKNOWN),
    ),
    Operation(
        "DELETE",
        "/api/v2/public/application/event/{event_id}",
        BY_KEY,
        ListOf(EVENT),
        (path("event_id"),),
        (*FOR_ORGANISATION, _UNKNOWN),
    ),
    Operation(
        "POST",
        "/api/v2/public/event/{slug}",
        BY_EITHER,
        shape(Field("message", TEXT)),
        (
            path("slug"),
            ACCOUNT,
            header("config_id"),
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
