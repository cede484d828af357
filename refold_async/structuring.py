"""JSON values to typed ones, by cattrs, strictly: nothing is coerced, and what does not fit is named by its path."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (cattrs is typed in part)

import inspect
import math
import operator
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from functools import lru_cache, partial
from itertools import product
from types import UnionType
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints, is_typeddict

import attrs
from cattrs import Converter, StructureHandlerNotFoundError, transform_error
from cattrs.cols import is_any_set, is_frozenset, is_sequence, list_structure_factory
from cattrs.errors import IterableValidationError, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, override
from cattrs.gen.typeddicts import make_dict_structure_fn as make_typeddict_structure_fn
from cattrs.preconf.json import make_converter
from cattrs.v import format_exception

from refold_async.errors import ConfigurationError
from refold_async.models import Model

__all__ = ["MisfitError", "check_target", "structure"]

T = TypeVar("T")
Hook = Callable[[Any, Any], Any]

# cattrs types these as made of what their built-in bases are made of.
_note: Final[Any] = IterableValidationNote
_errors_of_members: Final[Any] = IterableValidationError


class MisfitError(Exception):
    """A value does not fit a type. The message names each bad field by its path."""


class _WrongTypeError(TypeError):
    """A JSON value of another kind than asked for."""


_KINDS: Final[Mapping[type, str]] = {
    str: "a string",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), type(value).__name__)


def _wrong_type(expected: type, value: Any) -> _WrongTypeError:
    return _WrongTypeError(f"expected {_KINDS[expected]}, got {_kind(value)}")


def _exactly(expected: type) -> Hook:
    def check(value: Any, _: Any) -> Any:
        if type(value) is expected:
            return value
        raise _wrong_type(expected, value)

    return check


def _subclass_of(kind: type) -> Hook:
    """Return the hook for types such as IntEnum and StrEnum, which cattrs takes for an int and a str."""
    check = _exactly(kind)
    return lambda value, target: _enum(check(value, target), target) if _is_enum(target) else check(value, target)


def _no_bytes(_: Any, target: Any) -> Any:
    raise StructureHandlerNotFoundError("JSON holds no bytes; take a str and decode it.", target)


def _number(value: Any, _: Any) -> float:
    if type(value) is float or type(value) is int:
        return float(value)
    raise _wrong_type(float, value)


def _only_from(expected: type, hook: Hook) -> Hook:
    """Let `hook` see JSON values of one kind only: cattrs would read a str as a list and a list as an object."""

    def check(value: Any, target: Any) -> Any:
        if type(value) is not expected:
            raise _wrong_type(expected, value)
        return hook(value, target)

    return check


def _is_class_with_fields(target: Any) -> bool:
    origin = get_origin(target) or target
    return inspect.isclass(origin) and (attrs.has(origin) or is_dataclass(origin))


def _is_model(target: Any) -> bool:
    return inspect.isclass(get_origin(target) or target) and issubclass(get_origin(target) or target, Model)


def _class_hook(target: Any, converter: Converter) -> Hook:
    origin = get_origin(target) or target
    try:
        if attrs.has(origin):
            attrs.resolve_types(origin, include_extras=True)
        else:
            hints = get_type_hints(origin, include_extras=True)
            for field in fields(origin):
                field.type = hints[field.name]
    except NameError as error:
        # Such as a class made inside a function, that names what only that function sees.
        raise StructureHandlerNotFoundError(f"{error}, in the annotations of {origin.__name__}.", target) from None
    return _only_from(dict, make_dict_structure_fn(target, converter))


def _typeddict_hook(target: Any, converter: Converter) -> Hook:
    return _only_from(dict, make_typeddict_structure_fn(target, converter))


def _list_hook(target: Any, converter: Converter) -> Hook:
    return _only_from(list, list_structure_factory(target, converter))


def _tuple_hook(target: Any, converter: Converter) -> Hook:
    """Structure a tuple: of any length and one type, or of members that each have their own."""
    members = get_args(target)
    if not members or Ellipsis in members:
        structure_list = _list_hook(list[(members or (Any,))[0]], converter)  # type: ignore[misc]
        return lambda value, _: tuple(structure_list(value, list))
    hooks = [(converter.get_structure_hook(member), member) for member in members]

    def build(value: Any, _: Any) -> Any:
        if len(value) != len(hooks):
            raise _WrongTypeError(f"expected {len(hooks)} items, got {len(value)}")
        built: list[Any] = []
        for index, ((hook, member), one) in enumerate(zip(hooks, value, strict=True)):
            try:
                built.append(hook(one, member))
            except Exception as error:  # noqa: BLE001 - as cattrs does for lists
                text = f"Structuring {target} @ index {index}"
                error.add_note(_note(text, index, member))
                raise _errors_of_members(text, [error], target) from None
        return tuple(built)

    return _only_from(list, build)


def _is_tuple(target: Any) -> bool:
    return target is tuple or get_origin(target) is tuple


def _is_enum(target: Any) -> bool:
    return inspect.isclass(target) and issubclass(target, Enum)


def _enum(value: Any, target: Any) -> Any:
    if not any(type(member.value) is type(value) for member in target):
        raise _WrongTypeError(f"expected one of {', '.join(repr(member.value) for member in target)}")
    return target(value)


_PRIMITIVES: Final = frozenset({str, bool, int, float, type(None)})


def _is_union_of_primitives(target: Any) -> bool:
    return get_origin(target) in {Union, UnionType} and _PRIMITIVES.issuperset(get_args(target))


def _primitive_hook(target: Any, _: Converter) -> Hook:
    choices = frozenset(get_args(target))
    widens = float in choices and int not in choices

    def check(value: Any, _: Any) -> Any:
        if type(value) in choices:
            return value
        if widens and type(value) is int:
            return float(value)
        expected = " or ".join(_KINDS[choice] for choice in get_args(target))
        raise _WrongTypeError(f"expected {expected}, got {_kind(value)}")

    return check


def _is_literal(target: Any) -> bool:
    origin: Any = get_origin(target)
    return origin is Literal


def _literal(value: Any, target: Any) -> Any:
    if any(type(value) is type(choice) and value == choice for choice in get_args(target)):
        return value
    raise _WrongTypeError(f"expected one of {', '.join(map(repr, get_args(target)))}")


def _set_hook(target: Any, converter: Converter) -> Hook:
    structure_list = _list_hook(list[(get_args(target) or (Any,))[0]], converter)  # type: ignore[misc]
    make = frozenset if is_frozenset(target) else set
    return lambda value, _: make(structure_list(value, list))


def _model_hook(target: Any, converter: Converter) -> Hook:
    """Structure one of our own models, and keep the object it came from in `raw`.

    An optional text, number or date that is none is taken for missing: Refold's answers differ from its documents in
    small ways, and one odd name must not make a list unreadable. What decisions hang on stays strict.
    """
    overrides: dict[str, Any] = {"raw": override(omit=True)}
    renamed = {field.name: names for field in attrs.fields(target) if (names := field.metadata.get("names"))}
    # Of these a null would not fit, and means the same as nothing.
    filled = [field.name for field in attrs.fields(target) if hasattr(field.default, "factory")]
    for field in attrs.fields(target):
        if field.type in _TOLERANT and not field.metadata.get("strict"):
            overrides[field.name] = override(struct_hook=_TOLERANT[field.type])
        elif field.type is str and field.name in renamed:
            overrides[field.name] = override(struct_hook=_id)
    structure_fields = make_dict_structure_fn(target, converter, **overrides)
    keep_raw = target.raw.__set__  # past the frozen class, as its own __init__ does

    def tidied(value: dict[str, Any]) -> dict[str, Any]:
        fields = dict(value)
        for name, names in renamed.items():
            given = next((fields[known] for known in names if fields.get(known) is not None), None)
            if given is not None:
                fields[name] = given
        for name in filled:
            if name in fields and fields[name] is None:
                del fields[name]
        return fields

    untidy = bool(renamed or filled)

    def build(value: Any, target: Any) -> Any:
        if type(value) is not dict:
            raise _wrong_type(dict, value)
        model = structure_fields(tidied(value) if untidy else value, target)
        keep_raw(model, value)
        return model

    return build if untidy else _at_a_glance(target, build)


def _at_a_glance(model: Any, build: Hook) -> Hook:
    """Make a model at once of an object whose values are all taken as they are, which their types tell; `build` others.

    In long lists of small models most time goes into a hook's call for every field, and into setting it by another.
    """
    own = [field for field in attrs.fields(model) if not field.inherited]
    simple = all(field.type in _TAKEN_AS_IT_IS and not field.validator and not field.converter for field in own)
    if not simple or len(own) < 2 or model.__bases__ != (Model,):
        return build
    values_of = operator.itemgetter(*(field.name for field in own))
    fitting = frozenset(product(*(_TAKEN_AS_IT_IS[field.type] for field in own)))
    # attrs sets each field of a frozen object by a call. Of this class they are set like those of any object, which is
    # laid out the same and then made a model.
    settable: Any = attrs.make_class(
        model.__name__,
        [field.name for field in own],
        bases=(Model,),
        class_body={"__setattr__": object.__setattr__, "__delattr__": object.__delattr__},
        slots=True,
        eq=False,
        repr=False,
    )

    def build_at_a_glance(value: Any, target: Any) -> Any:
        try:
            values = values_of(value) if type(value) is dict else ()
        except KeyError:
            values = ()
        if tuple(map(type, values)) not in fitting:
            return build(value, target)
        made = settable(*values, raw=value)
        made.__class__ = model
        return made

    return build_at_a_glance


_TAKEN_AS_IT_IS: Final[Mapping[Any, tuple[type, ...]]] = {
    str: (str,),
    bool: (bool,),
    int: (int,),
    str | None: (str, type(None)),
    bool | None: (bool, type(None)),
    int | None: (int, type(None)),
}
"""What values of a field's type are not looked into."""


