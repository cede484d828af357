"""The source of the module that `refold generate` writes: a class with a method for each action of an app. No I/O.

Texts of the API are only in its string literals and docstrings, escaped. Its names are ASCII.
"""

import shlex
import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from refold_async.cli.generated_names import class_name, method_name, plain_name, unique
from refold_async.cli.terminal import one_line
from refold_async.resources.actions import ActionParameters

__all__ = ["DescribedAction", "is_generated", "module_source"]

_MARK: Final = "# Written by `refold generate`, which writes over it: do not edit.\n"
_WIDTH: Final = 100
# The types of values, by their types in JSON Schema. Refold's documentation also sends numbers as text.
_ANNOTATIONS: Final = {"string": "str", "number": "float | str", "object": "Mapping[str, Any]", None: "Any"}
# The names in annotations of parameters, and in those of methods: a member with such a name would hide it.
_NAMES_IN_PARAMETERS: Final = {"Any", "Mapping", "NotRequired", "float", "str"}
_NAMES_IN_METHODS: Final = {
    *("AccountScope", "ActionId", "ActionResult", "Any", "CallOptions", "Mapping", "T", "TypeForm", "Unpack"),
    "str",
}

_HEAD: Final = '''\
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, NotRequired, TypedDict, Unpack

from refold_async import AccountScope, ActionResult, Timeout

if TYPE_CHECKING:
    from typing_extensions import TypeForm, TypeVar

    T = TypeVar("T", default=Any)

SLUG: Final = {slug}
"""The slug of the app, for fan_out_action() and other calls."""

ActionId = Literal[
{ids}
]
"""The ids of the actions."""

_AS_JSON: Any = None


class CallOptions(TypedDict, total=False):
    """The options of every method, which are those of AccountScope.execute_action()."""

    idempotent: bool
    """You confirm that executing it twice does no harm, as with any read."""
    connection_id: str | None
    """The connection to use, if the linked account has several to the app."""
    headers: Mapping[str, str] | None
    """Headers to add to those of the client."""
    timeout: Timeout | float | None
    """Seconds for the whole call, or a Timeout; by default that of the client."""
'''

_CLASS: Final = '''
class {name}:
    """The actions of {app}, for one linked account.

    Each method executes one action, and raises the errors of AccountScope.execute_action(). `into=` is
    the type of the app's data; by default the data stays plain JSON values.

    Args:
        account: The linked account, such as refold.account("user_12345"). The constructor does no I/O.
    """

    def __init__(self, account: AccountScope) -> None:
        self._account = account

    async def _execute(
        self, action_id: ActionId, parameters: Mapping[str, Any] | None, into: Any, options: CallOptions
    ) -> ActionResult[Any]:
        return await self._account.execute_action(SLUG, action_id, parameters, into=into, **options)
'''

_METHOD: Final = """
    async def {name}(
        self, {parameters}, *, into: "TypeForm[T]" = _AS_JSON, **options: Unpack[CallOptions]
    ) -> "ActionResult[T]":
{docstring}
        return await self._execute({action_id}, parameters, into, options)
"""


@attrs.frozen
class DescribedAction:
    """An action, with its description from Refold."""

    action_id: str
    parameters: ActionParameters
    name: str | None = None
    description: str | None = None


@attrs.frozen
class _Named:
    action: DescribedAction
    method: str
    parameters: str


def is_generated(source: str) -> bool:
    """Return whether a file begins like one that `refold generate` wrote."""
    return source.startswith(_MARK)


def module_source(slug: str, actions: Iterable[DescribedAction], *, chosen: bool = False) -> str:
    """Return the source of a module with the actions of an app. The order of the actions does not change it.

    Args:
        slug: The app.
        actions: Its actions, at least one. Of two with the same id, the first counts.
        chosen: Whether the user chose them one by one, so that they may not be all.
    """
    of_id = {action.action_id: action for action in reversed(list(actions))}
    named = _named([of_id[action_id] for action_id in sorted(of_id)])
    owner = class_name(slug, "app", "Actions")
    ids = "\n".join(f"    {_literal(one.action.action_id)}," for one in named)
    return (
        _MARK
        + _opening(slug, owner, named, chosen=chosen)
        + "\n"
        + _HEAD.format(slug=_literal(slug), ids=ids)
        + "".join(f"\n\n{_parameters(one)}" for one in named)
        + "\n"
        + _CLASS.format(name=owner, app=_escaped(one_line(slug)))
        + "".join(_method(one) for one in named)
    )


