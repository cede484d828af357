"""Linked accounts, and the data that the mock keeps for each."""

from typing import Any, Literal

import attrs

from refold_async.testing.catalogue.catalogue import Catalogue
from refold_async.testing.protocol.organisation import ENVIRONMENT, ORGANISATION_ID
from refold_async.testing.protocol.timestamps import timestamp
from refold_async.testing.state.account_workflows import AccountWorkflows
from refold_async.testing.state.configs import AccountConfigs, MockConfig
from refold_async.testing.state.connections import AppConnections, ConnectionStatus, MockConnection
from refold_async.testing.state.datarefs import find_dataref, new_dataref
from refold_async.testing.state.documents import Documents

__all__ = ["AccountStore", "MockAccount"]


@attrs.define(eq=False)
class MockAccount:
    """One linked account. It is connected to every app until you change that.

    Attributes:
        linked_account_id: Your own id of the account.
        number: Its serial number in this mock, from 1.
        name: Its display name; its id until it gets a name.
        user_defined_fields: Your own fields; None if there are none.
        created: Whether a call created it; False if requests have only named it.
        changes: How often a call changed it.
    """

    linked_account_id: str
    number: int
    _catalogue: Catalogue = attrs.field(repr=False)
    _private_ids: set[str] = attrs.field(repr=False)
    name: str = attrs.field(default=attrs.Factory(lambda self: self.linked_account_id, takes_self=True))
    user_defined_fields: dict[str, str] | None = None
    created: bool = False
    changes: int = 0
    # None until needed: a mock may have a hundred thousand accounts that never need them.
    _connections: dict[str, AppConnections] | None = attrs.field(default=None, init=False, repr=False)
    _stores: dict[str, dict[str, Any]] | None = attrs.field(default=None, init=False, repr=False)
    _workflows: AccountWorkflows | None = attrs.field(default=None, init=False, repr=False)
    _configs: AccountConfigs | None = attrs.field(default=None, init=False, repr=False)
    _documents: dict[str, Documents] | None = attrs.field(default=None, init=False, repr=False)

    def connect(self, slug: str) -> None:
        """Connect an app, or reconnect all connections to it after their credentials expired.

        Args:
            slug: The app.
        """
        connections = self.app_connections(slug)
        if not connections.all:
            connections.add()
        for connection in connections.all:
            connection.status, connection.refresh_token_expired = "active", False

    def disconnect(self, slug: str) -> None:
        """Disconnect an app: executing its actions is then refused. The app's data for this account stays.

        Args:
            slug: The app.
        """
        self.app_connections(slug).all.clear()

    def expire(self, slug: str) -> None:
        """Make the credentials of all connections to an app expire: its actions then fail with an error 401.

        Args:
            slug: The app. One that is not connected gets a connection first.
        """
        connections = self.app_connections(slug)
        if not connections.all:
            connections.add()
        for connection in connections.all:
            connection.status = "expired"

    def add_connection(
        self,
        slug: str,
        *,
        connection_id: str | None = None,
        identifier: Any = None,
        auth_type: str | None = None,
        status: Literal["active", "expired"] = "active",
    ) -> MockConnection:
        """Add another connection to an app. After that, only existing values of `connection_id` are accepted.

        Args:
            slug: The app.
            connection_id: Its id, for the header `connection_id`; None makes one up.
            identifier: The app's name for its customer, a string or an object; None uses the linked account id.
            auth_type: `oauth2` or `keybased`; None uses that of the app.
            status: Whether the app accepts its credentials.

        Returns:
            The connection. A test may change it.
        """
        connection = self.app_connections(slug).add(connection_id, identifier, auth_type)
        connection.status = status
        return connection

    def connections(self, slug: str) -> list[MockConnection]:
        """Return the connections to an app; at first there is one. A test may change them.

        Args:
            slug: The app.
        """
        return self.app_connections(slug).all

    def connection(self, slug: str, connection_id: str | None = None) -> ConnectionStatus:
        """Return the state of the connection to an app. One working connection is enough.

        Args:
            slug: The app.
            connection_id: The connection; None means any. Any id is accepted until a test adds a connection.
        """
        if self._connections is None or slug not in self._connections:
            return "connected"
        return self.app_connections(slug).state(connection_id)

    def app_connections(self, slug: str) -> AppConnections:
        """Return the connections to an app, with everything they do.

        Args:
            slug: The app.
        """
        app = self._catalogue.app(slug)
        if self._connections is None:
            self._connections = {}
        connections = self._connections.get(slug)
        if connections is None:
            connections = self._connections[slug] = AppConnections(app, self.linked_account_id, self.number)
        return connections

    def store(self, slug: str) -> dict[str, Any]:
        """Return an app's data for this account: the dict that its handlers get as `context.store`.

        A test may read it, change it and put data into it before the first call. The sample apps keep in it:

        * `hubspot`: `contacts`, the contacts by their ids, each `{"id", "properties", "createdAt", "archived"}`, and
          `contacts_created`, how many were created. Both are missing until a contact is written. Until then there is
          only `SAMPLE_CONTACT`.
        * `slack`: `messages`, the sent messages, oldest first, each `{"channel": id, "message": {"text", "ts", …}}`;
          missing until a message is sent.

        ```python
        account = mock.account("user_12345")
        contacts = account.store("hubspot")["contacts"]
        assert [contact["properties"]["email"] for contact in contacts.values()] == [
            "contact@example.com",
            "jane@example.com",
        ]
        ```

        Args:
            slug: The app.
        """
        if self._stores is None:
            self._stores = {}
        return self._stores.setdefault(slug, {})

    def config(self, slug: str, config_id: str | None = None) -> MockConfig:
        """Return a config of an app; it is created if there is none. A test may change it.

        Args:
            slug: The app.
            config_id: Its id; None means that of the linked account.
        """
        return self.configs.get_or_create(self._catalogue.app(slug), config_id)[0]

    @property
    def configs(self) -> AccountConfigs:
        """The account's configs of all apps."""
        if self._configs is None:
            self._configs = AccountConfigs(self.linked_account_id, self.number)
        return self._configs

    def dataref(self, name: str) -> dict[str, list[dict[str, Any]]]:
        """Return the records of a dataref: their rows, by the ids of the records. A test may change them.

        With Refold, workflows write them. If the account has no such dataref, it is created.

        Args:
            name: The name of the dataref.
        """
        datarefs = self.documents("dataref")
        dataref = find_dataref(datarefs, name) or new_dataref(datarefs, self.linked_account_id, name)
        records: dict[str, list[dict[str, Any]]] = dataref["data"]
        return records

    def documents(self, kind: str) -> Documents:
        """Return the account's documents of one kind.

        Args:
            kind: What they are, such as `schedule`.
        """
        if self._documents is None:
            self._documents = {}
        return self._documents.setdefault(kind, Documents(kind, self.number))

    @property
    def workflows(self) -> AccountWorkflows:
        """The account's workflows: those of the catalogue and its own."""
        if self._workflows is None:
            self._workflows = AccountWorkflows(self._catalogue, self.linked_account_id, self.number, self._private_ids)
        return self._workflows

    def summary(self) -> dict[str, Any]:
        """Return the account as the API shows it when it is created or changed: without its integrations."""
        return {
            "_id": f"63cabcc596d0d105{self.number:08x}",
            "associated_org": ORGANISATION_ID,
            "account_id": self.linked_account_id,
            "environment": ENVIRONMENT,
            "name": self.name,
            "udf": [self._field(*field) for field in enumerate((self.user_defined_fields or {}).items())],
            "is_seed": False,
            "tenant_account_id": None,
            "createdAt": timestamp(),
            "updatedAt": timestamp(self.changes),
            "__v": self.changes,
        }

    def document(self) -> dict[str, Any]:
        """Return the account as the API shows it when it is read."""
        connections = map(self.app_connections, self._catalogue.apps)
        return {**self.summary(), "integrations": [each.integration() for each in connections if each.all]}

    def forget(self) -> None:
        """Remove its private workflows from those of the mock."""
        if self._workflows is not None:
            self._workflows.forget()

    def _field(self, index: int, field: tuple[str, str]) -> dict[str, Any]:
        return {
            "key_name": field[0],
            "key_value": field[1],
            "_id": f"6a0a{self.number:012x}{index:08x}",
            "createdAt": timestamp(),
            "updatedAt": timestamp(self.changes),
        }


