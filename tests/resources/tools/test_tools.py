"""Tools of a language model: what it is offered, what its calls do, and what it reads afterwards."""

import asyncio
import copy
import json
import logging
import pickle
import re
from collections.abc import Mapping
from typing import Any, Final

import pytest

from refold_async import (
    AccountScope,
    AsyncRefold,
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    ParameterError,
    ReconnectRequiredError,
    RetryPolicy,
    Timeout,
    ToolCall,
    ToolResult,
    Tools,
)
from refold_async.testing import ActionContext, Answer, Delay, Errored, FileAnswer, MockRefold, Reset, Silence
from support.waiting import until

ACTIONS: Final = ["search_contacts", "create_contact"]
SEARCH: Final = "hubspot__search_contacts"
CREATE: Final = "hubspot__create_contact"
JANE: Final = {"email": "jane@example.com"}


@pytest.fixture
async def tools(account: AccountScope) -> Tools:
    """A read and a write of HubSpot, for which nobody is asked."""
    return await account.tools("hubspot", actions=ACTIONS, reads=["search_contacts"], confirm=True)


def writes(mock: MockRefold) -> list[Any]:
    """Return the parameters of the contacts that were to be created."""
    return [request.json for request in mock.requests_to(action_id="create_contact") if request.method == "POST"]


