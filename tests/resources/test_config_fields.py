"""Fields of configs: their values in the mock, field mappings, rules, and what is refused before anything is sent."""

from typing import Any, Final

import pytest

from refold_async import (
    AccountScope,
    APIConnectionError,
    AsyncRefold,
    BadRequestError,
    ConfigurationError,
    NotFoundError,
    ParameterError,
)
from refold_async.testing import SAMPLE_WORKFLOW_ID, Answer, MockRefold, Reset

STAGES: Final = "699fec7a5bd27ed2af7243ad"
CONTACT_FIELDS: Final = "699fec7a5bd27ed2af7243ae"
DEALS: Final = "699fec7a5bd27ed2af7243af"
GREETING: Final = "69a0100c5bd27ed2af7243b0"


async def test_the_life_of_a_value(refold: AsyncRefold, account: AccountScope) -> None:
    """It is set, seen by whatever reads the field, and cleared; other accounts do not see it."""
    with pytest.raises(NotFoundError, match=r"Config with config id user_12345 not found.*configs\.get_or_create"):
        await account.config_fields.update("hubspot", STAGES, ["lead"])
    assert (await account.config_fields.get_all("hubspot")).config_id is None
    await account.configs.get_or_create("hubspot")
    field = await account.config_fields.update("hubspot", STAGES, ["lead"])
    assert (field.field_id, field.value, len(field.options)) == (STAGES, ["lead"], 2)
    assert await account.config_fields.get("hubspot", STAGES) == field
    config = await account.config_fields.get_all("hubspot")
    assert config == await account.configs.get("hubspot")
    assert field in config.fields
    await refold.account("user_2").configs.get_or_create("hubspot")
    assert (await refold.account("user_2").config_fields.get("hubspot", STAGES)).value is None
    cleared = await account.config_fields.clear("hubspot", STAGES)
    assert (cleared.value, cleared.default_value) == (None, "")
    assert await account.config_fields.get("hubspot", STAGES) == cleared
    assert await account.config_fields.clear("hubspot", STAGES) == cleared


async def test_fields_of_a_workflow_and_of_a_config(account: AccountScope) -> None:
    """Each workflow of each config has values of its own."""
    for config_id in ("eu", "us"):
        await account.configs.get_or_create("hubspot", config_id=config_id)
        greeting = await account.config_fields.update(
            "hubspot", GREETING, f"Hi {config_id}", config_id=config_id, workflow_id=SAMPLE_WORKFLOW_ID
        )
        assert greeting.value == f"Hi {config_id}"
    assert (await account.configs.get("hubspot", "eu")).workflows[0].fields[0].value == "Hi eu"
    with pytest.raises(BadRequestError, match=f"Field with id {GREETING} not found"):
        await account.config_fields.get("hubspot", GREETING, config_id="eu")
    with pytest.raises(NotFoundError, match="Workflow not found"):
        await account.config_fields.get("hubspot", GREETING, config_id="eu", workflow_id="no_such")
    with pytest.raises(NotFoundError, match="Config with config id asia not found"):
        await account.config_fields.get("hubspot", STAGES, config_id="asia")


async def test_a_field_mapping(account: AccountScope) -> None:
    """Its labels are what to map, and its value is any JSON."""
    await account.configs.get_or_create("hubspot")
    field = await account.config_fields.get("hubspot", CONTACT_FIELDS)
    assert (field.field_type, field.labels) == ("map", {"email": "Email", "full_name": "Full name"})
    mapping: dict[str, Any] = {"email": "properties.email", "full_name": None}
    assert (await account.config_fields.update("hubspot", CONTACT_FIELDS, mapping)).value == mapping


