"""Session tokens: create and revoke them."""

from typing import Final

from refold_async.testing.endpoints.endpoint_call import EndpointCall
from refold_async.testing.endpoints.route import RouteGroup
from refold_async.testing.protocol.replies import Refused, Reply, json_reply

__all__ = ["GROUP"]

GROUP: Final = RouteGroup(access="organisation", error_field="error")


@GROUP.route("POST", "/api/v2/public/session-token")
async def create_session_token(call: EndpointCall) -> Reply:
    """Return a session token: the newest one while it is valid, or with `force_refresh=true` a new one."""
    linked_account_id = call.json_object().get("linked_account_id")
    accounts, tokens = call.state.accounts, call.state.session_tokens
    if not isinstance(linked_account_id, str) or not linked_account_id:
        raise Refused(400, "linked_account_id is required")
    if accounts.find(linked_account_id) is None:
        raise Refused(400, accounts.unknown(linked_account_id), "INVALID_LINKED_ACCOUNT_ID")
    forced = call.query.get("force_refresh", "").lower() == "true"
    mint = tokens.mint if forced else tokens.reuse_or_mint
    token = mint(linked_account_id, api_key=call.api_key)
    return json_reply(tokens.document(token))


@GROUP.route("POST", "/api/v2/public/session-token/revoke", access="session token")
async def revoke_session_token(call: EndpointCall) -> Reply:
    """Revoke the session token of the request."""
    if call.session_token is not None:
        call.session_token.revoked = True
    return json_reply({"success": True, "revoked_count": 1})
