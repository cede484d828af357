"""A sample app: HubSpot with a few contact actions and one custom action."""

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from refold_async.testing.catalogue.catalogue import Catalogue
from refold_async.testing.catalogue.handlers import ActionContext, AppError
from refold_async.testing.protocol.timestamps import timestamp

__all__ = ["SAMPLE_CONTACT", "add_hubspot", "create_contact", "find_by_email"]

Contact = Mapping[str, Any]

SAMPLE_CONTACT: Final[Contact] = {
    "id": "51",
    "properties": {
        "email": "contact@example.com",
        "firstname": "Brian",
        "lastname": "Halligan (Sample Contact)",
    },
    "createdAt": "2023-10-06T09:53:17.242Z",
    "archived": False,
}
_UNTOUCHED: Final[Mapping[str, Contact]] = {"51": SAMPLE_CONTACT}
_FIRST_NEW_ID: Final = 1510721

_LIMIT = {"name": "limit", "label": "Limit", "type": "number"}
_CONTACT_FIELDS = [
    {"name": "firstname", "label": "First name"},
    {"name": "lastname", "label": "Last name"},
    {"name": "company", "label": "Company"},
    {"name": "phone", "label": "Phone"},
]
_CONFIG_FIELDS: Final = (
    {
        "id": "699fec7a5bd27ed2af7243ad",
        "name": "Stages to sync",
        "field_type": "select",
        "required": False,
        "multiple": True,
        "hidden": False,
        "options": [{"name": "Lead", "value": "lead"}, {"name": "Customer", "value": "customer"}],
        "defaultValue": "",
    },
    {
        "id": "699fec7a5bd27ed2af7243ae",
        "name": "Contact fields",
        "field_type": "map",
        "required": False,
        "hidden": False,
        "labels": {"email": "Email", "full_name": "Full name"},
    },
    {
        "id": "699fec7a5bd27ed2af7243af",
        "name": "Which deals",
        "field_type": "rule_engine",
        "required": False,
        "hidden": False,
        "rule_columns": [
            {"id": "stage", "name": "Stage", "field_type": "select", "options": [{"name": "Won", "value": "won"}]},
            {"id": "amount", "name": "Amount", "field_type": "number"},
        ],
    },
)
_CORRELATION_ID = "8bd1675a-0000-4000-8000-000000000000"


def add_hubspot(catalogue: Catalogue) -> None:
    """Add the app `hubspot` with its actions.

    Args:
        catalogue: Where to add it.
    """
    catalogue.add_app(
        "hubspot",
        name="HubSpot",
        tags=["CRM"],
        description="Contacts, companies and deals.",
        expired_data=_error("EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired"),
        rate_limited_data=_error("RATE_LIMITS", "You have reached your secondly limit."),
        config_fields=_CONFIG_FIELDS,
    )

    def action(action_id: str, description: str, parameters: list[dict[str, Any]]) -> Any:
        return catalogue.action("hubspot", action_id, description=description, parameters=parameters, tag="Contacts")

    email = {"name": "email", "label": "Email", "type": "email"}
    contact_id = {"name": "id", "label": "Contact ID"}
    action("get_contact", "Reads contacts: one by its id or email, else a list.", [
        contact_id, email, _LIMIT, {"name": "after", "label": "After"},
    ])(_get_contact)  # fmt: skip
    action("search_contacts", "Finds contacts that contain a text.", [
        {"name": "query", "label": "Text to look for"}, email, _LIMIT,
    ])(_search_contacts)  # fmt: skip
    action("create_contact", "Creates a contact.", [{**email, "required": True}, *_CONTACT_FIELDS])(create_contact)
    action("update_contact", "Changes properties of a contact.", [
        {**contact_id, "required": True}, email, *_CONTACT_FIELDS,
    ])(_update_contact)  # fmt: skip
    action("delete_contact", "Deletes a contact.", [{**contact_id, "required": True}])(_delete_contact)
    catalogue.action(
        "hubspot",
        "get_loyalty_points",
        name="Get loyalty points",
        description="A custom action: calls an API of the organisation itself.",
        parameters=[{**email, "required": True}],
        tag="Custom",
    )(_get_loyalty_points)


