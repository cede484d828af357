"""Linked accounts, on the level of the organisation."""

from typing import Any, Final

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.pagination import page_number_and_limit, paginate
from refold_async.testing.protocol.replies import Refused, Reply, json_reply
from refold_async.testing.state.accounts import MockAccount

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="organisation", error_field="error_code")
_ACCOUNT: Final = "/api/v2/public/linked-account"


@GROUP.route("GET", _ACCOUNT)
async def list_linked_accounts(call: EndpointCall) -> Reply:
    """List the linked accounts there are, a page at a time."""
    page, limit = page_number_and_limit(call.query)
    document = paginate(call.state.accounts.all(), page, limit)
    document["docs"] = [account.document() for account in document["docs"]]
    return json_reply(document)


@GROUP.route("GET", _ACCOUNT + "/{linked_account_id}")
async def get_linked_account(call: EndpointCall) -> Reply:
    """Return one linked account."""
    return json_reply(_account(call).document())


@GROUP.route("POST", _ACCOUNT)
async def create_linked_account(call: EndpointCall) -> Reply:
    """Create a linked account. One that was merely named in a request so far may still be created."""
    return _write(call, may_exist=False)


@GROUP.route("PUT", _ACCOUNT)
async def upsert_linked_account(call: EndpointCall) -> Reply:
    """Create a linked account or change the fields that are given."""
    return _write(call, may_exist=True)


@GROUP.route("DELETE", _ACCOUNT + "/{linked_account_id}")
async def delete_linked_account(call: EndpointCall) -> Reply:
    """Delete a linked account and all the apps remember for it."""
    call.state.accounts.delete(_account(call))
    return json_reply({"message": "User deleted successfully"})


def _write(call: EndpointCall, *, may_exist: bool) -> Reply:
    body = call.json_object()
    linked_account_id = body.get("linked_account_id")
    if not isinstance(linked_account_id, str) or not linked_account_id:
        raise Refused(400, "linked_account_id is required", "INVALID_LINKED_ACCOUNT_ID")
    fields: Any = body.get("udf", {})
    if not isinstance(fields, dict):
        raise Refused(400, "udf must be an object", "VALIDATION_ERROR")
    account = call.state.accounts.get_or_create(linked_account_id)
    if account.created and not may_exist:
        raise Refused(400, f"Linked account with id {linked_account_id} already exists")
    account.created = True
    account.name = body.get("name", account.name)
    if fields:
        account.user_defined_fields = (account.user_defined_fields or {}) | fields
    return json_reply(account.document())


def _account(call: EndpointCall) -> MockAccount:
    linked_account_id = call.path_parameters["linked_account_id"]
    account = call.state.accounts.find(linked_account_id)
    if account is None:
        raise Refused(404, f"Linked account {linked_account_id} not found", "RESOURCE_NOT_FOUND")
    return account
