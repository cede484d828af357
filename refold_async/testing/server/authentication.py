"""Who may call what: API key, linked account and session token."""

from collections.abc import Mapping

from refold_async.testing.endpoints.route import Access
from refold_async.testing.protocol.replies import Refused
from refold_async.testing.state.accounts import MockAccount
from refold_async.testing.state.mock_state import MockState
from refold_async.testing.state.session_tokens import MockSessionToken

__all__ = ["authenticate", "linked_account_id_of"]


def linked_account_id_of(headers: Mapping[str, str], state: MockState) -> str | None:
    """Tell which linked account a request names, whether or not it may; None when it names none."""
    token = _bearer_token(headers)
    if token is None:
        return headers.get("linked_account_id")
    session_token = state.session_tokens.find(token)
    return None if session_token is None else session_token.linked_account_id


def authenticate(
    headers: Mapping[str, str], access: Access, state: MockState
) -> tuple[MockAccount | None, MockSessionToken | None]:
    """Check a request's credentials.

    A session token replaces key and linked account, even where those are sent too.

    Args:
        headers: The request's headers.
        access: What the route asks for.
        state: The keys, tokens and accounts there are.

    Returns:
        The linked account, None where the route asks for the organisation's key; and the session token, None where
        the request has a key.

    Raises:
        Refused: 401 without valid credentials; 403 with a session token where the key is asked for; 400 without a
            usable linked account.
    """
    token = _bearer_token(headers)
    if token is not None:
        session_token = state.session_tokens.find_valid(token)
        account = None if session_token is None else state.accounts.find(session_token.linked_account_id)
        if account is None:
            raise Refused(401, "Invalid session token", "UNAUTHORIZED")
        if access == "organisation":
            raise Refused(403, "A session token cannot be used here, an API key is required", "FORBIDDEN")
        return account, session_token
    if access == "session token":
        raise Refused(401, "A session token is required", "UNAUTHORIZED")
    api_key = headers.get("x-api-key")
    if not api_key or (state.api_keys is not None and api_key not in state.api_keys):
        raise Refused(401, "Invalid Credentials", "UNAUTHORIZED")
    return None if access == "organisation" else _linked_account(headers, state), None


def _linked_account(headers: Mapping[str, str], state: MockState) -> MockAccount:
    linked_account_id = headers.get("linked_account_id")
    if not linked_account_id:
        raise Refused(400, "linked_account_id is required", "INVALID_LINKED_ACCOUNT_ID")
    # aiohttp turns bytes that are no UTF-8 into lone surrogates.
    if not linked_account_id.isascii() and any("\ud800" <= character <= "\udfff" for character in linked_account_id):
        raise Refused(400, "linked_account_id is not UTF-8", "INVALID_LINKED_ACCOUNT_ID")
    account = state.accounts.find(linked_account_id)
    if account is None:
        raise Refused(400, f"No linked account found for {linked_account_id}", "INVALID_LINKED_ACCOUNT_ID")
    return account


def _bearer_token(headers: Mapping[str, str]) -> str | None:
    """Return the token of the `Authorization` header, empty when that is malformed, or None when there is no header."""
    authorization = headers.get("Authorization")
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
