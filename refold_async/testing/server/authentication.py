"""Who may call what: API key, linked account and session token."""

from collections.abc import Mapping
from typing import Final

from refold_async.testing.endpoints.route import Access, Route
from refold_async.testing.protocol.replies import Refused
from refold_async.testing.state.accounts import MockAccount
from refold_async.testing.state.mock_state import MockState
from refold_async.testing.state.session_tokens import MockSessionToken

__all__ = ["authenticate", "linked_account_id_of"]

_BY_KEY_ALONE: Final = frozenset({"organisation", "linked account by key"})
_ENVIRONMENTS: Final = frozenset({"test", "production"})


def linked_account_id_of(
    headers: Mapping[str, str], query: Mapping[str, str], route: Route | None, state: MockState
) -> str | None:
    """Return the linked account that a request names, whether it may use it or not; None if it names none.

    Args:
        headers: The request's headers.
        query: The decoded query string.
        route: The request's route; None for a path that is not served.
        state: All existing tokens.
    """
    token = None if route is not None and route.access == "linked account by key" else _bearer_token(headers)
    if token is None:
        named = headers.get("linked_account_id")
        return query.get("linked_account_id") if named is None and route and route.account_in_query else named
    session_token = state.session_tokens.find(token)
    return None if session_token is None else session_token.linked_account_id


def authenticate(
    headers: Mapping[str, str], linked_account_id: str | None, access: Access, state: MockState
) -> tuple[MockAccount | None, MockSessionToken | None]:
    """Check a request's credentials.

    A session token replaces key and linked account, even if the request has those too, except on routes that accept
    only the key.

    Args:
        headers: The request's headers.
        linked_account_id: The linked account that the request names.
        access: What the route requires.
        state: All existing keys, tokens and accounts.

    Returns:
        The linked account, or None if only the organisation's key is used; and the session token, or None if the
        request has a key.

    Raises:
        Refused: 401 without valid credentials; 400 without a usable linked account on a route that requires one.
    """
    if access == "anybody":
        return None, None
    token = None if access in _BY_KEY_ALONE else _bearer_token(headers)
    if token is not None or access == "session token":
        session_token = state.session_tokens.find_valid(token or "")
        account = None if session_token is None else state.accounts.find(session_token.linked_account_id)
        if account is None:
            raise Refused(401, "Invalid token", "INVALID_TOKEN", error_field="error")
        return account, session_token
    if access == "private workflow" and headers.get("environment") not in _ENVIRONMENTS:
        raise Refused(401, "Authorization Token Missing", "AUTH_SERVICE_ERROR", error_field="error_code")
    api_key = headers.get("x-api-key")
    if not api_key or (state.api_keys is not None and api_key not in state.api_keys):
        raise Refused(401, "Invalid Credentials", error_field="error")
    if access in ("organisation", "organisation or session token"):
        return None, None
    return _linked_account(linked_account_id, state), None


def _linked_account(linked_account_id: str | None, state: MockState) -> MockAccount:
    if not linked_account_id:
        raise _no_account("linked_account_id required")
    # aiohttp turns bytes that are not UTF-8 into lone surrogates.
    if not linked_account_id.isascii() and any("\ud800" <= character <= "\udfff" for character in linked_account_id):
        raise _no_account("linked_account_id is not UTF-8")
    account = state.accounts.find(linked_account_id)
    if account is None:
        raise _no_account(state.accounts.unknown(linked_account_id))
    return account


def _no_account(message: str) -> Refused:
    return Refused(400, message, "INVALID_LINKED_ACCOUNT_ID", error_field="error")


def _bearer_token(headers: Mapping[str, str]) -> str | None:
    """Return the token of the `Authorization` header: empty if that is malformed, None if there is no header."""
    authorization = headers.get("Authorization")
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