class Approver:
    """Answers whether a write may be made."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[ToolCall] = []

    async def __call__(self, call: ToolCall) -> Any:
        """Answer."""
        self.calls.append(call)
        await asyncio.sleep(0)
        return self.answers.pop(0)


# What is offered.


async def test_the_definitions(tools: Tools, mock: MockRefold) -> None:
    """They have the names, the descriptions and the schemas of the actions, in the order that was given."""
    assert tools.names == [SEARCH, CREATE]
    assert (len(tools), repr(tools)) == (2, f"<Tools {SEARCH}, {CREATE}>")
    assert tools.anthropic() == [
        {
            "name": SEARCH,
            "description": "Finds contacts that contain a text.",
            "input_schema": {
                "type": "object",
                "properties": {
                    "query": {"type": "string", "title": "Text to look for"},
                    "email": {"type": "string", "format": "email", "title": "Email"},
                    "limit": {"type": "number", "title": "Limit"},
                },
                "required": [],
                "additionalProperties": False,
            },
        },
        {
            "name": CREATE,
            "description": "Creates a contact.",
            "input_schema": {
                "type": "object",
                "properties": {
                    "email": {"type": "string", "format": "email", "title": "Email"},
                    "firstname": {"type": "string", "title": "First name"},
                    "lastname": {"type": "string", "title": "Last name"},
                    "company": {"type": "string", "title": "Company"},
                    "phone": {"type": "string", "title": "Phone"},
                },
                "required": ["email"],
                "additionalProperties": False,
            },
        },
    ]
    search, create = tools.mcp()
    assert search["inputSchema"] == tools.anthropic()[0]["input_schema"]
    assert (search["title"], create["title"]) == ("Search contacts", "Create contact")
    assert (search["annotations"], create["annotations"]) == ({"readOnlyHint": True}, {"readOnlyHint": False})
    assert {request.linked_account_id for request in mock.requests} == {"user_12345"}


async def test_strict_definitions(tools: Tools) -> None:
    """Each parameter is required; one that may be left out may be null; only formats that OpenAI knows are left."""
    create = tools.openai()[1]
    assert (create["type"], create["name"], create["strict"]) == ("function", CREATE, True)
    assert create["parameters"]["required"] == ["email", "firstname", "lastname", "company", "phone"]
    assert create["parameters"]["properties"]["email"] == {"type": "string", "format": "email", "title": "Email"}
    assert create["parameters"]["properties"]["phone"] == {"type": ["string", "null"], "title": "Phone"}
    assert create["parameters"]["additionalProperties"] is False
    (chat, _) = tools.openai(api="chat")
    assert chat["function"] == {key: value for key, value in tools.openai()[0].items() if key != "type"}
    (loose, _) = tools.openai(strict=False)
    assert (loose["strict"], loose["parameters"]) == (False, tools.anthropic()[0]["input_schema"])


async def test_what_strict_mode_cannot_express(account: AccountScope, mock: MockRefold) -> None:
    """A tool that takes a map or anything is offered without it; formats that it does not know are dropped."""
    kinds = ("text", "url", "password", "date", "map", "json", "hologram")
    for kind in kinds:
        mock.catalogue.action("hubspot", f"take_{kind}", parameters=[{"name": "x", "type": kind, "required": True}])(
            echo
        )
    tools = await account.tools("hubspot", actions=[f"take_{kind}" for kind in kinds], confirm=True)
    strict = {one["name"].rpartition("_")[2]: one for one in tools.openai()}
    assert {kind: one["strict"] for kind, one in strict.items()} == dict.fromkeys(kinds[:4], True) | dict.fromkeys(
        kinds[4:], False
    )
    shown = {kind: one["parameters"]["properties"]["x"].get("format") for kind, one in strict.items()}
    assert shown == {**dict.fromkeys(kinds), "date": "date"}
    loose = {one["name"]: one["input_schema"] for one in tools.anthropic()}
    assert strict["map"]["parameters"] == loose["hubspot__take_map"]


async def echo(context: ActionContext, parameters: dict[str, Any]) -> Any:
    """Answer what was sent."""
    return parameters


async def test_definitions_are_the_callers_to_change(tools: Tools) -> None:
    """A definition that was changed does not change the next one, or what a call accepts."""
    for definitions in (tools.openai, tools.anthropic, tools.mcp):
        before = copy.deepcopy(definitions())
        changed = definitions()
        changed[1].clear()
        schema: Any = next(value for value in changed[0].values() if "properties" in str(value))
        schema["properties"]["email"]["type"] = "number"
        schema["required"].append("x")
        assert definitions() == before
    assert not (await tools.call(SEARCH, JANE)).is_error


async def test_descriptions(account: AccountScope, mock: MockRefold) -> None:
    """One that is missing is made of the name; one that is too long is cut; halves of characters are escaped."""
    mock.catalogue.action("hubspot", "bare", name="Bare action")(echo)
    mock.catalogue.action("hubspot", "long", description="x" * 5000)(echo)
    mock.catalogue.action("hubspot", "half", description="a\ud800", parameters=[{"name": "x", "label": "\udfff"}])(echo)
    bare, long, half = (await account.tools("hubspot", actions=["bare", "long", "half"], confirm=True)).mcp()
    assert bare["description"] == "Bare action"
    assert (len(long["description"]), long["description"][-2:]) == (1024, "x…")
    assert half["description"] == r"a\ud800"
    json.dumps(half, ensure_ascii=False).encode()


async def test_unlisted_actions(account: AccountScope, mock: MockRefold) -> None:
    """An action that has parameters, but is missing in the list of actions, can be offered."""
    mock.script(Answer(200, json=[]), route="list_actions")
    (bare,) = (await account.tools("hubspot", actions=["create_contact"], confirm=True)).mcp()
    assert "title" not in bare
    assert bare["description"] == "Executes create_contact of hubspot."


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"actions": []}, "actions is empty"),
        ({"actions": "create_contact"}, "actions must be a list of action ids"),
        ({"actions": None}, "actions must be a list of action ids"),
        ({"actions": {"create_contact": 1}}, "actions must be a list of action ids"),
        ({"actions": [5]}, "actions[0] must be a str, not int"),
        ({"actions": ["create_contact", ""]}, "actions[1] is empty"),
        ({"actions": ["create_contact", "create_contact"]}, "actions names 'create_contact' twice"),
        ({"reads": "create_contact"}, "reads must be a list"),
        ({"reads": ["get_contact"]}, "reads names 'get_contact', which actions does not name"),
        ({"actions": ["httprequest"], "reads": ["httprequest"]}, "'httprequest' cannot be in reads"),
        ({"confirm": None}, "confirm is missing, and 'create_contact' may write"),
        ({"confirm": False}, "confirm must be a function, or True"),
        ({"confirm": "yes"}, "confirm must be a function, or True"),
        ({"confirm": 1}, "confirm must be a function, or True"),
        ({"max_result_length": 999}, "max_result_length must be"),
        ({"max_age": -1}, "max_age must be"),
        ({"max_age": "5"}, "max_age must be"),
        ({"connection_id": ""}, "connection_id is empty"),
    ],
    ids=str,
)
async def test_wrong_options(account: AccountScope, mock: MockRefold, options: Mapping[str, Any], says: str) -> None:
    """They are refused before anything is sent, in words that name the argument."""
    given: dict[str, Any] = {"actions": ["create_contact"], "confirm": True, **options}
    with pytest.raises(ConfigurationError) as caught:
        await account.tools("hubspot", **given)
    assert says in caught.value.message
    assert mock.request_count == 0


async def test_wrong_options_of_definitions(tools: Tools) -> None:
    """Neither a dialect nor a strictness that does not exist is ignored."""
    wrong: Any = "completions"
    with pytest.raises(ConfigurationError, match="api must be 'responses' or 'chat'"):
        tools.openai(api=wrong)
    with pytest.raises(ConfigurationError, match="strict must be"):
        tools.openai(strict=wrong)


async def test_reads_need_no_confirmation(account: AccountScope) -> None:
    """Whoever offers only reads passes no `confirm`."""
    tools = await account.tools("hubspot", actions=["get_contact"], reads=["get_contact"])
    assert not (await tools.call("hubspot__get_contact")).is_error


async def test_unknown_actions(account: AccountScope) -> None:
    """The error suggests the one that was probably meant, and no request is left behind."""
    with pytest.raises(NotFoundError, match="Did you mean 'create_contact'"):
        await account.tools("hubspot", actions=["get_contact", "creat_contact"], confirm=True)
    with pytest.raises(NotFoundError, match="hubspt"):
        await account.tools("hubspt", actions=["create_contact"], confirm=True)
    with pytest.raises(ConfigurationError, match="slug is empty"):
        await account.tools("", actions=["create_contact"], confirm=True)


async def test_a_list_that_cannot_be_read(account: AccountScope, mock: MockRefold) -> None:
    """Its error is the error, whatever else was read."""
    mock.script(Answer(401), route="list_actions", calls=1)
    with pytest.raises(AuthenticationError):
        await account.tools("hubspot", actions=ACTIONS, confirm=True)
    assert len(await account.tools("hubspot", actions=ACTIONS, confirm=True)) == 2


# How they are read.


async def test_they_are_read_at_the_same_time(account: AccountScope, mock: MockRefold) -> None:
    """The list and all parameters are in flight together."""
    mock.script(Silence(), calls=range(1, 5))
    reading = asyncio.create_task(
        account.with_options(timeout=Timeout(total=60, attempt=60)).tools(
            "hubspot", actions=["get_contact", *ACTIONS], confirm=True
        )
    )
    await until(lambda: mock.in_flight == 4)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_they_are_kept(refold: AsyncRefold, mock: MockRefold) -> None:
    """For the same linked account they are read once, by all scopes of the client; new ones in addition."""
    for scope in (refold.account("a"), refold.account("a").with_options(timeout=5), refold.with_options().account("a")):
        await scope.tools("hubspot", actions=ACTIONS, confirm=True)
    assert mock.request_count == 3
    tools = await refold.account("a").tools("hubspot", actions=["get_contact", *ACTIONS], confirm=True)
    assert mock.request_count == 5
    assert tools.names == ["hubspot__get_contact", SEARCH, CREATE]


async def test_they_are_kept_for_each_account(refold: AsyncRefold, mock: MockRefold) -> None:
    """What was read for one customer is not shown to another, whose app may have other fields."""
    token = (await refold.session_tokens.create("a")).token
    before = mock.request_count
    scopes = [
        refold.account("a"),
        refold.account("b"),
        refold.account_from_session_token(token),
        refold.account_from_session_token(token, linked_account_id="b"),
    ]
    for scope in scopes:
        await scope.tools("hubspot", actions=["create_contact"], confirm=True)
    assert mock.request_count - before == 2 * len(scopes)


async def test_they_are_read_again(account: AccountScope, mock: MockRefold) -> None:
    """When they are older than the caller accepts."""
    for _ in range(2):
        await account.tools("hubspot", actions=["create_contact"], confirm=True, max_age=0)
    assert mock.request_count == 4
    await account.tools("hubspot", actions=["create_contact"], confirm=True)
    assert mock.request_count == 4


# What calls do.


async def test_a_call(tools: Tools, mock: MockRefold) -> None:
    """The arguments are the parameters, as a mapping or as JSON; the result is the data, as JSON."""
    created = await tools.call(CREATE, JANE)
    assert created == '{"id":"1510721","createdAt":"2026-06-21T10:04:11.000Z"}'
    assert (created.is_error, created.effect, created.error, created.is_cut) == (False, "done", None, False)
    assert created.data == json.loads(created)
    found = await tools.call(SEARCH, '{"email": "jane@example.com", "query": null}')
    assert (found.is_error, found.effect, found.data["total"]) == (False, "none", 1)
    assert writes(mock) == [JANE]
    (search,) = [request for request in mock.requests_to(action_id="search_contacts") if request.method == "POST"]
    assert search.json == {"email": "jane@example.com"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "'email' is required and missing."),
        (None, "'email' is required and missing."),
        ("", "'email' is required and missing."),
        ("{}", "'email' is required and missing."),
        ({"email": None}, "'email' is required and missing."),
        ({"email": 5}, "'email' must be a string, not a number."),
        ({"email": ["jane@example.com"]}, "'email' must be a string, not a list."),
        ('{"email": {"address": "jane@example.com"}}', "'email' must be a string, not an object."),
        ({"email": True}, "'email' must be a string, not a boolean."),
        ({"emial": "jane@example.com"}, "'email' is required and missing; 'emial' is unknown (did you mean 'email'?)."),
        ({**JANE, "lead_score": 5}, "'lead_score' is unknown. It has the parameters email (required), firstname, "),
        ({**JANE, "lead_score": None}, "'lead_score' is unknown."),
        ({**JANE, "linked_account_id": "user_2"}, "'linked_account_id' is unknown."),
        ([JANE], "they must be a JSON object, with a field for each parameter, not a list."),
        ('["jane@example.com"]', "not a list."),
        ('"jane@example.com"', "not a string."),
        ("5", "not a number."),
        ("null", "not null."),
        ('{"email": "jane@example.com"', "they are not JSON ("),
        ("email=jane@example.com", "they are not JSON ("),
        ('{"email": "a"} {"email": "b"}', "they are not JSON ("),
        ('{"email": NaN}', "they are not JSON ("),
        ('{"email": ' + "[" * 5000 + "]" * 5000 + "}", "they are not JSON ("),
        ({"email": float("nan")}, "arguments.email cannot be sent as JSON"),
        ({"email": object()}, "arguments.email cannot be sent as JSON"),
        (b"{}", "cannot be sent as JSON"),
    ],
    ids=lambda value: re.sub(" at 0x.*", "", str(value))[:40],
)
async def test_nonsense(tools: Tools, mock: MockRefold, arguments: Any, says: str) -> None:
    """Nothing is sent, and the text says what to correct."""
    result = await tools.call(CREATE, arguments)
    assert result.startswith(f"Nothing was done. Correct the arguments, and call {CREATE} again: ")
    assert says in result
    assert (result.is_error, result.effect, type(result.error)) == (True, "none", ParameterError)
    assert not writes(mock)


@pytest.mark.parametrize(
    "name", ["create_contact", "hubspot__delete_contact", "", "HUBSPOT__CREATE_CONTACT", None, ["x"], "\ud800" * 9999]
)
async def test_an_unknown_tool(tools: Tools, mock: MockRefold, name: Any) -> None:
    """Nothing is sent, and the text names the tools that there are."""
    sent = mock.request_count
    result = await tools.call(name, JANE)
    assert result.startswith("Nothing was done. There is no tool ")
    assert (result.is_error, result.effect, result.error) == (True, "none", None)
    result.encode()
    if len(str(name)) < 100:
        assert f"The tools are: {SEARCH}, {CREATE}." in result
    assert mock.request_count == sent


async def test_what_json_can_write_and_utf8_cannot(tools: Tools, mock: MockRefold) -> None:
    """It is refused before it is sent."""
    for arguments in (r'{"email": "\ud800"}', '{"email": "\ud800"}', {"email": "\ud800"}):
        result = await tools.call(CREATE, arguments)
        assert (result.is_error, result.effect) == (True, "none")
        assert "Correct the arguments" in result
    assert not writes(mock)


async def test_parameters_whose_names_models_cannot_write(account: AccountScope, mock: MockRefold) -> None:
    """A model sees other names; the app gets its own; messages have those of the model."""
    parameters: list[dict[str, Any]] = [
        {"name": "first name", "required": True},
        {"name": "first:name"},
        {"name": "größe", "type": "number"},
        {"name": "x" * 80},
    ]
    mock.catalogue.action("hubspot", "odd", parameters=parameters)(echo)
    tools = await account.tools("hubspot", actions=["odd"], confirm=True)
    names = list(tools.anthropic()[0]["input_schema"]["properties"])
    result = await tools.call("hubspot__odd", {names[0]: "Jane", names[2]: 1.7, names[3]: "y"})
    assert result.data == {"first name": "Jane", "größe": 1.7, "x" * 80: "y"}
    result = await tools.call("hubspot__odd", {"first name": "Jane"})
    assert f"{names[0]!r} is required and missing" in result
    assert f"(did you mean {names[0]!r}?)" in result


async def test_nulls(account: AccountScope, mock: MockRefold) -> None:
    """Strict mode forces them on what may be left out: they are not sent. Inside of a value they stay."""
    parameters: list[dict[str, Any]] = [
        {"name": "a", "required": True, "type": "json"},
        {"name": "b"},
        {"name": "c", "type": "json"},
    ]
    mock.catalogue.action("hubspot", "echo", parameters=parameters)(echo)
    tools = await account.tools("hubspot", actions=["echo"], confirm=True)
    result = await tools.call("hubspot__echo", {"a": {"x": None}, "b": None, "c": None})
    assert result.data == {"a": {"x": None}}


async def test_only_reads_are_retried(tools: Tools, mock: MockRefold) -> None:
    """A read whose response is lost is made again; a write is not."""
    mock.script(Reset("after"), action_id="search_contacts", calls=1)
    mock.script(Reset("after"), action_id="create_contact", calls=1)
    assert (await tools.call(SEARCH, {})).data["total"] == 1
    assert (await tools.call(CREATE, JANE)).effect == "unknown"
    assert writes(mock) == [JANE]


async def test_the_connection(account: AccountScope, mock: MockRefold) -> None:
    """It is the one that the program chose."""
    tools = await account.tools("hubspot", actions=["create_contact"], confirm=True, connection_id="c_1")
    await tools.call(CREATE, JANE)
    assert mock.requests[-1].headers["connection_id"] == "c_1"


# What a model reads after a failure.


@pytest.mark.parametrize(
    ("trouble", "effect", "text"),
    [
        (Answer(400, json={"message": "Required 'x' is missing"}), "none", "Required 'x' is missing"),
        (Errored(409, {"message": "Contact already exists"}), "none", "Contact already exists"),
        (Errored(401), "none", "The user's connection to hubspot does not work. Ask the user to reconnect it"),
        (Errored(429), "none", "Too many calls came in a short time. Try again later."),
        (Answer(429, retry_after=70), "none", "Too many calls came in a short time. Wait 70 seconds first."),
        (Answer(401), "none", "This tool cannot be used at the moment"),
        (Answer(403), "none", "This tool cannot be used at the moment"),
        (Answer(404), "none", "This tool cannot be used at the moment"),
        (Errored(500), "unknown", "did not succeed"),
        (Reset("after"), "unknown", "No response came."),
        (Silence(), "unknown", "No response came in time."),
        (Answer(503), "unknown", "The service failed (HTTP 503)."),
        (Answer(200, body="<html>"), "unknown", "The response could not be read."),
    ],
    ids=str,
)
async def test_a_write_that_fails(
    account: AccountScope, mock: MockRefold, caplog: pytest.LogCaptureFixture, trouble: Any, effect: str, text: str
) -> None:
    """The text says what became of it, why, and what to do; the error is there for the program."""
    tools = await account.with_options(timeout=Timeout(total=2, attempt=0.5)).tools(
        "hubspot", actions=ACTIONS, reads=["search_contacts"], confirm=True
    )
    mock.script(trouble, action_id="create_contact")
    result = await tools.call(CREATE, JANE)
    beginning = {
        "none": "Nothing was done. ",
        "unknown": "It may have been done, so do not repeat it. ",
    }
    assert result.startswith(beginning[effect])
    assert text in result
    assert (result.is_error, result.effect, result.data) == (True, effect, None)
    assert result.error is not None
    assert result.error.effect == effect
    if effect == "unknown":
        assert result.endswith(f"Check whether it was done, with {SEARCH}, and report to the user what you find.")
        assert len(writes(mock)) == 1
    for hidden in ("user_12345", mock.base_url, "tk_test", "list_actions", "account_rate_limit", "into="):
        assert hidden not in result
    logged = [record for record in caplog.records if "cannot be used" in record.message]
    assert len(logged) == ("cannot be used" in result)
    assert all(record.levelno == logging.WARNING for record in logged)


@pytest.mark.parametrize(
    ("trouble", "text"),
    [
        (Errored(404, {"message": "resource not found"}), "resource not found"),
        (Errored(500), "did not succeed"),
        (Reset("after"), "No response came. You may try again once."),
        (Answer(503), "The service failed (HTTP 503). You may try again once."),
        (Answer(200, body="%PDF-1.7"), "It may be a file, which this tool cannot show. Report this to the user"),
    ],
    ids=str,
)
async def test_a_read_that_fails(tools: Tools, mock: MockRefold, trouble: Any, text: str) -> None:
    """There is no result, and nothing to worry about."""
    mock.script(trouble, action_id="search_contacts")
    result = await tools.call(SEARCH, {})
    assert result.startswith("There is no result. ")
    assert text in result
    assert "may have" not in result.replace("It may have run; it is safe to retry.", "")
    assert (result.is_error, result.effect) == (True, "none")


async def test_an_app_that_must_be_reconnected(tools: Tools, mock: MockRefold) -> None:
    """The program sees it, and can show the link."""
    mock.account("user_12345").expire("hubspot")
    assert isinstance((await tools.call(SEARCH, {})).error, ReconnectRequiredError)


async def test_without_reads(account: AccountScope, mock: MockRefold) -> None:
    """Where no tool can check what became of a write, the user must."""
    tools = await account.tools("hubspot", actions=["create_contact"], confirm=True)
    mock.script(Reset("after"), action_id="create_contact", calls=1)
    assert (await tools.call(CREATE, JANE)).endswith("Ask the user to check whether it was done.")


async def test_no_connection(mock: MockRefold) -> None:
    """Nothing can have been done, so the model may try again."""
    async with AsyncRefold("tk_test", base_url=mock.base_url, retry=RetryPolicy(max_retries=0)) as refold:
        tools = await refold.account("a").tools("hubspot", actions=ACTIONS, confirm=True)
        await mock.aclose()
        result = await tools.call(CREATE, JANE)
    assert (result, result.effect) == ("Nothing was done. No response came. You may try again once.", "none")


async def test_a_closed_client(mock: MockRefold) -> None:
    """It is an error like others: the model's conversation goes on."""
    async with AsyncRefold("tk_test", base_url=mock.base_url) as refold:
        tools = await refold.account("a").tools("hubspot", actions=ACTIONS, confirm=True)
    result = await tools.call(CREATE, JANE)
    assert result.startswith("Nothing was done. This tool cannot be used at the moment")


