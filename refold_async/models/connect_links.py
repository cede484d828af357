"""Links by which the owner of a linked account connects apps, as Refold gives them."""

import attrs

from refold_async.models.model import Result

__all__ = ["ConnectUrl", "OAuthUrl"]


@attrs.frozen(eq=False, repr=False)
class ConnectUrl(Result):
    """A link to a page of Refold's on which the owner of a linked account connects and reconnects apps.

    Give it to nobody else: whoever has it acts for the account there. Its `repr` does not show it.
    """

    hosted_url: str = attrs.field(repr=False)
    """The link, for the `href` of a page or a redirect. Refold keeps it for 3 days."""


@attrs.frozen(eq=False, repr=False)
class OAuthUrl(Result):
    """A link to the page of an app on which the owner of a linked account allows Refold to act.

    Give it to nobody else: whoever has it connects an account of theirs. Its `repr` does not show it.
    """

    auth_url: str = attrs.field(repr=False)
    """The link, for the `href` of a page or a redirect. From there the app sends its user back to Refold."""
