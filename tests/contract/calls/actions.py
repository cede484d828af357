"""Actions."""

from typing import Final

from contract.calls.call import ACCOUNT, JANE, Refused, call
from refold_async import AccountScope, AsyncRefold
from refold_async.testing import MockRefold

__all__ = ["CALLS", "REFUSED", "stage"]

_ACTIONS: Final = "/api/v2/integration-schema/hubspot/actions"
_SLACK: Final = "/api/v2/integration-schema/slack/actions"

# fmt: off
CALLS: Final = (
    call("account.list_actions", "hubspot"),
    call("account.get_action_parameters", "hubspot", "get_contact"),
    call("account.execute_action", "hubspot", "create_contact", JANE, connection_id="{connection}"),
    call("account.execute_action", "hubspot", "get_contact"),
    call("refold.fan_out_action", [ACCOUNT], "hubspot", "get_contact", {"limit": "1"}, connection_id="{connection}",
         then=lambda fan_out: fan_out.collect()),
)
REFUSED: Final = (
    Refused("POST", f"{_ACTIONS}/no_such/execute", {}),
    Refused("GET", f"{_ACTIONS}/no_such"),
    Refused("POST", f"{_ACTIONS}/create_contact/execute", {}),
    Refused("POST", f"{_ACTIONS}/create_contact/execute", [1]),
    Refused("POST", f"{_SLACK}/list_channels/execute", {}, headers={"linked_account_id": "disconnected"}),
)
# fmt: on


async def stage(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> dict[str, str]:
    """Make an account that is not connected, and find the connection of the other."""
    mock.account("disconnected").disconnect("slack")
    application = await account.applications.get("hubspot")
    return {"connection": application.connected_accounts[0].connection_id or "none"}