def _id(value: Any, _: Any) -> str:
    """Read an id, which may have come as a number."""
    text = _text(value, _)
    if text is None:
        raise _wrong_type(str, value)
    return text


def _text(value: Any, _: Any) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int and abs(value) < 10**18 else None


def _count(value: Any, _: Any) -> int | None:
    if type(value) is int:
        return value
    number = _measure(value, _)
    return int(number) if number is not None and number.is_integer() else None


def _measure(value: Any, _: Any) -> float | None:
    """Read a number, which may have come as a string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    with suppress(ValueError, OverflowError):
        if math.isfinite(number := float(value)):
            return number
    return None


def _moment(value: Any, _: Any) -> datetime | None:
    """Read a point in time, as ISO 8601 or as HTTP writes it."""
    if not isinstance(value, str):
        return None
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        with suppress(ValueError, OverflowError):
            moment = read(value)
            return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return None


_TOLERANT: Final[Mapping[Any, Hook]] = {
    str | None: _text,
    int | None: _count,
    float | None: _measure,
    datetime | None: _moment,
}


def _make_converter(*, detailed: bool) -> Converter:
    converter = make_converter(detailed_validation=detailed)
    converter.register_structure_hook_func(lambda target: target is object, lambda value, _: value)
    converter.register_structure_hook_func(_is_literal, _literal)
    converter.register_structure_hook(Enum, _enum)
    converter.register_structure_hook_factory(_is_union_of_primitives, _primitive_hook)
    converter.register_structure_hook_func(partial(operator.is_, dict), _exactly(dict))
    converter.register_structure_hook(bytes, _no_bytes)
    for nothing in (None, type(None)):
        converter.register_structure_hook_func(partial(operator.is_, nothing), _exactly(type(None)))
    for kind in (str, bool, int):
        converter.register_structure_hook(kind, _subclass_of(kind))
        converter.register_structure_hook_func(partial(operator.is_, kind), _exactly(kind))
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook_factory(is_sequence, _list_hook)
    converter.register_structure_hook_factory(is_any_set, _set_hook)
    converter.register_structure_hook_factory(_is_tuple, _tuple_hook)
    converter.register_structure_hook_factory(_is_class_with_fields, _class_hook)
    converter.register_structure_hook_factory(is_typeddict, _typeddict_hook)
    converter.register_structure_hook_factory(_is_model, _model_hook)
    return converter


_fast: Final = _make_converter(detailed=False)
_thorough: Final = _make_converter(detailed=True)


@lru_cache(maxsize=256)
def _problem_with(target: Any) -> str | None:
    try:
        _fast.structure(object(), target)
    except StructureHandlerNotFoundError as error:
        return str(error)
    except Exception:  # noqa: BLE001 - of course this value does not fit; that it could be tried is what counts
        return None
    return None


def check_target(target: Any) -> None:
    """Raise `ConfigurationError` for an `into=` that nothing can be structured into."""
    try:
        problem = _problem_with(target)
    except TypeError as error:  # such as Annotated with a list
        problem = f"{error}."
    if problem is not None:
        problem = problem.partition(" Register a")[0]  # hooks are cattrs' own matter
        raise ConfigurationError(
            f"into={target!r} cannot be built from JSON: {problem} Use attrs classes, dataclasses, TypedDicts, "
            "list[...], dict[str, ...], X | None, str, int, float, bool, datetime or Enum."
        )


def structure(value: Any, target: Any, root: str) -> Any:
    """Return `value`, as JSON gave it, as `target`.

    Args:
        value: The JSON value.
        target: An attrs class, dataclass, TypedDict, `list[...]`, `X | None`, …
        root: Names the value in the paths of the error.

    Raises:
        MisfitError: The value does not fit.
    """
    try:
        return _fast.structure(value, target)
    except Exception:  # noqa: BLE001, S110 - whatever it was, the thorough converter tells where
        pass
    try:
        return _thorough.structure(value, target)
    except Exception as error:  # noqa: BLE001 - the caller's classes may raise anything
        problems = transform_error(error, path=root, format_exception=_describe)
    raise MisfitError("; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else ""))


def _describe(error: BaseException, target: type | None) -> str:
    if isinstance(error, _WrongTypeError):
        return str(error)
    text = format_exception(error, target)
    if text.startswith("unknown error"):
        return str(error)
    # A class's own validator says more than that a value is invalid.
    return f"{text} ({error})" if isinstance(error, ValueError) and str(error) not in text else text
