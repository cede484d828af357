"""Linked accounts and what the mock remembers of each."""

from typing import Any, Literal

import attrs

from refold_async.testing.catalogue.catalogue import Catalogue
from refold_async.testing.protocol.timestamps import timestamp
from refold_async.testing.state.account_workflows import AccountWorkflows

__all__ = ["AccountStore", "ConnectionStatus", "MockAccount"]

ConnectionStatus = Literal["connected", "expired", "disconnected"]


@attrs.define(eq=False)
class MockAccount:
    """One linked account. It is connected to every app until told otherwise.

    Attributes:
        linked_account_id: The caller's own id for it.
        number: Its serial number in this mock, from 1.
        name: Its name for people.
        user_defined_fields: Fields of the caller's own; None is none.
        created: Whether it was created by a call, not just named in a request.
    """

    linked_account_id: str
    number: int
    _catalogue: Catalogue = attrs.field(repr=False)
    name: str | None = None
    user_defined_fields: dict[str, Any] | None = None
    created: bool = False
    # None until needed: there may be a hundred thousand accounts that never need them.
    _connections: dict[str, ConnectionStatus] | None = attrs.field(default=None, init=False, repr=False)
    _stores: dict[str, dict[str, Any]] | None = attrs.field(default=None, init=False, repr=False)
    _workflows: AccountWorkflows | None = attrs.field(default=None, init=False, repr=False)

    def connect(self, slug: str) -> None:
        """Connect an app, or reconnect it after its credentials expired.

        Args:
            slug: The app.
        """
        self._set(slug, "connected")

    def disconnect(self, slug: str) -> None:
        """Disconnect an app: executing its actions is then refused. What the app remembers stays.

        Args:
            slug: The app.
        """
        self._set(slug, "disconnected")

    def expire(self, slug: str) -> None:
        """Let the credentials of an app expire: the app then answers its actions with an error 401.

        Args:
            slug: The app.
        """
        self._set(slug, "expired")

    def connection(self, slug: str) -> ConnectionStatus:
        """Tell the state of the connection to an app.

        Args:
            slug: The app.
        """
        return "connected" if self._connections is None else self._connections.get(slug, "connected")

    def store(self, slug: str) -> dict[str, Any]:
        """Return what an app remembers for this account: the dict its handlers see as `context.store`.

        Args:
            slug: The app.
        """
        if self._stores is None:
            self._stores = {}
        return self._stores.setdefault(slug, {})

    @property
    def workflows(self) -> AccountWorkflows:
        """The workflows it can see: the catalogue's and its own."""
        if self._workflows is None:
            self._workflows = AccountWorkflows(self._catalogue, self.number)
        return self._workflows

    def document(self) -> dict[str, Any]:
        """Return the account as the API shows it."""
        apps = self._catalogue.apps.values()
        return {
            "_id": f"63cabcc596d0d105{self.number:08x}",
            "account_id": self.linked_account_id,
            "name": self.name,
            "environment": "test",
            "udf": [{"key_name": key, "key_value": value} for key, value in (self.user_defined_fields or {}).items()],
            "integrations": [
                {"type": app.slug, "name": app.name, "reauth_required": self.connection(app.slug) == "expired"}
                for app in apps
                if self.connection(app.slug) != "disconnected"
            ],
            "createdAt": timestamp(),
            "updatedAt": timestamp(),
        }

    def _set(self, slug: str, status: ConnectionStatus) -> None:
        self._catalogue.app(slug)
        if self._connections is None:
            self._connections = {}
        self._connections[slug] = status


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

    def get_or_create(self, linked_account_id: str) -> MockAccount:
        """Return the account of this id, made now if need be."""
        account = self._accounts.get(linked_account_id)
        if account is None:
            self._created += 1
            account = MockAccount(linked_account_id, self._created, self._catalogue)
            self._accounts[linked_account_id] = account
        return account

    def find(self, linked_account_id: str) -> MockAccount | None:
        """Return the account of this id; an unknown one is None if `known_only`, else made now."""
        return self._accounts.get(linked_account_id) if self.known_only else self.get_or_create(linked_account_id)

    def delete(self, account: MockAccount) -> None:
        """Forget an account and all it remembered."""
        self._accounts.pop(account.linked_account_id, None)

    def all(self) -> list[MockAccount]:
        """Return all accounts there are, oldest first."""
        return list(self._accounts.values())
