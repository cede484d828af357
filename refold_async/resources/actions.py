"""What an app can do: its actions, and their parameters. Executing one does not load this."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import attrs

from refold_async.errors import ParameterError
from refold_async.models.model import STRICT, Model, Result
from refold_async.models.response_meta import ResponseMeta
from refold_async.protocol.endpoints import Request
from refold_async.protocol.parsers import parse_json, structured
from refold_async.protocol.requests import as_parameters
from refold_async.protocol.responses import Parser, Response, fields_of, request_id_of

if TYPE_CHECKING:
    from refold_async.codec.pydantic_models import PydanticModel

__all__ = ["Action", "ActionParameter", "ActionParameters", "parse_action_parameters", "parse_actions"]


@attrs.frozen(eq=False, repr=False)
class Action(Result):
    """One action of an app, as `list_actions` gives it."""

    action_id: str
    """What the other calls name it by, such as `get_contact`."""
    name: str | None = None
    """Its name for people."""
    description: str | None = None
    """What it does."""
    tag: str | None = None
    """The group it belongs to."""


@attrs.frozen(eq=False, repr=False)
class ActionParameter(Model):
    """One parameter of an action."""

    name: str
    """The key it goes by in `parameters`."""
    label: str | None = None
    """Its name for people."""
    required: bool | None = attrs.field(default=None, metadata=STRICT)
    """Whether the action refuses to run without it."""
    type: str | None = None
    """What kind of value it takes: `text`, `number`, `date`, `email`, … Refold adds new ones."""


_JSON_SCHEMA_OF_TYPE: Mapping[str, Mapping[str, Any]] = {
    "text": {"type": "string"},
    "textarea": {"type": "string"},
    "password": {"type": "string", "format": "password"},
    "select": {"type": "string"},
    "email": {"type": "string", "format": "email"},
    "url": {"type": "string", "format": "uri"},
    "date": {"type": "string", "format": "date"},
    "number": {"type": "number"},
    "map": {"type": "object"},
}


@attrs.frozen
class ActionParameters(Sequence[ActionParameter]):
    """The parameters of one action: a sequence, with checks."""

    slug: str
    """The app's slug."""
    action_id: str
    """The action's id."""
    parameters: tuple[ActionParameter, ...]
    """The parameters in Refold's order."""
    meta: ResponseMeta = attrs.field(factory=ResponseMeta, repr=False, eq=False, kw_only=True)
    """What became of the call that gave them: attempts, seconds, and the status and headers of its response."""

    @property
    def request_id(self) -> str | None:
        """Refold's id of the request whose response they came in, to quote to support; None where Refold gave none."""
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
        """Check parameters before they are sent.

        Args:
            values: What you mean to pass to `execute_action` as `parameters`.

        Raises:
            ParameterError: Names every required parameter that is missing or None, and every one the action does not
                have, with the name it may have been meant for.
        """
        values = as_parameters(values)
        known = {parameter.name for parameter in self.parameters}
        missing = tuple(p.name for p in self.parameters if p.required and values.get(p.name) is None)
        unknown = tuple(str(name) for name in values if name not in known)
        if not missing and not unknown:
            return
        import difflib  # loaded by the first misspelling

        problems = [f"{name!r} is required and missing" for name in missing]
        for name in unknown:
            close = difflib.get_close_matches(name, known, n=1)
            problems.append(f"{name!r} is unknown" + (f" (did you mean {close[0]!r}?)" if close else ""))
        error = ParameterError(
            f"parameters do not fit action {self.action_id!r} of app {self.slug!r}: {'; '.join(problems)}.",
            missing=missing,
            unknown=unknown,
        )
        error.slug, error.action_id = self.slug, self.action_id
        raise error

    def json_schema(self) -> dict[str, Any]:
        """Return the parameters as a JSON Schema object, the form that tool calls of language models take.

        A parameter whose type is unknown or can be any JSON value gets no `type`.
        """
        properties = {
            parameter.name: {
                **_JSON_SCHEMA_OF_TYPE.get(parameter.type or "", {}),
                **({} if parameter.label is None else {"title": parameter.label}),
            }
            for parameter in self.parameters
        }
        required = list(dict.fromkeys(parameter.name for parameter in self.parameters if parameter.required))
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def parse_actions(response: Response, request: Request) -> list[Action]:
    """Parse the response to `list_actions`: a list, or an object that holds it."""
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
