"""`refold webhooks`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from cyclopts import Parameter

from refold_async.cli.confirmation import confirm_write
from refold_async.cli.failures import UsageError, say
from refold_async.cli.options import ConfirmationOptions, Options
from refold_async.cli.output import Column, print_json, print_line, print_record, print_some, wants_json
from refold_async.cli.parameters import parse_headers, read_bytes
from refold_async.cli.session import api_key, open_client
from refold_async.cli.suggestions import SOME, suggesting

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from refold_async import AsyncRefold

__all__ = ["create", "delete", "get", "list_webhooks", "sign", "verify"]

_File: TypeAlias = Annotated[str, Parameter(allow_leading_hyphen=True)]
"""A file; - is stdin."""
_COLUMNS: tuple[Column, ...] = (
    ("WEBHOOK", lambda webhook: webhook.webhook_id),
    ("URL", lambda webhook: webhook.webhook_url),
    ("EVENTS", lambda webhook: ", ".join(map(str, webhook.webhook_events))),
    ("ENABLED", lambda webhook: webhook.is_enabled),
)


async def list_webhooks(*, options: Options = Options(), limit: int | None = None) -> None:
    """List where Refold sends webhooks.

    Args:
        limit: How many at most; by default 100 on a terminal, and all elsewhere.
    """
    async with open_client(options) as refold:
        await print_some(options, refold.webhooks.list(), limit, *_COLUMNS)


async def get(webhook_id: str, /, *, options: Options = Options()) -> None:
    """Show a webhook.

    Args:
        webhook_id: The webhook's id.
    """
    async with open_client(options) as refold, _suggesting(refold, webhook_id):
        print_record(options, await refold.webhooks.get(webhook_id), *_COLUMNS)


async def create(
    url: str,
    /,
    *events: str,
    options: Options = Options(),
    confirmation: ConfirmationOptions = ConfirmationOptions(),
    description: str | None = None,
    header: Annotated[list[str] | None, Parameter(name=["--header", "-H"])] = None,
    method: Literal["POST", "PUT", "PATCH"] | None = None,
    slug: str | None = None,
    workflow_id: list[str] | None = None,
) -> None:
    """Have Refold send events to a URL.

    Args:
        url: Where to send them.
        events: Which, such as "Connection Expired" or "Workflow Errored".
        description: What it is for.
        header: A header to send along, as name=text or name=@FILE; may be given several times.
        method: The HTTP method; by default POST.
        slug: Only events of this app.
        workflow_id: Only events of this workflow; may be given several times.
    """
    if not events:
        raise UsageError('Name the events to send, such as "Connection Expired" or "Workflow Errored".')
    headers = parse_headers(header or ())
    async with open_client(options) as refold:
        _confirm(refold, f"Have webhooks sent to {url}", confirmation)
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
    """Have Refold send no more events to a URL.

    Args:
        webhook_id: The webhook's id.
    """
    async with open_client(options) as refold:
        _confirm(refold, f"Delete webhook {webhook_id}", confirmation)
        async with _suggesting(refold, webhook_id):
            left = await refold.webhooks.delete(webhook_id)
    if wants_json(options):
        print_json(left)
    else:
        say(f"Deleted webhook {webhook_id}.")


def sign(file: _File, /, *, options: Options = Options()) -> None:
    """Print the signature that Refold would send with a webhook, to test your receiver with.

    Args:
        file: The file that holds the webhook's body, or - for stdin.
    """
    from refold_async import webhooks

    signature = webhooks.sign(read_bytes(file), api_key(options))
    if options.json:
        print_json({webhooks.SIGNATURE_HEADER: signature})
    else:
        print_line(signature)


def verify(file: _File, /, *, signature: str, options: Options = Options()) -> None:
    """Check that a webhook was signed with your API key, and print its event.

    Args:
        file: The file that holds the webhook's body as it came, or - for stdin.
        signature: Its header x-cobalt-signature.
    """
    from refold_async import webhooks

    event: Any = webhooks.unwrap(read_bytes(file), {webhooks.SIGNATURE_HEADER: signature}, api_key(options))
    print_json(event)


def _confirm(refold: "AsyncRefold", what: str, confirmation: ConfirmationOptions) -> None:
    confirm_write(refold.environment, what, yes=confirmation.yes, may_read=False)


def _suggesting(refold: "AsyncRefold", webhook_id: str) -> "AbstractAsyncContextManager[None]":
    """Have the error for a webhook that is unknown tell which was meant."""

    async def known() -> Mapping[str, str]:
        return {webhook.webhook_id: webhook.webhook_id for webhook in await refold.webhooks.list().collect(limit=SOME)}

    return suggesting(webhook_id, known)
