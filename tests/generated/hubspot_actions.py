# Written by `refold generate`, which writes over it: do not edit.
"""The actions of hubspot, and the types of their parameters.

    actions = HubspotActions(refold.account("user_12345"))
    result = await actions.create_contact({...})

To update it, run this with -o and the name of this file:

    refold generate hubspot
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, NotRequired, TypedDict, Unpack

from refold_async import AccountScope, ActionResult, Timeout

if TYPE_CHECKING:
    from typing_extensions import TypeForm, TypeVar

    T = TypeVar("T", default=Any)

SLUG: Final = "hubspot"
"""The slug of the app, for fan_out_action() and other calls."""

ActionId = Literal[
    "create_contact",
    "delete_contact",
    "get_contact",
    "get_loyalty_points",
    "httprequest",
    "search_contacts",
    "update_contact",
]
"""The ids of the actions."""

_AS_JSON: Any = None


class CallOptions(TypedDict, total=False):
    """The options of every method, which are those of AccountScope.execute_action()."""

    idempotent: bool
    """You confirm that executing it twice does no harm, as with any read."""
    connection_id: str | None
    """The connection to use, if the linked account has several to the app."""
    headers: Mapping[str, str] | None
    """Headers to add to those of the client."""
    timeout: Timeout | float | None
    """Seconds for the whole call, or a Timeout; by default that of the client."""


class CreateContactParameters(TypedDict):
    """The parameters of create_contact."""

    email: str
    """Email (email)"""
    firstname: NotRequired[str]
    """First name (text)"""
    lastname: NotRequired[str]
    """Last name (text)"""
    company: NotRequired[str]
    """Company (text)"""
    phone: NotRequired[str]
    """Phone (text)"""


class DeleteContactParameters(TypedDict):
    """The parameters of delete_contact."""

    id: str
    """Contact ID (text)"""


class GetContactParameters(TypedDict):
    """The parameters of get_contact."""

    id: NotRequired[str]
    """Contact ID (text)"""
    email: NotRequired[str]
    """Email (email)"""
    limit: NotRequired[float | str]
    """Limit (number)"""
    after: NotRequired[str]
    """After (text)"""


class GetLoyaltyPointsParameters(TypedDict):
    """The parameters of get_loyalty_points."""

    email: str
    """Email (email)"""


class HttprequestParameters(TypedDict):
    """The parameters of httprequest."""

    method: str
    """Method (select)"""
    url: str
    """URL (url)"""
    query: NotRequired[Mapping[str, Any]]
    """Query (map)"""
    headers: NotRequired[Mapping[str, Any]]
    """Headers (map)"""
    body: NotRequired[Any]
    """Body (json)"""


class SearchContactsParameters(TypedDict):
    """The parameters of search_contacts."""

    query: NotRequired[str]
    """Text to look for (text)"""
    email: NotRequired[str]
    """Email (email)"""
    limit: NotRequired[float | str]
    """Limit (number)"""


class UpdateContactParameters(TypedDict):
    """The parameters of update_contact."""

    id: str
    """Contact ID (text)"""
    email: NotRequired[str]
    """Email (email)"""
    firstname: NotRequired[str]
    """First name (text)"""
    lastname: NotRequired[str]
    """Last name (text)"""
    company: NotRequired[str]
    """Company (text)"""
    phone: NotRequired[str]
    """Phone (text)"""


class HubspotActions:
    """The actions of hubspot, for one linked account.

    Each method executes one action, and raises the errors of AccountScope.execute_action(). `into=` is
    the type of the app's data; by default the data stays plain JSON values.

    Args:
        account: The linked account, such as refold.account("user_12345"). The constructor does no I/O.
    """

    def __init__(self, account: AccountScope) -> None:
        self._account = account

    async def _execute(
        self, action_id: ActionId, parameters: Mapping[str, Any] | None, into: Any, options: CallOptions
    ) -> ActionResult[Any]:
        return await self._account.execute_action(SLUG, action_id, parameters, into=into, **options)

    async def create_contact(
        self, parameters: CreateContactParameters, *, into: "TypeForm[T]" = _AS_JSON, **options: Unpack[CallOptions]
    ) -> "ActionResult[T]":
        """Create contact.

        Creates a contact.
        """
        return await self._execute("create_contact", parameters, into, options)

    async def delete_contact(
        self, parameters: DeleteContactParameters, *, into: "TypeForm[T]" = _AS_JSON, **options: Unpack[CallOptions]
    ) -> "ActionResult[T]":
        """Delete contact.

        Deletes a contact.
        """
        return await self._execute("delete_contact", parameters, into, options)

    async def get_contact(
        self, parameters: GetContactParameters | None = None, *, into: "TypeForm[T]" = _AS_JSON, **options: Unpack[CallOptions]
    ) -> "ActionResult[T]":
        """Get contact.

        Reads contacts: one by its id or email, else a list.
        """
        return await self._execute("get_contact", parameters, into, options)

    async def get_loyalty_points(
        self, parameters: GetLoyaltyPointsParameters, *, into: "TypeForm[T]" = _AS_JSON, **options: Unpack[CallOptions]
    ) -> "ActionResult[T]":
        """Get loyalty points.

        A custom action: calls an API of the organisation itself.
        """
        return await self._execute("get_loyalty_points", parameters, into, options)

    async def httprequest(
        self, parameters: HttprequestParameters, *, into: "TypeForm[T]" = _AS_JSON, **options: Unpack[CallOptions]
    ) -> "ActionResult[T]":
        """HTTP Request.

        Sends your own request to the app's API. The mock echoes it.
        """
        return await self._execute("httprequest", parameters, into, options)

    async def search_contacts(
        self, parameters: SearchContactsParameters | None = None, *, into: "TypeForm[T]" = _AS_JSON, **options: Unpack[CallOptions]
    ) -> "ActionResult[T]":
        """Search contacts.

        Finds contacts that contain a text.
        """
        return await self._execute("search_contacts", parameters, into, options)

    async def update_contact(
        self, parameters: UpdateContactParameters, *, into: "TypeForm[T]" = _AS_JSON, **options: Unpack[CallOptions]
    ) -> "ActionResult[T]":
        """Update contact.

        Changes properties of a contact.
        """
        return await self._execute("update_contact", parameters, into, options)
