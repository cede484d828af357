"""Fields of configs."""

from typing import Final

from contract.calls.call import ACCOUNT, Refused, call
from refold_async import AccountScope, AsyncRefold
from refold_async.testing import SAMPLE_WORKFLOW_ID, MockRefold

__all__ = ["CALLS", "REFUSED", "stage"]

_FIELD: Final = "/api/v2/public/config/field"
_RULES: Final = "/api/v2/public/config/rule-engine"
_STAGES: Final = "699fec7a5bd27ed2af7243ad"
_DEALS: Final = "699fec7a5bd27ed2af7243af"
_GREETING: Final = "69a0100c5bd27ed2af7243b0"
_SLUG: Final = {"slug": "hubspot"}

# fmt: off
CALLS: Final = (
    call("account.config_fields.get_all", "hubspot"),
    call("account.config_fields.get_all", "slack"),
    call("account.config_fields.get", "hubspot", _STAGES),
    call("account.config_fields.get", "hubspot", _GREETING, value={"any": [1, None]}, config_id="c 4",
         workflow_id=SAMPLE_WORKFLOW_ID, disable_field_options=True),
    call("account.config_fields.update", "hubspot", _STAGES, ["lead"], config_id="c 4", disable_field_options=False),
    call("account.config_fields.update", "hubspot", _STAGES, None, config_id="c 4"),
    call("account.config_fields.update", "hubspot", _GREETING, "Hi", config_id="c 4", workflow_id=SAMPLE_WORKFLOW_ID),
    call("account.config_fields.clear", "hubspot", _STAGES, config_id="c 4", disable_field_options=True),
    call("account.config_fields.clear", "hubspot", _GREETING, config_id="c 4", workflow_id=SAMPLE_WORKFLOW_ID),
    call("account.config_fields.get_rule_options", "hubspot", _DEALS, {"lhs": "stage"}),
    call("account.config_fields.get_rule_options", "hubspot", "rules", {"id": "size", "name": "Size"}, config_id="c 4",
         workflow_id="with_rules"),
)
REFUSED: Final = (
    Refused("POST", _FIELD, headers={"slug": "unknown"}),
    Refused("POST", f"{_FIELD}/{_STAGES}", {"value": 5}),
    *(Refused(method, f"{_FIELD}/{_STAGES}?config_id=no_such", {"value": 5}, headers=_SLUG)
      for method in ("POST", "PUT", "DELETE")),
    Refused("PUT", f"{_FIELD}/no_such?config_id=c%204", {"value": 5}, headers=_SLUG),
    Refused("PUT", f"{_FIELD}/{_STAGES}?config_id=c%204&workflow_id=no_such", {"value": 5}, headers=_SLUG),
    Refused("POST", f"{_RULES}/{_STAGES}", {"rule_column": {"lhs": "stage"}}, headers=_SLUG),
    Refused("POST", f"{_RULES}/{_DEALS}", {"rule_column": "stage"}, headers=_SLUG),
)
# fmt: on


async def stage(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> dict[str, str]:
    """Make a config, and a workflow with a rule engine."""
    columns = [{"id": "size", "name": "Size", "field_type": "text"}]

    @mock.catalogue.workflow(
        "hubspot",
        "with_rules",
        config_fields=[{"id": "rules", "name": "Rules", "field_type": "rule_engine", "rule_columns": columns}],
    )
    async def with_rules(context: object, payload: object) -> None:
        """Do nothing."""

    mock.account(ACCOUNT).config("hubspot", "c 4")
    return {}