async def create_contact(context: ActionContext, parameters: dict[str, Any]) -> Any:
    """Create a contact from all given parameters. The same email address twice makes two contacts.

    Args:
        context: The context of the action.
        parameters: The contact's properties.
    """
    contacts = _own_contacts(context)
    created: int = context.store.get("contacts_created", 0)
    context.store["contacts_created"] = created + 1
    contact_id, created_at = str(_FIRST_NEW_ID + created), timestamp(created)
    contacts[contact_id] = {"id": contact_id, "properties": parameters, "createdAt": created_at, "archived": False}
    return {"id": contact_id, "createdAt": created_at}


def find_by_email(context: ActionContext, email: str) -> Contact | None:
    """Return the first contact with this email address, or None.

    Args:
        context: The context of the action.
        email: The address, in upper or lower case.
    """
    wanted = email.casefold()
    for contact in _contacts(context).values():
        if str(contact["properties"].get("email", "")).casefold() == wanted:
            return contact
    return None


async def _get_contact(context: ActionContext, parameters: dict[str, Any]) -> Any:
    if "id" in parameters:
        return {"results": [_existing(context, parameters["id"])], "paging": {}}
    if "email" in parameters:
        contact = find_by_email(context, str(parameters["email"]))
        if contact is None:
            raise _not_found()
        return {"results": [contact], "paging": {}}
    limit, after = _limit(parameters), str(parameters.get("after") or "")
    contacts = iter(_contacts(context).values())
    if after:
        for contact in contacts:
            if contact["id"] == after:
                break
    results = list(islice(contacts, limit + 1))
    if len(results) <= limit:
        return {"results": results, "paging": {}}
    return {"results": results[:limit], "paging": {"next": {"after": results[limit - 1]["id"]}}}


async def _search_contacts(context: ActionContext, parameters: dict[str, Any]) -> Any:
    text = str(parameters.get("query") or "").casefold()
    email = str(parameters.get("email") or "").casefold()
    found = [
        contact
        for contact in _contacts(context).values()
        if any(text in str(value).casefold() for value in contact["properties"].values())
        and email in ("", str(contact["properties"].get("email", "")).casefold())
    ]
    return {"total": len(found), "results": found[: _limit(parameters)], "paging": {}}


async def _update_contact(context: ActionContext, parameters: dict[str, Any]) -> Any:
    contact = _existing(context, parameters["id"])
    changes = {name: value for name, value in parameters.items() if name != "id"}
    updated = {**contact, "properties": {**contact["properties"], **changes}}
    _own_contacts(context)[contact["id"]] = updated
    return updated


async def _delete_contact(context: ActionContext, parameters: dict[str, Any]) -> Any:
    contact = _existing(context, parameters["id"])
    del _own_contacts(context)[contact["id"]]


async def _get_loyalty_points(_context: ActionContext, parameters: dict[str, Any]) -> Any:
    email = str(parameters["email"])
    return {"email": email, "points": sum(email.encode()) % 1000}


def _contacts(context: ActionContext) -> Mapping[str, Contact]:
    contacts: Mapping[str, Contact] = context.store.get("contacts", _UNTOUCHED)
    return contacts


def _own_contacts(context: ActionContext) -> dict[str, Contact]:
    # Accounts share the sample contact until their first write, so that accounts which only read need almost no memory.
    contacts: dict[str, Contact] = context.store.setdefault("contacts", dict(_UNTOUCHED))
    return contacts


def _existing(context: ActionContext, contact_id: object) -> Contact:
    contact = _contacts(context).get(str(contact_id))
    if contact is None:
        raise _not_found()
    return contact


def _limit(parameters: Mapping[str, Any]) -> int:
    try:
        limit = int(parameters.get("limit") or 10)
    except (TypeError, ValueError):
        limit = 0
    if not 1 <= limit <= 100:
        raise AppError(400, _error("VALIDATION_ERROR", f"limit must be 1 to 100, not {parameters['limit']!r}"))
    return limit


def _not_found() -> AppError:
    return AppError(404, _error("OBJECT_NOT_FOUND", "resource not found"))


def _error(category: str, message: str) -> dict[str, Any]:
    return {"status": "error", "message": message, "category": category, "correlationId": _CORRELATION_ID}
