"""`refold tools`."""

from typing import Annotated, Any, Literal

from cyclopts import Parameter

from refold_async.cli.commands.actions import suggesting
from refold_async.cli.options import AccountOptions
from refold_async.cli.output import print_json
from refold_async.cli.session import open_account

__all__ = ["tools"]

Format = Literal["mcp", "openai", "openai-chat", "anthropic"]


async def tools(
    slug: str,
    action_id: str,
    /,
    *action_ids: Annotated[str, Parameter(help="More actions.")],
    options: AccountOptions,
    read: Annotated[tuple[str, ...], Parameter(name="--read")] = (),
    format: Format = "mcp",  # noqa: A002 - the name of the option
) -> None:
    """Print actions of an app as the tools of a language model, in JSON.

    Args:
        slug: The app, such as hubspot.
        action_id: The action, such as get_contact.
        read: An action that only reads; may be given several times. All others count as writes.
        format: Whose API takes the tools: mcp, openai (Responses), openai-chat (Chat Completions) or anthropic.
    """
    async with open_account(options) as account, suggesting(account, slug):
        found = await account.tools(slug, actions=[action_id, *action_ids], reads=read, confirm=True)
    definitions: list[dict[str, Any]]
    match format:
        case "openai" | "openai-chat":
            definitions = found.openai(api="chat" if format == "openai-chat" else "responses")
        case "anthropic":
            definitions = found.anthropic()
        case "mcp":
            definitions = found.mcp()
    print_json(definitions)
