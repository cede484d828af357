"""Environment variables: definitions, and the values of the organisation, of linked accounts and of workflows."""

import logging
import pickle
import traceback
from typing import Any, Final

import pytest

from refold_async import AsyncRefold, BadRequestError, ConfigurationError, NotFoundError, RefoldError
from refold_async.config.secret import Secret
from refold_async.testing import Answer, MockRefold, Reset, Trouble

JANE: Final = "jane+é@x / 1"
SECRET: Final = "s3cr3t-of-" + "jane" * 3


async def test_the_life_of_a_value(mock: MockRefold, refold: AsyncRefold) -> None:
    """It is set, read, changed, listed with its definition, and deleted."""
    variables = refold.environment_variables
    url = mock.catalogue.add_environment_variable("CALLBACK_URL", var_format="url")
    with pytest.raises(NotFoundError, match=r"environment variable '\w+'.*Variable value not found"):
        await variables.get_value(url)
    first = await variables.set_value(url, "https://example.com/1")
    second = await variables.set_value(url, "https://example.com/2")
    assert (first.value_id, first.definition_id, first.linked_account_id) == (second.value_id, url, None)
    assert second.updated_at is not None
    assert first.updated_at is not None
    assert second.updated_at > first.updated_at
    read = await variables.get_value(url)
    assert (read.name, read.scope, read.encrypted) == ("CALLBACK_URL", "org", False)
    assert read.value == "https://example.com/2"
    (listed,) = [value async for value in variables.list_values("org")]
    assert (listed.value_id, listed.definition_id, listed.value) == (first.value_id, url, read.value)
    assert listed.definition == await variables.get_definition(url)
    deleted = await variables.delete_value(first.value_id)
    assert deleted.status == "success"
    with pytest.raises(NotFoundError):
        await variables.delete_value(first.value_id)
    assert [value async for value in variables.list_values("org")] == []


async def test_values_of_accounts(mock: MockRefold, refold: AsyncRefold) -> None:
    """Each account has its own, and those of an account that is deleted go with it."""
    variables = refold.environment_variables
    token = mock.catalogue.add_environment_variable("TOKEN", scope="linked_account")
    of_jane = await variables.set_value(token, "a", linked_account_id=JANE)
    of_bob = await variables.set_value(token, "b", linked_account_id="bob")
    assert (of_jane.linked_account_id, of_bob.linked_account_id) == (JANE, "bob")
    for account, value in ((JANE, "a"), ("bob", "b")):
        assert (await variables.get_value(token, linked_account_id=account)).value == value
        listed = [one.value async for one in variables.list_values("linked_account", linked_account_id=account)]
        assert listed == [value]
    with pytest.raises(NotFoundError):
        await variables.delete_value(of_jane.value_id, linked_account_id="bob")
    with pytest.raises(BadRequestError, match="linked_account_id is required"):
        await variables.set_value(token, "c")
    await refold.linked_accounts.delete("bob")
    with pytest.raises(NotFoundError):
        await variables.get_value(token, linked_account_id="bob")


async def test_values_of_workflows(mock: MockRefold, refold: AsyncRefold) -> None:
    """Each workflow has its own, of the kind that the definition asks for."""
    variables = refold.environment_variables
    limit = mock.catalogue.add_environment_variable("LIMIT", scope="workflow", var_format="number")
    for workflow, value in (("w1", "5"), ("w2", "-7.5")):
        assert (await variables.set_value(limit, value, workflow_id=workflow)).workflow_id == workflow
    assert (await variables.get_value(limit, workflow_id="w2")).value == "-7.5"
    assert [one.value async for one in variables.list_values("workflow", workflow_id="w1")] == ["5"]
    with pytest.raises(BadRequestError, match="does not match the variable format"):
        await variables.set_value(limit, "five", workflow_id="w1")


async def test_lists(mock: MockRefold, refold: AsyncRefold) -> None:
    """They come in pages, and can be narrowed."""
    variables = refold.environment_variables
    ids = [mock.catalogue.add_environment_variable(f"LIMIT_{number}", var_format="number") for number in range(5)]
    mock.clear()
    found = [one async for one in variables.list_definitions(name="^LIMIT_[0-3]$", var_format="number", page_size=2)]
    assert [one.definition_id for one in found] == ids[:4]
    assert len(mock.requests) == 2
    assert [one.name async for one in variables.list_definitions(scope="linked_account")] == ["API_SECRET"]
    for number, definition_id in enumerate(ids):
        await variables.set_value(definition_id, str(number))
    assert [one.value async for one in variables.list_values("org", page_size=2)] == ["0", "1", "2", "3", "4"]
    assert [one.value async for one in variables.list_values("org", definition_id=ids[3])] == ["3"]


