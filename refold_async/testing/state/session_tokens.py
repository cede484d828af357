"""Session tokens: each is for one linked account, until it expires or is revoked."""

from collections.abc import Callable
from typing import Any, Final

import attrs

__all__ = ["SESSION_SECONDS", "MockSessionToken", "SessionTokenStore"]

SESSION_SECONDS: Final = 7 * 24 * 3600
_REFRESH_SECONDS: Final = 30 * 24 * 3600
_SHORT: Final = 60


@attrs.define(eq=False)
class MockSessionToken:
    """One session token.

    Attributes:
        token: The value for the `Authorization` header.
        refresh_token: The refresh token that was returned with it.
        linked_account_id: The linked account that it is for.
        expires_at: When it expires, in seconds of the mock's clock.
        api_key: The key with which it was made.
        revoked: Whether it was revoked.
    """

    token: str
    refresh_token: str
    linked_account_id: str
    expires_at: float
    api_key: str = attrs.field(repr=False)
    revoked: bool = False


@attrs.define(eq=False)
class SessionTokenStore:
    """All session tokens of a mock.

    Args:
        clock: A monotonic clock in seconds.
        seconds: Seconds for which each is valid by default.
    """

    _clock: Callable[[], float]
    _seconds: float = SESSION_SECONDS
    _by_token: dict[str, MockSessionToken] = attrs.field(factory=dict[str, MockSessionToken], init=False)
    _newest: dict[str, MockSessionToken] = attrs.field(factory=dict[str, MockSessionToken], init=False)

    def mint(
        self, linked_account_id: str, expires_in: float | None = None, *, api_key: str = "tk_mock"
    ) -> MockSessionToken:
        """Make a new token; older ones stay valid.

        Args:
            linked_account_id: The linked account that it is for.
            expires_in: Seconds until it expires; 0 or less makes an expired token, None uses the default.
            api_key: The key with which it is made.
        """
        number = len(self._by_token) + 1
        token = MockSessionToken(
            token=f"mock-session-{number:08d}",
            refresh_token=f"mock-refresh-{number:08d}",
            linked_account_id=linked_account_id,
            expires_at=self._clock() + (self._seconds if expires_in is None else expires_in),
            api_key=api_key,
        )
        self._by_token[token.token] = self._newest[linked_account_id] = token
        return token

    def reuse_or_mint(self, linked_account_id: str, *, api_key: str) -> MockSessionToken:
        """Return the account's newest token if it is still valid, else a new one.

        Args:
            linked_account_id: The linked account.
            api_key: The key with which a new one is made.
        """
        newest = self._newest.get(linked_account_id)
        return (
            newest if newest is not None and self._is_valid(newest) else self.mint(linked_account_id, api_key=api_key)
        )

    def find(self, token: str) -> MockSessionToken | None:
        """Return a token, valid or not, or None if it does not exist."""
        return self._by_token.get(token)

    def find_valid(self, token: str) -> MockSessionToken | None:
        """Return a token, or None if it does not exist, has expired or was revoked."""
        found = self._by_token.get(token)
        return found if found is not None and self._is_valid(found) else None

    def document(self, token: MockSessionToken) -> dict[str, Any]:
        """Return a token as the API shows it: valid for whole seconds; for less than a minute, in milliseconds."""
        left = max(0.0, token.expires_at - self._clock())
        return {
            "token": token.token,
            "refresh_token": token.refresh_token,
            "expires_in": round(left, 3) if left < _SHORT else round(left),
            "refresh_expires_in": _REFRESH_SECONDS,
        }

    def _is_valid(self, token: MockSessionToken) -> bool:
        return not token.revoked and self._clock() < token.expires_at
