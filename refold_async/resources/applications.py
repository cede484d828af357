"""`account.applications`: the apps, and the linked account's connections to them; connect and disconnect apps."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from refold_async.config.settings import Timeout
from refold_async.config.validation import check_bool, check_header_value
from refold_async.errors import AppConnectionTimeoutError, ConfigurationError, ReconnectRequiredError, RefoldError
from refold_async.faults import Fault
from refold_async.models.applications import Application
from refold_async.models.connection_states import ConnectionState
from refold_async.protocol.encoding import given_texts
from refold_async.protocol.endpoints import Endpoint, Request
from refold_async.protocol.pages import AwaitableListing
from refold_async.protocol.parsers import parse_model
from refold_async.protocol.responses import Response
from refold_async.resources.resource import NamingAccount, Resource, Send

if TYPE_CHECKING:
    from refold_async.models.connect_links import OAuthUrl
    from refold_async.models.linked_accounts import LinkedAccount

__all__ = ["Applications", "disconnected"]

_HOW_TO_FIND: Final = "applications.list() gives the apps and their slugs."

_LIST: Final = Endpoint("GET", "/api/v2/public/application", "the list of apps")
_GET: Final = Endpoint("GET", "/api/v2/public/application/{slug}", "app {slug!r}", _HOW_TO_FIND)
_DISCONNECT: Final = Endpoint(
    "DELETE",
    "/api/v2/public/linked-account/integration/{slug}",
    "the connection to app {slug!r}",
    "It may already be disconnected. applications.list() gives the apps and their connections.",
)


class Applications(Resource):
    """The apps of one linked account, as `account.applications`."""

    __slots__ = ("_annotate", "_naming_account", "_pause")

    def __init__(
        self,
        send: Send,
        pause: Callable[[float], Awaitable[object]],
        annotate: Callable[[RefoldError, Request], None],
        naming_account: NamingAccount,
    ) -> None:
        super().__init__(send)
        self._pause = pause
        self._annotate = annotate
        self._naming_account = naming_account

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
            slug: Only the app with this slug.
            tags: Only apps with one of these tags.
            auth_type: Only apps with this type of authentication, such as `oauth2`.
            ecosystem: True for only apps of Refold's ecosystem, False for only the others; by default all.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The apps in Refold's order. `await` it for a plain `list`, or iterate over it with `async for`.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            RefoldError: The call failed.
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
            The app; its `state` says whether the linked account is connected.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such app.
            RefoldError: The call failed in another way.
        """
        return await self._send(_GET.request(slug), parse_model(Application), timeout)

    async def ensure_connected(self, slug: str, *, timeout: Timeout | float | None = None) -> Application:
        """Raise an error unless the linked account is connected to an app. Refold page: *Get Application*.

        Call it to find a missing connection before an action fails.

        Args:
            slug: The app, such as `hubspot`.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The app, whose `state` is `connected`.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            ReconnectRequiredError: The linked account has not connected the app, or its credentials no longer work.
            NotFoundError: There is no such app.
            RefoldError: The call failed in another way.
        """
        return await self._send(_GET.request(slug), _parse_connected, timeout)

    async def oauth_url(
        self, slug: str, *, fields: Mapping[str, str] | None = None, timeout: Timeout | float | None = None
    ) -> "OAuthUrl":
        """Create a link to the app's own page, where the account's owner connects it. Refold page: *Get OAuth URL*.

        It works for apps that use OAuth. For any app, use `account.connect_url()`.

        Args:
            slug: The app, such as `hubspot`.
            fields: Values that some apps need first, such as the address of the owner's shop. `auth_input_map` of the
                `Application` has the names.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The link, as `auth_url`. Give it only to the owner of the account.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such app.
            BadRequestError: The app does not use OAuth, or a field that it needs is missing in `fields`.
            RefoldError: The call failed in another way.
        """
        from refold_async.resources.connect_links import oauth_url_request, parse_oauth_url

        return await self._send(oauth_url_request(slug, fields), parse_oauth_url, timeout)

    async def wait_connected(self, slug: str, *, timeout: float = 300.0, poll_interval: float = 0.5) -> Application:
        """Wait until the account's owner has connected or reconnected an app. Refold page: *Get Application*.

        Polls the app, with random pauses that grow. Each poll obeys the client's rate limit. If a poll fails or gets no
        response, the client polls again later. To be notified without waiting, subscribe to the webhook 'Connection
        Created'.

        Args:
            slug: The app, such as `hubspot`.
            timeout: Seconds to wait; `math.inf` for no limit.
            poll_interval: Seconds of the first pause; later pauses grow up to 15 seconds.

        Returns:
            The app, whose `state` is `connected`.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            AppConnectionTimeoutError: The app was not connected in time; also a `TimeoutError`.
            NotFoundError: There is no such app.
            RefoldError: The call failed in another way.
        """
        from refold_async.resources.polling import looks

        request, parse = _GET.request(slug), parse_model(Application)
        application = Application(slug)

        def end(application: Application | None, count: int, problem: RefoldError | None) -> RefoldError:
            error = _too_late(slug, application, count, problem)
            self._annotate(error, request)
            return error

        async for application, _ in looks(  # noqa: B007 - the last counts
            lambda limits: self._send(request, parse, limits),
            done=lambda application: application.state == "connected",
            too_late=end,
            timeout=timeout,
            poll_interval=poll_interval,
            pause=self._pause,
        ):
            pass
        return application

    async def disconnect(
        self, slug: str, *, auth_type: str | None = None, timeout: Timeout | float | None = None
    ) -> "LinkedAccount":
        """Disconnect an app from the linked account. Refold page: *Delete Integration*.

        Refold revokes the credentials if the app supports it, and sends the webhook 'Connection Deleted'.

        Args:
            slug: The app, such as `hubspot`.
            auth_type: Only the connection with this type of authentication, such as `oauth2`; by default all of them.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The linked account, with the apps that are still connected.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such app, or the linked account has not connected it.
            RefoldError: The call failed in another way; `effect` says whether the app may have been disconnected.
        """
        from refold_async.models.linked_accounts import LinkedAccount

        given = given_texts(auth_type=auth_type)
        request, limits = await self._naming_account(
            lambda linked_account_id: _DISCONNECT.request(
                slug, query={"linked_account_id": linked_account_id, **given}
            ),
            timeout,
        )
        return await self._send(request, parse_model(LinkedAccount), limits)


