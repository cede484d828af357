"""`refold webhooks`."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

from cyclopts import Parameter

from refold_async.cli.confirmation import confirm_write
from refold_async.cli.failures import UsageError, say
from refold_async.cli.options import ConfirmationOptions, FileOrText, Options, WholeNumber
from refold_async.cli.output import Column, print_json, print_line, print_record, print_some, wants_json
from refold_async.cli.parameters import parse_headers, read_bytes
from refold_async.cli.session import api_key, open_client
from refold_async.cli.suggestions import SOME, closest, suggesting
from refold_async.errors import BadRequestError

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from refold_async import AsyncRefold

__all__ = ["create", "delete", "get", "list_webhooks", "sign", "verify"]

_File: TypeAlias = Annotated[FileOrText, Parameter(allow_leading_hyphen=True)]
"""A file, or - for stdin."""
# Refold may add events, so it decides which ones it accepts.
_EVENTS: Final = (
    *("Connection Created", "Connection Deleted", "Connection Expired"),
    *("Workflow Completed", "Workflow Errored", "Workflow Stopped", "Workflow Timed Out"),
)
_EVENTS_HELP: Final = f"The events to send, each in quotes: {', '.join(_EVENTS)}."
_COLUMNS: tuple[Column, ...] = (
    ("WEBHOOK", lambda webhook: webhook.webhook_id),
    ("URL", lambda webhook: webhook.webhook_url),
    ("EVENTS", lambda webhook: ", ".join(map(str, webhook.webhook_events))),
    ("ENABLED", lambda webhook: webhook.is_enabled),
    ("DESCRIPTION", lambda webhook: webhook.description or webhook.webhook_description),
)


async def list_webhooks(*, options: Options = Options(), limit: WholeNumber | None = None) -> None:
    """List the webhooks.

    Args:
        limit: How many at most; by default 100 on a terminal and all elsewhere.
    """
    async with open_client(options) as refold:
        await print_some(options, refold.webhooks.list(), limit, *_COLUMNS)


async def get(webhook_id: str, /, *, options: Options = Options()) -> None:
    """Get a webhook.

    Args:
        webhook_id: The webhook's id.
    """
    async with open_client(options) as refold, _suggesting(refold, webhook_id):
        print_record(options, await refold.webhooks.get(webhook_id), *_COLUMNS)


async def create(
    url: str,
    /,
    *events: Annotated[str, Parameter(help=_EVENTS_HELP)],
    options: Options = Options(),
    confirmation: ConfirmationOptions = ConfirmationOptions(),
    description: str | None = None,
    header: Annotated[list[str] | None, Parameter(name=["--header", "-H"])] = None,
    method: Literal["POST", "PUT", "PATCH"] | None = None,
    slug: str | None = None,
    workflow_id: list[str] | None = None,
) -> None:
    """Create a webhook: Refold sends events to a URL.

    Args:
        url: The URL to send the events to.
        description: What the webhook is for.
        header: A header to send with each event, as name=text or name=@FILE; may be given several times.
        method: The HTTP method; by default POST.
        slug: Only events of this app.
        workflow_id: Only events of this workflow; may be given several times.
    """
    if not events:
        raise UsageError(f"Name the events to send: {_quoted(_EVENTS)}.")
    headers = parse_headers(header or ())
    async with open_client(options) as refold:
        confirm_write(refold.environment, f"Create a webhook for {url}", confirmation)
        with _naming_events(events):
            made = await refold.webhooks.create(
                url,
                events,
                description=description,
                webhook_headers=headers or None,
                method=method,
                slug=slug,
                workflow_ids=workflow_id,
            )
    print_record(options, made, *_COLUMNS)


async def delete(
    webhook_id: str,
    /,
    *,
    options: Options = Options(),
    confirmation: ConfirmationOptions = ConfirmationOptions(),
) -> None:
    """Delete a webhook.

    Args:
        webhook_id: The webhook's id.
    """
    async with open_client(options) as refold:
        confirm_write(refold.environment, f"Delete webhook {webhook_id}", confirmation)
        async with _suggesting(refold, webhook_id):
            left = await refold.webhooks.delete(webhook_id)
    if wants_json(options):
        print_json(left)
    else:
        say(f"Deleted webhook {webhook_id}.")


def sign(file: _File, /, *, options: Options = Options()) -> None:
    """Print the signature of a webhook, to test your receiver.

    Args:
        file: The file with the body of the webhook, or - for stdin.
    """
    from refold_async import webhooks

    signature = webhooks.sign(read_bytes(str(file)), api_key(options))
    if options.json:
        print_json({webhooks.SIGNATURE_HEADER: signature})
    else:
        print_line(signature)


def verify(file: _File, /, *, signature: str, options: Options = Options()) -> None:
    """Check that a webhook was signed with your API key, and print its event.

    Args:
        file: The file with the body of the webhook, unchanged, or - for stdin.
        signature: The value of its header x-cobalt-signature.
    """
    from refold_async import webhooks

    event: Any = webhooks.unwrap(read_bytes(str(file)), {webhooks.SIGNATURE_HEADER: signature}, api_key(options))
    print_json(event)


@contextmanager
def _naming_events(events: tuple[str, ...]) -> Generator[None]:
    """Add to the error for events that Refold does not accept which there are."""
    try:
        yield
    except BadRequestError as error:
        unknown = [event for event in events if event not in _EVENTS]
        if unknown:
            found = closest(unknown[0], {event: event for event in _EVENTS})
            error.add_note(f"Did you mean {found!r}?" if found else f"The events are {_quoted(_EVENTS)}.")
        raise


def _quoted(events: tuple[str, ...]) -> str:
    return ", ".join(f'"{event}"' for event in events)


def _suggesting(refold: "AsyncRefold", webhook_id: str) -> "AbstractAsyncContextManager[None]":
    """Add to the error for an unknown webhook which one the user probably meant."""

    async def known() -> Mapping[str, str]:
        return {webhook.webhook_id: webhook.webhook_id for webhook in await refold.webhooks.list().collect(limit=SOME)}

    return suggesting(webhook_id, known)
