"""Datastores of configs: list them, read and search their records."""

import re
from typing import Any, Final

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.replies import Refused, Reply, json_reply
from refold_async.testing.state.configs import MockConfig

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="linked account by key", error_field="error_code")
_OF_APP: Final = "/api/v2/public/datastore/config/{slug}"


@GROUP.route("GET", _OF_APP)
async def list_datastores(call: EndpointCall) -> Reply:
    """List the names of a config's datastores."""
    config = _config(call)
    return _not_found("Config") if config is None else json_reply(list(config.datastores))


@GROUP.route("GET", _OF_APP + "/{datastore_name}/records")
async def list_datastore_records(call: EndpointCall) -> Reply:
    """List the records of a datastore."""
    return _records_that_match(call, {})


@GROUP.route("POST", _OF_APP + "/{datastore_name}/search")
async def search_datastore_records(call: EndpointCall) -> Reply:
    """List the records in which regular expressions match."""
    return _records_that_match(call, call.json_object())


def _records_that_match(call: EndpointCall, filters: dict[str, Any]) -> Reply:
    config = _config(call)
    if config is None:
        return _not_found("Config")
    records = config.datastores.get(call.path_parameters["datastore_name"])
    if records is None:
        return _not_found("Datastore")
    try:
        patterns = {name: re.compile(str(pattern), re.IGNORECASE) for name, pattern in filters.items()}
    except re.error as error:
        raise Refused(400, f"Invalid regular expression: {error}") from None
    return json_reply(
        [
            record
            for record in records
            if all(name in record and pattern.search(str(record[name])) for name, pattern in patterns.items())
        ]
    )


def _config(call: EndpointCall) -> MockConfig | None:
    return call.account.configs.find(call.path_parameters["slug"], call.query.get("config_id"))


def _not_found(what: str) -> Reply:
    """Refuse in the shape that only this service has."""
    return json_reply({"message": "Server Error", "error": f"{what} not found"}, 404)
