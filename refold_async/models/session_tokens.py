"""Session tokens, as Refold returns them."""

import attrs

from refold_async.models.model import Result

__all__ = ["SessionToken"]


@attrs.frozen(eq=False, repr=False)
class SessionToken(Result):
    """A token that gives access to one linked account, in place of the API key. The `repr` does not show it."""

    token: str = attrs.field(repr=False)
    """The token, which `account_from_session_token()` takes."""
    refresh_token: str | None = attrs.field(default=None, repr=False)
    """Refold's token to renew it with. You can also renew it with `create(..., force_refresh=True)`."""
    expires_in: float | None = None
    """Seconds until the token expires, counted from when Refold returned it."""
    refresh_expires_in: float | None = None
    """Seconds until the refresh token expires."""
    is_api_token: bool | None = None
    """Whether the token is for the API."""
