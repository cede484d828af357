"""`refold.auth_structure`: which credentials an app needs."""

from typing import Any, Final

from refold_async.config.settings import Timeout
from refold_async.protocol.endpoints import Endpoint
from refold_async.protocol.parsers import parse_value
from refold_async.resources.resource import Resource

__all__ = ["AuthStructure"]

_GET: Final = Endpoint(
    "GET",
    "/api/v2/public/auth-structure/{slug}",
    "the authentication of app {slug!r}",
    "Check the slug: account.applications.list() gives the apps and their slugs.",
)


class AuthStructure(Resource):
    """Which credentials apps need, as `refold.auth_structure`. Refold asks for no API key, and none is sent."""

    __slots__ = ()

    async def get(self, slug: str, *, timeout: Timeout | float | None = None) -> dict[str, dict[str, Any]]:
        """Read which credentials an app needs. Refold page: *Get Auth Structure*.

        Args:
            slug: The app, such as `hubspot`.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The credentials by name, for each type of authentication, such as `oauth2` and `keybased`. The value for
            each is its type, such as `"string"`, or for an optional one `{"type": "string", "required": False}`.
            Custom apps have none.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            InternalServerError: There is no such app.
            RefoldError: The call failed in another way.
        """
        return await self._send(_GET.request(slug), parse_value(dict[str, dict[str, Any]]), timeout)
