"""`refold accounts`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from refold_async.cli.confirmation import confirm_write
from refold_async.cli.options import ConfirmationOptions, Options, WholeNumber
from refold_async.cli.output import print_record, print_some
from refold_async.cli.session import open_client
from refold_async.cli.suggestions import SOME, suggesting

if TYPE_CHECKING:
    from refold_async import LinkedAccount

__all__ = ["get", "list_accounts", "upsert"]


async def list_accounts(
    *, options: Options = Options(), connected_to: str | None = None, limit: WholeNumber | None = None
) -> None:
    """List the linked accounts of your organisation.

    Args:
        connected_to: Only those that have connected this app and need not reconnect it.
        limit: How many at most; by default 100 on a terminal and all elsewhere.
    """
    async with open_client(options) as refold:
        await print_some(
            options,
            refold.linked_accounts.list(connected_to=connected_to),
            limit,
            ("ACCOUNT", lambda account: account.linked_account_id),
            ("NAME", lambda account: account.name),
            ("ENVIRONMENT", lambda account: account.environment),
            ("CONNECTED APPS", _apps),
            ("CREATED", lambda account: account.created_at),
        )


async def get(account: str, /, *, options: Options = Options()) -> None:
    """Get a linked account.

    Args:
        account: Your own id of the customer.
    """
    async with open_client(options) as refold:

        async def known() -> Mapping[str, str]:
            return {
                one.linked_account_id: one.linked_account_id
                for one in await refold.linked_accounts.list(page_size=SOME).collect(limit=SOME)
            }

        async with suggesting(account, known):
            print_record(
                options,
                await refold.linked_accounts.get(account),
                ("ACCOUNT", lambda account: account.linked_account_id),
                ("NAME", lambda account: account.name),
                ("ENVIRONMENT", lambda account: account.environment),
                ("CONNECTED APPS", _apps),
                ("FIELDS", _fields),
                ("CREATED", lambda account: account.created_at),
            )


async def upsert(
    account: str,
    /,
    *,
    options: Options = Options(),
    confirmation: ConfirmationOptions = ConfirmationOptions(),
    name: str | None = None,
) -> None:
    """Create a linked account, or change its name.

    Args:
        account: Your own id of the customer.
        name: The display name.
    """
    async with open_client(options) as refold:
        confirm_write(refold.environment, f"Upsert linked account {account}", confirmation)
        made = await refold.linked_accounts.upsert(account, name=name)
    print_record(
        options,
        made,
        ("ACCOUNT", lambda account: account.linked_account_id),
        ("NAME", lambda account: account.name),
        ("ENVIRONMENT", lambda account: account.environment),
    )


def _apps(account: "LinkedAccount") -> str:
    return ", ".join(
        f"{app.slug or app.name or app.app_id}{'' if app.state == 'connected' else ' (reconnect)'}"
        for app in account.integrations or ()
    )


def _fields(account: "LinkedAccount") -> str:
    return ", ".join(f"{name}={value}" for name, value in account.user_defined_fields.items())
