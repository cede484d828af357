"""Linked accounts, and what they have connected, as Refold answers them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import attrs

from refold_async.models.connection_states import ConnectionState
from refold_async.models.model import STRICT, Model, Result, named

__all__ = ["Integration", "LinkedAccount", "UserDefinedField"]


@attrs.frozen(eq=False, repr=False)
class UserDefinedField(Model):
    """A field of your own of a linked account."""

    key_name: str | None = None
    """Its name."""
    key_value: str | None = None
    """Its value."""
    field_id: str | None = attrs.field(default=None, metadata=named("_id", "field_id"))
    """Refold's id of it."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"))
    """When it was made."""
    updated_at: datetime | None = attrs.field(default=None, metadata=named("updatedAt", "updated_at"))
    """When it was changed last."""


def _slug_of(integration: "Integration") -> str | None:
    kind = integration.type
    return None if kind is None or kind.lower() == "custom" else kind


@attrs.frozen(eq=False, repr=False)
class Integration(Model):
    """An app that a linked account has connected."""

    type: str | None = attrs.field(default=None, metadata=STRICT)
    """The slug of one of Refold's own apps, or `custom`."""
    name: str | None = None
    """Its name for people."""
    reauth_required: bool | None = attrs.field(default=None, metadata=STRICT)
    """Whether its credentials no longer work, so that the account's owner must reconnect it."""
    slug: str | None = attrs.field(default=attrs.Factory(_slug_of, takes_self=True), metadata=STRICT)
    """The app, such as `hubspot`; None for a custom app, which only its `app_id` tells."""
    app_id: str | None = attrs.field(default=None, metadata=STRICT)
    """The `app_id` of the custom app; None for one of Refold's own."""
    refresh_token_expired: bool | None = attrs.field(default=None, metadata=STRICT)
    """Whether its credentials can no longer be renewed, so that the account's owner must reconnect it."""
    integration_id: str | None = attrs.field(default=None, metadata=named("_id", "integration_id"))
    """Refold's id of it."""
    icon: str | None = None
    """The URL of the app's icon."""
    identifier: Any = None
    """Who it is in the app: a string or an object, as the app has it."""
    credentials: dict[str, Any] | None = attrs.field(default=None, repr=False)
    """Its credentials, which Refold leaves out of most responses; not shown in its `repr`."""
    auth_tokens: Any = attrs.field(default=None, repr=False, metadata=named("authTokens", "auth_tokens"))
    """Its tokens, which Refold leaves out of most responses; not shown in its `repr`."""
    connections: dict[str, Any] | None = attrs.field(default=None, repr=False)
    """Its connections, which Refold leaves out of most responses; not shown in its `repr`."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"))
    """When it was connected."""
    updated_at: datetime | None = attrs.field(default=None, metadata=named("updatedAt", "updated_at"))
    """When it was changed last."""

    @property
    def state(self) -> ConnectionState:
        """Whether the account's owner has to reconnect it, or it is connected."""
        return "reconnect" if self.reauth_required or self.refresh_token_expired else "connected"


@attrs.frozen(eq=False, repr=False)
class LinkedAccount(Result):
    """A customer. Fan-outs take it as an item: it tells its `linked_account_id`."""

    linked_account_id: str = attrs.field(metadata=named("account_id", "linked_account_id"))
    """Your own id of the customer, which `refold.account()` takes."""
    name: str | None = None
    """Its name for people."""
    environment: str | None = None
    """`test` or `production`."""
    udf: list[UserDefinedField] = attrs.field(factory=list[UserDefinedField])
    """Fields of your own, as Refold shows them; see `user_defined_fields`."""
    integrations: list[Integration] | None = attrs.field(default=None, metadata=STRICT)
    """The apps it has connected, or None where the response does not tell."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"))
    """When it was made."""
    updated_at: datetime | None = attrs.field(default=None, metadata=named("updatedAt", "updated_at"))
    """When it was changed last."""
    refold_id: str | None = attrs.field(default=None, metadata=named("_id", "id"))
    """Refold's own id of it."""
    associated_org: str | None = None
    """Refold's id of your organisation."""
    tenant_account_id: str | None = None
    """The account of the tenant it belongs to."""
    is_seed: bool | None = None
    """Whether Refold made it as a sample."""
    new_account: bool | None = None
    """Whether `upsert` made it, rather than changed it."""
    revision: int | None = attrs.field(default=None, metadata=named("__v"))
    """How often its record was changed, as Refold's database counts."""

    @property
    def user_defined_fields(self) -> dict[str, Any]:
        """Fields of your own, by name."""
        shown: object = self.raw.get("udf")
        if isinstance(shown, Mapping):
            return dict(cast("Mapping[str, Any]", shown))
        named_fields = ((field.key_name, field) for field in self.udf)
        return {name: field.raw.get("key_value", field.key_value) for name, field in named_fields if name is not None}

    def connection_state(self, slug: str, app_id: str | None = None) -> ConnectionState:
        """Return whether the account has to connect an app, has to reconnect it, or is connected, as the response told.

        Args:
            slug: The app, such as `hubspot`.
            app_id: The `app_id` of its `Application`, where it is a custom app: accounts name those by it alone, so
                that without it the state of a custom app is always `connect`.
                `(await account.applications.get("acme-crm")).app_id` gives it, the same for every account.
        """
        states = {
            one.state
            for one in self.integrations or ()
            if one.slug == slug or (app_id is not None and one.app_id == app_id)
        }
        return "connected" if "connected" in states else "reconnect" if states else "connect"
