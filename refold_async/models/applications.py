"""Apps, and the connections of a linked account to them, as Refold returns them."""

from datetime import datetime
from typing import Any

import attrs

from refold_async.models.connection_states import ConnectionState
from refold_async.models.model import STRICT, Model, Result, named

__all__ = ["Application", "ConnectedAccount", "InputField", "InputOption"]


@attrs.frozen(eq=False, repr=False)
class InputOption(Model):
    """One of the values to choose from in an `InputField` or a `ConfigField`."""

    name: str | None = None
    """The text to show to users."""
    value: Any = None
    """The value to send."""


@attrs.frozen(eq=False, repr=False)
class InputField(Model):
    """One value that a user must enter to connect an app, such as an API key."""

    name: str | None = None
    """The key under which the value is sent."""
    label: str | None = None
    """The label to show to users."""
    type: str | None = None
    """The type of the value, such as `text` or `password`."""
    required: bool | None = None
    """Whether a value is required."""
    multiple: bool | None = None
    """Whether the field takes several values."""
    placeholder: str | None = None
    """The text to show while the field is empty."""
    help_text: str | None = None
    """The explanation to show to users."""
    options: list[InputOption] = attrs.field(factory=list[InputOption])
    """The values to choose from; empty if any value is allowed."""


@attrs.frozen(eq=False, repr=False)
class ConnectedAccount(Model):
    """One connection of a linked account to an app."""

    identifier: Any = None
    """The user's identity in the app: a string or an object, as the app defines it."""
    connected_at: datetime | None = attrs.field(default=None, metadata=named("connectedAt", "connected_at"))
    """When the app was connected."""
    status: str | None = attrs.field(default=None, metadata=STRICT)
    """`active` or `expired`."""
    auth_type: str | None = None
    """How the connection authenticates, such as `oauth2`."""
    connection_id: str | None = None
    """Refold's id for the connection, which `execute_action(..., connection_id=...)` takes."""
    default_credentials: Any = attrs.field(
        default=None, repr=False, metadata=named("defaultCredentials", "default_credentials")
    )
    """The default credentials of the connection; not shown in the `repr`."""


@attrs.frozen(eq=False, repr=False)
class Application(Result):
    """An app, and the linked account's connection to it."""

    slug: str
    """The id to pass to other calls, such as `hubspot`."""
    name: str | None = None
    """The display name of the app."""
    app_id: str | None = None
    """Refold's id for the app. Linked accounts identify a custom app that they have connected by this id."""
    type: str | None = None
    """The app that this one is an instance of, if that differs from the slug; `custom` for a custom app."""
    auth_type: str | None = None
    """How users authenticate with the app, such as `oauth2`."""
    tags: list[str] = attrs.field(factory=list[str])
    """The groups that the app belongs to."""
    connected: bool | None = attrs.field(default=None, metadata=STRICT)
    """Whether the linked account has connected the app; see `state`."""
    reauth_required: bool | None = attrs.field(default=None, metadata=STRICT)
    """Whether the credentials no longer work; see `state`."""
    connected_accounts: list[ConnectedAccount] = attrs.field(factory=list[ConnectedAccount], metadata=STRICT)
    """The existing connections to the app."""
    auth_type_options: dict[str, list[InputField]] | None = None
    """The fields that each way to authenticate needs, by the name of that way, such as `keybased`."""
    auth_input_map: list[InputField] = attrs.field(factory=list[InputField])
    """The fields that connecting the app needs."""
    refresh_token_expired: bool | None = attrs.field(default=None, metadata=STRICT)
    """Whether the credentials can no longer be renewed; see `state`."""
    application_id: str | None = attrs.field(default=None, metadata=named("_id", "application_id"))
    """Refold's id for the record of the app."""
    icon: str | None = None
    """The URL of the icon."""
    description: str | None = None
    """What the app does."""
    kind: str | None = None
    """`native`, `custom` or `universal_connector`."""
    grant_type: str | None = None
    """The OAuth grant that the app uses."""
    ecosystem: bool | None = None
    """Whether the app belongs to Refold's ecosystem."""
    webhook_url: str | None = None
    """The URL to which the app sends its own webhooks."""

    @property
    def state(self) -> ConnectionState:
        """Whether the linked account must connect the app (`connect`), must reconnect it, or is connected.

        One active connection in `connected_accounts` is enough. If none is active and not all have expired, the flags
        decide. Without flags, any connection is enough.
        """
        statuses = {(one.status or "").lower() for one in self.connected_accounts}
        if "active" in statuses:
            return "connected"
        if statuses == {"expired"}:
            return "reconnect"
        if not (bool(statuses) if self.connected is None else self.connected):
            return "connect"
        return "reconnect" if self.reauth_required or self.refresh_token_expired else "connected"
