"""JSON objects as classes with fields, and as TypedDicts."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (cattrs is typed in part)

import threading
from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final, get_type_hints

import attrs
from cattrs import Converter, StructureHandlerNotFoundError
from cattrs.gen import make_dict_structure_fn

from refold_async.codec.structuring.containers import hook_for
from refold_async.codec.structuring.declarations import extra_items_of, fields_of_typed_dict, origin_of
from refold_async.codec.structuring.misfits import Misfits, looking_for_a_few
from refold_async.codec.structuring.plain_values import Hook, WrongTypeError, only_from, wrong_type

__all__ = ["class_hook", "made_once", "typed_dict_hook"]

HookFactory = Callable[[Any, Converter], Hook]

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
    # Without a copy of the code that it generates: Python would keep that for ever.
    hook: Hook = make_dict_structure_fn(target, converter, _cattrs_use_linecache=False)
    return only_from(dict, looking_for_a_few(hook) if converter.detailed_validation else hook)


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
