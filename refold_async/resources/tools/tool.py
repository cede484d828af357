"""One action of a linked account as a tool: it checks what a model passes, asks before a write, and executes."""

import asyncio
import copy
import hashlib
import inspect
import json
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, Literal, Protocol, cast

import attrs

from refold_async.codec import json_codec
from refold_async.errors import ConfigurationError, ParameterError, RefoldError
from refold_async.protocol.encoding import encode_json
from refold_async.resources.actions import ActionParameters
from refold_async.resources.parameter_checks import json_kind, misfits_of
from refold_async.resources.tools import results
from refold_async.resources.tools.results import ToolResult

__all__ = ["Confirm", "Execute", "Tool", "ToolCall"]


@attrs.frozen(kw_only=True)
class ToolCall:
    """A write that a model wants to make, for `confirm=` of `AccountScope.tools()`."""

    name: str
    """The name of the tool."""
    slug: str
    """The app."""
    action_id: str
    """The action."""
    linked_account_id: str | None
    """The linked account; None if only a session token identifies it."""
    parameters: Mapping[str, Any]
    """The parameters of the action, checked. A change of them has no effect."""
    may_have_run: bool
    """Whether the same write was made before and may have run, or is being made: then confirm it only if it must be
    made again."""


Confirm = Callable[[ToolCall], bool | Awaitable[bool]]


class Execute(Protocol):
    """Executes an action, as `AccountScope.execute_action()` does."""

    async def __call__(
        self, slug: str, action_id: str, parameters: Mapping[str, Any], *, idempotent: bool, connection_id: str | None
    ) -> Any:
        """Execute it."""
        ...


@attrs.define(eq=False)
class Tool:
    """One action as a tool."""

    name: str
    """Its name, which all APIs accept."""
    title: str | None
    """The display name of the action."""
    description: str
    """What it does."""
    parameters: ActionParameters
    """The parameters, with the names that the model sees."""
    original_names: Mapping[str, str]
    """The names that Refold knows, by those that the model sees."""
    is_read: bool
    """Whether the action only reads."""
    execute: Execute = attrs.field(repr=False)
    """Executes actions of the linked account."""
    owner: Hashable = attrs.field(repr=False)
    """What identifies the linked account."""
    linked_account_id: str | None
    """The id of the linked account, if it is known."""
    connection_id: str | None
    """The connection to use."""
    confirm: Confirm | Literal[True] | None
    """The function to ask before a write; True for none."""
    longest: int
    """The most characters of a result."""
    _unsettled: set[bytes] = attrs.field(factory=set[bytes], init=False, repr=False)
    """Hashes of the parameters of writes that are being made, or that may have run."""

    async def call(self, arguments: object, reads: Sequence[str]) -> ToolResult:
        """Check the arguments, ask about a write, execute, and return the text for the model.

        Args:
            arguments: What the model passed.
            reads: The names of the tools with which it can check what became of a write.
        """
        try:
            parameters = self._parameters_from(arguments)
        except ParameterError as error:
            return results.refusal(error.message, self.longest, error)
        if not self.is_read:
            return await self._write(parameters, reads)
        try:
            return results.success(await self._execute(parameters), is_read=True, longest=self.longest)
        except RefoldError as error:
            return results.failure_of_read(error, self.parameters.slug, self.longest)

    def _parameters_from(self, arguments: object) -> dict[str, Any]:
        """Return the parameters that the arguments of a model mean.

        Raises:
            ParameterError: They do not fit. The message says to the model what to correct.
        """
        given = self._object_from(arguments)
        # In OpenAI's strict mode, a model can only leave out a parameter by passing null.
        optional = {parameter.name for parameter in self.parameters if not parameter.required}
        given = {name: value for name, value in given.items() if value is not None or name not in optional}
        misfits = misfits_of(self.parameters, given)
        if misfits.problems:
            message = f"Correct the arguments, and call {self.name} again: {'; '.join(misfits.problems)}."
            if misfits.unknown:
                message += f" {self._signature()}"
            error = misfits.error(self.parameters.action_id, self.parameters.slug)
            error.args = (message,)
            raise error
        return {self.original_names[name]: value for name, value in given.items()}

    def _object_from(self, arguments: object) -> dict[str, Any]:
        if arguments is None or arguments == "":
            return {}
        problem = "they must be a JSON object, with a field for each parameter"
        try:
            body = arguments.encode() if isinstance(arguments, str) else encode_json(arguments, "arguments")
            value = json_codec.decode(body)
        except ParameterError as error:
            problem = error.message.removesuffix(".")
        except (ValueError, RecursionError) as error:
            problem = f"they are not JSON ({error})"
        else:
            if isinstance(value, dict):
                return cast("dict[str, Any]", value)
            problem += f", not {json_kind(value)}"
        raise ParameterError(f"Correct the arguments, and call {self.name} again: {problem}.")

    def _signature(self) -> str:
        """Return which parameters there are, for a model that invented some."""
        names = [f"{one.name} (required)" if one.required else one.name for one in self.parameters]
        return f"It has the parameters {', '.join(names)}." if names else "It has no parameters."

    async def _write(self, parameters: dict[str, Any], reads: Sequence[str]) -> ToolResult:
        """Make a write, unless nobody confirms it."""
        key = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).digest()
        may_have_run = key in self._unsettled
        refused = await self._ask(parameters, reads, may_have_run=may_have_run)
        if refused is None and key in self._unsettled and not may_have_run:  # the same write began in the meantime
            refused = results.repetition(reads, self.longest)
        if refused is not None:
            return refused
        self._unsettled.add(key)
        try:
            data = await self._execute(parameters)
        except RefoldError as error:
            if error.effect == "none" and not may_have_run:
                self._unsettled.discard(key)
            return results.failure_of_write(error, self.parameters.slug, reads, self.longest)
        except asyncio.CancelledError as cancelled:
            if not may_have_run and not hasattr(cancelled, "__notes__"):  # a note says that it was sent
                self._unsettled.discard(key)
            raise
        self._unsettled.discard(key)
        return results.success(data, is_read=False, longest=self.longest)

    async def _ask(self, parameters: dict[str, Any], reads: Sequence[str], *, may_have_run: bool) -> ToolResult | None:
        """Ask whether a write may be made. Return None if it may, else the result that says why not.

        Raises:
            ConfigurationError: `confirm` answered with something else than True or False.
        """
        if not callable(self.confirm):
            return results.repetition(reads, self.longest) if may_have_run else None
        call = ToolCall(
            name=self.name,
            slug=self.parameters.slug,
            action_id=self.parameters.action_id,
            linked_account_id=self.linked_account_id,
            parameters=copy.deepcopy(parameters),
            may_have_run=may_have_run,
        )
        answer: object = self.confirm(call)
        if inspect.isawaitable(answer):
            answer = await answer
        if answer is True:
            return None
        if answer is not False:
            raise ConfigurationError(f"confirm must return True or False, not {answer!r}. Nothing was sent.")
        return results.refusal("The user declined it. Do not try again unless the user asks for it.", self.longest)

    async def _execute(self, parameters: dict[str, Any]) -> Any:
        slug, action_id = self.parameters.slug, self.parameters.action_id
        result = await self.execute(
            slug, action_id, parameters, idempotent=self.is_read, connection_id=self.connection_id
        )
        return result.data
