"""`refold actions`, `refold params` and `refold execute`."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from refold_async.cli.confirmation import confirm_write
from refold_async.cli.dry_run import print_request
from refold_async.cli.failures import say
from refold_async.cli.options import AccountOptions, WriteOptions
from refold_async.cli.output import print_json, print_list, wants_json
from refold_async.cli.parameters import PARAMETERS_HELP, parse_parameters
from refold_async.cli.session import open_account, open_client
from refold_async.cli.suggestions import closest, noting
from refold_async.cli.write_effects import only_reading
from refold_async.errors import ParameterError, RefoldError

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from refold_async import AccountScope, ActionResult

__all__ = ["actions", "execute", "params", "suggesting"]


async def actions(slug: str, /, *, options: AccountOptions) -> None:
    """List the actions of an app.

    Args:
        slug: The app, such as hubspot.
    """
    async with open_account(options) as account, suggesting(account, slug):
        await print_list(
            options,
            await account.list_actions(slug),
            ("ACTION", lambda action: action.action_id),
            ("NAME", lambda action: action.name),
            ("DESCRIPTION", lambda action: action.description),
        )


async def params(slug: str, action_id: str, /, *, options: AccountOptions) -> None:
    """Show which parameters an action takes.

    Args:
        slug: The app, such as hubspot.
        action_id: The action, such as get_contact.
    """
    async with open_account(options) as account, suggesting(account, slug, action_id):
        await print_list(
            options,
            await account.get_action_parameters(slug, action_id),
            ("PARAMETER", lambda parameter: parameter.name),
            ("TYPE", lambda parameter: parameter.type),
            ("REQUIRED", lambda parameter: parameter.required),
            ("NAME", lambda parameter: parameter.label),
        )


async def execute(
    slug: str,
    action_id: str,
    /,
    *parameters: Annotated[str, Parameter(help=PARAMETERS_HELP)],
    options: AccountOptions,
    write: WriteOptions = WriteOptions(),
    dry_run: bool = False,
    connection_id: str | None = None,
    save_to: Annotated[Path | None, Parameter(name="--save-to")] = None,
) -> None:
    """Execute an action, and print the app's data.

    Args:
        slug: The app, such as hubspot.
        action_id: The action, such as create_contact.
        dry_run: Check the parameters, and print the request with the key hidden. Nothing is executed.
        connection_id: The connection to use, if the linked account has several.
        save_to: If the app responds with a file, save it to this path.
    """
    values = parse_parameters(parameters)
    async with open_client(options) as refold:
        account = refold.account(options.account)
        async with suggesting(account, slug, action_id):
            await _check(account, options.account, slug, action_id, values)
        if dry_run:
            from refold_async.protocol import requests

            request = requests.execute_action(slug, action_id, values, connection_id=connection_id)
            print_request(refold, request, options.account)
            return
        confirm_write(refold.environment, f"Execute {action_id} of {slug} for {options.account}", write)
        with only_reading(write.read):
            result = await account.execute_action(
                slug, action_id, values, idempotent=write.read, connection_id=connection_id, save_to=save_to
            )
    _print_result(options, result)


async def _check(account: "AccountScope", account_id: str, slug: str, action_id: str, values: dict[str, Any]) -> None:
    """Check parameters before anything is executed."""
    try:
        parameters = await account.get_action_parameters(slug, action_id)
    except RefoldError as error:
        error.add_note("Nothing was executed, because the parameters of the action could not be read.")
        raise
    try:
        parameters.validate(values)
    except ParameterError as error:
        command = shlex.join(["refold", "params", slug, action_id, "-a", account_id])
        error.add_note(f"`{command}` shows which it takes.")
        raise


def _print_result(options: AccountOptions, result: "ActionResult[Any]") -> None:
    print_json(result.data)
    if not wants_json(options):
        attempts = "1 attempt" if result.meta.attempts == 1 else f"{result.meta.attempts} attempts"
        status = "" if result.http_status is None else f" (HTTP {result.http_status} from the app)"
        say(f"{result.node_status}{status}, {attempts}, {result.meta.elapsed:.2f} s.")


def suggesting(account: "AccountScope", slug: str, action_id: str | None = None) -> "AbstractAsyncContextManager[None]":
    """Add to the error for an unknown app or action which one the user probably meant."""

    async def meant() -> str | None:
        given, known = slug, [app.slug for app in await account.applications.list()]
        if slug in known and action_id is not None:
            given, known = action_id, [action.action_id for action in await account.list_actions(slug)]
        return closest(given, {name: name for name in known})

    return noting(meant)
