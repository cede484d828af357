"""Session tokens."""

from typing import Final

from contract.calls.call import ACCOUNT, Refused, call
from refold_async import AccountScope, AsyncRefold
from refold_async.testing import MockRefold

__all__ = ["CALLS", "REFUSED", "stage"]

# fmt: off
CALLS: Final = (
    call("refold.session_tokens.create", ACCOUNT, force_refresh=True),
    call("refold.session_tokens.create", ACCOUNT),
    call("refold.session_tokens.account", ACCOUNT, then=lambda account: account.list_actions("hubspot")),
    call("refold.session_tokens.revoke", "{token}"),
)
REFUSED: Final = (
    Refused("POST", "/api/v2/public/session-token", {"linked_account_id": "nobody"}, "organisation"),
)
# fmt: on


async def stage(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> dict[str, str]:
    """Make a token to revoke."""
    return {"token": mock.session_token(ACCOUNT)}
