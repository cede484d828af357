"""The definitions of tools, as each API of language models takes them. Pure functions.

All of them get the same JSON Schema, except that OpenAI's strict mode accepts only a part of JSON Schema.
"""

from typing import Any, Final, Literal

from refold_async.resources.actions import ActionParameters
from refold_async.resources.tools.tool import Tool

__all__ = ["OpenAIAPI", "anthropic_definition", "mcp_definition", "openai_definition"]

OpenAIAPI = Literal["responses", "chat"]

_STRICT_FORMATS: Final = {"date", "email"}
"""The formats of texts that strict mode accepts, of those that parameters have."""


def openai_definition(tool: Tool, *, strict: bool, api: OpenAIAPI) -> dict[str, Any]:
    """Return a tool for OpenAI's API."""
    schema = strict_schema(tool.parameters) if strict else None
    function: dict[str, Any] = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters.json_schema() if schema is None else schema,
        "strict": schema is not None,
    }
    return {"type": "function", **(function if api == "responses" else {"function": function})}


def anthropic_definition(tool: Tool) -> dict[str, Any]:
    """Return a tool for Anthropic's API."""
    return {"name": tool.name, "description": tool.description, "input_schema": tool.parameters.json_schema()}


def mcp_definition(tool: Tool) -> dict[str, Any]:
    """Return a tool for the Model Context Protocol."""
    return {
        "name": tool.name,
        **({} if tool.title is None else {"title": tool.title}),
        "description": tool.description,
        "inputSchema": tool.parameters.json_schema(),
        "annotations": {"readOnlyHint": tool.is_read},
    }


def strict_schema(parameters: ActionParameters) -> dict[str, Any] | None:
    """Return the parameters as strict mode accepts them; None if it cannot express them.

    There, every parameter is required, so one that may be left out may be null instead. Objects must list all of their
    fields, which is impossible for a parameter that is a map, may be anything, or is of an unknown type.
    """
    schema = parameters.json_schema()
    properties: dict[str, dict[str, Any]] = schema["properties"]
    for name, one in properties.items():
        if one.get("type") in {None, "object"}:
            return None
        if one.get("format") not in _STRICT_FORMATS:
            one.pop("format", None)
        if name not in schema["required"]:
            one["type"] = [one["type"], "null"]
    schema["required"] = list(properties)
    return schema