def _joined(tags: str | Sequence[str] | None) -> str | None:
    """Return tags in the form that the query needs."""
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
    """Return the error for a linked account that must connect or reconnect an app."""
    from refold_async.protocol.error_mapping import how_to

    problem = "has not connected" if state == "connect" else "no longer has working credentials for"
    error = ReconnectRequiredError(f"The linked account {problem} app {slug!r}. {how_to(f'{state} the app')}")
    error.fault = Fault.NOT_CONNECTED
    error.effect = "none"
    error.slug = slug
    return error


def _too_late(
    slug: str, application: Application | None, count: int, problem: RefoldError | None
) -> AppConnectionTimeoutError:
    """Return the error for an app that was not connected in time; `application` is its last known state."""
    if application is None:
        seen = "its state could not be read"
    else:
        to_do = {"connect": "it was not connected", "reconnect": "its credentials no longer worked"}
        seen = f"when last checked, {to_do.get(application.state, application.state)}"
    from refold_async.resources.polling import tell_of_looks, told_of_last_look

    error = AppConnectionTimeoutError(
        f"The linked account was not connected to app {slug!r} in time: {seen}.{told_of_last_look(problem)} Its owner "
        "can still connect it: wait again with applications.wait_connected().",
        application=application,
    )
    error.effect = "none"
    tell_of_looks(error, application, count)
    return error
