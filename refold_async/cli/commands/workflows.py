"""`refold workflows`."""

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, cast

from cyclopts import Parameter

from refold_async.cli.confirmation import confirm_write
from refold_async.cli.dry_run import print_request
from refold_async.cli.failures import UsageError, say
from refold_async.cli.following import print_return_value, say_started, started
from refold_async.cli.options import AccountOptions, WaitOptions, WholeNumber, WriteOptions
from refold_async.cli.output import print_json, print_list, print_record, print_some, wants_json
from refold_async.cli.parameters import PARAMETERS_HELP, parse_parameters
from refold_async.cli.rewording import reworded
from refold_async.cli.session import open_account, open_client
from refold_async.cli.suggestions import SOME, suggesting
from refold_async.errors import ConfigurationError, NotFoundError, ParameterError, RefoldError

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from refold_async import AccountScope

__all__ = ["get", "list_workflows", "params", "run"]


async def list_workflows(
    *,
    options: AccountOptions,
    slug: str | None = None,
    name: str | None = None,
    published: bool = False,
    limit: WholeNumber | None = None,
) -> None:
    """List the workflows of a linked account.

    Args:
        slug: Only those of this app.
        name: Only those whose name contains this.
        published: Only those that are published, which can be run.
        limit: How many at most; by default 100 on a terminal and all elsewhere.
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
    """Get a workflow.

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
    """Show which payload a workflow takes, and a sample of it.

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
    """Run a workflow, wait for its end, and print its return value.

    Args:
        workflow_id: The workflow's id; with --slug, also its alias.
        slug: The app that the workflow belongs to; by default Refold is asked for it.
        dry_run: Check the payload, and print the request with the key hidden. Nothing is started.
        no_wait: Start it, print the id of its execution, and do not wait for its end.
        config_id: The config to use.
        connection_id: The connection to use, if the config has several.
        instance_tag: A label for the execution.
    """
    values = parse_parameters(payload)
    async with open_client(options) as refold:
        account = refold.account(options.account)
        async with _suggesting(account, workflow_id):
            call: dict[str, Any] = {
                "slug": slug or await _slug_of(account, workflow_id),
                "payload": values,
                "config_id": config_id,
                "connection_id": connection_id,
                "instance_tag": instance_tag,
            }
            await _check(account, options.account, workflow_id, values)
            if dry_run:
                from refold_async.protocol import requests

                print_request(refold, requests.execute_workflow(workflow_id, **call), options.account)
                return
            confirm_write(refold.environment, f"Run workflow {workflow_id} for {options.account}", write)
            execution = await account.execute_workflow(workflow_id, **call)
        if no_wait:
            say_started(execution.execution_id, options)
            print_record(options, execution, ("EXECUTION", lambda execution: execution.execution_id))
            return
        say(f"Started execution {execution.execution_id} of workflow {workflow_id}.")
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
        raise UsageError(
            f"Refold does not say which app workflow {workflow_id} belongs to: pass --slug. Nothing was started."
        )
    return slug


async def _check(account: "AccountScope", account_id: str, workflow_id: str, payload: Any) -> None:
    """Check a payload before anything is started."""
    try:
        structure = await account.workflows.request_structure(workflow_id)
    except NotFoundError as error:  # perhaps it is an alias, which runs with --slug
        say(f"The payload was not checked: {reworded(error.message)}")
        return
    except RefoldError as error:
        error.add_note("Nothing was started, because the payload could not be checked.")
        raise
    try:
        structure.validate(payload)
    except ConfigurationError as error:  # jsonschema is not installed, or the schema is not one
        say(f"The payload was not checked: {reworded(error.message)}")
    except ParameterError as error:
        command = shlex.join(["refold", "workflows", "params", workflow_id, "-a", account_id])
        error.add_note(f"`{command}` shows what it takes.")
        raise


def _fields(schema: Any) -> list[tuple[str, object, bool, object]]:
    """Return the fields of an object by its JSON Schema: name, type, whether it is required, description."""
    properties, required = _object(_object(schema).get("properties")), _object(schema).get("required")
    names = cast("list[object]", required) if isinstance(required, list) else []
    return [
        (name, _object(field).get("type"), name in names, _object(field).get("description"))
        for name, field in properties.items()
    ]


def _object(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _suggesting(account: "AccountScope", workflow_id: str) -> "AbstractAsyncContextManager[None]":
    """Add to the error for an unknown workflow which one the user probably meant, also by its name or alias."""

    async def known() -> Mapping[str, str]:
        return {
            word: workflow.workflow_id
            for workflow in await account.workflows.list(page_size=SOME).collect(limit=SOME)
            for word in (workflow.workflow_id, workflow.name, workflow.workflow_alias)
            if word
        }

    return suggesting(workflow_id, known)