# Writes that may have run.


async def test_a_repeated_write_is_not_made(tools: Tools, mock: MockRefold) -> None:
    """After an unknown outcome, the same call is not sent again, in whatever order its arguments come."""
    mock.script(Reset("after"), action_id="create_contact", calls=1)
    assert (await tools.call(CREATE, {**JANE, "phone": "1"})).effect == "unknown"
    for arguments in (
        {"phone": "1", **JANE},
        {**JANE, "phone": "1", "company": None},
        '{"email":"jane@example.com","phone":"1"}',
    ):
        again = await tools.call(CREATE, arguments)
        assert again.startswith("This was not done again: the same call was made before and may have been done")
        assert again.endswith(f"with {SEARCH}, and report to the user what you find.")
        assert (again.is_error, again.effect, again.error) == (True, "unknown", None)
    assert len(writes(mock)) == 1
    assert (await tools.call(CREATE, JANE)).effect == "done"
    assert (await tools.call(CREATE, JANE)).effect == "done"  # what has run, and is known to have, may be wanted twice
    assert len(writes(mock)) == 3


async def test_a_write_that_did_not_run_may_be_repeated(tools: Tools, mock: MockRefold) -> None:
    """It was refused, so nothing can be done twice."""
    mock.script(Errored(400), action_id="create_contact", calls=1)
    assert (await tools.call(CREATE, JANE)).effect == "none"
    assert (await tools.call(CREATE, JANE)).effect == "done"


