"""The catalogue that a mock starts with: HubSpot, Slack, a workflow and an event that starts it."""

from typing import Any, Final, cast

from refold_async.testing.catalogue.catalogue import Catalogue
from refold_async.testing.catalogue.handlers import WorkflowContext
from refold_async.testing.catalogue.hubspot import add_hubspot, create_contact, find_by_email
from refold_async.testing.catalogue.slack import add_slack

__all__ = ["SAMPLE_WORKFLOW_ID", "sample_catalogue"]

SAMPLE_WORKFLOW_ID: Final = "6a30f0c2d4616e99e7fa5a01"


def sample_catalogue() -> Catalogue:
    """Return a catalogue with the apps `hubspot` and `slack`, the workflow `SAMPLE_WORKFLOW_ID` and an event.

    The event is `contact_created`; it starts the workflow. The environment variables `API_BASE_URL`, of the
    organisation, and `API_SECRET`, of each linked account, have no values at first.
    """
    catalogue = Catalogue()
    add_hubspot(catalogue)
    add_slack(catalogue)
    catalogue.workflow(
        "hubspot",
        SAMPLE_WORKFLOW_ID,
        name="Welcome a contact",
        description="Makes sure that a contact with the payload's email address exists.",
        # Refold's documentation writes its examples with placeholders. They work here unchanged, so that you can paste
        # its commands: curl expands the braces of `{workflow_id}` in a URL, other clients send them quoted.
        aliases=["workflow_id", "{workflow_id}", "welcome_contact"],
        slug_aliases=["{slug}"],
        batch_node=True,
        payload={"email": "jane@example.com"},
        schema={"type": "object", "properties": {"email": {"type": "string"}}, "required": ["email"]},
        config_fields=[{"id": "69a0100c5bd27ed2af7243b0", "name": "Greeting", "field_type": "text"}],
    )(_welcome_contact)
    catalogue.add_event("contact_created", SAMPLE_WORKFLOW_ID)
    catalogue.add_environment_variable("API_BASE_URL", var_format="url", description="Base URL for callbacks")
    catalogue.add_environment_variable("API_SECRET", scope="linked_account", encrypted=True)
    return catalogue


async def _welcome_contact(context: WorkflowContext, payload: Any) -> Any:
    email = cast("dict[str, Any]", payload).get("email") if isinstance(payload, dict) else None
    if not email:
        raise ValueError("the payload has no email")
    contact = find_by_email(context, str(email))
    if contact is not None:
        return {"contact_id": contact["id"], "created": False}
    created = await create_contact(context, {"email": email})
    return {"contact_id": created["id"], "created": True}
