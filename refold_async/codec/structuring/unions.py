"""Unions: the kind of a JSON value decides which member is meant; classes are distinguished by their fields."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# (cattrs is typed in part)

from collections.abc import Sequence
from datetime import date
from enum import Enum
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin

from cattrs import Converter, StructureHandlerNotFoundError
from cattrs.disambiguators import create_default_dis_func

from refold_async.codec.structuring.containers import hook_for, is_list, is_mapping, is_tuple
from refold_async.codec.structuring.declarations import (
    is_class_with_fields,
    is_named_tuple,
    is_pydantic,
    is_typed_dict,
    origin_of,
    plain_form,
)
from refold_async.codec.structuring.plain_values import (
    KINDS,
    Hook,
    WrongTypeError,
    enum_hook,
    is_enum,
    is_literal,
    kind_of,
    literal_hook,
)
from refold_async.codec.structuring.pydantic_classes import any_of_hook

__all__ = ["is_union", "union_hook"]

_PLAIN: Final = frozenset({str, bool, int, float, type(None)})
_TEXTS: Final = (str, date)  # a datetime is a date


def is_union(target: Any) -> bool:
    """Return whether a type is a union."""
    return get_origin(target) in {Union, UnionType}


def union_hook(target: Any, converter: Converter) -> Hook:
    """Make the hook of a union.

    Raises:
        StructureHandlerNotFoundError: Two of its members cannot be distinguished, or one cannot be made from JSON.
    """
    members = list(_members_of(target))
    if Any in members or object in members:
        return lambda value, _: value
    plain = {member for member in members if member in _PLAIN}
    choices = [member for member in members if is_literal(member) or is_enum(member)]
    _check_choices(choices, target)
    others: dict[type, list[Any]] = {}
    for member in members:
        if member not in plain and member not in choices:
            others.setdefault(_kind_read_from(member, target), []).append(member)
    hooks = {kind: _hook_of_one_kind(kind, of_kind, target, converter) for kind, of_kind in others.items()}
    if plain == {type(None)} and len(hooks) == 1 and not choices:
        [(hook, meant)] = hooks.values()
        return lambda value, _: None if value is None else hook(value, meant)
    widens = float in plain and int not in plain

    def structure(value: Any, _: Any) -> Any:
        kind = type(value)
        for choice in choices:
            if _is_choice(value, choice):
                return (literal_hook if is_literal(choice) else enum_hook)(value, choice)
        if kind in plain:
            return value
        if widens and kind is int:
            return float(value)
        if (found := hooks.get(kind)) is not None:
            return found[0](value, found[1])
        if choices and not plain and not hooks:
            expected = f"one of {', '.join(repr(value) for choice in choices for value in _values_of(choice))}"
            raise WrongTypeError(f"expected {expected}")
        kinds = [KINDS[kind] for kind in KINDS if kind in plain or kind in hooks]
        kinds += ["one of its choices"] if choices else []
        raise WrongTypeError(f"expected {' or '.join(kinds)}, got {kind_of(value)}")

    def structure_plain(value: Any, _: Any) -> Any:
        if type(value) in plain:
            return value
        return structure(value, _)

    return structure if choices else structure_plain


def _members_of(target: Any) -> list[Any]:
    """Return the members, including those of unions inside, even if these have a name."""
    members: list[Any] = []
    for member in get_args(target):
        form = plain_form(member)
        # The form of a class or a list is the member itself, without its annotations.
        members += _members_of(form) if is_union(form) else [form]
    return list(dict.fromkeys(members))


def _values_of(choice: Any) -> list[Any]:
    if is_literal(choice):
        return [one.value if isinstance(one, Enum) else one for one in get_args(choice)]
    return [member.value for member in choice]


def _is_choice(value: Any, choice: Any) -> bool:
    return any(type(one) is type(value) and one == value for one in _values_of(choice))


def _check_choices(choices: Sequence[Any], target: Any) -> None:
    enums = [choice for choice in choices if is_enum(choice)]
    for number, first in enumerate(enums):
        for second in enums[:number]:
            if common := [value for value in _values_of(first) if _is_choice(value, second)]:
                raise StructureHandlerNotFoundError(
                    f"{second.__name__} and {first.__name__} cannot be distinguished: both have {common[0]!r}.", target
                )


def _kind_read_from(member: Any, target: Any) -> type:
    """Return the type of the JSON values that a member is made from."""
    if is_pydantic(member):
        root = getattr(origin_of(member), "__pydantic_root_model__", False)
        return _kind_read_from(plain_form(member.model_fields["root"].annotation), target) if root else dict
    if member in _PLAIN:
        return member  # type: ignore[no-any-return]
    if is_class_with_fields(member) or is_typed_dict(member) or is_mapping(member):
        return dict
    if is_list(member) or is_tuple(member) or is_named_tuple(member):
        return list
    origin = origin_of(member)
    if isinstance(origin, type):
        if issubclass(origin, _TEXTS):
            return str
        for kind in (int, float):
            if issubclass(origin, kind):
                return kind
    raise StructureHandlerNotFoundError(f"{member} cannot be made from JSON in a union.", target)


def _hook_of_one_kind(kind: type, members: list[Any], target: Any, converter: Converter) -> tuple[Hook, Any]:
    """Return the hook of the members that are made from one kind of value, and the type to call it with."""
    if len(members) == 1:
        return hook_for(converter, members[0]), members[0]
    if all(map(is_pydantic, members)):
        return any_of_hook(members, target, converter), target
    names = ", ".join(getattr(member, "__name__", str(member)) for member in members)
    if not all(map(is_class_with_fields, members)):
        raise StructureHandlerNotFoundError(
            f"{names} cannot be distinguished: all are made from {KINDS[kind]}.", target
        )
    try:
        tell_apart = create_default_dis_func(converter, *members)
    except TypeError:
        raise StructureHandlerNotFoundError(
            f"{names} cannot be distinguished: give each a field that the others do not have, or a Literal of its own.",
            target,
        ) from None
    hooks = {member: hook_for(converter, member) for member in members}

    def structure(value: Any, _: Any) -> Any:
        try:
            member: Any = tell_apart(value)
        except ValueError:
            raise WrongTypeError(f"expected one of {names}, but cannot decide which one") from None
        return hooks[member](value, member)

    return structure, target
