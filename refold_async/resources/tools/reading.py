"""Makes tools: reads what Refold knows about the actions, several at the same time, and keeps it for a while."""

import asyncio
import difflib
import time
from collections.abc import Awaitable, Hashable, Iterable, Mapping
from typing import Any, Final, Literal, Protocol, TypeVar, cast

import attrs

from refold_async.config.validation import check_header_value, check_positive, check_whole_number
from refold_async.errors import ConfigurationError, NotFoundError, RefoldError
from refold_async.pipeline.error_details import add_to_message
from refold_async.resources.actions import Action, ActionParameters
from refold_async.resources.tools.names import parameter_names, tool_names
from refold_async.resources.tools.results import SHORTEST
from refold_async.resources.tools.tool import Confirm, Execute, Tool
from refold_async.resources.tools.tools import Tools

__all__ = ["KeptActions", "ToolAccount", "ToolOptions", "read_tools"]

T = TypeVar("T")

_RAW_REQUEST: Final = "httprequest"
"""The action that every app has, and that sends any request with the customer's credentials."""
_LONGEST_DESCRIPTION: Final = 1024
"""The most characters that OpenAI accepts."""
_MOST_KEPT: Final = 2000
"""How many descriptions of actions a client keeps."""


class ToolAccount(Protocol):
    """The calls of an `AccountScope` that tools need."""

    linked_account_id: str | None

    @property
    def execute_action(self) -> Execute:
        """Execute an action."""
        ...

    def list_actions(self, slug: str) -> Awaitable[list[Action]]:
        """List the actions of an app."""
        ...

    def get_action_parameters(self, slug: str, action_id: str) -> Awaitable[ActionParameters]:
        """Read the parameters of an action."""
        ...


@attrs.frozen(kw_only=True)
class ToolOptions:
    """The arguments of `AccountScope.tools()`, checked."""

    actions: list[str]
    reads: set[str]
    confirm: Confirm | Literal[True] | None
    connection_id: str | None
    max_result_length: int
    max_age: float

    @classmethod
    def checked(
        cls,
        *,
        actions: object,
        reads: object,
        confirm: Any,
        connection_id: str | None,
        max_result_length: int,
        max_age: float,
    ) -> "ToolOptions":
        """Return the options.

        Raises:
            ConfigurationError: One is wrong; the message names it.
        """
        allowed = _ids("actions", actions)
        if not allowed:
            raise ConfigurationError("actions is empty: name the actions that the model may execute.")
        only_reading = set(_ids("reads", reads))
        if strangers := sorted(only_reading.difference(allowed)):
            raise ConfigurationError(f"reads names {strangers[0]!r}, which actions does not name: add it there too.")
        if _RAW_REQUEST in only_reading:
            raise ConfigurationError(f"{_RAW_REQUEST!r} cannot be in reads: it sends any request, and so may write.")
        writes = [action_id for action_id in allowed if action_id not in only_reading]
        if writes and confirm is None:
            raise ConfigurationError(
                f"confirm is missing, and {writes[0]!r} may write: pass a function that asks the user, or True if no "
                "write needs to be confirmed. If the action only reads, name it in reads."
            )
        asks: Confirm | Literal[True] | None = confirm
        if asks is not None and asks is not True and not callable(asks):
            raise ConfigurationError(f"confirm must be a function, or True for no confirmation, got {confirm!r}.")
        return cls(
            actions=allowed,
            reads=only_reading,
            confirm=asks,
            connection_id=None if connection_id is None else check_header_value("connection_id", connection_id),
            max_result_length=check_whole_number("max_result_length", max_result_length, at_least=SHORTEST),
            max_age=0.0 if max_age == 0 else check_positive("max_age", max_age),
        )


@attrs.frozen
class _Described:
    """What Refold knows about an action."""

    title: str | None
    description: str | None
    parameters: ActionParameters
    read_at: float


