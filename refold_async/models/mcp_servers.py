"""The MCP servers that Refold hosts, as it returns them."""

from datetime import datetime
from typing import Any

import attrs

from refold_async.models.model import Model, Result, named

__all__ = ["MCPServer", "MCPServerApp", "MCPServerSuggestion"]


@attrs.frozen(eq=False, repr=False)
class MCPServerApp(Model):
    """What an MCP server offers of one app."""

    slug: str | None = None
    """The app."""
    workflows: list[str] = attrs.field(factory=list[str])
    """The workflows that the server offers."""
    actions: list[str] = attrs.field(factory=list[str])
    """The actions that the server offers."""


@attrs.frozen(eq=False, repr=False)
class MCPServerSuggestion(Model):
    """A prompt that an MCP server suggests to its users."""

    name: str | None = None
    """The display name of the suggestion."""
    prompt: str | None = None
    """The prompt."""


@attrs.frozen(eq=False, repr=False)
class MCPServer(Result):
    """A server of the Model Context Protocol that Refold hosts."""

    mcp_server_id: str = attrs.field(metadata=named("_id", "id"))
    """The id to pass to other calls."""
    name: str | None = None
    """The display name of the server."""
    description: str | None = None
    """The purpose of the server."""
    associated_apps: list[MCPServerApp] = attrs.field(factory=list[MCPServerApp])
    """What the server offers: for each app its workflows and actions."""
    suggestions: list[MCPServerSuggestion] = attrs.field(factory=list[MCPServerSuggestion])
    """Prompts that the server suggests."""
    agent_name: str | None = None
    """The display name of the agent that uses the server."""
    base_prompt: str | None = None
    """The prompt that the agent starts with."""
    safe_mode: bool | None = None
    """Whether the server is in Refold's safe mode."""
    primary_color: str | None = None
    """The main colour of the agent's page, such as `#2D6CDF`."""
    secondary_color: str | None = None
    """The second colour of the agent's page."""
    chains: list[dict[str, Any]] = attrs.field(factory=list[dict[str, Any]])
    """The chains of the server, as Refold returns them."""
    notebooks: list[dict[str, Any]] = attrs.field(factory=list[dict[str, Any]])
    """The notebooks of the server, as Refold returns them."""
    environment: str | None = None
    """`test` or `production`."""
    org_id: str | None = attrs.field(default=None, metadata=named("associated_org_id", "org_id"))
    """Refold's id for your organisation."""
    created_at: datetime | None = attrs.field(default=None, metadata=named("createdAt", "created_at"))
    """When the server was created."""
    updated_at: datetime | None = attrs.field(default=None, metadata=named("updatedAt", "updated_at"))
    """When the server was last updated."""
