"""Datarefs."""

from typing import Final

from contract.calls.call import ACCOUNT, JANE, Refused, call
from refold_async import AccountScope, AsyncRefold
from refold_async.testing import MockRefold

__all__ = ["CALLS", "REFUSED", "stage"]

_DATAREF: Final = "/api/v2/public/dataref"

# fmt: off
CALLS: Final = (
    call("refold.datarefs.list"),
    call("refold.datarefs.list", linked_account_id=ACCOUNT, unique=True, page_size=7),
    call("account.datarefs.create", "deals"),
    call("account.datarefs.list_rows", "{refName}", page_size=7),
    call("account.datarefs.edit_group", ["{refName}"], "sales"),
    call("refold.datarefs.list", unique=False),
    call("account.datarefs.edit_group", ["{refName}"], ""),
    call("account.datarefs.clear_records", "{refName}"),
    call("account.datarefs.list_rows", "{refName}"),
    call("account.datarefs.delete", "{refName}"),
)
REFUSED: Final = (
    Refused("GET", f"{_DATAREF}?unique=perhaps", by="organisation"),
    Refused("POST", _DATAREF, {"refName": "{refName}"}),
    Refused("POST", _DATAREF, {"refName": 5}),
    Refused("GET", f"{_DATAREF}/{{refName}}", headers={"linked_account_id": "made"}),
)
# fmt: on


async def stage(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> dict[str, str]:
    """Make a dataref with records, one of which has two rows."""
    records = mock.account(ACCOUNT).dataref("contacts")
    records["1"], records["2"] = [JANE, {**JANE, "stage": "new"}], [JANE]
    return {"refName": "contacts"}
