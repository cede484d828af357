"""`refold workflows`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, cast

from cyclopts import Parameter

from refold_async.cli.confirmation import confirm_write
from refold_async.cli.dry_run import print_request
from refold_async.cli.failures import UsageError, say
from refold_async.cli.following import print_return_value, started
from refold_async.cli.options import AccountOptions, WaitOptions, WriteOptions
from refold_async.cli.output import print_json, print_list, print_record, print_some, wants_json
from refold_async.cli.parameters import PARAMETERS_HELP, parse_parameters
from refold_async.cli.rewording import reworded
from refold_async.cli.session import open_account, open_client
from refold_async.cli.suggestions import SOME, suggesting
from refold_async.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from refold_async import AccountScope, RequestStructure

__all__ = ["get", "list_workflows", "params", "run"]


async def list_workflows(
    *,
    options: AccountOptions,
    slug: str | None = None,
    name: str | None = None,
    published: bool = False,
    limit: int | None = None,
) -> None:
    """List the workflows of a linked account.

    Args:
        slug: Only those of this app.
        name: Only those whose name holds this.
        published: Only those that can be run.
        limit: How many at most; by default 100 on a terminal, and all elsewhere.
    """
    async with open_account(options) as account:
        await print_some(
            options,
            account.workflows.list(slug=slug, name=name, published=published or None),
            limit,
            ("WORKFLOW", lambda workflow: workflow.workflow_id),
            ("NAME", lambda workflow: workflow.name),
            ("APP", lambda workflow: workflow.slug),
            ("PUBLISHED", lambda workflow: workflow.published),
        )


async def get(workflow_id: str, /, *, options: AccountOptions) -> None:
    """Show a workflow.

    Args:
        workflow_id: The workflow's id.
    """
    async with open_account(options) as account, _suggesting(account, workflow_id):
        print_record(
            options,
            await account.workflows.get(workflow_id),
            ("WORKFLOW", lambda workflow: workflow.workflow_id),
            ("NAME", lambda workflow: workflow.name),
            ("DESCRIPTION", lambda workflow: workflow.description),
            ("APP", lambda workflow: workflow.slug),
            ("ALIAS", lambda workflow: workflow.workflow_alias),
            ("PUBLISHED", lambda workflow: workflow.published),
            ("NODES", lambda workflow: len(workflow.nodes)),
        )


async def params(workflow_id: str, /, *, options: AccountOptions) -> None:
    """Show what payload a workflow takes, and a sample of it.

    Args:
        workflow_id: The workflow's id.
    """
    async with open_account(options) as account, _suggesting(account, workflow_id):
        structure = await account.workflows.request_structure(workflow_id)
    if wants_json(options):
        print_json(structure)
        return
    await print_list(
        options,
        _fields(structure.schema),
        ("PARAMETER", lambda field: field[0]),
        ("TYPE", lambda field: field[1]),
        ("REQUIRED", lambda field: field[2]),
        ("DESCRIPTION", lambda field: field[3]),
    )
    if structure.payload is not None:
        say("A sample:")
        print_json(structure.payload)


async def run(
    workflow_id: str,
    /,
    *payload: Annotated[str, Parameter(help=PARAMETERS_HELP)],
    options: AccountOptions,
    write: WriteOptions = WriteOptions(),
    wait: WaitOptions = WaitOptions(),
    slug: str | None = None,
    dry_run: bool = False,
    no_wait: bool = False,
    config_id: str | None = None,
    connection_id: str | None = None,
    instance_tag: str | None = None,
) -> None:
    """Run a workflow, wait for its end, and print what it gives back.

    Args:
        workflow_id: The workflow's id, or with --slug its alias.
        slug: The app the workflow belongs to; by default it is looked up.
        dry_run: Start nothing: check the payload, and print the request with the key hidden.
        no_wait: Start it, print its execution's id, and do not wait for its end.
        config_id: The config to run under.
        connection_id: The connection to run by, where the config spans several.
        instance_tag: A label for the run.
    """
    values = parse_parameters(payload)
    async with open_client(options) as refold:
        account = refold.account(options.account)
        async with _suggesting(account, workflow_id):
            slug = slug or await _slug_of(account, workflow_id)
            if dry_run:
                from refold_async.protocol import requests

                _check(await account.workflows.request_structure(workflow_id), values)
                request = requests.execute_workflow(
                    workflow_id,
                    slug=slug,
                    payload=values,
                    config_id=config_id,
                    connection_id=connection_id,
                    instance_tag=instance_tag,
                )
                print_request(refold, request, options.account)
                return
            if not write.read:
                confirm_write(refold.environment, f"Run workflow {workflow_id} for {options.account}", yes=write.yes)
            execution = await account.execute_workflow(
                workflow_id,
                slug=slug,
                payload=values,
                config_id=config_id,
                connection_id=connection_id,
                instance_tag=instance_tag,
            )
        say(f"Started execution {execution.execution_id} of workflow {workflow_id}.")
        if no_wait:
            print_json(execution)
            return
        async with started(options, execution.execution_id):
            ended = await account.executions.wait(execution.execution_id, timeout=wait.max_wait)
    print_return_value(options, ended)


async def _slug_of(account: "AccountScope", workflow_id: str) -> str:
    try:
        slug = (await account.workflows.get(workflow_id)).slug
    except NotFoundError as error:
        error.add_note("If it is an alias, pass --slug with the app it belongs to.")
        raise
    if not slug:
        raise UsageError(f"Refold does not tell which app workflow {workflow_id} belongs to: pass --slug. Not started.")
    return slug


def _check(structure: "RequestStructure", payload: Any) -> None:
    try:
        structure.validate(payload)
    except ConfigurationError as error:  # the extra is not installed, or the schema is none
        say(f"The payload was not checked: {reworded(error.message)}")


def _fields(schema: Any) -> list[tuple[str, object, bool, object]]:
    """Return what a JSON Schema says of the fields of an object: name, type, whether it is required, description."""
    properties, required = _object(_object(schema).get("properties")), _object(schema).get("required")
    names = cast("list[object]", required) if isinstance(required, list) else []
    return [
        (name, _object(field).get("type"), name in names, _object(field).get("description"))
        for name, field in properties.items()
    ]


def _object(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _suggesting(account: "AccountScope", workflow_id: str) -> "AbstractAsyncContextManager[None]":
    """Have the error for a workflow that is unknown tell which was meant, also by its name or alias."""

    async def known() -> Mapping[str, str]:
        return {
            word: workflow.workflow_id
            for workflow in await account.workflows.list(page_size=SOME).collect(limit=SOME)
            for word in (workflow.workflow_id, workflow.name, workflow.workflow_alias)
            if word
        }

    return suggesting(workflow_id, known)
