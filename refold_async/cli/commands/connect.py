"""`refold connect`."""

import sys
from collections.abc import Mapping

from refold_async.cli.failures import say
from refold_async.cli.options import AccountOptions, WaitOptions
from refold_async.cli.output import print_json, print_line
from refold_async.cli.session import open_account
from refold_async.cli.suggestions import suggesting
from refold_async.cli.terminal import is_terminal
from refold_async.models.connect_links import OAuthUrl

__all__ = ["connect"]


async def connect(
    slug: str,
    /,
    *,
    options: AccountOptions,
    wait_options: WaitOptions = WaitOptions(),
    oauth: bool = False,
    wait: bool = False,
) -> None:
    """Print the link by which the owner of a linked account connects an app, or reconnects it.

    Args:
        slug: The app, such as hubspot.
        oauth: The link of the app's own page, for apps that one connects by OAuth, instead of that of Refold's page.
        wait: Wait until the app is connected.
    """
    async with open_account(options) as account:

        async def known() -> Mapping[str, str]:
            return {app.slug: app.slug for app in await account.applications.list()}

        async with suggesting(slug, known, likeness=0.6):
            state = (await account.applications.get(slug)).state
            link = await (account.applications.oauth_url(slug) if oauth else account.connect_url())
        if options.json:
            print_json(link)
        else:
            print_line(link.auth_url if isinstance(link, OAuthUrl) else link.hosted_url)
        if is_terminal(sys.stdout):
            now = {"connected": "It is connected now.", "reconnect": "Its credentials no longer work."}.get(state, "")
            days = "" if oauth else " It is good for 3 days."
            say(
                f"Give this link to the owner of {options.account} and to nobody else: there they connect {slug}. "
                f"{now}{days}"
            )
        if wait:
            say(f"Waiting until {slug} is connected; Ctrl-C ends the wait, and the link stays good.")
            await account.applications.wait_connected(slug, timeout=wait_options.max_wait)
            say(f"{slug} is connected.")
