"""Linked accounts, and the apps they have connected, as Refold returns them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import attrs

from refold_async.models.connection_states import ConnectionState
from refold_async.models.model import STRICT, Model, Result, named

__all__ = ["Integration", "LinkedAccount", "UserDefinedField"]


@attrs.frozen(eq=False, repr=False)
class UserDefinedField(Model):
    """A field of your own that you have added to a linked account."""

    key_name: str | None = None
    """The name of the field."""
    key_value: str | None = None
    """The value of the field."""
    field_id: str | None = attrs.field(default=None, metadata=named("_id", "field_id"))
    """Refold's id for the field."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"))
    """When the field was created."""
    updated_at: datetime | None = attrs.field(default=None, metadata=named("updatedAt", "updated_at"))
    """When the field was last updated."""


def _slug_of(integration: "Integration") -> str | None:
    kind = integration.type
    return None if kind is None or kind.lower() == "custom" else kind


@attrs.frozen(eq=False, repr=False)
class Integration(Model):
    """An app that a linked account has connected."""

    type: str | None = attrs.field(default=None, metadata=STRICT)
    """The slug of one of Refold's own apps, or `custom`."""
    name: str | None = None
    """The display name of the app."""
    reauth_required: bool | None = attrs.field(default=None, metadata=STRICT)
    """Whether the credentials no longer work, so that the owner of the account must reconnect the app."""
    slug: str | None = attrs.field(default=attrs.Factory(_slug_of, takes_self=True), metadata=STRICT)
    """The app, such as `hubspot`; None for a custom app, which only `app_id` identifies."""
    app_id: str | None = attrs.field(default=None, metadata=STRICT)
    """The `app_id` of a custom app; None for one of Refold's own apps."""
    refresh_token_expired: bool | None = attrs.field(default=None, metadata=STRICT)
    """Whether the credentials can no longer be renewed, so that the owner of the account must reconnect the app."""
    integration_id: str | None = attrs.field(default=None, metadata=named("_id", "integration_id"))
    """Refold's id for the integration."""
    icon: str | None = None
    """The URL of the app's icon."""
    identifier: Any = None
    """The user's identity in the app: a string or an object, as the app defines it."""
    credentials: dict[str, Any] | None = attrs.field(default=None, repr=False)
    """The credentials, which Refold leaves out of most responses; not shown in the `repr`."""
    auth_tokens: Any = attrs.field(default=None, repr=False, metadata=named("authTokens", "auth_tokens"))
    """The tokens, which Refold leaves out of most responses; not shown in the `repr`."""
    connections: dict[str, Any] | None = attrs.field(default=None, repr=False)
    """The connections, which Refold leaves out of most responses; not shown in the `repr`."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"))
    """When the app was connected."""
    updated_at: datetime | None = attrs.field(default=None, metadata=named("updatedAt", "updated_at"))
    """When the integration was last updated."""

    @property
    def state(self) -> ConnectionState:
        """`reconnect` if the owner of the account must reconnect the app, otherwise `connected`."""
        return "reconnect" if self.reauth_required or self.refresh_token_expired else "connected"


@attrs.frozen(eq=False, repr=False)
class LinkedAccount(Result):
    """A linked account: one of your customers. Fan-outs accept it as an item."""

    linked_account_id: str = attrs.field(metadata=named("account_id", "linked_account_id"))
    """Your own id for the customer, which `refold.account()` takes."""
    name: str | None = None
    """The display name of the account."""
    environment: str | None = None
    """`test` or `production`."""
    udf: list[UserDefinedField] = attrs.field(factory=list[UserDefinedField])
    """Your own fields, as Refold returns them; see `user_defined_fields`."""
    integrations: list[Integration] | None = attrs.field(default=None, metadata=STRICT)
    """The apps that the account has connected; None if the response does not contain them."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"))
    """When the account was created."""
    updated_at: datetime | None = attrs.field(default=None, metadata=named("updatedAt", "updated_at"))
    """When the account was last updated."""
    refold_id: str | None = attrs.field(default=None, metadata=named("_id", "id"))
    """Refold's own id for the account."""
    associated_org: str | None = None
    """Refold's id for your organisation."""
    tenant_account_id: str | None = None
    """The account of the tenant that this account belongs to."""
    is_seed: bool | None = None
    """Whether Refold created the account as a sample."""
    new_account: bool | None = None
    """Whether `upsert` created the account; False if it updated an existing one."""
    revision: int | None = attrs.field(default=None, metadata=named("__v"))
    """How often the record was changed, as Refold's database counts."""

    @property
    def user_defined_fields(self) -> dict[str, Any]:
        """Your own fields, by name."""
        shown: object = self.raw.get("udf")
        if isinstance(shown, Mapping):
            return dict(cast("Mapping[str, Any]", shown))
        named_fields = ((field.key_name, field) for field in self.udf)
        return {name: field.raw.get("key_value", field.key_value) for name, field in named_fields if name is not None}

    def connection_state(self, slug: str, app_id: str | None = None) -> ConnectionState:
        """Return whether the account must connect an app, must reconnect it, or is connected, as the response says.

        Args:
            slug: The app, such as `hubspot`.
            app_id: For a custom app: the `app_id` of its `Application`. Linked accounts identify custom apps only by
                this id, so without it the state of a custom app is always `connect`. You can read it with
                `(await account.applications.get("acme-crm")).app_id`; it is the same for every account.
        """
        states = {
            one.state
            for one in self.integrations or ()
            if one.slug == slug or (app_id is not None and one.app_id == app_id)
        }
        return "connected" if "connected" in states else "reconnect" if states else "connect"
