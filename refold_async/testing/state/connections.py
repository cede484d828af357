"""The connections of a linked account to the apps."""

from typing import Any, Literal

import attrs

from refold_async.testing.catalogue.apps import MockApp
from refold_async.testing.protocol.timestamps import timestamp

__all__ = ["AppConnections", "ConnectionStatus", "MockConnection"]

ConnectionStatus = Literal["connected", "expired", "disconnected"]


@attrs.define(eq=False)
class MockConnection:
    """One connection of a linked account to an app; a test may change it at any time.

    Attributes:
        connection_id: Its id, for the header `connection_id`.
        auth_type: `oauth2` or `keybased`.
        identifier: The app's name for its customer: a string or an object.
        status: Whether the app accepts its credentials.
        refresh_token_expired: Whether the integration reports that its refresh token has expired. The app's responses
            depend only on `status`.
    """

    connection_id: str
    auth_type: str
    identifier: Any
    status: Literal["active", "expired"] = "active"
    refresh_token_expired: bool = False

    def document(self) -> dict[str, Any]:
        """Return the connection as an application lists it."""
        return {
            "identifier": self.identifier,
            "connectedAt": timestamp(),
            "status": self.status,
            "auth_type": self.auth_type,
            "connection_id": self.connection_id,
            "defaultCredentials": False,
        }


@attrs.define(eq=False)
class AppConnections:
    """The connections of one linked account to one app: one at first.

    Args:
        app: The app.
        linked_account_id: The account. It is also the default identifier of its connections.
        account_number: The account's serial number; no two accounts have connections with the same id.
    """

    app: MockApp
    linked_account_id: str
    account_number: int
    all: list[MockConnection] = attrs.field(factory=list[MockConnection], init=False)
    _made: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.add()

    def add(
        self, connection_id: str | None = None, identifier: Any = None, auth_type: str | None = None
    ) -> MockConnection:
        """Add a connection; `MockAccount.add_connection` describes the arguments."""
        self._made += 1
        connection = MockConnection(
            connection_id or f"65c0{self.account_number:08x}{self.app.app_id[-8:]}{self._made:04x}",
            auth_type or self.app.auth_type,
            self.linked_account_id if identifier is None else identifier,
        )
        self.all.append(connection)
        return connection

    def find(self, connection_id: str | None) -> MockConnection | None:
        """Return the connection with an id; without an id the first that works, else the first; None if there is none.

        Args:
            connection_id: Its id.
        """
        # Until a connection was added, any id means the only connection, just as any linked account exists.
        if connection_id is not None and self._made > 1:
            return next((one for one in self.all if one.connection_id == connection_id), None)
        return next((one for one in self.all if one.status == "active"), self.all[0] if self.all else None)

    def state(self, connection_id: str | None = None) -> ConnectionStatus:
        """Return the state of the connection to the app. One working connection is enough.

        Args:
            connection_id: The connection; None means any.
        """
        connection = self.find(connection_id)
        if connection is None:
            return "disconnected"
        return "connected" if connection.status == "active" else "expired"

    def application(self) -> dict[str, Any]:
        """Return the app as the API shows it to the account."""
        document = self.app.document()
        if self.all:
            document |= {
                "connected": True,
                "connected_accounts": [connection.document() for connection in self.all],
                "reauth_required": self.state() == "expired",
            }
        return document

    def integration(self) -> dict[str, Any]:
        """Return the connections as the account lists them: as one integration."""
        app = self.app
        return {
            "_id": f"65a9{self.account_number:012x}{app.app_id[-8:]}",
            "type": app.type,
            "name": app.name,
            "icon": app.icon,
            "identifier": self.all[0].identifier,
            "app_id": app.app_id if app.custom else None,
            "credentials": {},
            "authTokens": {},
            "refresh_token_expired": any(connection.refresh_token_expired for connection in self.all),
            "reauth_required": self.state() == "expired",
            "connections": {},
            "createdAt": timestamp(),
            "updatedAt": timestamp(),
        }
