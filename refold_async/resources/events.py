"""`account.events`: events that start the workflows attached to them."""

from typing import Any, Final

from refold_async.config.settings import Timeout
from refold_async.config.validation import check_header_value
from refold_async.models.confirmations import Confirmation
from refold_async.protocol.endpoints import Endpoint
from refold_async.protocol.headers import workflow_headers
from refold_async.protocol.parsers import parse_told
from refold_async.resources.resource import Resource

__all__ = ["Events"]

_TRIGGER: Final = Endpoint(
    "POST", "/api/v2/public/event/trigger", "the event", "Its name must be exactly the one in the Refold Console."
)


class Events(Resource):
    """The events of one linked account, as `account.events`."""

    __slots__ = ()

    async def trigger(
        self,
        event: str,
        payload: Any = None,
        *,
        slug: str | None = None,
        config_id: str | None = None,
        instance_tag: str | None = None,
        timeout: Timeout | float | None = None,
    ) -> Confirmation:
        """Trigger an event, which starts the workflows attached to it. Refold page: *Trigger Event*.

        This is a write: the client never retries it after the event may have been triggered. Refold queues the event,
        so this method returns before the workflows run.

        Args:
            event: The name of the event.
            payload: The input of the workflows: any JSON value; None sends none.
            slug: Start only workflows of this app. Refold then checks the connection to the app first.
            config_id: The config to run with; by default the id of the linked account.
            instance_tag: A label for the executions.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            Refold's confirmation.

        Raises:
            NotFoundError: There is no such event.
            RefoldError: The call failed in another way; `effect` says whether the event may have been triggered.
        """
        request = _TRIGGER.request(
            headers=workflow_headers(slug=slug, config_id=config_id, instance_tag=instance_tag),
            body={"event": check_header_value("event", event), "payload": payload},
            subject=f"event {event!r}",
        )
        return await self._send(request, parse_told(Confirmation), timeout)
