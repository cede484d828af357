"""Session tokens, as Refold hands them out."""

import attrs

from refold_async.models.model import Result

__all__ = ["SessionToken"]


@attrs.frozen(eq=False, repr=False)
class SessionToken(Result):
    """A token that stands for one linked account, in place of the API key. Its `repr` does not show it."""

    token: str = attrs.field(repr=False)
    """What `account_from_session_token()` takes."""
    refresh_token: str | None = attrs.field(default=None, repr=False)
    """Refold's token to renew it by; `create(..., force_refresh=True)` does so too."""
    expires_in: float | None = None
    """Seconds until it expires, from when it was handed out."""
    refresh_expires_in: float | None = None
    """Seconds until the refresh token expires."""
    is_api_token: bool | None = None
    """Whether it is a token for the API."""
