"""Credentials that are stored for linked accounts, and which of them apps need."""

from typing import Final

from contract.calls.call import Refused, call
from refold_async import AccountScope, AsyncRefold
from refold_async.testing import MockRefold

__all__ = ["CALLS", "REFUSED", "stage"]

_KEYS: Final = "/api/v2/public/linked-account/default-app/auth-credentials"
_SAVE: Final = "/api/v2/public/linked-account/integration/save-key-credentials"
_MIGRATE: Final = "/api/v2/public/migrate-token"
_UNCONNECTED: Final = {"linked_account_id": "user_without_default_app"}
_TOKENS: Final = {"oauth2": {"access_token": "some access token", "refresh_token": "some refresh token"}}

# fmt: off
CALLS: Final = (
    call("account.credentials.upsert_default_app_credential", "api_key", "some key"),
    call("account.credentials.upsert_default_app_credential", "api_key", "another key"),
    call("account.credentials.delete_default_app_credential", "api_key"),
    call("account.credentials.save_key_credentials", "netsuite", {"api_key": "some key"}, auth_type="keybased"),
    call("account.credentials.migrate_token", "hubspot", _TOKENS),
    call("refold.auth_structure.get", "hubspot"),
)
REFUSED: Final = (
    Refused("PUT", f"{_KEYS}/api_key", {"value": "some key"}, headers=_UNCONNECTED),
    Refused("DELETE", f"{_KEYS}/api_key", headers=_UNCONNECTED),
    Refused("PUT", f"{_SAVE}/netsuite", {"api_key": ""}),
    Refused("PUT", f"{_SAVE}/hubspot", {"api_key": "some key"}),
    Refused("PUT", _MIGRATE, {"slug": "hubspot", "auth_object": {"oauth2": {}}}),
    Refused("PUT", _MIGRATE, {"slug": "no-such", "auth_object": _TOKENS}),
)
# fmt: on


async def stage(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> dict[str, str]:
    """Add an app that uses keys, and an account that is not connected to the default app."""
    mock.account(_UNCONNECTED["linked_account_id"]).disconnect(mock.catalogue.default_app.slug)
    mock.catalogue.add_app("netsuite", auth_type="keybased")
    return {}