async def test_rules(account: AccountScope) -> None:
    """A column is chosen first, then how it is compared, and with what."""
    field = await account.config_fields.get("hubspot", DEALS)
    options = await account.config_fields.get_rule_options("hubspot", DEALS, {"lhs": ""})
    assert [option.value for option in options.options] == [column["id"] for column in field.rule_columns]
    assert options.rule_column is None
    stage, amount = [
        await account.config_fields.get_rule_options("hubspot", DEALS, column)
        for column in (field.rule_columns[0], {"lhs": "amount"})
    ]
    assert stage.rule_column is not None
    assert amount.rule_column is not None
    assert stage.rule_column.rhs is not None
    assert amount.rule_column.rhs is not None
    assert stage.rule_column.operator is not None
    assert [option.name for option in stage.rule_column.operator.options] == ["is", "is not"]
    assert (stage.rule_column.rhs.type, stage.rule_column.rhs.options[0].value) == ("select", "won")
    assert (amount.rule_column.rhs.type, amount.rule_column.rhs.options) == ("text", [])
    with pytest.raises(BadRequestError, match="is not of type rule engine"):
        await account.config_fields.get_rule_options("hubspot", STAGES, {"lhs": "stage"})


async def test_a_rule_whose_code_failed(mock: MockRefold, account: AccountScope) -> None:
    """What the code printed, and why it failed, come with the options."""
    failure = {"message": "x is not defined", "stack": "at line 1"}
    mock.script(Answer(200, json={"conditional_code_stdout": ["looking"], "error": failure}))
    options = await account.config_fields.get_rule_options("hubspot", DEALS, {"lhs": "stage"})
    assert options.error is not None
    assert (options.conditional_code_stdout, options.error.message) == (["looking"], "x is not defined")


async def test_what_may_run_a_workflow_is_sent_once(mock: MockRefold, account: AccountScope) -> None:
    """Options may come from a workflow, so a call whose response was lost is not repeated."""
    await account.configs.get_or_create("hubspot")
    fields = account.config_fields
    for call in (
        lambda: fields.get_all("hubspot"),
        lambda: fields.get("hubspot", STAGES),
        lambda: fields.update("hubspot", STAGES, None),
        lambda: fields.clear("hubspot", STAGES),
        lambda: fields.get_rule_options("hubspot", DEALS, {}),
    ):
        mock.clear()
        mock.script(Reset("after"))
        with pytest.raises(APIConnectionError) as caught:
            await call()
        assert (len(mock.requests), caught.value.effect) == (1, "unknown")


async def test_what_is_sent(mock: MockRefold, account: AccountScope) -> None:
    """None is a value for `update`, and sends nothing for `get`; the app is in a header."""
    mock.script(Answer(200, json={"id": STAGES}))
    await account.config_fields.update("hubspot", STAGES, None)
    await account.config_fields.get("hubspot", STAGES)
    await account.config_fields.get("hubspot", STAGES, value=0, workflow_id="w 1", disable_field_options=True)
    update, get, with_value = mock.requests
    assert (update.json, get.body, with_value.json) == ({"value": None}, b"", {"value": 0})
    assert (get.headers["slug"], get.query) == ("hubspot", {})
    assert (with_value.headers["disable_field_options"], with_value.query) == ("true", {"workflow_id": "w 1"})


async def test_arguments_that_are_wrong(mock: MockRefold, account: AccountScope) -> None:
    """The error names the argument, and nothing is sent."""
    fields: Any = account.config_fields
    wrong: dict[str, Any] = {
        "slug is empty": lambda: fields.get("", STAGES),
        "slug must be a str": lambda: fields.get_all(None),
        "field_id is empty": lambda: fields.clear("hubspot", ""),
        "config_id is empty": lambda: fields.get("hubspot", STAGES, config_id=""),
        "workflow_id must be a str": lambda: fields.clear("hubspot", STAGES, workflow_id=5),
        "disable_field_options must be": lambda: fields.update("hubspot", STAGES, 1, disable_field_options="yes"),
        "rule_column must be a mapping": lambda: fields.get_rule_options("hubspot", DEALS, "stage"),
    }
    for message, call in wrong.items():
        with pytest.raises(ConfigurationError, match=message):
            await call()
    with pytest.raises(ParameterError, match="value"):
        await fields.update("hubspot", STAGES, {"a": {1, 2}})
    assert not mock.requests
