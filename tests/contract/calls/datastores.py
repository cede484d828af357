"""Datastores."""

from typing import Final

from contract.calls.call import ACCOUNT, Refused, call
from refold_async import AccountScope, AsyncRefold
from refold_async.testing import MockRefold

__all__ = ["CALLS", "REFUSED", "stage"]

_DATASTORE: Final = "/api/v2/public/datastore/config"

# fmt: off
CALLS: Final = (
    call("account.datastores.list", "hubspot"),
    call("account.datastores.list", "hubspot", config_id="c 5"),
    call("account.datastores.list_records", "hubspot", "synced deals", config_id="c 5"),
    call("account.datastores.search_records", "hubspot", "synced deals", {"stage": "^qual"}, config_id="c 5"),
)
REFUSED: Final = (
    Refused("GET", f"{_DATASTORE}/hubspot?config_id=no_such"),
    Refused("GET", f"{_DATASTORE}/hubspot/deals/records?config_id=no_such"),
    Refused("POST", f"{_DATASTORE}/hubspot/deals/search?config_id=no_such", {"stage": "new"}),
    Refused("POST", f"{_DATASTORE}/hubspot/synced%20deals/search?config_id=c%205", {"stage": "("}),
    Refused("POST", f"{_DATASTORE}/hubspot/synced%20deals/search?config_id=c%205", [1]),
)
# fmt: on


async def stage(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> dict[str, str]:
    """Make a config with a datastore."""
    records = [{"id": "rec_001", "stage": "qualified"}, {"id": "rec_002", "stage": "new"}]
    mock.account(ACCOUNT).config("hubspot", "c 5").datastores["synced deals"] = records
    return {}