@attrs.define(eq=False)
class AccountStore:
    """All linked accounts of a mock.

    Args:
        catalogue: The apps they may be connected to.
        known_only: Whether a linked account must have been created before it is used.
    """

    _catalogue: Catalogue
    known_only: bool = False
    _accounts: dict[str, MockAccount] = attrs.field(factory=dict[str, MockAccount], init=False)
    _created: int = attrs.field(default=0, init=False)
    # The ids of the private workflows of all accounts: a request for one of another account is refused for that reason.
    _private_ids: set[str] = attrs.field(factory=set[str], init=False)

    def get_or_create(self, linked_account_id: str) -> MockAccount:
        """Return the account with this id; create it if it does not exist."""
        account = self._accounts.get(linked_account_id)
        if account is None:
            self._created += 1
            account = MockAccount(linked_account_id, self._created, self._catalogue, self._private_ids)
            self._accounts[linked_account_id] = account
        return account

    def find(self, linked_account_id: str) -> MockAccount | None:
        """Return the account with this id; if it does not exist, None with `known_only`, else a new one."""
        return self._accounts.get(linked_account_id) if self.known_only else self.get_or_create(linked_account_id)

    def delete(self, account: MockAccount) -> None:
        """Delete an account and all its data."""
        self._accounts.pop(account.linked_account_id, None)
        account.forget()

    def all(self) -> list[MockAccount]:
        """Return all accounts, oldest first."""
        return list(self._accounts.values())

    def unknown(self, linked_account_id: str) -> str:
        """Return the message that no account has this id, as most of the API words it."""
        return f"No linked account found for account id : {linked_account_id} in environment {ENVIRONMENT}"
