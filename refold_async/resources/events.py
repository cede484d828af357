"""`account.events`: events that start the workflows attached to them."""

from typing import Any, Final

from refold_async.config.settings import Timeout
from refold_async.errors import ConfigurationError
from refold_async.models.confirmations import Confirmation
from refold_async.protocol.arguments import line
from refold_async.protocol.endpoints import Endpoint
from refold_async.protocol.headers import workflow_headers
from refold_async.protocol.parsers import parse_told
from refold_async.resources.resource import Resource

__all__ = ["Events"]


def _slug(name: str, value: Any) -> str:
    """Check the slug of an app, which must not make the path that of another operation."""
    if line(name, value) == "trigger":
        raise ConfigurationError("slug is 'trigger', for which this call means another: use events.trigger(slug=...).")
    return str(value)


_CHECK_THE_NAME: Final = "Its name must be exactly the one in the Refold Console."

_TRIGGER: Final = Endpoint(
    "POST",
    "/api/v2/public/event/trigger",
    "the event",
    _CHECK_THE_NAME,
    takes={"event": line},
    required=("event",),
)
_TRIGGER_BY_SLUG: Final = Endpoint(
    "POST",
    "/api/v2/public/event/{slug}",
    "the event of app {slug!r}",
    _CHECK_THE_NAME,
    takes={"slug": _slug, "event": line},
    required=("event",),
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
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such event.
            RefoldError: The call failed in another way; `effect` says whether the event may have been triggered.
        """
        request = _TRIGGER.request(
            headers=workflow_headers(slug=slug, config_id=config_id, instance_tag=instance_tag),
            body={"event": event, "payload": payload},
            subject=f"event {event!r}",
        )
        return await self._send(request, parse_told(Confirmation), timeout)

    async def trigger_by_slug(
        self,
        slug: str,
        event: str,
        payload: Any = None,
        *,
        config_id: str | None = None,
        instance_tag: str | None = None,
        timeout: Timeout | float | None = None,
    ) -> Confirmation:
        """Trigger an event for the workflows of one app. Refold page: *Trigger Event by Slug*.

        This does the same as `trigger(event, slug=slug)`, by Refold's other path for it. It is a write: the client
        never retries it after the event may have been triggered.

        Args:
            slug: The app whose workflows to start.
            event: The name of the event.
            payload: The input of the workflows: any JSON value; None sends none.
            config_id: The config to run with; by default the id of the linked account.
            instance_tag: A label for the executions.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            Refold's confirmation.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such event.
            RefoldError: The call failed in another way; `effect` says whether the event may have been triggered.
        """
        request = _TRIGGER_BY_SLUG.request(
            slug,
            headers=workflow_headers(slug=None, config_id=config_id, instance_tag=instance_tag),
            body={"event": event, "payload": payload},
            subject=f"event {event!r} of app {slug!r}",
        )
        return await self._send(request, parse_told(Confirmation), timeout)
