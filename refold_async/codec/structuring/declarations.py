"""What types declare: the fields of classes, and all types that a type consists of."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final, NamedTuple, NewType, TypeVar, get_args, get_origin, get_type_hints

import attrs

from refold_async.codec.structuring.plain_values import is_literal

__all__ = [
    "TypedDictField",
    "extra_items_of",
    "fields_of_named_tuple",
    "fields_of_typed_dict",
    "is_class_with_fields",
    "is_named_tuple",
    "is_pydantic",
    "is_typed_dict",
    "origin_of",
    "parts_of",
    "plain_form",
]

_QUALIFIERS: Final = frozenset({"Required", "NotRequired", "ReadOnly"})


class TypedDictField(NamedTuple):
    """A key of a TypedDict."""

    name: str
    type: Any
    required: bool


def origin_of(target: Any) -> Any:
    """Return the class behind a type: `list` for `list[int]`, and a class itself."""
    return get_origin(target) or target


def is_pydantic(target: Any) -> bool:
    """Return whether a type is a model or a dataclass of pydantic, with or without arguments."""
    origin = origin_of(target)
    # Its own validator: a plain dataclass that derives from one of pydantic inherits a validator for its base.
    return inspect.isclass(origin) and "__pydantic_validator__" in vars(origin)


def is_class_with_fields(target: Any) -> bool:
    """Return whether a type is an attrs class or a dataclass, with or without arguments, and not one of pydantic."""
    origin = origin_of(target)
    return inspect.isclass(origin) and (attrs.has(origin) or is_dataclass(origin)) and not is_pydantic(origin)


def is_typed_dict(target: Any) -> bool:
    """Return whether a type is a TypedDict of `typing` or `typing_extensions`, with or without arguments."""
    origin = origin_of(target)
    return _is_subclass(origin, dict) and hasattr(origin, "__required_keys__")


def is_named_tuple(target: Any) -> bool:
    """Return whether a type is a NamedTuple whose fields have types."""
    origin = origin_of(target)
    return _is_subclass(origin, tuple) and hasattr(origin, "_fields")


def _is_subclass(target: Any, kind: type) -> bool:
    return inspect.isclass(target) and issubclass(target, kind)


def plain_form(target: Any) -> Any:
    """Return the type behind a NewType, an Annotated, a Final or the name of an alias."""
    while True:
        if isinstance(target, NewType):
            target = target.__supertype__
        elif hasattr(target, "__metadata__"):
            target = target.__origin__
        elif type(target).__name__ == "TypeAliasType":  # of Python 3.12 or typing_extensions
            target = target.__value__
        elif _name_of_form(target) == "Final":
            target = get_args(target)[0]
        else:
            return target


def _name_of_form(hint: Any) -> str | None:
    return getattr(get_origin(hint), "_name", None)


def fields_of_typed_dict(target: Any) -> list[TypedDictField]:
    """Return the keys of a TypedDict with their types, and whether each is required.

    `__required_keys__` alone is not enough: if annotations are postponed, Python sees no `NotRequired` in them.

    Raises:
        NameError: An annotation uses a name that its module does not have.
    """
    required_keys = origin_of(target).__required_keys__
    found: list[TypedDictField] = []
    for name, hint in _hints_of_typed_dict(target).items():
        plain, qualifiers = _without_qualifiers(hint)
        required = "Required" in qualifiers or ("NotRequired" not in qualifiers and name in required_keys)
        found.append(TypedDictField(name, plain, required))
    return found


def _hints_of_typed_dict(target: Any) -> dict[str, Any]:
    cls = origin_of(target)
    arguments = _arguments(target)
    hints = get_type_hints(cls, include_extras=True)
    filled = {name: _filled_in(hint, arguments) for name, hint in hints.items()}
    for base in getattr(cls, "__orig_bases__", ()):
        if is_typed_dict(base):
            # If both are generic, inherited fields use the type variables of the base.
            inherited = _hints_of_typed_dict(_filled_in(base, arguments))
            declared, own = origin_of(base).__annotations__, cls.__annotations__
            filled.update({name: hint for name, hint in inherited.items() if own.get(name) is declared.get(name)})
    return filled


def extra_items_of(target: Any) -> Any:
    """Return the type of the keys that a TypedDict does not declare; None if it forbids them, Any if it is open."""
    cls = origin_of(target)
    if getattr(cls, "__closed__", None):
        return None
    extra = getattr(cls, "__extra_items__", Any)
    return Any if repr(extra).endswith("NoExtraItems") else _without_qualifiers(extra)[0]


def fields_of_named_tuple(target: Any) -> dict[str, Any]:
    """Return the fields of a NamedTuple with their types.

    Raises:
        NameError: An annotation uses a name that its module does not have.
    """
    cls = origin_of(target)
    hints = get_type_hints(cls, include_extras=True)
    return {name: _filled_in(hints.get(name, Any), _arguments(target)) for name in cls._fields}


def _without_qualifiers(hint: Any) -> tuple[Any, set[str]]:
    qualifiers: set[str] = set()
    inner = hint
    while True:
        if (name := _name_of_form(inner)) in _QUALIFIERS:
            qualifiers.add(str(name))
            hint = inner = get_args(inner)[0]
        elif hasattr(inner, "__metadata__"):
            inner = inner.__origin__  # there may be a qualifier inside
        else:
            return hint, qualifiers


def _arguments(target: Any) -> dict[Any, Any]:
    """Return the types that replace the type variables of a generic class."""
    return dict(zip(getattr(origin_of(target), "__parameters__", ()), get_args(target), strict=False))


def _filled_in(hint: Any, arguments: Mapping[Any, Any]) -> Any:
    if isinstance(hint, TypeVar):
        return arguments.get(hint, hint)
    parameters = getattr(hint, "__parameters__", ())
    if not parameters or inspect.isclass(hint) or not arguments:
        return hint
    return hint[tuple(arguments.get(parameter, parameter) for parameter in parameters)]


def parts_of(target: Any) -> Iterator[Any]:
    """Yield every type that a type consists of, itself first, each one once, except those that still need arguments."""
    seen: set[Any] = set()
    pending = [target]
    while pending:
        part = pending.pop(0)
        if part in seen or part is Ellipsis or (seen and _waits_for_arguments(part)):
            continue
        seen.add(part)
        yield part
        pending += _children(part)


def _waits_for_arguments(part: Any) -> bool:
    return isinstance(part, TypeVar) or (bool(getattr(part, "__parameters__", ())) and not inspect.isclass(part))


def _children(part: Any) -> list[Any]:
    plain = plain_form(part)
    if plain is not part:
        return [plain]
    if is_literal(part):
        return []
    children = list(get_args(part))
    if is_typed_dict(part):
        children += [field.type for field in fields_of_typed_dict(part)]
        if (extra := extra_items_of(part)) is not None:
            children.append(extra)
    elif is_named_tuple(part):
        children += fields_of_named_tuple(part).values()
    elif is_class_with_fields(part):
        origin = origin_of(part)
        declared = attrs.fields(origin) if attrs.has(origin) else fields(origin)
        arguments = _arguments(part)
        own = inspect.get_annotations(origin)
        children += [
            _filled_in(field.type, arguments if field.name in own else {})
            for field in declared
            if field.type is not None and field.init
        ]
    return children
