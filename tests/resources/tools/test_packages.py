"""What tools are, the packages of OpenAI, Anthropic and MCP accept: by their own types, and as they send it."""

import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from pydantic import TypeAdapter

from refold_async import AccountScope, Tools
from refold_async.testing import ActionContext, MockRefold
from support.fake_models import serve_model

KINDS: Final = ("text", "url", "email", "date", "password", "select", "number", "textarea")
ANY_KINDS: Final = ("map", "json", "hologram", "")
SCHEMAS: Final = ("parameters", "input_schema", "inputSchema")
"""How the APIs call the schema of a tool's parameters."""
ODD: Final = "Größe in cm, außen"


@pytest.fixture
async def tools(account: AccountScope, mock: MockRefold) -> Tools:
    """Tools of all kinds: many parameters and none, strict ones and others, with names that have to be changed."""

    async def handler(context: ActionContext, parameters: dict[str, Any]) -> Any:
        return parameters

    strict = [{"name": f"{ODD} {kind}", "type": kind, "required": index % 2 == 0} for index, kind in enumerate(KINDS)]
    loose = [{"name": kind or "none", "type": kind} for kind in ANY_KINDS]
    mock.catalogue.action("hubspot", "strict one", description="x" * 3000, parameters=strict)(handler)
    mock.catalogue.action("hubspot", "loose.one" * 20, parameters=loose)(handler)
    mock.catalogue.action("hubspot", "no_parameters", description="")(handler)
    actions = ["strict one", "loose.one" * 20, "no_parameters", "search_contacts"]
    return await account.tools("hubspot", actions=actions, reads=["search_contacts"], confirm=True)


@pytest.mark.parametrize("strict", [True, False])
async def test_openai_types(tools: Tools, strict: bool) -> None:
    """They are what the package declares, with no field that it does not know."""
    types = pytest.importorskip("openai.types")
    check_types(types.responses.FunctionToolParam, tools.openai(strict=strict))
    check_types(types.chat.ChatCompletionFunctionToolParam, tools.openai(strict=strict, api="chat"))


async def test_openai_strict_schemas(tools: Tools) -> None:
    """A strict schema is one already, by the function with which the package makes schemas strict."""
    make_strict = pytest.importorskip("openai.lib._pydantic")._ensure_strict_json_schema
    strict = [one["parameters"] for one in tools.openai() if one["strict"]]
    assert len(strict) == 3
    for schema in strict:
        copied = json.loads(json.dumps(schema))
        assert make_strict(copied, path=(), root=copied) == schema


async def test_openai_sends_them(tools: Tools) -> None:
    """They arrive unchanged, and the package's own check of strict tools passes."""
    openai = pytest.importorskip("openai")
    async with (
        serve_model("Hi", "Hi", "Hi") as model,
        openai.AsyncOpenAI(base_url=model.base_url, api_key="x", max_retries=0) as client,
    ):
        messages = [{"role": "user", "content": "Hello"}]
        await client.responses.create(model="fake", input="Hello", tools=tools.openai())
        await client.chat.completions.create(model="fake", messages=messages, tools=tools.openai(api="chat"))
        strict = [one for one in tools.openai(api="chat") if one["function"]["strict"]]
        parsed = await client.chat.completions.parse(model="fake", messages=messages, tools=strict)
        assert parsed.choices[0].message.content == "Hi"
    assert [request["tools"] for request in model.requests] == [tools.openai(), tools.openai(api="chat"), strict]


async def test_anthropic(tools: Tools) -> None:
    """They are what the package declares, and arrive unchanged."""
    anthropic = pytest.importorskip("anthropic")
    check_types(anthropic.types.ToolParam, tools.anthropic())
    async with (
        serve_model("Hi") as model,
        anthropic.AsyncAnthropic(base_url=model.base_url, api_key="x", max_retries=0) as client,
    ):
        messages = [{"role": "user", "content": "Hello"}]
        await client.messages.create(model="fake", max_tokens=9, messages=messages, tools=tools.anthropic())
    assert model.requests[0]["tools"] == tools.anthropic()


async def test_mcp(tools: Tools) -> None:
    """They are tools of the protocol, of every version of it that the package knows, with valid names."""
    types = pytest.importorskip("mcp.types")
    names = pytest.importorskip("mcp.shared.tool_name_validation")
    for definition in tools.mcp():
        tool = types.Tool.model_validate(definition)
        assert tool.model_dump(by_alias=True, exclude_none=True) == definition
        assert not names.validate_tool_name(tool.name).warnings


@pytest.mark.parametrize("definitions", ["openai", "anthropic", "mcp"])
async def test_their_schemas_are_schemas(tools: Tools, definitions: str) -> None:
    """By the meta-schema of JSON Schema, in which the APIs expect them; names keep to the rules of each."""
    validators = pytest.importorskip("jsonschema.validators")
    made: Callable[[], list[dict[str, Any]]] = getattr(tools, definitions)
    for definition in made():
        (schema,) = [definition[field] for field in SCHEMAS if field in definition]
        validators.Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"


def check_types(declared: Any, definitions: list[dict[str, Any]]) -> None:
    """Check definitions with pydantic against a TypedDict. Fields that it does not declare would be missing."""
    adapter = TypeAdapter[Any](declared)
    assert definitions
    for definition in definitions:
        assert adapter.validate_python(definition, strict=True) == definition
