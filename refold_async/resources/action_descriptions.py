"""What the actions of an app are: a list of them, the parameters of each, and tools made of them."""

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Literal, TypeVar, cast

from refold_async.config.settings import Timeout
from refold_async.pipeline.pipeline import Pipeline
from refold_async.protocol import requests
from refold_async.protocol.endpoints import Request
from refold_async.protocol.responses import Parser

if TYPE_CHECKING:
    from refold_async.protocol.pages import AwaitableListing
    from refold_async.resources.actions import Action, ActionParameters
    from refold_async.resources.tools.tool import Confirm
    from refold_async.resources.tools.tools import Tools

__all__ = ["ActionDescriptions"]

T = TypeVar("T")


class ActionDescriptions:
    """The `list_actions()`, `get_action_parameters()` and `tools()` of scopes."""

    __slots__ = ()

    linked_account_id: str | None
    _pipeline: Pipeline
    _session_token: str | None

    def list_actions(self, slug: str, *, timeout: Timeout | float | None = None) -> "AwaitableListing[Action]":
        """List the actions of an app. Refold page: *List Actions*.

        Args:
            slug: The app, such as `hubspot`.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The actions in Refold's order. `await` it for a plain `list`, or iterate over it with `async for`.

        Raises:
            NotFoundError: There is no such app.
            RefoldError: The call failed in another way.
        """
        from refold_async.protocol.pages import AwaitableListing, parse_only_page
        from refold_async.resources.actions import parse_actions

        parse = parse_only_page(parse_actions)
        return AwaitableListing(lambda: self._send(requests.list_actions(slug), parse, timeout))

    async def get_action_parameters(
        self, slug: str, action_id: str, *, timeout: Timeout | float | None = None
    ) -> "ActionParameters":
        """Read the parameters of an action. Refold page: *Get Action Parameters*.

        Args:
            slug: The app, such as `hubspot`.
            action_id: The action, such as `create_contact`.
            timeout: Seconds for the whole call, or a `Timeout`; by default the client's.

        Returns:
            The parameters: a sequence with the methods `validate()` and `json_schema()`.

        Raises:
            NotFoundError: There is no such app, or the app has no such action.
            RefoldError: The call failed in another way.
        """
        from refold_async.resources.actions import parse_action_parameters

        request = requests.get_action_parameters(slug, action_id)
        return await self._send(request, parse_action_parameters(slug, action_id), timeout)

    async def tools(
        self,
        slug: str,
        *,
        actions: Sequence[str],
        reads: Sequence[str] = (),
        confirm: "Confirm | Literal[True] | None" = None,
        connection_id: str | None = None,
        max_result_length: int = 20_000,
        max_age: float = 300.0,
    ) -> "Tools":
        """Return actions of an app as the tools of a language model. Refold pages: *List Actions*, *Get Action Schema*.

        The model chooses the tool and its arguments, and never the linked account. What Refold says about the actions
        is read for all of them at the same time. Calls of the tools have the time limits and retries of this scope: to
        change them, use `with_options(timeout=30)` first.

        Args:
            slug: The app, such as `hubspot`.
            actions: The ids of the actions that the model may execute. It can execute no other.
            reads: The ids of those that only read. They may be retried, and need no confirmation. Every other action
                counts as a write.
            confirm: A function, async or not, that gets each write as a `ToolCall` before it is made, asks the user,
                and returns True or False. Pass True to make writes without asking. It is required if there are writes.
            connection_id: The connection to use, if the linked account has several to the app.
            max_result_length: The maximum number of characters of a result, at least 1,000. A longer result is cut, and
                says so; by default 20,000.
            max_age: For how many seconds the client may use what it has read about an action of this linked account; by
                default 300. With 0, it reads it again.

        Returns:
            The tools: their definitions for OpenAI, Anthropic and MCP, and `call()` to execute what the model calls.

        Raises:
            ConfigurationError: An argument is wrong; nothing was sent.
            NotFoundError: There is no such app, or the app has no such action.
            RefoldError: The call failed in another way.
        """
        from refold_async.resources.tools.reading import KeptActions, ToolAccount, ToolOptions, read_tools

        options = ToolOptions.checked(
            actions=actions,
            reads=reads,
            confirm=confirm,
            connection_id=connection_id,
            max_result_length=max_result_length,
            max_age=max_age,
        )
        kept: KeptActions = self._pipeline.memory.setdefault("actions", KeptActions())
        owner = (self.linked_account_id, self._session_token)
        return await read_tools(cast("ToolAccount", self), owner, slug, options, kept)

    def _send(self, request: Request, parse: Parser[T], timeout: Timeout | float | None) -> Awaitable[T]:
        """Send a request for the linked account."""
        raise NotImplementedError
