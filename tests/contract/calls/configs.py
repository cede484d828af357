"""Configs."""

from typing import Final

from contract.calls.call import ACCOUNT, Refused, call
from refold_async import AccountScope, AsyncRefold
from refold_async.testing import SAMPLE_WORKFLOW_ID, MockRefold

__all__ = ["CALLS", "REFUSED", "stage"]

_CONFIG: Final = "/api/v2/public/config"
_OF_HUBSPOT: Final = "/api/v2/public/slug/hubspot/config"
_FIELDS: Final = [
    {
        "id": "699fec7a5bd27ed2af7243ad",
        "name": "Select",
        "field_type": "select",
        "value": ["lead"],
        "options": [{"name": "Lead", "value": "lead"}],
    }
]
_WORKFLOWS: Final = [
    {
        "id": SAMPLE_WORKFLOW_ID,
        "enabled": True,
        "fields": [{"id": "69a0100c5bd27ed2af7243b0", "name": "Greeting", "field_type": "text", "value": "Hi"}],
    }
]

# fmt: off
CALLS: Final = (
    call("account.configs.get_or_create", "slack"),
    call("account.configs.get_or_create", "hubspot", config_id="c 2", fields=_FIELDS, workflows=_WORKFLOWS,
         labels={"email": "Email"}, map_fields_object={"email": "Email"}, disable_field_options=False),
    call("account.configs.update", "hubspot", config_id="c 1", fields=_FIELDS, workflows=_WORKFLOWS,
         labels={"email": "Email"}, map_fields_object={"email": "Email"}, disable_field_options=True),
    call("account.configs.get", "hubspot"),
    call("account.configs.get", "hubspot", tenant_config=False, disable_field_options=True),
    call("account.configs.get", "hubspot", "c 1"),
    call("account.configs.get", "hubspot", "c 1", tenant_config=True, disable_field_options=True),
    call("account.configs.set_workflow_enabled", "hubspot", SAMPLE_WORKFLOW_ID, enabled=False, config_id="c 1"),
    call("account.configs.list", "hubspot"),
    call("account.configs.delete", "slack"),
    call("account.configs.delete", "hubspot", "c 2"),
)
REFUSED: Final = (
    Refused("POST", _CONFIG, {"slug": "unknown"}),
    Refused("POST", _CONFIG, {}),
    Refused("POST", _CONFIG, {"slug": "hubspot", "config_id": "c 3", "fields": [{"value": 1}]}),
    Refused("PUT", _CONFIG, {"slug": "hubspot", "config_id": "no_such"}),
    Refused("PUT", _CONFIG, {"slug": "hubspot", "config_id": "c 1", "workflows": [{"id": "no_such"}]}),
    Refused("PUT", _CONFIG, {"slug": "hubspot", "config_id": "c 1", "fields": 5}),
    Refused("GET", f"{_OF_HUBSPOT}/{ACCOUNT}", {"tenant_config": "yes"}),
    Refused("PATCH", f"{_OF_HUBSPOT}/c%201/workflows/no_such", {"enabled": True}),
    Refused("PATCH", f"{_OF_HUBSPOT}/c%201/workflows/{SAMPLE_WORKFLOW_ID}", {"enabled": "yes"}),
)
# fmt: on


async def stage(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> dict[str, str]:
    """Make the configs that are read and changed, one of them the tenant's."""
    mock.account(ACCOUNT).config("hubspot")
    mock.account(ACCOUNT).config("hubspot", "c 1").tenant_config = True
    return {}
