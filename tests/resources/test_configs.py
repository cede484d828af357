"""Configs of a linked account: their life in the mock, and what is refused before anything is sent."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import pytest

from refold_async import (
    AccountScope,
    AsyncRefold,
    BadRequestError,
    Config,
    ConfigField,
    ConfigurationError,
    NotFoundError,
    ParameterError,
)
from refold_async.testing import SAMPLE_WORKFLOW_ID, Answer, MockRefold, Reset

STAGES: Final = "699fec7a5bd27ed2af7243ad"
CONTACT_FIELDS: Final = "699fec7a5bd27ed2af7243ae"
GREETING: Final = "69a0100c5bd27ed2af7243b0"


def field(fields: list[ConfigField], field_id: str) -> ConfigField:
    """Return one of some fields."""
    (found,) = [one for one in fields if one.field_id == field_id]
    return found


async def test_the_life_of_a_config(refold: AsyncRefold, account: AccountScope) -> None:
    """It is created with the fields and workflows of its app, read, changed, listed and deleted."""
    assert await account.configs.list("hubspot") == []
    with pytest.raises(NotFoundError, match=r"the default config of app 'hubspot'.*configs.list\(slug\)"):
        await account.configs.get("hubspot")
    created = await account.configs.get_or_create("hubspot")
    assert (created.slug, created.config_id) == ("hubspot", account.linked_account_id)
    assert [option.value for option in field(created.fields, STAGES).options] == ["lead", "customer"]
    assert field(created.fields, STAGES).value is None
    (workflow,) = created.workflows
    assert (workflow.workflow_id, workflow.enabled) == (SAMPLE_WORKFLOW_ID, True)
    assert await account.configs.get_or_create("hubspot") == created

    fields = [{"id": STAGES, "value": ["lead"]}]
    greeting = {"id": GREETING, "value": "Hi"}
    changed = await account.configs.update(
        "hubspot", fields=fields, workflows=[{"id": SAMPLE_WORKFLOW_ID, "enabled": False, "fields": [greeting]}]
    )
    assert changed == await account.configs.get("hubspot")
    assert (field(changed.fields, STAGES).value, changed.workflows[0].enabled) == (["lead"], False)
    assert field(changed.workflows[0].fields, GREETING).value == "Hi"
    cleared = await account.configs.update("hubspot", fields=[{"id": "own", "name": "Own", "value": 5}])
    assert [(one.field_id, one.value) for one in cleared.fields if one.value is not None] == [("own", 5)]
    assert cleared.workflows == changed.workflows

    assert [entry.config_id for entry in await account.configs.list("hubspot")] == [account.linked_account_id]
    assert await account.configs.list("slack") == []
    other = refold.account("user_2")
    assert await other.configs.list("hubspot") == []
    with pytest.raises(NotFoundError):
        await other.configs.get("hubspot")
    assert (await account.configs.delete("hubspot")).message == "Installation Deleted Success"
    for call in (lambda: account.configs.get("hubspot"), lambda: account.configs.delete("hubspot")):
        with pytest.raises(NotFoundError, match="Config with config id user_12345 not found"):
            await cast("Callable[[], Awaitable[object]]", call)()


async def test_several_configs_of_an_app(account: AccountScope) -> None:
    """Each has values of its own, and a call without an id means the linked account's."""
    for config_id, stage in (("eu", "lead"), ("us", "customer")):
        fields = [{"id": STAGES, "value": [stage]}]
        await account.configs.get_or_create("hubspot", config_id=config_id, fields=fields)
    await account.configs.get_or_create("hubspot", config_id="eu", fields=[{"id": STAGES, "value": []}])
    assert field((await account.configs.get("hubspot", "eu")).fields, STAGES).value == ["lead"]
    assert field((await account.configs.get("hubspot", "us")).fields, STAGES).value == ["customer"]
    with pytest.raises(NotFoundError):
        await account.configs.get("hubspot")
    await account.configs.delete("hubspot", "eu")
    assert [entry.config_id for entry in await account.configs.list("hubspot")] == ["us"]


async def test_enabling_a_workflow(account: AccountScope) -> None:
    """What was set shows in the config and in the list of enabled workflows; setting it twice changes nothing."""
    config = await account.configs.get_or_create("hubspot")
    assert config.config_id is not None
    for enabled in (False, False, True):
        (workflow,) = await account.configs.set_workflow_enabled("hubspot", SAMPLE_WORKFLOW_ID, enabled)
        assert workflow.enabled is enabled
        assert (await account.configs.get("hubspot")).workflows[0].enabled is enabled
        assert [one.workflow_id for one in await account.workflows.list_enabled()] == [SAMPLE_WORKFLOW_ID] * enabled
    with pytest.raises(NotFoundError, match="Workflow not found"):
        await account.configs.set_workflow_enabled("hubspot", "no_such", enabled=True, config_id=config.config_id)
    with pytest.raises(NotFoundError, match="Config with config id eu not found"):
        await account.configs.set_workflow_enabled("hubspot", SAMPLE_WORKFLOW_ID, enabled=True, config_id="eu")