class KeptActions:
    """What a client has read about actions, separately for each linked account. The least recently used go first."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, _Described] = {}

    def find(self, key: Hashable, max_age: float) -> _Described | None:
        """Return what was read in the last `max_age` seconds, or None."""
        found = self._kept.pop(key, None)
        if found is None or found.read_at + max_age < time.monotonic():
            return None
        self._kept[key] = found
        return found

    def keep(self, key: Hashable, described: _Described) -> None:
        """Keep what was read."""
        self._kept.pop(key, None)
        self._kept[key] = described
        if len(self._kept) > _MOST_KEPT:
            del self._kept[next(iter(self._kept))]


async def read_tools(
    account: ToolAccount, owner: Hashable, slug: str, options: ToolOptions, kept: KeptActions
) -> Tools:
    """Return actions of an app as tools.

    Args:
        account: The linked account.
        owner: What identifies it.
        slug: The app.
        options: The options.
        kept: What the client has read before.

    Raises:
        NotFoundError: There is no such app or action.
        RefoldError: A call failed.
    """
    check_header_value("slug", slug)
    described = {action_id: kept.find((owner, slug, action_id), options.max_age) for action_id in options.actions}
    unread = [action_id for action_id, found in described.items() if found is None]
    if unread:
        for action_id, found in (await _read(account, slug, unread)).items():
            described[action_id] = found
            kept.keep((owner, slug, action_id), found)
    names = tool_names(slug, options.actions)
    return Tools(
        _tool(names[action_id], found, account, owner, options, is_read=action_id in options.reads)
        for action_id, found in described.items()
        if found is not None
    )


async def _read(account: ToolAccount, slug: str, action_ids: list[str]) -> dict[str, _Described]:
    """Read the list of actions, and the parameters of some, all at the same time."""
    began = time.monotonic()
    listing, schemas = await asyncio.gather(
        _attempt(account.list_actions(slug)),
        asyncio.gather(*(_attempt(account.get_action_parameters(slug, action_id)) for action_id in action_ids)),
    )
    listed = {} if isinstance(listing, RefoldError) else {action.action_id: action for action in listing}
    described: dict[str, _Described] = {}
    for action_id, parameters in zip(action_ids, schemas, strict=True):
        if isinstance(parameters, RefoldError):
            if isinstance(parameters, NotFoundError):
                _suggest(parameters, action_id, listed)
            raise parameters
        action = listed.get(action_id, Action(action_id))
        described[action_id] = _Described(action.name, action.description, parameters, began)
    if isinstance(listing, RefoldError):
        raise listing
    return described


async def _attempt(call: Awaitable[T]) -> T | RefoldError:
    """Return what a call returns, or its error: so that no call is left behind when another one fails."""
    try:
        return await call
    except RefoldError as error:
        return error


def _suggest(error: NotFoundError, action_id: str, known: Iterable[str]) -> None:
    if close := difflib.get_close_matches(action_id, known, n=1):
        add_to_message(error, f"Did you mean {close[0]!r}?")


def _tool(
    name: str, described: _Described, account: ToolAccount, owner: Hashable, options: ToolOptions, *, is_read: bool
) -> Tool:
    parameters = described.parameters
    shown: Mapping[str, str] = parameter_names(parameter.name for parameter in parameters)
    description = described.description or described.title or f"Executes {parameters.action_id} of {parameters.slug}."
    if len(description) > _LONGEST_DESCRIPTION:
        description = f"{description[: _LONGEST_DESCRIPTION - 1]}…"
    return Tool(
        name=name,
        title=described.title and _sendable(described.title),
        description=_sendable(description),
        parameters=attrs.evolve(
            parameters,
            parameters=tuple(
                attrs.evolve(each, name=shown[each.name], label=each.label and _sendable(each.label))
                for each in parameters
            ),
        ),
        original_names={seen: original for original, seen in shown.items()},
        is_read=is_read,
        execute=account.execute_action,
        owner=owner,
        linked_account_id=account.linked_account_id,
        connection_id=options.connection_id,
        confirm=options.confirm,
        longest=options.max_result_length,
    )


def _sendable(text: str) -> str:
    """Return a text without halves of surrogate pairs, which Refold may send, but which UTF-8 cannot encode."""
    return text.encode(errors="backslashreplace").decode()


def _ids(name: str, given: object) -> list[str]:
    """Return the ids of actions in an argument."""
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise ConfigurationError(f"{name} must be a list of action ids, such as ['get_contact'], got {given!r}.")
    ids = [
        check_header_value(f"{name}[{index}]", action_id)
        for index, action_id in enumerate(cast("Iterable[object]", given))
    ]
    if repeated := [action_id for index, action_id in enumerate(ids) if action_id in ids[:index]]:
        raise ConfigurationError(f"{name} names {repeated[0]!r} twice.")
    return ids