async def test_the_same_write_twice_at_the_same_time(tools: Tools, mock: MockRefold) -> None:
    """A model that makes one call twice in one turn makes one write."""
    mock.script(Delay(0.1), action_id="create_contact")
    results = await asyncio.gather(*(tools.call(CREATE, JANE) for _ in range(3)))
    assert sorted(result.effect for result in results) == ["done", "unknown", "unknown"]
    assert writes(mock) == [JANE]


async def test_somebody_confirms_the_repetition(account: AccountScope, mock: MockRefold) -> None:
    """A person may decide to repeat what may have run, and is told that it may."""
    approve = Approver(True, False, True, True)
    tools = await account.tools("hubspot", actions=["create_contact"], confirm=approve)
    mock.script(Reset("after"), action_id="create_contact", calls=1)
    mock.script(Errored(400), action_id="create_contact", calls=2)
    effects = [(await tools.call(CREATE, JANE)).effect for _ in range(4)]
    assert effects == ["unknown", "none", "none", "done"]
    assert [call.may_have_run for call in approve.calls] == [False, True, True, True]
    assert len(writes(mock)) == 3
    approve.answers.append(True)
    await tools.call(CREATE, JANE)
    assert approve.calls[-1].may_have_run is False


async def test_two_confirmations_of_the_same_write(account: AccountScope, mock: MockRefold) -> None:
    """Two that were confirmed at the same time, each as if there were no other, are one write."""
    tools = await account.tools("hubspot", actions=["create_contact"], confirm=Approver(True, True))
    results = await asyncio.gather(tools.call(CREATE, JANE), tools.call(CREATE, JANE))
    assert sorted(result.effect for result in results) == ["done", "unknown"]
    assert writes(mock) == [JANE]


