"""JSON objects as classes with fields, and as TypedDicts."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (cattrs is typed in part)

import threading
from collections.abc import Callable
from dataclasses import fields
from types import CodeType, MemberDescriptorType, NoneType
from typing import Any, Final, Generic, get_args, get_origin, get_type_hints

import attrs
from cattrs import Converter, StructureHandlerNotFoundError
from cattrs.gen import make_dict_structure_fn

from refold_async.codec.structuring.containers import hook_for
from refold_async.codec.structuring.declarations import extra_items_of, fields_of_typed_dict, origin_of
from refold_async.codec.structuring.generated_code import Part, generate
from refold_async.codec.structuring.misfits import Misfits, looking_for_a_few
from refold_async.codec.structuring.plain_values import Hook, WrongTypeError, only_from, wrong_type
from refold_async.codec.structuring.unions import is_union
from refold_async.models.model import Model

__all__ = ["class_hook", "made_once", "typed_dict_hook"]

HookFactory = Callable[[Any, Converter], Hook]

_PLAIN: Final = (str, bool, int, float)
_being_made: Final = threading.local()


def made_once(make: HookFactory) -> HookFactory:
    """Let `make` raise `RecursionError` for a type that contains itself, as cattrs does for classes."""

    def make_once(target: Any, converter: Converter) -> Hook:
        targets: set[Any] = _being_made.__dict__.setdefault("targets", set())
        if target in targets:
            raise RecursionError
        targets.add(target)
        try:
            return make(target, converter)
        except NameError as error:
            # For example, a class made in a function that uses names which only the function sees.
            name = origin_of(target).__name__
            raise StructureHandlerNotFoundError(f"{error}, in the annotations of {name}.", target) from None
        finally:
            targets.remove(target)

    return make_once


def class_hook(target: Any, converter: Converter) -> Hook:
    """Make the hook of an attrs class or a dataclass."""
    origin = origin_of(target)
    try:
        if attrs.has(origin):
            attrs.resolve_types(origin, include_extras=True)
        else:
            hints = get_type_hints(origin, include_extras=True)
            for field in fields(origin):
                field.type = hints[field.name]
    except NameError as error:
        # For example, a class made in a function that uses names which only the function sees.
        raise StructureHandlerNotFoundError(f"{error}, in the annotations of {origin.__name__}.", target) from None
    if not converter.detailed_validation and _has_only_fields(target):
        return _class_of_fields_hook(target, converter)
    # Without a copy of the code that it generates: Python would keep that for ever.
    hook: Hook = make_dict_structure_fn(target, converter, _cattrs_use_linecache=False)
    return only_from(dict, looking_for_a_few(hook) if converter.detailed_validation else hook)


def _has_only_fields(target: Any) -> bool:
    """Return whether all that happens when an object of a class is made is that its fields are set.

    So it is for attrs classes with slots, without validators, converters and methods of their own for the creation.
    """
    if not isinstance(target, type) or not attrs.has(target) or Generic in target.__mro__:
        return False
    declared = attrs.fields(target)
    slots = {slot for cls in target.__mro__ for slot in vars(cls).get("__slots__", ())} - {"__weakref__"}
    return (
        slots == {field.name for field in declared}
        and all(isinstance(getattr(target, slot, None), MemberDescriptorType) for slot in slots)
        and all(map(_is_only_set, declared))
        and type(target).__call__ is type.__call__
        and target.__new__ is object.__new__
        and _is_generated(vars(target).get("__init__"))
        and not hasattr(target, "__attrs_pre_init__")
        and not hasattr(target, "__attrs_post_init__")
        and target.__setattr__ in (object.__setattr__, Model.__setattr__)  # attrs sets the latter for frozen classes
    )


def _is_generated(method: Any) -> bool:
    code = getattr(method, "__code__", None)
    return isinstance(code, CodeType) and code.co_filename.startswith("<attrs generated")


def _is_only_set(field: Any) -> bool:
    """Return whether a field just gets its value, in a way that does not depend on its annotation otherwise."""
    return (
        field.init
        and field.validator is None
        and field.converter is None
        and not getattr(field.default, "takes_self", False)
        and field.type is not None
        and field.type is not Final
        and get_origin(field.type) is not Final
        and not hasattr(field.type, "__metadata__")  # cattrs reads what an Annotated has to say
    )


@made_once
def _class_of_fields_hook(target: Any, converter: Converter) -> Hook:
    parts: list[Part] = []
    for field in attrs.fields(target):
        hook = None if field.type is Any else hook_for(converter, field.type)
        parts.append(Part(field, (field.name,), hook, _plain_type(field.type)))
    return generate(target, parts, null_is_missing=False)


def _plain_type(target: Any) -> type | None:
    """Return the plain type whose values stay as they are for a type: str for `str` and for `str | None`."""
    members = get_args(target) if is_union(target) else (target,)
    kinds = [member for member in members if member is not NoneType]
    return kinds[0] if len(kinds) == 1 and kinds[0] in _PLAIN else None


@made_once
def typed_dict_hook(target: Any, converter: Converter) -> Hook:
    """Make the hook of a TypedDict. Keys that it does not declare stay as they are, unless it forbids them."""
    declared = fields_of_typed_dict(target)
    names = frozenset(field.name for field in declared)
    hooks = [(field.name, field.required, hook_for(converter, field.type), field.type) for field in declared]
    required = [(name, hook, kind) for name, must_be_there, hook, kind in hooks if must_be_there]
    optional = [(name, hook, kind) for name, must_be_there, hook, kind in hooks if not must_be_there]
    extra = extra_items_of(target)
    extra_hook = None if extra is Any or extra is None else hook_for(converter, extra)

    def build(value: Any, _: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise wrong_type(dict, value)
        built = value.copy()
        for name, hook, kind in required:
            built[name] = hook(value[name], kind)
        for name, hook, kind in optional:
            if name in value:
                built[name] = hook(value[name], kind)
        if extra is not Any:
            for name in value.keys() - names:
                built[name] = build_extra(value[name])
        return built

    def build_extra(one: Any) -> Any:
        if extra_hook is None:
            raise WrongTypeError("unexpected field")
        return extra_hook(one, extra)

    def build_thoroughly(value: Any, _: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise wrong_type(dict, value)
        misfits: Misfits | None = None
        built = value.copy()
        for name, must_be_there, hook, kind in hooks:
            try:
                if must_be_there or name in value:
                    built[name] = hook(value[name], kind)
            except Exception as error:  # noqa: BLE001 - the caller's classes may raise anything
                misfits = misfits or Misfits(target)
                if not misfits.add_field(error, name, kind):
                    raise misfits.error() from None
        for name in () if extra is Any else [name for name in value if name not in names]:
            try:
                built[name] = build_extra(value[name])
            except Exception as error:  # noqa: BLE001 - the caller's classes may raise anything
                misfits = misfits or Misfits(target)
                if not misfits.add_field(error, name, extra):
                    break
        if misfits is not None:
            raise misfits.error()
        return built

    return build_thoroughly if converter.detailed_validation else build
