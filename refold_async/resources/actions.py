"""The actions of an app and their parameters. Executing an action does not load this module."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import attrs

from refold_async.models.model import STRICT, Model, Result
from refold_async.models.response_meta import ResponseMeta
from refold_async.protocol.endpoints import Request
from refold_async.protocol.parsers import parse_json, structured
from refold_async.protocol.requests import as_parameters
from refold_async.protocol.responses import Parser, Response, fields_of, request_id_of
from refold_async.resources.parameter_checks import JSON_SCHEMA_OF_TYPE, misfits_of

if TYPE_CHECKING:
    from refold_async.codec.pydantic_models import PydanticModel

__all__ = ["Action", "ActionParameter", "ActionParameters", "parse_action_parameters", "parse_actions"]


@attrs.frozen(eq=False, repr=False)
class Action(Result):
    """One action of an app, as `list_actions` returns it."""

    action_id: str
    """The id to pass to other calls, such as `get_contact`."""
    name: str | None = None
    """The display name of the action."""
    description: str | None = None
    """What the action does."""
    tag: str | None = None
    """The group that the action belongs to."""


@attrs.frozen(eq=False, repr=False)
class ActionParameter(Model):
    """One parameter of an action."""

    name: str
    """The key of the parameter in `parameters`."""
    label: str | None = None
    """The display name of the parameter."""
    required: bool | None = attrs.field(default=None, metadata=STRICT)
    """Whether the action needs the parameter to run."""
    type: str | None = None
    """The type of the value: `text`, `number`, `date`, `email` and others. Refold adds new types."""


@attrs.frozen
class ActionParameters(Sequence[ActionParameter]):
    """The parameters of one action: a sequence of `ActionParameter`s, with a check and a JSON Schema."""

    slug: str
    """The app."""
    action_id: str
    """The action."""
    parameters: tuple[ActionParameter, ...]
    """The parameters in Refold's order."""
    meta: ResponseMeta = attrs.field(factory=ResponseMeta, repr=False, eq=False, kw_only=True)
    """How the call went: attempts, duration in seconds, and the status and headers of the response."""

    @property
    def request_id(self) -> str | None:
        """Refold's id for the request, to quote when you contact support; None if the response has none."""
        return self.meta.request_id

    @overload
    def __getitem__(self, index: int) -> ActionParameter: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[ActionParameter]: ...
    def __getitem__(self, index: int | slice) -> ActionParameter | Sequence[ActionParameter]:
        return self.parameters[index]

    def __len__(self) -> int:
        return len(self.parameters)

    def __iter__(self) -> Iterator[ActionParameter]:
        return iter(self.parameters)

    def validate(self, values: "Mapping[str, Any] | PydanticModel") -> None:
        """Check the values of parameters before you send them: their names and their types.

        A number may also be a text, such as `"1"`. The contents of texts, lists and objects are not checked, and
        neither are parameters whose type is unknown or may be any JSON value.

        Args:
            values: The values that you want to pass to `execute_action` as `parameters`.

        Raises:
            ParameterError: A required parameter is missing or None, the action does not have a parameter, or a value
                has the wrong type, such as a list for a text. The message names each of them, and suggests the correct
                name for a misspelled one. Or `values` is not a mapping.
        """
        misfits = misfits_of(self.parameters, as_parameters(values))
        if misfits.problems:
            raise misfits.error(self.action_id, self.slug)

    def json_schema(self) -> dict[str, Any]:
        """Return the parameters as a JSON Schema object, as tool calls of language models expect it.

        A parameter whose type is unknown, or which may be any JSON value, gets no `type`.
        """
        properties = {
            parameter.name: {
                **JSON_SCHEMA_OF_TYPE.get(parameter.type or "", {}),
                **({} if parameter.label is None else {"title": parameter.label}),
            }
            for parameter in self.parameters
        }
        required = list(dict.fromkeys(parameter.name for parameter in self.parameters if parameter.required))
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def parse_actions(response: Response, request: Request) -> list[Action]:
    """Parse the response to `list_actions`: a list, or an object that contains the list."""
    value = parse_json(response, request)
    actions = fields_of(value).get("actions", value)
    return structured(actions, list[Action], "actions", response, request, body=value)  # type: ignore[no-any-return]


def parse_action_parameters(slug: str, action_id: str) -> Parser[ActionParameters]:
    """Return the parser of the response to `get_action_parameters`."""

    def parse(response: Response, request: Request) -> ActionParameters:
        parameters = structured(parse_json(response, request), list[ActionParameter], "parameters", response, request)
        meta = response.meta(request_id_of(response.headers, {}))
        return ActionParameters(slug, action_id, tuple(parameters), meta=meta)

    return parse
