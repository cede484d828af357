"""Applications, and connecting them."""

from typing import Final

from contract.calls.call import ACCOUNT, HOOK, Refused, call

__all__ = ["CALLS", "REFUSED"]

_V2: Final = "/api/v2/public"

# fmt: off
CALLS: Final = (
    call("account.applications.list"),
    call("account.applications.list", slug="hubspot", tags=["CRM", "Sales"], auth_type="oauth2", ecosystem=False),
    call("account.applications.get", "hubspot"),
    call("account.applications.ensure_connected", "hubspot"),
    call("account.applications.wait_connected", "hubspot"),
    call("account.applications.oauth_url", "hubspot"),
    call("account.applications.disconnect", "slack", auth_type="oauth2"),
    call("account.connect_url"),
    call("account.hosted_properties"),
    call("account.connect_url", {"redirect_url": HOOK, "anything": [1, None]}, config_id="c 1"),
)
REFUSED: Final = (
    Refused("POST", f"{_V2}/connect-url", {}, "token"),
    Refused("POST", f"{_V2}/connect-url?linked_account_id=made", {}, "token"),
    Refused("DELETE", f"{_V2}/linked-account/integration/no_such?linked_account_id={ACCOUNT}"),
)
# fmt: on