async def test_encrypted_values(mock: MockRefold, refold: AsyncRefold) -> None:
    """No call returns one as it was set."""
    variables = refold.environment_variables
    token = mock.catalogue.add_environment_variable("TOKEN", scope="linked_account", encrypted=True)
    stored = await variables.set_value(token, SECRET, linked_account_id=JANE)
    read = await variables.get_value(token, linked_account_id=JANE)
    (listed,) = [one async for one in variables.list_values("linked_account", linked_account_id=JANE)]
    assert (read.value, listed.value) == ("[REDACTED]", "[REDACTED]")
    assert stored.value not in (None, SECRET)
    sent = next(request for request in mock.requests if request.method == "POST")
    assert sent.json == {"variable_definition_id": token, "value": SECRET, "linked_account_id": JANE}


async def test_values_are_not_shown(mock: MockRefold, refold: AsyncRefold, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a repr, nor an error about a value that was set, nor the log shows it, whatever Refold quotes."""
    caplog.set_level(logging.DEBUG)
    variables = refold.environment_variables
    token = mock.catalogue.add_environment_variable("TOKEN")
    stored, read = await variables.set_value(token, SECRET), await variables.get_value(token)
    assert stored.value == read.value == SECRET
    said = f"{stored!r} {read!r} {[one async for one in variables.list_values('org')]!r}"
    quoting = {"message": f"bad value {SECRET}", "error_code": SECRET}
    troubles: list[Trouble] = [
        Answer(400, json=quoting),
        Answer(500, body=f"<{SECRET}"),
        Answer(200, json=quoting),
        Reset("after"),
    ]
    for trouble in troubles:
        mock.clear()
        mock.script(trouble)
        with pytest.raises(RefoldError) as caught:
            await variables.set_value(token, SECRET)
        error = caught.value
        said += (
            "".join(traceback.format_exception(error))
            + f"{error!r} {vars(error)!r} {pickle.loads(pickle.dumps(error))!s}"
        )
    said += "".join(record.getMessage() for record in caplog.records if record.name.startswith("refold_async"))
    assert SECRET not in said
    assert said.count("***") >= 3


# fmt: off
WRONG: Final[dict[str, tuple[str, tuple[Any, ...], dict[str, Any], str]]] = {
    "scope of definitions": ("list_definitions", (), {"scope": "all"}, "scope must be 'org', 'workspace'"),
    "format": ("list_definitions", (), {"var_format": "date"}, "var_format must be 'string', 'number' or 'url'"),
    "page size": ("list_definitions", (), {"page_size": 0}, "page_size"),
    "definition": ("get_definition", ("",), {}, "definition_id is empty"),
    "value": ("set_value", ("d", 5), {}, "value must be a str, not int"),
    "definition of a value": ("set_value", (" d", "v"), {}, "definition_id starts or ends with white space"),
    "no value": ("set_value", ("d", None), {}, "value must be a str, not NoneType"),
    "account of a value": ("set_value", ("d", "v"), {"linked_account_id": ""}, "linked_account_id is empty"),
    "scope": ("list_values", ("all",), {}, "scope must be 'org', 'workspace'"),
    "account of a list": ("list_values", ("linked_account",), {}, "linked_account_id is missing"),
    "workflow of a list": ("list_values", ("workflow",), {}, "workflow_id is missing"),
    "value to delete": ("delete_value", ("..",), {}, "value_id is '..'"),
}
# fmt: on


@pytest.mark.parametrize("case", WRONG)
async def test_wrong_arguments(mock: MockRefold, refold: AsyncRefold, case: str) -> None:
    """They are named before anything is sent."""
    method, args, options, said = WRONG[case]
    with pytest.raises(ConfigurationError, match=said):
        await getattr(refold.environment_variables, method)(*args, **options)
    assert mock.requests == []


async def test_a_secret_that_is_hidden_already(mock: MockRefold, refold: AsyncRefold) -> None:
    """It is sent as it is."""
    token = mock.catalogue.add_environment_variable("TOKEN")
    assert (await refold.environment_variables.set_value(token, Secret(SECRET))).value == SECRET