async def test_a_write_that_was_cancelled(account: AccountScope, mock: MockRefold) -> None:
    """If it had been sent it may have run; if not, it can be made."""
    tools = await account.tools("hubspot", actions=["create_contact"], confirm=True)
    script = mock.script(Silence(), action_id="create_contact")
    call = asyncio.create_task(tools.call(CREATE, JANE))
    await until(lambda: mock.in_flight == 1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    script.remove()
    assert (await tools.call(CREATE, JANE)).effect == "unknown"
    assert len(writes(mock)) == 1


async def test_a_write_that_was_cancelled_before_it_was_sent(mock: MockRefold) -> None:
    """It waited for the rate limit."""
    gate = Gate()
    async with AsyncRefold("tk_test", base_url=mock.base_url, rate_limit=gate) as refold:
        tools = await refold.account("a").tools("hubspot", actions=["create_contact"], confirm=True)
        gate.opened.clear()
        call = asyncio.create_task(tools.call(CREATE, JANE))
        await until(lambda: gate.waiting == 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        gate.opened.set()
        assert (await tools.call(CREATE, JANE)).effect == "done"


class Gate:
    """A limiter that grants while it is open."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.opened.set()
        self.waiting = 0

    async def acquire(self) -> None:
        """Wait until it is open."""
        self.waiting += 1
        await self.opened.wait()
        self.waiting -= 1


# Confirmations.


async def test_what_is_confirmed(account: AccountScope, mock: MockRefold) -> None:
    """The function gets what will be sent; changing it changes nothing; reads and nonsense are not asked about."""

    def tamper(call: ToolCall) -> bool:
        parameters: Any = call.parameters
        calls.append(copy.deepcopy(call))
        parameters["email"] = "mallory@example.com"
        return True

    calls: list[ToolCall] = []
    tools = await account.tools("hubspot", actions=ACTIONS, reads=["search_contacts"], confirm=tamper)
    await tools.call(SEARCH, {})
    await tools.call(CREATE, {"email": 5})
    assert not calls
    given = {**JANE, "phone": None}
    await tools.call(CREATE, given)
    assert calls == [
        ToolCall(
            name=CREATE,
            slug="hubspot",
            action_id="create_contact",
            linked_account_id="user_12345",
            parameters=JANE,
            may_have_run=False,
        )
    ]
    assert writes(mock) == [JANE]
    assert given == {**JANE, "phone": None}


async def test_the_user_declines(account: AccountScope, mock: MockRefold) -> None:
    """Nothing is sent, and the model is told that it was the user's will."""
    tools = await account.tools("hubspot", actions=["create_contact"], confirm=Approver(False))
    result = await tools.call(CREATE, JANE)
    assert result == "Nothing was done. The user declined it. Do not try again unless the user asks for it."
    assert (result.is_error, result.effect) == (True, "none")
    assert not writes(mock)


@pytest.mark.parametrize("answer", [None, "no", "yes", 1, []], ids=repr)
async def test_an_answer_that_is_none(account: AccountScope, mock: MockRefold, answer: Any) -> None:
    """Neither a text nor a forgotten `return` is a yes: it is a mistake of the program."""
    tools = await account.tools("hubspot", actions=["create_contact"], confirm=Approver(answer))
    with pytest.raises(ConfigurationError, match="confirm must return True or False"):
        await tools.call(CREATE, JANE)
    assert not writes(mock)


async def test_a_confirmation_that_fails(account: AccountScope, mock: MockRefold) -> None:
    """Its error is the program's own."""

    def fail(_call: ToolCall) -> bool:
        raise OSError("no terminal")

    tools = await account.tools("hubspot", actions=["create_contact"], confirm=fail)
    with pytest.raises(OSError, match="no terminal"):
        await tools.call(CREATE, JANE)
    assert not writes(mock)


# Results.


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (None, "Done. The app returned no data."),
        ("plain text", "plain text"),
        ("", ""),
        ([], "[]"),
        (0, "0"),
        ({"größe": [1, None, True]}, '{"größe":[1,null,true]}'),
        ({"a": "\ud800"}, r'{"a":"\ud800"}'),
    ],
    ids=str,
)
async def test_results(account: AccountScope, mock: MockRefold, data: Any, text: str) -> None:
    """Texts are shown unchanged, everything else as JSON."""

    async def answer(context: ActionContext, parameters: dict[str, Any]) -> Any:
        return data

    mock.catalogue.action("hubspot", "answer")(answer)
    tools = await account.tools("hubspot", actions=["answer"], confirm=True)
    result = await tools.call("hubspot__answer")
    assert (result, result.data, result.is_error) == (text, data, False)


