"""Datastores: what workflows have stored for a config. Their pages are among those of what is deprecated."""

from typing import Final

from contract.facts.shared import ACCOUNT, BY_KEY, FOR_ACCOUNT
from contract.facts.table import OBJECT, TEXT, Input, ListOf, Operation, Refusal, path, query

__all__ = ["OPERATIONS"]

_WHERE: Final[tuple[Input, ...]] = (ACCOUNT, path("slug"), query("config_id"))
_REFUSALS: Final = (*FOR_ACCOUNT, Refusal(404, None, None))

OPERATIONS: Final = (
    Operation("GET", "/api/v2/public/datastore/config/{slug}", BY_KEY, ListOf(TEXT), _WHERE, _REFUSALS),
    Operation(
        "GET",
        "/api/v2/public/datastore/config/{slug}/{datastore_name}/records",
        BY_KEY,
        ListOf(OBJECT),
        (*_WHERE, path("datastore_name")),
        _REFUSALS,
    ),
    Operation(
        "POST",
        "/api/v2/public/datastore/config/{slug}/{datastore_name}/search",
        BY_KEY,
        ListOf(OBJECT),
        (*_WHERE, path("datastore_name")),
        _REFUSALS,
        free_body=True,
        retrying="read",
        because="Filters records by matching `req.body` keys to record fields using a case-insensitive regex search.",
    ),
)
