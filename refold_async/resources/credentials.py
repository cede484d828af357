"""`account.credentials`: credentials that you have already, stored for a linked account."""

from collections.abc import Mapping
from typing import Any, Final

from refold_async.config.secret import hide, hide_bytes, hide_fields, texts_of
from refold_async.config.settings import Timeout
from refold_async.errors import BadRequestError, ConfigurationError
from refold_async.faults import Fault
from refold_async.models.confirmations import Confirmation, CredentialUpsert, TokenMigration
from refold_async.protocol.arguments import line, mapping, text
from refold_async.protocol.encoding import encode_json
from refold_async.protocol.endpoints import Endpoint, Request
from refold_async.protocol.parsers import parse_model, parse_told
from refold_async.protocol.responses import Response
from refold_async.resources.resource import Resource, Send

__all__ = ["Credentials"]

_CREDENTIAL: Final = "credential {key!r} of the default app"


def _auth_object(name: str, value: Any) -> Any:
    """Check credentials that are in an object with one field, named after their type."""
    types: Mapping[Any, Any] = mapping(name, value)
    if len(types) != 1:
        raise ConfigurationError(
            f"{name} must have exactly one field, the type of authentication, such as {{'oauth2': {{...}}}}: it has "
            f"{len(types)}."
        )
    [(auth_type, credentials)] = types.items()
    return {auth_type: mapping(f"{name}[{auth_type!r}]", credentials)}


_UPSERT: Final = Endpoint(
    "PUT",
    "/api/v2/public/linked-account/default-app/auth-credentials/{key}",
    _CREDENTIAL,
    "The linked account must already be connected to your organisation's default app.",
    takes={"value": text},
    required=("value",),
)
_DELETE: Final = Endpoint(
    "DELETE",
    "/api/v2/public/linked-account/default-app/auth-credentials/{key}",
    _CREDENTIAL,
    "The linked account must be connected to your organisation's default app, and have this credential.",
)
_SAVE: Final = Endpoint(
    "PUT",
    "/api/v2/public/linked-account/integration/save-key-credentials/{slug}",
    "the credentials for app {slug!r}",
    "applications.list() gives the apps and their slugs.",
    takes={"auth_type": line},
)
_MIGRATE: Final = Endpoint(
    "PUT",
    "/api/v2/public/migrate-token",
    "the migrated credentials",
    "applications.list() gives the apps and their slugs.",
    takes={"slug": line, "auth_object": _auth_object},
    required=("slug", "auth_object"),
)


class Credentials(Resource):
    """Credentials that you store for one linked account, as `account.credentials`.

    Refold encrypts them, and no call returns them. Neither errors nor the frames of the client show them.
    """

    __slots__ = ("_send_by_key",)

    def __init__(self, send: Send, send_by_key: Send) -> None:
        super().__init__(send)
        self._send_by_key = send_by_key

    async def upsert_default_app_credential(
        self, key: str, value: str, *, timeout: Timeout | float | None = None
    ) -> CredentialUpsert:
        """Add or replace a credential for your organisation's default app.

        Refold page: *Upsert Default-App Credential*.

        Args:
            key: The name of the credential, such as `api_key`.
            value: The credential.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            Refold's confirmation, which says whether the credential was added or updated.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: The linked account is not connected to the default app.
            RefoldError: The call failed in another way; `effect` says whether the credential may have been stored.
        """
        value = hide(value)
        request = _UPSERT.request(key, body={"value": value}, secrets=[value])
        return await self._send(request, parse_told(CredentialUpsert), timeout)

    async def delete_default_app_credential(self, key: str, *, timeout: Timeout | float | None = None) -> Confirmation:
        """Delete a credential for your organisation's default app. Refold page: *Delete Default-App Credential*.

        Args:
            key: The name of the credential.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            Refold's confirmation.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such credential, or the linked account is not connected to the default app.
            RefoldError: The call failed in another way; `effect` says whether the credential may have been deleted.
        """
        return await self._send(_DELETE.request(key), parse_told(Confirmation), timeout)

    async def save_key_credentials(
        self,
        slug: str,
        credentials: Mapping[str, Any],
        *,
        auth_type: str | None = None,
        timeout: Timeout | float | None = None,
    ) -> Confirmation:
        """Connect an app that uses keys, with the keys of its customer. Refold page: *Save Key Credentials*.

        Refold accepts only an API key for this call. Many apps check the credentials before Refold stores them.

        Args:
            slug: The app, such as `netsuite`.
            credentials: The credentials by name. `refold.auth_structure.get(slug)` gives the names.
            auth_type: The type of authentication, if the app has several.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            Refold's confirmation. What the app adds to it is in `.raw`.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            ParameterError: `credentials` cannot be encoded as JSON; nothing was sent.
            NotFoundError: There is no such app.
            InternalServerError: The app may have refused the credentials: see the message.
            RefoldError: The call failed in another way; `effect` says whether the credentials may have been stored.
        """
        credentials = hide_fields(credentials)
        request = _SAVE.request(slug, query={"auth_type": auth_type})
        request.secrets = [*texts_of(credentials)]
        request.body = hide_bytes(encode_json(mapping("credentials", credentials), "credentials"))
        return await self._send_by_key(request, parse_told(Confirmation), timeout)

    async def migrate_token(
        self, slug: str, auth_object: Mapping[str, Mapping[str, Any]], *, timeout: Timeout | float | None = None
    ) -> TokenMigration:
        """Connect an app with credentials that you have already, such as tokens. Refold page: *Migrate Token*.

        The owner of the account need not connect the app again. Refold accepts only an API key for this call, and no
        custom apps. Many apps check the credentials before Refold stores them.

        Args:
            slug: The app, such as `hubspot`.
            auth_object: The credentials, by name, under the type of authentication, such as
                `{"oauth2": {"access_token": ..., "refresh_token": ...}}`. `refold.auth_structure.get(slug)` gives the
                types and the names.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            Refold's confirmation.

        Raises:
            ConfigurationError: An argument is wrong, or the scope has no API key; the message says which.
            ParameterError: `auth_object` cannot be encoded as JSON; nothing was sent.
            NotFoundError: There is no such app.
            BadRequestError: Refold refused the app or the credentials, and stored nothing. It may say so with HTTP 200,
                which is then the `status_code`.
            InternalServerError: The app may have refused the credentials: see the message.
            RefoldError: The call failed in another way; `effect` says whether the credentials may have been stored.
        """
        auth_object = hide_fields(auth_object)
        request = _MIGRATE.request(
            body={"slug": slug, "auth_object": auth_object},
            subject=f"the migrated credentials for app {slug!r}",
            secrets=[*texts_of(auth_object)],
        )
        return await self._send_by_key(request, _parse_migration, timeout)


def _parse_migration(response: Response, request: Request) -> TokenMigration:
    """Parse the response to a migration, which also reports some refusals with the status of a success."""
    migration = parse_model(TokenMigration)(response, request)
    refusal: object = migration.raw.get("error")
    if migration.success or not (refusal or migration.success is False):
        return migration
    said = str(refusal or migration.message or "it does not say why")[:300].removesuffix(".")
    error = BadRequestError(
        f"Refold did not accept {request.target.subject}, and says so with HTTP {response.status}: {said}.",
        status_code=response.status,
        request_id=migration.request_id,
        body=dict(migration.raw),
    )
    # An `error` is documented as a failed validation, which comes before anything is stored.
    error.fault = Fault.REFUSED if refusal else Fault.UNREADABLE
    raise error
