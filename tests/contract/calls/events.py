"""Events."""

from typing import Final

from contract.calls.call import JANE, Refused, call
from refold_async import AccountScope, AsyncRefold
from refold_async.testing import MockRefold

__all__ = ["CALLS", "REFUSED", "stage"]

_EVENT: Final = "/api/v2/public/application/event"
_SCHEMA: Final = {"type": "object"}

# fmt: off
CALLS: Final = (
    call("account.events.trigger", "contact_created", JANE, slug="hubspot", config_id="c 1", instance_tag="nightly"),
    call("account.events.trigger", "contact_created"),
    call("account.events.trigger_by_slug", "hubspot", "contact_created", JANE, config_id="c 1", instance_tag="nightly"),
    call("refold.event_definitions.list"),
    call("refold.event_definitions.get", "{event}"),
    call("refold.event_definitions.create", "contact_changed", {"contact": JANE}, json_schema=_SCHEMA),
    call("refold.event_definitions.update", "{event}", "contact_removed", {"contact": JANE}, json_schema=_SCHEMA),
    call("refold.event_definitions.delete", "{event}"),
)
REFUSED: Final = (
    Refused("POST", "/api/v2/public/event/trigger", {"event": "no_such"}),
    Refused("POST", "/api/v2/public/event/hubspot", {"event": "no_such"}),
    Refused("POST", _EVENT, {"name": "a", "response": "a text"}, "organisation"),
)
# fmt: on


async def stage(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> dict[str, str]:
    """Define an event."""
    *_, created = await refold.event_definitions.create("contact_deleted", {"id": "5"})
    return {"event": created.event_id}
