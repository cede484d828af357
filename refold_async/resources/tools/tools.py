"""`Tools`: actions of one linked account, for a language model."""

from collections.abc import Iterable, Mapping
from typing import Any

from refold_async.config.validation import check_bool
from refold_async.errors import ConfigurationError
from refold_async.resources.tools.definitions import (
    OpenAIAPI,
    anthropic_definition,
    mcp_definition,
    openai_definition,
)
from refold_async.resources.tools.results import SHORTEST, ToolResult, refusal
from refold_async.resources.tools.tool import Tool

__all__ = ["Tools"]


class Tools:
    """Actions of one linked account as the tools of a language model. `AccountScope.tools()` makes them.

    Give the model the definitions that `openai()`, `anthropic()` or `mcp()` returns, and each of its tool calls to
    `call()`. To offer actions of several apps, add their tools: `hubspot + slack`.

    Keep one object for a conversation: it remembers which writes may have run, and does not repeat them.
    """

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools: dict[str, Tool] = {}
        for tool in tools:
            if tool.name in self._tools:
                raise ConfigurationError(f"The tool {tool.name!r} is there twice: add each action only once.")
            self._tools[tool.name] = tool

    @property
    def names(self) -> list[str]:
        """The names of the tools, such as `hubspot__create_contact`, which all APIs accept.

        They have at most 64 letters, digits, underscores and dashes. A name that would be too long, or has other
        characters, is changed and ends with a hash.
        """
        return list(self._tools)

    def openai(self, *, strict: bool = True, api: OpenAIAPI = "responses") -> list[dict[str, Any]]:
        """Return the definitions for OpenAI's API, and for the many that accept the same.

        Args:
            strict: Make the model keep to the schema. Parameters that may be left out are then required and may be
                null; `call()` drops the nulls. A tool with a parameter that is an object, or that may be anything, is
                never strict, because strict schemas cannot express that.
            api: `"responses"` for the Responses API, `"chat"` for Chat Completions.

        Raises:
            ConfigurationError: An argument is wrong; the message names it.
        """
        check_bool("strict", strict)
        if api not in ("responses", "chat"):
            raise ConfigurationError(f"api must be 'responses' or 'chat', got {api!r}.")
        return [openai_definition(tool, strict=strict, api=api) for tool in self._tools.values()]

    def anthropic(self) -> list[dict[str, Any]]:
        """Return the definitions for Anthropic's API."""
        return [anthropic_definition(tool) for tool in self._tools.values()]

    def mcp(self) -> list[dict[str, Any]]:
        """Return the definitions for a server of the Model Context Protocol: the tools of its answer to `tools/list`.

        The annotation `readOnlyHint` says which tools only read. Your program runs that server; those that Refold hosts
        are in `account.mcp_servers`.
        """
        return [mcp_definition(tool) for tool in self._tools.values()]

    async def call(self, name: str, arguments: Mapping[str, Any] | str | None = None) -> ToolResult:
        """Execute a tool call of the model, and return the text to give to it.

        The arguments are checked first: missing and unknown names, and wrong types. A write is then confirmed as
        `confirm=` of `AccountScope.tools()` says. The text of an error says what became of the action, so that the
        model does not repeat a write that may have run. If it repeats the call anyway, with the same arguments, then
        `confirm` is called with `ToolCall.may_have_run`. With `confirm=True`, the write is not made again.

        Args:
            name: The name of the tool, as the model wrote it.
            arguments: The arguments, as the model wrote them: a mapping, or the text of a JSON object.

        Returns:
            The result: a `str` with a few attributes. No error of a call is raised.

        Raises:
            ConfigurationError: `confirm=` returned something else than True or False.
            Exception: What `confirm=` raised.
        """
        tool = self._tools.get(name) if isinstance(name, str) else None
        if tool is None:
            longest = max((tool.longest for tool in self._tools.values()), default=SHORTEST)
            return refusal(f"There is no tool {name!r}. The tools are: {', '.join(self._tools)}.", longest)
        slug = tool.parameters.slug
        reads = [other.name for other in self._tools.values() if other.is_read and other.parameters.slug == slug]
        return await tool.call(arguments, reads)

    def __add__(self, other: "Tools") -> "Tools":
        if not isinstance(other, Tools):
            return NotImplemented
        tools = [*self._tools.values(), *other._tools.values()]
        if len({tool.owner for tool in tools}) > 1:
            raise ConfigurationError("The tools belong to different linked accounts: a model must not mix them.")
        return Tools(tools)

    def __len__(self) -> int:
        return len(self._tools)

    def __repr__(self) -> str:
        return f"<Tools {', '.join(self._tools)}>"
