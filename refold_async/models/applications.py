"""Apps, and the connections of a linked account to them, as Refold answers them."""

from datetime import datetime
from typing import Any

import attrs

from refold_async.models.connection_states import ConnectionState
from refold_async.models.model import STRICT, Model, Result, named

__all__ = ["Application", "ConnectedAccount", "InputField", "InputOption"]


@attrs.frozen(eq=False, repr=False)
class InputOption(Model):
    """One of the values to choose from in an `InputField`."""

    name: str | None = None
    """What people are shown for it."""
    value: Any = None
    """What is sent for it."""


@attrs.frozen(eq=False, repr=False)
class InputField(Model):
    """One thing that connecting an app asks for, such as an API key."""

    name: str | None = None
    """The key it is sent under."""
    label: str | None = None
    """Its name for people."""
    type: str | None = None
    """What kind of value it takes, such as `text` or `password`."""
    required: bool | None = None
    """Whether it must be given."""
    multiple: bool | None = None
    """Whether it takes several values."""
    placeholder: str | None = None
    """What to show while it is empty."""
    help_text: str | None = None
    """What to tell people about it."""
    options: list[InputOption] = attrs.field(factory=list[InputOption])
    """The values to choose from, where it has such."""


@attrs.frozen(eq=False, repr=False)
class ConnectedAccount(Model):
    """One connection of a linked account to an app."""

    identifier: Any = None
    """Who it is in the app: a string or an object, as the app has it."""
    connected_at: datetime | None = attrs.field(default=None, metadata=named("connectedAt", "connected_at"))
    """Since when it is connected."""
    status: str | None = attrs.field(default=None, metadata=STRICT)
    """`active` or `expired`."""
    auth_type: str | None = None
    """How it authenticates, such as `oauth2`."""
    connection_id: str | None = None
    """Refold's id of the connection, which `execute_action(..., connection_id=...)` takes."""
    default_credentials: Any = attrs.field(
        default=None, repr=False, metadata=named("defaultCredentials", "default_credentials")
    )
    """Credentials it has by default; not shown in its `repr`."""


@attrs.frozen(eq=False, repr=False)
class Application(Result):
    """An app, and the linked account's connection to it."""

    slug: str
    """What other calls name it by, such as `hubspot`."""
    name: str | None = None
    """Its name for people."""
    app_id: str | None = None
    """Refold's id of it, by which linked accounts name a custom app they have connected."""
    type: str | None = None
    """The app it is an instance of, where that differs from the slug; `custom` for a custom app."""
    auth_type: str | None = None
    """How one authenticates with it, such as `oauth2`."""
    tags: list[str] = attrs.field(factory=list[str])
    """The groups it belongs to."""
    connected: bool | None = attrs.field(default=None, metadata=STRICT)
    """Whether the linked account has connected it; see `state`."""
    reauth_required: bool | None = attrs.field(default=None, metadata=STRICT)
    """Whether the credentials no longer work; see `state`."""
    connected_accounts: list[ConnectedAccount] = attrs.field(factory=list[ConnectedAccount], metadata=STRICT)
    """The connections there are."""
    auth_type_options: dict[str, list[InputField]] | None = None
    """What each way to authenticate asks for, by its name, such as `keybased`."""
    auth_input_map: list[InputField] = attrs.field(factory=list[InputField])
    """What connecting it asks for."""
    refresh_token_expired: bool | None = attrs.field(default=None, metadata=STRICT)
    """Whether the credentials can no longer be renewed; see `state`."""
    application_id: str | None = attrs.field(default=None, metadata=named("_id", "application_id"))
    """Refold's id of the record of it."""
    icon: str | None = None
    """The URL of its icon."""
    description: str | None = None
    """What it is."""
    kind: str | None = None
    """`native`, `custom` or `universal_connector`."""
    grant_type: str | None = None
    """The OAuth grant it uses."""
    ecosystem: bool | None = None
    """Whether it is of Refold's ecosystem."""
    webhook_url: str | None = None
    """Where the app sends its own webhooks."""

    @property
    def state(self) -> ConnectionState:
        """Whether the linked account has to connect the app, has to reconnect it, or is connected.

        Told by the `status` of its connections: one that is active is enough. Where none is, and not all have expired,
        by the flags; and without those, one connection is enough.
        """
        statuses = {(one.status or "").lower() for one in self.connected_accounts}
        if "active" in statuses:
            return "connected"
        if statuses == {"expired"}:
            return "reconnect"
        if not (bool(statuses) if self.connected is None else self.connected):
            return "connect"
        return "reconnect" if self.reauth_required or self.refresh_token_expired else "connected"
