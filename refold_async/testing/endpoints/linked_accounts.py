"""Linked accounts, for the organisation."""

from collections.abc import Mapping
from typing import Any, Final, cast

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.organisation import ENVIRONMENT, ORGANISATION_ID
from refold_async.testing.protocol.pagination import page_number_and_limit, paginate
from refold_async.testing.protocol.replies import Refused, Reply, json_reply
from refold_async.testing.state.accounts import MockAccount

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="organisation", error_field="error")
_ACCOUNT: Final = "/api/v2/public/linked-account"


@GROUP.route("GET", _ACCOUNT)
async def list_linked_accounts(call: EndpointCall) -> Reply:
    """List the linked accounts, a page at a time."""
    page, limit = page_number_and_limit(call.query)
    document = paginate(call.state.accounts.all(), page, limit)
    document["docs"] = [account.document() for account in document["docs"]]
    return json_reply(document)


@GROUP.route("GET", _ACCOUNT + "/{linked_account_id}", access="organisation or session token")
async def get_linked_account(call: EndpointCall) -> Reply:
    """Return one linked account."""
    return json_reply(_account(call).document())


@GROUP.route("POST", _ACCOUNT)
async def create_linked_account(call: EndpointCall) -> Reply:
    """Create a linked account. One that was only named in a request so far can still be created."""
    body = call.json_object()
    linked_account_id = _linked_account_id(body)
    fields = _fields(body)
    account = call.state.accounts.get_or_create(linked_account_id)
    if account.created:
        raise Refused(400, f"Linked account with id {linked_account_id} already exists")
    _change(account, *fields)
    return json_reply({**account.summary(), "integrations": None})


@GROUP.route("PUT", _ACCOUNT, access="organisation or session token")
async def upsert_linked_account(call: EndpointCall) -> Reply:
    """Create a linked account or change the given fields; with a session token, those of its own account."""
    body = call.json_object()
    nested = body.get("payload")
    if nested is not None and not isinstance(nested, dict):
        raise Refused(400, "payload must be an object", "VALIDATION_ERROR")
    linked_account_id = _linked_account_id(body) if call.session_token is None else call.account.linked_account_id
    fields = _fields(body | cast("dict[str, Any]", nested or {}))
    account = call.state.accounts.get_or_create(linked_account_id)
    is_new = not account.created
    account.changes += not is_new
    _change(account, *fields)
    return json_reply({**account.summary(), "new_account": is_new})


@GROUP.route("DELETE", _ACCOUNT + "/{linked_account_id}")
async def delete_linked_account(call: EndpointCall) -> Reply:
    """Delete a linked account and all data that the apps have for it."""
    call.state.accounts.delete(_account(call))
    return json_reply({"message": "User deleted successfully"})


def _linked_account_id(body: Mapping[str, Any]) -> str:
    """Return the linked account id in a body, under either of its two names."""
    linked_account_id = body.get("account_id", body.get("linked_account_id"))
    if not isinstance(linked_account_id, str) or not linked_account_id:
        raise Refused(400, "linked_account_id required", "INVALID_LINKED_ACCOUNT_ID")
    return linked_account_id


def _fields(body: Mapping[str, Any]) -> tuple[str | None, dict[str, str]]:
    """Return the name and the user-defined fields in a body, after checking all of it."""
    name = body.get("name")
    if name is not None and not isinstance(name, str):
        raise Refused(400, "name must be a string", "VALIDATION_ERROR")
    own_app = body.get("your_app", {})
    if not isinstance(own_app, dict):
        raise Refused(400, "your_app must be an object", "VALIDATION_ERROR")
    _strings(cast("dict[str, Any]", own_app), "auth_credentials")
    return name, _strings(body, "udf")


def _strings(body: Mapping[str, Any], name: str) -> dict[str, str]:
    fields = body.get(name, {})
    if not isinstance(fields, dict):
        raise Refused(400, f"{name} must be an object", "VALIDATION_ERROR")
    for key, value in cast("dict[str, object]", fields).items():
        if not isinstance(value, str):
            raise Refused(400, f"{name}.{key} must be a string", "VALIDATION_ERROR")
    return cast("dict[str, str]", fields)


def _change(account: MockAccount, name: str | None, user_defined_fields: dict[str, str]) -> None:
    account.created = True
    account.name = account.name if name is None else name
    if user_defined_fields:
        account.user_defined_fields = (account.user_defined_fields or {}) | user_defined_fields


def _account(call: EndpointCall) -> MockAccount:
    linked_account_id = call.path_parameters["linked_account_id"]
    own = call.linked_account  # a session token is for one account, and shows no other
    accounts = call.state.accounts
    account = accounts.find(linked_account_id) if own is None or own.linked_account_id == linked_account_id else None
    if account is None:
        message = (
            f"Linked Account with account id {linked_account_id} for org {ORGANISATION_ID} "
            f"in environment {ENVIRONMENT} not found"
        )
        raise Refused(404, message)
    return account
