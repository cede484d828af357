"""`account.applications`: which apps there are, and whether the linked account is connected to them."""

from collections.abc import Sequence
from typing import Final

from refold_async.config.settings import Timeout
from refold_async.config.validation import check_bool, check_header_value
from refold_async.errors import ConfigurationError, ReconnectRequiredError
from refold_async.faults import Fault
from refold_async.models.applications import Application
from refold_async.models.connection_states import ConnectionState
from refold_async.protocol.encoding import given_texts
from refold_async.protocol.endpoints import Endpoint, Request
from refold_async.protocol.pages import AwaitableListing
from refold_async.protocol.parsers import parse_model
from refold_async.protocol.responses import Response
from refold_async.resources.resource import Resource

__all__ = ["Applications", "disconnected"]

_LIST: Final = Endpoint("GET", "/api/v2/public/application", "the list of apps")
_GET: Final = Endpoint(
    "GET", "/api/v2/public/application/{slug}", "app {slug!r}", "applications.list() gives the apps, and their slugs."
)


class Applications(Resource):
    """The apps of one linked account, as `account.applications`."""

    __slots__ = ()

    def list(
        self,
        *,
        slug: str | None = None,
        tags: str | Sequence[str] | None = None,
        auth_type: str | None = None,
        ecosystem: bool | None = None,
        timeout: Timeout | float | None = None,
    ) -> AwaitableListing[Application]:
        """List the apps, with the linked account's connection to each. Refold page: *List Applications*.

        Args:
            slug: Only the app of this slug.
            tags: Only apps with one of these tags.
            auth_type: Only apps that one authenticates with in this way, such as `oauth2`.
            ecosystem: Only apps of Refold's ecosystem, or only those that are not.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The apps in Refold's order: `await` gives a plain `list`, `async for` goes through them.
        """

        def request() -> Request:
            query = {
                "ecosystem": None if ecosystem is None else check_bool("ecosystem", ecosystem),
                **given_texts(slug=slug, tags=_joined(tags), auth_type=auth_type),
            }
            return _LIST.request(query=query)

        return self._list_whole(request, Application, timeout)

    async def get(self, slug: str, *, timeout: Timeout | float | None = None) -> Application:
        """Read one app and the linked account's connection to it. Refold page: *Get Application*.

        Args:
            slug: The app, such as `hubspot`.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The app; its `state` tells whether the linked account is connected.

        Raises:
            NotFoundError: There is no such app.
        """
        return await self._send(_GET.request(slug), parse_model(Application), timeout)

    async def ensure_connected(self, slug: str, *, timeout: Timeout | float | None = None) -> Application:
        """Check, before an action fails, that the linked account is connected. Refold page: *Get Application*.

        Args:
            slug: The app, such as `hubspot`.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The app, whose `state` is `connected`.

        Raises:
            ReconnectRequiredError: The linked account has not connected the app, or its credentials no longer work.
            NotFoundError: There is no such app.
        """
        return await self._send(_GET.request(slug), _parse_connected, timeout)


def _joined(tags: str | Sequence[str] | None) -> str | None:
    """Return tags as the query has them."""
    if tags is None or isinstance(tags, str):
        return tags
    if not isinstance(tags, Sequence):
        raise ConfigurationError(f"tags must be a list of tags, or one, not {type(tags).__name__}.")
    return ",".join(check_header_value("tags", tag) for tag in tags)


def _parse_connected(response: Response, request: Request) -> Application:
    application = parse_model(Application)(response, request)
    if application.state == "connected":
        return application
    error = disconnected(application.slug, application.state)
    error.request_id = application.request_id
    raise error


def disconnected(slug: str, state: ConnectionState) -> ReconnectRequiredError:
    """Return the error for a linked account that is to connect or to reconnect an app."""
    from refold_async.protocol.error_mapping import how_to

    problem = "has not connected" if state == "connect" else "no longer has working credentials for"
    error = ReconnectRequiredError(f"The linked account {problem} app {slug!r}. {how_to(f'{state} the app')}")
    error.fault = Fault.NOT_CONNECTED
    return error