@pytest.mark.parametrize("data", ["ä" * 30_000, [{"id": number} for number in range(20_000)], {"x": "\ud800" * 30_000}])
async def test_long_results(account: AccountScope, mock: MockRefold, data: Any) -> None:
    """They are cut to the given length, and say so; the program still has all."""

    async def answer(context: ActionContext, parameters: dict[str, Any]) -> Any:
        return data

    mock.catalogue.action("hubspot", "answer")(answer)
    by_default = await account.tools("hubspot", actions=["answer"], confirm=True)
    short = await account.tools("hubspot", actions=["answer"], confirm=True, max_result_length=1000)
    for tools, longest in ((by_default, 20_000), (short, 1000)):
        result = await tools.call("hubspot__answer")
        assert len(result) == longest
        assert re.search(rf"[^ ]… \[Cut here: it is longer than {longest:,} characters\. Ask for less, .*\]$", result)
        assert (result.is_cut, result.data, result.effect) == (True, data, "done")
        result.encode()


async def test_the_longest_result_that_is_not_cut(account: AccountScope, mock: MockRefold) -> None:
    """The limit is a limit, and not one less."""

    async def answer(context: ActionContext, parameters: dict[str, Any]) -> Any:
        return "x" * parameters["n"]

    mock.catalogue.action("hubspot", "answer", parameters=[{"name": "n", "type": "number"}])(answer)
    tools = await account.tools("hubspot", actions=["answer"], confirm=True, max_result_length=1000)
    assert [(await tools.call("hubspot__answer", {"n": n})).is_cut for n in (1000, 1001)] == [False, True]