async def test_enabling_a_workflow_by_session_token(
    mock: MockRefold, refold: AsyncRefold, account: AccountScope
) -> None:
    """The default config is that of the token's account, which is asked for only if the scope does not know it."""
    await account.configs.get_or_create("hubspot")
    by_token = refold.account_from_session_token(mock.session_token("user_12345"))
    (workflow,) = await by_token.configs.set_workflow_enabled("hubspot", SAMPLE_WORKFLOW_ID, enabled=False)
    assert workflow.enabled is False
    mock.requests.clear()
    await by_token.configs.set_workflow_enabled("hubspot", SAMPLE_WORKFLOW_ID, enabled=True, config_id="user_12345")
    assert len(mock.requests) == 1


async def test_field_mappings_and_options(account: AccountScope) -> None:
    """Labels are those of field mappings, as an object or a list, and options are left out on request."""
    config = await account.configs.get_or_create("hubspot", labels=[{"name": "Email", "value": "email"}])
    assert field(config.fields, CONTACT_FIELDS).labels == [{"name": "Email", "value": "email"}]
    config = await account.configs.update("hubspot", labels={"email": "E-mail"}, disable_field_options=True)
    assert field(config.fields, CONTACT_FIELDS).labels == {"email": "E-mail"}
    assert [one.options for one in config.fields] == [[], [], []]
    config = await account.configs.get("hubspot", disable_field_options=False)
    assert field(config.fields, STAGES).options


async def test_the_config_of_the_tenant(mock: MockRefold, account: AccountScope) -> None:
    """The list marks it, and `tenant_config` reads it without its id. It is sent in the body of a GET."""
    mock.account("user_12345").config("hubspot", "tenant").tenant_config = True
    assert [entry.tenant_config for entry in await account.configs.list("hubspot")] == [True]
    assert (await account.configs.get("hubspot", tenant_config=True)).config_id == "tenant"
    sent = mock.requests[-1]
    assert (sent.method, sent.json) == ("GET", {"tenant_config": True})


async def test_a_config_that_may_have_been_created(mock: MockRefold, account: AccountScope) -> None:
    """Creating is retried, because a second time finds what the first one made; replacing is not."""
    mock.script(Reset("after"), route="get_or_create_config", calls=1)
    assert isinstance(await account.configs.get_or_create("hubspot"), Config)
    assert len(mock.requests) == 2
    assert len(await account.configs.list("hubspot")) == 1


async def test_fields_that_could_not_be_read(mock: MockRefold, account: AccountScope) -> None:
    """They come with the reason, and unknown fields stay in `raw`."""
    reason = {"message": "The app did not respond", "error": {"status": 502}}
    mock.script(Answer(200, json={"field_errors": [{"id": STAGES, "name": "Stages", "error": reason}], "new": 1}))
    config = await account.configs.get("hubspot")
    (problem,) = config.field_errors
    assert problem.error is not None
    assert (problem.field_id, problem.error.message, problem.error.error) == (
        STAGES,
        reason["message"],
        {"status": 502},
    )
    assert (config.slug, config.raw["new"]) == ("hubspot", 1)


async def test_an_app_that_does_not_exist(account: AccountScope) -> None:
    """Refold's own code says so."""
    with pytest.raises(NotFoundError, match="Check the slug in the Refold Console") as caught:
        await account.configs.get_or_create("unknown")
    assert caught.value.error_code == "INVALID_APP_ID"
    await account.configs.get_or_create("hubspot")
    with pytest.raises(BadRequestError, match="fields must have an id"):
        await account.configs.update("hubspot", fields=[{"value": 5}])


WRONG: Final[dict[str, dict[str, Any]]] = {
    "slug is empty": {"slug": ""},
    "config_id starts or ends with white space": {"config_id": " c"},
    "fields must be a list, not dict": {"fields": {STAGES: 5}},
    r"fields\[0\] must be a mapping": {"fields": ["x"]},
    "workflows must be a list, not str": {"workflows": "x"},
    "labels must be a mapping": {"labels": 5},
    r"labels\[0\] must be a mapping": {"labels": ["x"]},
    "map_fields_object must be a mapping": {"map_fields_object": [5]},
    "disable_field_options must be": {"disable_field_options": "true"},
}


@pytest.mark.parametrize(("message", "options"), WRONG.items(), ids=WRONG)
async def test_arguments_that_are_wrong(
    mock: MockRefold, account: AccountScope, message: str, options: dict[str, Any]
) -> None:
    """The error names the argument, and nothing is sent."""
    configs: Any = account.configs
    for method in (configs.get_or_create, configs.update):
        with pytest.raises(ConfigurationError, match=message):
            await method(**{"slug": "hubspot", **options})
    assert not mock.requests


async def test_other_arguments_that_are_wrong(mock: MockRefold, account: AccountScope) -> None:
    """Those of the other methods, and what JSON cannot hold."""
    configs: Any = account.configs
    with pytest.raises(ConfigurationError, match="tenant_config must be"):
        await configs.get("hubspot", tenant_config="yes")
    with pytest.raises(ConfigurationError, match="config_id is empty"):
        await configs.get("hubspot", "")
    with pytest.raises(ConfigurationError, match="enabled must be"):
        await configs.set_workflow_enabled("hubspot", "w", None)
    with pytest.raises(ConfigurationError, match="slug is empty"):
        await configs.list("")
    with pytest.raises(ConfigurationError, match="nothing to change: pass fields, workflows or"):
        await configs.update("hubspot", config_id="c", disable_field_options=True)
    with pytest.raises(ParameterError, match=r"fields\[0\]\.value"):
        await configs.update("hubspot", fields=[{"id": STAGES, "value": float("nan")}])
    assert not mock.requests
