"""`refold connect`."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import Parameter

from refold_async.cli.failures import UsageError, say
from refold_async.cli.options import AccountOptions, WaitOptions
from refold_async.cli.output import print_json, print_line
from refold_async.cli.parameters import PARAMETERS_HELP, parse_parameters
from refold_async.cli.session import open_account
from refold_async.cli.suggestions import closest, suggesting
from refold_async.cli.terminal import is_terminal
from refold_async.errors import BadRequestError
from refold_async.models.connect_links import OAuthUrl

if TYPE_CHECKING:
    from refold_async import AccountScope, Application

__all__ = ["connect"]

_FIELDS_HELP: Final = (
    f"With --oauth, what some apps need to know first, such as the address of a shop: {PARAMETERS_HELP}"
)


async def connect(
    slug: str,
    /,
    *fields: Annotated[str, Parameter(help=_FIELDS_HELP)],
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
    values = parse_parameters(fields)
    if values and not oauth:
        raise UsageError(
            "Refold's page asks the customer for everything that the app needs: leave out "
            f"{' and '.join(f'{name}=' for name in values)}, or pass --oauth."
        )
    async with open_account(options) as account:

        async def known() -> Mapping[str, str]:
            return {app.slug: app.slug for app in await account.applications.list()}

        async with suggesting(slug, known, likeness=0.6):
            application = await account.applications.get(slug)
            link = await (_oauth_url(account, application, values) if oauth else account.connect_url())
        if options.json:
            print_json(link)
        else:
            print_line(link.auth_url if isinstance(link, OAuthUrl) else link.hosted_url)
        if is_terminal(sys.stdout):
            now = {
                "connected": f"{slug} is already connected for {options.account}.",
                "reconnect": f"{slug} must be reconnected for {options.account}: its credentials no longer work.",
            }.get(application.state, "")
            valid = "" if oauth else " It is valid for 3 days."
            verb = "reconnect" if now else "connect"
            say(f"{now} To {verb} {slug}, send this link to {options.account} and to nobody else.{valid}")
        if wait:
            say(f"Waiting until {slug} is connected. Ctrl-C ends the wait; the link stays valid.")
            await account.applications.wait_connected(slug, timeout=wait_options.max_wait)
            say(f"{slug} is connected.")


async def _oauth_url(account: "AccountScope", application: "Application", values: dict[str, Any]) -> OAuthUrl:
    """Create the link of an app's own OAuth page. Errors name the fields that Refold lists for the app."""
    listed = [field.name for field in application.auth_input_map if field.name]
    unknown = [name for name in values if name not in listed]
    if listed and unknown:
        meant = closest(unknown[0], {name: name for name in listed})
        raise UsageError(
            f"{application.slug} has no field {unknown[0]!r}{f' (did you mean {meant!r}?)' if meant else ''}, only "
            f"{', '.join(listed)}. No link was made."
        )
    try:
        return await account.applications.oauth_url(application.slug, fields=values or None)
    except BadRequestError as error:
        if missing := [name for name in listed if name not in values]:
            error.add_note(
                f"Fields that {application.slug} may need: {', '.join(f'{name}=VALUE' for name in missing)}."
            )
        raise