async def test_long_errors(account: AccountScope, mock: MockRefold) -> None:
    """Whatever an app or a model wrote into them, they have at most as many characters, and begin with the effect."""
    tools = await account.tools("hubspot", actions=["create_contact"], confirm=True, max_result_length=1000)
    mock.script(Errored(400, {"message": "x" * 50_000}), action_id="create_contact")
    for result in (await tools.call(CREATE, JANE), await tools.call(CREATE, {"y" * 50_000: 1})):
        assert len(result) <= 1000
        assert result.startswith("Nothing was done. ")


async def test_files(account: AccountScope, mock: MockRefold) -> None:
    """A model cannot read them, and is told so. What the write did is not known."""

    async def export(context: ActionContext, parameters: dict[str, Any]) -> FileAnswer:
        return FileAnswer(b"%PDF-1.7", "application/pdf")

    mock.catalogue.action("hubspot", "export")(export)
    tools = await account.tools("hubspot", actions=["export"], reads=["export"])
    assert "It may be a file, which this tool cannot show." in await tools.call("hubspot__export")


async def test_a_result_is_a_text(tools: Tools) -> None:
    """Wherever a text goes it goes, and it can be copied and pickled."""
    failed = await tools.call(CREATE, {})
    found = await tools.call(SEARCH, {})
    assert json.loads(json.dumps({"content": failed})) == {"content": str(failed)}
    for result in (failed, found):
        for same in (pickle.loads(pickle.dumps(result)), copy.copy(result), copy.deepcopy(result)):
            assert isinstance(same, ToolResult)
            assert (same, same.is_error, same.effect, same.is_cut, same.data) == (
                result,
                result.is_error,
                result.effect,
                result.is_cut,
                result.data,
            )
            assert str(same.error) == str(result.error)


