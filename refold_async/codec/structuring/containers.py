"""JSON lists and objects as the collections of Python, each as the type that was asked for."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (cattrs is typed in part)

import collections
import inspect
from collections.abc import (
    Callable,
    Collection,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    MutableSequence,
    MutableSet,
    Reversible,
    Sequence,
    Set,
)
from functools import partial
from itertools import islice
from typing import Any, Final, get_args

from cattrs import Converter, StructureHandlerNotFoundError

from refold_async.codec.structuring.declarations import fields_of_named_tuple, origin_of, plain_form
from refold_async.codec.structuring.misfits import Misfits, ThoroughConverter
from refold_async.codec.structuring.plain_values import Hook, WrongTypeError, exactly, wrong_type

__all__ = [
    "hook_for",
    "is_list",
    "is_mapping",
    "is_other_collection",
    "is_tuple",
    "list_hook",
    "mapping_hook",
    "named_tuple_hook",
    "refuse",
    "tuple_hook",
]

_AS_THEY_COME: Final = (Any, object)
_PORTION: Final = 100
"""How many members of a long list are searched together for what does not fit."""

_LISTS: Final[Mapping[Any, Any]] = {
    list: None,
    Sequence: None,
    MutableSequence: None,
    Collection: None,
    Iterable: None,
    Reversible: None,
    collections.deque: collections.deque,
    set: set,
    MutableSet: set,
    Set: frozenset,
    frozenset: frozenset,
}
"""Makes a collection from a list, for the types that are read from a list."""

_MAPPINGS: Final = frozenset(
    {dict, Mapping, MutableMapping, collections.OrderedDict, collections.defaultdict, collections.Counter}
)


def is_list(target: Any) -> bool:
    """Return whether a type is read from a list whose elements all have one type."""
    return _is_among(target, _LISTS)


def is_mapping(target: Any) -> bool:
    """Return whether a type is read from an object as a mapping."""
    return _is_among(target, _MAPPINGS)


def _is_among(target: Any, types: Collection[Any]) -> bool:
    origin = origin_of(target)
    return isinstance(origin, Hashable) and origin in types


def is_tuple(target: Any) -> bool:
    """Return whether a type is a tuple without names."""
    return origin_of(target) is tuple


def is_other_collection(target: Any) -> bool:
    """Return whether a type is a collection that is not supported here, such as a caller's own subclass of dict."""
    origin = origin_of(target)
    return inspect.isclass(origin) and issubclass(origin, Collection) and not issubclass(origin, str)


def refuse(target: Any) -> Hook:
    """Refuse a type that is not supported here."""
    raise StructureHandlerNotFoundError(f"{getattr(target, '__name__', target)} cannot be made from JSON.", target)


def hook_for(converter: Converter, target: Any) -> Hook:
    """Return the hook of a part. If the part contains itself and its hook is being made, look the hook up later."""
    try:
        return converter.get_structure_hook(target)
    except RecursionError:
        return converter.structure


def list_hook(target: Any, converter: Converter) -> Hook:
    """Make the hook of a type that is read from a list."""
    make: Callable[[list[Any]], Any] | None = _LISTS[origin_of(target)]
    member = (get_args(target) or (Any,))[0]
    if make in {set, frozenset} and getattr(origin_of(plain_form(member)), "__hash__", True) is None:
        raise StructureHandlerNotFoundError(f"{member} cannot be in a set, because it has no hash.", target)
    members = _members_hook(target, member, converter)
    return members if make is None else lambda value, _: make(members(value, list))


def _members_hook(target: Any, member: Any, converter: Converter) -> Hook:
    if member in _AS_THEY_COME:

        def copy(value: Any, _: Any) -> list[Any]:
            if type(value) is not list:
                raise wrong_type(list, value)
            return list(value)

        return copy

    hook = hook_for(converter, member)

    def build(value: Any, _: Any) -> list[Any]:
        if type(value) is not list:
            raise wrong_type(list, value)
        return [hook(one, member) for one in value]

    if not isinstance(converter, ThoroughConverter):
        return build
    build_quickly = _members_hook(target, member, converter.quick)

    def build_thoroughly(value: Any, _: Any) -> list[Any]:
        if type(value) is not list:
            raise wrong_type(list, value)
        misfits = Misfits(target)
        built = list(
            _in_portions(
                value,
                lambda portion: build_quickly(portion, list),
                lambda first, portion: misfits.build(
                    (place, hook, member, one) for place, one in enumerate(portion, first)
                ),
            )
        )
        misfits.check()
        return built

    return build_thoroughly


