"""Events."""

from typing import Final

from contract.calls.call import JANE, Refused, call

__all__ = ["CALLS", "REFUSED"]

# fmt: off
CALLS: Final = (
    call("account.events.trigger", "contact_created", JANE, slug="hubspot", config_id="c 1", instance_tag="nightly"),
    call("account.events.trigger", "contact_created"),
)
REFUSED: Final = (
    Refused("POST", "/api/v2/public/event/trigger", {"event": "no_such"}),
)
# fmt: on
