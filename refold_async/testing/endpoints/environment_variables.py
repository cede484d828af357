"""Environment variables: the definitions of the catalogue, and the values that calls set."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.fields import TEXT, Fields, checked
from refold_async.testing.protocol.organisation import ENVIRONMENT, ORGANISATION_ID
from refold_async.testing.protocol.pagination import page_number_and_limit, paginate
from refold_async.testing.protocol.replies import Refused, Reply, json_reply
from refold_async.testing.state.accounts import MockAccount
from refold_async.testing.state.documents import Documents

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="organisation or session token", error_field="error")
_ENV: Final = "/api/v2/public/env"
_KIND: Final = "environment variable value"
_REDACTED: Final = "[REDACTED]"

_FIELDS: Final[Fields] = {
    "variable_definition_id": TEXT,
    "value": TEXT,
    "linked_account_id": TEXT,
    "workflow_id": TEXT,
}
_FORMATS: Final[Mapping[str, Callable[[str], object]]] = {
    "string": lambda value: True,
    "number": lambda value: re.fullmatch(r"-?\d+(\.\d+)?", value),
    "url": lambda value: re.match(r"https?://", value),
}
_OWNERS: Final[Mapping[str, str]] = {"linked_account": "linked_account_id", "workflow": "workflow_id"}
"""The field that says whose a value is, by scope. In the other scopes it is the organisation's."""


@GROUP.route("GET", _ENV + "/definitions", access="organisation")
async def list_variable_definitions(call: EndpointCall) -> Reply:
    """List the definitions, a page at a time."""
    page, limit = page_number_and_limit(call.query)
    try:
        name = re.compile(call.query.get("name", ""))
    except re.error:
        raise Refused(400, "name is not a regular expression", "VALIDATION_ERROR") from None
    wanted = {field: call.query[field] for field in ("scope", "var_format") if field in call.query}
    definitions = [
        definition
        for definition in call.state.catalogue.environment_variables.values()
        if wanted.items() <= definition.items() and name.search(definition["name"])
    ]
    return json_reply(paginate(definitions, page, limit))


@GROUP.route("GET", _ENV + "/definitions/{definition_id}", access="organisation")
async def get_variable_definition(call: EndpointCall) -> Reply:
    """Return one definition."""
    return json_reply({"definition": _definition(call, call.path_parameters["definition_id"])})


@GROUP.route("GET", _ENV + "/value/{definition_id}")
async def get_variable_value(call: EndpointCall) -> Reply:
    """Return a variable with its value in one scope."""
    definition = _definition(call, call.path_parameters["definition_id"])
    documents, owner = _values(call, definition["scope"], call.query)
    found = documents.all(variable_definition_id=definition["_id"], **owner)
    if not found:
        raise _not_found("Variable value not found")
    return json_reply(
        {
            "value": _REDACTED if definition["encrypted"] else found[0]["value"],
            "encrypted": definition["encrypted"],
            "name": definition["name"],
            "scope": definition["scope"],
            "variable_definition_id": definition["_id"],
        }
    )


@GROUP.route("POST", _ENV + "/values")
async def set_variable_value(call: EndpointCall) -> Reply:
    """Set a value, for the account, workflow or organisation that the scope of its definition asks for."""
    fields = checked(call.json_object(), _FIELDS, ("variable_definition_id", "value"))
    definition = _definition(call, fields["variable_definition_id"])
    documents, owner = _values(call, definition["scope"], {**call.headers, **fields})
    if not _FORMATS[definition["var_format"]](fields["value"]):
        raise Refused(400, "value does not match the variable format")
    value = _encrypted(fields["value"]) if definition["encrypted"] else fields["value"]
    found = documents.all(variable_definition_id=definition["_id"], **owner)
    if found:
        return json_reply(documents.change(found[0], {"value": value}))
    known = {"variable_definition_id": definition["_id"], "org_id": ORGANISATION_ID, "environment": ENVIRONMENT}
    return json_reply(documents.create({**known, **owner, "value": value}))


@GROUP.route("GET", _ENV + "/values/{scope}")
async def list_variable_values(call: EndpointCall) -> Reply:
    """List the values of one scope with their definitions, a page at a time."""
    page, limit = page_number_and_limit(call.query)
    scope = call.path_parameters["scope"]
    documents, owner = _values(call, scope, call.query)
    definitions = call.state.catalogue.environment_variables
    wanted = documents.all(variable_definition_id=call.query.get("variable_definition_id"), **owner)
    shown = [
        {
            **value,
            "variable_definition_id": definition,
            "value": _REDACTED if definition["encrypted"] else value["value"],
        }
        for value in wanted
        for definition in [definitions[value["variable_definition_id"]]]
        if definition["scope"] == scope
    ]
    return json_reply({"status": "success", **paginate(shown, page, limit)})


@GROUP.route("DELETE", _ENV + "/values/{value_id}")
async def delete_variable_value(call: EndpointCall) -> Reply:
    """Delete a value; for one of a linked account, the call must be for that."""
    account = _account(call, call.headers.get("linked_account_id"))
    stores = [] if account is None else [account.documents(_KIND)]
    if call.session_token is None:
        stores.append(call.state.documents(_KIND))
    for documents in stores:
        value = documents.find(call.path_parameters["value_id"])
        if value is not None:
            documents.delete(value)
            name = _definition(call, value["variable_definition_id"])["name"]
            return json_reply({"status": "success", "message": f'Variable value for "{name}" deleted successfully'})
    raise _not_found("Variable value not found")


def _definition(call: EndpointCall, definition_id: str) -> dict[str, Any]:
    definition = call.state.catalogue.environment_variables.get(definition_id)
    if definition is None:
        raise _not_found("Variable definition not found")
    return definition


def _values(call: EndpointCall, scope: str, named: Mapping[str, str]) -> tuple[Documents, dict[str, str]]:
    """Return the values of one scope, and the field that says whose of them is meant.

    Raises:
        Refused: The scope is unknown, the request does not say whose value is meant, or may not reach it.
    """
    if scope not in {"org", "workspace", *_OWNERS}:
        raise Refused(400, f"Unknown scope {scope}", "VALIDATION_ERROR")
    if call.session_token is not None and scope != "linked_account":
        raise Refused(403, "A linked account can only access its own values")
    field = _OWNERS.get(scope)
    if field is None:
        return call.state.documents(_KIND), {}
    owner = named.get(field)
    if field == "linked_account_id":
        account = _account(call, owner)
        if account is not None:
            return account.documents(_KIND), {field: account.linked_account_id}
    elif owner:
        return call.state.documents(_KIND), {field: owner}
    raise Refused(400, f"{field} is required for {scope} scope")


def _account(call: EndpointCall, linked_account_id: str | None) -> MockAccount | None:
    """Return the linked account that a request names; with a session token, its own."""
    if call.session_token is not None:
        if linked_account_id not in (None, call.account.linked_account_id):
            raise Refused(403, "A linked account can only access its own values")
        return call.account
    if not linked_account_id:
        return None
    account = call.state.accounts.find(linked_account_id)
    if account is None:
        raise Refused(400, call.state.accounts.unknown(linked_account_id), "INVALID_LINKED_ACCOUNT_ID")
    return account


def _not_found(message: str) -> Refused:
    return Refused(404, message, "RESOURCE_NOT_FOUND", error_field="error_code")


def _encrypted(value: str) -> str:
    """Return what the mock shows as the encrypted form of a value."""
    return base64.b64encode(hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:32].encode()).decode()
