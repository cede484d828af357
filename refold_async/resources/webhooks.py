"""`refold.webhooks`: where Refold is to send its webhooks. What it sends is read by `refold_async.webhooks`."""

from collections.abc import Sequence
from typing import Final

from refold_async.config.settings import Timeout
from refold_async.config.validation import check_header_value
from refold_async.errors import ConfigurationError
from refold_async.models.webhooks import WebhookSubscription
from refold_async.protocol.endpoints import Endpoint
from refold_async.protocol.pages import Listing
from refold_async.protocol.parsers import parse_model, parse_nothing
from refold_async.resources.resource import Resource

__all__ = ["Webhooks"]

_WEBHOOK: Final = "webhook {webhook_id!r}"
_CHECK_THE_ID: Final = "Check its id: webhooks.list() gives those there are."

_CREATE: Final = Endpoint("POST", "/api/v2/public/webhook", "the new webhook")
_LIST: Final = Endpoint("GET", "/api/v2/public/webhook", "the list of webhooks")
_GET: Final = Endpoint("GET", "/api/v2/public/webhook/{webhook_id}", _WEBHOOK, _CHECK_THE_ID)
_DELETE: Final = Endpoint("DELETE", "/api/v2/public/webhook/{webhook_id}", _WEBHOOK, _CHECK_THE_ID)


class Webhooks(Resource):
    """The webhook subscriptions of the organisation, as `refold.webhooks`."""

    __slots__ = ()

    async def create(
        self,
        webhook_url: str,
        webhook_events: Sequence[str],
        *,
        webhook_type: str = "default",
        timeout: Timeout | float | None = None,
    ) -> WebhookSubscription:
        """Have events sent to a URL of yours. Refold page: *Create Webhook*.

        Args:
            webhook_url: Where to send them.
            webhook_events: Which: `Connection Created`, `Connection Deleted`, `Connection Expired`,
                `Workflow Completed`, `Workflow Errored`.
            webhook_type: In which form; only `default` is what `refold_async.webhooks` reads.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The subscription.

        Raises:
            BadRequestError: Refold refused the URL or an event.
            APIConnectionError: No response; `effect` says whether it may have been made.
        """
        if isinstance(webhook_events, str) or not isinstance(webhook_events, Sequence) or not webhook_events:
            raise ConfigurationError(
                "webhook_events must be a list of the names of events, such as ['Workflow Errored']."
            )
        body = {
            "webhook_url": check_header_value("webhook_url", webhook_url),
            "webhook_events": [check_header_value("webhook_events", event) for event in webhook_events],
            "webhook_type": check_header_value("webhook_type", webhook_type),
        }
        return await self._send(_CREATE.request(body=body), parse_model(WebhookSubscription), timeout)

    def list(
        self, *, page_size: int | None = None, timeout: Timeout | float | None = None
    ) -> Listing[WebhookSubscription]:
        """Iterate over where Refold sends webhooks. Refold page: *List Webhooks*.

        Args:
            page_size: How many to ask for at once; by default all, which is what Refold gives.
            timeout: Seconds for each page, or a `Timeout`; by default the client's.

        Returns:
            The subscriptions of the environment of the API key.
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
            webhook_id: The subscription's id.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Raises:
            NotFoundError: There is no such subscription.
        """
        return await self._send(_GET.request(webhook_id), parse_model(WebhookSubscription), timeout)

    async def delete(self, webhook_id: str, *, timeout: Timeout | float | None = None) -> None:
        """Have no more events sent to a URL. Refold page: *Delete Webhook*.

        Args:
            webhook_id: The subscription's id.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Raises:
            NotFoundError: There is no such subscription.
        """
        await self._send(_DELETE.request(webhook_id), parse_nothing, timeout)
