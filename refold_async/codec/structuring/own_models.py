"""Refold's own responses as models: parsed leniently, and with the JSON that they were made from."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# (cattrs is typed in part)

import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, override

from refold_async.codec.structuring.containers import hook_for
from refold_async.codec.structuring.declarations import origin_of
from refold_async.codec.structuring.generated_code import Part, generate
from refold_async.codec.structuring.lenient_values import identifier, lenient_hook, strict_hook, unchanged_by
from refold_async.codec.structuring.misfits import looking_for_a_few
from refold_async.codec.structuring.plain_values import Hook, wrong_type
from refold_async.models.model import Model

__all__ = ["is_model", "model_hook"]

_NOT_SENT: Final = frozenset({"raw", "meta"})
"""The fields that the client fills in itself."""


def is_model(target: Any) -> bool:
    """Return whether a type is one of our own models."""
    return inspect.isclass(origin_of(target)) and issubclass(origin_of(target), Model)


def model_hook(target: Any, converter: Converter) -> Hook:
    """Structure one of our own models, and keep the JSON object in `raw`.

    An optional field whose value is not of its type is treated as missing; in a list, such an element is left out.
    Refold's responses differ from its documentation in small ways, and one odd name must not make a list unreadable.
    Fields that decisions depend on stay strict.
    """
    make = _make_thoroughly if converter.detailed_validation else _make_quickly
    return make(target, _lenient_hooks(target, converter), converter)


def _lenient_hooks(model: Any, converter: Converter) -> dict[str, Hook]:
    """Return the hooks of the fields of a model that need a hook of their own."""

    def hook_of_model(kind: Any) -> Hook | None:
        return converter.get_structure_hook(kind) if is_model(kind) else None

    hooks: dict[str, Hook] = {}
    for field in _fields_sent(model):
        hook: Hook | None
        if field.metadata.get("strict"):
            hook = strict_hook(field.type, partial(hook_for, converter))
        elif field.type is str and "names" in field.metadata:
            hook = identifier
        else:
            hook = lenient_hook(field.type, hook_of_model)
        if hook is not None:
            hooks[field.name] = hook
    return hooks


def _fields_sent(model: Any) -> list[Any]:
    return [field for field in attrs.fields(model) if field.name not in _NOT_SENT]


def _names_of(field: Any) -> list[str]:
    """Return the names that Refold may use for a field. The first name that an object has is used."""
    return list(dict.fromkeys([*field.metadata.get("names", ()), field.name]))


def _make_quickly(model: Any, hooks: Mapping[str, Hook], converter: Converter) -> Hook:
    """Return a function that makes a model from an object. It may raise any exception if the object does not fit."""
    parts: list[Part] = []
    for field in attrs.fields(model):
        if field.name in _NOT_SENT:
            parts.append(Part(field))  # of which `raw` is set at the end
        else:
            hook = hooks.get(field.name) or (None if field.type is Any else hook_for(converter, field.type))
            parts.append(Part(field, _names_of(field), hook, unchanged_by(hook)))
    return generate(model, parts, null_is_missing=True, whole="raw", twin=_settable_twin(model))


def _make_thoroughly(model: Any, hooks: Mapping[str, Hook], converter: Converter) -> Hook:
    """Return a function that makes a model from an object, and that reports each field that does not fit."""
    overrides: dict[str, Any] = {name: override(omit=True) for name in _NOT_SENT}
    overrides |= {name: override(struct_hook=hook) for name, hook in hooks.items()}
    structure_fields = looking_for_a_few(make_dict_structure_fn(model, converter, **overrides))
    names = {field.name: _names_of(field) for field in _fields_sent(model)}

    def structure(value: Any, _: Any) -> Any:
        if type(value) is not dict:
            raise wrong_type(dict, value)
        given = {name: [value[one] for one in known if value.get(one) is not None] for name, known in names.items()}
        made = structure_fields({name: parts[0] for name, parts in given.items() if parts}, model)
        object.__setattr__(made, "raw", value)
        return made

    return structure


def _settable_twin(model: Any) -> type:
    """Return a class with the layout of a model that is not frozen, so that its instances can become models.

    To set the fields of a frozen instance takes twice as long.
    """
    settable = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    return type(model.__name__, model.__bases__, {"__slots__": model.__slots__, **settable})