def _named(actions: Sequence[DescribedAction]) -> list[_Named]:
    """Name the actions. Those whose ids are usable names come first, before others could take these names."""
    first_unchanged = sorted(actions, key=lambda action: method_name(action.action_id) != action.action_id)
    classes = set[str]()
    of_id = {
        action.action_id: unique(class_name(action.action_id, "action", "Parameters"), classes)
        for action in first_unchanged
    }
    # The annotations of the methods name the classes: a method with such a name would hide it.
    methods = _NAMES_IN_METHODS | classes
    named = [
        _Named(action, unique(method_name(action.action_id), methods), of_id[action.action_id])
        for action in first_unchanged
    ]
    return sorted(named, key=lambda one: one.action.action_id)


def _opening(slug: str, owner: str, named: Sequence[_Named], *, chosen: bool) -> str:
    options = [f"--action={one.action.action_id}" for one in named] if chosen else []
    command = " ".join(shlex.quote(one_line(word)) for word in ["refold", "generate", slug, *options])
    first = named[0]
    account = 'refold.account("user_12345")'
    arguments = "{...}" if _is_required(first.action) else ""
    lines = [
        f"The actions of {one_line(slug)}, and the types of their parameters.",
        "",
        f"    actions = {owner}({account})",
        f"    result = await actions.{first.method}({arguments})",
        "",
        "To update it, run this with -o and the name of this file:",
        "",
        f"    {command}",
    ]
    return f'"""{_escaped(chr(10).join(lines))}\n"""\n'


def _is_required(action: DescribedAction) -> bool:
    return any(parameter.required for parameter in action.parameters)


def _parameters(one: _Named) -> str:
    """Return the TypedDict of the parameters of an action."""
    schema = one.action.parameters.json_schema()
    required = set(schema["required"])
    details = {parameter.name: parameter for parameter in one.action.parameters}
    annotations = dict[str, str]()
    descriptions = dict[str, str]()
    for name, kind in schema["properties"].items():
        if not name:
            continue  # a TypedDict cannot have it
        annotation = _ANNOTATIONS[kind.get("type")]
        annotations[name] = annotation if name in required else f"NotRequired[{annotation}]"
        label, of_type = details[name].label, details[name].type
        descriptions[name] = " ".join(part for part in (label, f"({of_type})" if of_type else None) if part)
    about = f"The parameters of {one.action.action_id}."
    if all(plain_name(name) and name not in _NAMES_IN_PARAMETERS for name in annotations):
        members = "".join(
            f"\n    {name}: {annotation}{_described(descriptions[name])}" for name, annotation in annotations.items()
        )
        return f"class {one.parameters}(TypedDict):\n{_docstring([about], 4)}{chr(10) if members else ''}{members}\n"
    members = "".join(f"        {_literal(name)}: {annotation},\n" for name, annotation in annotations.items())
    lines = [f"{name!a}: {text}" if text else f"{name!a}" for name, text in descriptions.items()]
    return (
        f'{one.parameters} = TypedDict(\n    "{one.parameters}",\n    {{\n{members}    }},\n)\n'
        f"{_docstring([about, *lines], 0)}\n"
    )


def _described(text: str) -> str:
    return f"\n{_docstring([text], 4)}" if text else ""


def _method(one: _Named) -> str:
    parameters = f"parameters: {one.parameters}"
    if not _is_required(one.action):
        parameters += " | None = None"
    name = (one.action.name or one.action.action_id).strip()
    texts = [name if name.endswith((".", "!", "?")) else f"{name}.", (one.action.description or "").strip()]
    return _METHOD.format(
        name=one.method,
        parameters=parameters,
        action_id=_literal(one.action.action_id),
        docstring=_docstring([text for text in texts if text], 8),
    )


def _docstring(paragraphs: Sequence[str], indent: int) -> str:
    """Return an indented docstring of paragraphs, which may have texts of the API."""
    margin = " " * indent
    filled = [
        textwrap.fill(
            " ".join(one_line(text).split()),
            _WIDTH - 3,
            initial_indent=margin,
            subsequent_indent=margin,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for text in paragraphs
    ]
    ending = "" if len(filled) == 1 and "\n" not in filled[0] else f"\n{margin}"
    return f'{margin}"""{_escaped(f"{chr(10)}{chr(10)}".join(filled).removeprefix(margin))}{ending}"""'


def _escaped(text: str) -> str:
    """Return a text escaped for use between three quotes."""
    escaped = text.replace("\\", "\\\\").replace('"""', r"\"\"\"")
    return f'{escaped[:-1]}\\"' if escaped.endswith('"') else escaped


def _literal(text: str) -> str:
    """Return a text as a string literal."""
    escaped = text.replace("\\", "\\\\").replace('"', r"\"")
    return '"{}"'.format(
        "".join(
            letter
            if letter.isprintable()
            else letter.encode("ascii", "backslashreplace").decode()
            if letter > "\x7f"
            else f"\\x{ord(letter):02x}"
            for letter in escaped
        )
    )
