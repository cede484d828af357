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
    """Print the link where a customer connects or reconnects an app.

    Args:
        slug: The app, such as hubspot.
        oauth: Print the link of the app's own OAuth page instead of Refold's page.
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
            now = {
                "connected": f"{slug} is already connected for {options.account}.",
                "reconnect": f"{slug} must be reconnected for {options.account}: its credentials no longer work.",
            }.get(state, "")
            valid = "" if oauth else " It is valid for 3 days."
            verb = "reconnect" if now else "connect"
            say(f"{now} To {verb} {slug}, send this link to {options.account} and to nobody else.{valid}")
        if wait:
            say(f"Waiting until {slug} is connected. Ctrl-C ends the wait; the link stays valid.")
            await account.applications.wait_connected(slug, timeout=wait_options.max_wait)
            say(f"{slug} is connected.")
