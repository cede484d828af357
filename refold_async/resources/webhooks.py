"""`refold.webhooks`: the URLs that Refold sends webhooks to. To read webhooks, use `refold_async.webhooks`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from refold_async.config.secret import hide_fields, texts_of
from refold_async.config.settings import Timeout
from refold_async.models.webhooks import WebhookSubscription
from refold_async.protocol.arguments import (
    Checks,
    anything,
    called,
    flag,
    group_name,
    line,
    list_of,
    mapping_of,
    one_of,
    text,
)
from refold_async.protocol.endpoints import Endpoint
from refold_async.protocol.pages import Listing
from refold_async.protocol.parsers import parse_if_sent, parse_list, parse_model
from refold_async.resources.resource import Resource, changes

__all__ = ["Webhooks"]

_WEBHOOK: Final = "webhook {webhook_id!r}"
_CHECK_THE_ID: Final = "Check its id: webhooks.list() gives all webhooks."

_FIELDS: Final[Checks] = {
    "webhook_url": line,
    "webhook_events": list_of(line, at_least=1),
    "webhook_type": line,
    "webhook_headers": mapping_of(line, line),
    "webhook_body": anything,
    "description": text,
    "method": one_of("POST", "PUT", "PATCH"),
    "slug": line,
    "workflow_ids": list_of(line),
    "is_enabled": flag,
}
"""What both a new and a changed webhook can have."""

_CREATE: Final = Endpoint(
    "POST",
    "/api/v2/public/webhook",
    "the new webhook",
    takes={**_FIELDS, "webhook_description": text, "group": line},
    required=("webhook_url", "webhook_events", "webhook_type"),
)
_LIST: Final = Endpoint("GET", "/api/v2/public/webhook", "the list of webhooks")
_GET: Final = Endpoint("GET", "/api/v2/public/webhook/{webhook_id}", _WEBHOOK, _CHECK_THE_ID)
_UPDATE: Final = Endpoint("PUT", "/api/v2/public/webhook/{webhook_id}", _WEBHOOK, _CHECK_THE_ID, takes=_FIELDS)
_EDIT_GROUP: Final = Endpoint(
    "PUT",
    "/api/v2/public/webhooks/group/edit",
    "the group of the webhooks",
    takes={"webhookIds": called("webhook_ids", list_of(line, at_least=1)), "group": group_name},
    required=("webhookIds", "group"),
)
_DELETE: Final = Endpoint("DELETE", "/api/v2/public/webhook/{webhook_id}", _WEBHOOK, _CHECK_THE_ID)

_parse_those_left: Final = parse_if_sent(parse_list(WebhookSubscription))


class Webhooks(Resource):
    """The webhook subscriptions of your organisation, as `refold.webhooks`."""

    __slots__ = ()

    async def create(
        self,
        webhook_url: str,
        webhook_events: Sequence[str],
        *,
        webhook_type: str = "default",
        description: str | None = None,
        webhook_description: str | None = None,
        webhook_headers: Mapping[str, str] | None = None,
        webhook_body: Any = None,
        method: Literal["POST", "PUT", "PATCH"] | None = None,
        slug: str | None = None,
        workflow_ids: Sequence[str] | None = None,
        group: str | None = None,
        is_enabled: bool | None = None,
        timeout: Timeout | float | None = None,
    ) -> WebhookSubscription:
        """Create a subscription, so that Refold sends events to a URL of your own. Refold page: *Create Webhook*.

        Args:
            webhook_url: The URL.
            webhook_events: The events to send: `Connection Created`, `Connection Deleted`, `Connection Expired`,
                `Workflow Completed`, `Workflow Errored`, `Workflow Stopped`, `Workflow Timed Out`.
            webhook_type: The format of the webhooks. `refold_async.webhooks` reads only `default`.
            description: The purpose of the subscription.
            webhook_description: The purpose of the subscription, as the Refold Console shows it.
            webhook_headers: Extra headers for Refold to send, such as a token of your own. No error shows their values.
            webhook_body: A template of the body to send, in place of the event itself.
            method: The HTTP method to use; by default `POST`.
            slug: Only events of this app.
            workflow_ids: Only events of these workflows.
            group: The group that the subscription should belong to.
            is_enabled: Whether to send webhooks from now on; by default True.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The subscription.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            BadRequestError: Refold refused the URL or an event.
            RefoldError: The call failed in another way; `effect` says whether the subscription may have been created.
        """
        webhook_headers = hide_fields(webhook_headers)
        request = _CREATE.request(body=_CREATE.taken(locals()), secrets=[*texts_of(webhook_headers)])
        return await self._send(request, parse_model(WebhookSubscription), timeout)

    async def update(
        self,
        webhook_id: str,
        *,
        webhook_url: str | None = None,
        webhook_events: Sequence[str] | None = None,
        webhook_type: str | None = None,
        description: str | None = None,
        webhook_headers: Mapping[str, str] | None = None,
        webhook_body: Any = None,
        method: Literal["POST", "PUT", "PATCH"] | None = None,
        slug: str | None = None,
        workflow_ids: Sequence[str] | None = None,
        is_enabled: bool | None = None,
        timeout: Timeout | float | None = None,
    ) -> WebhookSubscription:
        """Change a subscription; fields that you do not pass remain as they are. Refold page: *Update Webhook*.

        Args:
            webhook_id: The id of the subscription.
            webhook_url: The URL.
            webhook_events: All events to send, as for `create`; they replace the present ones.
            webhook_type: The format of the webhooks. `refold_async.webhooks` reads only `default`.
            description: The purpose of the subscription.
            webhook_headers: Extra headers for Refold to send, such as a token of your own. No error shows their values.
            webhook_body: A template of the body to send; Refold uses it only with `webhook_type="custom"`.
            method: The HTTP method to use.
            slug: Only events of this app.
            workflow_ids: Only events of these workflows; an empty list for those of all.
            is_enabled: Whether to send webhooks from now on.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The subscription as it is now.

        Raises:
            ConfigurationError: An argument is wrong, or there is nothing to change; the message says which.
            NotFoundError: There is no such subscription.
            BadRequestError: Refold refused the URL or an event.
            RefoldError: The call failed in another way; `effect` says whether the subscription may have been changed.
        """
        webhook_headers = hide_fields(webhook_headers)
        fields = changes(_UPDATE.taken(locals()), "is_enabled")
        request = _UPDATE.request(webhook_id, body=fields, secrets=[*texts_of(webhook_headers)])
        return await self._send(request, parse_model(WebhookSubscription), timeout)

    async def edit_group(
        self, webhook_ids: Sequence[str], group: str | None, *, timeout: Timeout | float | None = None
    ) -> list[WebhookSubscription]:
        """Put subscriptions into a group, or into none. Refold page: *Edit Webhook Group*.

        Args:
            webhook_ids: The ids of the subscriptions, at least one.
            group: The name of the group; None or an empty text for no group.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            These subscriptions as they are now.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            RefoldError: The call failed in another way; `effect` says whether subscriptions may have been changed.
        """
        request = _EDIT_GROUP.request(body={"webhookIds": webhook_ids, "group": group})
        return await self._send(request, parse_list(WebhookSubscription), timeout)

    async def delete(
        self, webhook_id: str, *, timeout: Timeout | float | None = None
    ) -> list[WebhookSubscription] | None:
        """Delete a subscription, so that Refold sends no more events to its URL. Refold page: *Delete Webhook*.

        Args:
            webhook_id: The id of the subscription.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The remaining subscriptions; None if Refold's response does not contain them.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such subscription.
            RefoldError: The call failed in another way; `effect` says whether the subscription may have been deleted.
        """
        return await self._send(_DELETE.request(webhook_id), _parse_those_left, timeout)

    def list(
        self, *, page_size: int | None = None, timeout: Timeout | float | None = None
    ) -> Listing[WebhookSubscription]:
        """Iterate over the subscriptions. Refold page: *List Webhooks*.

        Args:
            page_size: How many subscriptions to request per page; by default all of them in one response.
            timeout: Seconds for each page, or a `Timeout`; by default the client's.

        Returns:
            The subscriptions in the environment of the API key.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            RefoldError: A call that fetches a page failed.
        """
        return self._paginate(
            _LIST,
            model=WebhookSubscription,
            key=lambda webhook: webhook.webhook_id,
            page_size=page_size,
            comes_whole=True,
            timeout=timeout,
        )

    async def get(self, webhook_id: str, *, timeout: Timeout | float | None = None) -> WebhookSubscription:
        """Read one subscription. Refold page: *Get Webhook*.

        Args:
            webhook_id: The id of the subscription.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The subscription.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such subscription.
            RefoldError: The call failed in another way.
        """
        return await self._send(_GET.request(webhook_id), parse_model(WebhookSubscription), timeout)
