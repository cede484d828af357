"""Linked accounts."""

from typing import Final

from contract.calls.call import ACCOUNT, Refused, call
from refold_async import AccountScope, AsyncRefold
from refold_async.testing import MockRefold

__all__ = ["CALLS", "REFUSED", "stage"]

_ACCOUNT: Final = "/api/v2/public/linked-account"

# fmt: off
CALLS: Final = (
    call("refold.linked_accounts.create", "ada+é@x / 1", name="Ada", user_defined_fields={"plan": "gold"}),
    call("refold.linked_accounts.upsert", ACCOUNT, name="Acme", user_defined_fields={"plan": "gold"}),
    call("refold.linked_accounts.upsert", "made_by_upsert"),
    call("refold.linked_accounts.list", page_size=2),
    call("refold.linked_accounts.list", connected_to="hubspot"),
    call("refold.linked_accounts.get", "ada+é@x / 1"),
    call("refold.linked_accounts.delete", "ada+é@x / 1"),
    call("refold.check"),
)
REFUSED: Final = (
    Refused("POST", _ACCOUNT, {"linked_account_id": "made"}, "organisation"),
    Refused("POST", _ACCOUNT, {"linked_account_id": "new", "udf": ["gold"]}, "organisation"),
    Refused("PUT", _ACCOUNT, {"linked_account_id": "new", "udf": ["gold"]}, "organisation"),
)
# fmt: on


async def stage(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> dict[str, str]:
    """Make an account that exists already."""
    await refold.linked_accounts.create("made")
    return {}
