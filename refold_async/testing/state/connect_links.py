"""Links to the pages on which the owners of linked accounts connect apps."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from refold_async.testing.state.accounts import MockAccount

__all__ = ["ConnectLink", "ConnectLinkStore"]

_SECONDS: Final = 3 * 24 * 3600


@attrs.frozen(eq=False)
class ConnectLink:
    """One link.

    Attributes:
        token: The part of the URL that identifies it.
        account: The account whose apps the page connects.
        slug: The app that it connects; None for the page of all apps.
        properties: The data that its creator stored with it.
        expires_at: When it expires, in seconds of the mock's clock.
    """

    token: str
    account: MockAccount
    slug: str | None
    properties: Mapping[str, Any]
    expires_at: float


@attrs.define(eq=False)
class ConnectLinkStore:
    """All links of a mock.

    Args:
        clock: A monotonic clock in seconds.
    """

    _clock: Callable[[], float]
    _by_token: dict[str, ConnectLink] = attrs.field(factory=dict[str, ConnectLink], init=False)

    def make(
        self, account: MockAccount, *, slug: str | None = None, properties: Mapping[str, Any] | None = None
    ) -> ConnectLink:
        """Make a link that is valid for three days; `ConnectLink` describes the arguments."""
        kind = "connect" if slug is None else "oauth"
        token = f"mock-{kind}-{len(self._by_token) + 1:08d}"
        link = ConnectLink(token, account, slug, properties or {}, self._clock() + _SECONDS)
        self._by_token[token] = link
        return link

    def find_valid(self, token: str) -> ConnectLink | None:
        """Return a link, or None if it does not exist or has expired."""
        link = self._by_token.get(token)
        return link if link is not None and self._clock() < link.expires_at else None

    def newest_properties(self, account: MockAccount) -> Mapping[str, Any]:
        """Return what was stored with the newest link to the page of all apps of an account; nothing without one."""
        for link in reversed(self._by_token.values()):
            if link.account is account and link.slug is None:
                return link.properties
        return {}
