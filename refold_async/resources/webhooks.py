"""`refold.webhooks`: the URLs that Refold sends webhooks to. To read webhooks, use `refold_async.webhooks`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from refold_async.config.settings import Timeout
from refold_async.config.validation import check_bool, check_header_value, check_string
from refold_async.errors import APIResponseValidationError, ConfigurationError
from refold_async.models.webhooks import WebhookSubscription
from refold_async.protocol.encoding import given_texts
from refold_async.protocol.endpoints import Endpoint, Request
from refold_async.protocol.pages import Listing
from refold_async.protocol.parsers import parse_list, parse_model
from refold_async.protocol.responses import Response
from refold_async.resources.resource import Resource

__all__ = ["Webhooks"]

_WEBHOOK: Final = "webhook {webhook_id!r}"
_CHECK_THE_ID: Final = "Check its id: webhooks.list() gives all webhooks."

_CREATE: Final = Endpoint("POST", "/api/v2/public/webhook", "the new webhook")
_LIST: Final = Endpoint("GET", "/api/v2/public/webhook", "the list of webhooks")
_GET: Final = Endpoint("GET", "/api/v2/public/webhook/{webhook_id}", _WEBHOOK, _CHECK_THE_ID)
_DELETE: Final = Endpoint("DELETE", "/api/v2/public/webhook/{webhook_id}", _WEBHOOK, _CHECK_THE_ID)


def _parse_those_left(response: Response, request: Request) -> list[WebhookSubscription] | None:
    """Parse the response to a deletion: the status says that it succeeded, whatever the body is."""
    try:
        return parse_list(WebhookSubscription)(response, request)
    except APIResponseValidationError:
        return None


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
            webhook_headers: Extra headers for Refold to send.
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
        if isinstance(webhook_events, str) or not isinstance(webhook_events, Sequence) or not webhook_events:
            raise ConfigurationError("webhook_events must be a list of event names, such as ['Workflow Errored'].")
        if isinstance(workflow_ids, str) or not isinstance(workflow_ids, Sequence | None):
            raise ConfigurationError("workflow_ids must be a list of workflow ids.")
        if webhook_headers is not None and not isinstance(webhook_headers, Mapping):
            raise ConfigurationError(f"webhook_headers must be a mapping, not {type(webhook_headers).__name__}.")
        if method not in (None, "POST", "PUT", "PATCH"):
            raise ConfigurationError(f"method must be 'POST', 'PUT' or 'PATCH', got {method!r}.")
        body = {
            "webhook_url": check_header_value("webhook_url", webhook_url),
            "webhook_events": [check_header_value("webhook_events", event) for event in webhook_events],
            "webhook_type": check_header_value("webhook_type", webhook_type),
            "description": None if description is None else check_string("description", description),
            "webhook_description": (
                None if webhook_description is None else check_string("webhook_description", webhook_description)
            ),
            "webhook_headers": None if webhook_headers is None else _checked_headers(webhook_headers),
            "webhook_body": webhook_body,
            "method": method,
            "workflow_ids": (
                None
                if workflow_ids is None
                else [check_header_value("workflow_ids", workflow_id) for workflow_id in workflow_ids]
            ),
            "is_enabled": None if is_enabled is None else check_bool("is_enabled", is_enabled),
            **given_texts(slug=slug, group=group),
        }
        return await self._send(_CREATE.request(body=body), parse_model(WebhookSubscription), timeout)

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
            NotFoundError: There is no such subscription.
        """
        return await self._send(_GET.request(webhook_id), parse_model(WebhookSubscription), timeout)


def _checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        check_header_value("a name of webhook_headers", name): check_header_value(f"webhook_headers[{name!r}]", value)
        for name, value in headers.items()
    }