def _in_portions(
    members: Collection[Any],
    quickly: Callable[[list[Any]], Iterable[Any]],
    thoroughly: Callable[[int, list[Any]], Iterable[Any]],
) -> Iterator[Any]:
    """Yield what members become: built quickly, except for portions in which something does not fit.

    Nearly all members of a long list may fit, and to build those thoroughly would take twice as long.

    Args:
        members: The members.
        quickly: Builds a portion of them, or raises.
        thoroughly: Builds a portion of them, given the number of the first, and finds what does not fit.
    """
    if len(members) <= _PORTION:  # also because short lists in lists in lists would be built once for each level
        yield from thoroughly(0, list(members))
        return
    remaining = iter(members)
    first = 0
    while portion := list(islice(remaining, _PORTION)):
        try:
            built = quickly(portion)
        except Exception:  # noqa: BLE001 - the caller's classes may raise anything
            built = thoroughly(first, portion)
        yield from built
        first += len(portion)


def tuple_hook(target: Any, converter: Converter) -> Hook:
    """Make the hook of a tuple: any number of elements of one type, or elements that each have their own type."""
    members = get_args(target)
    if target is tuple or Ellipsis in members:
        build = _members_hook(target, (members or (Any,))[0], converter)
        return lambda value, _: tuple(build(value, list))
    return _members_in_turn(target, members, tuple, converter)


def named_tuple_hook(target: Any, converter: Converter) -> Hook:
    """Make the hook of a NamedTuple, which is read from a list like any tuple."""
    origin = origin_of(target)
    return _members_in_turn(target, tuple(fields_of_named_tuple(target).values()), origin._make, converter)


def _members_in_turn(
    target: Any, members: tuple[Any, ...], make: Callable[[list[Any]], Any], converter: Converter
) -> Hook:
    hooks = [(hook_for(converter, member), member) for member in members]

    def build(value: Any, _: Any) -> Any:
        if type(value) is not list:
            raise wrong_type(list, value)
        if len(value) != len(hooks):
            raise WrongTypeError(f"expected {len(hooks)} items, got {len(value)}")
        if not converter.detailed_validation:
            return make([hook(one, member) for (hook, member), one in zip(hooks, value, strict=True)])
        misfits = Misfits(target)
        built = list(
            misfits.build(
                (place, *of_member, one) for place, (of_member, one) in enumerate(zip(hooks, value, strict=True))
            )
        )
        misfits.check()
        return make(built)

    return build


def mapping_hook(target: Any, converter: Converter) -> Hook:
    """Make the hook of a type that is read from an object with any keys."""
    if target is dict:
        return exactly(dict)
    origin = origin_of(target)
    key, member = (*get_args(target), Any, Any)[:2]
    make: Callable[[dict[Any, Any]], Any] | None = None
    if origin is collections.OrderedDict:
        make = collections.OrderedDict
    elif origin is collections.Counter:
        make, member = collections.Counter, int
    elif origin is collections.defaultdict:
        kind = origin_of(member)
        factory = member if inspect.isclass(kind) and member not in _AS_THEY_COME else None
        make = partial(collections.defaultdict, factory)
    members = _mapping_of(target, key, member, converter)
    return members if make is None else lambda value, _: make(members(value, dict))


def _mapping_of(target: Any, key: Any, member: Any, converter: Converter) -> Hook:
    key_hook = None if key in (*_AS_THEY_COME, str) else hook_for(converter, key)  # in JSON, keys are strings
    member_hook = None if member in _AS_THEY_COME else hook_for(converter, member)

    def build(value: Any, _: Any) -> dict[Any, Any]:
        if type(value) is not dict:
            raise wrong_type(dict, value)
        if member_hook is None:
            return dict(value) if key_hook is None else {key_hook(name, key): one for name, one in value.items()}
        if key_hook is None:
            return {name: member_hook(one, member) for name, one in value.items()}
        return {key_hook(name, key): member_hook(one, member) for name, one in value.items()}

    if not isinstance(converter, ThoroughConverter):
        return build
    build_quickly = _mapping_of(target, key, member, converter.quick)

    def build_pair(pair: tuple[str, Any], _: Any) -> tuple[Any, Any]:
        name, one = pair
        made = one if member_hook is None else member_hook(one, member)
        return name if key_hook is None else key_hook(name, key), made

    def build_thoroughly(value: Any, _: Any) -> dict[Any, Any]:
        if type(value) is not dict:
            raise wrong_type(dict, value)
        misfits = Misfits(target)
        built = dict(
            _in_portions(
                value.items(),
                lambda portion: build_quickly(dict(portion), dict).items(),
                lambda _, portion: misfits.build((pair[0], build_pair, member, pair) for pair in portion),
            )
        )
        misfits.check()
        return built

    return build_thoroughly
