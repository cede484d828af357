"""`refold.event_definitions`: the events that your application can trigger, each with a sample of its payload."""

from collections.abc import Mapping
from typing import Any, Final

from refold_async.config.settings import Timeout
from refold_async.models.event_definitions import EventDefinition
from refold_async.protocol.arguments import Checks, line, mapping
from refold_async.protocol.endpoints import Endpoint
from refold_async.protocol.pages import AwaitableListing
from refold_async.protocol.parsers import parse_if_sent, parse_list, parse_model
from refold_async.resources.resource import Resource

__all__ = ["EventDefinitions"]

_EVENT: Final = "event definition {event_id!r}"
_CHECK_THE_ID: Final = "Check its id: event_definitions.list() gives all events."
_FIELDS: Final[Checks] = {"name": line, "response": mapping, "json_schema": mapping}
_REQUIRED: Final = ("name", "response")

_LIST: Final = Endpoint("GET", "/api/v2/public/application/event", "the list of event definitions")
_GET: Final = Endpoint("GET", "/api/v2/public/application/event/{event_id}", _EVENT, _CHECK_THE_ID)
_CREATE: Final = Endpoint(
    "POST", "/api/v2/public/application/event", "the new event definition", takes=_FIELDS, required=_REQUIRED
)
_UPDATE: Final = Endpoint(
    "PUT",
    "/api/v2/public/application/event/{event_id}",
    _EVENT,
    _CHECK_THE_ID,
    takes=_FIELDS,
    required=_REQUIRED,
)
_DELETE: Final = Endpoint("DELETE", "/api/v2/public/application/event/{event_id}", _EVENT, _CHECK_THE_ID)


class EventDefinitions(Resource):
    """The events that your application can trigger, as `refold.event_definitions`.

    They belong to your organisation's default app. To trigger one for a linked account, use `account.events.trigger()`.
    """

    __slots__ = ()

    async def create(
        self,
        name: str,
        response: Mapping[str, Any],
        *,
        json_schema: Mapping[str, Any] | None = None,
        timeout: Timeout | float | None = None,
    ) -> list[EventDefinition]:
        """Create an event, to which you can attach workflows in the Refold Console. Refold page: *Create Event*.

        Args:
            name: The name of the event.
            response: A sample of its payload. Workflows can use the fields of the sample.
            json_schema: The JSON Schema of its payload.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            All events, with the new one.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            BadRequestError: Refold refused a value.
            RefoldError: The call failed in another way; `effect` says whether the event may have been created.
        """
        request = _CREATE.request(body=_CREATE.taken(locals()), subject=f"the new event definition {name!r}")
        return await self._send(request, parse_list(EventDefinition), timeout)

    async def update(
        self,
        event_id: str,
        name: str,
        response: Mapping[str, Any],
        *,
        json_schema: Mapping[str, Any] | None = None,
        timeout: Timeout | float | None = None,
    ) -> list[EventDefinition]:
        """Replace the name and the sample of an event. Refold page: *Update Event*.

        Args:
            event_id: The id of the event.
            name: The name of the event.
            response: A sample of its payload. Workflows can use the fields of the sample.
            json_schema: The JSON Schema of its payload.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            All events, with the changed one.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such event.
            BadRequestError: Refold refused a value.
            RefoldError: The call failed in another way; `effect` says whether the event may have been changed.
        """
        request = _UPDATE.request(event_id, body=_UPDATE.taken(locals()))
        return await self._send(request, parse_list(EventDefinition), timeout)

    async def delete(self, event_id: str, *, timeout: Timeout | float | None = None) -> list[EventDefinition] | None:
        """Delete an event, which can then no longer be triggered. Refold page: *Delete Event*.

        Args:
            event_id: The id of the event.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The remaining events; None if Refold's response does not contain them.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such event.
            RefoldError: The call failed in another way; `effect` says whether the event may have been deleted.
        """
        return await self._send(_DELETE.request(event_id), parse_if_sent(parse_list(EventDefinition)), timeout)

    def list(self, *, timeout: Timeout | float | None = None) -> AwaitableListing[EventDefinition]:
        """List the events. Refold page: *List Events*.

        Args:
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The events in Refold's order. `await` it for a plain `list`, or iterate over it with `async for`.

        Raises:
            RefoldError: The call failed.
        """
        return self._list_whole(_LIST.request, EventDefinition, timeout)

    async def get(self, event_id: str, *, timeout: Timeout | float | None = None) -> EventDefinition:
        """Read one event. Refold page: *Get Event*.

        Args:
            event_id: The id of the event.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The event, with the fields of its payload.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such event.
            RefoldError: The call failed in another way.
        """
        return await self._send(_GET.request(event_id), parse_model(EventDefinition), timeout)
