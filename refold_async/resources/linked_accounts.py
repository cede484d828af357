"""`refold.linked_accounts`: the customers, and what they are connected to."""

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
_CHECK_THE_ID: Final = "Check the id: it is your own, as it was given to Refold; linked_accounts.list() gives them all."

_LIST: Final = Endpoint("GET", "/api/v2/public/linked-account", "the list of linked accounts")
_GET: Final = Endpoint("GET", "/api/v2/public/linked-account/{linked_account_id}", _ACCOUNT, _CHECK_THE_ID)
_CREATE: Final = Endpoint("POST", "/api/v2/public/linked-account", "the new linked account")
_UPSERT: Final = Endpoint("PUT", "/api/v2/public/linked-account", "the linked account")
_DELETE: Final = Endpoint("DELETE", "/api/v2/public/linked-account/{linked_account_id}", _ACCOUNT, _CHECK_THE_ID)


class LinkedAccounts(Resource):
    """The linked accounts of the organisation, as `refold.linked_accounts`."""

    __slots__ = ("_account",)

    def __init__(self, send: Send, account: Callable[[str], AccountScope]) -> None:
        super().__init__(send)
        self._account = account

    def list(
        self, *, connected_to: str | None = None, page_size: int = 100, timeout: Timeout | float | None = None
    ) -> Listing[LinkedAccount]:
        """Iterate over all linked accounts, or those that can be acted for. Refold page: *List Linked Accounts*.

        ```python
        async for account in refold.linked_accounts.list(): ...
        report = await refold.fan_out_action(refold.linked_accounts.list(connected_to="hubspot"), …).collect()
        ```

        The next page is fetched while the present one is read. The list may change meanwhile: an account comes once,
        also when it moves to a later page (among the last 10,000), and the iteration always ends; but where accounts
        are deleted, those behind them move up, and as many as were deleted can be missed.

        Args:
            connected_to: Only accounts that have connected this app, and need not reconnect it. Refold sends all
                accounts; the others are left out here, but not one that does not tell what it has connected. Before the
                first is left out, the app is looked up: accounts name a custom app of yours only by its id, and a slug
                may be misspelled.
            page_size: How many to ask for at once; Refold may send fewer.
            timeout: Seconds for each page, or a `Timeout`; by default the client's.

        Returns:
            The linked accounts. Leave it early with `break` or `await ....aclose()`; as with any async generator, one
            whose `anext()` was cancelled has ended.

        Raises:
            NotFoundError: There is no app that `connected_to` names.
            APIResponseValidationError: The pages end before they have brought all accounts that Refold says there are.
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
        """Return what tells whether an account can be acted for in an app."""
        from refold_async.resources.connections import Connections

        connections = Connections(slug)

        async def look_up(account: LinkedAccount) -> bool:
            applications = self._account(account.linked_account_id).applications
            try:
                state = await connections.look_up(account, lambda: applications.get(slug, timeout=timeout))
            except NotFoundError:
                if connections.missing is not None:
                    raise
                return False  # the account was deleted meanwhile
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
            linked_account_id: Your own id of the customer.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The account, with the apps it has connected.

        Raises:
            NotFoundError: There is no such linked account.
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
        """Make a linked account. Refold page: *Create Linked Account*.

        Args:
            linked_account_id: Your own id of the customer.
            name: Its name for people.
            user_defined_fields: Fields of your own, by name; the values are strings.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The account.

        Raises:
            BadRequestError: There is such an account already, or Refold refused a value.
            APIConnectionError: No response; `effect` says whether it may have been made. `upsert` does no harm then.
        """
        request = _CREATE.request(body=_fields(linked_account_id, name, user_defined_fields))
        return await self._send(request, parse_model(LinkedAccount), timeout)

    async def upsert(
        self,
        linked_account_id: str,
        *,
        name: str | None = None,
        user_defined_fields: Mapping[str, str] | None = None,
        timeout: Timeout | float | None = None,
    ) -> LinkedAccount:
        """Make a linked account, or change the fields given if it is there. Refold page: *Upsert Linked Account*.

        User-defined fields are added and changed; those that are not given stay as they are, and none is removed.

        Args:
            linked_account_id: Your own id of the customer.
            name: Its name for people.
            user_defined_fields: Fields of your own, by name; the values are strings.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The account.

        Raises:
            BadRequestError: Refold refused a value.
            APIConnectionError: No response; `effect` says whether it may have been changed.
        """
        request = _UPSERT.request(body=_fields(linked_account_id, name, user_defined_fields))
        return await self._send(request, parse_model(LinkedAccount), timeout)

    async def delete(self, linked_account_id: str, *, timeout: Timeout | float | None = None) -> Confirmation:
        """Delete a linked account, and with it what it has connected. Refold page: *Delete Linked Account*.

        Args:
            linked_account_id: Your own id of the customer.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            What Refold says of it.

        Raises:
            NotFoundError: There is no such linked account.
            APIConnectionError: No response; `effect` says whether it may have been deleted.
        """
        request = _DELETE.request(check_header_value("linked_account_id", linked_account_id))
        return await self._send(request, parse_told(Confirmation), timeout)


def _fields(linked_account_id: str, name: str | None, user_defined_fields: Mapping[str, str] | None) -> dict[str, Any]:
    if user_defined_fields is not None and not isinstance(user_defined_fields, Mapping):
        kind = type(user_defined_fields).__name__
        raise ConfigurationError(f"user_defined_fields must be a mapping of names to values, not {kind}.")
    return {
        # What could not be sent as a header later is not to become an account now.
        "linked_account_id": check_header_value("linked_account_id", linked_account_id),
        "name": None if name is None else check_string("name", name),
        "udf": None if user_defined_fields is None else _checked_fields(user_defined_fields),
    }


def _checked_fields(fields: Mapping[str, str]) -> dict[str, str]:
    """Return fields of a caller's own, whose values Refold keeps as strings: it would not give back what was given."""
    for name, value in fields.items():
        check_string("a name of user_defined_fields", name)
        if not isinstance(value, str):
            raise ConfigurationError(
                f"user_defined_fields[{name!r}] must be a str, not {type(value).__name__}: pass a text, such as "
                "str(value)."
            )
    return dict(fields)
