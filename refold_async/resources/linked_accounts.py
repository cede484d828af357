"""`refold.linked_accounts`: your customers' linked accounts, and the apps they have connected."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from refold_async.config.settings import Timeout
from refold_async.config.validation import check_header_value, check_string
from refold_async.errors import ConfigurationError, NotFoundError
from refold_async.models.confirmations import Confirmation
from refold_async.models.linked_accounts import LinkedAccount
from refold_async.protocol.endpoints import Endpoint
from refold_async.protocol.pages import Listing
from refold_async.protocol.parsers import parse_model, parse_told
from refold_async.resources.account import AccountScope
from refold_async.resources.resource import Resource, Send

__all__ = ["LinkedAccounts"]

_ACCOUNT: Final = "linked account {linked_account_id!r}"
_CHECK_THE_ID: Final = "Check the id: it is your own, as you gave it to Refold. linked_accounts.list() gives all ids."

_LIST: Final = Endpoint("GET", "/api/v2/public/linked-account", "the list of linked accounts")
_GET: Final = Endpoint("GET", "/api/v2/public/linked-account/{linked_account_id}", _ACCOUNT, _CHECK_THE_ID)
_CREATE: Final = Endpoint("POST", "/api/v2/public/linked-account", "the new linked account")
_UPSERT: Final = Endpoint("PUT", "/api/v2/public/linked-account", "the linked account")
_DELETE: Final = Endpoint("DELETE", "/api/v2/public/linked-account/{linked_account_id}", _ACCOUNT, _CHECK_THE_ID)


class LinkedAccounts(Resource):
    """The linked accounts of your organisation, as `refold.linked_accounts`."""

    __slots__ = ("_account",)

    def __init__(self, send: Send, account: Callable[[str], AccountScope]) -> None:
        super().__init__(send)
        self._account = account

    def list(
        self, *, connected_to: str | None = None, page_size: int = 100, timeout: Timeout | float | None = None
    ) -> Listing[LinkedAccount]:
        """Iterate over all linked accounts, or over those connected to an app. Refold page: *List Linked Accounts*.

        ```python
        async for account in refold.linked_accounts.list(): ...
        report = await refold.fan_out_action(refold.linked_accounts.list(connected_to="hubspot"), …).collect()
        ```

        The next page is fetched while you process the current one. The list may change during the iteration, which
        always ends. Each account is returned only once, even if it moves to a later page (checked among the last
        10,000). But when accounts are deleted, later ones move up, and as many as were deleted can be missed.

        Args:
            connected_to: Only accounts that have connected this app and need not reconnect it. Refold sends all
                accounts, and the client skips the others. It keeps an account if the response does not contain what the
                account has connected. Before it skips the first account, it looks up the app, because the slug may be
                misspelled, and because accounts identify your own custom apps only by their ids.
            page_size: How many accounts to request per page, by default 100; Refold may send fewer.
            timeout: Seconds for each page, or a `Timeout`; by default the client's.

        Returns:
            The linked accounts. To end the iteration early, use `break` or `await listing.aclose()`. As with any
            async generator, the iteration has ended if an `anext()` was cancelled.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no app with the slug `connected_to`.
            APIResponseValidationError: The pages ended before Refold had sent as many accounts as it says there are.
            RefoldError: A call that fetches a page failed.
        """
        keep = None
        if connected_to is not None:
            keep = self._connected_to(check_header_value("connected_to", connected_to), timeout)
        return self._paginate(
            _LIST,
            model=LinkedAccount,
            key=lambda account: account.linked_account_id,
            keep=keep,
            page_size=page_size,
            timeout=timeout,
        )

    def _connected_to(
        self, slug: str, timeout: Timeout | float | None
    ) -> Callable[[LinkedAccount], bool | Awaitable[bool]]:
        """Return a function that decides whether an account is connected to an app."""
        from refold_async.resources.connections import Connections

        connections = Connections(slug)

        async def look_up(account: LinkedAccount) -> bool:
            applications = self._account(account.linked_account_id).applications
            try:
                state = await connections.look_up(account, lambda: applications.get(slug, timeout=timeout))
            except NotFoundError:
                if connections.missing is not None:
                    raise
                return False  # the account was deleted in the meantime
            return state == "connected"

        def keep(account: LinkedAccount) -> bool | Awaitable[bool]:
            if account.integrations is None:
                return True
            state = connections.told_by(account)
            return look_up(account) if state is None else state == "connected"

        return keep

    async def get(self, linked_account_id: str, *, timeout: Timeout | float | None = None) -> LinkedAccount:
        """Read one linked account. Refold page: *Get Linked Account*.

        Args:
            linked_account_id: Your own id for the customer.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The account, with the apps it has connected.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such linked account.
            RefoldError: The call failed in another way.
        """
        return await self._send(
            _GET.request(check_header_value("linked_account_id", linked_account_id)),
            parse_model(LinkedAccount),
            timeout,
        )

    async def create(
        self,
        linked_account_id: str,
        *,
        name: str | None = None,
        user_defined_fields: Mapping[str, str] | None = None,
        timeout: Timeout | float | None = None,
    ) -> LinkedAccount:
        """Create a linked account. Refold page: *Create Linked Account*.

        Args:
            linked_account_id: Your own id for the customer.
            name: The display name of the account.
            user_defined_fields: Your own fields, by name; the values are strings.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The account.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            BadRequestError: There already is such an account, or Refold refused a value.
            RefoldError: The call failed in another way; `effect` says whether the account may have been created. You
                can then safely call `upsert`.
        """
        request = _CREATE.request(
            body=_fields(linked_account_id, name, user_defined_fields),
            subject=f"the new linked account {linked_account_id!r}",
        )
        return await self._send(request, parse_model(LinkedAccount), timeout)

    async def upsert(
        self,
        linked_account_id: str,
        *,
        name: str | None = None,
        user_defined_fields: Mapping[str, str] | None = None,
        timeout: Timeout | float | None = None,
    ) -> LinkedAccount:
        """Create a linked account, or update the given fields if it exists. Refold page: *Upsert Linked Account*.

        User-defined fields are added or changed. Fields that you do not pass remain as they are; none is removed.

        Args:
            linked_account_id: Your own id for the customer.
            name: The display name of the account.
            user_defined_fields: Your own fields, by name; the values are strings.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The account.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            BadRequestError: Refold refused a value.
            RefoldError: The call failed in another way; `effect` says whether the account may have been changed.
        """
        request = _UPSERT.request(
            body=_fields(linked_account_id, name, user_defined_fields), subject=f"linked account {linked_account_id!r}"
        )
        return await self._send(request, parse_model(LinkedAccount), timeout)

    async def delete(self, linked_account_id: str, *, timeout: Timeout | float | None = None) -> Confirmation:
        """Delete a linked account and all its connections. Refold page: *Delete Linked Account*.

        Args:
            linked_account_id: Your own id for the customer.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            Refold's confirmation.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
            NotFoundError: There is no such linked account.
            RefoldError: The call failed in another way; `effect` says whether the account may have been deleted.
        """
        request = _DELETE.request(check_header_value("linked_account_id", linked_account_id))
        return await self._send(request, parse_told(Confirmation), timeout)


def _fields(linked_account_id: str, name: str | None, user_defined_fields: Mapping[str, str] | None) -> dict[str, Any]:
    if user_defined_fields is not None and not isinstance(user_defined_fields, Mapping):
        kind = type(user_defined_fields).__name__
        raise ConfigurationError(f"user_defined_fields must be a mapping of names to values, not {kind}.")
    return {
        # Checked as a header, because later calls for the account send its id as one.
        "linked_account_id": check_header_value("linked_account_id", linked_account_id),
        "name": None if name is None else check_string("name", name),
        "udf": None if user_defined_fields is None else _checked_fields(user_defined_fields),
    }


def _checked_fields(fields: Mapping[str, str]) -> dict[str, str]:
    """Return fields of the caller. Refold stores values as strings and would return other types changed."""
    for name, value in fields.items():
        check_string("a name of user_defined_fields", name)
        if not isinstance(value, str):
            raise ConfigurationError(
                f"user_defined_fields[{name!r}] must be a str, not {type(value).__name__}: pass a text, such as "
                "str(value)."
            )
    return dict(fields)
