# Written by `refold generate`, which writes over it: do not edit.
"""The actions of hubspot, and the types of what they take.

    actions = HubspotActions(refold.account("user_12345"))
    result = await actions.create_contact({...})

To write it anew, with -o and this file's name:

    refold generate hubspot
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, NotRequired, TypedDict, Unpack

from refold_async import AccountScope, ActionResult, Timeout

if TYPE_CHECKING:
    from typing_extensions import TypeForm, TypeVar

    T = TypeVar("T", default=Any)

SLUG: Final = "hubspot"
"""The app, as fan_out_action() and other calls name it."""

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
    """What every method takes beside the parameters, as AccountScope.execute_action() does."""

    idempotent: bool
    """You vouch that it does no harm to send this twice, as with any read."""
    connection_id: str | None
    """The connection to act by, where the linked account has several to the app."""
    headers: Mapping[str, str] | None
    """Headers beside those the client sets."""
    timeout: Timeout | float | None
    """Seconds for the whole call, or a Timeout; by default the client's."""


class CreateContactParameters(TypedDict):
    """What create_contact takes."""

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
    """What delete_contact takes."""

    id: str
    """Contact ID (text)"""


class GetContactParameters(TypedDict):
    """What get_contact takes."""

    id: NotRequired[str]
    """Contact ID (text)"""
    email: NotRequired[str]
    """Email (email)"""
    limit: NotRequired[float | str]
    """Limit (number)"""
    after: NotRequired[str]
    """After (text)"""


class GetLoyaltyPointsParameters(TypedDict):
    """What get_loyalty_points takes."""

    email: str
    """Email (email)"""


class HttprequestParameters(TypedDict):
    """What httprequest takes."""

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
    """What search_contacts takes."""

    query: NotRequired[str]
    """Text to look for (text)"""
    email: NotRequired[str]
    """Email (email)"""
    limit: NotRequired[float | str]
    """Limit (number)"""


class UpdateContactParameters(TypedDict):
    """What update_contact takes."""

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

    Each method executes one, and raises what AccountScope.execute_action() does. `into=` is the type to
    structure the app's data into; by default it stays as JSON gave it.

    Args:
        account: The linked account, such as refold.account("user_12345"). Making this does no I/O.
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
