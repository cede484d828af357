"""`refold apps`."""

from refold_async.cli.options import AccountOptions
from refold_async.cli.output import print_list
from refold_async.cli.session import open_account

__all__ = ["apps"]


async def apps(*, options: AccountOptions) -> None:
    """List the apps, and whether the linked account has connected them.

    Apps with the state reconnect need new credentials: `refold connect` prints a link for the customer.
    """
    async with open_account(options) as account:
        await print_list(
            options,
            await account.applications.list(),
            ("SLUG", lambda app: app.slug),
            ("NAME", lambda app: app.name),
            ("CONNECTION", lambda app: app.state),
        )
