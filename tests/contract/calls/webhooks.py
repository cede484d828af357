"""Webhooks."""

from typing import Any, Final

from contract.calls.call import HOOK, Refused, call
from refold_async import AccountScope, AsyncRefold
from refold_async.testing import MockRefold

__all__ = ["CALLS", "REFUSED", "stage"]

_WEBHOOK: Final = "/api/v2/public/webhook"
_OPTIONS: Final[dict[str, Any]] = {
    "webhook_type": "custom",
    "description": "d",
    "webhook_headers": {"X-Team": "sales"},
    "webhook_body": {"text": "{{event}}"},
    "method": "PUT",
    "slug": "hubspot",
    "workflow_ids": ["w"],
    "is_enabled": False,
}

# fmt: off
CALLS: Final = (
    call("refold.webhooks.create", HOOK, ["Workflow Errored"]),
    call("refold.webhooks.create", HOOK, ["Workflow Errored"], webhook_description="d", group="g", **_OPTIONS),
    call("refold.webhooks.update", "{webhook}", webhook_url=HOOK, webhook_events=["Workflow Errored"], **_OPTIONS),
    call("refold.webhooks.edit_group", ["{webhook}"], "g"),
    call("refold.webhooks.edit_group", ["{webhook}"], None),
    call("refold.webhooks.list"),
    call("refold.webhooks.get", "{webhook}"),
    call("refold.webhooks.delete", "{webhook}"),
)
REFUSED: Final = (
    Refused("POST", _WEBHOOK, {"webhook_url": HOOK, "webhook_events": ["No Such Event"]}, "organisation"),
    Refused("POST", _WEBHOOK, {"webhook_url": HOOK, "webhook_events": []}, "organisation"),
    Refused("POST", _WEBHOOK, {"webhook_url": "nowhere", "webhook_events": ["Workflow Errored"]}, "organisation"),
)
# fmt: on


async def stage(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> dict[str, str]:
    """Make a webhook."""
    return {"webhook": (await refold.webhooks.create(HOOK, ["Workflow Errored"])).webhook_id}
