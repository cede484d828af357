"""Environment variables."""

from typing import Final

from contract.calls.call import ACCOUNT, Refused, call
from refold_async import AccountScope, AsyncRefold
from refold_async.testing import MockRefold

__all__ = ["CALLS", "REFUSED", "stage"]

_VALUES: Final = "/api/v2/public/env/values"

# fmt: off
CALLS: Final = (
    call("refold.environment_variables.list_definitions", scope="org", var_format="url", name="^API_"),
    call("refold.environment_variables.get_definition", "{org_variable}"),
    call("refold.environment_variables.set_value", "{account_variable}", "a secret", linked_account_id=ACCOUNT),
    call("refold.environment_variables.set_value", "{workflow_variable}", "5", workflow_id="w"),
    call("refold.environment_variables.get_value", "{account_variable}", linked_account_id=ACCOUNT, environment="test"),
    call("refold.environment_variables.get_value", "{workflow_variable}", workflow_id="w"),
    call(
        "refold.environment_variables.list_values", "linked_account", linked_account_id=ACCOUNT,
        definition_id="{account_variable}",
    ),
    call("refold.environment_variables.list_values", "workflow", workflow_id="w"),
    call("refold.environment_variables.delete_value", "{account_value}", linked_account_id=ACCOUNT),
)
REFUSED: Final = (
    Refused("POST", _VALUES, {"variable_definition_id": "{org_variable}", "value": "no url"}, "organisation"),
    Refused("POST", _VALUES, {"variable_definition_id": "{account_variable}", "value": "a"}, "organisation"),
    Refused("POST", _VALUES, {"variable_definition_id": "no-such", "value": "a"}, "organisation"),
    Refused("GET", _VALUES + "/workflow", None, "organisation"),
    Refused("GET", _VALUES + "/org", None, "token"),
    Refused("GET", "/api/v2/public/env/value/{org_variable}", None, "organisation"),
    Refused("GET", "/api/v2/public/env/definitions?name=[", None, "organisation"),
)
# fmt: on


async def stage(mock: MockRefold, refold: AsyncRefold, account: AccountScope) -> dict[str, str]:
    """Define variables of three scopes, and set a value."""
    account_variable = mock.catalogue.add_environment_variable("TOKEN", scope="linked_account", encrypted=True)
    mock.account(ACCOUNT)
    value = await refold.environment_variables.set_value(account_variable, "a", linked_account_id=ACCOUNT)
    return {
        "org_variable": mock.catalogue.add_environment_variable("BASE_URL", var_format="url"),
        "account_variable": account_variable,
        "workflow_variable": mock.catalogue.add_environment_variable("LIMIT", scope="workflow", var_format="number"),
        "account_value": value.value_id,
    }