# Tools of several apps.


async def test_adding_tools(account: AccountScope, tools: Tools, mock: MockRefold) -> None:
    """Tools of several apps become one object; only tools of the same app can check a write."""
    slack = await account.tools(
        "slack", actions=["send_message", "list_channels"], reads=["list_channels"], confirm=True
    )
    both = tools + slack
    assert both.names == [SEARCH, CREATE, "slack__send_message", "slack__list_channels"]
    assert [one["name"] for one in both.openai()] == both.names
    assert not (await both.call("slack__list_channels")).is_error
    mock.script(Reset("after"), action_id="send_message", calls=1)
    message = {"channel": "general", "text": "Hi"}
    assert "with slack__list_channels, and" in (await both.call("slack__send_message", message))
    assert (await slack.call("slack__send_message", message)).startswith("This was not done again")


async def test_tools_that_cannot_be_added(refold: AsyncRefold, account: AccountScope, tools: Tools) -> None:
    """A model must not mix customers, or have an action twice."""
    tokens = [(await refold.session_tokens.create(customer)).token for customer in ("user_2", "user_3")]
    by_token = [
        await refold.account_from_session_token(token).tools("slack", actions=["list_channels"], confirm=True)
        for token in tokens
    ]
    other = await refold.account("user_2").tools("slack", actions=["list_channels"], confirm=True)
    for one, another in ((tools, other), (tools, by_token[0]), (by_token[0], by_token[1])):
        with pytest.raises(ConfigurationError, match="different linked accounts"):
            _ = one + another
    with pytest.raises(ConfigurationError, match="'hubspot__create_contact' is there twice"):
        _ = tools + await account.tools("hubspot", actions=["create_contact"], confirm=True)
    nothing: Any = []
    with pytest.raises(TypeError):
        _ = tools + nothing
