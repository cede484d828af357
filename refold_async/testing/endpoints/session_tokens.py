"""Session tokens: hand them out and revoke them."""

from refold_async.testing.authentication import bearer_token
from refold_async.testing.call import Call
from refold_async.testing.replies import Refused, Reply, json_reply

__all__ = ["create_session_token", "revoke_session_token"]


async def create_session_token(call: Call) -> Reply:
    """Hand out a session token: the valid one there is, or with `force_refresh=true` a new one."""
    linked_account_id = call.json_object().get("linked_account_id")
    tokens = call.state.session_tokens
    if (
        not isinstance(linked_account_id, str)
        or not linked_account_id
        or call.state.accounts.find(linked_account_id) is None
    ):
        raise Refused(400, f"Invalid linked_account_id: {linked_account_id}", "INVALID_LINKED_ACCOUNT_ID")
    forced = call.query.get("force_refresh", "").lower() == "true"
    token = tokens.mint(linked_account_id) if forced else tokens.reuse_or_mint(linked_account_id)
    return json_reply(tokens.document(token))


async def revoke_session_token(call: Call) -> Reply:
    """Revoke the session token the request is authenticated with."""
    token = call.state.session_tokens.find(bearer_token(call.headers) or "")
    if token is not None:
        token.revoked = True
    return json_reply({"message": "Session token revoked"})
