"""Whether linked accounts are connected to an app, from their own data. The app itself is looked up only once."""

import asyncio
import copy
from collections.abc import Awaitable, Callable
from typing import TypeVar

from refold_async.config.settings import Timeout
from refold_async.errors import NotFoundError, RefoldError
from refold_async.models.applications import Application
from refold_async.models.connection_states import ConnectionState
from refold_async.models.linked_accounts import LinkedAccount
from refold_async.protocol.responses import fields_of
from refold_async.resources.account import AccountScope
from refold_async.resources.applications import disconnected

__all__ = ["Connections"]

T = TypeVar("T")

GetApplication = Callable[[], Awaitable[Application]]
"""Reads the app for a linked account."""


class Connections:
    """The connections of many linked accounts to one app.

    The app is looked up once, for the first account that seems not to have connected it. There may be no such app; or
    it is a custom app, which accounts identify only by its id.

    Args:
        slug: The app.
    """

    def __init__(self, slug: str) -> None:
        self._slug = slug
        self._app_id: str | None = None
        self._known = False
        self.missing: NotFoundError | None = None
        """The error that there is no such app, once that is known."""
        self._looking = asyncio.Lock()
        self._failed = False

    def told_by(self, account: LinkedAccount) -> ConnectionState | None:
        """Return the state according to the account's data, or None if the app must be looked up first."""
        state = account.connection_state(self._slug, self._app_id)
        return state if self._known or state != "connect" else None

    async def look_up(self, account: LinkedAccount, get: GetApplication) -> ConnectionState:
        """Return the state according to the account's data, after looking up the app unless it is known.

        If that failed for another account, or if Refold does not return the app's id, read this account's own
        connection.

        Args:
            account: The account.
            get: Reads the app for this account.

        Raises:
            NotFoundError: There is no such app, and `missing` is set; or this account no longer exists.
            RefoldError: Any other error of `get`.
        """
        async with self._looking:
            if self.missing is not None:
                raise _for_account(self.missing, account)
            if not self._known and not self._failed:
                try:
                    application = await get()
                except NotFoundError as error:
                    if _is_about_app(error):
                        self.missing = copy.copy(error)
                    raise
                except RefoldError:
                    self._failed = True
                    raise
                if application.app_id is None:
                    self._failed = True
                    return application.state
                self._app_id = application.app_id
                self._known = True
        if self._known:
            return account.connection_state(self._slug, self._app_id)
        return (await get()).state

    def before(self, call: Callable[..., Awaitable[T]], timeout: Timeout | None) -> Callable[..., Awaitable[T]]:
        """Return a function that makes a call for a scope and an item only if the account is connected.

        Args:
            call: A function of a scope, an item and any further arguments.
            timeout: The time limits of the request that finds out whether the account is connected.
        """

        async def call_if_connected(scope: AccountScope, item: object, *arguments: object) -> T:
            await self.ensure(scope, item, timeout)
            return await call(scope, item, *arguments)

        return call_if_connected

    async def ensure(self, scope: AccountScope, item: object, timeout: Timeout | None) -> None:
        """Raise an error unless the account of a scope is connected; use the data of `item` if it is that account.

        Raises:
            ReconnectRequiredError: The account has not connected the app, or its credentials no longer work.
            NotFoundError: There is no such app.
            RefoldError: The request to Refold failed.
        """
        if (
            not isinstance(item, LinkedAccount)
            or item.linked_account_id != scope.linked_account_id
            or item.integrations is None
        ):
            await scope.applications.ensure_connected(self._slug, timeout=timeout)
            return
        state = self.told_by(item)
        if state is None:
            state = await self.look_up(item, lambda: scope.applications.get(self._slug, timeout=timeout))
        if state != "connected":
            error = disconnected(self._slug, state)
            error.linked_account_id = item.linked_account_id
            raise error


def _is_about_app(error: NotFoundError) -> bool:
    """Return whether the app was not found, rather than the linked account."""
    said = str(fields_of(error.body).get("message")).lower()
    return error.error_code == "EXTERNAL_API_FAILURE" or "application" in said


def _for_account(missing: NotFoundError, account: LinkedAccount) -> NotFoundError:
    """Return the error that there is no app, for an account that needed no request of its own to find out."""
    error = copy.copy(missing)
    error.linked_account_id, error.attempts = account.linked_account_id, 0
    return error
