"""Links with which the owner of a linked account connects apps, as Refold returns them."""

import attrs

from refold_async.models.model import Result

__all__ = ["ConnectUrl", "OAuthUrl"]


@attrs.frozen(eq=False, repr=False)
class ConnectUrl(Result):
    """A link to a page of Refold where the owner of a linked account connects and reconnects apps.

    Give it only to that owner: everybody who has the link can act for the account there. The `repr` does not show it.
    """

    hosted_url: str = attrs.field(repr=False)
    """The link, for an `href` or a redirect. It is valid for 3 days."""


@attrs.frozen(eq=False, repr=False)
class OAuthUrl(Result):
    """A link to a page of an app where the owner of a linked account permits Refold to act.

    Give it only to that owner: anybody else who has the link could connect an account of their own. The `repr` does not
    show it.
    """

    auth_url: str = attrs.field(repr=False)
    """The link, for an `href` or a redirect. The app then sends the user back to Refold."""
